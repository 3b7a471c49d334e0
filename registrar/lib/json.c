// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/json.h"

#include "schema/base/arena.h"
#include "schema/base/utf8.h"
#include "schema/registry.h"

#include <stdlib.h>

json_t *json_must(json_t *j)
{
	if (!j)
		abort(); /* out of memory */
	return j;
}

void json_set(json_t *o, const char *key, json_t *value)
{
	if (json_object_set_new(o, key, json_must(value)) < 0)
		abort(); /* out of memory */
}

/* A script in the sqlite3 shell may have written what is no UTF-8. */
json_t *json_text(const char *s)
{
	json_t *j = s ? json_string(s) : json_null();

	if (!j) {
		struct arena *a = arena_new();
		char *text = arena_strdup(a, s);

		utf8_clean(text);
		j = json_string(text);
		arena_free(a);
	}
	return json_must(j);
}

json_t *json_number(int n)
{
	return n == ROW_DEFAULT ? json_null() : json_integer(n);
}

/* The database has checked that it does, but not for UTF-8. */
json_t *json_nested(const char *s)
{
	json_t *j = json_loads(s, 0, NULL);

	if (!j) {
		struct arena *a = arena_new();
		char *text = arena_strdup(a, s);

		utf8_clean(text);
		j = json_loads(text, 0, NULL);
		arena_free(a);
	}
	return j ? j : json_null();
}
