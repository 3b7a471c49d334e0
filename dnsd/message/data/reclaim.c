// SPDX-License-Identifier: BSD-2-Clause
/*
 * The epoch grows with every round of retirements. A reader that came in at
 * epoch e saw every replacement made before e began, so what was retired in
 * an epoch below every reader's can be held by nobody.
 */
#include "dnsd/message/data/reclaim.h"

#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

struct retired {
	void *p;
	void (*release)(void *p);
	uint64_t epoch; /* readers that came in at it or later never saw p */
};

struct reclaim {
	_Alignas(64) _Atomic uint64_t epoch;
	struct retired *queue; /* oldest first, from head on */
	size_t head, n, room;
	unsigned reader_n;
	struct reclaim_reader reader[];
};

struct reclaim *reclaim_new(unsigned reader_n)
{
	size_t len =
	    sizeof(struct reclaim) + reader_n * sizeof(struct reclaim_reader);
	struct reclaim *r = aligned_alloc(64, (len + 63) & ~(size_t)63);

	if (!r)
		abort();
	*r = (struct reclaim){ .epoch = 1, .reader_n = reader_n };
	for (unsigned i = 0; i < reader_n; i++)
		r->reader[i] = (struct reclaim_reader){ 0, &r->epoch };
	return r;
}

void reclaim_free(struct reclaim *r)
{
	if (!r)
		return;
	for (size_t i = r->head; i < r->n; i++)
		r->queue[i].release(r->queue[i].p);
	free(r->queue);
	free(r);
}

struct reclaim_reader *reclaim_reader(struct reclaim *r, unsigned i)
{
	return &r->reader[i];
}

void reclaim_retire(struct reclaim *r, void *p, void (*release)(void *p))
{
	if (!p)
		return;
	if (r->n == r->room) {
		r->room = r->room ? 2 * r->room : 64;
		r->queue = xreallocarray(r->queue, r->room, sizeof(*r->queue));
	}
	r->queue[r->n++] =
	    (struct retired){ p, release, atomic_load(&r->epoch) + 1 };
}

size_t reclaim_run(struct reclaim *r)
{
	if (r->head == r->n)
		return 0;
	uint64_t oldest = atomic_fetch_add(&r->epoch, 1) + 1;

	for (unsigned i = 0; i < r->reader_n; i++) {
		uint64_t seen = atomic_load(&r->reader[i].seen);

		if (seen && seen < oldest)
			oldest = seen;
	}
	while (r->head < r->n && r->queue[r->head].epoch <= oldest) {
		r->queue[r->head].release(r->queue[r->head].p);
		r->head++;
	}
	if (r->head == r->n) {
		r->head = r->n = 0;
	} else if (r->head > 64 && r->head > r->n / 2) {
		r->n -= r->head;
		memmove(r->queue, r->queue + r->head, r->n * sizeof(*r->queue));
		r->head = 0;
	}
	return r->n - r->head;
}
