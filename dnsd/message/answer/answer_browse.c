// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names of DNS-SD (RFC 6763) beside those of a service and its instances:
 *
 *	b lb db ._dns-sd._udp  PTR to the zone: what is to be browsed
 *	_services._dns-sd._udp PTR to _S._P of every service of the zone
 *	_T._sub._S._P          PTR to the instances with tag T
 *
 * `_dns-sd._udp` and what is above them exist in every zone with services,
 * `_sub._S._P` while a tag does. There is no registration: no r, no dr.
 */
#include "dnsd/message/answer/answer.h"

/* Label k from the zone's name leftwards, 1 being the first. */
static bool label_is(const struct dname *name, const struct zone *z, unsigned k,
    const char *text, size_t len)
{
	uint8_t own_len;
	const uint8_t *own = dname_label(
	    name, (unsigned)(name->label_n - z->name.label_n) - k, &own_len);

	return own_len == len && !memcmp(own, text, len);
}

#define LABEL_IS(name, z, k, literal)                                          \
	label_is(name, z, k, literal, sizeof(literal) - 1)

static void set(struct answer *a, enum answer_kind kind)
{
	a->rcode = RCODE_NOERROR;
	a->kind = kind;
}

/* PTR of that kind, HINFO to ANY, else NODATA. */
static void set_ptr(struct answer *a, uint16_t type, enum answer_kind kind)
{
	if (type == TYPE_ANY) {
		answer_hinfo(a);
	} else {
		set(a, type == TYPE_PTR ? kind : ANSWER_NEGATIVE);
	}
}

/* X._dns-sd._udp; false: there is no such name. */
static bool decide_domain(
    struct answer *a, const struct dname *name, uint16_t type)
{
	const struct zone *z = a->zone;

	if (LABEL_IS(name, z, 3, "b") || LABEL_IS(name, z, 3, "lb") ||
	    LABEL_IS(name, z, 3, "db")) {
		set_ptr(a, type, ANSWER_DOMAIN);
		return true;
	}
	if (!LABEL_IS(name, z, 3, "_services") || !roster_n(&z->roster))
		return false;
	set_ptr(a, type, ANSWER_TYPES);
	return true;
}

bool answer_domains(struct answer *a, const struct dname *name, uint16_t type,
    const struct locus *l, unsigned *encloser_n)
{
	unsigned n = 0; /* labels of the name that exist */

	if (!LABEL_IS(name, l->zone, 1, "_udp"))
		return false;
	a->service = NULL;
	set(a, ANSWER_NEGATIVE);
	n = l->below > 1 && LABEL_IS(name, l->zone, 2, "_dns-sd") ? 2 : 1;
	if (n == 2 && l->below > 2 && decide_domain(a, name, type))
		n = 3;
	if (n > *encloser_n)
		*encloser_n = n;
	return n == l->below;
}

bool answer_subtypes(struct answer *a, const struct dname *name, uint16_t type,
    const struct locus *l, unsigned *encloser_n)
{
	const struct service *s = a->service;
	const struct service_subtype *t;
	uint8_t len;
	const uint8_t *label;

	if (!s->subtypes || l->below < 3 || !LABEL_IS(name, l->zone, 3, "_sub"))
		return false;
	*encloser_n = 3;
	set(a, ANSWER_NEGATIVE);
	if (l->below == 3)
		return true;
	label = dname_label(name, l->below - 4u, &len);
	t = service_find_subtype(s, label, len);
	if (!t)
		return false;
	*encloser_n = 4;
	if (l->below > 4)
		return false;
	a->subtype = t;
	if (type == TYPE_PTR && t->n) {
		set(a, ANSWER_PTR);
	} else if (type == TYPE_ANY) {
		answer_hinfo(a);
	} else if (type == TYPE_PTR && !s->eligible_n &&
	           s->flags & SERVICE_NX_WHEN_EMPTY) {
		a->rcode = RCODE_NXDOMAIN;
	}
	return true;
}
