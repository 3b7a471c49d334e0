// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * lookup - what the static records of a zone have for a name.
 *
 * RFC 1034 section 4.3.2 step 3, with RFC 2181 section 6 (zone cuts), RFC
 * 4592 (wildcards) and RFC 6672 (DNAME): on the way down from the apex the
 * first cut or DNAME decides, else the name itself, else the wildcard at its
 * closest encloser.
 */
#include "dnsd/message/data/zone_image.h"

enum lookup_kind {
	LOOKUP_NODE,     /* the name exists; maybe without records */
	LOOKUP_WILDCARD, /* it does not, the node's records are copied */
	LOOKUP_CUT,      /* it was delegated at the node */
	LOOKUP_DNAME,    /* it lies below the node's DNAME */
	LOOKUP_NONE,
};

struct lookup {
	enum lookup_kind kind;
	const struct node *node; /* NULL: LOOKUP_NONE */
	unsigned
	    encloser_label_n; /* of LOOKUP_WILDCARD: labels of its parent */
};

/* The name is hashed and lies in the zone. */
void lookup_name(struct lookup *ret_l, const struct zone_image *m,
    const struct dname *name, uint16_t type);

/*
 * The name that a DNAME at `owner` makes of one below it (RFC 6672 section
 * 2.2). False: longer than 255 octets. ret_name may be the name.
 */
bool lookup_substitute(struct dname *ret_name, const struct dname *name,
    const struct node *owner, const struct rrset *dname);
