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
		bool is = removal_is_believed(&r, steps[i].at_ms,
		    steps[i].nodes, steps[i].instances, steps[i].known);

		print_message("%s\n", steps[i].why);
		assert_int_equal(is, steps[i].believed);
		if (is) {
			removal_add(
			    &r, steps[i].at_ms, &steps[i], steps[i].instances);
		}
	}
}

static void who_is_back_counts_no_more(void **state)
{
	struct removal r = { .share_percent = 30, .within_ms = 60000 };
	int a = 0, b = 0;

	(void)state;
	removal_add(&r, 0, &a, 50);
	assert_false(removal_is_believed(&r, 1000, 1, 50, 50));
	removal_take_back(&r, &b);
	assert_false(removal_is_believed(&r, 1000, 1, 50, 50));
	removal_take_back(&r, &a);
	assert_true(removal_is_believed(&r, 1000, 1, 50, 100));
}

static void many_are_bounded(void **state)
{
	struct removal r = { .share_percent = 100, .within_ms = 60000 };

	(void)state;
	for (int k = 0; k < 1000; k++)
		removal_add(&r, k, &r, 10);
	assert_int_equal(r.end_n, REMOVAL_ENDS_MAX);
	assert_true(removal_is_believed(&r, 1000, 3, 10, 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_are_believed_or_not),
		cmocka_unit_test(who_is_back_counts_no_more),
		cmocka_unit_test(many_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
