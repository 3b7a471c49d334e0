// SPDX-License-Identifier: BSD-2-Clause
/* Sets of owners against plain arrays, in an order that is not theirs. */
#include "dnsd/message/data/owner_sets.h"
#include "schema/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SETS = 5, OWNERS = 200, OPERATIONS = 50000 };

struct model {
	uint64_t owner[OWNERS]; /* the lower the index the earlier */
	bool is_in[SETS][OWNERS];
	unsigned n[SETS];
};

static unsigned index_of(const struct model *m, uint64_t owner)
{
	unsigned i = 0;

	while (m->owner[i] != owner)
		i++;
	return i;
}

static int order(const void *arg, uint64_t a, uint64_t b)
{
	return (int)index_of(arg, a) - (int)index_of(arg, b);
}

static void check(
    const struct owner_sets *s, const struct model *m, unsigned k, uint32_t set)
{
	unsigned first = 0;

	assert_int_equal(set != 0, m->n[k] > 0);
	if (!set)
		return;
	while (!m->is_in[k][first])
		first++;
	assert_int_equal(owner_sets_first(s, set), m->owner[first]);
	assert_int_equal(owner_sets_is_single(s, set), m->n[k] == 1);
}

static void test_model(void **state)
{
	static struct model m;
	uint32_t set[SETS] = { 0 };
	struct owner_sets s;
	struct rng rng;

	(void)state;
	rng_seed_fixed(&rng, 3);
	for (unsigned i = 0; i < OWNERS; i++)
		m.owner[i] = (uint64_t)rng_u32(&rng) << 32 | i;
	owner_sets_init(&s, order, &m);
	for (unsigned o = 0; o < OPERATIONS; o++) {
		unsigned k = rng_below(&rng, SETS);
		unsigned i = rng_below(&rng, OWNERS);
		bool add = rng_below(&rng, 10) < (o / 5000 % 2 ? 3u : 7u);

		/* also those that are there already, or are not */
		if (add) {
			owner_sets_add(&s, &set[k], m.owner[i]);
		} else {
			owner_sets_remove(&s, &set[k], m.owner[i]);
		}
		m.n[k] = m.n[k] + add - m.is_in[k][i];
		m.is_in[k][i] = add;
		check(&s, &m, k, set[k]);
	}
	/* until nobody is left */
	for (unsigned k = 0; k < SETS; k++) {
		while (set[k]) {
			uint64_t first = owner_sets_first(&s, set[k]);

			owner_sets_remove(&s, &set[k], first);
			m.is_in[k][index_of(&m, first)] = false;
			m.n[k]--;
			check(&s, &m, k, set[k]);
		}
		assert_int_equal(m.n[k], 0);
	}
	owner_sets_release(&s);
}

/* What is given back is taken before the pool grows. */
static void test_pool(void **state)
{
	enum { MANY = 5000 };
	static uint32_t number[MANY];
	struct pool p;

	(void)state;
	pool_init(&p, 5, MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		number[i] = pool_take(&p);
		assert_int_equal(number[i], i + 1);
		assert_memory_equal(pool_at(&p, number[i]), "\0\0\0\0\0", 5);
		memset(pool_at(&p, number[i]), (int)(i % 251), 5);
	}
	assert_int_equal(pool_take(&p), POOL_NONE);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(*(uint8_t *)pool_at(&p, number[i]), i % 251);
	for (uint32_t i = 0; i < MANY; i += 2)
		pool_give(&p, number[i]);
	for (uint32_t i = 0; i < MANY; i += 2) {
		uint32_t again = pool_take(&p);

		assert_true(again % 2 == 1 && again <= MANY);
		assert_memory_equal(pool_at(&p, again), "\0\0\0\0\0", 5);
	}
	assert_int_equal(pool_take(&p), POOL_NONE);
	pool_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
