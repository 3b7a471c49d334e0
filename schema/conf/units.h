// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * units - numbers and durations as people write them.
 */
#include <stdint.h>

/*
 * Decimal digits with an optional '-'; then exactly `unit`, which may be left
 * out (and may be NULL). -EINVAL: no number; -ERANGE: too large for int64_t.
 */
int units_int(const char *text, const char *unit, int64_t *ret_n);

/*
 * "500ms", "2s", "1.5s", "1m30s", "1h", "7d" to milliseconds. Fractions
 * below one are cut. -EINVAL: no duration; -ERANGE: too long.
 */
int units_duration(const char *text, int64_t *ret_ms);

/* The shortest text that reads back as ms: "90s" is "1m30s". */
#define UNITS_TEXT_MAX 40
const char *units_duration_text(int64_t ms, char buf[static UNITS_TEXT_MAX]);
