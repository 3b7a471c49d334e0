// SPDX-License-Identifier: BSD-2-Clause
/*
 * Adding fills a free slot of the table that is being read, removing leaves a
 * tombstone in it, which keeps probes going. A table that is half full, with
 * tombstones, is copied without them.
 */
#include "dnsd/message/data/zone_table.h"

#include "schema/base/xalloc.h"

#include <stdlib.h>

enum { SLOTS_MIN = 8 };

#define TOMBSTONE ((struct zone *)1)

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
		const struct zone *z = atomic_load(&t->slot[i]);

		if (!z || (z != TOMBSTONE && zone_ends(z, name, hash)))
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
	if (!atomic_load(&t->slot[i]))
		t->used++;
	t->n++;
	atomic_store(&t->slot[i], z);
	atomic_fetch_or(&t->label_bits[k / 64], (uint64_t)1 << (k % 64));
	atomic_store(&t->only, t->n == 1 ? z : NULL);
}

/* At most a third full. */
static struct zone_table *copy(struct zone_table *t, struct reclaim *rec)
{
	uint32_t slots = SLOTS_MIN;

	while (slots < 3 * (t->n + 1))
		slots *= 2;
	struct zone_table *out = make(slots);
	for (unsigned i = 0; i <= t->mask; i++) {
		if (zone_table_at(t, i))
			put(out, zone_table_at(t, i));
	}
	reclaim_retire(rec, t, free);
	return out;
}

struct zone_table *zone_table_add(
    struct zone_table *t, struct zone *z, struct reclaim *rec)
{
	if (2 * (t->used + 1) > t->mask + 1)
		t = copy(t, rec);
	put(t, z);
	return t;
}

static struct zone *any_of(const struct zone_table *t)
{
	unsigned i = 0;

	while (!zone_table_at(t, i))
		i++;
	return zone_table_at(t, i);
}

void zone_table_remove(struct zone_table *t, const struct zone *z)
{
	uint32_t i = (uint32_t)z->hash & t->mask;

	while (atomic_load(&t->slot[i]) != z)
		i = (i + 1) & t->mask;
	atomic_store(&t->slot[i], TOMBSTONE);
	t->n--;
	atomic_store(&t->only, t->n == 1 ? any_of(t) : NULL);
}

unsigned zone_table_slot_n(const struct zone_table *t)
{
	return t->mask + 1;
}

struct zone *zone_table_at(const struct zone_table *t, unsigned i)
{
	struct zone *z = atomic_load(&t->slot[i]);

	return z == TOMBSTONE ? NULL : z;
}
