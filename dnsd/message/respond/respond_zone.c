// SPDX-License-Identifier: BSD-2-Clause
/*
 * Static records. What has no names in it is copied; names are compressed
 * where RFC 3597 section 4 allows it. A record is written first and taken
 * back if it turns out to be too long: RESPOND_SLACK is more than the
 * longest record with compressible names.
 */
#include "dnsd/message/respond/respond_impl.h"
#include "dnsd/message/wire/rdata.h"

enum {
	SOA_FIXED_LEN = 20, /* serial .. minimum, RFC 1035 section 3.3.13 */
};

struct names *respond_names(struct out *o)
{
	if (!o->names_ready) {
		names_reset(&o->responder->names);
		names_note(&o->responder->names, o->base + WIRE_HEADER_LEN,
		    o->qname_len, WIRE_HEADER_LEN);
		o->names_ready = true;
	}
	return &o->responder->names;
}

static size_t offset_of(const struct out *o, const uint8_t *p)
{
	return (size_t)(p - o->base);
}

/* Owner of records: a pointer, or a name to be written; not both. */
struct owner {
	uint16_t pointer;
	const uint8_t *name;
	size_t name_len;
};

static uint8_t *put_owner(struct out *o, const struct owner *w)
{
	if (w->pointer)
		return wire_put16(o->at, w->pointer);
	return names_write(respond_names(o), o->at, offset_of(o, o->at),
	    w->name, w->name_len, false);
}

static uint8_t *put_names(
    struct out *o, uint8_t *p, const struct rrset *set, const struct rr *rr)
{
	size_t from = set->name_at;

	memcpy(p, rr->rdata, from);
	p += from;
	for (unsigned k = 0; k < set->name_n; k++) {
		const uint8_t *name = rr->rdata + from;
		size_t len = wire_name_len(name, rr->rdata_len - from);

		p = names_write(respond_names(o), p, offset_of(o, p), name, len,
		    !set->compressible);
		from += len;
	}
	memcpy(p, rr->rdata + from, rr->rdata_len - from);
	return p + rr->rdata_len - from;
}

/* False: it does not fit. */
static bool put_rr(struct out *o, const struct owner *w,
    const struct rrset *set, const struct rr *rr, uint32_t ttl_s)
{
	unsigned names_n = o->names_ready ? o->responder->names.n : 0;
	bool names = set->name_n && (set->compressible || set->has_targets);
	uint8_t *p;

	/* only what can shrink may be longer than the room for now */
	if (!set->compressible && rr->rdata_len > respond_room(o))
		return false;
	p = put_owner(o, w);
	p = wire_put16(p, set->type);
	p = wire_put16(p, CLASS_IN);
	p = wire_put32(p, ttl_s);
	uint8_t *rdlength = p;
	p += 2;
	if (names) {
		p = put_names(o, p, set, rr);
	} else {
		memcpy(p, rr->rdata, rr->rdata_len);
		p += rr->rdata_len;
	}
	if (p > o->end) {
		names_forget(
		    &o->responder->names, o->names_ready ? names_n : 0);
		return false;
	}
	wire_put16(rdlength, (uint16_t)(p - rdlength - 2));
	o->at = p;
	return true;
}

/* ---- SOA -------------------------------------------------------------- */

/*
 * Of the SOA record that was just written: what the number says can be seen
 * by whoever has seen the number.
 */
static void set_serial(const struct out *o, const struct answer *a)
{
	if (zone_follows(a->zone)) {
		wire_put32(o->at - SOA_FIXED_LEN,
		    atomic_load_explicit(
		        &a->zone->serial, memory_order_acquire));
	}
}

/* The usual one: the zone's name is in the question, and points there. */
static bool put_soa(struct out *o, const struct answer *a, const struct rr *soa)
{
	size_t zone_len = a->zone->name.len;
	uint16_t zone = (uint16_t)(RESPOND_POINTER |
	                           (WIRE_HEADER_LEN + o->qname_len - zone_len));
	uint8_t head[16], *p = o->at, *rdlength;
	size_t from = 0;

	if (RESPOND_HEAD_LEN + 2u + soa->rdata_len > respond_room(o))
		return false; /* the other way may be shorter */
	respond_head(head, zone, TYPE_SOA, a->image->negative_ttl_s);
	memcpy(p, head, RESPOND_HEAD_LEN);
	rdlength = p + RESPOND_HEAD_LEN;
	p = rdlength + 2;
	for (unsigned k = 0; k < 2; k++) {
		uint16_t tail = a->image->soa_tail[k];

		if (tail == UINT16_MAX)
			continue;
		memcpy(p, soa->rdata + from, tail - from);
		p = wire_put16(p + tail - from, zone);
		from = tail + zone_len;
	}
	memcpy(p, soa->rdata + from, soa->rdata_len - from);
	o->at = p + soa->rdata_len - from;
	wire_put16(rdlength, (uint16_t)(o->at - rdlength - 2));
	return true;
}

void respond_negative(struct out *o, const struct answer *a)
{
	const struct rrset *set = zone_image_soa(a->image);
	struct rr soa = rrset_only(set);
	struct owner apex = { .name = a->zone->name.lower,
		.name_len = a->zone->name.len };

	if ((!a->alias_n && put_soa(o, a, &soa)) ||
	    put_rr(o, &apex, set, &soa, a->image->negative_ttl_s)) {
		set_serial(o, a);
		o->authority_n++;
	} else {
		o->result.truncated = true; /* RFC 2181 section 9 */
	}
}

/* ---- sets and what goes along ----------------------------------------- */

/*
 * Records whose names are not compressed are copied as they lie; where the
 * names begin is kept, for the addresses that go along.
 */
static bool put_whole_rrset(
    struct out *o, uint16_t owner, const struct rrset *set, uint16_t *count)
{
	uint16_t *target = o->responder->target;
	const uint8_t *at = set->records;
	uint8_t head[16];
	struct rr rr;

	respond_head(head, owner, set->type, set->ttl_s);
	for (unsigned k = 0; k < set->rr_n; k++) {
		at = rr_read(set, at, &rr);
		if (RESPOND_HEAD_LEN + 2u + rr.rdata_len > respond_room(o))
			return false;
		memcpy(o->at, head, sizeof(head));
		uint8_t *p = wire_put16(o->at + RESPOND_HEAD_LEN, rr.rdata_len);
		memcpy(p, rr.rdata, rr.rdata_len);
		if (set->has_targets && k < RESPOND_TARGETS_MAX)
			target[k] = (uint16_t)offset_of(o, p + set->name_at);
		o->at = p + rr.rdata_len;
		(*count)++;
	}
	return true;
}

/* As many as fit; false: not all. */
static bool put_rrset(struct out *o, const struct owner *w,
    const struct rrset *set, uint16_t *count)
{
	const uint8_t *at = set->records;
	struct rr rr;

	if (w->pointer && !set->compressible)
		return put_whole_rrset(o, w->pointer, set, count);
	for (unsigned k = 0; k < set->rr_n; k++) {
		at = rr_read(set, at, &rr);
		if (!put_rr(o, w, set, &rr, set->ttl_s))
			return false;
		(*count)++;
	}
	return true;
}

/* A and AAAA of a node, all of them or none; false: they do not fit. */
static bool put_addresses(
    struct out *o, const struct owner *w, const struct node *n)
{
	static const uint16_t types[] = { TYPE_A, TYPE_AAAA };
	unsigned names_n = o->names_ready ? o->responder->names.n : 0;
	uint16_t additional_n = o->additional_n;
	uint8_t *at = o->at;

	for (unsigned t = 0; t < 2; t++) {
		const struct rrset *set = node_rrset(n, types[t]);

		if (set && !put_rrset(o, w, set, &o->additional_n)) {
			names_forget(
			    &o->responder->names, o->names_ready ? names_n : 0);
			o->additional_n = additional_n;
			o->at = at;
			return false;
		}
	}
	return true;
}

/* The name of a target, or where it stands in the message, or both. */
static struct owner owner_of(
    struct out *o, const struct rrset *set, const struct answer_target *t)
{
	uint16_t place = o->responder->target[t->record];
	struct owner w = { .name = t->name };

	/* "." of SVCB is the owner, RFC 9460 section 2.5.2 */
	if (!*w.name) {
		w.pointer = o->owner;
	} else if (!set->compressible && place <= RESPOND_POINTER_MAX) {
		w.pointer = (uint16_t)(RESPOND_POINTER | place);
	} else {
		w.name_len = wire_name_len(w.name, WIRE_NAME_MAX);
	}
	if (set->compressible && *w.name)
		w.pointer = names_pointer(respond_names(o), w.name, w.name_len);
	return w;
}

/* What goes along with one record; false: static addresses do not fit. */
static bool put_target(
    struct out *o, const struct rrset *set, const struct answer_target *t)
{
	struct owner w = owner_of(o, set, t);

	if (t->node && !put_addresses(o, &w, t->node))
		return false;
	if (t->service && w.pointer)
		respond_along(o, t, w.pointer);
	return true;
}

/* As many as fit. */
static void put_targets(struct out *o, const struct answer *a)
{
	for (unsigned k = 0; k < a->target_n; k++) {
		if (!put_target(o, a->rrset, &a->target[k]))
			return;
	}
}

/* Is it the name of a server below the cut? */
static bool is_in_domain(const uint8_t *wire, const struct node *cut)
{
	struct dname n;

	return dname_parse(&n, wire, WIRE_NAME_MAX, 0) &&
	       n.len > cut->name_len &&
	       !memcmp(
	           n.lower + n.len - cut->name_len, cut->name, cut->name_len);
}

/*
 * The addresses of servers below the cut, which nobody else knows: all of
 * them, or TC (RFC 9471). Of the records after TARGETS_MAX they are not known.
 */
static bool put_glue(struct out *o, const struct answer *a)
{
	const struct rrset *set = a->rrset;
	const uint8_t *at = set->records;
	struct rr rr;

	for (unsigned k = 0; k < set->rr_n; k++) {
		at = rr_read(set, at, &rr);
		const struct node *n = zone_image_node(a->image, rr.target_at);
		struct answer_target t = { .name = rr.rdata + set->name_at,
			.node = n };

		if (k >= TARGETS_MAX && is_in_domain(t.name, a->node))
			return false;
		if (n && zone_image_node(a->image, n->governor_at) == a->node &&
		    !put_target(o, set, &t))
			return false;
	}
	return true;
}

void respond_rrset(struct out *o, const struct answer *a)
{
	struct owner w = { .pointer = o->owner };

	if (!put_rrset(o, &w, a->rrset, &o->answer_n)) {
		o->result.truncated = true;
		return;
	}
	if (a->rrset->type == TYPE_SOA)
		set_serial(o, a);
	put_targets(o, a);
}

void respond_referral(struct out *o, const struct answer *a)
{
	struct owner w = { .name = a->node->name,
		.name_len = a->node->name_len };

	if (!put_rrset(o, &w, a->rrset, &o->authority_n) || !put_glue(o, a)) {
		o->result.truncated = true;
		return;
	}
	put_targets(o, a);
}

/* ---- aliases ---------------------------------------------------------- */

/* The name being followed, in the question or as it was written. */
struct chain {
	const uint8_t *name;
	size_t len;
};

static uint16_t pointer_to(struct out *o, const struct chain *c)
{
	if (!*c->name) { /* the end of the question's name */
		return (uint16_t)(RESPOND_POINTER |
		                  (WIRE_HEADER_LEN + o->qname_len - 1));
	}
	return names_pointer(respond_names(o), c->name, c->len);
}

static bool put_cname(struct out *o, struct chain *c, const struct alias *s)
{
	struct owner w = { .pointer = o->owner };
	struct rr rr = rrset_only(s->set);

	if (!put_rr(o, &w, s->set, &rr, s->set->ttl_s))
		return false;
	*c = (struct chain){ rr.rdata, rr.rdata_len };
	return true;
}

/*
 * The DNAME itself, and the CNAME that it makes (RFC 6672 section 3.1), whose
 * data is compressed as that of any other. made: room for it, which lasts as
 * long as the response is written.
 */
static bool put_dname(struct out *o, struct chain *c, const struct alias *s,
    uint8_t made[WIRE_NAME_MAX])
{
	static const struct rrset cname = {
		.type = TYPE_CNAME, .name_n = 1, .compressible = true
	};
	struct owner w = { .name = s->node->name,
		.name_len = s->node->name_len };
	struct owner here = { .pointer = o->owner };
	size_t prefix_len = c->len - s->node->name_len;
	struct rr dname = rrset_only(s->set);

	if (!s->is_repeated && !put_rrset(o, &w, s->set, &o->answer_n))
		return false;
	if (s->is_endless)
		return true;
	memcpy(made, c->name, prefix_len);
	memcpy(made + prefix_len, dname.rdata, dname.rdata_len);
	*c = (struct chain){ made, prefix_len + dname.rdata_len };
	struct rr rr = { made, (uint16_t)c->len, 0 };
	return put_rr(o, &here, &cname, &rr, s->set->ttl_s);
}

bool respond_aliases(struct out *o, const struct answer *a)
{
	struct chain c = { o->base + WIRE_HEADER_LEN, o->qname_len };

	for (unsigned i = 0; i < a->alias_n; i++) {
		const struct alias *s = &a->alias[i];

		if (!(s->set->type == TYPE_DNAME
		            ? put_dname(o, &c, s, o->responder->made[i])
		            : put_cname(o, &c, s))) {
			o->result.truncated = true;
			return false;
		}
		if (s->is_endless)
			return true;
		o->answer_n++;
		o->owner = pointer_to(o, &c);
		if (!o->owner) { /* beyond what can be pointed to */
			o->result.truncated = true;
			return false;
		}
	}
	return true;
}
