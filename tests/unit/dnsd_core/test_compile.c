// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows to a block: limits of the layout, who is eligible, what is left out.
 * What is answered from it is in dnsd_message/test_answer.c.
 */
#include "dnsd/registry/compile.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/ask.h"
#include "tests/support/world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOW_MS = 1000000 };

struct fixture {
	struct world *world;
	struct compiler *c;
	struct compile_result r;
	struct service_row service;
	struct instance_row instance; /* one that may be answered */
};

static struct fixture fixture_new(void)
{
	return (struct fixture){
		.world = world_new("zone svc.test ttl 5 max 8\n"),
		.c = compiler_new(),
		.service = { .name = "web",
		    .protocol = "tcp",
		    .port = ROW_DEFAULT,
		    .ttl_s = ROW_DEFAULT,
		    .max_answers = ROW_DEFAULT },
		.instance = { .name = "i1",
		    .address = "192.0.2.1",
		    .port = ROW_DEFAULT,
		    .weight = 10,
		    .weight_warning = ROW_DEFAULT,
		    .health = HEALTH_PASSING },
	};
}

static void fixture_free(struct fixture *f)
{
	free(f->r.service);
	compiler_free(f->c);
	world_free(f->world);
}

/* RDLENGTH and RDATA of the TXT record; NULL: none. */
static const uint8_t *txt_of(const struct service *s)
{
	struct record_set txt = service_records(s, TYPE_TXT);

	assert_true(txt.n <= 1);
	return txt.n ? txt.at : NULL;
}

static const uint8_t *instance_txt(const struct service *s, unsigned i)
{
	struct record_set txt = service_instance_records(s, i, TYPE_TXT);

	assert_true(txt.n <= 1);
	return txt.n ? txt.at : NULL;
}

static void begin(struct fixture *f)
{
	free(f->r.service);
	f->r = (struct compile_result){ 0 };
	compile_begin(f->c, f->world->zone, &f->service, NOW_MS);
}

static int finish(struct fixture *f)
{
	struct diag diag = { "" };
	int r = compile_finish(f->c, &f->r, &diag);

	if (r < 0) {
		assert_null(f->r.service);
		assert_int_not_equal(diag.text[0], '\0');
	}
	return r;
}

/* ---- names and numbers ------------------------------------------------ */

static const struct {
	const char *why;
	unsigned name_len, protocol_len;
	int want;
} names[] = {
	{ "an ordinary name", 3, 3, 0 },
	{ "a name of one octet", 1, 3, 0 },
	{ "no name", 0, 3, -EINVAL },
	{ "as `_S` it is a label of 63 octets", 62, 3, 0 },
	{ "63 octets are too many below an underscore", 63, 3, -EINVAL },
	{ "as `_P` it has 16 octets", 3, 15, 0 },
	{ "a longer protocol", 3, 16, -EINVAL },
};

static void test_names(void **state)
{
	struct fixture f = fixture_new();
	char name[100], protocol[100];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		(void)snprintf(
		    name, sizeof(name), "%0*d", (int)names[i].name_len, 0);
		(void)snprintf(protocol, sizeof(protocol), "%0*d",
		    (int)names[i].protocol_len, 0);
		name[names[i].name_len] = '\0';
		f.service.name = name;
		f.service.protocol = protocol;
		begin(&f);
		/* what follows a bad row must do no harm */
		(void)compile_add(f.c, &f.instance);
		int r = finish(&f);
		if (r != names[i].want)
			fail_msg("%s: %d", names[i].why, r);
	}
	fixture_free(&f);
}

/*
 * The longest zones that the longest name of an instance fits in; in longer
 * ones that instance alone is left out.
 */
static void test_long_zone(void **state)
{
	(void)state;
	for (unsigned len = 50; len <= 63; len++) {
		scoped_free char *zone =
		    xasprintf("zone %060d.%0*d.test\n", 0, (int)len, 0);
		struct world *w = world_new(zone);
		struct fixture f = fixture_new();
		char name[63], label[64];

		(void)snprintf(name, sizeof(name), "%062d", 0);
		(void)snprintf(label, sizeof(label), "%063d", 0);
		f.service.name = name;
		f.instance.name = label;
		compile_begin(f.c, w->zone, &f.service, NOW_MS);
		(void)compile_add(f.c, &f.instance);
		bool fits = 64 + 64 + 5 + w->zone->name.len <= 255;
		assert_int_equal(fits, len <= 54);
		if (!fits) { /* the longest that does */
			label[117 - len] = '\0';
			assert_true(compile_add(f.c, &f.instance));
		}
		assert_int_equal(finish(&f), 0);
		assert_int_equal(f.r.dropped_n, !fits);
		assert_int_equal(f.r.service->instance_n, 1);
		if (fits) { /* and its record fits where there is least room */
			catalog_put(w->catalog, f.r.service);
			f.r.service = NULL;
			scoped_free char *question = xasprintf(
			    "_%s._tcp.%s SRV nsid", name, w->zone_name);
			struct reply r;

			ask_reply(w, &r, question, 512, VIA_UDP);
			assert_int_equal(
			    reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_SRV), 1);
			assert_false(r.tc);
			reply_release(&r);
		}
		fixture_free(&f);
		world_free(w);
	}
}

static const struct {
	const char *why;
	struct {
		int port, ttl_s, max_answers, instance_port;
	} row;
	unsigned ttl_s, max_answers, port;
	bool all;
} numbers[] = {
	{ "defaults are the zone's; no port is 0",
	    { ROW_DEFAULT, ROW_DEFAULT, ROW_DEFAULT, ROW_DEFAULT }, 5, 8, 0,
	    false },
	{ "the service's", { 80, 7, 3, ROW_DEFAULT }, 7, 3, 80, false },
	{ "the instance's port wins", { 80, 7, 3, 81 }, 7, 3, 81, false },
	{ "0 is a TTL, and all answers or TC", { 80, 0, 0, 0 }, 0, 65535, 0,
	    true },
	{ "the largest", { 65535, 2147483647, 65535, 65535 }, 2147483647, 65535,
	    65535, false },
};

static void test_numbers(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		f.service.port = numbers[i].row.port;
		f.service.ttl_s = numbers[i].row.ttl_s;
		f.service.max_answers = numbers[i].row.max_answers;
		f.instance.port = numbers[i].row.instance_port;
		begin(&f);
		assert_true(compile_add(f.c, &f.instance));
		assert_int_equal(finish(&f), 0);
		const struct service *s = f.r.service;
		if (s->ttl_s != numbers[i].ttl_s ||
		    s->max_answers != numbers[i].max_answers ||
		    !(s->flags & SERVICE_ALL_ADDRESSES) == numbers[i].all ||
		    wire_get16(service_instance_at(s, 0)->srv + 6) !=
		        numbers[i].port)
			fail_msg("%s", numbers[i].why);
	}
	fixture_free(&f);
}

/* ---- instances that are left out -------------------------------------- */

static const struct {
	const char *why, *name, *address, *address6;
	bool in;
} rows[] = {
	{ "IPv4", "a", "192.0.2.1", NULL, true },
	{ "IPv6", "a", "2001:db8::1", NULL, true },
	{ "both", "a", "192.0.2.1", "2001:db8::1", true },
	{ "two IPv6: the second one counts", "a", "2001:db8::1", "2001:db8::2",
	    true },
	{ "not an address", "a", "localhost", NULL, false },
	{ "an empty address", "a", "", NULL, false },
	{ "IPv4 as the second", "a", "192.0.2.1", "192.0.2.2", false },
	{ "an address and a port", "a", "192.0.2.1:80", NULL, false },
	{ "no name", "", "192.0.2.1", NULL, false },
	{ "63 octets",
	    "123456789012345678901234567890123456789012345678901234567890123",
	    "192.0.2.1", NULL, true },
	{ "64 octets",
	    "1234567890123456789012345678901234567890123456789012345678901234",
	    "192.0.2.1", NULL, false },
};

static void test_left_out(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(&f);
		assert_true(compile_add(f.c, &f.instance));
		struct instance_row row = f.instance;
		row.name = rows[i].name;
		row.address = rows[i].address;
		row.address6 = rows[i].address6;
		bool in = compile_add(f.c, &row);
		assert_int_equal(finish(&f), 0);
		if (in != rows[i].in || f.r.dropped_n != !in ||
		    f.r.service->instance_n != 1 + in ||
		    f.r.service->eligible_n != 1 + in)
			fail_msg("%s: %u dropped", rows[i].why, f.r.dropped_n);
	}
	fixture_free(&f);
}

/* Half of the weight, for as long as the registrar says so. */
static void test_ramp(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	begin(&f);
	f.instance.weight = 300;
	f.instance.ramp_percent = 50;
	assert_true(compile_add(f.c, &f.instance));
	assert_int_equal(finish(&f), 0);
	assert_int_equal(
	    instance_weight(service_instance_at(f.r.service, 0)), 150);
	fixture_free(&f);
}

/* What was counted for one service does not show in the next. */
static void test_nothing_stays(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	begin(&f);
	compile_meta(f.c, "k", "v");
	f.instance.lease_until_wall_ms = NOW_MS + 5;
	(void)compile_add(f.c, &f.instance);
	compile_meta(f.c, "k", "v");
	f.instance.address = "bad";
	(void)compile_add(f.c, &f.instance);
	assert_int_equal(finish(&f), 0);
	assert_int_equal(f.r.dropped_n, 1);
	assert_int_equal(f.r.next_expiry_wall_ms, NOW_MS + 5);
	assert_non_null(txt_of(f.r.service));

	f.service.name = "";
	begin(&f);
	assert_int_equal(finish(&f), -EINVAL);
	f.service.name = "next";
	begin(&f);
	f.instance.lease_until_wall_ms = 0;
	f.instance.address = "192.0.2.1";
	(void)compile_add(f.c, &f.instance);
	assert_int_equal(finish(&f), 0);
	assert_int_equal(f.r.dropped_n, 0);
	assert_int_equal(f.r.next_expiry_wall_ms, 0);
	assert_int_equal(f.r.service->instance_n, 1);
	assert_null(txt_of(f.r.service));
	assert_null(instance_txt(f.r.service, 0));
	fixture_free(&f);
	compiler_free(NULL);
}

/* ---- leases ----------------------------------------------------------- */

static const struct {
	const char *why;
	int64_t lease[3];
	int64_t expiry;
	unsigned eligible_n;
} leases[] = {
	{ "none", { 0, 0, 0 }, 0, 3 },
	{ "the next to end", { NOW_MS + 9, NOW_MS + 3, 0 }, NOW_MS + 3, 3 },
	{ "what has ended does not end again", { NOW_MS - 1, NOW_MS + 7, 1 },
	    NOW_MS + 7, 1 },
	{ "ends at this moment", { NOW_MS, NOW_MS + 1, NOW_MS }, NOW_MS + 1,
	    1 },
	{ "ended just now: looked at again soon, a renewal may come late",
	    { NOW_MS, NOW_MS, NOW_MS }, NOW_MS + 100, 0 },
	{ "ended long ago: as late again", { 1, 2, 3 }, 2 * NOW_MS - 3, 0 },
	{ "no time that could be, nor one hour late more than an hour",
	    { INT64_MIN, INT64_MIN, NOW_MS - 3600001 }, NOW_MS + 3600000, 0 },
};

static void test_leases(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	for (size_t i = 0; i < sizeof(leases) / sizeof(*leases); i++) {
		begin(&f);
		for (int k = 0; k < 3; k++) {
			f.instance.lease_until_wall_ms = leases[i].lease[k];
			(void)compile_add(f.c, &f.instance);
		}
		assert_int_equal(finish(&f), 0);
		if (f.r.next_expiry_wall_ms != leases[i].expiry ||
		    f.r.service->eligible_n != leases[i].eligible_n) {
			fail_msg("%s: %lld", leases[i].why,
			    (long long)f.r.next_expiry_wall_ms);
		}
	}
	fixture_free(&f);
}

/* ---- drains ----------------------------------------------------------- */

static const struct {
	const char *why;
	int64_t until, lease, expiry;
	unsigned eligible_n;
} drains[] = {
	{ "in SRV until its end", NOW_MS + 5, 0, NOW_MS + 5, 1 },
	{ "its end is now, and nothing comes after", NOW_MS, 0, 0, 0 },
	{ "no end is known", 0, 0, 0, 1 },
	{ "the lease is shorter", NOW_MS + 5, NOW_MS + 2, NOW_MS + 2, 1 },
	{ "the drain is shorter", NOW_MS + 2, NOW_MS + 5, NOW_MS + 2, 1 },
};

static void test_drains(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	for (size_t i = 0; i < sizeof(drains) / sizeof(*drains); i++) {
		begin(&f);
		f.instance.mode = MODE_DRAINING;
		f.instance.drain.until_wall_ms = drains[i].until;
		f.instance.lease_until_wall_ms = drains[i].lease;
		(void)compile_add(f.c, &f.instance);
		assert_int_equal(finish(&f), 0);
		if (f.r.next_expiry_wall_ms != drains[i].expiry ||
		    f.r.service->eligible_n != drains[i].eligible_n) {
			fail_msg("%s: %lld", drains[i].why,
			    (long long)f.r.next_expiry_wall_ms);
		}
	}
	fixture_free(&f);
}

/* ---- metadata --------------------------------------------------------- */

static void test_meta(void **state)
{
	struct fixture f = fixture_new();
	char value[400];

	(void)state;
	for (int len = 250; len <= 260; len++) { /* of "k=" and the value */
		(void)snprintf(value, sizeof(value), "%0*d", len - 2, 0);
		begin(&f);
		compile_meta(f.c, "k", value);
		assert_int_equal(finish(&f), 0);
		const uint8_t *txt = txt_of(f.r.service);
		assert_int_equal(!!txt, len <= 255);
		assert_int_equal(f.r.dropped_pair_n, len > 255);
		if (txt) {
			assert_int_equal(wire_get16(txt), len + 1);
			assert_int_equal(txt[2], len);
			assert_memory_equal(txt + 3, "k=0", 3);
		}
	}
	/* as many as there is room for, whole ones, and no more */
	begin(&f);
	(void)snprintf(value, sizeof(value), "%0250d", 0);
	for (int i = 0; i < 100; i++)
		compile_meta(f.c, "k", value);
	assert_int_equal(finish(&f), 0);
	const uint8_t *all = txt_of(f.r.service);
	unsigned len = all ? wire_get16(all) : 0; /* for gcc */
	assert_int_equal(len % 253, 0);
	assert_in_range(len, 8192 - 253, 8192);
	assert_int_equal(f.r.dropped_pair_n, 100 - len / 253);
	fixture_free(&f);
}

static void test_meta_belongs(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	begin(&f);
	compile_meta(f.c, "of", "service");
	f.instance.name = "b";
	f.instance.priority = 2;
	(void)compile_add(f.c, &f.instance);
	compile_meta(f.c, "of", "b");
	compile_meta(f.c, "and", "b");
	f.instance.name = "c";
	(void)compile_add(f.c, &f.instance);
	f.instance.name = "d"; /* comes before the others */
	f.instance.priority = 1;
	(void)compile_add(f.c, &f.instance);
	compile_meta(f.c, "of", "d");
	assert_int_equal(finish(&f), 0);
	const struct service *s = f.r.service;
	assert_memory_equal(txt_of(s), "\0\13\12of=service", 13);
	assert_memory_equal(instance_txt(s, 0), "\0\5\4of=d", 7);
	assert_memory_equal(instance_txt(s, 1), "\0\13\4of=b\5and=b", 13);
	assert_null(instance_txt(s, 2));
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_long_zone),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_ramp),
		cmocka_unit_test(test_nothing_stays),
		cmocka_unit_test(test_leases),
		cmocka_unit_test(test_drains),
		cmocka_unit_test(test_meta),
		cmocka_unit_test(test_meta_belongs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
