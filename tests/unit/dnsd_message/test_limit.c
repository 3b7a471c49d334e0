// SPDX-License-Identifier: BSD-2-Clause
/*
 * Accounts over time: what is let through, when it is over, and how a full
 * table behaves. Time is a number here.
 */
#include "dnsd/message/screen/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A run: times of something, `every_ms`, and how many of them passed. */
static const struct {
	const char *why;
	struct limit_rule rule;
	unsigned times, every_ms, passed;
} cases[] = {
	{ "at its rate all pass", { 10, 10, 15 }, 1000, 100, 1000 },
	{ "below it, too", { 10, 10, 15 }, 50, 1000, 50 },
	{ "a burst passes", { 10, 10, 15 }, 10, 0, 10 },
	{ "one more does not", { 10, 10, 15 }, 11, 0, 10 },
	{ "a larger burst, without debt", { 10, 25, 0 }, 30, 0, 25 },
	{ "without debt one gets the rate, however much one asks",
	    { 10, 10, 0 }, 10000, 1, 109 },
	{ "with debt one who goes on gets nothing after the first second",
	    { 10, 10, 15 }, 10000, 1, 10 },
	{ "a little above the rate, with debt: once the burst is gone, nothing",
	    { 10, 10, 1 }, 400, 95, 181 },
	{ "one a second, not more often", { 1, 1, 0 }, 100, 100, 10 },
	{ "a great rate", { LIMIT_RATE_MAX, LIMIT_RATE_MAX, LIMIT_DEBT_MAX_S },
	    100000, 0, 100000 },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct limits *l = limits_new();
		const struct limit_key key = { 1, 2, 3 };
		uint64_t now = UINT32_MAX - 500; /* it wraps on the way */
		unsigned passed = 0;

		for (unsigned k = 0; k < cases[i].times; k++) {
			passed += !limits_take(l, &key, &cases[i].rule, now);
			now += cases[i].every_ms;
		}
		if (passed != cases[i].passed)
			fail_msg("%s: %u", cases[i].why, passed);
		limits_free(l);
	}
	limits_free(NULL);
}

/* Debt is paid back at the rate, and is never more than debt_s of it. */
static void test_debt(void **state)
{
	const struct limit_rule rule = { 10, 10, 5 };
	const struct limit_key key = { 1, 2, 3 };
	struct limits *l = limits_new();

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		(void)limits_take(l, &key, &rule, 1000);
	assert_true(limits_take(l, &key, &rule, 1000 + 5000) > 0);
	/* that attempt cost a tenth of a second, and one is needed */
	assert_int_equal(limits_take(l, &key, &rule, 1000 + 5000 + 200), 0);
	limits_free(l);
}

/* Who counts on the count: it runs 1, 2, ... 255, 1 and starts anew. */
static void test_times(void **state)
{
	const struct limit_rule rule = { 1, 1, 0 };
	const struct limit_key key = { 1, 2, 3 };
	struct limits *l = limits_new();

	(void)state;
	assert_int_equal(limits_take(l, &key, &rule, 0), 0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(limits_take(l, &key, &rule, 0), i % 255 + 1);
	}
	assert_int_equal(limits_take(l, &key, &rule, 1000), 0);
	assert_int_equal(limits_take(l, &key, &rule, 1000), 1);
	limits_free(l);
}

/* Each part of the key makes another account. */
static void test_keys(void **state)
{
	static const struct limit_key keys[] = {
		{ 1, 2, 3 },
		{ 9, 2, 3 },
		{ 1, 9, 3 },
		{ 1, 2, 9 },
	};
	const struct limit_rule rule = { 1, 1, 0 };
	struct limits *l = limits_new();

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_int_equal(limits_take(l, &keys[i], &rule, 0), 0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_int_equal(limits_take(l, &keys[i], &rule, 0), 1);
	limits_free(l);
}

/*
 * Ten times more accounts than there is room for: nobody is limited for
 * others, and one that goes on all the time is not forgotten.
 */
static void test_full_table(void **state)
{
	const struct limit_rule rule = { 1, 5, 100 };
	const struct limit_key flood = { ~(uint64_t)0, 0, 0 };
	struct limits *l = limits_new();
	unsigned limited = 0, passed = 0;

	(void)state;
	for (uint64_t i = 0; i < 10 * (uint64_t)LIMIT_ACCOUNTS; i++) {
		const struct limit_key key = { i, 0, 0 };
		uint64_t now = i / 4000; /* about a minute in all */

		limited += limits_take(l, &key, &rule, now) != 0;
		if (i % 1000 == 0)
			passed += !limits_take(l, &flood, &rule, now);
	}
	/* a key that is taken for another one: 1 in some 4 million */
	assert_true(limited < 20);
	assert_true(passed < 20);
	limits_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_debt),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_full_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
