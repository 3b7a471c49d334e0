// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/health/damping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One minute to half of it; above 3 flaps until 1; 4 minutes at most. */
static const struct damping_spec spec = {
	.half_life_ms = 60000, .suppress = 3, .reuse = 1, .max_ms = 240000
};

/* f flap, digits: minutes pass; after it h held, . not */
static const struct {
	const char *why, *steps, *held;
} cases[] = {
	{ "three in a moment are not more than three", "fff", "..." },
	{ "the fourth is", "ffff", "...h" },
	{ "one each two minutes is never too much", "f2f2f2f2f2f2f2f",
	    "..............." },
	{ "two each minute are", "ff1ff1ff", ".......h" },
	{ "calm for two half-lives: 4 flaps are 1", "ffff2", "...h." },
	{ "not before", "ffff1", "...hh" },
	{ "a flap while it is held holds it longer", "ffff1f1", "...hhhh" },
	{ "the ceiling is four half-lives", "ffffffffffffffffffffffffffffff4",
	    "...hhhhhhhhhhhhhhhhhhhhhhhhhhh." },
	{ "and not less", "ffffffffffffffffffffffffffffff3",
	    "...hhhhhhhhhhhhhhhhhhhhhhhhhhhh" },
};

static void play(const char *why, const char *steps, const char *held)
{
	struct damping d = { 0 };
	int64_t now_ms = 5000;

	for (size_t k = 0; steps[k]; k++) {
		if (steps[k] == 'f') {
			damping_flap(&d, &spec, now_ms);
		} else {
			now_ms += INT64_C(60000) * (steps[k] - '0');
			(void)damping_release(&d, &spec, now_ms);
		}
		if (d.held != (held[k] == 'h'))
			fail_msg("%s: step %zu is %d", why, k, d.held);
	}
}

static void holds_back(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++)
		play(cases[n].why, cases[n].steps, cases[n].held);
}

static void says_until_when(void **state)
{
	struct damping d = { 0 };

	(void)state;
	for (int n = 0; n < 4; n++)
		damping_flap(&d, &spec, 1000);
	assert_int_equal(damping_until_ms(&d, &spec), 121000);
	assert_false(damping_release(&d, &spec, 120999));
	assert_true(damping_release(&d, &spec, 121000));
	assert_false(damping_release(&d, &spec, 121000));
	assert_int_equal(damping_penalty(&d, &spec, 121000), 1000);
}

/* how far the wall clock went while nobody ran, and what is held after it */
static const struct {
	const char *why;
	int64_t wall_ms, left_ms; /* until it is let go; 0: it is */
} restarts[] = {
	{ "no time", 0, 120000 },
	{ "some time", 50000, 70000 },
	{ "all of the time", 120000, 0 },
	{ "years", INT64_C(100000000000), 0 },
	{ "a clock set back holds it as long as at first", -7200000, 120000 },
};

/* Below what it is to fall to already: then, and not before. */
static void is_calm_at_once(void **state)
{
	const struct damping_spec mild = { .half_life_ms = 60000,
		.suppress = 9,
		.reuse = 2,
		.max_ms = 240000 };
	struct damping d = { 0 };

	(void)state;
	damping_flap(&d, &mild, 5000);
	assert_int_equal(damping_until_ms(&d, &mild), 5000);
	damping_flap(&d, &mild, 5000);
	assert_int_equal(damping_until_ms(&d, &mild), 5000);
	damping_flap(&d, &mild, 5000);
	assert_true(damping_until_ms(&d, &mild) > 5000 + 30000);
	/* a definition that has none any more */
	assert_int_equal(
	    damping_until_ms(&d, &(struct damping_spec){ .reuse = 2 }), 5000);
}

static void outlives_a_restart(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(restarts) / sizeof(restarts[0]); n++) {
		const int64_t wall_ms = INT64_C(1700000000000);
		struct damping d = { 0 };

		for (int k = 0; k < 4; k++)
			damping_flap(&d, &spec, 1000);
		struct damping_row row = damping_save(&d, &spec, 1000, wall_ms);

		assert_int_equal(row.penalty, 4000);
		assert_int_equal(row.until_wall_ms, wall_ms + 120000);
		/* another program, soon after the machine was started */
		d = damping_load(&row, 10, wall_ms + restarts[n].wall_ms);
		assert_true(d.held);
		(void)damping_release(&d, &spec, 10);
		if (d.held != (restarts[n].left_ms != 0))
			fail_msg("%s: held %d", restarts[n].why, d.held);
		if (d.held &&
		    damping_until_ms(&d, &spec) != 10 + restarts[n].left_ms) {
			fail_msg("%s: until %lld", restarts[n].why,
			    (long long)damping_until_ms(&d, &spec));
		}
	}
}

static void without_a_spec_nothing_is_held(void **state)
{
	const struct damping_spec off = { 0 };
	struct damping d = { .penalty = 9000, .at_ms = 5, .held = true };

	(void)state;
	assert_true(damping_release(&d, &off, 6));
	assert_int_equal(d.penalty, 0);
	damping_flap(&d, &off, 7);
	assert_false(d.held);
	assert_int_equal(d.penalty, 0);
	const struct damping_row row = damping_save(&d, &off, 8, 9);

	assert_int_equal(row.penalty, 0);
	assert_int_equal(row.at_wall_ms, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_back),
		cmocka_unit_test(says_until_when),
		cmocka_unit_test(is_calm_at_once),
		cmocka_unit_test(outlives_a_restart),
		cmocka_unit_test(without_a_spec_nothing_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
