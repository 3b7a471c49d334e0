// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zone_table - which zone has a name: the longest one that ends it.
 *
 * A hash table over the names of zones. Workers read while the control thread
 * adds and removes; a look-up is one probe for each number of labels that any
 * zone has, so one where there is one zone, and a few with thousands.
 */
#include "dnsd/message/data/reclaim.h"
#include "dnsd/message/data/zone.h"

struct zone_table {
	/* The zone, as long as there is one and no other. */
	_Atomic(struct zone *) only;
	uint32_t mask; /* slots - 1 */
	uint32_t n;
	uint32_t used; /* slots that are not empty; control thread's own */
	/* Bit k: there are zones of k labels. */
	_Atomic uint64_t label_bits[2];
	_Atomic(struct zone *) slot[];
};

/* Frees the zones as well; NULL is ignored. */
struct zone_table *zone_table_new(void);
void zone_table_free(struct zone_table *t);

/* Does the zone's name, of that hash, end the name? */
static inline bool zone_ends(
    const struct zone *z, const struct dname *name, uint64_t hash)
{
	return z->hash == hash && z->name.len <= name->len &&
	       !memcmp(name->lower + name->len - z->name.len, z->name.lower,
	           z->name.len);
}

const struct zone *zone_table_probe(
    const struct zone_table *t, const struct dname *name, unsigned label_max);

/*
 * The zone of at most label_max labels that ends the name, the longest;
 * NULL: none. Any thread, between reclaim_in() and reclaim_out().
 */
static inline const struct zone *zone_table_find(
    const struct zone_table *t, const struct dname *name, unsigned label_max)
{
	const struct zone *z = atomic_load(&t->only);

	if (!z)
		return zone_table_probe(t, name, label_max);
	return z->name.label_n <= label_max &&
	               zone_ends(z, name, name->suffix_hash[z->name.label_n])
	           ? z
	           : NULL;
}

/*
 * Control thread. A table that is too small is copied: the result replaces t,
 * which is retired. Consumes z.
 */
struct zone_table *zone_table_add(
    struct zone_table *t, struct zone *z, struct reclaim *rec);
/* z is there, and the caller's to retire. */
void zone_table_remove(struct zone_table *t, const struct zone *z);

/* The i-th of zone_table_slot_n(); NULL: that slot is empty. */
unsigned zone_table_slot_n(const struct zone_table *t);
struct zone *zone_table_at(const struct zone_table *t, unsigned i);
