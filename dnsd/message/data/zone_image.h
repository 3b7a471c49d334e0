// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zone_image - the static records of a zone, as they are looked up and sent.
 *
 * One block of memory, immutable: made by zone_build.c, published by one
 * atomic pointer of struct zone, freed whole. A million A records take about
 * 75 octets each.
 *
 *	struct zone_image | slots of a hash table | node, its rrsets | node ...
 *
 * Places in it ("at") are counted in units of 4 octets from its start; 0 is
 * the image itself and means none. A look-up by name is one probe, since the
 * hash of every suffix of a question is there (dname.h); what RFC 1034
 * section 4.3.2 finds by walking down from the apex is kept in each node: the
 * first zone cut or DNAME on the way to it.
 */
#include "dnsd/message/wire/dname.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Records of one owner and type. */
struct rrset {
	uint16_t type;
	uint16_t rr_n;
	uint32_t ttl_s;
	uint32_t len;      /* octets of `records` */
	uint8_t name_at;   /* of the first name in RDATA */
	uint8_t name_n;    /* names from there on */
	bool compressible; /* they are (RFC 3597 section 4) */
	bool has_targets;  /* see struct rr */
	uint8_t records[]; /* read by rr_read(); the next rrset follows */
};

/* One record, where it lies. */
struct rr {
	const uint8_t *rdata; /* names in it are whole */
	uint16_t rdata_len;
	/* The node that has the addresses of the name in RDATA. */
	uint32_t target_at;
};

/* In place of a node. */
enum {
	TARGET_NONE, /* the zone's static records have none */
	/*
	 * Nothing goes along: the name is not the zone's, or a record before
	 * this one has it.
	 */
	TARGET_SKIP,
	TARGETS_MAX = 256, /* records of a set whose targets are looked at */
};

enum node_flag {
	NODE_CUT = 1,   /* NS below the apex, RFC 2181 section 6 */
	NODE_DNAME = 2, /* and no cut */
};

struct node {
	/* The first cut or DNAME from the apex down to it, itself included. */
	uint32_t governor_at;
	uint32_t wildcard_at; /* the name `*` right below it */
	uint16_t rrset_n;     /* 0: an empty non-terminal */
	uint8_t flags;
	uint8_t name_len;
	uint8_t name[]; /* lower case; then the rrsets, aligned to 4 */
};

struct zone_image {
	size_t len;
	uint32_t mask; /* slots - 1 */
	uint32_t apex_at, soa_at;
	uint32_t node_n, rr_n;
	uint32_t serial;         /* of the SOA record */
	uint32_t negative_ttl_s; /* RFC 2308 section 5 */
	/* Of all records, in any order: zone_image_digest() */
	uint64_t digest;
	uint8_t label_min; /* labels of the apex */
	uint8_t label_max; /* of the deepest name */
	/* There are cuts, DNAMEs or wildcards: more than one probe may do. */
	bool has_special;
	bool is_deep; /* that, or names two labels below the apex */
	/* Where in the SOA's RDATA the apex's name begins; UINT16_MAX: not. */
	uint16_t soa_tail[2];
	uint64_t slot[]; /* 32 bits of the hash, 32 bits of a node's place */
};

static inline const void *zone_image_at(const struct zone_image *m, uint32_t at)
{
	return (const uint8_t *)m + 4 * (size_t)at;
}

static inline const struct node *zone_image_node(
    const struct zone_image *m, uint32_t at)
{
	return at > TARGET_SKIP ? zone_image_at(m, at) : NULL;
}

static inline const struct node *zone_image_apex(const struct zone_image *m)
{
	return zone_image_at(m, m->apex_at);
}

static inline const struct rrset *zone_image_soa(const struct zone_image *m)
{
	return zone_image_at(m, m->soa_at);
}

/* Pulls the slots for that hash into the cache; then the node itself. */
static inline void zone_image_prefetch(
    const struct zone_image *m, uint64_t hash)
{
	__builtin_prefetch(&m->slot[(uint32_t)hash & m->mask]);
}
void zone_image_prefetch_node(const struct zone_image *m, uint64_t hash);

/* The node of exactly that name, or NULL. Lower case. */
static inline const struct node *zone_image_find(const struct zone_image *m,
    uint64_t hash, const uint8_t *name, uint8_t name_len)
{
	for (uint32_t i = (uint32_t)hash & m->mask; m->slot[i];
	     i = (i + 1) & m->mask) {
		if (m->slot[i] >> 32 != hash >> 32)
			continue;
		const struct node *n = zone_image_at(m, (uint32_t)m->slot[i]);
		if (n->name_len == name_len && !memcmp(n->name, name, name_len))
			return n;
	}
	return NULL;
}

/*
 * The closest encloser of a name in the zone that has no node itself (RFC
 * 4592 section 3.3.1), and how many labels it has.
 */
const struct node *zone_image_encloser(const struct zone_image *m,
    const struct dname *name, unsigned *ret_label_n);

static inline bool node_is_wildcard(const struct node *n)
{
	return n->name[0] == 1 && n->name[1] == '*';
}

/* Of one owner; NULL: none of that type. */
const struct rrset *node_rrset(const struct node *n, uint16_t type);
const struct rrset *node_first(const struct node *n);
const struct rrset *rrset_next(const struct rrset *s);

/* Reads a record, from s->records on; returns where the next one is. */
static inline const uint8_t *rr_read(
    const struct rrset *s, const uint8_t *at, struct rr *ret_rr)
{
	ret_rr->target_at = 0;
	if (s->has_targets) {
		memcpy(&ret_rr->target_at, at, sizeof(ret_rr->target_at));
		at += sizeof(ret_rr->target_at);
	}
	ret_rr->rdata_len = wire_get16(at);
	ret_rr->rdata = at + 2;
	return at + 2 + ret_rr->rdata_len;
}

/* The first record, of a set that has only one: SOA, CNAME, DNAME. */
static inline struct rr rrset_only(const struct rrset *s)
{
	struct rr rr;

	(void)rr_read(s, s->records, &rr);
	return rr;
}

/*
 * The same for the same records, however they came; not secret. An octet of
 * case is a difference.
 */
uint64_t zone_image_digest(const struct zone_image *m);

/* NULL is ignored; the parameter suits reclaim_retire(). */
void zone_image_free(void *image);
