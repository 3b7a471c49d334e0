// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * definition_guess - which services a text seems to define that is refused.
 *
 * It may not even be YAML, so this is no parser: words behind a key that says
 * `service`, and in JSON behind `name` as well. For messages alone.
 */

/* A JSON array of at most 16 names, "[]" if there are none; on the heap. */
char *definition_guess(const char *text);
