// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * foreign - an answer about a name that is not ours, as somebody else gave
 * it: checked, and laid out to be copied.
 *
 * It is a message with one question, its name in lower case, and without OPT;
 * so its records are right behind any other question for that name, too. What
 * is kept for clients with DO is another answer than that for those without.
 */
#include "dnsd/message/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct foreign {
	uint32_t ttl_s;     /* the smallest; 0: it is for who asked alone */
	uint16_t len;       /* of msg */
	uint8_t why;        /* enum why */
	bool authenticated; /* AD, RFC 4035 section 3.2.3 */
	uint8_t msg[];
};

/* What is none of ours is SERVFAIL. */
static inline enum rcode foreign_rcode(const struct foreign *f)
{
	switch (f->msg[3] & WIRE_RCODE) {
	case RCODE_NOERROR:
		return RCODE_NOERROR;
	case RCODE_NXDOMAIN:
		return RCODE_NXDOMAIN;
	case RCODE_REFUSED:
		return RCODE_REFUSED;
	case RCODE_YXDOMAIN:
		return RCODE_YXDOMAIN;
	default:
		return RCODE_SERVFAIL;
	}
}

static inline size_t foreign_size(size_t len)
{
	return offsetof(struct foreign, msg) + len;
}
