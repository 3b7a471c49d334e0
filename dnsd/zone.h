// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zone - a zone's apex and its static records (RFC 1034 section 4.2).
 *
 * Built by the control thread, immutable once in a catalog but for the two
 * things that follow the registry: the serial and which protocols have
 * services; those are atomics that every worker reads.
 *
 * Names in RDATA that end in the zone's own name are stored whole, with the
 * place where that end begins: respond.c writes a pointer into the question
 * there (RFC 1035 section 4.1.4).
 */
#include "dnsd/dname.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rr {
	uint16_t rdata_len;
	/*
	 * Where in rdata the zone's name begins, so that a pointer may stand
	 * for it; at most two (SOA).
	 */
	uint8_t tail_n;
	uint8_t unused;
	uint16_t tail[2];
	uint8_t rdata[]; /* the next record follows, aligned to 2 */
};

struct rrset {
	struct rrset *next; /* of the same owner */
	uint16_t type;
	uint16_t rr_n;
	uint32_t ttl_s;
	uint32_t len, room; /* octets of `records`, used and there */
	struct rr *records; /* rr_n of them, one after another */
};

struct node {
	struct node *next; /* in its bucket */
	uint64_t hash;
	struct rrset *rrsets; /* NULL: an empty non-terminal */
	uint8_t name_len;
	uint8_t name[]; /* lower case */
};

enum { ZONE_PROTOCOLS_MAX = 32, ZONE_BUCKETS = 64 };

/* `_tcp.Z` exists as long as a service of that protocol does. */
struct zone_protocol {
	char label[16]; /* without underscore, NUL-padded; constant once set */
	atomic_uint service_n;
};

struct zone {
	struct dname name;
	uint64_t hash;      /* of name */
	uint64_t hash_seed; /* the catalog's */
	uint32_t ttl_s;     /* of services that name none */
	uint32_t negative_ttl_s;
	uint16_t max_answers;    /* of services that name none; 65535: all */
	const struct rrset *soa; /* of the apex, one record */
	_Atomic uint32_t serial;
	atomic_uint protocol_n;
	struct zone_protocol protocol[ZONE_PROTOCOLS_MAX];
	struct node *bucket[ZONE_BUCKETS];
};

struct zone *zone_new(const struct dname *name, uint64_t hash_seed);
void zone_free(struct zone *z);

/*
 * Before the zone is published. The owner must lie in the zone; a TTL differs
 * from an earlier one of its RRset: the lower holds (RFC 2181 section 5.2).
 * An SOA at the apex becomes z->soa.
 */
void zone_add(struct zone *z, const struct dname *owner, uint16_t type,
    uint32_t ttl_s, const uint8_t *rdata, uint16_t rdata_len);

const struct node *zone_find(
    const struct zone *z, uint64_t hash, const uint8_t *name, uint8_t name_len);
const struct rrset *node_rrset(const struct node *n, uint16_t type);

/* How many services of the protocol there are; the label without `_`. */
bool zone_has_protocol(
    const struct zone *z, const uint8_t *label, uint8_t label_len);
/* Control thread: one service more or less; false: too many protocols. */
bool zone_count_protocol(struct zone *z, const char label[16], int change);

static inline const struct rr *rr_next(const struct rr *r)
{
	size_t len = sizeof(*r) + r->rdata_len + (r->rdata_len & 1u);

	return (const struct rr *)(const void *)((const uint8_t *)r + len);
}
