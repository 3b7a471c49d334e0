// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names in a zone below in-addr.arpa or ip6.arpa: that of an address has PTR
 * while an instance has it; those on the way to it are empty non-terminals.
 */
#include "dnsd/message/answer/answer.h"
#include "dnsd/message/data/reverse.h"

static void set(struct answer *a, enum answer_kind kind)
{
	a->rcode = RCODE_NOERROR;
	a->kind = kind;
}

bool answer_reverse(struct answer *a, const struct dname *name, uint16_t type,
    const struct locus *l, const struct catalog *c, unsigned *ret_encloser_n)
{
	/* labels of the zone's name left of in-addr.arpa */
	unsigned zone_n = l->zone->name.label_n - 2u;
	struct reverse_found found;
	struct reverse_name n;

	reverse_parse(&n, name, l->zone->address_len);
	reverse_find(catalog_reverse(c), &n, &found);
	if (!found.exists) {
		*ret_encloser_n =
		    found.encloser_n > zone_n ? found.encloser_n - zone_n : 0;
		return false;
	}
	a->service = found.service;
	a->instance = found.instance;
	if (found.service && type == TYPE_PTR) {
		set(a, ANSWER_ADDRESS_NAME);
	} else if (found.service && type == TYPE_ANY) {
		answer_hinfo(a);
	} else {
		set(a, ANSWER_NEGATIVE);
	}
	return true;
}
