// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zoneldns - what ldns knows of types that zonerdata.c does not.
 *
 * The only file that includes ldns. Any one thread.
 */
#include "dnsd/zonefile/zonerdata.h"

/* 0: not a type. */
uint16_t zoneldns_type(const char *text);

/* The number of a key's algorithm, -1: not the name of one. */
int zoneldns_algorithm(const char *text);

/* w: the type and its data, n words as they were written. */
int zoneldns_read(struct zonerdata *ret_r, uint16_t type,
    const struct zoneword *w, unsigned n, const struct zonename *origin,
    struct diag *reterr);

/* Octets written as RFC 3597 has them: are they RDATA of that type? */
int zoneldns_check(const struct zonerdata *r, uint16_t type, const char *name,
    struct diag *reterr);
