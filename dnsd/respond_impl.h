// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * respond_impl - private to respond*.c: a message being written.
 *
 * Writers put whole records or nothing and say so; none writes beyond `end`
 * but for the slack of respond.h.
 */
#include "dnsd/respond.h"

enum {
	RESPOND_POINTER = 0xc000,     /* RFC 1035 section 4.1.4 */
	RESPOND_POINTER_MAX = 0x3fff, /* how far one can point */
	RESPOND_TO_QUESTION = RESPOND_POINTER | WIRE_HEADER_LEN,
	RESPOND_HEAD_LEN = 10, /* owner pointer, type, class, TTL */
};

struct out {
	uint8_t *base, *at;
	const uint8_t *end; /* where OPT must begin at the latest */
	uint16_t answer_n, authority_n, additional_n;
	struct response result;
};

static inline size_t respond_room(const struct out *o)
{
	return (size_t)(o->end - o->at);
}

/* Owner, type, class, TTL; 16 octets may be copied, 10 count. */
static inline void respond_head(
    uint8_t head[16], uint16_t owner, uint16_t type, uint32_t ttl_s)
{
	uint8_t *p = wire_put16(head, owner);

	p = wire_put16(p, type);
	p = wire_put16(p, CLASS_IN);
	p = wire_put32(p, ttl_s);
	memset(p, 0, 6);
}

/* ---- respond_service.c: what services have ---------------------------- */

/* The whole set where it fits, else as many as fit, with TC. */
void respond_srv_set(
    struct out *o, struct responder *r, const struct service *s);
/* type: A or AAAA. A sample that fits; never TC. */
void respond_address_set(
    struct out *o, struct responder *r, const struct service *s, uint16_t type);
void respond_one_srv(
    struct out *o, struct responder *r, const struct answer *a);
void respond_one_address(struct out *o, const struct answer *a, uint16_t type);

/* ---- respond_zone.c: static records ----------------------------------- */

/* SOA in the authority section, RFC 2308. */
void respond_negative(
    struct out *o, const struct query *q, const struct zone *z);
/* A set, with the addresses of name servers in the zone. */
void respond_rrset(struct out *o, const struct query *q, const struct zone *z,
    const struct rrset *set);
