// SPDX-License-Identifier: BSD-2-Clause
/*
 * Services lie in SEGMENTS small tables with open addressing, chosen by the
 * upper bits of the hash. A slot is one atomic word: a pointer, and above it
 * 16 bits of the hash, so that a probe looks at services of other names once
 * in 65,536. Growing rebuilds one segment, a thousandth of the whole, and
 * swaps it in; removing leaves a tombstone, which keeps probes going and is
 * reused or dropped at the next rebuild.
 */
#include "dnsd/message/data/catalog.h"

#include "dnsd/message/data/zone_table.h"
#include "schema/base/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	SEGMENT_BITS = 10,
	SEGMENTS = 1 << SEGMENT_BITS,
	SEGMENT_SLOTS_MIN = 8,
	POINTER_BITS = 48,
	LISTENERS_MAX = 8,
};

#define EMPTY 0u
#define TOMBSTONE 1u
#define POINTER_MASK (((uint64_t)1 << POINTER_BITS) - 1)

struct segment {
	uint32_t mask; /* slots - 1 */
	uint32_t used; /* tombstones included; control thread's own */
	uint32_t live;
	_Alignas(64) _Atomic uint64_t slot[];
};

struct catalog {
	uint64_t seed;
	struct reclaim *reclaim;
	_Atomic(struct zone_table *) zones;
	_Atomic(struct segment *) segment[SEGMENTS];
	size_t service_n;
	/* Set once, before the first zone that needs it is there to be found.
	 */
	const struct reverse *reverse;
	/* control thread's own */
	const struct zone **reverse_zone;
	unsigned reverse_zone_n;
	struct catalog_listener listener[LISTENERS_MAX];
	unsigned listener_n;
};

static struct segment *segment_new(uint32_t slots)
{
	size_t len = sizeof(struct segment) + slots * sizeof(uint64_t);
	struct segment *g = aligned_alloc(64, (len + 63) & ~(size_t)63);

	if (!g)
		abort();
	memset(g, 0, len);
	g->mask = slots - 1;
	return g;
}

static unsigned segment_of(uint64_t hash)
{
	return (unsigned)(hash >> (64 - SEGMENT_BITS));
}

static uint64_t tag_of(uint64_t hash)
{
	return hash << SEGMENT_BITS >> POINTER_BITS << POINTER_BITS;
}

static struct service *service_of(uint64_t slot)
{
	return (struct service *)(uintptr_t)(slot & POINTER_MASK);
}

struct catalog *catalog_new(uint64_t seed, struct reclaim *rec)
{
	struct catalog *c = xcalloc(1, sizeof(*c));

	c->seed = seed;
	c->reclaim = rec;
	catalog_listen(c, &zone_listener);
	atomic_store(&c->zones, zone_table_new());
	for (unsigned i = 0; i < SEGMENTS; i++)
		atomic_store(&c->segment[i], segment_new(SEGMENT_SLOTS_MIN));
	return c;
}

void catalog_free(struct catalog *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < SEGMENTS; i++) {
		struct segment *g = atomic_load(&c->segment[i]);

		for (uint32_t k = 0; k <= g->mask; k++) {
			uint64_t v = atomic_load(&g->slot[k]);

			if (v > TOMBSTONE)
				free(service_of(v));
		}
		free(g);
	}
	for (unsigned i = 0; i < c->listener_n; i++) {
		if (c->listener[i].release)
			c->listener[i].release(c->listener[i].arg);
	}
	free(c->reverse_zone);
	zone_table_free(atomic_load(&c->zones));
	free(c);
}

uint64_t catalog_seed(const struct catalog *c)
{
	return c->seed;
}

/* ---- listeners --------------------------------------------------------- */

void catalog_listen(struct catalog *c, const struct catalog_listener *l)
{
	assert(c->listener_n < LISTENERS_MAX);
	c->listener[c->listener_n++] = *l;
}

void catalog_loaded(struct catalog *c, int64_t revision)
{
	for (unsigned i = 0; i < c->listener_n; i++) {
		if (c->listener[i].loaded)
			c->listener[i].loaded(c->listener[i].arg, revision);
	}
}

static void tell_leaving(
    const struct catalog *c, const struct service *old, struct service *next)
{
	for (unsigned i = 0; i < c->listener_n; i++) {
		const struct catalog_listener *l = &c->listener[i];

		if (l->leaving)
			l->leaving(l->arg, old, next);
	}
}

static void tell_entered(
    const struct catalog *c, const struct service *old, struct service *next)
{
	for (unsigned i = 0; i < c->listener_n; i++) {
		const struct catalog_listener *l = &c->listener[i];

		if (l->entered)
			l->entered(l->arg, old, next);
	}
}

/* ---- zones ------------------------------------------------------------ */

const struct zone *catalog_zone(
    const struct catalog *c, const struct dname *name, unsigned label_max)
{
	return zone_table_find(atomic_load(&c->zones), name, label_max);
}

static void add_reverse_zone(struct catalog *c, const struct zone *z)
{
	assert(c->reverse);
	c->reverse_zone = xreallocarray(
	    c->reverse_zone, c->reverse_zone_n + 1, sizeof(struct zone *));
	c->reverse_zone[c->reverse_zone_n++] = z;
}

void catalog_set_reverse(struct catalog *c, const struct reverse *r)
{
	assert(!c->reverse);
	c->reverse = r;
}

const struct reverse *catalog_reverse(const struct catalog *c)
{
	return c->reverse;
}

unsigned catalog_reverse_zones(
    const struct catalog *c, const struct zone *const **ret_zones)
{
	*ret_zones = c->reverse_zone;
	return c->reverse_zone_n;
}

/* Of the zones above z, those with services have one below more or less. */
static void count_above(
    const struct catalog *c, const struct zone *z, int change)
{
	const struct zone *above;

	for (unsigned n = z->name.label_n; n > 0; n = above->name.label_n) {
		above = catalog_zone(c, &z->name, n - 1);
		if (!above)
			break;
		if (above->has_services) {
			atomic_fetch_add(
			    &((struct zone *)(uintptr_t)above)->below_n,
			    (unsigned)change);
		}
	}
}

static void count_below(const struct catalog *c, struct zone *z)
{
	struct zone_table *t = atomic_load(&c->zones);

	for (unsigned i = 0; z->has_services && i < zone_table_slot_n(t); i++) {
		const struct zone *y = zone_table_at(t, i);

		if (y && y->name.label_n > z->name.label_n &&
		    zone_ends(
		        z, &y->name, y->name.suffix_hash[z->name.label_n]))
			atomic_fetch_add(&z->below_n, 1);
	}
}

void catalog_add_zone(struct catalog *c, struct zone *z)
{
	assert(!catalog_find_zone(c, &z->name));
	for (unsigned i = 0; i < c->listener_n; i++) {
		if (c->listener[i].zone_added)
			c->listener[i].zone_added(c->listener[i].arg, z);
	}
	if (z->address_len)
		add_reverse_zone(c, z);
	count_below(c, z);
	count_above(c, z, 1);
	atomic_store(
	    &c->zones, zone_table_add(atomic_load(&c->zones), z, c->reclaim));
}

void catalog_remove_zone(struct catalog *c, struct zone *z)
{
	assert(!zone_follows(z));
	zone_table_remove(atomic_load(&c->zones), z);
	count_above(c, z, -1);
	reclaim_retire(c->reclaim, z, zone_free);
}

void catalog_set_image(
    struct catalog *c, struct zone *z, struct zone_image *image)
{
	struct zone_image *old = zone_set_image(z, image);

	for (unsigned i = 0; old && i < c->listener_n; i++) {
		if (c->listener[i].replaced)
			c->listener[i].replaced(c->listener[i].arg, z, old);
	}
	reclaim_retire(c->reclaim, old, zone_image_free);
}

struct zone *catalog_find_zone(struct catalog *c, const struct dname *name)
{
	struct dname n = *name;

	dname_hash(&n, c->seed);
	const struct zone *z = catalog_zone(c, &n, n.label_n);
	return z && z->name.label_n == n.label_n ? (struct zone *)(uintptr_t)z
	                                         : NULL;
}

void catalog_each_zone(
    struct catalog *c, void (*fn)(void *arg, struct zone *z), void *arg)
{
	struct zone_table *t = atomic_load(&c->zones);

	for (unsigned i = 0; i < zone_table_slot_n(t); i++) {
		if (zone_table_at(t, i))
			fn(arg, zone_table_at(t, i));
	}
}

/* ---- services: readers ------------------------------------------------ */

bool service_is(const struct service *s, const struct zone *z, uint64_t hash,
    const uint8_t *label, uint8_t len)
{
	return s->hash == hash && s->zone == z && s->name[0] == len &&
	       !memcmp(s->name + 1, label, len);
}

void catalog_prefetch(const struct catalog *c, uint64_t hash)
{
	const struct segment *g = atomic_load(&c->segment[segment_of(hash)]);

	size_t i = (uint32_t)hash & g->mask;

	__builtin_prefetch(
	    (const uint8_t *)g + sizeof(*g) + i * sizeof(uint64_t));
}

const struct service *catalog_guess(const struct catalog *c, uint64_t hash)
{
	const struct segment *g = atomic_load(&c->segment[segment_of(hash)]);
	uint64_t tag = tag_of(hash);

	for (uint32_t i = (uint32_t)hash & g->mask;; i = (i + 1) & g->mask) {
		uint64_t v = atomic_load(&g->slot[i]);

		if (v == EMPTY)
			return NULL;
		if (v == TOMBSTONE || (v & ~POINTER_MASK) != tag)
			continue;
		const struct service *s = service_of(v);
		for (size_t line = 0; line < 256; line += 64)
			__builtin_prefetch((const uint8_t *)s + line);
		return s;
	}
}

/* The word in the slot that holds it and where that is, or EMPTY. */
static uint64_t find_word(const struct segment *g, const struct zone *z,
    uint64_t hash, const uint8_t *label, uint8_t len, uint32_t *ret_i)
{
	uint64_t tag = tag_of(hash);

	for (uint32_t i = (uint32_t)hash & g->mask;; i = (i + 1) & g->mask) {
		uint64_t v = atomic_load(&g->slot[i]);

		if (v == EMPTY ||
		    (v != TOMBSTONE && (v & ~POINTER_MASK) == tag &&
		        service_is(service_of(v), z, hash, label, len))) {
			*ret_i = i;
			return v;
		}
	}
}

const struct service *catalog_find(const struct catalog *c,
    const struct zone *z, uint64_t hash, const uint8_t *label, uint8_t len)
{
	uint32_t i;

	/* EMPTY makes the pointer NULL */
	return service_of(find_word(atomic_load(&c->segment[segment_of(hash)]),
	    z, hash, label, len, &i));
}

bool catalog_keep(struct catalog *c, const struct zone *z, uint64_t hash,
    const uint8_t *label, uint8_t len, uint32_t stamp)
{
	uint32_t i;
	struct service *s =
	    service_of(find_word(atomic_load(&c->segment[segment_of(hash)]), z,
	        hash, label, len, &i));

	if (s)
		s->stamp = stamp;
	return s != NULL;
}

const struct service *catalog_by_hash(const struct catalog *c, uint64_t hash)
{
	const struct segment *g = atomic_load(&c->segment[segment_of(hash)]);
	uint64_t tag = tag_of(hash);

	for (uint32_t i = (uint32_t)hash & g->mask;; i = (i + 1) & g->mask) {
		uint64_t v = atomic_load(&g->slot[i]);

		if (v == EMPTY)
			return NULL;
		if (v != TOMBSTONE && (v & ~POINTER_MASK) == tag &&
		    service_of(v)->hash == hash)
			return service_of(v);
	}
}

/* ---- services: control thread ----------------------------------------- */

/* First slot free for an insertion. */
static uint32_t free_slot(const struct segment *g, uint64_t hash)
{
	uint32_t i = (uint32_t)hash & g->mask;

	while (atomic_load(&g->slot[i]) > TOMBSTONE)
		i = (i + 1) & g->mask;
	return i;
}

/* A segment for `live` services at most half full, without tombstones. */
static struct segment *rebuild(struct catalog *c, unsigned at)
{
	struct segment *old = atomic_load(&c->segment[at]);
	uint32_t slots = SEGMENT_SLOTS_MIN;

	while (slots < 3 * (old->live + 1))
		slots *= 2;
	struct segment *g = segment_new(slots);
	for (uint32_t k = 0; k <= old->mask; k++) {
		uint64_t v = atomic_load(&old->slot[k]);

		if (v <= TOMBSTONE)
			continue;
		uint32_t i = free_slot(g, service_of(v)->hash);
		atomic_store_explicit(&g->slot[i], v, memory_order_relaxed);
		g->live++;
	}
	g->used = g->live;
	atomic_store(&c->segment[at], g);
	reclaim_retire(c->reclaim, old, free);
	return g;
}

static void replace(struct catalog *c, _Atomic uint64_t *slot, uint64_t word,
    struct service *old)
{
	struct service *s = service_of(word);

	tell_leaving(c, old, s);
	atomic_store(slot, word);
	tell_entered(c, old, s);
	reclaim_retire(c->reclaim, old, free);
}

void catalog_put(struct catalog *c, struct service *s)
{
	unsigned at = segment_of(s->hash);
	struct segment *g = atomic_load(&c->segment[at]);
	uint64_t word = tag_of(s->hash) | (uint64_t)(uintptr_t)s;
	uint32_t i;
	struct service *old = service_of(
	    find_word(g, s->zone, s->hash, s->name + 1, s->name[0], &i));

	if (old) {
		replace(c, &g->slot[i], word, old);
		return;
	}
	if (2 * (g->used + 1) > g->mask + 1)
		g = rebuild(c, at);
	i = free_slot(g, s->hash);
	if (atomic_load(&g->slot[i]) == EMPTY)
		g->used++;
	g->live++;
	c->service_n++;
	tell_leaving(c, NULL, s);
	atomic_store(&g->slot[i], word);
	tell_entered(c, NULL, s);
}

static void remove_slot(struct catalog *c, struct segment *g, uint32_t i)
{
	struct service *old = service_of(atomic_load(&g->slot[i]));

	tell_leaving(c, old, NULL);
	atomic_store(&g->slot[i], TOMBSTONE);
	g->live--;
	c->service_n--;
	tell_entered(c, old, NULL);
	reclaim_retire(c->reclaim, old, free);
}

bool catalog_remove(struct catalog *c, const struct zone *z, uint64_t hash,
    const uint8_t *label, uint8_t len)
{
	struct segment *g = atomic_load(&c->segment[segment_of(hash)]);
	uint32_t i;

	if (!find_word(g, z, hash, label, len, &i))
		return false;
	remove_slot(c, g, i);
	return true;
}

size_t catalog_sweep(struct catalog *c, uint32_t stamp)
{
	size_t n = 0;

	for (unsigned at = 0; at < SEGMENTS; at++) {
		struct segment *g = atomic_load(&c->segment[at]);

		for (uint32_t i = 0; i <= g->mask; i++) {
			uint64_t v = atomic_load(&g->slot[i]);

			if (v > TOMBSTONE && service_of(v)->stamp != stamp) {
				remove_slot(c, g, i);
				n++;
			}
		}
	}
	return n;
}

bool catalog_each_service(const struct catalog *c, unsigned *at,
    void (*fn)(void *arg, const struct service *s), void *arg)
{
	enum { PART = 16 /* segments */ };

	for (unsigned k = 0; k < PART && *at < SEGMENTS; k++, ++*at) {
		const struct segment *g = atomic_load(&c->segment[*at]);

		for (uint32_t i = 0; i <= g->mask; i++) {
			uint64_t v = atomic_load(&g->slot[i]);

			if (v > TOMBSTONE)
				fn(arg, service_of(v));
		}
	}
	return *at < SEGMENTS;
}

size_t catalog_service_n(const struct catalog *c)
{
	return c->service_n;
}
