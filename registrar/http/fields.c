// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/fields.h"

#include "schema/conf/fields.h"
#include "schema/conf/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool bad(struct http_request *q, const char *before,
    const struct field *f, const char *expects)
{
	http_fail(q, 422, arena_printf(http_arena(q), "%s%s", before, f->name),
	    "expected %s", expects);
	return false;
}

static const char *range(struct http_request *q, const struct field *f)
{
	return arena_printf(http_arena(q),
	    "a number of %" PRId64 " to %" PRId64, f->low, f->high);
}

static bool read_duration(const json_t *j, int64_t *ret_ms)
{
	if (json_is_integer(j)) {
		*ret_ms = json_integer_value(j);
		if (*ret_ms < 0 || *ret_ms > INT32_MAX)
			return false;
		*ret_ms *= 1000;
		return true;
	}
	return json_is_string(j) &&
	       units_duration(json_string_value(j), ret_ms) == 0;
}

/* All of its values are texts without controls. */
static bool is_texts(json_t *j)
{
	const char *key;
	json_t *value;
	size_t k;

	json_object_foreach(j, key, value)
	{
		if (!json_is_string(value))
			return false;
	}
	json_array_foreach(j, k, value)
	{
		if (!json_is_string(value))
			return false;
	}
	return true;
}

static const char *text_of(struct http_request *q, const json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);

	if (!text)
		abort(); /* out of memory */
	const char *copy = arena_strdup(http_arena(q), text);

	free(text);
	return copy;
}

static bool read_number(struct http_request *q, json_t *j, const char *before,
    const struct field *f, void *at)
{
	int64_t n;

	if (f->kind == FIELD_INT) {
		n = json_integer_value(j);
		if (!json_is_integer(j) || n < f->low || n > f->high)
			return bad(q, before, f, range(q, f));
		*(int *)at = (int)n;
		return true;
	}
	if (!read_duration(j, &n) || n < f->low || n > f->high) {
		char low[UNITS_TEXT_MAX], high[UNITS_TEXT_MAX];

		return bad(q, before, f,
		    arena_printf(http_arena(q),
		        "a time of %s to %s, such as \"10s\"",
		        units_duration_text(f->low, low),
		        units_duration_text(f->high, high)));
	}
	*(int64_t *)at = n;
	return true;
}

static bool read_field(struct http_request *q, json_t *j, const char *before,
    const struct field *f, void *at)
{
	switch (f->kind) {
	case FIELD_TEXT:
		if (!json_is_string(j) ||
		    (f->valid && !f->valid(json_string_value(j)))) {
			return bad(
			    q, before, f, f->expects ? f->expects : "a text");
		}
		*(const char **)at = json_string_value(j);
		return true;
	case FIELD_INT:
	case FIELD_DURATION:
		return read_number(q, j, before, f, at);
	case FIELD_BOOL:
		if (!json_is_boolean(j))
			return bad(q, before, f, "true or false");
		*(bool *)at = json_is_true(j);
		return true;
	case FIELD_TAGS:
		if (!json_is_array(j) || !is_texts(j))
			return bad(q, before, f, "a list of texts");
		*(const char **)at = text_of(q, j);
		return true;
	case FIELD_META:
		if (!json_is_object(j) || !is_texts(j))
			return bad(q, before, f, "an object of texts");
		*(const char **)at = text_of(q, j);
		return true;
	case FIELD_JSON:
	default:
		*(json_t **)at = j;
		return true;
	}
}

#define NAMES_MAX 32

static bool is_known(struct http_request *q, const char *key,
    const char *before, const struct field *table)
{
	const char *names[NAMES_MAX + 1] = { 0 };

	for (size_t k = 0; table[k].name; k++) {
		if (!strcmp(table[k].name, key))
			return true;
		if (k < NAMES_MAX)
			names[k] = table[k].name;
	}
	const char *near = conf_nearest(key, names);

	http_fail(q, 422, arena_printf(http_arena(q), "%s%.100s", before, key),
	    "there is no such field%s%s%s", near ? ", expected '" : "",
	    near ? near : "", near ? "'" : "");
	return false;
}

bool fields_read(struct http_request *q, json_t *o, const char *before,
    const struct field *table, void *to)
{
	const char *key;
	json_t *value;

	if (!json_is_object(o)) {
		http_fail(
		    q, 422, *before ? before : "body", "expected an object");
		return false;
	}
	json_object_foreach(o, key, value)
	{
		if (!is_known(q, key, before, table))
			return false;
	}
	for (const struct field *f = table; f->name; f++) {
		value = json_object_get(o, f->name);
		if (!value || json_is_null(value)) {
			if (f->required) {
				return bad(q, before, f,
				    f->expects ? f->expects : "it");
			}
			continue;
		}
		if (!read_field(q, value, before, f, (char *)to + f->offset))
			return false;
	}
	return true;
}
