// SPDX-License-Identifier: BSD-2-Clause
/*
 * The names of a service S in zone Z, by the labels left of Z:
 *
 *	S                     A AAAA SRV TXT
 *	_S._P                 SRV
 *	I.S                   one instance, whatever its health
 *	_P                    exists while a service of that protocol does
 *
 * A name that exists without the asked type is NODATA, never NXDOMAIN.
 * Static records win over a service of the same name.
 */
#include "dnsd/answer.h"

static bool is_underscored(const uint8_t *label, uint8_t len)
{
	return len > 1 && label[0] == '_';
}

/* Label k (1: the one left of the zone, 2: the next ...). */
static const uint8_t *label_below(
    const struct query *q, const struct zone *z, unsigned k, uint8_t *ret_len)
{
	return dname_label(&q->name,
	    (unsigned)(q->name.label_n - z->name.label_n) - k, ret_len);
}

static void locate_service(struct locus *l, const struct query *q)
{
	const struct zone *z = l->zone;
	uint8_t len;
	const uint8_t *label = label_below(q, z, 1, &len);

	l->label = label;
	l->label_len = len;
	l->hash = q->name.suffix_hash[z->name.label_n + 1];
	if (l->below < 2 || !is_underscored(label, len))
		return;
	/* _S._P: the service is named by the second label */
	label = label_below(q, z, 2, &len);
	if (!is_underscored(label, len)) {
		l->label = NULL;
		return;
	}
	l->label = label + 1;
	l->label_len = (uint8_t)(len - 1);
	l->hash =
	    dname_hash_label(z->hash_seed, z->hash, l->label, l->label_len);
}

void answer_locate(
    struct locus *ret_l, struct query *q, const struct catalog *c)
{
	dname_hash(&q->name, catalog_seed(c));
	ret_l->label = NULL;
	ret_l->guess = NULL;
	ret_l->zone = catalog_zone(c, &q->name);
	if (!ret_l->zone)
		return;
	ret_l->below = (uint8_t)(q->name.label_n - ret_l->zone->name.label_n);
	if (ret_l->below > 0)
		locate_service(ret_l, q);
	if (ret_l->label)
		catalog_prefetch(c, ret_l->hash);
}

static void negative(struct answer *a, enum rcode rcode)
{
	a->rcode = rcode;
	a->kind = ANSWER_NEGATIVE;
}

static void positive(struct answer *a, enum answer_kind kind)
{
	a->rcode = RCODE_NOERROR;
	a->kind = kind;
}

static void decide_node(
    struct answer *a, const struct query *q, const struct node *n)
{
	a->rrset = node_rrset(n, q->type);
	if (a->rrset)
		positive(a, ANSWER_RRSET);
	else if (q->type == TYPE_ANY && n->rrsets)
		positive(a, ANSWER_HINFO);
	else
		negative(a, RCODE_NOERROR);
}

/* An answer of n addresses or SRV; NODATA or as told where nobody is. */
static void decide_set(struct answer *a, enum answer_kind kind, unsigned n)
{
	const struct service *s = a->service;

	if (n)
		positive(a, kind);
	else if (!s->eligible_n && s->flags & SERVICE_NX_WHEN_EMPTY)
		negative(a, RCODE_NXDOMAIN);
	else
		negative(a, RCODE_NOERROR);
}

/* S.Z */
static void decide_service(struct answer *a, uint16_t type)
{
	const struct service *s = a->service;

	switch (type) {
	case TYPE_A:
		decide_set(a, ANSWER_IPV4, s->ipv4_n);
		break;
	case TYPE_AAAA:
		decide_set(a, ANSWER_IPV6, s->ipv6_n);
		break;
	case TYPE_SRV:
		decide_set(a, ANSWER_SRV, s->eligible_n);
		break;
	case TYPE_TXT:
		if (s->txt)
			positive(a, ANSWER_TXT);
		else
			negative(a, RCODE_NOERROR);
		break;
	case TYPE_ANY:
		positive(a, ANSWER_HINFO);
		break;
	default:
		negative(a, RCODE_NOERROR);
	}
}

/* I.S.Z */
static void decide_instance(struct answer *a, const struct query *q)
{
	const struct service *s = a->service;
	uint8_t len;
	const uint8_t *label = label_below(q, a->zone, 2, &len);
	int i = service_find_instance(s, label, len);

	if (i < 0) {
		negative(a, RCODE_NXDOMAIN);
		return;
	}
	a->instance = (unsigned)i;
	uint8_t flags = service_instance_at(s, a->instance)->flags;
	negative(a, RCODE_NOERROR);
	if (q->type == TYPE_A && flags & INSTANCE_IPV4)
		positive(a, ANSWER_ONE_IPV4);
	else if (q->type == TYPE_AAAA && flags & INSTANCE_IPV6)
		positive(a, ANSWER_ONE_IPV6);
	else if (q->type == TYPE_SRV)
		positive(a, ANSWER_ONE_SRV);
	else if (q->type == TYPE_TXT && service_instance_txt(s, a->instance))
		positive(a, ANSWER_ONE_TXT);
	else if (q->type == TYPE_ANY)
		positive(a, ANSWER_HINFO);
}

/* _S._P.Z */
static void decide_srv_name(struct answer *a, const struct query *q)
{
	const struct service *s = a->service;
	uint8_t len;
	const uint8_t *p = label_below(q, a->zone, 1, &len);

	if (len - 1u >= sizeof(s->protocol) || s->protocol[len - 1] ||
	    memcmp(p + 1, s->protocol, len - 1u) != 0)
		negative(a, RCODE_NXDOMAIN);
	else if (q->type == TYPE_SRV)
		decide_set(a, ANSWER_SRV, s->eligible_n);
	else if (q->type == TYPE_ANY)
		positive(a, ANSWER_HINFO);
	else
		negative(a, RCODE_NOERROR);
}

static void decide_in_zone(struct answer *a, const struct query *q,
    const struct locus *l, const struct catalog *c)
{
	const struct dname *name = &q->name;
	const struct node *n = zone_find(
	    l->zone, name->suffix_hash[name->label_n], name->lower, name->len);
	uint8_t len;
	const uint8_t *first;

	a->authoritative = q->class == CLASS_IN; /* RFC 1035 section 6.2 */
	a->zone = l->zone;
	if (n && (n->rrsets || !l->below)) {
		decide_node(a, q, n);
		return;
	}
	a->service = l->guess;
	if (a->service &&
	    !service_is(a->service, l->zone, l->hash, l->label, l->label_len))
		a->service =
		    catalog_find(c, l->zone, l->hash, l->label, l->label_len);
	first = label_below(q, l->zone, 1, &len);
	if (a->service && l->below == 1)
		decide_service(a, q->type);
	else if (a->service && l->below == 2 && is_underscored(first, len))
		decide_srv_name(a, q);
	else if (a->service && l->below == 2)
		decide_instance(a, q);
	else if (n ||
	         (l->below == 1 && is_underscored(first, len) &&
	             zone_has_protocol(l->zone, first + 1, (uint8_t)(len - 1))))
		negative(a, RCODE_NOERROR); /* an empty non-terminal */
	else
		negative(a, RCODE_NXDOMAIN);
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
	if (NAME_IS(n, "\7version\4bind") || NAME_IS(n, "\7version\6server"))
		a->chaos = id->version;
	else if (NAME_IS(n, "\10hostname\4bind") || NAME_IS(n, "\2id\6server"))
		a->chaos = id->host;
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
	*ret_a = (struct answer){ .kind = ANSWER_EMPTY };
	if (q->type == TYPE_OPT) /* a pseudo-type: nobody owns one */
		ret_a->rcode = RCODE_FORMERR;
	else if (q->type >= 249 && q->type <= 250) /* TKEY, TSIG */
		ret_a->rcode = RCODE_NOTIMP;
	else if (q->class == CLASS_CH)
		decide_chaos(ret_a, q, id);
	else if (!l->zone || (q->class != CLASS_IN && q->class != CLASS_ANY))
		ret_a->rcode = RCODE_REFUSED;
	else if (q->type >= TYPE_IXFR && q->type < TYPE_ANY)
		ret_a->rcode = RCODE_REFUSED; /* transfers, MAILA, MAILB */
	else
		decide_in_zone(ret_a, q, l, c);
}
