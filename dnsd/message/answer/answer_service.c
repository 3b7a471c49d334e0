// SPDX-License-Identifier: BSD-2-Clause
/*
 * The names of a service S in zone Z, by the labels left of Z:
 *
 *	S                     A AAAA SRV, and what service_records() has
 *	_S._P                 SRV; PTR to I._S._P (DNS-SD, RFC 6763)
 *	I._S._P               SRV and TXT of one instance
 *	I.S                   one instance, whatever its health
 *	_N._P.S               SRV with the port N of protocol P
 *	_P.S                  exists while such a port does
 *	_P                    exists while a service of that protocol does
 *
 * P is the protocol of any port of the service; _S._P has its first port of
 * that protocol. S and I.S have its first port of all.
 *
 * and those of answer_browse.c.
 *
 * A name that exists without the asked type is NODATA, never NXDOMAIN.
 */
#include "dnsd/message/answer/answer.h"

static bool is_underscored(const uint8_t *label, uint8_t len)
{
	return len > 1 && label[0] == '_';
}

/* Label k (1: the one left of the zone, 2: the next ...). */
static const uint8_t *label_below(const struct dname *name,
    const struct zone *z, unsigned k, uint8_t *ret_len)
{
	return dname_label(
	    name, (unsigned)(name->label_n - z->name.label_n) - k, ret_len);
}

void answer_locate_service(struct locus *l, const struct dname *name)
{
	const struct zone *z = l->zone;
	uint8_t len;
	const uint8_t *label = label_below(name, z, 1, &len);

	l->label = label;
	l->label_len = len;
	l->hash = name->suffix_hash[z->name.label_n + 1];
	if (l->below < 2 || !is_underscored(label, len))
		return;
	/* _S._P: the service is named by the second label */
	label = label_below(name, z, 2, &len);
	if (!is_underscored(label, len)) {
		l->label = NULL;
		return;
	}
	l->label = label + 1;
	l->label_len = (uint8_t)(len - 1);
	l->hash =
	    dname_hash_label(z->hash_seed, z->hash, l->label, l->label_len);
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

/* An answer of n addresses or SRV; NODATA or as told where nobody is. */
static void decide_set(struct answer *a, enum answer_kind kind, unsigned n)
{
	const struct service *s = a->service;

	if (n) {
		positive(a, kind);
	} else if (!s->eligible_n && s->flags & SERVICE_NX_WHEN_EMPTY) {
		negative(a, RCODE_NXDOMAIN);
	} else {
		negative(a, RCODE_NOERROR);
	}
}

/* What there is of a type that is neither address nor SRV, or NODATA. */
static void decide_records(struct answer *a, struct record_set set)
{
	if (!set.n) {
		negative(a, RCODE_NOERROR);
		return;
	}
	positive(a, ANSWER_RECORDS);
	a->records = set;
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
	case TYPE_ANY:
		answer_hinfo(a);
		break;
	default:
		decide_records(a, service_records(s, type));
	}
}

/* Label k is the name of an instance. False: there is none of that name. */
static bool find_instance(
    struct answer *a, const struct dname *name, unsigned k)
{
	uint8_t len;
	const uint8_t *label = label_below(name, a->zone, k, &len);
	int i = service_find_instance(a->service, label, len);

	a->instance = (unsigned)i;
	return i >= 0;
}

/* I.S.Z; false: there is no such instance. */
static bool decide_instance(
    struct answer *a, const struct dname *name, uint16_t type)
{
	const struct service *s = a->service;

	if (!find_instance(a, name, 2))
		return false;
	uint8_t flags = service_instance_at(s, a->instance)->flags;
	if (type == TYPE_A && flags & INSTANCE_IPV4) {
		positive(a, ANSWER_ONE_IPV4);
	} else if (type == TYPE_AAAA && flags & INSTANCE_IPV6) {
		positive(a, ANSWER_ONE_IPV6);
	} else if (type == TYPE_SRV) {
		positive(a, ANSWER_ONE_SRV);
	} else if (type == TYPE_ANY) {
		answer_hinfo(a);
	} else {
		decide_records(
		    a, service_instance_records(s, a->instance, type));
	}
	return true;
}

static void take_port(struct answer *a, const struct service_port *p)
{
	a->port = p;
}

/* Not that of the first port: another that the service has? */
static __attribute__((noinline)) bool take_other_protocol(
    struct answer *a, const uint8_t *label, uint8_t len)
{
	const struct service_port *p =
	    service_find_port(a->service, label, len, NULL, 0);

	if (p)
		take_port(a, p);
	return p;
}

/* Is the label `_P` of a->service? Then its first such port is taken. */
static inline __attribute__((always_inline)) bool take_protocol(
    struct answer *a, const uint8_t *label, uint8_t len)
{
	return protocol_is(a->service->protocol, label, len) ||
	       (a->service->ports && take_other_protocol(a, label, len));
}

/* _P.S.Z; false: no port of that protocol has a name. */
static bool decide_port_protocol(struct answer *a, const struct dname *name)
{
	uint8_t len;
	const uint8_t *p = label_below(name, a->zone, 2, &len);

	if (!a->service->ports || !is_underscored(p, len) ||
	    !service_has_port_name(a->service, p, len))
		return false;
	negative(a, RCODE_NOERROR);
	return true;
}

/* The port at _N._P.S.Z, or above such a name; NULL: there is none. */
static const struct service_port *named_port(
    const struct answer *a, const struct dname *name)
{
	uint8_t protocol_len, len;
	const uint8_t *protocol = label_below(name, a->zone, 2, &protocol_len);
	const uint8_t *label = label_below(name, a->zone, 3, &len);

	if (!a->service->ports || !is_underscored(protocol, protocol_len))
		return NULL;
	return service_find_port(
	    a->service, protocol, protocol_len, label, len);
}

/* _N._P.S.Z; false: there is no such port. */
static bool decide_port(
    struct answer *a, const struct dname *name, uint16_t type)
{
	const struct service_port *p = named_port(a, name);

	if (!p)
		return false;
	take_port(a, p);
	if (type == TYPE_SRV) {
		decide_set(a, ANSWER_SRV, a->service->eligible_n);
	} else if (type == TYPE_ANY) {
		answer_hinfo(a);
	} else {
		negative(a, RCODE_NOERROR);
	}
	return true;
}

/* _S._P.Z; false: the service has no such protocol. */
static bool decide_srv_name(
    struct answer *a, const struct dname *name, uint16_t type)
{
	const struct service *s = a->service;
	uint8_t len;
	const uint8_t *p = label_below(name, a->zone, 1, &len);

	if (!take_protocol(a, p, len))
		return false;
	if (type == TYPE_SRV) {
		decide_set(a, ANSWER_SRV, s->eligible_n);
	} else if (type == TYPE_PTR) {
		decide_set(a, ANSWER_PTR, s->eligible_n);
		a->subtype = NULL;
	} else if (type == TYPE_ANY) {
		answer_hinfo(a);
	} else {
		negative(a, RCODE_NOERROR);
	}
	return true;
}

/* I._S._P.Z; false: no such instance, or the protocol is another. */
static bool decide_sd_instance(
    struct answer *a, const struct dname *name, uint16_t type)
{
	uint8_t len;
	const uint8_t *p = label_below(name, a->zone, 1, &len);

	if (!take_protocol(a, p, len) || !find_instance(a, name, 3))
		return false;
	switch (type) {
	case TYPE_SRV:
		positive(a, ANSWER_ONE_SRV);
		break;
	case TYPE_TXT:
		decide_records(a, service_sd_txt(a->service, a->instance));
		break;
	case TYPE_ANY:
		answer_hinfo(a);
		break;
	default:
		negative(a, RCODE_NOERROR);
	}
	return true;
}

/* A name that no service has: how much of it exists all the same? */
static unsigned encloser_of(struct answer *a, const struct dname *name,
    const struct locus *l, bool underscored)
{
	uint8_t len;
	const uint8_t *first = label_below(name, l->zone, 1, &len);

	if (underscored) {
		if (a->service && take_protocol(a, first, len)) {
			return l->below > 3 && find_instance(a, name, 3) ? 3
			                                                 : 2;
		}
		return zone_has_protocol(
		    l->zone, first + 1, (uint8_t)(len - 1));
	}
	if (!a->service)
		return 0;
	if (l->below < 3)
		return 1;
	if (find_instance(a, name, 2) || decide_port_protocol(a, name))
		return l->below > 3 && named_port(a, name) ? 3 : 2;
	return 1;
}

static inline __attribute__((always_inline)) void mix(
    struct answer *a, const struct catalog *c)
{
	if (a->kind == ANSWER_SRV || a->kind == ANSWER_ONE_SRV ||
	    a->kind == ANSWER_PTR)
		answer_mix(a, c);
}

bool answer_service(struct answer *a, const struct dname *name, uint16_t type,
    const struct locus *l, const struct catalog *c, unsigned *ret_encloser_n)
{
	uint8_t len;
	const uint8_t *first = label_below(name, l->zone, 1, &len);
	bool underscored = is_underscored(first, len);
	bool exists = false;

	a->port = NULL;
	a->service = l->guess;
	if (a->service &&
	    !service_is(a->service, l->zone, l->hash, l->label, l->label_len))
		a->service = NULL;
	if (!a->service && l->label) {
		a->service =
		    catalog_find(c, l->zone, l->hash, l->label, l->label_len);
	}
	if (a->service && a->service->flags & SERVICE_UNREADABLE) {
		answer_not_ready(a);
		exists = true;
	} else if (a->service && l->below == 1) {
		decide_service(a, type);
		exists = true;
	} else if (a->service && l->below == 2 && underscored) {
		exists = decide_srv_name(a, name, type);
	} else if (a->service && l->below == 2) {
		exists = decide_instance(a, name, type) ||
		         decide_port_protocol(a, name);
	} else if (a->service && l->below == 3) {
		exists = underscored ? decide_sd_instance(a, name, type)
		                     : decide_port(a, name, type);
	}
	if (exists) {
		mix(a, c);
		return true;
	}
	*ret_encloser_n = encloser_of(a, name, l, underscored);
	if (l->below == 1 && *ret_encloser_n) {
		negative(a, RCODE_NOERROR); /* _P.Z, an empty non-terminal */
		return true;
	}
	if (!underscored)
		return false;
	if (a->service && take_protocol(a, first, len) &&
	    answer_subtypes(a, name, type, l, ret_encloser_n)) {
		mix(a, c);
		return true;
	}
	return answer_domains(a, name, type, l, ret_encloser_n);
}
