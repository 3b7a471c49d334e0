// SPDX-License-Identifier: BSD-2-Clause
/* registrar drain, resume, maintenance, weight: rows and what is printed. */
#include "tests/unit/registrar_core/operation_support.h"

struct notes {
	unsigned n;
	char last[256];
};

static void on_history(void *arg, const struct history_row *row)
{
	struct notes *notes = arg;

	if (!row->was || !row->now || strcmp(row->was, row->now) != 0)
		return;
	if (!notes->n++) { /* newest first */
		(void)snprintf(notes->last, sizeof(notes->last), "%s %s %s",
		    row->instance, row->now, row->reason ? row->reason : "-");
	}
	assert_int_equal(0, strncmp(row->source, "command/", 8));
}

static struct notes notes_of(struct fx *f)
{
	struct registry *r = fx_open(f);
	struct notes notes = { 0 };

	assert_int_equal(0, registry_read_history(
	                        r, ZONE, "web", 100, on_history, &notes, NULL));
	registry_close(r);
	return notes;
}

static int setup(void **state)
{
	(void)fx_setup(state);
	for (unsigned k = 1; k <= 3; k++) {
		static const char *const names[] = { "i-1", "i-2", "i-3" };

		fx_put_instance(
		    *state, &(const struct instance_row){ .name = names[k - 1],
		                .weight = 100,
		                .health = HEALTH_PASSING });
	}
	return 0;
}

static void modes_come_and_go(void **state)
{
	static const struct {
		const char *why;
		command_fn fn;
		const char *target, *reason;
		enum mode one, two; /* of i-1 and i-2 afterwards */
		unsigned notes_n;
		const char *says;
	} cases[] = {
		{ "one instance drains", command_drain, "web/i-1", NULL,
		    MODE_DRAINING, MODE_ACTIVE, 1,
		    "web/i-1: active -> draining\n" },
		{ "again: it does already, and history is silent",
		    command_drain, "WEB/I-1", NULL, MODE_DRAINING, MODE_ACTIVE,
		    1, "web/i-1: draining already\n" },
		{ "maintenance ends the drain", command_maintenance,
		    "web.svc.test/i-1", "disk", MODE_MAINTENANCE, MODE_ACTIVE,
		    2, "web/i-1: draining -> maintenance\n" },
		{ "a drain does not bring it back", command_drain, "web", NULL,
		    MODE_MAINTENANCE, MODE_DRAINING, 4,
		    "web/i-1: maintenance already\n"
		    "web/i-2: active -> draining\n"
		    "web/i-3: active -> draining\n" },
		{ "a reason is noted though nothing changes",
		    command_maintenance, "web/i-1", "disk, still",
		    MODE_MAINTENANCE, MODE_DRAINING, 5,
		    "web/i-1: maintenance already\n" },
		{ "all of them, by a name with a dot at its end",
		    command_resume, "web.svc.test.", NULL, MODE_ACTIVE,
		    MODE_ACTIVE, 8,
		    "web/i-1: maintenance -> active\n"
		    "web/i-2: draining -> active\n"
		    "web/i-3: draining -> active\n" },
	};
	struct fx *f = *state;

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		const char *out;

		f->options.reason = cases[k].reason;
		int code = fx_run(f, cases[k].fn, cases[k].target, NULL, &out);

		if (code != EXIT_DONE || strcmp(out, cases[k].says) != 0)
			fail_msg("%s: %d\n%s", cases[k].why, code, out);
		if (fx_look(f, "i-1")->mode != cases[k].one ||
		    fx_look(f, "i-2")->mode != cases[k].two ||
		    notes_of(f).n != cases[k].notes_n) {
			fail_msg("%s: %d %d %u", cases[k].why,
			    fx_look(f, "i-1")->mode, fx_look(f, "i-2")->mode,
			    notes_of(f).n);
		}
	}
}

static void a_reason_is_in_the_history(void **state)
{
	struct fx *f = *state;

	f->options.reason = "swap the disk";
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_maintenance, "web/i-2", NULL, NULL));
	assert_string_equal(notes_of(f).last, "i-2 maintenance swap the disk");
}

static void a_drain_that_waits_ends_in_maintenance(void **state)
{
	struct fx *f = *state;
	const char *out;

	f->options.wait = true;
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_drain, "web/i-3", NULL, &out));
	assert_int_equal(fx_look(f, "i-3")->mode, MODE_MAINTENANCE);
	assert_string_equal(out,
	    "web/i-3: active -> draining\n"
	    "waiting 0.1 s, the TTL of answers that name them\n"
	    "web/i-3: draining -> maintenance\n");
	f->options.json = true;
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_drain, "web/i-1", NULL, &out));
	fx_expect_in(out, "\"now\": \"maintenance\"");
	assert_ptr_equal(strchr(out, '['), out);
	assert_null(strstr(out, "waiting"));
}

static void weight_alone_changes(void **state)
{
	struct fx *f = *state;
	const char *out;

	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_weight, "web/i-1", "7", &out));
	assert_string_equal(out, "web/i-1: weight 100 -> weight 7\n");
	assert_int_equal(fx_look(f, "i-1")->weight, 7);
	assert_int_equal(fx_look(f, "i-2")->weight, 100);
	assert_string_equal(notes_of(f).last, "i-1 passing weight 100 to 7");
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_weight, "web/i-1", "7", &out));
	assert_string_equal(out, "web/i-1: weight 7 already\n");
	assert_int_equal(notes_of(f).n, 1);
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_weight, "web", "65535", NULL));
	assert_int_equal(fx_look(f, "i-3")->weight, 65535);
}

static void what_is_wrong_changes_nothing(void **state)
{
	static const struct {
		const char *why;
		command_fn fn;
		const char *target, *more;
	} cases[] = {
		{ "no such service", command_drain, "nix", NULL },
		{ "no such instance", command_resume, "web/nix", NULL },
		{ "another zone", command_drain, "web.other/i-1", NULL },
		{ "no name", command_maintenance, "/i-1", NULL },
		{ "no instance after the slash", command_drain, "web/", NULL },
		{ "a dot alone", command_drain, ".", NULL },
		{ "no number", command_weight, "web/i-1", "much" },
		{ "too small", command_weight, "web/i-1", "-1" },
		{ "too large", command_weight, "web/i-1", "65536" },
	};
	struct fx *f = *state;

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		int code = fx_run(
		    f, cases[k].fn, cases[k].target, cases[k].more, NULL);

		if (code != EXIT_WRONG)
			fail_msg("%s: %d", cases[k].why, code);
	}
	assert_int_equal(notes_of(f).n, 0);
	assert_int_equal(fx_look(f, "i-1")->weight, 100);
	f->options.run.registry = "/nowhere/registry.db";
	assert_int_equal(
	    EXIT_FAILED, fx_run(f, command_drain, "web", NULL, NULL));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(modes_come_and_go),
		T(a_reason_is_in_the_history),
		T(a_drain_that_waits_ends_in_maintenance),
		T(weight_alone_changes),
		T(what_is_wrong_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
