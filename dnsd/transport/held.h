// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * held - octets of a stream that are kept from one turn to another, and the
 * frames that requests come in: a length of two octets before each message
 * (RFC 1035 section 4.2.2, RFC 7766 section 8).
 */
#include "dnsd/message/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_LEN = 2, /* the length itself */
	FRAME_MAX = FRAME_LEN + WIRE_MESSAGE_MAX,
};

/* Octets of the first frame at p, as far as p says. */
static inline size_t frame_len(const uint8_t *p, size_t len)
{
	return len < FRAME_LEN ? FRAME_LEN : FRAME_LEN + (size_t)wire_get16(p);
}

static inline bool frame_is_whole(const uint8_t *p, size_t len)
{
	return len >= FRAME_LEN && len >= frame_len(p, len);
}

/* All zero: empty, and nothing is allocated. */
struct held {
	uint8_t *octets; /* from malloc */
	size_t at, len;  /* of what has not been used */
	size_t size;
};

static inline const uint8_t *held_start(const struct held *h)
{
	return h->len ? h->octets + h->at : NULL;
}

void held_release(struct held *h);
/* Of an empty one; copies. Room for size octets, if that is more, is made. */
void held_set(struct held *h, const uint8_t *p, size_t len, size_t size);
/* To an unfinished frame whose length is known; no more than is missing. */
void held_add(struct held *h, const uint8_t *p, size_t len);
/* To what is there, whatever it is. */
void held_append(struct held *h, const uint8_t *p, size_t len);
/* The first n octets are done with. */
void held_use(struct held *h, size_t n);
