// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * respond_impl - private to respond*.c: a message being written.
 *
 * Writers put whole records or nothing and say so; none writes beyond `end`
 * but for the slack of respond.h.
 */
#include "dnsd/message/respond/respond.h"

enum {
	RESPOND_TO_QUESTION = RESPOND_POINTER | WIRE_HEADER_LEN,
	RESPOND_TARGETS_MAX = TARGETS_MAX,
	RESPOND_HEAD_LEN = 10, /* owner pointer, type, class, TTL */
};

struct out {
	uint8_t *base, *at;
	const uint8_t *end;      /* where OPT must begin at the latest */
	size_t limit;            /* octets of the whole message */
	uint16_t nsid_len;       /* of the option in OPT; 0: none */
	bool keepalive, padding; /* the options in OPT */
	uint16_t answer_n, authority_n, additional_n;
	uint16_t owner; /* pointer to the name that data is for */
	uint8_t qname_len;
	bool names_ready; /* what is written is in responder->names */
	struct responder *responder;
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

/* ---- respond_opt.c ---------------------------------------------------- */

/* Keeps room for OPT where q has it: moves o->end. */
void respond_plan_opt(struct out *o, const struct responder *r,
    const struct query *q, enum transport via);
/* As planned; nothing where q has none. The last record of a message. */
void respond_opt(struct out *o, const struct responder *r,
    const struct query *q, enum rcode rcode);

/* ---- respond_service.c: what services have ---------------------------- */

/* The whole set where it fits, else as many as fit, with TC. */
void respond_srv_set(
    struct out *o, struct responder *r, const struct answer *a);
/*
 * The same of PTR, to all instances or to those of a subtype, with the SRV,
 * TXT and addresses that they lead to.
 */
void respond_ptr_set(
    struct out *o, struct responder *r, const struct answer *a);
/*
 * type: A or AAAA. As many as the service allows and as fit; TC where it has
 * all of them answered.
 */
void respond_address_set(
    struct out *o, struct responder *r, const struct service *s, uint16_t type);
void respond_one_srv(
    struct out *o, struct responder *r, const struct answer *a);
void respond_one_address(struct out *o, const struct answer *a, uint16_t type);

/* PTR to the instance. */
void respond_address_name(struct out *o, const struct answer *a);

/*
 * The same addresses as additional records of the name at `owner`, of which a
 * static record speaks.
 */
void respond_along(
    struct out *o, const struct answer_target *t, uint16_t owner);

/* ---- respond_browse.c: what a zone has to browse ---------------------- */

/* A pointer to what follows the first n labels of the name at `owner`. */
uint16_t respond_after_labels(const struct out *o, uint16_t owner, unsigned n);
/* As many as fit from a random one on, with TC if that is not all. */
void respond_browsed(
    struct out *o, struct responder *r, const struct answer *a);

/* ---- respond_outside.c: names that are not ours ------------------------ */

/* SOA of the root, as a server has it that knows of nothing outside. */
void respond_nothing(struct out *o);
/* What f says of itself: before room is kept for OPT. */
void respond_plan_foreign(
    struct responder *r, const struct query *q, const struct foreign *f);
/* a->foreign, behind the aliases that led to it. */
void respond_foreign(struct out *o, const struct answer *a);

/* ---- respond_zone.c: static records ----------------------------------- */

/* The names of this message; the question's are there from the start. */
struct names *respond_names(struct out *o);
/*
 * The aliases that were followed; o->owner is then where they lead. False: no
 * more may be written.
 */
bool respond_aliases(struct out *o, const struct answer *a);
/* SOA in the authority section, RFC 2308. */
void respond_negative(struct out *o, const struct answer *a);
/* a->rrset, with the addresses that go along with its type. */
void respond_rrset(struct out *o, const struct answer *a);
/* NS in the authority section, with glue (RFC 9471). */
void respond_referral(struct out *o, const struct answer *a);
