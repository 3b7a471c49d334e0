// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * fields - a JSON object of a request into a struct, by a table.
 *
 * What is wrong is said with the name of the field. Texts are borrowed from
 * the JSON or live in the arena of the request.
 */
#include "registrar/http/http.h"

enum field_kind {
	FIELD_TEXT,     /* const char * */
	FIELD_INT,      /* int, low..high */
	FIELD_BOOL,     /* bool */
	FIELD_DURATION, /* int64_t, ms: "10s", or a number of seconds */
	FIELD_TAGS,     /* const char *: JSON of an array of texts */
	FIELD_META,     /* const char *: JSON of an object of texts */
	FIELD_JSON,     /* json_t *, borrowed */
};
/* As its rows read best. */
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
struct field {
	const char *name; /* NULL ends a table */
	enum field_kind kind;
	size_t offset;
	int64_t low, high;               /* of numbers and durations */
	bool (*valid)(const char *text); /* NULL: all texts */
	const char *expects;
	bool required;
};

/*
 * o: an object. before: "service." of fields in one. What is null or not there
 * is left as it is. False: the request has failed, with 422.
 */
bool fields_read(struct http_request *q, json_t *o, const char *before,
    const struct field *table, void *to);
