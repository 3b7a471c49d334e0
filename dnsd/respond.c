// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is known per service is laid out as it is sent, so that a record is
 * two or three copies of sixteen octets; they may run over the end of what is
 * copied and are overwritten by what follows (RESPOND_SLACK).
 */
#include "dnsd/respond.h"

enum {
	POINTER = 0xc000,     /* RFC 1035 section 4.1.4 */
	POINTER_MAX = 0x3fff, /* how far one can point */
	OPT_LEN = 11,
	OPTION_NSID = 3,
	SRV_HEAD_LEN = 10, /* owner pointer, type, class, TTL */
	SRV_FIXED_LEN = 8, /* RDLENGTH, priority, weight, port */
	ADDRESS_HEAD_LEN = 12,
	IPV4_RR_LEN = ADDRESS_HEAD_LEN + 4,
	IPV6_RR_LEN = ADDRESS_HEAD_LEN + 16,
	TARGETS_MAX = 4096,
};

static const uint16_t to_question = POINTER | WIRE_HEADER_LEN;

/* The message being written. */
struct out {
	uint8_t *base, *at;
	const uint8_t *end; /* where OPT must begin at the latest */
	uint16_t answer_n, authority_n, additional_n;
	struct response result;
};

static size_t room(const struct out *o)
{
	return (size_t)(o->end - o->at);
}

static void copy_over(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t i = 0;

	do {
		memcpy(to + i, from + i, 16);
		i += 16;
	} while (i < len);
}

/* Owner, type, class, TTL; 16 octets may be copied, 10 count. */
static void make_head(
    uint8_t head[16], uint16_t owner, uint16_t type, uint32_t ttl_s)
{
	uint8_t *p = wire_put16(head, owner);

	p = wire_put16(p, type);
	p = wire_put16(p, CLASS_IN);
	p = wire_put32(p, ttl_s);
	memset(p, 0, 6);
}

/* ---- what a service has ----------------------------------------------- */

static bool put_srv(struct out *o, const struct service *s,
    const struct service_instance *in, const uint8_t head[16],
    uint16_t *ret_target)
{
	size_t label_len = 1u + in->label[0];
	uint8_t *p = o->at;

	if (SRV_HEAD_LEN + SRV_FIXED_LEN + label_len + s->name_len > room(o))
		return false;
	memcpy(p, head, 16);
	memcpy(p + SRV_HEAD_LEN, in->srv, SRV_FIXED_LEN);
	p += SRV_HEAD_LEN + SRV_FIXED_LEN;
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
	if (IPV4_RR_LEN > room(o))
		return false;
	memcpy(o->at, head, 16);
	memcpy(o->at + ADDRESS_HEAD_LEN, address, 4);
	o->at += IPV4_RR_LEN;
	return true;
}

static bool put_ipv6(
    struct out *o, const uint8_t address[16], const uint8_t head[16])
{
	if (IPV6_RR_LEN > room(o))
		return false;
	memcpy(o->at, head, 16);
	memcpy(o->at + ADDRESS_HEAD_LEN, address, 16);
	o->at += IPV6_RR_LEN;
	return true;
}

static void make_address_head(
    uint8_t head[16], const struct service *s, uint16_t type)
{
	make_head(head, to_question, type, s->ttl_s);
	wire_put16(head + SRV_HEAD_LEN, type == TYPE_A ? 4 : 16);
}

/* Addresses of the targets written, as long as there is room; never TC. */
static void put_target_addresses(struct out *o, const struct responder *r,
    const struct service *s, const uint16_t *order, unsigned n)
{
	uint8_t head4[16], head6[16];

	make_address_head(head4, s, TYPE_A);
	make_address_head(head6, s, TYPE_AAAA);
	for (unsigned k = 0; k < n; k++) {
		unsigned i = order[k];
		const struct service_instance *in = service_instance_at(s, i);
		uint16_t owner = (uint16_t)(POINTER | r->target[k]);

		if (r->target[k] > POINTER_MAX)
			return;
		if (in->flags & INSTANCE_IPV4) {
			wire_put16(head4, owner);
			if (!put_ipv4(o, in->ipv4, head4))
				return;
			o->additional_n++;
		}
		if (in->flags & INSTANCE_IPV6) {
			wire_put16(head6, owner);
			if (!put_ipv6(o, service_ipv6_at(s, i), head6))
				return;
			o->additional_n++;
		}
	}
}

static void put_srv_list(struct out *o, struct responder *r,
    const struct service *s, const uint16_t *order, unsigned n)
{
	uint8_t head[16];
	unsigned k = 0;

	make_head(head, to_question, TYPE_SRV, s->ttl_s);
	while (k < n && put_srv(o, s, service_instance_at(s, order[k]), head,
	                    &r->target[k]))
		k++;
	o->answer_n = (uint16_t)k;
	put_target_addresses(o, r, s, order, k);
}

/* The whole set where it fits, else as many as fit. */
static void put_srv_set(
    struct out *o, struct responder *r, const struct service *s)
{
	size_t least = SRV_HEAD_LEN + SRV_FIXED_LEN + 2u + s->name_len;
	size_t fit = room(o) / least;
	unsigned want = s->eligible_n;

	if (want > fit)
		want = (unsigned)fit;
	if (want > TARGETS_MAX)
		want = TARGETS_MAX;
	unsigned n = pick_order(&r->pick, s, want, PICK_ALL, &r->rng);
	put_srv_list(o, r, s, r->pick.order, n);
	o->result.truncated = o->answer_n < s->eligible_n;
}

/* A sample that fits: some clients never ask again over TCP. */
static void put_address_set(
    struct out *o, struct responder *r, const struct service *s, uint16_t type)
{
	size_t fit = room(o) / (type == TYPE_A ? IPV4_RR_LEN : IPV6_RR_LEN);
	unsigned want = s->max_answers < fit ? s->max_answers : (unsigned)fit;
	uint8_t head[16];

	make_address_head(head, s, type);
	unsigned n = pick_order(
	    &r->pick, s, want, type == TYPE_A ? PICK_IPV4 : PICK_IPV6, &r->rng);
	for (unsigned k = 0; k < n; k++) {
		unsigned i = r->pick.order[k];

		if (type == TYPE_A)
			(void)put_ipv4(
			    o, service_instance_at(s, i)->ipv4, head);
		else
			(void)put_ipv6(o, service_ipv6_at(s, i), head);
	}
	o->answer_n = (uint16_t)n;
}

static void put_one_address(
    struct out *o, const struct answer *a, uint16_t type)
{
	const struct service *s = a->service;
	uint8_t head[16];

	make_address_head(head, s, type);
	if (type == TYPE_A)
		(void)put_ipv4(
		    o, service_instance_at(s, a->instance)->ipv4, head);
	else
		(void)put_ipv6(o, service_ipv6_at(s, a->instance), head);
	o->answer_n = 1;
}

/* rdata: RDLENGTH and RDATA as sent. Does not fit: TC. */
static void put_rdata(struct out *o, uint16_t type, uint16_t class,
    uint32_t ttl_s, const uint8_t *rdata)
{
	size_t len = 2u + wire_get16(rdata);
	uint8_t head[16];

	if (SRV_HEAD_LEN + len > room(o)) {
		o->result.truncated = true;
		return;
	}
	make_head(head, to_question, type, ttl_s);
	wire_put16(head + 4, class);
	memcpy(o->at, head, 16);
	memcpy(o->at + SRV_HEAD_LEN, rdata, len);
	o->at += SRV_HEAD_LEN + len;
	o->answer_n++;
}

static void put_chaos(struct out *o, const char *text)
{
	uint8_t rdata[3 + 255];
	size_t len = strnlen(text, 255);

	wire_put16(rdata, (uint16_t)(len + 1));
	rdata[2] = (uint8_t)len;
	memcpy(rdata + 3, text, len);
	put_rdata(o, TYPE_TXT, CLASS_CH, 0, rdata);
}

static void put_hinfo(struct out *o, uint32_t ttl_s)
{
	static const uint8_t rdata[] = "\0\x09\7RFC8482";

	put_rdata(o, TYPE_HINFO, CLASS_IN, ttl_s, rdata);
}

/* ---- static records --------------------------------------------------- */

/* Where the zone's name stands in the question. */
static uint16_t zone_pointer(const struct query *q, const struct zone *z)
{
	return (
	    uint16_t)(POINTER | (WIRE_HEADER_LEN + q->name.len - z->name.len));
}

static bool put_rr(struct out *o, const struct query *q, const struct zone *z,
    uint16_t owner, const struct rrset *set, const struct rr *rr,
    uint32_t ttl_s)
{
	size_t len = rr->rdata_len - rr->tail_n * (z->name.len - 2u);
	uint8_t head[16];
	uint8_t *p = o->at;
	size_t from = 0;

	if (SRV_HEAD_LEN + 2 + len > room(o))
		return false;
	make_head(head, owner, set->type, ttl_s);
	memcpy(p, head, SRV_HEAD_LEN);
	p = wire_put16(p + SRV_HEAD_LEN, (uint16_t)len);
	for (unsigned k = 0; k < rr->tail_n; k++) {
		memcpy(p, rr->rdata + from, rr->tail[k] - from);
		p = wire_put16(p + rr->tail[k] - from, zone_pointer(q, z));
		from = rr->tail[k] + z->name.len;
	}
	memcpy(p, rr->rdata + from, rr->rdata_len - from);
	o->at = p + rr->rdata_len - from;
	if (set->type == TYPE_SOA) /* the serial follows the registry */
		wire_put32(o->at - 20,
		    atomic_load_explicit(&z->serial, memory_order_relaxed));
	return true;
}

static void put_negative(
    struct out *o, const struct query *q, const struct zone *z)
{
	if (put_rr(o, q, z, zone_pointer(q, z), z->soa, z->soa->records,
	        z->negative_ttl_s))
		o->authority_n = 1;
}

/* Addresses in the zone of the names that NS records point to. */
static void put_ns_addresses(struct out *o, const struct query *q,
    const struct zone *z, const struct rr *ns, uint16_t rdata_at)
{
	static const uint16_t types[] = { TYPE_A, TYPE_AAAA };
	struct dname name;

	if (!ns->tail_n || rdata_at > POINTER_MAX ||
	    !dname_parse(&name, ns->rdata, ns->rdata_len, 0))
		return;
	dname_hash(&name, z->hash_seed);
	const struct node *n =
	    zone_find(z, name.suffix_hash[name.label_n], name.lower, name.len);
	for (unsigned t = 0; n && t < 2; t++) {
		const struct rrset *set = node_rrset(n, types[t]);
		const struct rr *rr = set ? set->records : NULL;

		for (unsigned k = 0; set && k < set->rr_n; k++) {
			if (!put_rr(o, q, z, (uint16_t)(POINTER | rdata_at),
			        set, rr, set->ttl_s))
				return;
			o->additional_n++;
			rr = rr_next(rr);
		}
	}
}

static void put_rrset(struct out *o, const struct query *q,
    const struct zone *z, const struct rrset *set)
{
	enum { NAMES_MAX = 32 };
	uint16_t rdata_at[NAMES_MAX];
	const struct rr *rr = set->records;

	for (unsigned k = 0; k < set->rr_n; k++, rr = rr_next(rr)) {
		if (k < NAMES_MAX)
			rdata_at[k] = (uint16_t)(o->at - o->base + 12);
		if (!put_rr(o, q, z, to_question, set, rr, set->ttl_s)) {
			o->result.truncated = true;
			return;
		}
		o->answer_n++;
	}
	rr = set->records;
	for (unsigned k = 0;
	     set->type == TYPE_NS && k < set->rr_n && k < NAMES_MAX;
	     k++, rr = rr_next(rr))
		put_ns_addresses(o, q, z, rr, rdata_at[k]);
}

/* ---- the message ------------------------------------------------------ */

static void put_sections(struct out *o, struct responder *r,
    const struct query *q, const struct answer *a)
{
	const struct service *s = a->service;
	uint16_t one = (uint16_t)a->instance;

	switch (a->kind) {
	case ANSWER_EMPTY:
		break;
	case ANSWER_NEGATIVE:
		put_negative(o, q, a->zone);
		break;
	case ANSWER_SRV:
		put_srv_set(o, r, s);
		break;
	case ANSWER_IPV4:
		put_address_set(o, r, s, TYPE_A);
		break;
	case ANSWER_IPV6:
		put_address_set(o, r, s, TYPE_AAAA);
		break;
	case ANSWER_TXT:
		put_rdata(o, TYPE_TXT, CLASS_IN, s->ttl_s, service_txt(s));
		break;
	case ANSWER_ONE_SRV:
		put_srv_list(o, r, s, &one, 1);
		break;
	case ANSWER_ONE_IPV4:
		put_one_address(o, a, TYPE_A);
		break;
	case ANSWER_ONE_IPV6:
		put_one_address(o, a, TYPE_AAAA);
		break;
	case ANSWER_ONE_TXT:
		put_rdata(o, TYPE_TXT, CLASS_IN, s->ttl_s,
		    service_instance_txt(s, a->instance));
		break;
	case ANSWER_RRSET:
		put_rrset(o, q, a->zone, a->rrset);
		break;
	case ANSWER_HINFO:
		put_hinfo(o, s ? s->ttl_s : a->zone->soa->ttl_s);
		break;
	case ANSWER_CHAOS:
		put_chaos(o, a->chaos);
		break;
	}
}

static size_t nsid_len(const struct responder *r, const struct query *q)
{
	return q->edns.nsid && r->identity->host
	           ? 4 + strnlen(r->identity->host, 255)
	           : 0;
}

static void put_opt(struct out *o, const struct responder *r,
    const struct query *q, enum rcode rcode)
{
	size_t nsid = nsid_len(r, q);
	uint8_t *p = o->at;

	*p++ = 0; /* the root */
	p = wire_put16(p, TYPE_OPT);
	p = wire_put16(p, r->udp_len_max);
	*p++ = (uint8_t)(rcode >> 4);
	*p++ = 0; /* version */
	p = wire_put16(p, q->edns.dnssec_ok ? 0x8000 : 0);
	p = wire_put16(p, (uint16_t)nsid);
	if (nsid) {
		p = wire_put16(p, OPTION_NSID);
		p = wire_put16(p, (uint16_t)(nsid - 4));
		memcpy(p, r->identity->host, nsid - 4);
		p += nsid - 4;
	}
	o->at = p;
	o->additional_n++;
}

static void put_header(
    struct out *o, const struct query *q, enum rcode rcode, bool authoritative)
{
	uint8_t *p = o->base;

	memcpy(p, q->msg, 2);
	p[2] = (uint8_t)(WIRE_QR | (q->flags[0] & (WIRE_OPCODE | WIRE_RD)) |
	                 (authoritative ? WIRE_AA : 0) |
	                 (o->result.truncated ? WIRE_TC : 0));
	p[3] = (uint8_t)((q->flags[1] & WIRE_CD) | (rcode & WIRE_RCODE));
	p = wire_put16(p + 4, q->question_len ? 1 : 0);
	p = wire_put16(p, o->answer_n);
	p = wire_put16(p, o->authority_n);
	wire_put16(p, o->additional_n);
}

static struct out begin(const struct responder *r, const struct query *q,
    size_t limit, uint8_t *msg)
{
	size_t opt = q->edns.present ? OPT_LEN + nsid_len(r, q) : 0;
	uint8_t *at = msg + WIRE_HEADER_LEN + q->question_len;

	/* the name of the question is echoed as it came, in its case */
	memcpy(
	    msg + WIRE_HEADER_LEN, q->msg + WIRE_HEADER_LEN, q->question_len);
	return (struct out){ .base = msg, .at = at, .end = msg + limit - opt };
}

static struct response finish(struct out *o, const struct responder *r,
    const struct query *q, enum rcode rcode, bool authoritative)
{
	if (q->edns.present)
		put_opt(o, r, q, rcode);
	put_header(o, q, rcode, authoritative);
	o->result.len = (size_t)(o->at - o->base);
	return o->result;
}

static size_t limit_of(
    const struct responder *r, const struct query *q, enum transport via)
{
	if (via == VIA_TCP)
		return WIRE_MESSAGE_MAX;
	return q->edns.udp_len < r->udp_len_max ? q->edns.udp_len
	                                        : r->udp_len_max;
}

struct response respond_encode(struct responder *r, const struct query *q,
    const struct answer *a, enum transport via, uint8_t *out)
{
	struct out o = begin(r, q, limit_of(r, q, via), out);

	put_sections(&o, r, q, a);
	if (via == VIA_TCP && o.result.truncated) {
		o.result.truncated = false;
		o.result.sampled = true;
	}
	return finish(&o, r, q, a->rcode, a->authoritative);
}

struct response respond_error(
    struct responder *r, const struct query *q, enum rcode rcode, uint8_t *out)
{
	struct out o = begin(r, q, WIRE_UDP_MIN, out);

	return finish(&o, r, q, rcode, false);
}
