// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * match - what a server said against what a definition expects.
 */
#include <stdbool.h>
#include <stddef.h>

/*
 * Do the len octets match the POSIX extended regular expression, which is
 * known to compile? They may hold NUL, and need none at their end.
 */
bool match_regex(const char *pattern, const char *text, size_t len);
