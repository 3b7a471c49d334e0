// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * json - building what `--json` prints; out of memory ends the process.
 */
#include <jansson.h>

/* j, which is not NULL. */
json_t *json_must(json_t *j);
/* Takes value over. */
void json_set(json_t *o, const char *key, json_t *value);
/* NULL is null; what is no UTF-8 becomes '?'. */
json_t *json_text(const char *s);
/* ROW_DEFAULT is null. */
json_t *json_number(int n);
/* A column that holds JSON; what is no UTF-8 becomes '?'. */
json_t *json_nested(const char *s);
