// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/cluster/removal.h"
#include "tests/unit/registrar_core/support.h"

static void ends_are_believed_or_not(void **state)
{
	static const struct {
		const char *why;
		int64_t at_ms;
		unsigned nodes, instances, known;
		bool believed;
	} steps[] = {
		/* 30 % within a minute */
		{ "one host's end, be it ever so large", 0, 1, 90, 100, true },
		{ "a second one, with most of all", 1000, 1, 5, 10, false },
		{ "long after, it is the only one", 61000, 1, 5, 10, true },
		{ "two at once with too much", 200000, 2, 31, 100, false },
		{ "two at once with little", 200000, 2, 30, 100, true },
		{ "and one more with little", 201000, 1, 0, 70, true },
		{ "what came before counts", 202000, 1, 1, 70, false },
		{ "all of nothing", 400000, 3, 0, 0, true },
	};
	struct removal r = { .share_percent = 30, .within_ms = 60000 };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		print_message("%s\n", steps[i].why);
		assert_int_equal(
		    removal_is_believed(&r, steps[i].at_ms, steps[i].nodes,
		        steps[i].instances, steps[i].known),
		    steps[i].believed);
	}
}

static void many_are_bounded(void **state)
{
	struct removal r = { .share_percent = 100, .within_ms = 60000 };

	(void)state;
	for (int k = 0; k < 1000; k++)
		assert_true(removal_is_believed(&r, k, 3, 10, 100));
	assert_int_equal(r.end_n, REMOVAL_ENDS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_are_believed_or_not),
		cmocka_unit_test(many_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
