// SPDX-License-Identifier: BSD-2-Clause
/*
 * Zones come and go; a name is always in the longest one that ends it.
 */
#include "dnsd/message/data/zone_table.h"
#include "schema/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
	SEED = 7,
	NAMES = 120, /* some below others */
	STEPS = 4000,
};

struct model {
	struct reclaim *reclaim;
	struct zone_table *table;
	struct dname name[NAMES];
	struct zone *zone[NAMES]; /* NULL: not in the table */
	unsigned n;
};

/* n0.test, a.n1.test, a.a.n2.test, n3.test ... */
static struct dname name_of(unsigned i, const char *below)
{
	static const char *const above[] = { "", "a.", "a.a." };
	struct dname n;
	char text[64];

	(void)snprintf(
	    text, sizeof(text), "%s%sn%u.test", below, above[i % 3], i / 3);
	assert_true(dname_from_text(&n, text));
	dname_hash(&n, SEED);
	return n;
}

static void toggle(struct model *m, unsigned i)
{
	if (m->zone[i]) {
		zone_table_remove(m->table, m->zone[i]);
		reclaim_retire(m->reclaim, m->zone[i], zone_free);
		m->zone[i] = NULL;
		m->n--;
		return;
	}
	m->zone[i] = zone_new(&m->name[i], SEED);
	m->table = zone_table_add(m->table, m->zone[i], m->reclaim);
	m->n++;
}

/* Which zone has a name below that of i? */
static const struct zone *want(const struct model *m, unsigned i)
{
	for (unsigned k = i % 3 + 1; k-- > 0;) {
		unsigned above = i - i % 3 + k;

		if (m->zone[above])
			return m->zone[above];
	}
	return NULL;
}

static void check(const struct model *m)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < NAMES; i++) {
		struct dname below = name_of(i, "x.");
		const struct dname *name = &m->name[i];

		assert_ptr_equal(
		    zone_table_find(m->table, &below, below.label_n),
		    want(m, i));
		assert_ptr_equal(
		    zone_table_find(m->table, name, name->label_n), want(m, i));
		/* those above it alone, as DS asks for */
		assert_ptr_equal(
		    zone_table_find(m->table, name, name->label_n - 1u),
		    i % 3 ? want(m, i - 1) : NULL);
	}
	for (unsigned i = 0; i < zone_table_slot_n(m->table); i++)
		seen += zone_table_at(m->table, i) ? 1 : 0;
	assert_int_equal(seen, m->n);
}

static void test_zones_come_and_go(void **state)
{
	struct model m = { .reclaim = reclaim_new(1),
		.table = zone_table_new() };
	struct rng rng;

	(void)state;
	rng_seed_fixed(&rng, SEED);
	for (unsigned i = 0; i < NAMES; i++)
		m.name[i] = name_of(i, "");
	check(&m);
	for (unsigned step = 0; step < STEPS; step++) {
		/* few at first, many, then few again */
		unsigned room = step < 1000 || step > 3000 ? 4 : NAMES;

		toggle(&m, rng_u32(&rng) % room);
		if (step % 16 == 0)
			check(&m);
		(void)reclaim_run(m.reclaim);
	}
	for (unsigned i = 0; i < NAMES; i++) {
		if (m.zone[i])
			toggle(&m, i);
	}
	check(&m);
	/* one that comes and goes all the time takes no more room */
	unsigned before = zone_table_slot_n(m.table);
	for (unsigned i = 0; i < 1000; i++) {
		toggle(&m, 0);
		toggle(&m, 0);
	}
	assert_int_equal(zone_table_slot_n(m.table), before);
	zone_table_free(m.table);
	reclaim_free(m.reclaim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zones_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
