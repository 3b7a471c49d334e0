// SPDX-License-Identifier: BSD-2-Clause
/*
 * Order for a name: which zone has it; what its static records say (lookup.h:
 * cuts and DNAME come first); what the registry has; a wildcard. Both kinds
 * of data share one name space: a name with static records of other types
 * keeps the service's, a service keeps a wildcard above it away, and where
 * both have the type the static records win. An alias starts it all again.
 */
#include "dnsd/message/answer/answer.h"

#include "dnsd/message/answer/lookup.h"

/* DS at the apex of a zone is its parent's, if that is ours too. */
static __attribute__((noinline)) void locate_parent(
    struct locus *l, const struct dname *name, const struct catalog *c)
{
	const struct zone *z = catalog_zone(c, name, name->label_n - 1u);

	if (z) {
		l->zone = z;
		l->below = (uint8_t)(name->label_n - z->name.label_n);
	}
}

static inline void locate(struct locus *l, const struct dname *name,
    uint16_t type, const struct catalog *c)
{
	l->label = NULL;
	l->guess = NULL;
	l->zone = catalog_zone(c, name, name->label_n);
	if (!l->zone)
		return;
	l->below = (uint8_t)(name->label_n - l->zone->name.label_n);
	if (type == TYPE_DS && !l->below && name->label_n)
		locate_parent(l, name, c);
	l->image = zone_image(l->zone);
	if (l->below > 0 && l->zone->has_services)
		answer_locate_service(l, name);
}

void answer_locate_name(struct locus *ret_l, const struct dname *name,
    uint16_t type, const struct catalog *c)
{
	locate(ret_l, name, type, c);
}

void answer_locate(
    struct locus *ret_l, struct query *q, const struct catalog *c)
{
	dname_hash(&q->name, catalog_seed(c));
	locate(ret_l, &q->name, q->type, c);
	if (ret_l->zone) {
		zone_image_prefetch(
		    ret_l->image, q->name.suffix_hash[q->name.label_n]);
	}
	if (ret_l->label)
		catalog_prefetch(c, ret_l->hash);
}

static void negative(struct answer *a, enum rcode rcode)
{
	a->rcode = rcode;
	a->kind = ANSWER_NEGATIVE;
}

static void empty(struct answer *a, enum rcode rcode)
{
	a->rcode = rcode;
	a->kind = ANSWER_EMPTY;
}

void answer_not_ready(struct answer *a)
{
	empty(a, RCODE_SERVFAIL);
	a->authoritative = false;
	a->not_ready = true;
}

/* Names left of the zone's that are not static may be the registry's. */
static bool is_unread(const struct locus *l)
{
	return atomic_load_explicit(&l->zone->is_unread, memory_order_relaxed);
}

static bool is_partial(const struct locus *l)
{
	return l->below > 0 &&
	       atomic_load_explicit(&l->zone->is_partial, memory_order_relaxed);
}

void answer_hinfo(struct answer *a)
{
	static const uint8_t rdata[] = "\0\x09\7RFC8482";

	a->rcode = RCODE_NOERROR;
	a->kind = ANSWER_RECORDS;
	a->records = (struct record_set){ TYPE_HINFO, 1, rdata };
}

/* ---- aliases ---------------------------------------------------------- */

/* Adds a step; false: it has been taken, or there are too many. */
static bool add_alias(struct answer *a, const struct dname *name,
    const struct node *n, const struct rrset *set)
{
	uint64_t hash = name->suffix_hash[name->label_n];
	bool is_repeated = false;

	for (unsigned i = 0; i < a->alias_n; i++) {
		if (a->alias[i].owner_hash == hash)
			return false;
		is_repeated |= a->alias[i].set == set;
	}
	if (a->alias_n == ANSWER_ALIASES_MAX)
		return false;
	a->alias[a->alias_n++] = (struct alias){ .zone = a->zone,
		.node = n,
		.set = set,
		.owner_hash = hash,
		.is_repeated = is_repeated };
	return true;
}

/* True: a->name is what to look for now. */
static bool follow_cname(struct answer *a, const struct dname *name,
    const struct node *n, const struct rrset *cname)
{
	struct rr rr = rrset_only(cname);

	empty(a, RCODE_NOERROR);
	return add_alias(a, name, n, cname) &&
	       dname_parse(&a->name, rr.rdata, rr.rdata_len, 0) > 0;
}

static bool follow_dname(struct answer *a, const struct dname *name,
    uint16_t type, const struct node *n)
{
	const struct rrset *dname = node_rrset(n, TYPE_DNAME);

	empty(a, RCODE_NOERROR);
	if (!add_alias(a, name, n, dname))
		return false;
	if (!lookup_substitute(&a->name, name, n, dname)) {
		a->rcode = RCODE_YXDOMAIN;
		a->alias[a->alias_n - 1].is_endless = true;
		return false;
	}
	return type != TYPE_CNAME && type != TYPE_ANY;
}

/* A DNAME that is asked for may have led to itself: it is there already. */
static bool has_alias(const struct answer *a, const struct rrset *set)
{
	for (unsigned i = 0; i < a->alias_n; i++) {
		if (a->alias[i].set == set)
			return true;
	}
	return false;
}

/* ---- one name --------------------------------------------------------- */

/*
 * Static records and the registry's at one name. True: an alias is to be
 * followed.
 */
static bool decide_node(struct answer *a, const struct dname *name,
    uint16_t type, const struct node *n, const struct locus *l,
    const struct catalog *c)
{
	const struct rrset *cname;
	unsigned encloser_n;

	a->rrset = n->rrset_n ? node_rrset(n, type) : NULL;
	if (a->rrset) {
		a->rcode = RCODE_NOERROR;
		a->kind = has_alias(a, a->rrset) ? ANSWER_EMPTY : ANSWER_RRSET;
		a->node = n;
		answer_along(a, c);
		return false;
	}
	cname = n->rrset_n ? node_rrset(n, TYPE_CNAME) : NULL;
	if (cname && type != TYPE_ANY)
		return follow_cname(a, name, n, cname);
	if (cname) { /* it hides what services have here, too */
		a->rcode = RCODE_NOERROR;
		a->kind = ANSWER_RRSET;
		a->rrset = cname;
		a->node = n;
		answer_along(a, c);
		return false;
	}
	if (l->below > 0 && is_unread(l)) {
		answer_not_ready(a);
		return false;
	}
	if (l->label && answer_service(a, name, type, l, c, &encloser_n) &&
	    a->kind != ANSWER_NEGATIVE)
		return false;
	if (l->zone->address_len &&
	    answer_reverse(a, name, type, l, c, &encloser_n) &&
	    a->kind != ANSWER_NEGATIVE)
		return false;
	if (type == TYPE_ANY && n->rrset_n) {
		answer_hinfo(a);
	} else {
		negative(a, RCODE_NOERROR);
	}
	return false;
}

/* A name without static records of its own. */
static bool decide_absent(struct answer *a, const struct dname *name,
    uint16_t type, const struct lookup *found, const struct locus *l,
    const struct catalog *c)
{
	unsigned encloser_n = 0;
	struct locus here;

	if (is_unread(l)) {
		answer_not_ready(a);
		return false;
	}
	if (l->zone->has_services
	        ? answer_service(a, name, type, l, c, &encloser_n)
	        : l->zone->address_len &&
	              answer_reverse(a, name, type, l, c, &encloser_n))
		return false;
	if (is_partial(l)) {
		answer_not_ready(a);
		return false;
	}
	if (found->kind == LOOKUP_NONE ||
	    encloser_n + l->zone->name.label_n > found->encloser_label_n) {
		negative(a, RCODE_NXDOMAIN);
		return false;
	}
	here = *l;
	here.label = NULL; /* the registry has spoken */
	return decide_node(a, name, type, found->node, &here, c);
}

/* True: an alias is to be followed, a->name says where to. */
static bool decide_name(struct answer *a, const struct dname *name,
    uint16_t type, const struct locus *l, const struct catalog *c)
{
	struct lookup found;

	a->zone = l->zone;
	a->image = l->image;
	lookup_name(&found, l->image, name, type);
	switch (found.kind) {
	case LOOKUP_NODE:
		return decide_node(a, name, type, found.node, l, c);
	case LOOKUP_CUT:
		a->rcode = RCODE_NOERROR;
		a->kind = ANSWER_REFERRAL;
		a->node = found.node;
		answer_refer(a, c);
		/* AA says who has the first owner, RFC 1035 section 4.1.1 */
		a->authoritative &= a->alias_n > 0;
		return false;
	case LOOKUP_DNAME:
		return follow_dname(a, name, type, found.node);
	case LOOKUP_WILDCARD:
	case LOOKUP_NONE:
		break;
	}
	return decide_absent(a, name, type, &found, l, c);
}

/* Where an alias leads, and so on. */
static __attribute__((noinline)) void follow_aliases(
    struct answer *a, const struct query *q, const struct catalog *c)
{
	struct locus next;

	do {
		dname_hash(&a->name, catalog_seed(c));
		locate(&next, &a->name, q->type, c);
		empty(a, RCODE_NOERROR);
		a->leads_outside = !next.zone;
	} while (next.zone && decide_name(a, &a->name, q->type, &next, c));
}

static void decide_in_zone(struct answer *a, const struct query *q,
    const struct locus *l, const struct catalog *c)
{
	/* RFC 1035 section 6.2: an answer in class ANY is never authoritative
	 */
	a->authoritative = q->class == CLASS_IN;
	if (decide_name(a, &q->name, q->type, l, c))
		follow_aliases(a, q, c);
}

static bool name_is(const struct dname *n, const char *wire, size_t len)
{
	return n->len == len && !memcmp(n->lower, wire, len);
}

#define NAME_IS(n, literal) name_is(n, literal, sizeof(literal))

/* RFC 4892: names in class CH about the server itself. */
static void decide_chaos(
    struct answer *a, const struct query *q, const struct identity *id)
{
	const struct dname *n = &q->name;

	a->rcode = RCODE_REFUSED;
	a->kind = ANSWER_EMPTY;
	if (NAME_IS(n, "\7version\4bind") || NAME_IS(n, "\7version\6server")) {
		a->chaos = id->version;
	} else if (NAME_IS(n, "\10hostname\4bind") ||
	           NAME_IS(n, "\2id\6server")) {
		a->chaos = id->host;
	}
	if (!a->chaos)
		return;
	a->rcode = RCODE_NOERROR;
	a->authoritative = true;
	if (q->type == TYPE_TXT || q->type == TYPE_ANY)
		a->kind = ANSWER_CHAOS;
}

void answer_decide(struct answer *ret_a, const struct query *q,
    const struct locus *l, const struct catalog *c, const struct identity *id)
{
	empty(ret_a, RCODE_NOERROR);
	ret_a->authoritative = false;
	ret_a->leads_outside = false;
	ret_a->zone = NULL;
	ret_a->service = NULL;
	ret_a->chaos = NULL;
	ret_a->alias_n = 0;
	if (q->type == TYPE_OPT) { /* a pseudo-type: nobody owns one */
		ret_a->rcode = RCODE_FORMERR;
	} else if ((q->type >= 249 && q->type <= 250) || /* TKEY, TSIG */
	           (q->type >= 253 && q->type <= 254)) { /* MAILB, MAILA */
		ret_a->rcode = RCODE_NOTIMP;
	} else if (q->class == CLASS_CH) {
		decide_chaos(ret_a, q, id);
	} else if (!l->zone ||
	           (q->class != CLASS_IN && q->class != CLASS_ANY) ||
	           q->type == TYPE_IXFR || q->type == TYPE_AXFR) {
		/* not ours, or a transfer */
		ret_a->rcode = RCODE_REFUSED;
	} else {
		decide_in_zone(ret_a, q, l, c);
	}
}
