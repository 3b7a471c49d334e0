// SPDX-License-Identifier: BSD-2-Clause
/*
 * JSON lines are streamed, so their format is decided by the first line
 * alone; every other text is read whole before it is looked at.
 */
#include "registrar/exchange/import_impl.h"
#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS 5000
#define BLANK " \t\r\n"

struct head {
	char *text; /* the first line that is not blank; owned */
	size_t len;
	unsigned long line;
};

/* ---- formats ----------------------------------------------------------- */

/*
 * The first key of an object, and how its value begins; false if the text
 * ends before.
 */
static bool first_key(
    const char *text, const char **ret_key, size_t *ret_len, char *ret_value)
{
	const char *key = text + 1 + strspn(text + 1, BLANK);
	const char *end = *key == '"' ? strchr(key + 1, '"') : NULL;
	const char *colon = end ? end + 1 + strspn(end + 1, BLANK) : NULL;

	if (!colon || *colon != ':')
		return false;
	*ret_key = key + 1;
	*ret_len = (size_t)(end - key - 1);
	*ret_value = colon[1 + strspn(colon + 1, BLANK)];
	return true;
}

static bool is_key(const char *key, size_t len, const char *name)
{
	return strlen(name) == len && !strncmp(key, name, len);
}

/* Of a text that begins with '{'. */
static enum exchange_format format_of_object(const char *text)
{
	static const char *const etcd[] = { "header", "kvs", "more", "count",
		"action", "node" };
	const char *key = "";
	size_t len = 0;
	char value = '\0';

	if (!first_key(text, &key, &len, &value))
		return FORMAT_LINES;
	for (size_t i = 0; i < sizeof(etcd) / sizeof(*etcd); i++) {
		if (is_key(key, len, etcd[i]))
			return FORMAT_SKYDNS;
	}
	/* meta alone is an object in a line, and seldom the first of it */
	if (value == '{' && !is_key(key, len, "meta"))
		return FORMAT_CONSUL;
	if (value == '[' && !is_key(key, len, "tags"))
		return FORMAT_CONSUL;
	if (len && *key >= 'A' && *key <= 'Z')
		return FORMAT_CONSUL;
	return FORMAT_LINES;
}

static enum exchange_format format_of(const char *text)
{
	switch (*text) {
	case '{':
		return format_of_object(text);
	case '[':
		return FORMAT_CONSUL;
	case '/':
		return FORMAT_SKYDNS;
	default:
		return FORMAT_ZONE;
	}
}

/*
 * An object that goes on in the next line is none of JSON lines. A line that
 * ends where it should not is a broken one of them, if it has a key at all.
 */
static bool is_lines(const struct import *im, const struct head *head)
{
	const char *text =
	    head->text ? head->text + strspn(head->text, BLANK) : "";
	const char *key;
	size_t len;
	char value;

	if (im->config->format != FORMAT_AUTO)
		return im->config->format == FORMAT_LINES;
	return !*text || (*text == '{' && first_key(text, &key, &len, &value) &&
	                     format_of_object(text) == FORMAT_LINES);
}

/* ---- the file ---------------------------------------------------------- */

/* Of UTF-8; editors on other systems write it. */
static void skip_mark(FILE *f)
{
	static const unsigned char mark[] = { 0xef, 0xbb, 0xbf };
	int c = fgetc(f);

	if (c != mark[0]) {
		(void)ungetc(c, f);
		return;
	}
	/* nothing else that begins so is in any of the formats */
	for (size_t i = 1; i < sizeof(mark) && c != EOF; i++)
		c = fgetc(f);
}

static int read_head(struct head *h, FILE *f)
{
	size_t room = 0;
	ssize_t len;

	errno = 0;
	skip_mark(f);
	if (ferror(f))
		return -errno;

	do {
		errno = 0;
		if ((len = getline(&h->text, &room, f)) < 0) {
			int error = ferror(f) ? -errno : 0;

			free(h->text);
			h->text = NULL;
			return error;
		}
		h->line++;
	} while (strspn(h->text, BLANK) == (size_t)len);
	h->len = (size_t)len;
	return 0;
}

/* The head and all behind it, with a NUL; blank lines before count. */
static char *read_all(const struct head *h, FILE *f, size_t *ret_len)
{
	size_t blank = h->line ? h->line - 1 : 0, len = blank + h->len;
	size_t room = len + 65536;
	char *text = xmalloc(room + 1);
	size_t n;

	memset(text, '\n', blank);
	if (h->len)
		memcpy(text + blank, h->text, h->len);
	while ((n = fread(text + len, 1, room - len, f)) > 0) {
		len += n;
		if (len == room) {
			room *= 2;
			text = xreallocarray(text, room + 1, 1);
		}
	}
	text[len] = '\0';
	*ret_len = len;
	return text;
}

static void import_text(struct import *im, const struct head *h, FILE *f)
{
	static void (*const readers[])(
	    struct import * im, char *text, size_t len) = {
		[FORMAT_CONSUL] = import_consul,
		[FORMAT_SKYDNS] = import_skydns,
		[FORMAT_ZONE] = import_zone,
	};
	size_t len = 0;
	scoped_free char *text = read_all(h, f, &len);
	enum exchange_format format = im->config->format;

	if (ferror(f)) {
		im->error =
		    diags_add(im->errors, -EIO, "cannot read '%s'", im->file);
		return;
	}
	if (format == FORMAT_AUTO)
		format = format_of(text + strspn(text, BLANK));
	if (format == FORMAT_LINES) { /* a lone brace at the end of a line */
		import_bad(im, (struct import_place){ h->line, 1 },
		    "found an object over several lines that has none of "
		    "Consul's keys, expected one object on each line");
		return;
	}
	readers[format](im, text, len);
	import_flush(im);
}

static void import_file(struct import *im, FILE *f)
{
	struct head head = { 0 };
	int error = read_head(&head, f);

	if (error < 0) {
		im->error = diags_add(im->errors, error, "cannot read '%s': %s",
		    im->file, strerror(-error));
	} else if (!is_lines(im, &head)) {
		import_text(im, &head, f);
		free(head.text);
	} else {
		if (head.text && head.text[head.len - 1] == '\n')
			head.text[--head.len] = '\0';
		import_lines(im, f, head.text, head.len, head.line);
	}
}

/* ---- the transaction --------------------------------------------------- */

/* Rows of imports had a source of their own once. */
static int rename_source(struct registry *r, struct diag *reterr)
{
	struct host_row host;
	unsigned n;
	int error = registry_read_host(r, &host, reterr);

	/* a scan, so only where there may be some */
	if (error < 0 || !host.plain_names)
		return error;
	return registry_adopt(r, "import", IMPORT_SOURCE, &n, reterr);
}

static int import_all(struct import *im, FILE *f, struct diag *reterr)
{
	int64_t before = 0, after = 0;
	int error = registry_begin(im->r, BUSY_MS, reterr);

	if (error < 0)
		return error;
	registry_on_others(im->r,
	    im->config->take_over ? OTHERS_TAKE : OTHERS_REFUSE,
	    im->config->who ? im->config->who : IMPORT_SOURCE);
	if ((error = rename_source(im->r, reterr)) == 0 &&
	    (error = registry_revision(im->r, &before)) == 0) {
		import_file(im, f);
		import_drop_empty(im);
		error = im->error;
	}
	if (error == 0)
		error = registry_revision(im->r, &after);
	/* nothing of it is right, or hardly anything */
	if (error == 0 && im->result.refused_n &&
	    (!im->result.instances_n || import_is_over(im)))
		error = im->error = -EINVAL;
	if (error < 0 || im->config->would)
		registry_rollback(im->r);
	if (error < 0)
		return error;
	im->result.changes_n = after - before;
	return im->config->would ? 0 : registry_commit(im->r, reterr);
}

static int import_open_file(const struct import_config *c, FILE *f,
    struct import_result *ret, struct diags *reterr)
{
	struct import im = {
		.config = c,
		.file = f == stdin ? "stdin" : c->file,
		.now_wall_ms = clock_wall_ms(),
		.errors = reterr,
	};
	struct diag why = { "" };

	if (c->would && access(c->registry, F_OK) < 0 && errno == ENOENT) {
		return diags_add(reterr, -ENOENT,
		    "cannot open registry '%s': there is none, and a dry run "
		    "makes none; all would be new",
		    c->registry);
	}
	int error = registry_open(c->registry, REGISTRY_WRITE, &im.r, &why);

	if (error == 0) {
		im.arena = arena_new();
		error = import_all(&im, f, &why);
		claims_release(&im.claims);
		free(im.ports);
		arena_free(im.arena);
		registry_close(im.r);
	}
	if (error < 0 && !im.error) /* not told yet */
		return diags_add(reterr, error, "%s", why.text);
	if (error == 0)
		*ret = im.result;
	return error == 0 && im.result.refused_n ? -EINVAL : error;
}

int import_run(const struct import_config *c, struct import_result *ret,
    struct diags *reterr)
{
	bool from_stdin = !strcmp(c->file, "-");
	scoped_file FILE *opened = from_stdin ? NULL : fopen(c->file, "re");
	FILE *f = from_stdin ? stdin : opened;

	*reterr = (struct diags){ 0 };
	*ret = (struct import_result){ 0 };
	if (!f) {
		int error = errno;

		return diags_add(reterr, -error, "cannot open '%s': %s",
		    c->file, strerror(error));
	}
	return import_open_file(c, f, ret, reterr);
}
