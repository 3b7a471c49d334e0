// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zone - a zone that is served: its static records and, where it has them,
 * what follows the registry.
 *
 * Made by the control thread. Once in a catalog it is constant but for its
 * image, which is replaced as a whole, its publication number and which
 * protocols have services; those are atomics that every worker reads.
 */
#include "dnsd/message/data/listener.h"
#include "dnsd/message/data/roster.h"
#include "dnsd/message/data/zone_image.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { ZONE_PROTOCOLS_MAX = 32 };

/* `_tcp.Z` exists as long as a service of that protocol does. */
struct zone_protocol {
	char label[16]; /* without underscore, NUL-padded; constant once set */
	atomic_uint service_n;
};

struct zone {
	struct dname name;
	uint64_t hash;      /* of name */
	uint64_t hash_seed; /* the catalog's */
	bool has_services;  /* the registry's rows may name it */
	uint8_t number;     /* in what is counted (tally.h); constant */
	/* Octets of the addresses whose names lie in it, 0: it has none. */
	uint8_t address_len;
	/* Control thread's own: whose records these are; NULL: no file's. */
	void *file;
	uint32_t ttl_s;       /* of services that name none */
	uint16_t max_answers; /* of services that name none; 0: all, or TC */
	_Atomic(const struct zone_image *) image;
	/*
	 * Its publication number, which is the serial of its SOA record while
	 * it follows the registry (publication.h); else that is the image's.
	 */
	_Atomic uint32_t serial;
	/* Other zones with names below it; counted while it has services. */
	atomic_uint below_n;
	/* Control thread's own: it answers otherwise than that number says. */
	bool has_moved;
	/*
	 * No registry has been read wholly yet: what it has of names in here is
	 * not known.
	 */
	atomic_bool is_unread;
	/* There was no memory for some: a name that is not found may be one. */
	atomic_bool is_partial;
	atomic_uint protocol_n;
	atomic_bool protocol_overflow; /* there were more than that */
	struct zone_protocol protocol[ZONE_PROTOCOLS_MAX];
	struct roster roster; /* its services */
};

/* Without an image; the catalog wants one. Never NULL. */
struct zone *zone_new(const struct dname *name, uint64_t hash_seed);
/* NULL is ignored; frees the image too. Suits reclaim_retire(). */
void zone_free(void *zone);

/* Consumes the image; the one before is the caller's to retire. */
struct zone_image *zone_set_image(struct zone *z, struct zone_image *image);

/* Between reclaim_in() and reclaim_out(), like all that is in it. */
static inline const struct zone_image *zone_image(const struct zone *z)
{
	return atomic_load(&z->image); /* as reclaim.h needs it */
}

/* Does what the registry says show in it? */
static inline bool zone_follows(const struct zone *z)
{
	return z->has_services || z->address_len;
}

/* Keeps the rosters of zones and their protocols; of every catalog. */
extern const struct catalog_listener zone_listener;

/* How many services of the protocol there are; the label without `_`. */
bool zone_has_protocol(
    const struct zone *z, const uint8_t *label, uint8_t label_len);
/* Control thread: one service more or less; false: too many protocols. */
bool zone_count_protocol(struct zone *z, const char label[16], int change);
