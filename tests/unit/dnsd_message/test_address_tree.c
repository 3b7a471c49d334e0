// SPDX-License-Identifier: BSD-2-Clause
/*
 * The tree of addresses against a plain list that does the same: what is
 * there, and how much of an address or of its beginning the closest one has.
 */
#include "dnsd/message/data/address_tree.h"
#include "schema/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ADDRESSES = 400, OPERATIONS = 20000, LEN_MAX = 16 };

struct model {
	struct reclaim *reclaim;
	struct address_tree *tree;
	size_t len, n;
	uint8_t address[ADDRESSES][LEN_MAX];
	bool is_there[ADDRESSES];
	struct rng rng;
};

/* Some are neighbours, some have nothing in common. */
static void model_init(struct model *m, size_t len)
{
	memset(m, 0, sizeof(*m));
	m->len = len;
	m->reclaim = reclaim_new(1);
	m->tree = address_tree_new(len, m->reclaim);
	rng_seed_fixed(&m->rng, 77);
	for (unsigned i = 0; i < ADDRESSES; i++) {
		uint8_t *a = m->address[i];

		if (i % 3)
			memcpy(a, m->address[rng_below(&m->rng, i)], len);
		for (size_t k = i % 3 ? len - 1 - i % 2 : 0; k < len; k++)
			a[k] = (uint8_t)rng_u32(&m->rng);
		a[len - 2] = (uint8_t)(i >> 8); /* no two are equal */
		a[len - 1] = (uint8_t)i;
	}
}

static unsigned shared(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned n = 0;

	while (n < bits && !((a[n / 8] ^ b[n / 8]) & 0x80 >> n % 8))
		n++;
	return n;
}

static unsigned best_of(const struct model *m, const uint8_t *a, unsigned bits)
{
	unsigned best = 0;

	for (unsigned i = 0; i < ADDRESSES; i++) {
		unsigned n =
		    m->is_there[i] ? shared(m->address[i], a, bits) : 0;

		if (n > best)
			best = n;
	}
	return best;
}

static void check(struct model *m, unsigned i)
{
	const struct address_leaf *leaf;
	uint8_t other[LEN_MAX];
	unsigned bits = (unsigned)(8 * m->len);

	memcpy(other, m->address[i], m->len);
	for (unsigned k = 0; k < 3; k++) {
		assert_int_equal(
		    address_tree_match(m->tree, other, bits, &leaf),
		    best_of(m, other, bits));
		assert_int_equal(leaf != NULL, m->n > 0);
		if (leaf) {
			assert_int_equal(shared(leaf->address, other, bits),
			    best_of(m, other, bits));
		}
		/* only the beginning, and then something near it */
		bits = rng_below(&m->rng, bits) + 1;
		other[rng_below(&m->rng, (uint32_t)m->len)] ^=
		    (uint8_t)(1 << rng_below(&m->rng, 8));
	}
	struct address_leaf *own = address_tree_find(m->tree, m->address[i]);
	assert_int_equal(own != NULL, m->is_there[i]);
	if (own)
		assert_int_equal(atomic_load(&own->owner), i + 1);
}

static void change(struct model *m, unsigned i, bool add)
{
	if (add) {
		struct address_leaf *leaf =
		    address_tree_add(m->tree, m->address[i], i + 1);

		assert_memory_equal(leaf->address, m->address[i], m->len);
		/* one that is there stays as it is */
		assert_ptr_equal(
		    address_tree_add(m->tree, m->address[i], 99999), leaf);
		m->n += !m->is_there[i];
	} else if (m->is_there[i]) {
		address_tree_remove(m->tree, m->address[i]);
		m->n--;
	}
	m->is_there[i] = add;
	assert_int_equal(address_tree_n(m->tree), m->n);
}

static void run(size_t len)
{
	struct model m;

	model_init(&m, len);
	check(&m, 0);
	for (unsigned k = 0; k < OPERATIONS; k++) {
		unsigned i = rng_below(&m.rng, ADDRESSES);
		bool growing = k / 2000 % 2 == 0;

		change(&m, i, rng_below(&m.rng, 10) < (growing ? 8 : 2));
		check(&m, rng_below(&m.rng, ADDRESSES));
		if (k % 64 == 0)
			assert_int_equal(reclaim_run(m.reclaim), 0);
	}
	for (unsigned i = 0; i < ADDRESSES; i++)
		change(&m, i, false);
	check(&m, 0);
	/* what waits outlives the tree */
	address_tree_free(m.tree);
	reclaim_free(m.reclaim);
}

static void test_ipv4(void **state)
{
	(void)state;
	run(ADDRESS_IPV4_LEN);
}

static void test_ipv6(void **state)
{
	(void)state;
	run(ADDRESS_IPV6_LEN);
}

/* A leaf that a reader holds is not used again before it is out. */
static void test_reader_holds(void **state)
{
	const struct address_leaf *held;
	struct model m;

	(void)state;
	model_init(&m, ADDRESS_IPV4_LEN);
	struct reclaim_reader *reader = reclaim_reader(m.reclaim, 0);
	change(&m, 0, true);
	change(&m, 1, true);
	reclaim_in(reader);
	assert_int_equal(
	    address_tree_match(m.tree, m.address[0], 32, &held), 32);
	change(&m, 0, false);
	assert_int_equal(reclaim_run(m.reclaim), 1);
	for (unsigned i = 2; i < ADDRESSES; i++)
		change(&m, i, true);
	assert_memory_equal(held->address, m.address[0], m.len);
	assert_int_equal(atomic_load(&held->owner), 1);
	reclaim_out(reader);
	assert_int_equal(reclaim_run(m.reclaim), 0);
	/* and then it is */
	change(&m, 0, true);
	assert_ptr_equal(address_tree_find(m.tree, m.address[0]), held);
	address_tree_free(m.tree);
	reclaim_free(m.reclaim);
	address_tree_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_reader_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
