// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zonetext - a word of a master file to a name, a number, a time or octets
 * (RFC 1035 section 5.1, RFC 4648 for hexadecimal and base 64).
 */
#include "dnsd/message/wire/wire.h"
#include "schema/zone/zonescan.h"

/* An origin, or any whole name in wire format. */
struct zonename {
	size_t len;
	uint8_t wire[WIRE_NAME_MAX];
};

/* "@", relative to the origin, or whole with its final dot. */
int zonename_read(struct zonename *ret_name, const struct zoneword *w,
    const struct zonename *origin, struct diag *reterr);

/*
 * Seconds, or 1h30m, of 32 bits; -EINVAL is silent: the word may be something
 * else.
 */
int zonettl_read(uint32_t *ret_s, const char *text);
/* What is beyond 31 bits counts as the largest TTL, RFC 8767 section 4. */
uint32_t zonettl_capped(uint32_t s);

/* Decimal digits and nothing else, at most max. */
int zonenumber_read(
    uint64_t *ret_v, const char *text, uint64_t max, struct diag *reterr);

/* One octet of text, with \X and \DDD, and beyond; -1: malformed. */
int zonetext_octet(const char **text);

/* A hexadecimal digit; -1: none. */
int zonetext_hex(char c);

/* Base 64, a digit at a time; all 0 at first. */
struct zonebase64 {
	uint32_t bits;
	unsigned n, pad; /* digits so far, those that are '=' */
};
/* Writes an octet to *at when one is whole; false: malformed. */
bool zonebase64_add(struct zonebase64 *b, char c, uint8_t **at);
/* Is it whole? */
bool zonebase64_ends(const struct zonebase64 *b);
