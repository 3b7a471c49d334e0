// SPDX-License-Identifier: BSD-2-Clause
/* registrar explain: rows in, and what is said of them. */
#include "schema/base/clock.h"
#include "tests/unit/registrar_core/operation_support.h"

#define ROW(...)                                                               \
	{                                                                      \
		.name = "i-1", .weight = 100, __VA_ARGS__                      \
	}

static const struct {
	const char *why;
	struct instance_row row;
	const char *says[2];
	int code;
} reasons[] = {
	{ "passing", ROW(.health = HEALTH_PASSING, .port = 80),
	    { "\n\nin  i-1  192.0.2.1:80  weight 100\n", "A: 1 of 1" },
	    EXIT_DONE },
	{ "critical, and what the check said",
	    ROW(.health = HEALTH_CRITICAL, .reason = "refused"),
	    { "OUT i-1", "    refused\n" }, EXIT_UNHEALTHY },
	{ "dead", ROW(.health = HEALTH_DEAD),
	    { "dead for ", ": its process is gone" }, EXIT_UNHEALTHY },
	{ "starting", ROW(.health = HEALTH_STARTING),
	    { "starting for ", "its checks have not passed yet" },
	    EXIT_UNHEALTHY },
	{ "draining", ROW(.health = HEALTH_PASSING, .mode = MODE_DRAINING),
	    { "in SRV, not A\n", "weight 0 in SRV, in no A or AAAA" },
	    EXIT_DONE },
	{ "draining and critical",
	    ROW(.health = HEALTH_CRITICAL, .mode = MODE_DRAINING),
	    { "OUT i-1", "critical for " }, EXIT_UNHEALTHY },
	{ "draining for some time yet",
	    ROW(.health = HEALTH_PASSING, .mode = MODE_DRAINING,
	        .drain = { DRAIN_WAITING, 4102444800000, 4102444801000, NULL }),
	    { "    in no answer in ", "its deadline is in " }, EXIT_DONE },
	{ "drained",
	    ROW(.health = HEALTH_PASSING, .mode = MODE_DRAINING,
	        .drain = { DRAIN_FAILED, 1700000000000, 0,
	            "'/x': exit status 3" }),
	    { "OUT i-1", "on_drained failed: '/x': exit status 3\n" },
	    EXIT_UNHEALTHY },
	{ "maintenance",
	    ROW(.health = HEALTH_PASSING, .mode = MODE_MAINTENANCE),
	    { "OUT i-1", "until `registrar resume`" }, EXIT_UNHEALTHY },
	{ "an expired lease",
	    ROW(.health = HEALTH_PASSING, .lease_until_wall_ms = 1700000000000),
	    { "its lease ran out ", "at 2023-11-14 22:13:20 UTC" },
	    EXIT_UNHEALTHY },
	{ "no port", ROW(.health = HEALTH_PASSING),
	    { "in  i-1", "no port is known: SRV says 0" }, EXIT_DONE },
	{ "on its way up", ROW(.health = HEALTH_PASSING, .ramp_percent = 19),
	    { "weight 19\n", "it starts slowly: 19 % of its weight" },
	    EXIT_DONE },
	{ "held back",
	    ROW(.health = HEALTH_CRITICAL, .reason = "damping: its checks pass",
	        .damping = { 4000, 1700000000000, 1700000060000 }),
	    { "held back until 2023-11-14 22:14:20 UTC",
	        "    damping: its checks pass\n" },
	    EXIT_UNHEALTHY },
	{ "weight 0", { .name = "i-1", .health = HEALTH_PASSING },
	    { "in  i-1", "weight 0: comes after all others" }, EXIT_DONE },
	{ "while warning another weight holds",
	    ROW(.health = HEALTH_WARNING, .weight_warning = 7),
	    { "weight 7\n", "warning for " }, EXIT_DONE },
	{ "an address of the other family",
	    ROW(.health = HEALTH_PASSING, .address = "2001:db8::1"),
	    { " AAAA: 1 of 1 instances\n", "in  i-1  2001:db8::1" },
	    EXIT_DONE },
};

static void assert_told(size_t k, int code, const char *out)
{
	for (unsigned n = 0; n < 2; n++) {
		const char *says = reasons[k].says[n];

		if (code != reasons[k].code || !strstr(out, says)) {
			fail_msg("%s: %d, not '%s':\n%s", reasons[k].why, code,
			    says, out);
		}
	}
}

static void every_reason_is_told(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(reasons) / sizeof(*reasons); k++) {
		struct fx *f;
		struct instance_row row = reasons[k].row;
		const char *out;

		(void)fx_setup((void **)&f);
		f->options.max_answers = 8;
		row.since_wall_ms = 1000000;
		fx_put_instance(f, &row);
		int code = fx_run(f, command_explain, "web", NULL, &out);

		assert_told(k, code, out);
		(void)fx_teardown((void **)&f);
	}
}

static void priorities_and_limits_are_told(void **state)
{
	static const struct {
		const char *name, *says;
	} cases[] = {
		{ "a", "not in every A answer: each holds 2 of 5" },
		{ "c", "in no A answer: 2 others come before it" },
		{ "d", "priority 5: clients use it once the 3 before it fail" },
		{ "e", "weight 0: comes after" },
	};
	struct fx *f = *state;

	for (unsigned k = 0; k < 5; k++) {
		static const char *const names[] = { "a", "b", "c", "d", "e" };

		fx_put_instance(
		    f, &(const struct instance_row){ .name = names[k],
		           .port = 80,
		           .health = HEALTH_PASSING,
		           .priority = k < 3 ? 0 : 5,
		           .weight = k == 2 || k == 4 ? 0 : 10 });
	}
	f->options.max_answers = 2;
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		const char *target =
		    arena_printf(f->arena, "web/%s", cases[k].name);
		const char *out;

		assert_int_equal(
		    EXIT_DONE, fx_run(f, command_explain, target, NULL, &out));
		fx_expect_in(out, cases[k].says);
		assert_null(strstr(out, *cases[k].name == 'a' ? " b " : " a "));
	}
	const char *out;

	assert_int_equal(
	    EXIT_UNHEALTHY, fx_run(f, command_explain, "web/d", "A", &out));
	fx_expect_in(out, "OUT d");
}

/* What does not fit is a matter of the client's size. */
static void sizes_are_told(void **state)
{
	static const struct {
		unsigned n;
		int max;
		const char *says; /* NULL: nothing of it */
	} cases[] = {
		{ 30, 65535, NULL },
		{ 40, 65535, "answer by UDP: 30 of 40 fit into the 512 " },
		{ 40, 0, "answer by UDP, where TC says so: 30 of 40 fit" },
		{ 90, 65535, "by UDP: 74 of 90 fit into 1232 octets" },
		{ 90, 8, "each holds 8 of 90" },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		struct fx *f;
		const char *out;

		(void)fx_setup((void **)&f);
		for (unsigned i = 0; i < cases[k].n; i++) {
			fx_put_instance(
			    f, &(const struct instance_row){
			           .name = arena_printf(f->arena, "i%u", i),
			           .health = HEALTH_PASSING,
			           .weight = 10 });
		}
		f->options.max_answers = cases[k].max;
		assert_int_equal(
		    EXIT_DONE, fx_run(f, command_explain, "web/i3", "A", &out));
		if (cases[k].says) {
			fx_expect_in(out, cases[k].says);
		} else {
			assert_null(strstr(out, "answer by UDP"));
		}
		(void)fx_teardown((void **)&f);
	}
}

static void an_empty_answer_is_told(void **state)
{
	static const struct {
		enum on_empty policy;
		enum health health;
		const char *says;
		int code;
	} cases[] = {
		{ ON_EMPTY_NODATA, HEALTH_CRITICAL, "(NODATA, on_empty: nodata",
		    EXIT_UNHEALTHY },
		{ ON_EMPTY_NXDOMAIN, HEALTH_CRITICAL, "NXDOMAIN: the name",
		    EXIT_UNHEALTHY },
		{ ON_EMPTY_ALL, HEALTH_CRITICAL, "answered all the same",
		    EXIT_DONE },
		{ ON_EMPTY_ALL, HEALTH_DEAD, "none is left that is not dead",
		    EXIT_UNHEALTHY },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		struct fx *f;
		const char *out;

		(void)fx_setup((void **)&f);
		fx_put_service(f, &(const struct service_row){ .name = "web",
		                      .on_empty = cases[k].policy });
		fx_put_instance(f, &(const struct instance_row){ .name = "i-1",
		                       .health = cases[k].health });
		int code = fx_run(f, command_explain, "web", "SRV", &out);

		fx_expect_in(out, cases[k].says);
		assert_int_equal(code, cases[k].code);
		(void)fx_teardown((void **)&f);
	}
}

static void names_are_those_of_dns(void **state)
{
	static const struct {
		const char *name, *type;
		int code;
		const char *says;
	} cases[] = {
		{ "web", NULL, EXIT_DONE, " A: 2 of 3" },
		{ "WEB.svc.TEST.", "aaaa", EXIT_UNHEALTHY, " AAAA: " },
		{ "_web._tcp", NULL, EXIT_DONE, " SRV: 2 of 3" },
		{ "_Web._tcp.svc.test.", "srv", EXIT_DONE, " SRV: 2 of 3" },
		{ "i-1.web.svc.test", NULL, EXIT_DONE, "in  i-1" },
		{ "i-1.web", "A", EXIT_DONE, "in  i-1" },
		{ "i-1.Web", "A", EXIT_DONE,
		    "i-1.web.svc.test A: resolves whatever its health" },
		{ "i-1.web", "AAAA", EXIT_UNHEALTHY, "AAAA: no records" },
		{ "i-3.web.svc.test", NULL, EXIT_DONE, "OUT i-3" },
		{ "i-3.web", "A", EXIT_DONE, "in answers of web.svc.test:\n" },
		{ "web/i-3", NULL, EXIT_UNHEALTHY, "OUT i-3" },
		{ "i-3._web._tcp.svc.test", NULL, EXIT_DONE,
		    "i-3._web._tcp.svc.test SRV: resolves" },
		{ "i-3._web._tcp", "SRV", EXIT_DONE, "OUT i-3" },
		{ "i-3._web._tcp", "A", EXIT_WRONG, "" },
		{ "i-3._web._udp", NULL, EXIT_WRONG, "" },
		{ "i-3._web", NULL, EXIT_WRONG, "" },
		{ "i-9._web._tcp", NULL, EXIT_WRONG, "" },
		{ "web/i-2", NULL, EXIT_DONE, "in  i-2" },
		{ "_web._udp", NULL, EXIT_WRONG, "" },
		{ "_web._tcp", "A", EXIT_WRONG, "" },
		{ "_web", NULL, EXIT_WRONG, "" },
		{ "web", "MX", EXIT_WRONG, "" },
		{ "nix", NULL, EXIT_WRONG, "" },
		{ "web/nix", NULL, EXIT_WRONG, "" },
		{ "i-9.web", NULL, EXIT_WRONG, "" },
		{ ".", NULL, EXIT_WRONG, "" },
		{ "web.other.zone", NULL, EXIT_WRONG, "" },
	};
	struct fx *f = *state;

	fx_put_instance(f, &(const struct instance_row)ROW(.port = 80,
	                       .health = HEALTH_PASSING));
	fx_put_instance(f, &(const struct instance_row){ .name = "i-2",
	                       .weight = 1,
	                       .port = 80,
	                       .health = HEALTH_PASSING });
	fx_put_instance(f, &(const struct instance_row){
	                       .name = "i-3", .health = HEALTH_DEAD });
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		const char *out;
		int code = fx_run(
		    f, command_explain, cases[k].name, cases[k].type, &out);

		if (code != cases[k].code || !strstr(out, cases[k].says)) {
			fail_msg("%s %s: %d\n%s", cases[k].name,
			    cases[k].type ? cases[k].type : "", code, out);
		}
	}
}

static void who_set_a_mode_is_told(void **state)
{
	struct fx *f = *state;
	const char *out;

	fx_put_instance(f, &(const struct instance_row)ROW(.port = 80,
	                       .health = HEALTH_PASSING));
	f->options.reason = "new disk";
	f->options.force = true; /* it is the last one */
	(void)fx_run(f, command_maintenance, "web/i-1", NULL, NULL);
	(void)fx_run(f, command_explain, "web", NULL, &out);
	fx_expect_in(out, "set by command/");
	fx_expect_in(out, ": new disk\n");
	f->options.json = true;
	(void)fx_run(f, command_explain, "web", NULL, &out);
	fx_expect_in(out, "\"code\": \"maintenance\"");
	fx_expect_in(out, "\"in\": []");
}

/* ---- register, deregister ----------------------------------------------- */

static void a_registered_instance_is_a_row(void **state)
{
	struct fx *f = *state;
	const char *out;

	f->options.run.address = "192.0.2.9";
	f->options.protocol = "tcp";
	f->options.ports =
	    (struct conf_strings){ (const char *[]){ "8080", NULL }, 1 };
	f->options.weight = 100;
	f->options.lease_ms = 60000;
	int64_t before = clock_wall_ms();

	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_register, "web/new", NULL, &out));
	assert_string_equal(out, "web/new: new -> passing\n");
	const struct instance_row *row = fx_look(f, "new");

	assert_string_equal(row->source, "command");
	assert_string_equal(row->address, "192.0.2.9");
	assert_int_equal(row->port, 8080);
	assert_in_range(
	    row->lease_until_wall_ms, before + 60000, clock_wall_ms() + 60000);
	(void)usleep(2000);
	int64_t until = row->lease_until_wall_ms;

	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_register, "web/new", NULL, &out));
	assert_string_equal(out, "web/new: passing -> registered again\n");
	assert_true(fx_look(f, "new")->lease_until_wall_ms > until);
	assert_int_equal(
	    EXIT_WRONG, fx_run(f, command_register, "web", NULL, NULL));
	f->options.run.address = "192.0.2.09";
	assert_int_equal(
	    EXIT_WRONG, fx_run(f, command_register, "web/bad", NULL, NULL));
	assert_null(fx_look(f, "bad")->address);
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_deregister, "web/new", NULL, &out));
	assert_string_equal(out, "web/new: passing -> gone\n");
	assert_null(fx_look(f, "new")->address);
}

static void what_others_wrote_takes_force(void **state)
{
	struct fx *f = *state;

	f->options.run.address = "192.0.2.9";
	f->options.protocol = "tcp";
	fx_put_instance(f, &(const struct instance_row){ .name = "i-1",
	                       .source = "registrar/here",
	                       .definition = "web.yaml",
	                       .health = HEALTH_CRITICAL });
	assert_int_equal(
	    EXIT_WRONG, fx_run(f, command_register, "web/i-1", NULL, NULL));
	assert_int_equal(
	    EXIT_WRONG, fx_run(f, command_deregister, "web/i-1", NULL, NULL));
	assert_string_equal(fx_look(f, "i-1")->address, "192.0.2.1");
	f->options.force = true;
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_register, "web/i-1", NULL, NULL));
	assert_string_equal(fx_look(f, "i-1")->address, "192.0.2.9");
	assert_int_equal(fx_look(f, "i-1")->health, HEALTH_CRITICAL);
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_deregister, "web", NULL, NULL));
	assert_null(fx_look(f, "i-1")->address);
}

static void a_service_of_ours_goes_with_its_last(void **state)
{
	struct fx *f = *state;

	f->options.run.address = "192.0.2.9";
	f->options.protocol = "tcp";
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_register, "own/a", NULL, NULL));
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_register, "own/b", NULL, NULL));
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_deregister, "own/a", NULL, NULL));
	assert_int_equal(
	    EXIT_DONE, fx_run(f, command_deregister, "own/b", NULL, NULL));
	assert_int_equal(
	    EXIT_WRONG, fx_run(f, command_deregister, "own", NULL, NULL));
	assert_int_equal(/* but that of others stays */
	    EXIT_DONE, fx_run(f, command_deregister, "web", NULL, NULL));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_is_told),
		T(priorities_and_limits_are_told),
		cmocka_unit_test(sizes_are_told),
		cmocka_unit_test(an_empty_answer_is_told),
		T(names_are_those_of_dns),
		T(who_set_a_mode_is_told),
		T(a_registered_instance_is_a_row),
		T(what_others_wrote_takes_force),
		T(a_service_of_ours_goes_with_its_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
