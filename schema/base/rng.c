// SPDX-License-Identifier: BSD-2-Clause
/*
 * ChaCha8 (Bernstein, 2008), four blocks side by side: lane i of each vector
 * belongs to block i, so a compiler with 128-bit vectors computes them at
 * once. The first eight words of each refill become the next key and are
 * never handed out: what was drawn cannot be found from what is in memory.
 */
#include "schema/base/rng.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LANES 4
#define KEY_WORDS 8

typedef uint32_t lanes __attribute__((vector_size(LANES * sizeof(uint32_t))));

static inline lanes rotate(lanes v, unsigned n)
{
	return (v << n) | (v >> (32 - n));
}

static inline void quarter(lanes *x, int a, int b, int c, int d)
{
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 7);
}

static inline lanes splat(uint32_t v)
{
	return (lanes){ v, v, v, v };
}

static void four_blocks(struct rng *r, uint32_t *out)
{
	static const uint32_t sigma[4] = { 0x61707865, 0x3320646e, 0x79622d32,
		0x6b206574 };
	lanes in[16], x[16];

	for (int i = 0; i < 4; i++)
		in[i] = splat(sigma[i]);
	for (int i = 0; i < KEY_WORDS; i++)
		in[4 + i] = splat(r->key[i]);
	for (unsigned i = 0; i < LANES; i++) {
		in[12][i] = (uint32_t)(r->counter + i);
		in[13][i] = (uint32_t)((r->counter + i) >> 32);
	}
	in[14] = splat(0);
	in[15] = splat(0);
	r->counter += LANES;

	memcpy(x, in, sizeof(x));
	for (int i = 0; i < 8; i += 2) {
		quarter(x, 0, 4, 8, 12);
		quarter(x, 1, 5, 9, 13);
		quarter(x, 2, 6, 10, 14);
		quarter(x, 3, 7, 11, 15);
		quarter(x, 0, 5, 10, 15);
		quarter(x, 1, 6, 11, 12);
		quarter(x, 2, 7, 8, 13);
		quarter(x, 3, 4, 9, 14);
	}
	/* the order of the words does not matter: all of them are random */
	for (int i = 0; i < 16; i++)
		x[i] += in[i];
	memcpy(out, x, sizeof(x));
}

void rng_refill(struct rng *r)
{
	for (unsigned i = 0; i < RNG_WORDS; i += 16 * LANES)
		four_blocks(r, r->out + i);
	memcpy(r->key, r->out, sizeof(r->key));
	r->used = KEY_WORDS;
}

void rng_seed(struct rng *r)
{
	if (getrandom(r->key, sizeof(r->key), 0) != sizeof(r->key))
		abort();
	r->counter = 0;
	r->used = RNG_WORDS;
}

void rng_seed_fixed(struct rng *r, uint64_t seed)
{
	memset(r->key, 0, sizeof(r->key));
	memcpy(r->key, &seed, sizeof(seed));
	r->counter = 0;
	r->used = RNG_WORDS;
}
