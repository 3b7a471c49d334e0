// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * status_support - a registry file with rows, and what is shown of it.
 * set_up and tear_down are cmocka's: *state is a struct fixture.
 */
#include "registrar/report/status.h"
#include "schema/dnsd_status.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* cmocka.h needs these before it */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define NOW 1700000000000LL

struct fixture {
	char path[64];
	struct registry *reg;
	struct status_report report;
	bool loaded;
};

static void put_service(
    struct fixture *f, const char *zone, const char *name, int port)
{
	struct diag e;
	const struct service_row row = { .zone = zone,
		.name = name,
		.protocol = "tcp",
		.port = port,
		.ttl_s = ROW_DEFAULT,
		.max_answers = ROW_DEFAULT,
		.tags = "[\"v2\"]",
		.meta = "{\"k\":\"v\"}",
		.source = "sql" };

	if (registry_put_service(f->reg, &row, &e) < 0)
		fail_msg("%s", e.text);
}

/* since_s: seconds ago; what is 0 in `more` is the default */
static void put_instance(struct fixture *f, const char *service,
    const char *name, const char *address, int64_t since_s,
    const struct instance_row *more)
{
	struct instance_row row = *more;
	struct diag e;

	row.zone = "svc.test";
	row.service = service;
	row.name = name;
	row.address = address;
	row.tags = "[]";
	row.meta = "{}";
	row.source = "sql";
	row.since_wall_ms = NOW - since_s * 1000;
	row.port = row.port ? row.port : ROW_DEFAULT;
	row.weight_warning =
	    row.weight_warning ? row.weight_warning : ROW_DEFAULT;
	row.reason = row.reason ? row.reason : "";
	if (registry_put_instance(f->reg, &row, &e) < 0)
		fail_msg("%s", e.text);
}

static void put_check(struct fixture *f, const char *service,
    const char *instance, const char *name, enum health status,
    const char *output)
{
	struct diag e;
	const struct check_row row = { .zone = "svc.test",
		.service = service,
		.instance = instance,
		.name = name,
		.kind = "tcp",
		.status = status,
		.output = output,
		.since_wall_ms = NOW,
		.checked_wall_ms = NOW };

	if (registry_put_check(f->reg, &row, &e) < 0)
		fail_msg("%s", e.text);
}

static void put_drain(
    struct fixture *f, const char *instance, const struct drain_row *d)
{
	assert_int_equal(0, registry_put_drain(f->reg, "svc.test", "api",
	                        instance, d, NOW, NULL));
}

#define ROW(...)                                                               \
	&(const struct instance_row)                                           \
	{                                                                      \
		__VA_ARGS__                                                    \
	}

#define DNSD_ADDRESS "192.0.2.53:53"

/* A dnsd serves the zones of the fixtures: nothing to say of it. */
static void tell_of_dnsd(struct fixture *f)
{
	struct dnsd_status_zone zones[] = { { "svc.test", 7 },
		{ "other.test", 0 } };
	const struct dnsd_status s = { .pid = 1,
		.version = "1",
		.written_wall_ms = NOW,
		.addresses = { DNSD_ADDRESS },
		.address_n = 1,
		.registry_id = "",
		.trouble = "",
		.last_error = "",
		.zones = zones,
		.zone_n = 2 };
	struct diag e;

	if (dnsd_status_write(f->path, &s, &e) < 0)
		fail_msg("%s", e.text);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct diag e;

	(void)snprintf(f->path, sizeof(f->path), "/tmp/test_status.XXXXXX");
	int fd = mkstemp(f->path);

	assert_true(fd >= 0);
	close(fd);
	if (registry_open(f->path, REGISTRY_WRITE, &f->reg, &e) < 0)
		fail_msg("%s", e.text);
	tell_of_dnsd(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm",
		".dnsd-" DNSD_ADDRESS ".status" };
	struct fixture *f = *state;

	if (f->loaded)
		status_release(&f->report);
	registry_close(f->reg);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		char file[128];

		(void)snprintf(file, sizeof(file), "%s%s", f->path, ends[i]);
		(void)unlink(file);
	}
	free(f);
	return 0;
}

static void load(struct fixture *f, const char *service)
{
	struct diag e;

	if (status_load(f->path, "svc.test", service, NOW, &f->report, &e) < 0)
		fail_msg("%s", e.text);
	f->loaded = true;
}

static void assert_shown(
    struct fixture *f, bool colour, unsigned width, const char *expected)
{
	const struct status_style style = { colour, width };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	status_print(out, &f->report, &style);
	(void)fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void fill(struct fixture *f)
{
	put_service(f, "svc.test", "api", 80);
	put_service(f, "svc.test", "web", ROW_DEFAULT);
	put_instance(f, "api", "a", "10.0.0.1", 192,
	    ROW(.weight = 300, .health = HEALTH_PASSING));
	put_instance(f, "api", "b", "10.0.0.2", 7200,
	    ROW(.weight = 100, .weight_warning = 5, .priority = 2,
	        .health = HEALTH_WARNING, .address6 = "fd00::2"));
	put_instance(f, "api", "c", "10.0.0.3", 90061,
	    ROW(.weight = 1, .port = 81, .health = HEALTH_CRITICAL));
	put_instance(f, "api", "d", "fd00::4", 59,
	    ROW(.weight = 1, .health = HEALTH_PASSING, .mode = MODE_DRAINING));
	put_drain(f, "d",
	    &(const struct drain_row){ DRAIN_WAITING, NOW + 4000, 0, NULL });
	put_instance(f, "web", "e", "10.0.0.5", -5,
	    ROW(.weight = 1, .health = HEALTH_DEAD, .reason = "exited"));
	put_instance(f, "web", "f", "10.0.0.6", 0,
	    ROW(.weight = 1, .health = HEALTH_PASSING,
	        .lease_until_wall_ms = NOW));
	put_instance(f, "web", "g", "10.0.0.7", 3600,
	    ROW(.weight = 1, .health = HEALTH_STARTING));
	put_check(f, "api", "a", "tcp-1", HEALTH_PASSING, "connected");
	put_check(f, "api", "c", "one", HEALTH_PASSING, "fine");
	put_check(f, "api", "c", "three", HEALTH_STARTING, "not yet");
	put_check(f, "api", "c", "two", HEALTH_CRITICAL,
	    "\033[2Jrefused\nby \xc3\xa4\xc2\x9b the other side of the wire");
}

#define SUMMARY                                                                \
	"2 services, 7 instances: 1 passing, 1 warning, 1 critical, 1 dead, "  \
	"1 starting, 1 draining, 1 expired\n"
