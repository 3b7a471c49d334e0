// SPDX-License-Identifier: BSD-2-Clause
#include "schema/conf/units.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits at *p and moves it behind them. */
static int take_digits(const char **p, int64_t *ret_n)
{
	int64_t n = 0;

	if (!is_digit(**p))
		return -EINVAL;
	for (; is_digit(**p); ++*p) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, **p - '0', &n))
			return -ERANGE;
	}
	*ret_n = n;
	return 0;
}

int units_int(const char *text, const char *unit, int64_t *ret_n)
{
	bool negative = *text == '-';
	const char *p = text + negative;
	int64_t n;
	int r = take_digits(&p, &n);

	if (r < 0)
		return r;
	if (*p && (!unit || strcmp(p, unit) != 0))
		return -EINVAL;
	*ret_n = negative ? -n : n;
	return 0;
}

/* "ms" before "m": the first that fits is taken. */
static const struct {
	const char *name;
	int64_t ms;
} units[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", INT64_C(60000) },
	{ "h", INT64_C(3600000) },
	{ "d", INT64_C(86400000) },
};
#define UNITS_N (sizeof(units) / sizeof(*units))

/* ".25" as thousandths; more digits are cut. */
static int take_fraction(const char **p, int64_t *ret_milli)
{
	int64_t milli = 0, place = 100;

	*ret_milli = 0;
	if (**p != '.')
		return 0;
	++*p;
	if (!is_digit(**p))
		return -EINVAL;
	for (; is_digit(**p); ++*p, place /= 10)
		milli += place * (**p - '0');
	*ret_milli = milli;
	return 0;
}

/* One "1.5s"; its unit must be smaller than that of the one before it. */
static int take_part(const char **p, int64_t *limit_ms, int64_t *total_ms)
{
	int64_t n, milli;
	int r = take_digits(p, &n);

	if (r < 0 || (r = take_fraction(p, &milli)) < 0)
		return r;
	for (size_t i = 0; i < UNITS_N; i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(*p, units[i].name, len) != 0)
			continue;
		if (units[i].ms >= *limit_ms)
			return -EINVAL;
		*p += len;
		*limit_ms = units[i].ms;
		if (__builtin_mul_overflow(n, units[i].ms, &n) ||
		    __builtin_add_overflow(n, milli * units[i].ms / 1000, &n) ||
		    __builtin_add_overflow(n, *total_ms, total_ms))
			return -ERANGE;
		return 0;
	}
	return -EINVAL;
}

int units_duration(const char *text, int64_t *ret_ms)
{
	int64_t total_ms = 0, limit_ms = INT64_MAX;
	const char *p = text;

	do {
		int r = take_part(&p, &limit_ms, &total_ms);

		if (r < 0)
			return r;
	} while (*p);
	*ret_ms = total_ms;
	return 0;
}

const char *units_duration_text(int64_t ms, char buf[static UNITS_TEXT_MAX])
{
	size_t len = 0;

	if (ms <= 0)
		return memcpy(buf, "0s", sizeof("0s"));
	for (size_t i = UNITS_N; i-- > 0;) {
		int64_t n = ms / units[i].ms;

		ms %= units[i].ms;
		if (n) {
			len += (size_t)snprintf(buf + len, UNITS_TEXT_MAX - len,
			    "%lld%s", (long long)n, units[i].name);
		}
	}
	return buf;
}
