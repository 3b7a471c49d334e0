// SPDX-License-Identifier: BSD-2-Clause
/*
 * Metadata, tags and ports apart from their JSON.
 *
 * dnsd reads it for every instance: json_each() takes 1.7 us for two keys,
 * which would be most of a cold start. Objects of strings without escapes,
 * nearly all there are, are taken apart here in a tenth of that; all others
 * go to SQLite.
 */
#include "schema/base/arena.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/registry.h"
#include "schema/stmt.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static char *skip_space(char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* What stands around the strings: an object, an array. */
struct form {
	char open, close;
	char after[2]; /* the first, third ... string; the others */
};

static const struct form object = { '{', '}', { ':', ',' } };
static const struct form array = { '[', ']', { ',', ',' } };

/*
 * Writes the strings over the text, key, value, key ..., each with its NUL,
 * and returns how many there are; what is written never overtakes what is
 * read. -1: not of that form, and the text is spoilt.
 */
static int unfold(char *text, const struct form *f)
{
	char *in = text, *out = text;

	if (strchr(text, '\\'))
		return -1;
	for (int n = 0;; n++) {
		char before = f->open;

		if (n)
			before = f->after[(n - 1) % 2];
		in = skip_space(in);
		if (n && before == ',' && *in == f->close)
			return *skip_space(in + 1) ? -1 : n;
		if (*in != before)
			return -1;
		in = skip_space(in + 1);
		if (*in != '"')
			return -1;
		char *end = strchr(++in, '"');
		if (!end)
			return -1;
		size_t len = (size_t)(end - in);
		memmove(out, in, len);
		out[len] = '\0';
		out += len + 1;
		in = end + 1;
	}
}

static int each_by_sql(
    struct registry *r, const char *meta, registry_meta_fn fn, void *arg)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error;

	if ((error = stmt_get(r, STMT_META, &st, NULL)) < 0)
		return error;
	stmt_text(st, 1, meta);
	while ((more = stmt_step(r, st, NULL)) > 0) {
		const char *key = stmt_column_text(st, 0);
		const char *value = stmt_column_text(st, 1);

		if (!key || !value)
			return -EUCLEAN; /* the rules of words forbid it */
		fn(arg, key, value);
	}
	return more;
}

int registry_meta_each(
    struct registry *r, const char *meta, registry_meta_fn fn, void *arg)
{
	if (!strcmp(meta, "{}"))
		return 0;
	scoped_free char *strings = xstrdup(meta);
	int n = unfold(strings, &object);
	if (n < 0)
		return each_by_sql(r, meta, fn, arg);
	for (const char *key = strings; n > 0; n -= 2) {
		const char *value = key + strlen(key) + 1;

		fn(arg, key, value);
		key = value + strlen(value) + 1;
	}
	return 0;
}

struct tag_reader {
	registry_tag_fn fn;
	void *arg;
};

/* Keys of an array are its places. */
static void on_element(void *arg, const char *key, const char *value)
{
	const struct tag_reader *t = arg;

	(void)key;
	t->fn(t->arg, value);
}

int registry_tags_each(
    struct registry *r, const char *tags, registry_tag_fn fn, void *arg)
{
	struct tag_reader t = { fn, arg };

	if (!strcmp(tags, "[]"))
		return 0;
	scoped_free char *strings = xstrdup(tags);
	int n = unfold(strings, &array);
	if (n < 0)
		return each_by_sql(r, tags, on_element, &t);
	for (const char *tag = strings; n > 0; n--) {
		fn(arg, tag);
		tag += strlen(tag) + 1;
	}
	return 0;
}

/* Few services have any, and few of theirs instances say more of them. */
int registry_ports_each(
    struct registry *r, const char *ports, registry_port_fn fn, void *arg)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error;

	if (!ports)
		return 0;
	if ((error = stmt_get(r, STMT_PORTS, &st, NULL)) < 0)
		return error;
	stmt_text(st, 1, ports);
	while ((more = stmt_step(r, st, NULL)) > 0) {
		const struct port_row row = {
			.name = stmt_column_text(st, 0),
			.protocol = stmt_column_text(st, 1),
			.port = sqlite3_column_int(st, 2),
		};

		fn(arg, &row);
	}
	return more;
}

/* Labels and numbers: nothing in them has to be escaped. */
const char *registry_ports_text(
    struct arena *a, const struct port_row *rows, unsigned n)
{
	const char *text = "";

	for (unsigned i = 0; i < n; i++) {
		const struct port_row *p = &rows[i];

		text = arena_printf(a,
		    "%s%s{%s%s%s\"port\":%d,\"protocol\":\"%s\"}", text,
		    i ? "," : "[", p->name ? "\"name\":\"" : "",
		    p->name ? p->name : "", p->name ? "\"," : "", p->port,
		    p->protocol);
	}
	return n ? arena_printf(a, "%s]", text) : NULL;
}
