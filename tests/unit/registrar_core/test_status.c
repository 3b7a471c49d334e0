// SPDX-License-Identifier: BSD-2-Clause
/*
 * A registry is written and read back by way of a report; what people see is
 * compared letter by letter.
 */
#include "status_support.h"

#include <errno.h>
#include <jansson.h>

static void test_table(void **state)
{
	struct fixture *f = *state;

	fill(f);
	load(f, NULL);
	assert_shown(f, false, 0,
	    "  INSTANCE  ADDRESS               WEIGHT  STATE     SINCE  LAST "
	    "CHECK\n"
	    "api.svc.test (tcp)  2 of 4 in answers\n"
	    "  a         10.0.0.1:80              300  passing   3m12s  tcp-1: "
	    "connected\n"
	    "  b         10.0.0.2:80 +fd00::2    5 p2  warning      2h  \n"
	    "  c         10.0.0.3:81                1  critical   1d1h  two: "
	    "?[2Jrefused by \xc3\xa4? the other side of the wire\n"
	    "  d         [fd00::4]:80               0  draining    59s  in "
	    "no answer in 4s\n"
	    "web.svc.test (tcp)  NONE of 3 in answers: nodata\n"
	    "  e         10.0.0.5                   1  dead         0s  "
	    "exited\n"
	    "  f         10.0.0.6                   1  expired      0s  \n"
	    "  g         10.0.0.7                   1  starting     1h  \n" SUMMARY);
}

static void test_terminal(void **state)
{
	struct fixture *f = *state;

	fill(f);
	load(f, "web");
	assert_shown(f, true, 80,
	    "  INSTANCE  ADDRESS   WEIGHT  STATE     SINCE  LAST CHECK\n"
	    "\033[1mweb.svc.test\033[0m (tcp)  \033[1;31mNONE of 3 in "
	    "answers: nodata\033[0m\n"
	    "  e         10.0.0.5       1  \033[1;31mdead\033[0m         0s  "
	    "exited\n"
	    "  f         10.0.0.6       1  \033[1;31mexpired\033[0m      0s  \n"
	    "  g         10.0.0.7       1  \033[36mstarting\033[0m     1h  \n"
	    "1 service, 3 instances: 1 dead, 1 starting, 1 expired\n");
}

/* No line is longer than the terminal, unless the columns alone are. */
static void test_cut(void **state)
{
	struct fixture *f = *state;
	const struct status_style style = { false, 90 };
	char *text = NULL, *line;
	size_t len;

	fill(f);
	put_check(f, "api", "a", "tcp-1", HEALTH_PASSING,
	    "0123456789 0123456789 0123456789 0123456789 0123456789");
	load(f, "api");
	FILE *out = open_memstream(&text, &len);

	status_print(out, &f->report, &style);
	(void)fclose(out);
	assert_non_null(strstr(text, "tcp-1: 0123456789 0123456789...\n"));
	line = strtok(text, "\n");
	for (int i = 0; line && i < 6; i++) {
		assert_true(strlen(line) <= 90 + 3); /* ä, and it is cut */
		line = strtok(NULL, "\n");
	}
	free(text);
}

/* The weight in force beside that to come; who speaks against it. */
static void test_course(void **state)
{
	struct fixture *f = *state;
	const struct damping_row held = {
		.penalty = 4000, .at_wall_ms = NOW, .until_wall_ms = NOW + 60000
	};
	struct diag e;

	put_service(f, "svc.test", "api", 80);
	put_instance(f, "api", "a", "10.0.0.1", 3,
	    ROW(.weight = 300, .health = HEALTH_PASSING));
	put_instance(f, "api", "b", "10.0.0.2", 3,
	    ROW(.weight = 100, .health = HEALTH_CRITICAL,
	        .reason = "damping: it flaps"));
	put_check(f, "api", "b", "tcp-1", HEALTH_PASSING, "connected");
	assert_int_equal(
	    registry_put_ramp(f->reg, "svc.test", "api", "a", 19, &e), 0);
	assert_int_equal(
	    registry_put_damping(f->reg, "svc.test", "api", "b", &held, &e), 0);
	load(f, "api");
	assert_shown(f, false, 0,
	    "  INSTANCE  ADDRESS      WEIGHT  STATE     SINCE  LAST CHECK\n"
	    "api.svc.test (tcp)  1 of 2 in answers\n"
	    "  a         10.0.0.1:80  57/300  passing      3s  \n"
	    "  b         10.0.0.2:80     100  critical     3s  damping: it "
	    "flaps\n"
	    "1 service, 2 instances: 1 passing, 1 critical\n");
}

static void test_drains(void **state)
{
	static const struct drain_row drains[] = {
		{ DRAIN_HOOK, NOW - 1, 0, NULL },
		{ DRAIN_DONE, NOW - 1, NOW + 9, "SIGTERM: sent" },
		{ DRAIN_FAILED, NOW - 1, 0, "'/x': exit status 3" },
	};
	char name[] = "a";
	struct fixture *f = *state;

	put_service(f, "svc.test", "api", 80);
	for (size_t k = 0; k < 3; k++, name[0]++) {
		put_instance(f, "api", name, "10.0.0.1", 3,
		    ROW(.weight = 3, .mode = MODE_DRAINING));
		put_drain(f, name, &drains[k]);
	}
	load(f, "api");
	assert_shown(f, false, 0,
	    "  INSTANCE  ADDRESS      WEIGHT  STATE    SINCE  LAST CHECK\n"
	    "api.svc.test (tcp)  NONE of 3 in answers: nodata\n"
	    "  a         10.0.0.1:80       0  drained     3s  "
	    "in no answer; on_drained runs\n"
	    "  b         10.0.0.1:80       0  drained     3s  "
	    "in no answer; on_drained ended well: SIGTERM: sent\n"
	    "  c         10.0.0.1:80       0  drained     3s  "
	    "in no answer; on_drained failed: '/x': exit status 3\n"
	    "1 service, 3 instances: 3 drained\n");
}

static void test_unhealthy(void **state)
{
	struct fixture *f = *state;
	struct diag e;

	put_service(f, "svc.test", "api", 80);
	put_instance(f, "api", "a", "10.0.0.1", 1,
	    ROW(.weight = 1, .health = HEALTH_PASSING));
	put_instance(f, "api", "b", "10.0.0.2", 1,
	    ROW(.weight = 1, .health = HEALTH_WARNING));
	put_instance(f, "api", "c", "10.0.0.3", 1,
	    ROW(.weight = 1, .health = HEALTH_DEAD, .mode = MODE_MAINTENANCE));
	load(f, NULL);
	assert_false(status_is_unhealthy(&f->report));
	status_release(&f->report);
	/* one that is down, though others answer */
	assert_int_equal(registry_put_health(f->reg, "svc.test", "api", "b",
	                     HEALTH_CRITICAL, "x", NOW, &e),
	    0);
	load(f, NULL);
	assert_true(status_is_unhealthy(&f->report));
	status_release(&f->report);
	/* a service with nothing in it */
	assert_int_equal(registry_put_health(f->reg, "svc.test", "api", "b",
	                     HEALTH_PASSING, "x", NOW, &e),
	    0);
	put_service(f, "svc.test", "empty", 80);
	load(f, NULL);
	assert_true(status_is_unhealthy(&f->report));
}

static void test_json(void **state)
{
	struct fixture *f = *state;
	char *text = NULL;
	size_t len;
	json_error_t e;

	fill(f);
	load(f, NULL);
	FILE *out = open_memstream(&text, &len);

	status_print_json(out, &f->report);
	(void)fclose(out);
	json_t *root = json_loads(text, 0, &e);

	if (!root)
		fail_msg("%s\n%s", e.text, text);
	const json_t *services = json_object_get(root, "services");
	const json_t *api = json_array_get(services, 0);
	const json_t *c = json_array_get(json_object_get(api, "instances"), 2);
	const json_t *two = json_array_get(json_object_get(c, "checks"), 2);

	assert_int_equal(json_array_size(services), 2);
	assert_true(json_is_false(json_object_get(root, "healthy")));
	assert_int_equal(
	    json_integer_value(json_object_get(api, "eligible_n")), 2);
	assert_string_equal(
	    json_string_value(json_object_get(c, "state")), "critical");
	assert_true(json_is_false(json_object_get(c, "eligible")));
	assert_true(json_is_null(json_object_get(c, "weight_warning")));
	/* the output is whole here, whatever is in it */
	assert_string_equal(json_string_value(json_object_get(two, "output")),
	    "\033[2Jrefused\nby \xc3\xa4\xc2\x9b the other side of the wire");
	json_decref(root);
	free(text);
}

/* More than a page of services, in two zones. */
static void test_many(void **state)
{
	struct fixture *f = *state;
	struct diag e;

	assert_int_equal(registry_begin(f->reg, 0, &e), 0);
	for (int i = 0; i < 1200; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "s%04d", i);
		put_service(f, i % 2 ? "svc.test" : "other.test", name, 1);
		if (i % 2) {
			put_instance(f, name, "a", "10.0.0.1", 1,
			    ROW(.health = HEALTH_PASSING));
			put_check(f, name, "a", "x", HEALTH_PASSING, name);
		}
	}
	assert_int_equal(registry_commit(f->reg, &e), 0);
	load(f, NULL);
	assert_int_equal(f->report.service_n, 1200);
	assert_int_equal(f->report.instance_n, 600);
	for (unsigned i = 0; i < 600; i++) {
		const struct status_instance *k = &f->report.instances[i];

		assert_int_equal(k->check_n, 1);
		assert_string_equal(
		    f->report.checks[k->check_0].row.output, k->row.service);
	}
}

static void test_errors(void **state)
{
	struct fixture *f = *state;
	struct status_report r;
	struct diag e;

	assert_int_equal(
	    status_load("/nonexistent/r.db", "svc.test", NULL, NOW, &r, &e),
	    -ENOENT);
	assert_int_equal(
	    status_load(f->path, "svc.test", "nope", NOW, &r, &e), -ENOENT);
	assert_string_equal(e.text, "no service 'nope' in zone 'svc.test'");
	load(f, NULL);
	assert_shown(f, false, 0, "0 services, 0 instances\n");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_table),
		TEST(test_terminal),
		TEST(test_cut),
		TEST(test_course),
		TEST(test_drains),
		TEST(test_unhealthy),
		TEST(test_json),
		TEST(test_many),
		TEST(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
