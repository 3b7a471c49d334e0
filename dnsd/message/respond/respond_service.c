// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is known per service is laid out as it is sent, so that a record is
 * two or three copies of sixteen octets; they may run over the end of what is
 * copied and are overwritten by what follows (RESPOND_SLACK).
 */
#include "dnsd/message/respond/respond_impl.h"

#include <assert.h>

enum {
	SRV_FIXED_LEN = 8, /* RDLENGTH, priority, weight, port */
	ADDRESS_HEAD_LEN = 12,
	IPV4_RR_LEN = ADDRESS_HEAD_LEN + 4,
	IPV6_RR_LEN = ADDRESS_HEAD_LEN + 16,
	/* target "i.s." and what stands before it, the shortest there is */
	SRV_RR_LEN_MIN = RESPOND_HEAD_LEN + SRV_FIXED_LEN + 2 + 3,
	/* RDLENGTH, a label of one octet, a pointer */
	PTR_RR_LEN_MIN = RESPOND_HEAD_LEN + 2 + 2 + 2,
};

static_assert(
    WIRE_MESSAGE_MAX / PTR_RR_LEN_MIN <
            sizeof((struct responder *)0)->target / sizeof(uint16_t) &&
        PTR_RR_LEN_MIN < SRV_RR_LEN_MIN &&
        WIRE_MESSAGE_MAX / IPV4_RR_LEN < PICK_PART_MAX,
    "a message has no more records than places for their targets");

static void copy_over(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t i = 0;

	do {
		memcpy(to + i, from + i, 16);
		i += 16;
	} while (i < len);
}

static inline __attribute__((always_inline)) bool put_srv(struct out *o,
    const struct service *s, const struct service_instance *in,
    const uint8_t head[16], uint16_t *ret_target)
{
	size_t label_len = 1u + in->label[0];
	uint8_t *p = o->at;

	if (RESPOND_HEAD_LEN + SRV_FIXED_LEN + label_len + s->name_len >
	    respond_room(o))
		return false;
	memcpy(p, head, 16);
	memcpy(p + RESPOND_HEAD_LEN, in->srv, SRV_FIXED_LEN);
	p += RESPOND_HEAD_LEN + SRV_FIXED_LEN;
	*ret_target = (uint16_t)(p - o->base);
	copy_over(p, in->label, label_len);
	p += label_len;
	copy_over(p, s->name, s->name_len);
	o->at = p + s->name_len;
	return true;
}

static bool put_ipv4(
    struct out *o, const uint8_t address[4], const uint8_t head[16])
{
	if (IPV4_RR_LEN > respond_room(o))
		return false;
	memcpy(o->at, head, 16);
	memcpy(o->at + ADDRESS_HEAD_LEN, address, 4);
	o->at += IPV4_RR_LEN;
	return true;
}

static bool put_ipv6(
    struct out *o, const uint8_t address[16], const uint8_t head[16])
{
	if (IPV6_RR_LEN > respond_room(o))
		return false;
	memcpy(o->at, head, 16);
	memcpy(o->at + ADDRESS_HEAD_LEN, address, 16);
	o->at += IPV6_RR_LEN;
	return true;
}

static void make_address_head(const struct out *o, uint8_t head[16],
    const struct service *s, uint16_t type)
{
	respond_head(head, o->owner, type, s->ttl_s);
	wire_put16(head + RESPOND_HEAD_LEN, type == TYPE_A ? 4 : 16);
}

/* Addresses of the targets written, as long as there is room; never TC. */
static inline __attribute__((always_inline)) void put_addresses(struct out *o,
    const struct responder *r, const struct answer *a, const uint16_t *order,
    unsigned n, bool mixed)
{
	const struct service *s = a->service;
	uint8_t head4[16], head6[16];

	make_address_head(o, head4, s, TYPE_A);
	make_address_head(o, head6, s, TYPE_AAAA);
	for (unsigned k = 0; k < n; k++) {
		unsigned i = order[k];
		const struct service_instance *in = service_instance_at(s, i);
		uint16_t owner = (uint16_t)(RESPOND_POINTER | r->target[k]);
		uint8_t flags = in->flags;

		if (r->target[k] > RESPOND_POINTER_MAX)
			return;
		if (mixed)
			flags = answer_instance_along(a, i);
		if (flags & INSTANCE_IPV4) {
			wire_put16(head4, owner);
			if (!put_ipv4(o, in->ipv4, head4))
				return;
			o->additional_n++;
		}
		if (flags & INSTANCE_IPV6) {
			wire_put16(head6, owner);
			if (!put_ipv6(o, service_ipv6_at(s, i), head6))
				return;
			o->additional_n++;
		}
	}
}

static __attribute__((noinline)) void put_mixed_addresses(struct out *o,
    const struct responder *r, const struct answer *a, const uint16_t *order,
    unsigned n)
{
	put_addresses(o, r, a, order, n, true);
}

static void put_target_addresses(struct out *o, const struct responder *r,
    const struct answer *a, const uint16_t *order, unsigned n)
{
	if (a->mixed) {
		put_mixed_addresses(o, r, a, order, n);
	} else {
		put_addresses(o, r, a, order, n, false);
	}
}

/* Of the SRV records that were written; their targets follow their ports. */
static void set_ports(struct out *o, const struct responder *r,
    const struct answer *a, const uint16_t *order, unsigned n)
{
	const uint8_t *ports = service_port_numbers(a->service, a->port);

	if (!ports)
		return;
	for (unsigned k = 0; k < n; k++) {
		memcpy(o->base + r->target[k] - 2, ports + 2 * (size_t)order[k],
		    2);
	}
}

/* Returns how many fit. */
static unsigned put_srv_list(struct out *o, struct responder *r,
    const struct answer *a, const uint16_t *order, unsigned n)
{
	const struct service *s = a->service;
	uint8_t head[16];
	unsigned k = 0;

	respond_head(head, o->owner, TYPE_SRV, s->ttl_s);
	while (k < n && put_srv(o, s, service_instance_at(s, order[k]), head,
	                    &r->target[k]))
		k++;
	o->answer_n = (uint16_t)(o->answer_n + k);
	if (a->port)
		set_ports(o, r, a, order, k);
	put_target_addresses(o, r, a, order, k);
	return k;
}

/* ---- sets that may not fit -------------------------------------------- */

/* Draws for the client's network; r->pick.order is then the same for a while.
 */
static unsigned draw_part(struct responder *r, const struct service *s,
    unsigned want, enum pick_filter filter)
{
	const struct recipient *to = &r->recipient;
	uint64_t network =
	    to->peer ? network_number(to->peer, to->prefixes) : 0;

	part_seed(&r->slot, s, network, to->now_wall_s ? *to->now_wall_s : 0);
	return pick_order(&r->pick, s, want, filter, &r->slot);
}

/* Of n drawn so, how many fit as SRV. */
static unsigned count_fitting(const struct out *o, const struct responder *r,
    const struct answer *a, unsigned n)
{
	size_t fixed =
	    RESPOND_HEAD_LEN + SRV_FIXED_LEN + 1u + a->service->name_len;
	size_t len = 0;
	unsigned k = 0;

	for (; k < n; k++) {
		len +=
		    fixed +
		    service_instance_at(a->service, r->pick.order[k])->label[0];
		if (len > respond_room(o))
			break;
	}
	return k;
}

/* As many as fit: for a client network the same ones, by TCP any. */
static __attribute__((noinline)) void put_srv_part(
    struct out *o, struct responder *r, const struct answer *a, unsigned want)
{
	const struct service *s = a->service;
	bool anew = o->limit == WIRE_MESSAGE_MAX;
	unsigned n = anew ? pick_order(&r->pick, s, want, PICK_ALL, &r->rng)
	                  : draw_part(r, s, want, PICK_ALL);

	n = count_fitting(o, r, a, n);
	if (!anew)
		part_shuffle(&r->pick, s, n, PICK_ALL, &r->slot, &r->rng);
	(void)put_srv_list(o, r, a, r->pick.order, n);
	o->result.truncated = true;
}

/* The whole set where it fits. */
void respond_srv_set(struct out *o, struct responder *r, const struct answer *a)
{
	const struct service *s = a->service;
	size_t least = RESPOND_HEAD_LEN + SRV_FIXED_LEN + 2u + s->name_len;
	size_t fit = respond_room(o) / least;
	uint16_t answer_n = o->answer_n;
	uint8_t *at = o->at;

	if (s->eligible_n > fit) {
		put_srv_part(o, r, a, (unsigned)fit);
		return;
	}
	unsigned n = pick_order(&r->pick, s, s->eligible_n, PICK_ALL, &r->rng);
	if (put_srv_list(o, r, a, r->pick.order, n) == n)
		return;
	/* names that are longer than that: begin again */
	o->at = at;
	o->answer_n = answer_n;
	o->additional_n = 0;
	put_srv_part(o, r, a, n);
}

/* RDATA: I, then a pointer to _S._P.Z. */
static bool put_ptr(struct out *o, const struct service_instance *in,
    uint32_t ttl_s, uint16_t domain, uint16_t *ret_target)
{
	size_t label_len = 1u + in->label[0];
	uint8_t *p = o->at;

	if (RESPOND_HEAD_LEN + 2 + label_len + 2 > respond_room(o))
		return false;
	respond_head(p, o->owner, TYPE_PTR, ttl_s);
	p = wire_put16(p + RESPOND_HEAD_LEN, (uint16_t)(label_len + 2));
	*ret_target = (uint16_t)(p - o->base);
	copy_over(p, in->label, label_len);
	o->at = wire_put16(p + label_len, domain);
	return true;
}

static inline __attribute__((always_inline)) bool put_sd_txt(struct out *o,
    const struct service *s, const uint8_t *rdata, uint16_t owner)
{
	size_t len = 2u + wire_get16(rdata);

	if (RESPOND_HEAD_LEN + len > respond_room(o))
		return false;
	respond_head(o->at, owner, TYPE_TXT, s->ttl_s);
	memcpy(o->at + RESPOND_HEAD_LEN, rdata, len);
	o->at += RESPOND_HEAD_LEN + len;
	o->additional_n++;
	return true;
}

/*
 * RFC 6763 section 12.1, as long as there is room; never TC. What others have
 * at the name of an instance is left to those who ask for it.
 */
static inline __attribute__((always_inline)) unsigned put_browsed_records(
    struct out *o, struct responder *r, const struct answer *a, uint16_t *order,
    unsigned n, bool plain)
{
	const struct service *s = a->service;
	const uint8_t *txt = service_sd_txt(s, order[0]).at;
	unsigned put = 0;

	for (unsigned k = 0; k < n && r->target[k] <= RESPOND_POINTER_MAX;
	     k++) {
		uint16_t owner = (uint16_t)(RESPOND_POINTER | r->target[k]);
		uint8_t head[16];

		if (!plain && a->mixed && !answer_browsed_along(a, order[k]))
			continue;
		if (!plain)
			txt = service_sd_txt(s, order[k]).at;
		respond_head(head, owner, TYPE_SRV, s->ttl_s);
		if (!put_sd_txt(o, s, txt, owner) ||
		    !put_srv(o, s, service_instance_at(s, order[k]), head,
		        &r->target[put]))
			break;
		order[put++] = order[k];
		o->additional_n++;
	}
	return put;
}

static __attribute__((noinline)) unsigned put_mixed_records(struct out *o,
    struct responder *r, const struct answer *a, uint16_t *order, unsigned n)
{
	return put_browsed_records(o, r, a, order, n, false);
}

static void put_browsed(struct out *o, struct responder *r,
    const struct answer *a, uint16_t *order, unsigned n)
{
	bool plain =
	    !a->mixed && !(a->service->flags & SERVICE_INSTANCE_RECORDS);

	n = plain ? put_browsed_records(o, r, a, order, n, true)
	          : put_mixed_records(o, r, a, order, n);
	if (a->port)
		set_ports(o, r, a, order, n);
	put_target_addresses(o, r, a, order, n);
}

/* The first n of r->pick.order, out of `all`. */
static void put_ptr_list(struct out *o, struct responder *r,
    const struct answer *a, unsigned n, unsigned all, uint16_t domain)
{
	const struct service *s = a->service;
	unsigned k = 0;

	while (k < n && put_ptr(o, service_instance_at(s, r->pick.order[k]),
	                    s->ttl_s, domain, &r->target[k]))
		k++;
	o->answer_n = (uint16_t)(o->answer_n + k);
	if (k < all) {
		o->result.truncated = true;
	} else {
		put_browsed(o, r, a, r->pick.order, k);
	}
}

/* Few of many: drawn again where one was taken, the rest is not touched. */
static void draw_sparse(struct responder *r, unsigned n, unsigned want)
{
	uint16_t *order = r->pick.order;
	uint64_t *taken = r->pick.taken;

	for (unsigned k = 0; k < want;) {
		unsigned i = rng_below(&r->rng, n);

		if (taken[i / 64] >> (i % 64) & 1)
			continue;
		taken[i / 64] |= (uint64_t)1 << (i % 64);
		order[k++] = (uint16_t)i;
	}
	for (unsigned k = 0; k < want; k++)
		taken[order[k] / 64] = 0;
}

static void draw_all(struct responder *r, unsigned n, unsigned want)
{
	uint16_t *order = r->pick.order;

	for (unsigned i = 0; i < n; i++)
		order[i] = (uint16_t)i;
	for (unsigned k = 0; k < want; k++) {
		unsigned i = k + rng_below(&r->rng, n - k);
		uint16_t taken = order[i];

		order[i] = order[k];
		order[k] = taken;
	}
}

/* Of a subtype: PTR has no weights, each member is as likely as the others. */
static unsigned draw_members(
    struct responder *r, const struct answer *a, unsigned want)
{
	const struct service_subtype *t = a->subtype;
	const uint16_t *members = service_at(a->service, t->members);

	if (2 * want < t->n) {
		draw_sparse(r, t->n, want);
	} else {
		draw_all(r, t->n, want);
	}
	for (unsigned k = 0; t->members && k < want; k++)
		r->pick.order[k] = members[r->pick.order[k]];
	return want;
}

void respond_ptr_set(struct out *o, struct responder *r, const struct answer *a)
{
	const struct service *s = a->service;
	size_t fit = respond_room(o) / PTR_RR_LEN_MIN;
	unsigned all = a->subtype ? a->subtype->n : s->eligible_n;
	unsigned want = all < fit ? all : (unsigned)fit;

	if (a->subtype) {
		want = draw_members(r, a, want);
		put_ptr_list(
		    o, r, a, want, all, respond_after_labels(o, o->owner, 2));
	} else {
		want = pick_order(&r->pick, s, want, PICK_ALL, &r->rng);
		put_ptr_list(o, r, a, want, all, o->owner);
	}
}

/* Draws as many as fit, of more than that. */
static __attribute__((noinline)) unsigned draw_address_part(struct out *o,
    struct responder *r, const struct service *s, unsigned fit,
    enum pick_filter filter)
{
	unsigned n = draw_part(r, s, fit, filter);

	part_shuffle(&r->pick, s, n, filter, &r->slot, &r->rng);
	if (s->flags & SERVICE_ALL_ADDRESSES || !n)
		o->result.truncated = true;
	return n;
}

/*
 * Never none, nor TC unless it was asked for: some clients never ask again
 * over TCP.
 */
void respond_address_set(
    struct out *o, struct responder *r, const struct service *s, uint16_t type)
{
	bool four = type == TYPE_A;
	size_t fit = respond_room(o) / (four ? IPV4_RR_LEN : IPV6_RR_LEN);
	enum pick_filter filter = four ? PICK_IPV4 : PICK_IPV6;
	unsigned all = four ? s->ipv4_n : s->ipv6_n;
	unsigned n = s->max_answers < all ? s->max_answers : all;
	uint8_t head[16];

	make_address_head(o, head, s, type);
	if (n > fit) {
		n = draw_address_part(o, r, s, (unsigned)fit, filter);
	} else {
		n = pick_order(&r->pick, s, n, filter, &r->rng);
	}
	for (unsigned k = 0; k < n; k++) {
		unsigned i = r->pick.order[k];

		if (type == TYPE_A) {
			(void)put_ipv4(
			    o, service_instance_at(s, i)->ipv4, head);
		} else {
			(void)put_ipv6(o, service_ipv6_at(s, i), head);
		}
	}
	o->answer_n = (uint16_t)(o->answer_n + n);
}

static void put_one_address(
    struct out *o, const struct service *s, unsigned i, uint16_t type)
{
	uint8_t head[16];
	bool put;

	make_address_head(o, head, s, type);
	if (type == TYPE_A) {
		put = put_ipv4(o, service_instance_at(s, i)->ipv4, head);
	} else {
		put = put_ipv6(o, service_ipv6_at(s, i), head);
	}
	o->answer_n = (uint16_t)(o->answer_n + put);
	o->result.truncated |= !put;
}

void respond_one_address(struct out *o, const struct answer *a, uint16_t type)
{
	put_one_address(o, a->service, a->instance, type);
}

void respond_address_name(struct out *o, const struct answer *a)
{
	const struct service *s = a->service;
	const uint8_t *label = service_instance_at(s, a->instance)->label;
	size_t label_len = 1u + *label;
	size_t len = label_len + s->name_len;
	uint8_t *p = o->at;

	if (RESPOND_HEAD_LEN + 2 + len > respond_room(o)) {
		o->result.truncated = true;
		return;
	}
	respond_head(p, o->owner, TYPE_PTR, s->ttl_s);
	p = wire_put16(p + RESPOND_HEAD_LEN, (uint16_t)len);
	copy_over(p, label, label_len);
	copy_over(p + label_len, s->name, s->name_len);
	o->at = p + len;
	o->answer_n++;
}

void respond_one_srv(struct out *o, struct responder *r, const struct answer *a)
{
	uint16_t one = (uint16_t)a->instance;

	if (!put_srv_list(o, r, a, &one, 1))
		o->result.truncated = true;
}

static void put_along(
    struct out *o, const struct answer_target *t, uint16_t type)
{
	if (t->one) {
		put_one_address(o, t->service, t->instance, type);
	} else {
		respond_address_set(o, o->responder, t->service, type);
	}
}

void respond_along(struct out *o, const struct answer_target *t, uint16_t owner)
{
	struct out before = *o;

	o->owner = owner;
	if (t->families & INSTANCE_IPV4)
		put_along(o, t, TYPE_A);
	if (t->families & INSTANCE_IPV6)
		put_along(o, t, TYPE_AAAA);
	/* what was written is not the answer, what was not is no loss */
	uint16_t n = (uint16_t)(o->answer_n - before.answer_n);
	o->additional_n = (uint16_t)(o->additional_n + n);
	o->answer_n = before.answer_n;
	o->owner = before.owner;
	o->result = before.result;
}
