// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zonesvcb - parameters of SVCB and HTTPS records (RFC 9460 sections 2.1, 2.2
 * and 7, RFC 9461 for dohpath).
 *
 * Stateless, any thread.
 */
#include "dnsd/zonefile/zonetext.h"

/* n words to octets in ascending order of their keys, at most room of them. */
int zonesvcb_read(uint8_t *out, size_t room, const struct zoneword *w,
    unsigned n, size_t *ret_len, struct diag *reterr);

/* Are octets such parameters, each as its key wants it? */
bool zonesvcb_fits(const uint8_t *params, size_t len);
