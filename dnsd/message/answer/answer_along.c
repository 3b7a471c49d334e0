// SPDX-License-Identifier: BSD-2-Clause
/*
 * What goes along with static records that point to names: addresses of the
 * zone's own data (RFC 1034 section 4.3.2, step 6) and of services. Where a
 * name has both, static ones stand before those of services, type by type.
 */
#include "dnsd/message/answer/answer.h"
#include "dnsd/message/answer/lookup.h"

/* Which addresses are meant. */
enum glue {
	GLUE_NONE,  /* data of the zone itself */
	GLUE_ANY,   /* of a name server, wherever */
	GLUE_OTHER, /* of one that is not below the cut */
};

static bool is_meant(const struct node *n, const struct zone_image *m,
    const struct node *cut, enum glue glue)
{
	const struct node *governor = zone_image_node(m, n->governor_at);

	switch (glue) {
	case GLUE_NONE:
		return !governor ||
		       !(governor->flags & NODE_CUT || governor != n);
	case GLUE_ANY:
		return true;
	case GLUE_OTHER:
		return governor != cut;
	}
	return false;
}

/* Of these families, which static records leave to services; -1: no name. */
static int visible(
    const struct locus *l, const struct dname *name, uint8_t families)
{
	struct lookup found;

	lookup_name(&found, l->image, name, TYPE_A);
	if (found.kind == LOOKUP_CUT || found.kind == LOOKUP_DNAME)
		return -1;
	if (found.kind != LOOKUP_NODE)
		return families;
	if (node_rrset(found.node, TYPE_CNAME))
		return 0;
	if (node_rrset(found.node, TYPE_A))
		families &= (uint8_t)~INSTANCE_IPV4;
	if (node_rrset(found.node, TYPE_AAAA))
		families &= (uint8_t)~INSTANCE_IPV6;
	return families;
}

/* Labels of the name that a wildcard lies below. */
static unsigned encloser_label_n(const struct node *wildcard)
{
	unsigned n = 0;

	for (const uint8_t *p = wildcard->name; *p; p += 1u + *p)
		n++;
	return n - 1;
}

/*
 * What a service or an instance of that name would be answered with. False:
 * the registry has neither the name nor one below that of the wildcard which
 * t->node may be, or the name is not zone z's to answer.
 */
static bool find_services(struct answer_target *t, const struct zone *z,
    const uint8_t *wire, size_t len, const struct catalog *c)
{
	static const struct {
		uint16_t type;
		enum answer_kind all, one;
		uint8_t family;
	} types[] = {
		{ TYPE_A, ANSWER_IPV4, ANSWER_ONE_IPV4, INSTANCE_IPV4 },
		{ TYPE_AAAA, ANSWER_IPV6, ANSWER_ONE_IPV6, INSTANCE_IPV6 },
	};
	uint8_t families = 0;
	struct answer a;
	struct dname name;
	struct locus l;
	unsigned encloser_n = 0;

	if (!dname_parse(&name, wire, len, 0))
		return false;
	dname_hash(&name, catalog_seed(c));
	answer_locate_name(&l, &name, TYPE_A, c);
	if (l.zone != z || !l.below)
		return false;
	a.zone = z;
	for (unsigned k = 0; k < sizeof(types) / sizeof(*types); k++) {
		if (!answer_service(
		        &a, &name, types[k].type, &l, c, &encloser_n)) {
			return t->node && node_is_wildcard(t->node) &&
			       encloser_n + z->name.label_n >
			           encloser_label_n(t->node);
		}
		t->one |= a.kind == types[k].one;
		if (a.kind == types[k].all || a.kind == types[k].one)
			families |= types[k].family;
	}
	int left = visible(&l, &name, families);
	if (left < 0)
		return false;
	t->families = (uint8_t)left;
	t->service = left ? a.service : NULL;
	t->instance = t->one ? (uint16_t)a.instance : 0;
	return true;
}

/* Another zone of ours has the name, whatever this one's records say of it. */
static bool is_elsewhere(const struct answer *a, const uint8_t *wire,
    size_t len, const struct catalog *c)
{
	struct dname name;

	if (!*wire || !dname_parse(&name, wire, len, 0))
		return false; /* "." of SVCB is the owner */
	dname_hash(&name, a->zone->hash_seed);
	return catalog_zone(c, &name, name.label_n) != a->zone;
}

/* The names in a->rrset, or in the NS records of a referral. */
static void add_targets(struct answer *a, const struct rrset *set,
    enum glue glue, const struct catalog *c)
{
	bool services = a->zone->has_services;
	bool has_below = glue == GLUE_NONE && atomic_load(&a->zone->below_n);
	unsigned rr_n = set->rr_n < TARGETS_MAX ? set->rr_n : TARGETS_MAX;
	const uint8_t *at = set->records;
	struct rr rr;

	for (unsigned k = 0; k < rr_n && a->target_n < ANSWER_TARGETS_MAX;
	     k++) {
		at = rr_read(set, at, &rr);
		const struct node *n = zone_image_node(a->image, rr.target_at);
		struct answer_target t = { .name = rr.rdata + set->name_at,
			.record = (uint16_t)k,
			.node = n };

		if (rr.target_at == TARGET_SKIP ||
		    (n ? !is_meant(n, a->image, a->node, glue) : !services))
			continue;
		if (has_below && is_elsewhere(a, t.name,
		                     rr.rdata_len - (size_t)set->name_at, c))
			continue;
		/* what the registry has keeps a wildcard above it away */
		if (services &&
		    find_services(&t, a->zone, t.name,
		        rr.rdata_len - (size_t)set->name_at, c) &&
		    n && node_is_wildcard(n))
			t.node = NULL;
		a->target[a->target_n++] = t;
	}
}

void answer_add_targets(struct answer *a, const struct catalog *c)
{
	add_targets(
	    a, a->rrset, a->rrset->type == TYPE_NS ? GLUE_ANY : GLUE_NONE, c);
}

void answer_refer(struct answer *a, const struct catalog *c)
{
	a->target_n = 0;
	a->rrset = node_rrset(a->node, TYPE_NS);
	add_targets(a, a->rrset, GLUE_OTHER, c);
}

/* ---- what goes along with services ------------------------------------ */

/* `_P.Z`, or what is below it. */
static bool has_protocol_node(const struct answer *a)
{
	enum { PROTOCOL_MAX = sizeof(((struct service *)0)->protocol) };
	const struct zone_image *m = a->image;
	const struct zone *z = a->zone;
	const char *protocol = answer_protocol(a);
	size_t len = strnlen(protocol, PROTOCOL_MAX) + 1;
	uint8_t name[2 + PROTOCOL_MAX + WIRE_NAME_MAX] = { (uint8_t)len, '_' };

	memcpy(name + 2, protocol, len - 1);
	memcpy(name + 1 + len, z->name.lower, z->name.len);
	return zone_image_find(m,
	    dname_hash_label(z->hash_seed, z->hash, name + 1, (uint8_t)len),
	    name, (uint8_t)(1 + len + z->name.len));
}

/* Most zones that may have something there have nothing all the same. */
bool answer_is_mixed(const struct answer *a)
{
	const struct zone_image *m = a->image;
	const struct service *s = a->service;

	if (atomic_load_explicit(&a->zone->below_n, memory_order_relaxed))
		return true;
	return zone_image_apex(m)->governor_at ||
	       zone_image_find(m, s->hash, s->name, s->name_len) ||
	       (a->kind == ANSWER_PTR && has_protocol_node(a));
}

/* The name in the answer's zone; false: it lies in another one of ours. */
static bool is_of_zone(
    const struct answer *a, struct dname *name, const uint8_t *wire, size_t len)
{
	if (!dname_parse(name, wire, len, 0))
		return false;
	dname_hash(name, a->zone->hash_seed);
	return catalog_zone(a->mixed, name, name->label_n) == a->zone;
}

uint8_t answer_instance_along(const struct answer *a, unsigned i)
{
	const struct service *s = a->service;
	const struct service_instance *in = service_instance_at(s, i);
	const struct locus l = { .zone = a->zone, .image = a->image };
	uint8_t wire[2 * WIRE_NAME_MAX];
	size_t len = 1u + in->label[0];
	struct dname name;

	memcpy(wire, in->label, len);
	memcpy(wire + len, s->name, s->name_len);
	if (!is_of_zone(a, &name, wire, len + s->name_len))
		return 0;
	int left = visible(
	    &l, &name, in->flags & (uint8_t)(INSTANCE_IPV4 | INSTANCE_IPV6));
	return left < 0 ? 0 : (uint8_t)left;
}

static size_t put_underscored(uint8_t *p, const void *label, size_t len)
{
	p[0] = (uint8_t)(len + 1);
	p[1] = '_';
	memcpy(p + 2, label, len);
	return len + 2;
}

bool answer_browsed_along(const struct answer *a, unsigned i)
{
	const struct service *s = a->service;
	const struct service_instance *in = service_instance_at(s, i);
	const struct zone *z = a->zone;
	uint8_t wire[3 * WIRE_NAME_MAX];
	size_t len = 1u + in->label[0];
	struct lookup found;
	struct dname name;

	memcpy(wire, in->label, len);
	len += put_underscored(wire + len, s->name + 1, s->name[0]);
	len += put_underscored(wire + len, answer_protocol(a),
	    strnlen(answer_protocol(a), sizeof(s->protocol)));
	memcpy(wire + len, z->name.lower, z->name.len);
	if (!is_of_zone(a, &name, wire, len + z->name.len))
		return false;
	lookup_name(&found, a->image, &name, TYPE_SRV);
	if (found.kind == LOOKUP_CUT || found.kind == LOOKUP_DNAME)
		return false;
	return found.kind != LOOKUP_NODE ||
	       (!node_rrset(found.node, TYPE_CNAME) &&
	           !node_rrset(found.node, TYPE_SRV) &&
	           !node_rrset(found.node, TYPE_TXT));
}
