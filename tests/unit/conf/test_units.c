// SPDX-License-Identifier: BSD-2-Clause
#include "schema/conf/units.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *text;
	int64_t ms; /* or -E.. */
} durations[] = {
	{ "500ms", 500 },
	{ "2s", 2000 },
	{ "5m", 300000 },
	{ "1h", 3600000 },
	{ "7d", 604800000 },
	{ "1.5s", 1500 },
	{ "0.0015s", 1 },
	{ "1m30s", 90000 },
	{ "1h0m0.25s", 3600250 },
	{ "0s", 0 },
	{ "", -EINVAL },
	{ "5", -EINVAL },
	{ "s", -EINVAL },
	{ "-5s", -EINVAL },
	{ "5 s", -EINVAL },
	{ "5s ", -EINVAL },
	{ "1.s", -EINVAL },
	{ "1,5s", -EINVAL },
	{ "5S", -EINVAL },
	{ "5us", -EINVAL },
	{ "30s1m", -EINVAL },
	{ "1s2s", -EINVAL },
	{ "1s2", -EINVAL },
	{ "9223372036854775808ms", -ERANGE },
	{ "9223372036854775807s", -ERANGE },
	{ "106751991167d999999999999h", -ERANGE },
};

static void test_durations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
		int64_t ms = -1;
		int r = units_duration(durations[i].text, &ms);

		print_message("'%s'\n", durations[i].text);
		assert_int_equal(r ? r : ms, durations[i].ms);
		assert_true(r == 0 || ms == -1); /* untouched */
	}
}

static const struct {
	const char *text, *unit;
	int r;
	int64_t n;
} ints[] = {
	{ "0", NULL, 0, 0 },
	{ "65535", NULL, 0, 65535 },
	{ "-3", NULL, 0, -3 },
	{ "010", NULL, 0, 10 },
	{ "10%", "%", 0, 10 },
	{ "10", "%", 0, 10 },
	{ "10%", NULL, -EINVAL, 0 },
	{ "10%%", "%", -EINVAL, 0 },
	{ "0x10", NULL, -EINVAL, 0 },
	{ "1e3", NULL, -EINVAL, 0 },
	{ "+1", NULL, -EINVAL, 0 },
	{ " 1", NULL, -EINVAL, 0 },
	{ "-", NULL, -EINVAL, 0 },
	{ "", NULL, -EINVAL, 0 },
	{ "9223372036854775807", NULL, 0, INT64_MAX },
	{ "9223372036854775808", NULL, -ERANGE, 0 },
};

static void test_ints(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ints) / sizeof(*ints); i++) {
		int64_t n = 0;

		print_message("'%s'\n", ints[i].text);
		assert_int_equal(
		    units_int(ints[i].text, ints[i].unit, &n), ints[i].r);
		assert_int_equal(n, ints[i].n);
	}
}

/* What is printed reads back as the same, for numbers of every size. */
static void test_text_reads_back(void **state)
{
	char buf[UNITS_TEXT_MAX];

	(void)state;
	assert_string_equal(units_duration_text(0, buf), "0s");
	assert_string_equal(units_duration_text(500, buf), "500ms");
	assert_string_equal(units_duration_text(90000, buf), "1m30s");
	assert_string_equal(units_duration_text(86400000, buf), "1d");
	for (int64_t ms = 1; ms < INT64_MAX / 7; ms = ms * 7 + ms % 5) {
		int64_t back = 0;

		assert_int_equal(
		    units_duration(units_duration_text(ms, buf), &back), 0);
		assert_int_equal(back, ms);
	}
	assert_int_equal(units_duration(units_duration_text(INT64_MAX, buf),
	                     &(int64_t){ 0 }),
	    0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_ints),
		cmocka_unit_test(test_text_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
