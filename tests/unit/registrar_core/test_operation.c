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
		    "web/i-1: active -> draining: in no answer in 3601 s\n" },
		{ "again: it does already, and history is silent",
		    command_drain, "WEB/I-1", NULL, MODE_DRAINING, MODE_ACTIVE,
		    1, "web/i-1: draining already\n" },
		{ "maintenance ends the drain", command_maintenance,
		    "web.svc.test/i-1", "disk", MODE_MAINTENANCE, MODE_ACTIVE,
		    2, "web/i-1: draining -> maintenance\n" },
		{ "a drain does not bring it back", command_drain, "web", NULL,
		    MODE_MAINTENANCE, MODE_DRAINING, 4,
		    "web/i-1: in maintenance, stays there\n"
		    "web/i-2: active -> draining: in no answer in 3601 s\n"
		    "web/i-3: active -> draining: in no answer in 3601 s\n" },
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

	f->options.ttl_ms = 3600000; /* none is over while this goes on */
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		const char *out;

		f->options.reason = cases[k].reason;
		/* of all that there is */
		f->options.force = !strcmp(cases[k].target, "web");
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

static void a_drain_that_waits_sees_its_end(void **state)
{
	struct fx *f = *state;
	const char *out;

	f->options.wait = true;
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_drain, "web/i-3", NULL, &out));
	assert_int_equal(fx_look(f, "i-3")->mode, MODE_DRAINING);
	assert_string_equal(out,
	    "web/i-3: active -> draining: in no answer in 1.3 s\n"
	    "web/i-3: draining -> drained\n");
	f->options.json = true;
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_drain, "web/i-1", NULL, &out));
	fx_expect_in(out, "\"now\": \"drained\"");
	assert_ptr_equal(strchr(out, '['), out);
	assert_ptr_equal(strchr(out, ']'), strrchr(out, ']'));
	/* it is over: nothing to wait for */
	f->options.json = false;
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_drain, "web/i-1", NULL, &out));
	assert_string_equal(out, "web/i-1: drained already\n");
	f->options.deregister = true;
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_drain, "web/i-1", NULL, &out));
	assert_string_equal(
	    out, "web/i-1: drained already\nweb/i-1: draining -> gone\n");
}

static void what_came_of_a_drain_is_told(void **state)
{
	static const struct {
		const char *why;
		struct drain_row drain;
		const char *source; /* of the row */
		int code;
		const char *says;
	} cases[] = {
		{ "nobody has anything to do with it",
		    { DRAIN_WAITING, 1700000000000, 0, NULL }, "sql", EXIT_DONE,
		    "drained already\n" },
		{ "its registrar has done it",
		    { DRAIN_DONE, 1700000000000, 0, "SIGTERM: sent" },
		    "registrar/h", EXIT_DONE, ": SIGTERM: sent\n" },
		{ "in vain",
		    { DRAIN_FAILED, 1700000000000, 0, "exit status 3" },
		    "registrar/h", EXIT_FAILED, ": exit status 3\n" },
		{ "its registrar never ran",
		    { DRAIN_WAITING, 1700000000000, 0, NULL }, "registrar/nix",
		    EXIT_DONE, ": its registrar does not run: " },
		{ "it runs, and does not know this instance",
		    { DRAIN_WAITING, 1700000000000, 0, NULL }, "registrar/h",
		    EXIT_FAILED, ": its registrar does not take it up\n" },
	};
	struct fx *f = *state;
	struct registry *r = fx_open(f);
	const struct registrar_row row = { .name = "h",
		.pid = 1,
		.version = "1",
		.heartbeat_wall_ms = 4102444800000,
		.last_error = "" };
	const char *out;

	assert_int_equal(0, registry_put_registrar(r, &row, NULL));
	registry_close(r);
	f->options.wait = true;
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		fx_put_instance(f, &(const struct instance_row){ .name = "i-1",
		                       .source = cases[k].source,
		                       .drain = cases[k].drain });
		int code = fx_run(f, command_drain, "web/i-1", NULL, &out);

		if (code != cases[k].code || !strstr(out, cases[k].says))
			fail_msg("%s: %d\n%s", cases[k].why, code, out);
	}
}

static void a_deadline_cuts_a_drain_short(void **state)
{
	struct fx *f = *state;
	const char *out;

	f->options.ttl_ms = 3600000;
	f->options.deadline_ms = 150;
	f->options.wait = true;
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_drain, "web/i-1", NULL, &out));
	fx_expect_in(out, "in no answer in 0.15 s\n");
	fx_expect_in(out, "web/i-1: draining -> drained\n");
	/* one that goes on gets it later */
	f->options.deadline_ms = 0;
	f->options.wait = false;
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_drain, "web/i-2", NULL, &out));
	fx_expect_in(out, "in no answer in 3601 s\n");
	f->options.deadline_ms = 100;
	f->options.wait = true;
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_drain, "web/i-2", NULL, &out));
	assert_string_equal(
	    out, "web/i-2: draining already\nweb/i-2: draining -> drained\n");
}

static void it_may_leave_the_registry_in_the_end(void **state)
{
	struct fx *f = *state;
	const char *out;

	f->options.deregister = true;
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_drain, "web/i-1", "web/i-3", &out));
	fx_expect_in(out, "web/i-1: draining -> gone\n");
	fx_expect_in(out, "web/i-3: draining -> gone\n");
	assert_null(fx_look(f, "i-1")->address);
	assert_non_null(fx_look(f, "i-2")->address);
	/* one that a definition names comes back: refused before it begins */
	fx_put_instance(f, &(const struct instance_row){
	                       .name = "i-2", .source = "registrar/h" });
	assert_int_equal(
	    EXIT_WRONG, fx_run(f, command_drain, "web/i-2", NULL, &out));
	assert_int_equal(fx_look(f, "i-2")->mode, MODE_ACTIVE);
}

static void many_targets_are_one_transaction(void **state)
{
	struct fx *f = *state;
	const char *out;

	/* nothing would be left of it */
	assert_int_equal(
	    EXIT_WRONG, fx_run(f, command_maintenance, "web/i-2", "web", &out));
	assert_int_equal(fx_look(f, "i-2")->mode, MODE_ACTIVE);
	f->options.force = true;
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_maintenance, "web/i-2", "web", &out));
	assert_string_equal(out, "web/i-2: active -> maintenance\n"
	                         "web/i-1: active -> maintenance\n"
	                         "web/i-3: active -> maintenance\n");
	assert_int_equal(
	    EXIT_WRONG, fx_run(f, command_resume, "web/i-1", "web/i-9", NULL));
	assert_int_equal(fx_look(f, "i-1")->mode, MODE_MAINTENANCE);
}

static void weight_alone_changes(void **state)
{
	struct fx *f = *state;
	const char *out;

	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_weight, "web/i-1", "7", &out));
	assert_string_equal(out, "web/i-1: weight 100 -> weight 7\n");
	assert_true(fx_look(f, "i-1")->is_overridden);
	assert_int_equal(fx_look(f, "i-1")->weight_override, 7);
	assert_int_equal(fx_look(f, "i-1")->weight, 100);
	assert_false(fx_look(f, "i-2")->is_overridden);
	assert_string_equal(notes_of(f).last, "i-1 passing weight 100 to 7");
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_weight, "web/i-1", "7", &out));
	assert_string_equal(out, "web/i-1: weight 7 already\n");
	assert_int_equal(notes_of(f).n, 1);
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_weight, "web", "65535", NULL));
	assert_int_equal(fx_look(f, "i-3")->weight_override, 65535);
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_weight, "web/i-1", "default", &out));
	assert_string_equal(out, "web/i-1: weight 65535 -> weight 100\n");
	assert_false(fx_look(f, "i-1")->is_overridden);
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
		T(a_drain_that_waits_sees_its_end),
		T(what_came_of_a_drain_is_told),
		T(a_deadline_cuts_a_drain_short),
		T(it_may_leave_the_registry_in_the_end),
		T(many_targets_are_one_transaction),
		T(weight_alone_changes),
		T(what_is_wrong_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
