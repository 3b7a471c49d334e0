// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * reading - a message of somebody who is not trusted to a foreign.h.
 *
 * Every name in it is read whole and written anew, so what is kept depends on
 * nobody's pointers. Pure; allocates.
 * What is over (recipe.h) has a TTL again, and says so.
 */
#include "dnsd/message/data/foreign.h"

struct reading {
	const uint8_t *name; /* that was asked for, whole, in lower case */
	size_t name_len;
	uint16_t type, class;
	bool dnssec; /* for clients with DO: with RRSIG, NSEC, NSEC3 */
};

/* NULL: it is no answer to that. The caller frees. */
struct foreign *reading_foreign(
    const struct reading *r, const uint8_t *msg, size_t len);
