// SPDX-License-Identifier: BSD-2-Clause
/*
 * OPT and its options (RFC 6891). Which ones there will be is known before
 * the first record is written, and their room is kept; what is left to the
 * end is how much padding it takes.
 */
#include "dnsd/message/respond/respond_impl.h"

enum {
	OPT_LEN = 11,
	OPTION_LEN = 4, /* code and length */
	OPTION_NSID = 3,
	OPTION_COOKIE = 10,    /* RFC 7873 */
	OPTION_KEEPALIVE = 11, /* RFC 7828 */
	OPTION_PADDING = 12,   /* RFC 7830 */
	OPTION_EDE = 15,       /* RFC 8914 */
	KEEPALIVE_LEN = OPTION_LEN + 2,
	PADDED_TO = 468, /* multiples of it, RFC 8467 section 4.1 */
	/* the longest record that services have: SRV */
	RECORD_MAX = RESPOND_HEAD_LEN + 8 + WIRE_NAME_MAX,
};

#define REASON(code, text)                                                     \
	{                                                                      \
		code, sizeof(text) - 1, text                                   \
	}

/* Extended errors; 0, "Other", needs a text (RFC 8914 section 4.1). */
static const struct {
	uint16_t code, len;
	const char *text;
} reasons[] = {
	[WHY_PROHIBITED] = REASON(18, ""),
	[WHY_BUSY] = REASON(0, "too many requests under way"),
	[WHY_OVERDUE] = REASON(0, "not answered in time"),
	[WHY_NOT_READY] = REASON(14, ""),
	[WHY_OUTSIDE] = REASON(0, "only names of this server are looked for"),
	[WHY_LIMITED] = REASON(0, "too many questions of your network wait"),
	[WHY_NOT_HERE] = REASON(20, "not in the cache"),
	[WHY_NO_UPSTREAM] = REASON(22, "no upstream is known"),
	[WHY_NO_ANSWER] = REASON(22, ""),
	[WHY_BROKEN_OFF] = REASON(23, "the forwarder is not running"),
	[WHY_BOGUS] = REASON(6, ""),
	[WHY_LOOP] = REASON(23, "the upstream asks this server"),
	[WHY_STALE] = REASON(3, ""),
	[WHY_STALE_NXDOMAIN] = REASON(19, ""),
};

/* Of the option, without code and length. */
static size_t why_len(enum why w)
{
	return 2u + reasons[w].len;
}

/* Octets of the options that depend on who asks. */
static size_t extra_len(const struct respond_extra *e)
{
	return (e->has_cookie ? (size_t)(OPTION_LEN + COOKIE_LEN) : 0) +
	       (e->why ? OPTION_LEN + why_len(e->why) : 0);
}

/*
 * Octets of the NSID option, RFC 5001. It is left out where it would take
 * the room of a record: no answer is empty for its sake.
 */
static uint16_t nsid_len(
    const struct responder *r, const struct query *q, size_t limit)
{
	size_t other = WIRE_HEADER_LEN + q->question_len +
	               (size_t)(RECORD_MAX + OPT_LEN) + extra_len(&r->extra);
	size_t len = OPTION_LEN;

	if (!q->edns.nsid || !r->identity->host)
		return 0;
	len += strnlen(r->identity->host, 255);
	return other + len <= limit ? (uint16_t)len : 0;
}

void respond_plan_opt(struct out *o, const struct responder *r,
    const struct query *q, enum transport via)
{
	if (!q->edns.present)
		return;
	o->nsid_len = nsid_len(r, q, (size_t)(o->end - o->base));
	o->keepalive = q->edns.keepalive && via != VIA_UDP;
	o->padding = q->edns.padding && via == VIA_TLS;
	o->end -= OPT_LEN + extra_len(&r->extra) + o->nsid_len +
	          (o->keepalive ? KEEPALIVE_LEN : 0) +
	          (o->padding ? OPTION_LEN : 0);
}

static uint8_t *put_extra(const struct respond_extra *e, uint8_t *p)
{
	if (e->has_cookie) {
		p = wire_put16(p, OPTION_COOKIE);
		p = wire_put16(p, COOKIE_LEN);
		memcpy(p, e->cookie, COOKIE_LEN);
		p += COOKIE_LEN;
	}
	if (e->why) {
		p = wire_put16(p, OPTION_EDE);
		p = wire_put16(p, (uint16_t)why_len(e->why));
		p = wire_put16(p, reasons[e->why].code);
		memcpy(p, reasons[e->why].text, reasons[e->why].len);
		p += reasons[e->why].len;
	}
	return p;
}

/* The message ends with it: up to the next multiple, or the limit. */
static uint8_t *put_padding(const struct out *o, uint8_t *p)
{
	size_t len = (size_t)(p - o->base) + OPTION_LEN;
	size_t padded = (len + PADDED_TO - 1) / PADDED_TO * PADDED_TO;

	if (padded > o->limit)
		padded = o->limit;
	p = wire_put16(p, OPTION_PADDING);
	p = wire_put16(p, (uint16_t)(padded - len));
	memset(p, 0, padded - len);
	return p + (padded - len);
}

void respond_opt(struct out *o, const struct responder *r,
    const struct query *q, enum rcode rcode)
{
	uint8_t *p = o->at, *rdlength;

	if (!q->edns.present)
		return;
	*p++ = 0; /* the root */
	p = wire_put16(p, TYPE_OPT);
	p = wire_put16(p, r->udp_len_max);
	*p++ = (uint8_t)(rcode >> 4);
	*p++ = 0; /* version */
	p = wire_put16(p, q->edns.dnssec_ok ? 0x8000 : 0);
	rdlength = p;
	p += 2;
	p = put_extra(&r->extra, p);
	if (o->nsid_len) {
		uint16_t len = (uint16_t)(o->nsid_len - OPTION_LEN);

		p = wire_put16(p, OPTION_NSID);
		p = wire_put16(p, len);
		memcpy(p, r->identity->host, len);
		p += len;
	}
	if (o->keepalive) {
		p = wire_put16(p, OPTION_KEEPALIVE);
		p = wire_put16(p, KEEPALIVE_LEN - OPTION_LEN);
		p = wire_put16(p, r->keepalive_ds);
	}
	if (o->padding)
		p = put_padding(o, p);
	wire_put16(rdlength, (uint16_t)(p - rdlength - 2));
	o->at = p;
	o->additional_n++;
}
