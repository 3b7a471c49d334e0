// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/data/roster.h"

typedef _Atomic(struct service *) place_t;

void roster_init(struct roster *r)
{
	pool_init(&r->places, sizeof(place_t), UINT32_MAX / 2);
}

void roster_release(struct roster *r)
{
	pool_release(&r->places);
}

static place_t *place_at(const struct roster *r, uint32_t place)
{
	return pool_at(&r->places, place);
}

/* Places are numbered from 1 on, and are never given back to the pool. */
void roster_add(struct roster *r, struct service *s)
{
	uint32_t n = atomic_load(&r->n) + 1;

	if (n == r->places.n)
		(void)pool_take(&r->places);
	s->place = n;
	atomic_store(place_at(r, n), s);
	atomic_store(&r->n, n);
}

void roster_replace(
    struct roster *r, const struct service *old, struct service *s)
{
	s->place = old->place;
	atomic_store(place_at(r, s->place), s);
}

/* The last one takes its place. */
void roster_remove(struct roster *r, const struct service *s)
{
	uint32_t n = atomic_load(&r->n);
	struct service *last = atomic_load(place_at(r, n));

	last->place = s->place;
	atomic_store(place_at(r, last->place), last);
	atomic_store(place_at(r, n), NULL);
	atomic_store(&r->n, n - 1);
}
