// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names in none of our zones, where there is an answer to them.
 */
#include "dnsd/message/respond/respond_impl.h"
#include "dnsd/message/wire/rdata.h"

/*
 * A negative answer has to say how long it holds (RFC 2308), and the only
 * zone that all other names are in is the root: as short as ours.
 */
void respond_nothing(struct out *o)
{
	enum { TTL_S = 2 };
	static const uint8_t soa[] = "\0\0\6\0\1\0\0\0\2\0\57"
	                             "\11localhost\0"
	                             "\6nobody\7invalid\0"
	                             "\0\0\0\1\0\0\16\20\0\0\4\260"
	                             "\0\11\72\200\0\0\0";
	const size_t len = sizeof(soa); /* the last octet is the NUL's */

	if (len > respond_room(o)) {
		o->result.truncated = true;
		return;
	}
	memcpy(o->at, soa, len);
	o->at[len - 1] = TTL_S;
	o->at += len;
	o->authority_n++;
}

/* ---- what others said ------------------------------------------------- */

void respond_plan_foreign(
    struct responder *r, const struct query *q, const struct foreign *f)
{
	if (f->why)
		r->extra.why = (enum why)f->why;
	/* RFC 6840 section 5.8: to whom it means something */
	if (f->authenticated && (q->edns.dnssec_ok || q->flags[1] & WIRE_AD))
		r->extra.flags |= WIRE_AD;
}

/* A record of f at `at`; nothing in it is beyond f. */
struct place {
	const struct foreign *f;
	size_t at;
	uint32_t age_s;
};

static size_t owner_len(const uint8_t *p)
{
	size_t n = 0;

	while (p[n] && p[n] < 0xc0)
		n += 1u + p[n];
	return n + (p[n] ? 2 : 1);
}

static uint32_t aged(uint32_t ttl_s, uint32_t age_s)
{
	return ttl_s > age_s ? ttl_s - age_s : 0;
}

/* Behind the question that it was for: it is copied. */
static bool put_as_it_is(struct out *o, const struct place *r)
{
	const uint8_t *p = r->f->msg + r->at;
	size_t owner = owner_len(p);
	size_t len = owner + 10 + wire_get16(p + owner + 8);

	if (len > respond_room(o))
		return false;
	memcpy(o->at, p, len);
	wire_put32(
	    o->at + owner + 4, aged(wire_get32(p + owner + 4), r->age_s));
	o->at += len;
	return true;
}

static uint8_t *put_owner_anew(struct out *o, const struct place *r)
{
	uint8_t name[WIRE_NAME_MAX];
	size_t len;

	(void)dname_expand(r->f->msg, r->f->len, r->at, name, &len);
	uint16_t pointer = names_pointer(respond_names(o), name, len);
	if (pointer)
		return wire_put16(o->at, pointer);
	return names_write(&o->responder->names, o->at,
	    (size_t)(o->at - o->base), name, len, true);
}

/* RDATA at `at`, with whole names; NULL: there is no room. */
static uint8_t *put_rdata_anew(const struct out *o, uint8_t *p,
    const struct foreign *f, size_t at, size_t len, uint16_t type)
{
	const struct rdata_shape *s = rdata_shape_of(type);
	size_t end = at + len, name_len, from = s->name_n ? s->name_at : 0;

	/* beyond the names it does not grow, and they are within the slack */
	if (p + len > o->end)
		return NULL;
	memcpy(p, f->msg + at, from);
	p += from;
	at += from;
	for (unsigned k = 0; k < s->name_n; k++) {
		at += dname_expand(f->msg, f->len, at, p, &name_len);
		p += name_len;
	}
	if (p + (end - at) > o->end)
		return NULL;
	memcpy(p, f->msg + at, end - at);
	return p + (end - at);
}

/* Behind aliases its names lie elsewhere. */
static bool put_anew(struct out *o, const struct place *r)
{
	unsigned names_n = respond_names(o)->n;
	const uint8_t *fixed = r->f->msg + r->at + owner_len(r->f->msg + r->at);
	uint8_t *p = put_owner_anew(o, r), *rdlength = p + 8, *end = NULL;

	memcpy(p, fixed, 4);
	wire_put32(p + 4, aged(wire_get32(fixed + 4), r->age_s));
	if (rdlength + 2 <= o->end) {
		end = put_rdata_anew(o, rdlength + 2, r->f,
		    (size_t)(fixed + 10 - r->f->msg), wire_get16(fixed + 8),
		    wire_get16(fixed));
	}
	if (!end || end > o->end) {
		names_forget(&o->responder->names, names_n);
		return false;
	}
	wire_put16(rdlength, (uint16_t)(end - rdlength - 2));
	o->at = end;
	return true;
}

/* False: not all of them. */
static bool put_section(
    struct out *o, struct place *r, unsigned n, bool anew, uint16_t *count)
{
	for (; n > 0; n--) {
		const uint8_t *p = r->f->msg + r->at;
		size_t owner = owner_len(p);

		if (!(anew ? put_anew(o, r) : put_as_it_is(o, r)))
			return false;
		(*count)++;
		r->at += owner + 10 + wire_get16(p + owner + 8);
	}
	return true;
}

void respond_foreign(struct out *o, const struct answer *a)
{
	const uint8_t *msg = a->foreign->msg;
	bool anew = a->alias_n > 0;
	struct place r = { a->foreign,
		WIRE_HEADER_LEN + owner_len(msg + WIRE_HEADER_LEN) + 4,
		a->age_s };

	if (!put_section(o, &r, wire_get16(msg + 6), anew, &o->answer_n) ||
	    !put_section(o, &r, wire_get16(msg + 8), anew, &o->authority_n)) {
		o->result.truncated = true;
		return;
	}
	(void)put_section(o, &r, wire_get16(msg + 10), anew, &o->additional_n);
}
