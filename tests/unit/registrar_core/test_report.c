// SPDX-License-Identifier: BSD-2-Clause
/* registrar pass, warn, fail: what they do to the row of a ttl check. */
#include "registrar/command/commands.h"
#include "schema/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ZONE "svc.test"

struct fx {
	char dir[64], path[96];
	struct registrar_options options;
};

static void put_check(struct registry *r, const char *instance,
    const char *name, const char *kind)
{
	const struct check_row row = { .zone = ZONE,
		.service = "job",
		.instance = instance,
		.name = name,
		.kind = kind,
		.status = HEALTH_STARTING,
		.output = "",
		.since_wall_ms = 1,
		.checked_wall_ms = 1 };

	assert_int_equal(0, registry_put_check(r, &row, NULL));
}

static void put_instance(struct registry *r, const char *name)
{
	const struct instance_row row = { .zone = ZONE,
		.service = "job",
		.name = name,
		.address = "192.0.2.1",
		.port = 1,
		.weight_warning = ROW_DEFAULT,
		.tags = "[]",
		.meta = "{}",
		.source = "sql" };

	assert_int_equal(0, registry_put_instance(r, &row, NULL));
}

static int setup(void **state)
{
	const struct service_row service = { .zone = ZONE,
		.name = "job",
		.protocol = "tcp",
		.port = ROW_DEFAULT,
		.ttl_s = ROW_DEFAULT,
		.max_answers = ROW_DEFAULT,
		.tags = "[]",
		.meta = "{}",
		.source = "sql" };
	struct fx *f = calloc(1, sizeof(*f));
	struct registry *r;

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/report-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/registry.db", f->dir);
	f->options.run.registry = f->path;
	f->options.run.zone = ZONE;
	assert_int_equal(0, registry_open(f->path, REGISTRY_WRITE, &r, NULL));
	assert_int_equal(0, registry_put_service(r, &service, NULL));
	put_instance(r, "one");
	put_instance(r, "two");
	put_check(r, "one", "ttl-1", "ttl");
	put_check(r, "one", "tcp-1", "tcp");
	put_check(r, "two", "read", "ttl");
	put_check(r, "two", "write", "ttl");
	registry_close(r);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	struct fx *f = *state;

	for (size_t n = 0; n < sizeof(ends) / sizeof(ends[0]); n++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s%s", f->path, ends[n]);
		(void)unlink(path);
	}
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

struct seen {
	char text[256];
	int64_t since_wall_ms, checked_wall_ms;
};

static void see(void *arg, const struct check_row *row)
{
	struct seen *s = arg;

	(void)snprintf(s->text, sizeof(s->text), "%s %s",
	    health_name(row->status), row->output);
	s->since_wall_ms = row->since_wall_ms;
	s->checked_wall_ms = row->checked_wall_ms;
}

static struct seen look(
    const struct fx *f, const char *instance, const char *name)
{
	struct registry *r;
	struct seen s = { .text = "" };

	assert_int_equal(0, registry_open(f->path, REGISTRY_READ, &r, NULL));
	assert_int_equal(0,
	    registry_read_check(r, ZONE, "job", instance, name, see, &s, NULL));
	registry_close(r);
	return s;
}

typedef int (*command_fn)(
    const struct registrar_options *o, const struct conf_strings *rest);

static int say(struct fx *f, command_fn fn, const char *target,
    const char *check, const char *note)
{
	const char *items[] = { target, check, NULL };
	const struct conf_strings rest = { items, check ? 2 : 1 };

	f->options.note = note;
	return fn(&f->options, &rest);
}

static void a_report_is_in_the_row(void **state)
{
	struct fx *f = *state;

	assert_int_equal(
	    EXIT_DONE, say(f, command_pass, "job/one", NULL, "42 rows"));
	struct seen first = look(f, "one", "ttl-1");

	assert_string_equal(first.text, "passing 42 rows");
	assert_true(first.checked_wall_ms > 1);
	assert_int_equal(first.since_wall_ms, first.checked_wall_ms);
	(void)usleep(3000);
	/* the same again: since when stays, the time of the report moves */
	assert_int_equal(
	    EXIT_DONE, say(f, command_pass, "job/one", NULL, NULL));
	struct seen second = look(f, "one", "ttl-1");

	assert_int_equal(second.since_wall_ms, first.since_wall_ms);
	assert_true(second.checked_wall_ms > first.checked_wall_ms);
	assert_int_equal(EXIT_DONE,
	    say(f, command_warn, "job.svc.test/one", "ttl-1", "slow\x1b"));
	assert_string_equal(look(f, "one", "ttl-1").text, "warning slow?");
	assert_int_equal(
	    EXIT_DONE, say(f, command_fail, "job/two", "write", "full"));
	assert_string_equal(look(f, "two", "write").text, "critical full");
	assert_string_equal(look(f, "two", "read").text, "starting ");
}

static void what_is_not_there_is_told(void **state)
{
	static const struct {
		const char *why, *target, *check;
	} cases[] = {
		{ "no instance is named", "job", NULL },
		{ "nor is it here", "job/", NULL },
		{ "nor a service", "/one", NULL },
		{ "there is no such service", "jobs/one", NULL },
		{ "nor such an instance", "job/three", NULL },
		{ "nor such a check", "job/one", "ttl-2" },
		{ "it is no ttl check", "job/one", "tcp-1" },
		{ "there are two: which?", "job/two", NULL },
		{ "in another zone", "job.elsewhere/one", NULL },
	};
	struct fx *f = *state;

	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		if (say(f, command_pass, cases[n].target, cases[n].check,
		        NULL) != EXIT_WRONG)
			fail_msg("%s: not told", cases[n].why);
	}
	f->options.run.registry = "/nowhere/registry.db";
	assert_int_equal(
	    EXIT_FAILED, say(f, command_pass, "job/one", NULL, NULL));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_report_is_in_the_row),
		T(what_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
