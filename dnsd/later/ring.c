// SPDX-License-Identifier: BSD-2-Clause
/*
 * Each cell says by its turn whose it is: at position p of the ever growing
 * count, `p` to who puts, `p + 1` to who takes, and `p + room` to who puts one
 * round later. Who moves the count from p has the cell to itself until it
 * moves the turn on; a thread that is stopped in between keeps others from
 * this cell alone, which look to them as if the ring were full, or empty.
 */
#include "dnsd/later/ring.h"

#include "schema/base/xalloc.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct cell {
	_Atomic uint32_t turn;
	uint32_t number;
};

struct ring {
	_Alignas(64) _Atomic uint32_t put;
	_Alignas(64) _Atomic uint32_t take;
	_Alignas(64) uint32_t room;
	struct cell cell[];
};

struct ring *ring_new(uint32_t room)
{
	size_t len = sizeof(struct ring) + room * sizeof(struct cell);
	struct ring *r = aligned_alloc(64, (len + 63) & ~(size_t)63);

	assert(room && !(room & (room - 1)));
	if (!r)
		abort();
	atomic_init(&r->put, 0);
	atomic_init(&r->take, 0);
	r->room = room;
	for (uint32_t i = 0; i < room; i++)
		atomic_init(&r->cell[i].turn, i);
	return r;
}

void ring_free(struct ring *r)
{
	free(r);
}

/*
 * The cell whose turn is `ahead` of its position on that count, which is
 * moved on; NULL: there is none.
 */
static struct cell *claim(
    struct ring *r, _Atomic uint32_t *count, uint32_t ahead, uint32_t *ret_at)
{
	uint32_t at = atomic_load_explicit(count, memory_order_relaxed);

	for (;;) {
		struct cell *c = &r->cell[at & (r->room - 1)];
		int32_t gap = (int32_t)(atomic_load_explicit(
		                            &c->turn, memory_order_acquire) -
		                        at - ahead);

		if (gap < 0)
			return NULL;
		if (gap > 0) {
			at = atomic_load_explicit(count, memory_order_relaxed);
		} else if (atomic_compare_exchange_weak_explicit(count, &at,
		               at + 1, memory_order_relaxed,
		               memory_order_relaxed)) {
			*ret_at = at;
			return c;
		}
	}
}

bool ring_put(struct ring *r, uint32_t number)
{
	uint32_t at;
	struct cell *c = claim(r, &r->put, 0, &at);

	if (!c)
		return false;
	c->number = number;
	atomic_store_explicit(&c->turn, at + 1, memory_order_release);
	return true;
}

bool ring_take(struct ring *r, uint32_t *ret_number)
{
	uint32_t at;
	struct cell *c = claim(r, &r->take, 1, &at);

	if (!c)
		return false;
	*ret_number = c->number;
	atomic_store_explicit(&c->turn, at + r->room, memory_order_release);
	return true;
}
