// SPDX-License-Identifier: BSD-2-Clause
/*
 * Adding fills an empty slot of the table that is being read. Removing copies
 * the table without the zone: it is rare, and leaves no tombstones.
 */
#include "dnsd/zone_table.h"

#include "schema/base/xalloc.h"

#include <stdlib.h>

enum { SLOTS_MIN = 8 };

static struct zone_table *make(uint32_t slots)
{
	struct zone_table *t =
	    xcalloc(1, sizeof(*t) + slots * sizeof(struct zone *));

	t->mask = slots - 1;
	return t;
}

struct zone_table *zone_table_new(void)
{
	return make(SLOTS_MIN);
}

void zone_table_free(struct zone_table *t)
{
	for (unsigned i = 0; t && i <= t->mask; i++)
		zone_free(zone_table_at(t, i));
	free(t);
}

static const struct zone *probe(
    const struct zone_table *t, const struct dname *name, unsigned k)
{
	uint64_t hash = name->suffix_hash[k];

	for (uint32_t i = (uint32_t)hash & t->mask;; i = (i + 1) & t->mask) {
		const struct zone *z = zone_table_at(t, i);

		if (!z || zone_ends(z, name, hash))
			return z;
	}
}

const struct zone *zone_table_probe(
    const struct zone_table *t, const struct dname *name, unsigned label_max)
{
	for (unsigned word = label_max / 64 + 1; word-- > 0;) {
		uint64_t bits = atomic_load(&t->label_bits[word]);

		if (word == label_max / 64)
			bits &= UINT64_MAX >> (63 - label_max % 64);
		while (bits) {
			unsigned top = 63 - (unsigned)__builtin_clzll(bits);
			const struct zone *z = probe(t, name, 64 * word + top);

			if (z)
				return z;
			bits &= ~((uint64_t)1 << top);
		}
	}
	return NULL;
}

static void put(struct zone_table *t, struct zone *z)
{
	uint32_t i = (uint32_t)z->hash & t->mask;
	unsigned k = z->name.label_n;

	while (zone_table_at(t, i))
		i = (i + 1) & t->mask;
	atomic_store(&t->slot[i], z);
	atomic_fetch_or(&t->label_bits[k / 64], (uint64_t)1 << (k % 64));
	t->n++;
	atomic_store(&t->only, t->n == 1 ? z : NULL);
}

/* All but one, which may be NULL. */
static struct zone_table *copy(struct zone_table *t, uint32_t slots,
    const struct zone *but, struct reclaim *rec)
{
	struct zone_table *out = make(slots);

	for (unsigned i = 0; i <= t->mask; i++) {
		struct zone *z = zone_table_at(t, i);

		if (z && z != but)
			put(out, z);
	}
	reclaim_retire(rec, t, free);
	return out;
}

struct zone_table *zone_table_add(
    struct zone_table *t, struct zone *z, struct reclaim *rec)
{
	if (2 * (t->n + 1) > t->mask + 1)
		t = copy(t, 2 * (t->mask + 1), NULL, rec);
	put(t, z);
	return t;
}

struct zone_table *zone_table_remove(
    struct zone_table *t, const struct zone *z, struct reclaim *rec)
{
	return copy(t, t->mask + 1, z, rec);
}

unsigned zone_table_slot_n(const struct zone_table *t)
{
	return t->mask + 1;
}

struct zone *zone_table_at(const struct zone_table *t, unsigned i)
{
	return atomic_load(&t->slot[i]);
}
