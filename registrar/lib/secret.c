// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/secret.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#define ENV "{env:"
#define FILE_ "{file:"

/* One `{...}` in a text. */
struct reference {
	const char *start, *end; /* of it; the end is behind its brace */
	bool file;
	size_t len; /* of name */
	char name[PATH_MAX];
};

/* ---- references ------------------------------------------------------- */

static const char *find_start(const char *text)
{
	const char *env = strstr(text, ENV), *file = strstr(text, FILE_);

	return env && (!file || env < file) ? env : file;
}

bool secret_is_in(const char *text)
{
	return find_start(text);
}

static bool is_variable(const char *name)
{
	const char *p = name;

	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	return *name && !*p && !isdigit((unsigned char)*name);
}

/* The first one in text; 1: there is none. */
static int find_reference(
    const char *text, struct reference *ret_r, struct diag *reterr)
{
	struct reference *r = ret_r;

	r->start = find_start(text);
	if (!r->start)
		return 1;
	r->file = strncmp(r->start, FILE_, strlen(FILE_)) == 0;
	const char *name = r->start + strlen(r->file ? FILE_ : ENV);

	r->len = strcspn(name, "{}");
	if (name[r->len] != '}' || r->len >= sizeof(r->name))
		goto bad;
	memcpy(r->name, name, r->len);
	r->name[r->len] = '\0';
	r->end = name + r->len + 1;
	if (r->file ? *r->name == '/' : is_variable(r->name))
		return 0;
bad:
	(void)diag_set(reterr, -EINVAL,
	    "found '%.64s', expected {env:NAME} or {file:/PATH}", r->start);
	return -EINVAL;
}

int secret_check(const char *text, struct diag *reterr)
{
	struct reference r;
	int found;

	while ((found = find_reference(text, &r, reterr)) == 0) {
		if (!r.file && !getenv(r.name)) {
			return diag_set(reterr, -ENOENT,
			    "found {env:%s}, expected the name of a variable "
			    "in the environment of the registrar",
			    r.name);
		}
		text = r.end;
	}
	return found < 0 ? found : 0;
}

/* ---- reading ---------------------------------------------------------- */

int secret_take_file(const struct fetch *f, const char *path, const char *what,
    size_t room, struct fetched *ret_is, struct diag *reterr)
{
	const struct fetched is = fetch_get(f, path);

	if (is.error == -EINVAL) {
		return diag_set(reterr, is.error,
		    "cannot read '%s': it is no regular file", path);
	}
	if (is.error) {
		return diag_set(reterr, is.error, "cannot %s '%s': %s", is.call,
		    path, strerror(-is.error));
	}
	if (is.len >= room) {
		return diag_set(reterr, -EFBIG,
		    "found more than %zu octets in '%s', expected %s", room - 1,
		    path, what);
	}
	*ret_is = is;
	return 0;
}

static size_t without_newline(const char *text, size_t len)
{
	if (len && text[len - 1] == '\n')
		len--;
	if (len && text[len - 1] == '\r' && text[len] == '\n')
		len--;
	return len;
}

static bool is_clean(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* What a reference stands for, on the heap. */
static int read_one(const struct reference *r, const struct fetch *f,
    char **ret_value, struct diag *reterr)
{
	const char *value = r->file ? NULL : getenv(r->name);
	size_t len = value ? strlen(value) : 0;

	if (r->file) {
		struct fetched is = { 0 };
		int error = secret_take_file(f, r->name, "a value for a header",
		    SECRET_MAX, &is, reterr);

		if (error < 0)
			return error;
		len = without_newline(is.text, is.len);
		value = is.text;
	}
	if (!value) {
		return diag_set(reterr, -ENOENT,
		    "cannot find '%s' in the environment", r->name);
	}
	if (!is_clean(value, len)) {
		return diag_set(reterr, -EINVAL,
		    "found a line end or another control character in '%s', "
		    "expected a value for a header",
		    r->name);
	}
	*ret_value = xasprintf("%.*s", (int)len, value);
	return 0;
}

/* ---- filling in ------------------------------------------------------- */

void secret_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static void remember(struct secrets *s, char *value)
{
	if (!*value) {
		free(value);
		return;
	}
	s->items = xreallocarray(s->items, s->n + 1, sizeof(*s->items));
	s->items[s->n++] = value;
}

/* The parts of a text behind each other; nothing is left where they were. */
static void append(char **out, const char *part, size_t len)
{
	char *before = *out;

	*out = xasprintf("%s%.*s", before, (int)len, part);
	secret_free(before);
}

int secret_fill(const char *text, const struct fetch *f, struct secrets *s,
    char **ret_text, struct diag *reterr)
{
	char *out = xstrdup(""), *value = NULL;
	struct reference r;
	int found;

	while ((found = find_reference(text, &r, reterr)) == 0) {
		found = read_one(&r, f, &value, reterr);
		if (found < 0 || !value)
			break;
		append(&out, text, (size_t)(r.start - text));
		append(&out, value, strlen(value));
		remember(s, take_ptr(&value));
		text = r.end;
	}
	if (found < 0) {
		secret_free(out);
		return found;
	}
	append(&out, text, strlen(text));
	*ret_text = out;
	return 0;
}

void secret_each_file(
    const char *text, void (*fn)(void *arg, const char *path), void *arg)
{
	struct reference r;

	while (find_reference(text, &r, NULL) == 0) {
		if (r.file)
			fn(arg, r.name);
		text = r.end;
	}
}

void secrets_hide(const struct secrets *s, char *text, size_t len)
{
	if (!s->n || !len)
		return;
	char *hidden = xcalloc(len, 1); /* one may lie within another */

	for (unsigned i = 0; i < s->n; i++) {
		size_t n = strlen(s->items[i]);
		char *at = text;

		while ((at = memmem(
		            at, len - (size_t)(at - text), s->items[i], n))) {
			memset(hidden + (at - text), 1, n);
			at++;
		}
	}
	for (size_t k = 0; k < len; k++) {
		if (hidden[k])
			text[k] = '*';
	}
	free(hidden);
}

void secrets_release(struct secrets *s)
{
	for (unsigned i = 0; i < s->n; i++)
		secret_free(s->items[i]);
	free(s->items);
	*s = (struct secrets){ 0 };
}
