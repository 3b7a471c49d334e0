// SPDX-License-Identifier: BSD-2-Clause
/*
 * Order of the checks: what must not be answered at all, then the opcode
 * (another opcode means another layout), then the layout of a query. What is
 * refused is gone through once more for its question and its OPT record: the
 * answer to an EDNS request carries one (RFC 6891 section 6.1.1), and a client
 * that misses it there may take the server for one without EDNS.
 */
#include "dnsd/message/wire/query.h"

enum {
	OPTION_NSID = 3,
	OPTION_COOKIE = 10,
	OPTION_KEEPALIVE = 11,
	OPTION_PADDING = 12,
};

struct counts {
	unsigned question, answer, authority, additional;
};

static enum query_status parse_question(struct query *q, size_t len)
{
	size_t n = dname_parse(&q->name, q->msg, len, WIRE_HEADER_LEN);

	if (!n || WIRE_HEADER_LEN + n + 4 > len)
		return QUERY_FORMERR;
	q->type = wire_get16(q->msg + WIRE_HEADER_LEN + n);
	q->class = wire_get16(q->msg + WIRE_HEADER_LEN + n + 2);
	q->question_len = (uint16_t)(n + 4);
	return QUERY_OK;
}

/* len octets at `at` of msg: the data of the OPT record. */
static enum query_status parse_options(
    struct edns *e, const uint8_t *msg, size_t at, size_t len)
{
	while (len >= 4) {
		const uint8_t *option = msg + at;
		uint16_t code = wire_get16(option);
		size_t option_len = 4u + wire_get16(option + 2);

		if (option_len > len)
			return QUERY_FORMERR;
		if (code == OPTION_COOKIE && !e->cookie_at) {
			e->cookie_at = (uint16_t)(at + 4);
			e->cookie_len = (uint16_t)(option_len - 4);
		}
		e->nsid |= code == OPTION_NSID;
		e->keepalive |= code == OPTION_KEEPALIVE;
		e->padding |= code == OPTION_PADDING;
		at += option_len;
		len -= option_len;
	}
	return len ? QUERY_FORMERR : QUERY_OK;
}

static enum query_status parse_opt(
    struct edns *e, const uint8_t *msg, size_t at, size_t len)
{
	const uint8_t *fixed = msg + at;

	if (e->present) /* RFC 6891 section 6.1.1: at most one */
		return QUERY_FORMERR;
	e->present = true;
	e->udp_len = wire_get16(fixed + 2);
	if (e->udp_len < WIRE_UDP_MIN)
		e->udp_len = WIRE_UDP_MIN;
	e->version = fixed[5];
	e->dnssec_ok = fixed[6] & 0x80;
	/* another version may mean something else by its data: BADVERS */
	return e->version ? QUERY_OK : parse_options(e, msg, at + 10, len);
}

/* Octets of the owner name of a record; it may be compressed. */
static size_t skip_owner(const uint8_t *msg, size_t len, size_t at)
{
	size_t start = at;

	while (at < len) {
		if (msg[at] >= 0xc0)
			return at + 2 <= len ? at + 2 - start : 0;
		if (msg[at] > WIRE_LABEL_MAX)
			return 0;
		if (!msg[at])
			return at + 1 - start;
		at += 1u + msg[at];
	}
	return 0;
}

/* The records after the question; only additional ones are looked at. */
static enum query_status parse_records(
    struct query *q, size_t len, unsigned authority_n, unsigned additional_n)
{
	size_t at = WIRE_HEADER_LEN + q->question_len;

	for (unsigned n = authority_n + additional_n; n > 0; n--) {
		size_t owner = skip_owner(q->msg, len, at);
		const uint8_t *fixed = q->msg + at + owner;

		if (!owner || at + owner + 10 > len)
			return QUERY_FORMERR;
		size_t rdlength = wire_get16(fixed + 8);
		if (at + owner + 10 + rdlength > len)
			return QUERY_FORMERR;
		if (wire_get16(fixed) == TYPE_OPT) {
			/* its owner is the root, the only one of one octet */
			bool placed = owner == 1 && n <= additional_n;
			enum query_status s = placed
			                          ? parse_opt(&q->edns, q->msg,
			                                at + owner, rdlength)
			                          : QUERY_FORMERR;

			if (s != QUERY_OK)
				return s;
		}
		at += owner + 10 + rdlength;
	}
	return at == len ? QUERY_OK : QUERY_FORMERR;
}

/* RFC 7873 section 5.4: what a client may ask that wants a cookie. */
static enum query_status parse_without_question(
    struct query *q, size_t len, unsigned additional_n)
{
	enum query_status s = parse_records(q, len, 0, additional_n);

	if (s != QUERY_OK)
		return s;
	return q->edns.cookie_at ? QUERY_COOKIE_ONLY : QUERY_FORMERR;
}

static enum query_status parse_sections(
    struct query *q, size_t len, const struct counts *c)
{
	if (!c->question && !c->answer && !c->authority)
		return parse_without_question(q, len, c->additional);
	if (c->question != 1 || c->answer)
		return QUERY_FORMERR;
	enum query_status s = parse_question(q, len);
	if (s != QUERY_OK)
		return s;
	/* of IXFR only, RFC 1995 section 3 */
	if (c->authority && q->type != TYPE_IXFR)
		return QUERY_FORMERR;
	s = parse_records(q, len, c->authority, c->additional);
	if (s == QUERY_OK && q->edns.version > 0)
		return QUERY_BADVERS;
	return s;
}

/* Where the questions end; 0: beyond the message. */
static size_t skip_questions(const struct query *q, size_t len, unsigned n)
{
	size_t at = WIRE_HEADER_LEN;

	for (; n > 0; n--) {
		size_t owner = skip_owner(q->msg, len, at);

		at += owner + 4;
		if (!owner || at > len)
			return 0;
	}
	return at;
}

/* The OPT record of a request that is refused, as far as it can be read. */
static void salvage_opt(struct query *q, size_t len, const struct counts *c)
{
	size_t at = skip_questions(q, len, c->question);

	for (unsigned n = c->answer + c->authority + c->additional; at && n > 0;
	     n--) {
		size_t owner = skip_owner(q->msg, len, at);
		const uint8_t *fixed = q->msg + at + owner;

		if (!owner || at + owner + 10 > len)
			return;
		size_t rdlength = wire_get16(fixed + 8);
		if (at + owner + 10 + rdlength > len)
			return;
		if (wire_get16(fixed) == TYPE_OPT && owner == 1 &&
		    n <= c->additional) {
			(void)parse_opt(&q->edns, q->msg, at + 1, rdlength);
			return;
		}
		at += owner + 10 + rdlength;
	}
}

/* For the answer to what is refused: the question is echoed, and OPT sent. */
static __attribute__((noinline)) void salvage(
    struct query *q, size_t len, const struct counts *c)
{
	if (c->question == 1 && !q->question_len)
		(void)parse_question(q, len);
	if (!q->edns.present)
		salvage_opt(q, len, c);
}

enum query_status query_parse(
    struct query *ret_q, const uint8_t *msg, size_t len)
{
	enum query_status s = QUERY_NOTIMP;

	if (len < WIRE_HEADER_LEN || msg[2] & WIRE_QR)
		return QUERY_DROP;
	ret_q->msg = msg;
	ret_q->id = wire_get16(msg);
	ret_q->flags[0] = msg[2];
	ret_q->flags[1] = msg[3];
	ret_q->question_len = 0;
	ret_q->edns = (struct edns){ .udp_len = WIRE_UDP_MIN };

	struct counts c = { wire_get16(msg + 4), wire_get16(msg + 6),
		wire_get16(msg + 8), wire_get16(msg + 10) };
	if (!(msg[2] & WIRE_OPCODE))
		s = parse_sections(ret_q, len, &c);
	if (s == QUERY_FORMERR || s == QUERY_NOTIMP)
		salvage(ret_q, len, &c);
	return s;
}
