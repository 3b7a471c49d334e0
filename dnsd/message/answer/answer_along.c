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
	GLUE_NONE,      /* data of the zone itself */
	GLUE_ANY,       /* of a name server, wherever */
	GLUE_IN_DOMAIN, /* of one below the cut, RFC 9471 */
	GLUE_OTHER,     /* of one that is not */
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
	case GLUE_IN_DOMAIN:
		return governor == cut;
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

/*
 * What a service or an instance of that name would be answered with. False:
 * the registry does not have the name, or it is not zone z's to answer.
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
	unsigned encloser_n;

	if (!dname_parse(&name, wire, len, 0))
		return false;
	dname_hash(&name, catalog_seed(c));
	answer_locate_name(&l, &name, TYPE_A, c);
	if (l.zone != z || !l.label)
		return false;
	a.zone = z;
	for (unsigned k = 0; k < sizeof(types) / sizeof(*types); k++) {
		if (!answer_service(
		        &a, &name, types[k].type, &l, c, &encloser_n))
			return false;
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

/* The names in a->rrset, or in the NS records of a referral. */
static void add_targets(struct answer *a, const struct rrset *set,
    enum glue glue, const struct catalog *c)
{
	bool services = a->zone->has_services && glue != GLUE_IN_DOMAIN;
	unsigned rr_n = set->rr_n < TARGETS_MAX ? set->rr_n : TARGETS_MAX;
	unsigned max = a->target_n + ANSWER_TARGETS_MAX;
	const uint8_t *at = set->records;
	struct rr rr;

	for (unsigned k = 0; k < rr_n && a->target_n < max; k++) {
		at = rr_read(set, at, &rr);
		const struct node *n = zone_image_node(a->image, rr.target_at);
		struct answer_target t = { .name = rr.rdata + set->name_at,
			.record = (uint16_t)k,
			.node = n };

		if (rr.target_at == TARGET_SKIP ||
		    (n ? !is_meant(n, a->image, a->node, glue) : !services))
			continue;
		/* a service keeps a wildcard above it away */
		if (services &&
		    find_services(&t, a->zone, t.name,
		        rr.rdata_len - (size_t)set->name_at, c) &&
		    n && node_is_wildcard(n))
			t.node = NULL;
		a->target[a->target_n++] = t;
	}
}

void answer_along(struct answer *a, const struct catalog *c)
{
	a->target_n = 0;
	a->glue_n = 0;
	if (a->kind == ANSWER_REFERRAL) {
		a->rrset = node_rrset(a->node, TYPE_NS);
		add_targets(a, a->rrset, GLUE_IN_DOMAIN, c);
		a->glue_n = a->target_n;
		add_targets(a, a->rrset, GLUE_OTHER, c);
	} else if (a->rrset->has_targets) {
		add_targets(a, a->rrset,
		    a->rrset->type == TYPE_NS ? GLUE_ANY : GLUE_NONE, c);
	}
}
