// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zonerdata - words of a master file to RDATA.
 *
 * Types whose fields a table can say, and any type written as RFC 3597 section
 * 5 has it. The rest are ldns's (zoneldns.c), which is five times slower and
 * lets numbers wrap.
 */
#include "dnsd/zonefile/zonetext.h"

struct zonerdata {
	size_t len;
	uint8_t octet[WIRE_MESSAGE_MAX];
};

/* 0: not a type. */
uint16_t zonerdata_type(const char *text);

/*
 * RDATA of n words. -EAGAIN: the type is not one of those above, and ldns
 * shall read it.
 */
int zonerdata_read(struct zonerdata *ret_r, uint16_t type,
    const struct zoneword *w, unsigned n, const struct zonename *origin,
    struct diag *reterr);

/* zonefits.c: are octets RDATA of a type whose fields are these letters? */
bool zonerdata_fits(const char *fields, const uint8_t *rdata, size_t len);
