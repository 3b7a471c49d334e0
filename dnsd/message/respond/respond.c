// SPDX-License-Identifier: BSD-2-Clause
/*
 * The frame of a response: header, question, OPT, and the sections that the
 * kind of the answer asks for.
 */
#include "dnsd/message/respond/respond_impl.h"

/* RDLENGTH and RDATA as sent, one behind another. Do not fit: TC. */
static void put_records(
    struct out *o, const struct record_set *set, uint16_t class, uint32_t ttl_s)
{
	const uint8_t *rdata = set->at;
	uint8_t head[16];

	respond_head(head, o->owner, set->type, ttl_s);
	wire_put16(head + 4, class);
	for (unsigned k = 0; k < set->n; k++) {
		size_t len = 2u + wire_get16(rdata);

		if (RESPOND_HEAD_LEN + len > respond_room(o)) {
			o->result.truncated = true;
			return;
		}
		memcpy(o->at, head, 16);
		memcpy(o->at + RESPOND_HEAD_LEN, rdata, len);
		o->at += RESPOND_HEAD_LEN + len;
		o->answer_n++;
		rdata += len;
	}
}

static void put_chaos(struct out *o, const char *text)
{
	uint8_t rdata[3 + 255];
	struct record_set set = { TYPE_TXT, 1, rdata };
	size_t len = strnlen(text, 255);

	wire_put16(rdata, (uint16_t)(len + 1));
	rdata[2] = (uint8_t)len;
	memcpy(rdata + 3, text, len);
	put_records(o, &set, CLASS_CH, 0);
}

static void put_sections(
    struct out *o, struct responder *r, const struct answer *a)
{
	const struct service *s = a->service;

	if (a->alias_n && !respond_aliases(o, a))
		return;
	switch (a->kind) {
	case ANSWER_EMPTY:
		break;
	case ANSWER_NEGATIVE:
		respond_negative(o, a);
		break;
	case ANSWER_SRV:
		respond_srv_set(o, r, a);
		break;
	case ANSWER_IPV4:
	case ANSWER_IPV6:
		respond_address_set(
		    o, r, s, a->kind == ANSWER_IPV4 ? TYPE_A : TYPE_AAAA);
		break;
	case ANSWER_ONE_SRV:
		respond_one_srv(o, r, a);
		break;
	case ANSWER_ONE_IPV4:
	case ANSWER_ONE_IPV6:
		respond_one_address(
		    o, a, a->kind == ANSWER_ONE_IPV4 ? TYPE_A : TYPE_AAAA);
		break;
	case ANSWER_RECORDS:
		put_records(o, &a->records, CLASS_IN,
		    s ? s->ttl_s : zone_image_soa(a->image)->ttl_s);
		break;
	case ANSWER_PTR:
		respond_ptr_set(o, r, a);
		break;
	case ANSWER_TYPES:
	case ANSWER_DOMAIN:
		respond_browsed(o, r, a);
		break;
	case ANSWER_ADDRESS_NAME:
		respond_address_name(o, a);
		break;
	case ANSWER_RRSET:
		respond_rrset(o, a);
		break;
	case ANSWER_REFERRAL:
		respond_referral(o, a);
		break;
	case ANSWER_NOTHING:
		respond_nothing(o);
		break;
	case ANSWER_FOREIGN:
		respond_foreign(o, a);
		break;
	case ANSWER_CHAOS:
		put_chaos(o, a->chaos);
		break;
	}
}

static void put_header(struct out *o, const struct query *q, enum rcode rcode,
    bool authoritative, uint8_t flags)
{
	uint8_t *p = o->base;

	memcpy(p, q->msg, 2);
	p[2] = (uint8_t)(WIRE_QR | (q->flags[0] & (WIRE_OPCODE | WIRE_RD)) |
	                 (authoritative ? WIRE_AA : 0) |
	                 (o->result.truncated ? WIRE_TC : 0));
	p[3] =
	    (uint8_t)((q->flags[1] & WIRE_CD) | (rcode & WIRE_RCODE) | flags);
	p = wire_put16(p + 4, q->question_len ? 1 : 0);
	p = wire_put16(p, o->answer_n);
	p = wire_put16(p, o->authority_n);
	wire_put16(p, o->additional_n);
}

static struct out begin(struct responder *r, const struct query *q,
    enum transport via, size_t limit, uint8_t *msg)
{
	uint8_t *at = msg + WIRE_HEADER_LEN + q->question_len;
	struct out o = { .base = msg,
		.at = at,
		.end = msg + limit,
		.limit = limit,
		.owner = RESPOND_TO_QUESTION,
		.qname_len = q->name.len,
		.responder = r };

	/* the name of the question is echoed as it came, in its case */
	memcpy(
	    msg + WIRE_HEADER_LEN, q->msg + WIRE_HEADER_LEN, q->question_len);
	respond_plan_opt(&o, r, q, via);
	return o;
}

static struct response finish(struct out *o, const struct responder *r,
    const struct query *q, enum rcode rcode, bool authoritative)
{
	respond_opt(o, r, q, rcode);
	put_header(o, q, rcode, authoritative, r->extra.flags);
	o->result.len = (size_t)(o->at - o->base);
	return o->result;
}

static size_t limit_of(
    const struct responder *r, const struct query *q, enum transport via)
{
	if (via != VIA_UDP)
		return WIRE_MESSAGE_MAX;
	return q->edns.udp_len < r->udp_len_max ? q->edns.udp_len
	                                        : r->udp_len_max;
}

struct response respond_encode(struct responder *r, const struct query *q,
    const struct answer *a, enum transport via, uint8_t *out)
{
	if (a->rcode == RCODE_SERVFAIL && a->not_ready)
		r->extra.why = WHY_NOT_READY;
	if (a->kind == ANSWER_FOREIGN)
		respond_plan_foreign(r, q, a->foreign);
	struct out o = begin(r, q, via, limit_of(r, q, via), out);

	put_sections(&o, r, a);
	/* a sample of services is whole, part of a static set is not */
	if (via != VIA_UDP && o.result.truncated && a->kind != ANSWER_RRSET &&
	    a->kind != ANSWER_REFERRAL && a->kind != ANSWER_FOREIGN) {
		o.result.truncated = false;
		o.result.sampled = true;
	}
	return finish(&o, r, q, a->rcode, a->authoritative);
}

struct response respond_error(struct responder *r, const struct query *q,
    enum rcode rcode, enum transport via, uint8_t *out)
{
	size_t limit = via == VIA_UDP ? WIRE_UDP_MIN : WIRE_MESSAGE_MAX;
	struct out o = begin(r, q, via, limit, out);

	return finish(&o, r, q, rcode, false);
}

struct response respond_truncated(
    struct responder *r, const struct query *q, enum rcode rcode, uint8_t *out)
{
	struct out o = begin(r, q, VIA_UDP, WIRE_UDP_MIN, out);

	o.result.truncated = true;
	return finish(&o, r, q, rcode, false);
}

/* Octets of a name as we write them; the message is our own. */
static size_t name_len(const uint8_t *p)
{
	size_t n = 0;

	while (p[n] && p[n] < 0xc0)
		n += 1u + p[n];
	return n + (p[n] ? 2 : 1);
}

size_t respond_cut(uint8_t *msg, size_t len)
{
	unsigned records = 0u + wire_get16(msg + 6) + wire_get16(msg + 8) +
	                   wire_get16(msg + 10);
	size_t start = WIRE_HEADER_LEN, at, opt_len = 0;

	if (wire_get16(msg + 4))
		start += name_len(msg + start) + 4;
	at = start;
	for (; records > 0; records--) {
		size_t owner = name_len(msg + at);
		size_t end = at + owner + 10 + wire_get16(msg + at + owner + 8);

		if (wire_get16(msg + at + owner) == TYPE_OPT)
			opt_len = end - at; /* the last one */
		at = end;
	}
	if (start + opt_len == len)
		return len;
	memmove(msg + start, msg + len - opt_len, opt_len);
	msg[2] |= WIRE_TC;
	memset(msg + 6, 0, 6);
	wire_put16(msg + 10, opt_len ? 1 : 0);
	return start + opt_len;
}
