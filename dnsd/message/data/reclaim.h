// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * reclaim - when may memory that workers read be freed?
 *
 * Workers read shared structures without locks; the control thread replaces
 * parts of them and frees the old ones once no worker can hold them. A worker
 * says "in" before it reads and "out" when it holds nothing more, once for
 * each batch of packets. While it waits for packets it is out, so an idle
 * worker holds up nothing and is not woken.
 *
 * C11 atomics, sequentially consistent where it matters, so that
 * ThreadSanitizer can check it (it cannot see into liburcu's barriers).
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct reclaim;

/* One for each reading thread, alone on its cache line. */
struct reclaim_reader {
	_Alignas(64) _Atomic uint64_t seen; /* 0: out */
	_Atomic uint64_t *epoch;
};

struct reclaim *reclaim_new(unsigned reader_n);
/* Frees what is still waiting; no reader may be in. */
void reclaim_free(struct reclaim *r);

struct reclaim_reader *reclaim_reader(struct reclaim *r, unsigned i);

static inline void reclaim_in(struct reclaim_reader *r)
{
	atomic_store(&r->seen, atomic_load(r->epoch));
}

static inline void reclaim_out(struct reclaim_reader *r)
{
	atomic_store_explicit(&r->seen, 0, memory_order_release);
}

/*
 * Control thread. p is no longer reachable for a reader that comes in from
 * now on; it is given to `release` later, in reclaim_run(). NULL is ignored.
 */
void reclaim_retire(struct reclaim *r, void *p, void (*release)(void *p));
/* Frees what no reader can hold; returns how many still wait. */
size_t reclaim_run(struct reclaim *r);
