// SPDX-License-Identifier: BSD-2-Clause
/*
 * The table of services against a plain array that does the same: what was
 * put is found until it is replaced or removed, whatever happened around it.
 */
#include "dnsd/message/data/catalog.h"
#include "schema/base/rng.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	OPERATIONS = 100000,
	NAMES = 20000, /* twenty to a segment: it grows several times */
	ZONES = 3,
	PROTOCOLS = 4,
};

static const char *const zone_names[ZONES] = { "svc.test", "eu.svc.test",
	"other.test" };

static struct dname name_of(const struct catalog *c, const char *text)
{
	struct dname n;
	bool ok = dname_from_text(&n, text);

	assert_true(ok);
	dname_hash(&n, catalog_seed(c));
	return n;
}

/* A service with nothing but a name, a protocol and a mark (its TTL). */
static struct service *service_make(
    const struct zone *z, const char *label, char protocol, uint32_t mark)
{
	size_t len = strlen(label);
	struct service *s =
	    xcalloc(1, sizeof(*s) + 1 + len + z->name.len + SERVICE_SLACK);
	uint8_t wire[64 + 8] = { 0 };

	memcpy(wire, label, len);
	s->zone = z;
	s->hash = dname_hash_label(z->hash_seed, z->hash, wire, len);
	s->ttl_s = mark;
	s->protocol[0] = protocol;
	s->name[0] = (uint8_t)len;
	memcpy(s->name + 1, label, len);
	memcpy(s->name + 1 + len, z->name.lower, z->name.len);
	s->name_len = (uint8_t)(1 + len + z->name.len);
	return s;
}

static const struct service *find(
    const struct catalog *c, const struct zone *z, const char *label)
{
	uint8_t wire[64 + 8] = { 0 };
	size_t len = strlen(label);

	memcpy(wire, label, len);
	uint64_t hash = dname_hash_label(z->hash_seed, z->hash, wire, len);
	const struct service *s = catalog_find(c, z, hash, wire, (uint8_t)len);
	const struct service *guess = catalog_guess(c, hash);
	catalog_prefetch(c, hash);
	/* no guess: surely none; a guess is the right one but for a clash */
	if (!guess)
		assert_null(s);
	if (s)
		assert_true(service_is(s, z, hash, wire, (uint8_t)len));
	return s;
}

static bool remove_it(
    struct catalog *c, const struct zone *z, const char *label)
{
	uint8_t wire[64 + 8] = { 0 };
	size_t len = strlen(label);

	memcpy(wire, label, len);
	return catalog_remove(c, z,
	    dname_hash_label(z->hash_seed, z->hash, wire, len), wire,
	    (uint8_t)len);
}

/* ---- the model -------------------------------------------------------- */

struct model {
	struct reclaim *reclaim;
	struct catalog *catalog;
	struct zone *zone[ZONES];
	uint32_t mark[ZONES][NAMES]; /* 0: not there */
	uint32_t stamp[ZONES][NAMES];
	uint8_t protocol[ZONES][NAMES];
	unsigned protocol_n[ZONES][PROTOCOLS];
	size_t n;
	struct rng rng;
};

static struct model *model_new(void)
{
	struct model *m = xcalloc(1, sizeof(*m));

	m->reclaim = reclaim_new(1);
	m->catalog = catalog_new(9, m->reclaim);
	for (unsigned z = 0; z < ZONES; z++) {
		struct dname n = name_of(m->catalog, zone_names[z]);

		m->zone[z] = zone_new(&n, catalog_seed(m->catalog));
		catalog_add_zone(m->catalog, m->zone[z]);
	}
	rng_seed_fixed(&m->rng, 4711);
	return m;
}

static void model_free(struct model *m)
{
	catalog_free(m->catalog);
	reclaim_free(m->reclaim);
	free(m);
}

static void label_text(unsigned i, char ret_label[16])
{
	(void)snprintf(ret_label, 16, "s%u", i);
}

static void forget(struct model *m, unsigned z, unsigned i)
{
	if (!m->mark[z][i])
		return;
	m->mark[z][i] = 0;
	m->protocol_n[z][m->protocol[z][i]]--;
	m->n--;
}

static void put(
    struct model *m, unsigned z, unsigned i, uint32_t mark, uint32_t stamp)
{
	unsigned protocol = rng_below(&m->rng, PROTOCOLS);
	char label[16];

	label_text(i, label);
	struct service *s =
	    service_make(m->zone[z], label, (char)('a' + protocol), mark);
	s->stamp = stamp;
	catalog_put(m->catalog, s);
	forget(m, z, i);
	m->mark[z][i] = mark;
	m->stamp[z][i] = stamp;
	m->protocol[z][i] = (uint8_t)protocol;
	m->protocol_n[z][protocol]++;
	m->n++;
}

static void check_one(const struct model *m, unsigned z, unsigned i)
{
	char label[16];

	label_text(i, label);
	const struct service *s = find(m->catalog, m->zone[z], label);
	if ((s ? s->ttl_s : 0) != m->mark[z][i]) {
		fail_msg("%s.%s is %u, expected %u", label, zone_names[z],
		    s ? s->ttl_s : 0, m->mark[z][i]);
	}
}

static void check_all(const struct model *m)
{
	assert_int_equal(catalog_service_n(m->catalog), m->n);
	for (unsigned z = 0; z < ZONES; z++) {
		for (unsigned i = 0; i < NAMES; i++)
			check_one(m, z, i);
		for (unsigned p = 0; p < PROTOCOLS; p++) {
			const uint8_t label = (uint8_t)('a' + p);

			assert_int_equal(
			    zone_has_protocol(m->zone[z], &label, 1),
			    m->protocol_n[z][p] > 0);
		}
	}
}

static void sweep(struct model *m, uint32_t stamp)
{
	size_t gone = 0;

	for (unsigned z = 0; z < ZONES; z++) {
		for (unsigned i = 0; i < NAMES; i++) {
			if (m->mark[z][i] && m->stamp[z][i] != stamp) {
				forget(m, z, i);
				gone++;
			}
		}
	}
	assert_int_equal(catalog_sweep(m->catalog, stamp), gone);
}

/* Puts more than it removes, then the other way round, and sweeps. */
static void test_model(void **state)
{
	struct model *m = model_new();

	(void)state;
	for (uint32_t k = 1; k <= OPERATIONS; k++) {
		unsigned z = rng_below(&m->rng, ZONES);
		unsigned i = rng_below(&m->rng, NAMES);
		unsigned what = rng_below(&m->rng, 10);
		bool growing = k / 20000 % 2 == 0;

		if (what < (growing ? 7u : 3u)) {
			put(m, z, i, k, rng_below(&m->rng, 3));
		} else {
			char label[16];

			label_text(i, label);
			assert_int_equal(
			    remove_it(m->catalog, m->zone[z], label),
			    m->mark[z][i] > 0);
			forget(m, z, i);
		}
		check_one(m, z, i);
		if (k % 30000 == 0)
			sweep(m, rng_below(&m->rng, 3));
		if (k % 10000 == 0)
			check_all(m);
		if (k % 100 == 0)
			assert_int_equal(reclaim_run(m->reclaim), 0);
	}
	sweep(m, 77); /* all of it */
	assert_int_equal(m->n, 0);
	check_all(m);
	model_free(m);
}

/*
 * One place in one segment, over and over: tombstones neither fill the table
 * up nor hide what lies behind them.
 */
static void test_tombstones(void **state)
{
	enum { CROWD = 40 };
	struct model *m = model_new();
	char label[CROWD][16];
	unsigned n = 0;
	const struct zone *z = m->zone[0];

	(void)state;
	for (unsigned i = 0; n < CROWD; i++) {
		uint8_t wire[32] = { 0 };
		int len = snprintf(label[n], sizeof(label[n]), "t%u", i);

		memcpy(wire, label[n], (size_t)len);
		uint64_t h =
		    dname_hash_label(z->hash_seed, z->hash, wire, (size_t)len);
		n += h >> 54 == 5; /* all in the same segment of 1024 */
	}
	for (unsigned round = 0; round < 2000; round++) {
		unsigned at = round % CROWD;

		catalog_put(
		    m->catalog, service_make(z, label[at], 'a', round + 1));
		assert_int_equal(
		    find(m->catalog, z, label[at])->ttl_s, round + 1);
		if (round >= 5) {
			assert_true(remove_it(
			    m->catalog, z, label[(round - 5) % CROWD]));
		}
		for (unsigned k = 0; k < CROWD; k++) {
			unsigned age = (at + CROWD - k) % CROWD;

			assert_int_equal(!!find(m->catalog, z, label[k]),
			    age < 5 && age <= round);
		}
		(void)reclaim_run(m->reclaim);
	}
	/* and all of them at once */
	for (unsigned k = 0; k < CROWD; k++)
		catalog_put(m->catalog, service_make(z, label[k], 'a', k + 1));
	for (unsigned k = 0; k < CROWD; k++)
		assert_int_equal(find(m->catalog, z, label[k])->ttl_s, k + 1);
	assert_int_equal(catalog_service_n(m->catalog), CROWD);
	model_free(m);
}

/* ---- zones ------------------------------------------------------------ */

static const struct {
	const char *name;
	int zone; /* index in zone_names, -1: none */
} zones[] = {
	{ "svc.test", 0 },
	{ "a.svc.test", 0 },
	{ "a.b.c.svc.test", 0 },
	{ "eu.svc.test", 1 },
	{ "a.eu.svc.test", 1 },
	{ "xeu.svc.test", 0 },
	{ "eu.a.svc.test", 0 },
	{ "other.test", 2 },
	{ "svc.other.test", 2 },
	{ "test", -1 },
	{ "xsvc.test", -1 },
	{ ".", -1 },
	{ "svc.test.example", -1 },
};

static void test_zones(void **state)
{
	struct model *m = model_new();

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
		struct dname n = name_of(m->catalog, zones[i].name);
		const struct zone *want =
		    zones[i].zone < 0 ? NULL : m->zone[zones[i].zone];

		assert_ptr_equal(catalog_zone(m->catalog, &n, n.label_n), want);
		assert_ptr_equal(catalog_find_zone(m->catalog, &n),
		    want && n.len == want->name.len ? want : NULL);
	}
	model_free(m);
}

/* The same label in a zone and in one below it are two services. */
static void test_zones_do_not_mix(void **state)
{
	struct model *m = model_new();

	(void)state;
	put(m, 0, 1, 10, 0);
	put(m, 1, 1, 20, 0);
	check_one(m, 0, 1);
	check_one(m, 1, 1);
	check_one(m, 2, 1);
	assert_true(remove_it(m->catalog, m->zone[0], "s1"));
	assert_false(remove_it(m->catalog, m->zone[2], "s1"));
	forget(m, 0, 1);
	check_one(m, 0, 1);
	check_one(m, 1, 1);
	model_free(m);
}

static void count_zone(void *arg, struct zone *z)
{
	(void)z;
	++*(unsigned *)arg;
}

static void test_each_zone(void **state)
{
	struct model *m = model_new();
	unsigned n = 0;

	(void)state;
	catalog_each_zone(m->catalog, count_zone, &n);
	assert_int_equal(n, ZONES);
	model_free(m);
	catalog_free(NULL);
}

static void count_service(void *arg, const struct service *s)
{
	assert_non_null(s);
	++*(size_t *)arg;
}

/* In parts, each service once. */
static void test_each_service(void **state)
{
	struct world *w = world_new("zone svc.test\n");
	size_t n = 0;
	unsigned at = 0, parts = 1;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		scoped_free char *text = xasprintf("service s%u\n", i);

		world_add(w, text);
	}
	while (catalog_each_service(w->catalog, &at, count_service, &n))
		parts++;
	assert_int_equal(n, 500);
	assert_int_equal(n, catalog_service_n(w->catalog));
	assert_true(parts > 1);
	world_free(w);
}

/* A zone without services goes, and the one above it answers again. */
static void test_remove_zone(void **state)
{
	struct model *m = model_new();
	struct dname n = name_of(m->catalog, "eu.svc.test");

	(void)state;
	assert_ptr_equal(catalog_zone(m->catalog, &n, n.label_n), m->zone[1]);
	catalog_remove_zone(m->catalog, m->zone[1]);
	assert_ptr_equal(catalog_zone(m->catalog, &n, n.label_n), m->zone[0]);
	assert_null(catalog_find_zone(m->catalog, &n));
	assert_int_equal(reclaim_run(m->reclaim), 0);
	put(m, 0, 1, 10, 0);
	check_one(m, 0, 1);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_tombstones),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_zones_do_not_mix),
		cmocka_unit_test(test_each_zone),
		cmocka_unit_test(test_each_service),
		cmocka_unit_test(test_remove_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
