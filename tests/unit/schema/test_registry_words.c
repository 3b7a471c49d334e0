// SPDX-License-Identifier: BSD-2-Clause
/* Each word is read back as what it was written for, and no other word is. */
#include "schema/registry.h"
#include "tests/unit/schema/support.h"

#include <errno.h>

// NOLINTBEGIN(bugprone-macro-parentheses): type and names are words
#define ROUND(n, type, name, parse)                                            \
	for (unsigned k = 0; k < (n); k++) {                                   \
		enum type got = (enum type)((k + 1) % (n));                    \
                                                                               \
		assert_int_equal(parse(name((enum type)k), &got), 0);          \
		assert_int_equal(got, k);                                      \
		assert_int_equal(parse("nix", &got), -EINVAL);                 \
		assert_int_equal(parse("", &got), -EINVAL);                    \
		assert_int_equal(got, k);                                      \
	}
// NOLINTEND(bugprone-macro-parentheses)

static void words_come_back(void **state)
{
	(void)state;
	ROUND(HEALTH_N, health, health_name, health_parse)
	ROUND(MODE_N, mode, mode_name, mode_parse)
	ROUND(ON_EMPTY_N, on_empty, on_empty_name, on_empty_parse)
	ROUND(DRAIN_STEP_N, drain_step, drain_step_name, drain_step_parse)
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
