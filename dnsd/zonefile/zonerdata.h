// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zonerdata - words of a master file to names, numbers and RDATA.
 *
 * The types that fill large zones: A, AAAA, NS, CNAME, PTR, DNAME, MX, SRV,
 * TXT and SOA, and any type written as RFC 3597 section 5 has it. All others
 * are ldns's (zonefile.c), which is five times slower.
 */
#include "dnsd/message/wire/wire.h"
#include "dnsd/zonefile/zonescan.h"

struct zonerdata {
	size_t len;
	uint8_t octet[WIRE_MESSAGE_MAX];
};

/* An origin, or any whole name in wire format. */
struct zonename {
	size_t len;
	uint8_t wire[WIRE_NAME_MAX];
};

/* "@", relative to the origin, or whole with its final dot. */
int zonename_read(struct zonename *ret_name, const struct zoneword *w,
    const struct zonename *origin, struct diag *reterr);

/* Seconds, or 1h30m; -EINVAL is silent: the word may be something else. */
int zonettl_read(uint32_t *ret_s, const char *text);

/* 0: not one of the types above. */
uint16_t zonerdata_type(const char *text);

/*
 * RDATA of n words. -EAGAIN: the type is not one of those above, or it is
 * written in a way that ldns shall read.
 */
int zonerdata_read(struct zonerdata *ret_r, uint16_t type,
    const struct zoneword *w, unsigned n, const struct zonename *origin,
    struct diag *reterr);
