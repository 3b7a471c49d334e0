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
#include "dnsd/catalog.h"
#include "dnsd/query.h"
#include "dnsd/service.h"
#include "dnsd/zone.h"

enum answer_kind {
	ANSWER_EMPTY,    /* the RCODE says it all */
	ANSWER_NEGATIVE, /* SOA in the authority section, RFC 2308 */
	ANSWER_SRV,      /* of the service, with addresses */
	ANSWER_IPV4,     /* of the service, a sample */
	ANSWER_IPV6,
	ANSWER_TXT,
	ANSWER_ONE_SRV, /* of one instance */
	ANSWER_ONE_IPV4,
	ANSWER_ONE_IPV6,
	ANSWER_ONE_TXT,
	ANSWER_RRSET, /* static records of the zone */
	ANSWER_HINFO, /* to ANY, RFC 8482 section 4.2 */
	ANSWER_CHAOS, /* a text about the server, RFC 4892 */
};

struct answer {
	enum rcode rcode;
	enum answer_kind kind;
	bool authoritative; /* AA */
	const struct zone *zone;
	const struct service *service;
	unsigned instance;
	const struct rrset *rrset;
	const char *chaos;
};

/* Texts about the server; NULL: REFUSED. Borrowed, constant. */
struct identity {
	const char *version; /* version.bind, version.server */
	const char *host;    /* hostname.bind, id.server; NSID */
};

enum { IDENTITY_NSID_MAX = 64 }; /* octets of `host` that NSID gives */

/* Where a question leads. Filled by answer_locate(). */
struct locus {
	const struct zone *zone; /* NULL: none of ours */
	uint64_t hash;        /* of the service's name S.Z, if `label` is set */
	const uint8_t *label; /* S, without its length; borrowed from q */
	uint8_t label_len;
	uint8_t below;               /* labels left of the zone's name */
	const struct service *guess; /* see catalog_guess() */
};

/* Hashes q's name, finds its zone and the service that it may be about. */
void answer_locate(
    struct locus *ret_l, struct query *q, const struct catalog *c);

void answer_decide(struct answer *ret_a, const struct query *q,
    const struct locus *l, const struct catalog *c, const struct identity *id);
