// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * histogram - how long something took, counted by powers of two of a
 * microsecond. Written by one thread, read by any.
 */
#include <stdatomic.h>
#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 24 }; /* 1 us, 2 us ... 4.2 s; the last: more */

struct histogram {
	_Atomic uint64_t count[HISTOGRAM_BUCKETS];
	_Atomic uint64_t sum_ns;
};

static inline void histogram_bump(_Atomic uint64_t *counter, uint64_t n)
{
	uint64_t v = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, v + n, memory_order_relaxed);
}

/* The most that bucket i holds, in microseconds; of the last: no bound. */
static inline uint64_t histogram_bound_us(unsigned i)
{
	return (uint64_t)1 << i;
}

/* n times that long; less than nothing is nothing. */
static inline void histogram_add(struct histogram *h, int64_t ns, uint64_t n)
{
	uint64_t took_ns = ns > 0 ? (uint64_t)ns : 0;
	unsigned i = 0;

	while (
	    i < HISTOGRAM_BUCKETS - 1 && took_ns > 1000 * histogram_bound_us(i))
		i++;
	histogram_bump(&h->count[i], n);
	histogram_bump(&h->sum_ns, took_ns * n);
}
