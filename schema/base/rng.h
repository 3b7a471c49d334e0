// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * rng - random numbers that an observer of the outputs cannot continue.
 *
 * ChaCha8 keyed by getrandom(2), one generator for each thread, a few cycles
 * for each number. Whoever sees answers sees draws; with a linear generator
 * such as xoshiro a few hundred answers would give away all later ones and
 * with them which instance the next client is sent to. Eight rounds: no
 * attack on ChaCha reaches beyond seven.
 */
#include <stdint.h>

#define RNG_WORDS 128 /* two times four blocks of 16 words */

struct rng {
	uint32_t key[8];
	uint64_t counter;
	unsigned used; /* words of `out` handed out */
	uint32_t out[RNG_WORDS];
};

/* From the kernel; aborts if it has no randomness to give. */
void rng_seed(struct rng *r);
/* Reproducible: whoever knows the seed knows what is drawn. */
void rng_seed_fixed(struct rng *r, uint64_t seed);

/* Private: makes the next RNG_WORDS words. */
void rng_refill(struct rng *r);

static inline uint32_t rng_u32(struct rng *r)
{
	if (r->used == RNG_WORDS)
		rng_refill(r);
	return r->out[r->used++];
}

/*
 * Uniform in [0, n), exactly (Lemire, "Fast Random Integer Generation in an
 * Interval", 2019). n > 0.
 */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	uint64_t m = (uint64_t)rng_u32(r) * n;

	if ((uint32_t)m < n) {
		uint32_t floor = (0u - n) % n;

		while ((uint32_t)m < floor)
			m = (uint64_t)rng_u32(r) * n;
	}
	return (uint32_t)(m >> 32);
}
