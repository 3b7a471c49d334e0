// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/exchange/import_line.h"

#include "schema/label.h"
#include "schema/registry.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOUND_MAX 40 /* of a wrong value are shown */

struct reader {
	char *text;
	size_t len, at;
	size_t column; /* of the error */
	struct diag *err;
};

/* ---- the keys --------------------------------------------------------- */

enum type { TYPE_TEXT, TYPE_INTEGER, TYPE_JSON };

struct key {
	const char *name;
	size_t offset;
	bool (*valid)(const char *text);
	int min, max; /* of an integer */
	const char *expected;
	enum type type;
	bool required;
	char open; /* of JSON */
};

static bool is_address(const char *s)
{
	return label_is_ipv4(s) || label_is_ipv6(s);
}

static bool is_label(const char *s)
{
	return label_is_valid(s, LABEL_MAX);
}

#define AT(field) offsetof(struct import_line, field)

// clang-format off
static const struct key keys[IMPORT_KEY_N] = {
	[IMPORT_SERVICE] = { "service", AT(service), label_is_service, 0, 0,
		LABEL_SERVICE_RULE, TYPE_TEXT, true, '"' },
	[IMPORT_ID] = { "id", AT(id), label_is_instance, 0, 0,
		LABEL_INSTANCE_RULE, TYPE_TEXT, true, '"' },
	[IMPORT_ADDRESS] = { "address", AT(address), is_address, 0, 0,
		ADDRESS_RULE, TYPE_TEXT, true, '"' },
	[IMPORT_PORT] = { "port", AT(port), NULL, 1, 65535,
		"an integer 1..65535", TYPE_INTEGER, false, 0 },
	[IMPORT_WEIGHT] = { "weight", AT(weight), NULL, 0, 65535,
		"an integer 0..65535", TYPE_INTEGER, false, 0 },
	[IMPORT_PRIORITY] = { "priority", AT(priority), NULL, 0, 65535,
		"an integer 0..65535", TYPE_INTEGER, false, 0 },
	[IMPORT_ADDRESS6] = { "address6", AT(address6), label_is_ipv6, 0, 0,
		"an IPv6 address in lower case", TYPE_TEXT, false, '"' },
	[IMPORT_TAGS] = { "tags", AT(tags), NULL, 0, 0,
		"an array of texts", TYPE_JSON, false, '[' },
	[IMPORT_META] = { "meta", AT(meta), NULL, 0, 0,
		"an object of strings", TYPE_JSON, false, '{' },
	[IMPORT_PROTOCOL] = { "protocol", AT(protocol), label_is_service, 0, 0,
		LABEL_SERVICE_RULE, TYPE_TEXT, false, '"' },
	[IMPORT_TTL] = { "ttl", AT(ttl_s), NULL, 0, INT_MAX,
		"an integer 0..2147483647", TYPE_INTEGER, false, 0 },
	[IMPORT_WEIGHT_WARNING] = { "weight_warning", AT(weight_warning), NULL,
		0, 65535, "an integer 0..65535", TYPE_INTEGER, false, 0 },
	[IMPORT_LOCALITY] = { "locality", AT(locality), is_label, 0, 0,
		LABEL_RULE, TYPE_TEXT, false, '"' },
	[IMPORT_PORT_NAME] = { "port_name", AT(port_name), label_is_service,
		0, 0, LABEL_SERVICE_RULE, TYPE_TEXT, false, '"' },
	[IMPORT_PORTS] = { "ports", AT(ports), NULL, 0, 0,
		"an array of ports", TYPE_JSON, false, '[' },
};
// clang-format on

/* ---- messages --------------------------------------------------------- */

/* What stands in the line from `from` on, up to where a value would end. */
static int wrong(
    struct reader *in, size_t from, const char *what, const char *expected)
{
	char found[FOUND_MAX + 1];
	size_t len = 0;

	while (from + len < in->len && len < FOUND_MAX) {
		char c = in->text[from + len];

		if (len && strchr(",}", c))
			break;
		found[len++] = '?';
		if (c >= ' ' && c <= '~')
			found[len - 1] = c;
	}
	found[len] = '\0';
	in->column = from + 1;
	return diag_set(in->err, -EINVAL, "found %s%s, expected %s", what,
	    len ? found : "the end of the line", expected);
}

static int wrong_value(struct reader *in, enum import_key k, size_t from)
{
	char what[24];

	(void)snprintf(what, sizeof(what), "%s ", keys[k].name);
	return wrong(in, from, what, keys[k].expected);
}

static int wrong_key(struct reader *in, size_t from, const char *name)
{
	char known[224] = "";

	for (size_t i = 0, len = 0; i < IMPORT_KEY_N; i++) {
		len += (size_t)snprintf(known + len, sizeof(known) - len,
		    "%s%s", i ? ", " : "", keys[i].name);
	}
	in->column = from + 1;
	return diag_set(in->err, -EINVAL,
	    "found key \"%.*s\", expected one of %s", FOUND_MAX, name, known);
}

/* ---- tokens ----------------------------------------------------------- */

/* The octet at the cursor; NUL at the end. */
static char peek(const struct reader *in)
{
	return in->text[in->at];
}

static void skip_space(struct reader *in)
{
	in->at += strspn(in->text + in->at, " \t\r");
}

static int expect(struct reader *in, char c, const char *expected)
{
	skip_space(in);
	if (peek(in) != c)
		return wrong(in, in->at, "", expected);
	in->at++;
	return 0;
}

/* The rare string with escapes: what it means is never longer. */
static bool unescape(char *quoted, size_t len)
{
	json_t *value = json_loadb(quoted, len, JSON_DECODE_ANY, NULL);
	const char *meant = json_string_value(value);

	if (meant)
		memcpy(quoted + 1, meant, strlen(meant) + 1);
	json_decref(value);
	return meant != NULL;
}

/* A string, in place: its last quote becomes NUL. */
static int read_text(
    struct reader *in, const char **ret_text, const char *expected)
{
	size_t start = in->at, i = start + 1;
	bool escaped = false;

	if (peek(in) != '"')
		return wrong(in, start, "", expected);
	for (; i < in->len && in->text[i] != '"'; i++) {
		if ((unsigned char)in->text[i] < ' ')
			return wrong(in, start, "", expected);
		if (in->text[i] == '\\') {
			escaped = true;
			i++;
		}
	}
	if (i >= in->len)
		return wrong(in, start, "", "a closing quote");
	if (escaped && !unescape(in->text + start, i + 1 - start))
		return wrong(in, start, "", expected);
	if (!escaped)
		in->text[i] = '\0';
	in->at = i + 1;
	*ret_text = in->text + start + 1;
	return 0;
}

static int read_integer(struct reader *in, enum import_key k, int *ret_number)
{
	size_t start = in->at;
	bool negative = peek(in) == '-';
	long n = 0;

	in->at += negative;
	size_t first = in->at;
	while (peek(in) >= '0' && peek(in) <= '9' && n <= INT_MAX)
		n = n * 10 + (in->text[in->at++] - '0');
	if (in->at == first || !strchr(",} \t\r", peek(in)) ||
	    (in->text[first] == '0' && in->at > first + 1))
		return wrong_value(in, k, start);
	n = negative ? -n : n;
	if (n < keys[k].min || n > keys[k].max)
		return wrong_value(in, k, start);
	*ret_number = (int)n;
	return 0;
}

/* From the bracket at the cursor to the one that closes it; 0: none does. */
static size_t bracketed_len(const struct reader *in)
{
	bool quoted = false;
	size_t depth = 0;

	for (size_t i = in->at; i < in->len; i++) {
		char c = in->text[i];

		if (quoted && c == '\\') {
			i++;
		} else if (c == '"') {
			quoted = !quoted;
		} else if (!quoted && (c == '[' || c == '{')) {
			depth++;
		} else if (!quoted && (c == ']' || c == '}') && --depth == 0) {
			return i + 1 - in->at;
		}
	}
	return 0;
}

static int read_json(struct reader *in, enum import_key k, char **ret_json)
{
	size_t len = peek(in) == keys[k].open ? bracketed_len(in) : 0;
	json_t *value = len ? json_loadb(in->text + in->at, len,
	                          JSON_REJECT_DUPLICATES, NULL)
	                    : NULL;

	if (!value)
		return wrong_value(in, k, in->at);
	*ret_json = json_dumps(value, JSON_COMPACT);
	json_decref(value);
	in->at += len;
	return 0;
}

/* ---- the object ------------------------------------------------------- */

static int find_key(const char *name, enum import_key *ret_k)
{
	for (size_t i = 0; i < IMPORT_KEY_N; i++) {
		if (!strcmp(keys[i].name, name)) {
			*ret_k = (enum import_key)i;
			return 0;
		}
	}
	return -ENOENT;
}

static int read_value(
    struct reader *in, enum import_key k, struct import_line *l)
{
	void *field = (char *)l + keys[k].offset;
	size_t start = in->at;

	l->column[k] = start + 1;
	switch (keys[k].type) {
	case TYPE_INTEGER:
		return read_integer(in, k, field);
	case TYPE_JSON:
		return read_json(in, k, field);
	case TYPE_TEXT:
		break;
	}

	const char *text = "";
	if (peek(in) != '"')
		return wrong_value(in, k, start);
	int error = read_text(in, &text, keys[k].expected);
	if (error < 0)
		return error;
	if (!keys[k].valid(text)) {
		in->column = start + 1;
		return diag_set(in->err, -EINVAL,
		    "found %s \"%.*s\", expected %s", keys[k].name, FOUND_MAX,
		    text, keys[k].expected);
	}
	*(const char **)field = text;
	return 0;
}

static int read_member(struct reader *in, struct import_line *l)
{
	const char *name = "";
	enum import_key k = IMPORT_SERVICE;
	int error;

	skip_space(in);
	size_t start = in->at;
	if ((error = read_text(in, &name, "a key in quotes")) < 0)
		return error;
	if (find_key(name, &k) < 0)
		return wrong_key(in, start, name);
	if (l->column[k]) {
		in->column = start + 1;
		return diag_set(in->err, -EINVAL,
		    "found key \"%s\" again, expected it once", name);
	}
	if ((error = expect(in, ':', "':'")) < 0)
		return error;
	skip_space(in);
	return read_value(in, k, l);
}

static int read_object(struct reader *in, struct import_line *l)
{
	int error = expect(in, '{', "a JSON object");

	if (error < 0)
		return error;
	skip_space(in);
	if (peek(in) == '}') {
		in->at++;
	} else {
		for (;;) {
			if ((error = read_member(in, l)) < 0)
				return error;
			skip_space(in);
			if (peek(in) != ',')
				break;
			in->at++;
		}
		if ((error = expect(in, '}', "',' or '}'")) < 0)
			return error;
	}
	skip_space(in);
	return in->at < in->len
	           ? wrong(in, in->at, "", "one object on each line")
	           : 0;
}

static int check_required(struct reader *in, const struct import_line *l)
{
	for (size_t i = 0; i < IMPORT_KEY_N; i++) {
		if (!keys[i].required || l->column[i])
			continue;
		in->column = 1;
		return diag_set(in->err, -EINVAL,
		    "found no key \"%s\", expected it: %s", keys[i].name,
		    keys[i].expected);
	}
	return 0;
}

int import_line_parse(char *text, size_t len, struct import_line *ret_l,
    size_t *reterr_column, struct diag *reterr)
{
	struct reader in = { .text = text, .len = len, .err = reterr };
	struct import_line l = {
		.protocol = "tcp",
		.port = ROW_DEFAULT,
		.weight = 100,
		.weight_warning = ROW_DEFAULT,
		.ttl_s = ROW_DEFAULT,
	};
	int error = read_object(&in, &l);

	if (error == 0)
		error = check_required(&in, &l);
	if (error < 0) {
		import_line_release(&l);
		*reterr_column = in.column;
		return error;
	}
	*ret_l = l;
	return 0;
}

void import_line_release(struct import_line *l)
{
	free(l->tags);
	free(l->meta);
	free(l->ports);
	l->tags = NULL;
	l->meta = NULL;
	l->ports = NULL;
}
