// SPDX-License-Identifier: BSD-2-Clause
/*
 * A reference to a node is one word: its number, whether it is a leaf, and
 * the bit that an inner node tests. So an inner node is two references and
 * nothing else. Bits grow on the way down, and who follows the bits of an
 * address ends at a leaf that no other one shares more with.
 */
#include "dnsd/message/data/address_tree.h"

#include "dnsd/message/data/pool.h"
#include "schema/base/xalloc.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	REF_BIT = 0x7f, /* of an inner node: 0 is the address's first */
	REF_LEAF = 0x80,
	REF_SHIFT = 8, /* the node's number; a reference of 0 is none */
};

struct inner {
	_Atomic uint32_t child[2]; /* by the bit */
};

struct address_tree {
	_Atomic uint32_t root;
	unsigned address_len;
	size_t n;
	struct reclaim *reclaim;
	struct pool inners, leaves;
	size_t retired_n; /* waiting in reclaim */
	bool is_freed;    /* the last of them frees the rest */
};

/* An address that is gone, and the node above it. */
struct retired_pair {
	struct address_tree *tree;
	uint32_t inner, leaf;
};

struct address_tree *address_tree_new(size_t address_len, struct reclaim *rec)
{
	struct address_tree *t = xcalloc(1, sizeof(*t));

	t->address_len = (unsigned)address_len;
	t->reclaim = rec;
	pool_init(&t->inners, sizeof(struct inner), ADDRESS_TREE_MAX);
	pool_init(&t->leaves,
	    offsetof(struct address_leaf, address) + address_len,
	    ADDRESS_TREE_MAX);
	return t;
}

static void release(struct address_tree *t)
{
	pool_release(&t->inners);
	pool_release(&t->leaves);
	free(t);
}

void address_tree_free(struct address_tree *t)
{
	if (!t)
		return;
	t->is_freed = true;
	if (!t->retired_n)
		release(t);
}

static bool is_leaf(uint32_t ref)
{
	return ref & REF_LEAF;
}

static unsigned ref_bit(uint32_t ref)
{
	return ref & REF_BIT;
}

static struct inner *inner_at(const struct address_tree *t, uint32_t ref)
{
	return pool_at(&t->inners, ref >> REF_SHIFT);
}

static struct address_leaf *leaf_at(const struct address_tree *t, uint32_t ref)
{
	return pool_at(&t->leaves, ref >> REF_SHIFT);
}

static unsigned bit_of(const uint8_t *address, unsigned bit)
{
	return address[bit / 8] >> (7 - bit % 8) & 1;
}

/* Of the first `bits` bits, how many come before the first that differs. */
static unsigned shared(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	for (unsigned i = 0; 8 * i < bits; i++) {
		unsigned differing = a[i] ^ b[i];

		if (!differing)
			continue;
		unsigned n = 8 * i + (unsigned)__builtin_clz(differing) - 24;
		return n < bits ? n : bits;
	}
	return bits;
}

unsigned address_tree_match(const struct address_tree *t,
    const uint8_t *address, unsigned bits, const struct address_leaf **ret_leaf)
{
	uint32_t ref = atomic_load(&t->root);

	*ret_leaf = NULL;
	if (!ref)
		return 0;
	while (!is_leaf(ref)) {
		unsigned bit = ref_bit(ref);

		ref = atomic_load(
		    &inner_at(t, ref)
		         ->child[bit < bits ? bit_of(address, bit) : 0]);
	}
	*ret_leaf = leaf_at(t, ref);
	return shared((*ret_leaf)->address, address, bits);
}

/* ---- control thread --------------------------------------------------- */

struct address_leaf *address_tree_find(
    struct address_tree *t, const uint8_t *address)
{
	const struct address_leaf *leaf;
	unsigned bits = 8 * t->address_len;

	if (address_tree_match(t, address, bits, &leaf) < bits)
		return NULL;
	return (struct address_leaf *)(uintptr_t)leaf;
}

/* Where the node goes that tests that bit: above what tests a later one. */
static _Atomic uint32_t *place_of(
    struct address_tree *t, const uint8_t *address, unsigned bit)
{
	_Atomic uint32_t *link = &t->root;
	uint32_t ref;

	while ((ref = atomic_load(link)) && !is_leaf(ref) && ref_bit(ref) < bit)
		link = &inner_at(t, ref)->child[bit_of(address, ref_bit(ref))];
	return link;
}

struct address_leaf *address_tree_add(
    struct address_tree *t, const uint8_t *address, uint64_t owner)
{
	const struct address_leaf *closest;
	unsigned bits = 8 * t->address_len;
	unsigned bit = address_tree_match(t, address, bits, &closest);

	if (closest && bit == bits)
		return (struct address_leaf *)(uintptr_t)closest;
	uint32_t number = pool_take(&t->leaves);
	if (!number)
		return NULL;
	uint32_t ref = number << REF_SHIFT | REF_LEAF;
	struct address_leaf *leaf = leaf_at(t, ref);
	atomic_store_explicit(&leaf->owner, owner, memory_order_relaxed);
	memcpy(leaf->address, address, t->address_len);
	t->n++;
	if (!closest) {
		atomic_store(&t->root, ref);
		return leaf;
	}
	/* there are fewer inner nodes than leaves: one is left */
	uint32_t above = pool_take(&t->inners) << REF_SHIFT | bit;
	struct inner *inner = inner_at(t, above);
	_Atomic uint32_t *link = place_of(t, address, bit);
	unsigned side = bit_of(address, bit);
	atomic_store_explicit(&inner->child[side], ref, memory_order_relaxed);
	atomic_store_explicit(
	    &inner->child[!side], atomic_load(link), memory_order_relaxed);
	atomic_store(link, above);
	return leaf;
}

static void on_reclaimed(void *arg)
{
	struct retired_pair *p = arg;
	struct address_tree *t = p->tree;

	pool_give(&t->leaves, p->leaf);
	if (p->inner)
		pool_give(&t->inners, p->inner);
	free(p);
	t->retired_n--;
	if (t->is_freed && !t->retired_n)
		release(t);
}

static void retire(struct address_tree *t, uint32_t inner, uint32_t leaf)
{
	struct retired_pair *p = xcalloc(1, sizeof(*p));

	*p = (struct retired_pair){ t, inner >> REF_SHIFT, leaf >> REF_SHIFT };
	t->retired_n++;
	t->n--;
	reclaim_retire(t->reclaim, p, on_reclaimed);
}

void address_tree_remove(struct address_tree *t, const uint8_t *address)
{
	_Atomic uint32_t *link = &t->root, *above = NULL;
	uint32_t ref = atomic_load(link), inner = 0;

	while (!is_leaf(ref)) {
		above = link;
		inner = ref;
		link = &inner_at(t, ref)->child[bit_of(address, ref_bit(ref))];
		ref = atomic_load(link);
	}
	assert(!memcmp(leaf_at(t, ref)->address, address, t->address_len));
	if (above) {
		unsigned side = bit_of(address, ref_bit(inner));

		atomic_store(
		    above, atomic_load(&inner_at(t, inner)->child[!side]));
	} else {
		atomic_store(&t->root, 0);
	}
	retire(t, inner, ref);
}

size_t address_tree_n(const struct address_tree *t)
{
	return t->n;
}
