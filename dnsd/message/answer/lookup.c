// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/answer/lookup.h"

/*
 * A node knows what governs it: the first cut or DNAME on the way down, at
 * most itself. A DNAME does not apply to its owner, and DS at a cut belongs
 * to the parent (RFC 4035 section 3.1.4.1).
 */
static void judge(struct lookup *l, const struct zone_image *m,
    const struct node *n, uint16_t type)
{
	const struct node *g = zone_image_node(m, n->governor_at);

	l->kind = LOOKUP_NODE;
	l->node = n;
	if (!g || (g == n && (!(n->flags & NODE_CUT) || type == TYPE_DS)))
		return;
	l->kind = g->flags & NODE_CUT ? LOOKUP_CUT : LOOKUP_DNAME;
	l->node = g;
}

static void look_above(
    struct lookup *l, const struct zone_image *m, const struct dname *name)
{
	const struct node *n =
	    zone_image_encloser(m, name, &l->encloser_label_n);
	const struct node *g = zone_image_node(m, n->governor_at);

	if (g) {
		l->kind = g->flags & NODE_CUT ? LOOKUP_CUT : LOOKUP_DNAME;
		l->node = g;
		return;
	}
	l->node = zone_image_node(m, n->wildcard_at);
	l->kind = l->node ? LOOKUP_WILDCARD : LOOKUP_NONE;
}

void lookup_name(struct lookup *ret_l, const struct zone_image *m,
    const struct dname *name, uint16_t type)
{
	const struct node *n = zone_image_find(
	    m, name->suffix_hash[name->label_n], name->lower, name->len);

	if (n) {
		judge(ret_l, m, n, type);
	} else if (m->has_special) {
		look_above(ret_l, m, name);
	} else {
		ret_l->kind = LOOKUP_NONE;
		ret_l->node = NULL;
	}
}

bool lookup_substitute(struct dname *ret_name, const struct dname *name,
    const struct node *owner, const struct rrset *dname)
{
	struct rr rr = rrset_only(dname);
	size_t prefix_len = (size_t)name->len - owner->name_len;
	uint8_t wire[2 * WIRE_NAME_MAX];

	if (prefix_len + rr.rdata_len > WIRE_NAME_MAX)
		return false;
	memcpy(wire, name->lower, prefix_len);
	memcpy(wire + prefix_len, rr.rdata, rr.rdata_len);
	return dname_parse(ret_name, wire, prefix_len + rr.rdata_len, 0) > 0;
}
