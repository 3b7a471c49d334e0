// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * rdata - where names stand in RDATA, and what is done with them.
 *
 * Types that are not in the table have no names for our purposes: their
 * RDATA is sent as it is (RFC 3597 section 4).
 */
#include "dnsd/message/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rdata_shape {
	uint16_t type;
	uint8_t name_at, name_n; /* names from there on */
	uint8_t after;           /* octets after them, UINT8_MAX: any */
	bool compressible;       /* a type of RFC 1035 */
	bool additional;         /* the addresses of the name are sent along */
};

/* Never NULL: a shape without names where there is none. */
const struct rdata_shape *rdata_shape_of(uint16_t type);

/* Does RDATA begin with what the shape says, and end after it? */
bool rdata_fits(const struct rdata_shape *s, const uint8_t *rdata, size_t len);

/* Two of the same length: names in them are equal in any case (RFC 4343). */
bool rdata_equal(const struct rdata_shape *s, const uint8_t *a,
    const uint8_t *b, size_t len);

/* Octets of a whole name in at most `room` octets; 0: there is none. */
size_t wire_name_len(const uint8_t *name, size_t room);
