// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * roster - the services of one zone, side by side, for answers about all of
 * them. 8 octets each; a change touches one place, a removal two.
 *
 * Readers see each service that stays; one that is moved into the place of
 * another meanwhile may be seen twice or not at all.
 */
#include "dnsd/message/data/pool.h"
#include "dnsd/message/data/service.h"

#include <stdatomic.h>

struct roster {
	struct pool places; /* of atomic pointers */
	atomic_uint n;
};

void roster_init(struct roster *r);
void roster_release(struct roster *r);

/* Control thread; each service remembers its place. */
void roster_add(struct roster *r, struct service *s);
void roster_replace(
    struct roster *r, const struct service *old, struct service *s);
void roster_remove(struct roster *r, const struct service *s);

/* Any thread, between reclaim_in() and reclaim_out(). */
static inline unsigned roster_n(const struct roster *r)
{
	return atomic_load(&r->n);
}

/* i below a roster_n() of the same reader; NULL: it has gone. */
static inline const struct service *roster_at(
    const struct roster *r, unsigned i)
{
	_Atomic(struct service *) *place = pool_at(&r->places, i + 1);

	return atomic_load(place);
}
