// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * answer - what a question gets: which zone, which data, which RCODE.
 *
 * RFC 1034 section 4.3.2 over the zone: the apex and the static
 * records of the zone, then the names that the registry's services own. In
 * two halves, so that a batch of questions can wait for memory together:
 * answer_locate() touches hot data only and says what to fetch;
 * answer_decide() then looks. Nothing is written here: see respond.h.
 */
#include "dnsd/message/data/catalog.h"
#include "dnsd/message/data/foreign.h"
#include "dnsd/message/data/service.h"
#include "dnsd/message/data/zone.h"
#include "dnsd/message/wire/query.h"

enum answer_kind {
	ANSWER_EMPTY,    /* the RCODE says it all */
	ANSWER_NEGATIVE, /* SOA in the authority section, RFC 2308 */
	ANSWER_SRV,      /* of the service, with addresses */
	ANSWER_ONE_SRV,  /* of one instance */
	ANSWER_PTR,      /* to its instances, RFC 6763 section 4.1 */
	ANSWER_IPV4,     /* of the service, as many as fit */
	ANSWER_IPV6,
	ANSWER_ONE_IPV4,
	ANSWER_ONE_IPV6,
	ANSWER_RECORDS,      /* all other types of a service or an instance */
	ANSWER_TYPES,        /* PTR to the services of the zone */
	ANSWER_DOMAIN,       /* PTR to the zone */
	ANSWER_ADDRESS_NAME, /* PTR to the instance that has the address */
	ANSWER_RRSET,        /* static records of the zone */
	ANSWER_REFERRAL,     /* to the servers of a zone below */
	ANSWER_NOTHING,      /* of what is not ours: there is nothing */
	ANSWER_FOREIGN,      /* of what is not ours, as others said it */
	ANSWER_CHAOS,        /* a text about the server, RFC 4892 */
};

/* An alias that was followed: CNAME, or DNAME with the CNAME it makes. */
struct alias {
	const struct zone *zone;
	const struct node *node; /* owner of the records; of a DNAME: above */
	const struct rrset *set;
	uint64_t owner_hash; /* of the name that it was found for */
	bool is_repeated;    /* this DNAME is in the answer already */
	bool is_endless;     /* of DNAME: the name it makes is too long */
};

/*
 * A name in the data of a record, and whose addresses go along with it: its
 * static ones, and those of services of the types that it has no static ones.
 */
struct answer_target {
	const uint8_t *name;           /* in RDATA, whole */
	const struct node *node;       /* NULL: no static ones */
	const struct service *service; /* NULL: no others */
	uint16_t record;               /* of the set, from 0 on */
	uint16_t instance;             /* if `one` is set */
	uint8_t families;              /* INSTANCE_IPV4, INSTANCE_IPV6 */
	bool one;                      /* of one instance, not of the service */
};

enum {
	/* Aliases followed; who has more gets as many. */
	ANSWER_ALIASES_MAX = 16,
	/* Names whose addresses are added, but for glue. */
	ANSWER_TARGETS_MAX = 64,
};

struct answer {
	enum rcode rcode;
	enum answer_kind kind;
	bool authoritative; /* AA */
	bool not_ready;     /* of SERVFAIL: it is not known (yet) */
	bool leads_outside; /* the last alias does, to a name of others */
	const struct zone *zone;
	const struct zone_image *image; /* of zone */
	const struct service *service;
	unsigned instance;
	const struct service_subtype *subtype; /* of ANSWER_PTR; NULL: all */
	struct record_set records;             /* of ANSWER_RECORDS */
	/* Of SRV and PTR, and what is below; NULL: the first of all. */
	const struct service_port *port;
	const struct node *node; /* of ANSWER_REFERRAL: the cut */
	const struct rrset *rrset;
	const char *chaos;
	/* Of ANSWER_FOREIGN, for `name` if there are aliases. */
	const struct foreign *foreign;
	uint32_t age_s; /* since it came */
	unsigned alias_n;
	/* Not set beyond alias_n: answers without aliases do not pay. */
	struct alias alias[ANSWER_ALIASES_MAX];
	struct dname name; /* that the last alias leads to */
	/*
	 * Of SRV and PTR, not set otherwise: names of the service's instances
	 * may be of others, too, ask answer_instance_along(). NULL: they are
	 * not.
	 */
	const struct catalog *mixed;
	/*
	 * What goes along with ANSWER_RRSET and, beside glue, with
	 * ANSWER_REFERRAL; not set otherwise.
	 */
	unsigned target_n;
	struct answer_target target[ANSWER_TARGETS_MAX];
};

/* Of the service's names that are asked for: without underscore, NUL-padded. */
static inline const char *answer_protocol(const struct answer *a)
{
	return a->port ? a->port->protocol : a->service->protocol;
}

/* Texts about the server; NULL: REFUSED. Borrowed, constant. */
struct identity {
	const char *version; /* version.bind, version.server */
	const char *host;    /* hostname.bind, id.server; NSID */
};

/* Where a question leads. Filled by answer_locate(). */
struct locus {
	const struct zone *zone;        /* NULL: none of ours */
	const struct zone_image *image; /* of zone, if there is one */
	uint64_t hash;        /* of the service's name S.Z, if `label` is set */
	const uint8_t *label; /* S, without its length; borrowed */
	uint8_t label_len;
	uint8_t below;               /* labels left of the zone's name */
	const struct service *guess; /* see catalog_guess() */
};

/*
 * answer_service.c: what the registry has for a name in l->zone. False: the
 * name does not exist there; then *ret_encloser_n is how many labels left of
 * the zone's name still do.
 */
bool answer_service(struct answer *a, const struct dname *name, uint16_t type,
    const struct locus *l, const struct catalog *c, unsigned *ret_encloser_n);
/*
 * answer_browse.c: the same of a name whose first label left of the zone's
 * begins with `_`, and of one that ends in _S._P of a->service. *encloser_n
 * grows if more of the name exists than it says.
 */
bool answer_domains(struct answer *a, const struct dname *name, uint16_t type,
    const struct locus *l, unsigned *encloser_n);
bool answer_subtypes(struct answer *a, const struct dname *name, uint16_t type,
    const struct locus *l, unsigned *encloser_n);
/* answer_reverse.c: the same in a zone whose names are those of addresses. */
bool answer_reverse(struct answer *a, const struct dname *name, uint16_t type,
    const struct locus *l, const struct catalog *c, unsigned *ret_encloser_n);
/* Which service a name in l->zone may be about; fills l->label and so on. */
void answer_locate_service(struct locus *l, const struct dname *name);

/* Hashes q's name, finds its zone and the service that it may be about. */
void answer_locate(
    struct locus *ret_l, struct query *q, const struct catalog *c);

void answer_decide(struct answer *ret_a, const struct query *q,
    const struct locus *l, const struct catalog *c, const struct identity *id);

/*
 * Of an answer that is mixed: which addresses (INSTANCE_IPV4, INSTANCE_IPV6) of
 * the i-th instance I.S.Z itself is answered with, and whether I._S._P.Z is
 * answered with the SRV and TXT of the instance.
 */
uint8_t answer_instance_along(const struct answer *a, unsigned i);
bool answer_browsed_along(const struct answer *a, unsigned i);

/* ---- among answer*.c -------------------------------------------------- */

/* The same of a name that is hashed, as a question of that type. */
void answer_locate_name(struct locus *ret_l, const struct dname *name,
    uint16_t type, const struct catalog *c);

/* SERVFAIL: the registry was not read, or not this service. */
void answer_not_ready(struct answer *a);

/* HINFO, to ANY at a name that exists: RFC 8482 section 4.2. */
void answer_hinfo(struct answer *a);

/* answer_along.c: is one of those names another one's, too? */
bool answer_is_mixed(const struct answer *a);

/*
 * Sets a->mixed, of an answer with SRV or PTR of a service. Most zones have
 * nothing two labels below their apex, no cuts and no zones below.
 */
static inline void answer_mix(struct answer *a, const struct catalog *c)
{
	a->mixed = NULL;
	if ((a->image->is_deep || atomic_load_explicit(&a->zone->below_n,
	                              memory_order_relaxed)) &&
	    answer_is_mixed(a))
		a->mixed = c;
}

/* answer_along.c: a->target, of names in that set; or of a referral. */
void answer_add_targets(struct answer *a, const struct catalog *c);
void answer_refer(struct answer *a, const struct catalog *c);

/* a->target, of an answer with a set. */
static inline void answer_along(struct answer *a, const struct catalog *c)
{
	a->target_n = 0;
	if (a->rrset->has_targets)
		answer_add_targets(a, c);
}
