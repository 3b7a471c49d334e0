// SPDX-License-Identifier: BSD-2-Clause
/* registrar history: rows and notes, and states at a time. */
#include "registrar/lib/wall.h"
#include "tests/unit/registrar_core/operation_support.h"

#define T0 1700000000000 /* 2023-11-14 22:13:20 UTC */

static int setup(void **state)
{
	struct fx *f;
	struct registry *r;

	(void)fx_setup(state);
	f = *state;
	f->options.limit = 50;
	fx_put_instance(f,
	    &(const struct instance_row){
	        .name = "a", .health = HEALTH_PASSING, .since_wall_ms = T0 });
	fx_put_instance(f, &(const struct instance_row){ .name = "b",
	                       .health = HEALTH_STARTING,
	                       .since_wall_ms = T0 + 10000 });
	r = fx_open(f);
	assert_int_equal(0, registry_put_health(r, ZONE, "web", "a",
	                        HEALTH_CRITICAL, "refused", T0 + 20000, NULL));
	assert_int_equal(0, registry_put_mode(r, ZONE, "web", "a",
	                        MODE_MAINTENANCE, T0 + 30000, NULL));
	assert_int_equal(0, registry_put_note(r, ZONE, "web", "a", "command/me",
	                        "disk", T0 + 30000, NULL));
	registry_close(r);
	return 0;
}

static void the_newest_is_first(void **state)
{
	struct fx *f = *state;
	const char *out;

	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_history, "web", NULL, &out));
	assert_string_equal(out,
	    "2023-11-14 22:13:50 UTC  web/a  maintenance, by command/me: disk\n"
	    "2023-11-14 22:13:50 UTC  web/a  critical -> maintenance\n"
	    "2023-11-14 22:13:40 UTC  web/a  passing -> critical: refused\n"
	    "2023-11-14 22:13:30 UTC  web/b  new, starting\n"
	    "2023-11-14 22:13:20 UTC  web/a  new, passing\n");
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_history, "web/b", NULL, &out));
	assert_string_equal(
	    out, "2023-11-14 22:13:30 UTC  web/b  new, starting\n");
	f->options.since = "2023-11-14T22:13:45Z";
	f->options.limit = 1;
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_history, NULL, NULL, &out));
	fx_expect_in(out, "by command/me");
	assert_ptr_equal(strchr(out, '\n')[1] ? NULL : out, out);
	f->options.since = NULL;
	assert_int_equal(
	    EXIT_WRONG, fx_run(f, command_history, "nix", NULL, NULL));
	f->options.at = "yesterday";
	assert_int_equal(
	    EXIT_WRONG, fx_run(f, command_history, "web", NULL, NULL));
}

static void states_are_those_of_the_time(void **state)
{
	static const struct {
		const char *at, *says;
	} cases[] = {
		{ "2023-11-14T22:13:19Z", "" },
		{ "2023-11-14T22:13:20Z",
		    "web/a  passing since 2023-11-14 22:13:20 UTC\n" },
		{ "2023-11-14 22:13:39",
		    "web/a  passing since 2023-11-14 22:13:20 UTC\n"
		    "web/b  starting since 2023-11-14 22:13:30 UTC\n" },
		{ "2023-11-14T22:13:45Z",
		    "web/a  critical since 2023-11-14 22:13:40 UTC: refused\n"
		    "web/b  starting since 2023-11-14 22:13:30 UTC\n" },
		{ "1s", "web/a  maintenance since 2023-11-14 22:13:50 UTC\n"
		        "web/b  starting since 2023-11-14 22:13:30 UTC\n" },
	};
	struct fx *f = *state;

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		const char *out;

		f->options.at = cases[k].at;
		assert_int_equal(
		    EXIT_DONE, fx_run(f, command_history, "web", NULL, &out));
		if (strcmp(out, cases[k].says) != 0)
			fail_msg("%s:\n%s", cases[k].at, out);
	}
}

static void times_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t wall_ms; /* 0: refused */
	} cases[] = {
		{ "20s", T0 - 20000 },
		{ "22:13:20", T0 },
		{ "22:13", T0 - 20000 },
		{ "2023-11-14T22:13:20Z", T0 },
		{ "2023-11-14 22:13:20 UTC", T0 },
		{ "2023-11-14T22:13", T0 - 20000 },
		{ "2023-11-15", 1700006400000 },
		{ "2023-13-01", 0 },
		{ "25:00", 0 },
		{ "soon", 0 },
		{ "", 0 },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		int64_t wall_ms = 0;

		(void)wall_parse(cases[k].text, T0, &wall_ms);
		if (wall_ms != cases[k].wall_ms) {
			fail_msg(
			    "'%s': %lld", cases[k].text, (long long)wall_ms);
		}
	}
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(the_newest_is_first),
		T(states_are_those_of_the_time),
		cmocka_unit_test(times_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
