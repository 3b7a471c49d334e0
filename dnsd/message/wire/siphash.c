// SPDX-License-Identifier: BSD-2-Clause
/*
 * Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012: two rounds
 * (one) for each eight octets, the last ones padded and with the length on
 * top, then four (three).
 */
#include "dnsd/message/wire/siphash.h"

#include <string.h>

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline __attribute__((always_inline)) void rounds(
    uint64_t v[4], unsigned n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

/* Least octet first, as this family of machines has it anyway. */
static uint64_t get64(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "see get64()");

static inline __attribute__((always_inline)) void absorb(
    uint64_t v[4], uint64_t word, unsigned n)
{
	v[3] ^= word;
	rounds(v, n);
	v[0] ^= word;
}

static inline __attribute__((always_inline)) uint64_t hash(const uint8_t *key,
    const uint8_t *p, size_t len, unsigned compress, unsigned finish)
{
	uint64_t k0 = get64(key), k1 = get64(key + 8);
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
		k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 };
	uint8_t last[8] = { [7] = (uint8_t)len };

	for (; len >= 8; len -= 8, p += 8)
		absorb(v, get64(p), compress);
	memcpy(last, p, len);
	absorb(v, get64(last), compress);
	v[2] ^= 0xff;
	rounds(v, finish);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t siphash(
    const uint8_t key[SIPHASH_KEY_LEN], const uint8_t *p, size_t len)
{
	return hash(key, p, len, 2, 4);
}

uint64_t siphash_short(
    const uint8_t key[SIPHASH_KEY_LEN], const uint8_t *p, size_t len)
{
	return hash(key, p, len, 1, 3);
}
