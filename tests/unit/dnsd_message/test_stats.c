// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Each counter has a name of its own, fit for a metric. */
static void test_names(void **state)
{
	(void)state;
	for (enum stat s = STAT_UDP_REQUESTS; s < STAT_N; s++) {
		const char *name = stat_name(s);

		assert_non_null(name);
		assert_int_equal(
		    strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		for (enum stat t = STAT_UDP_REQUESTS; t < s; t++)
			assert_string_not_equal(name, stat_name(t));
	}
}

static void test_add(void **state)
{
	struct stats s = { 0 };

	(void)state;
	stats_add(&s, STAT_DROPPED, 1);
	stats_add(&s, STAT_DROPPED, UINT32_MAX);
	assert_true(stats_get(&s, STAT_DROPPED) == (uint64_t)UINT32_MAX + 1);
	assert_true(stats_get(&s, STAT_NOERROR) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
