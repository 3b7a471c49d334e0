// SPDX-License-Identifier: BSD-2-Clause
/*
 * Static records are stored whole; where the zone's name ends a name in their
 * data, a pointer into the question stands for it (zone.h).
 */
#include "dnsd/respond_impl.h"

/* Where the zone's name stands in the question. */
static uint16_t zone_pointer(const struct query *q, const struct zone *z)
{
	return (uint16_t)(RESPOND_POINTER |
	                  (WIRE_HEADER_LEN + q->name.len - z->name.len));
}

static bool put_rr(struct out *o, const struct query *q, const struct zone *z,
    uint16_t owner, const struct rrset *set, const struct rr *rr,
    uint32_t ttl_s)
{
	size_t len = rr->rdata_len - rr->tail_n * (z->name.len - 2u);
	uint8_t head[16];
	uint8_t *p = o->at;
	size_t from = 0;

	if (RESPOND_HEAD_LEN + 2 + len > respond_room(o))
		return false;
	respond_head(head, owner, set->type, ttl_s);
	memcpy(p, head, RESPOND_HEAD_LEN);
	p = wire_put16(p + RESPOND_HEAD_LEN, (uint16_t)len);
	for (unsigned k = 0; k < rr->tail_n; k++) {
		memcpy(p, rr->rdata + from, rr->tail[k] - from);
		p = wire_put16(p + rr->tail[k] - from, zone_pointer(q, z));
		from = rr->tail[k] + z->name.len;
	}
	memcpy(p, rr->rdata + from, rr->rdata_len - from);
	o->at = p + rr->rdata_len - from;
	if (set->type == TYPE_SOA) { /* the serial follows the registry */
		wire_put32(o->at - 20,
		    atomic_load_explicit(&z->serial, memory_order_relaxed));
	}
	return true;
}

void respond_negative(
    struct out *o, const struct query *q, const struct zone *z)
{
	if (put_rr(o, q, z, zone_pointer(q, z), z->soa, z->soa->records,
	        z->negative_ttl_s)) {
		o->authority_n = 1;
	} else {
		o->result.truncated = true; /* RFC 2181 section 9 */
	}
}

/* Addresses in the zone of the names that NS records point to. */
static void put_ns_addresses(struct out *o, const struct query *q,
    const struct zone *z, const struct rr *ns, uint16_t rdata_at)
{
	static const uint16_t types[] = { TYPE_A, TYPE_AAAA };
	struct dname name;

	if (!ns->tail_n || rdata_at > RESPOND_POINTER_MAX ||
	    !dname_parse(&name, ns->rdata, ns->rdata_len, 0))
		return;
	dname_hash(&name, z->hash_seed);
	const struct node *n =
	    zone_find(z, name.suffix_hash[name.label_n], name.lower, name.len);
	for (unsigned t = 0; n && t < 2; t++) {
		const struct rrset *set = node_rrset(n, types[t]);
		const struct rr *rr = set ? set->records : NULL;

		for (unsigned k = 0; set && k < set->rr_n; k++) {
			if (!put_rr(o, q, z,
			        (uint16_t)(RESPOND_POINTER | rdata_at), set, rr,
			        set->ttl_s))
				return;
			o->additional_n++;
			rr = rr_next(rr);
		}
	}
}

void respond_rrset(struct out *o, const struct query *q, const struct zone *z,
    const struct rrset *set)
{
	enum { NAMES_MAX = 32 };
	uint16_t rdata_at[NAMES_MAX];
	const struct rr *rr = set->records;

	for (unsigned k = 0; k < set->rr_n; k++, rr = rr_next(rr)) {
		if (k < NAMES_MAX)
			rdata_at[k] = (uint16_t)(o->at - o->base + 12);
		if (!put_rr(
		        o, q, z, RESPOND_TO_QUESTION, set, rr, set->ttl_s)) {
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
