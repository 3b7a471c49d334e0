// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * front - answers of others that were given a moment ago, where the next one
 * who asks finds them without waiting for anybody.
 *
 * A table of fixed size that forgets as it likes: it knows nothing of what is
 * popular, over or right. Any number of threads look, without a lock, an
 * allocation or a system call; one at a time puts.
 */
#include "dnsd/message/data/foreign.h"

struct dname;
struct front;

enum {
	FRONT_MSG_MAX = 1968, /* longer ones are not kept */
	FRONT_MIN_LEN = 1 << 20,
};

struct front_key {
	const struct dname *name; /* hashed */
	uint16_t type;            /* class IN */
	bool dnssec_ok, checking_disabled;
};

/* A copy of what was found. */
struct front_copy {
	uint32_t age_s;
	_Alignas(8) uint8_t foreign[sizeof(struct foreign) + FRONT_MSG_MAX];
};

/* len octets in all, at least FRONT_MIN_LEN; used as they are needed. */
struct front *front_new(size_t len);
/* NULL is ignored. */
void front_free(struct front *f);

/* False: it is not there, or over. *ret_c is written to in either case. */
bool front_find(const struct front *f, const struct front_key *k,
    uint64_t now_mono_ms, struct front_copy *ret_c);

/* In the place of what was kept for that; nothing, if it may not be kept. */
void front_put(struct front *f, const struct front_key *k,
    const struct foreign *a, uint64_t now_mono_ms);
/* Everything is forgotten. */
void front_clear(struct front *f);

static inline const struct foreign *front_foreign(const struct front_copy *c)
{
	return (const struct foreign *)(const void *)c->foreign;
}
