// SPDX-License-Identifier: BSD-2-Clause
#include "schema/registry.h"
#include "tests/unit/schema/support.h"

static const struct {
	const char *why;
	int weight, warning;
	enum health health;
	int ramp_percent, is;
} weights[] = {
	{ "as it is", 100, ROW_DEFAULT, HEALTH_PASSING, 0, 100 },
	{ "the one of warning", 100, 30, HEALTH_WARNING, 0, 30 },
	{ "passing has the other", 100, 30, HEALTH_PASSING, 0, 100 },
	{ "the same for warning", 100, ROW_DEFAULT, HEALTH_WARNING, 0, 100 },
	{ "a share", 300, ROW_DEFAULT, HEALTH_PASSING, 10, 30 },
	{ "a share of the other", 300, 50, HEALTH_WARNING, 10, 5 },
	{ "some weight is left", 3, ROW_DEFAULT, HEALTH_PASSING, 1, 1 },
	{ "none stays none", 0, ROW_DEFAULT, HEALTH_PASSING, 50, 0 },
	{ "the largest", 65535, ROW_DEFAULT, HEALTH_PASSING, 99, 64879 },
};

static void weight_in_force(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(weights) / sizeof(weights[0]); n++) {
		const struct instance_row row = { .weight = weights[n].weight,
			.weight_warning = weights[n].warning,
			.health = weights[n].health,
			.ramp_percent = weights[n].ramp_percent };

		if (instance_row_weight(&row) != weights[n].is) {
			fail_msg("%s: %d", weights[n].why,
			    instance_row_weight(&row));
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(weight_in_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
