// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * pool - many small items of one size, named by numbers of 32 bits.
 *
 * Items never move: each chunk of memory is as large as all before it
 * together, so that growing copies nothing, and what was not used of the last
 * one takes no memory. Where a pointer and the head of an allocation would be
 * larger than the item, this is what the item costs.
 *
 * Control thread; readers may call pool_at() for a number that was published
 * to them after it was taken.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	POOL_FIRST_BITS = 8, /* the first chunk has 256 items */
	POOL_CHUNKS = 32 - POOL_FIRST_BITS,
	POOL_NONE = 0, /* the number of no item */
};

struct pool {
	uint8_t *chunk[POOL_CHUNKS];
	uint32_t item_len; /* a multiple of 8 */
	uint32_t n;        /* numbers that were ever given out, 0 included */
	uint32_t n_max;
	uint32_t free_head; /* items given back; each holds the next one */
};

/* item_len is rounded up; n_max: items that there may be at most. */
void pool_init(struct pool *p, size_t item_len, uint32_t n_max);
void pool_release(struct pool *p);

/* Zeroed; POOL_NONE: there are n_max already. */
uint32_t pool_take(struct pool *p);
/* Nobody may look at it any more. */
void pool_give(struct pool *p, uint32_t i);

static inline void *pool_at(const struct pool *p, uint32_t i)
{
	uint32_t shifted = i + (1u << POOL_FIRST_BITS);
	unsigned top = 31 - (unsigned)__builtin_clz(shifted);

	return p->chunk[top - POOL_FIRST_BITS] +
	       (size_t)p->item_len * (shifted - (1u << top));
}
