// SPDX-License-Identifier: BSD-2-Clause
/*
 * Metadata apart from its JSON.
 *
 * dnsd reads it for every instance: json_each() takes 1.7 us for two keys,
 * which would be most of a cold start. Objects of strings without escapes,
 * nearly all there are, are taken apart here in a tenth of that; all others
 * go to SQLite.
 */
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

/*
 * Writes the strings over the text, key, value, key ..., each with its NUL,
 * and returns how many there are; what is written never overtakes what is
 * read. -1: not such an object, and the text is spoilt.
 */
static int unfold(char *text)
{
	char *in = text, *out = text;

	if (strchr(text, '\\'))
		return -1;
	for (int n = 0;; n++) {
		const char *before = n == 0 ? "{" : n % 2 ? ":" : ",";

		in = skip_space(in);
		if (n && n % 2 == 0 && *in == '}')
			return *skip_space(in + 1) ? -1 : n;
		if (*in != *before)
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
	int n = unfold(strings);
	if (n < 0)
		return each_by_sql(r, meta, fn, arg);
	for (const char *key = strings; n > 0; n -= 2) {
		const char *value = key + strlen(key) + 1;

		fn(arg, key, value);
		key = value + strlen(value) + 1;
	}
	return 0;
}
