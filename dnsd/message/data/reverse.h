// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * reverse - which instance an address is the name of.
 *
 * Kept only where a zone below in-addr.arpa or ip6.arpa is served. An address
 * has one name, as long as a row of an instance has the address, whatever its
 * health: that of the first zone, in it the first service, in it the first
 * instance, each in canonical order (RFC 4034 section 6.1). So it does not
 * depend on who came first.
 *
 * An address knows the service by the hash of its name, not by where its block
 * lies: a change that leaves the addresses of a service as they are, as health
 * does, changes nothing here. Who looks one up compares the address with what
 * the block says. Two services whose 64-bit keyed hashes are the same may so
 * miss a PTR record, but never get a wrong one.
 */
#include "dnsd/message/data/catalog.h"
#include "dnsd/message/wire/dname.h"

struct reverse;

/* A name as an address or a part of one. */
struct reverse_name {
	uint8_t address[16];
	uint8_t address_len;
	uint8_t label_n; /* labels left of in-addr.arpa or ip6.arpa ... */
	uint8_t part_n;  /* ... and how many of them, from there, say it */
};

/* Octets of the addresses that names in a zone of that name stand for; 0. */
uint8_t reverse_address_len(const struct dname *zone);
/* A name in such a zone. */
void reverse_parse(
    struct reverse_name *ret_n, const struct dname *name, uint8_t address_len);
/* The other way round: the name of an address, not yet hashed. */
void reverse_name_of(
    struct dname *ret_name, const uint8_t *address, uint8_t address_len);

/* ---- any thread, between reclaim_in() and reclaim_out() --------------- */

struct reverse_found {
	bool exists;                   /* the name; maybe with nothing at it */
	const struct service *service; /* NULL: no instance has the address */
	unsigned instance;
	unsigned encloser_n; /* labels of it, from the right, that exist */
};

void reverse_find(const struct reverse *r, const struct reverse_name *n,
    struct reverse_found *ret_f);

/* ---- control thread --------------------------------------------------- */

/*
 * Names of the addresses of all services that c has and will have, for
 * catalog_reverse(). The first call begins, others do nothing. Borrows both;
 * freed with the catalog. A zone whose answers about addresses change has
 * moved (zone.h).
 */
void reverse_begin(struct catalog *c, struct reclaim *rec);

/* For tests: apart from the catalog's own. Never NULL. */
struct reverse *reverse_new(const struct catalog *c, struct reclaim *rec);
void reverse_free(void *r);
/* A service took the place of another; see listener.h. */
void reverse_leaving(void *r, const struct service *old, struct service *next);
void reverse_entered(void *r, const struct service *old, struct service *next);
/* Addresses of that length that have a name. */
size_t reverse_n(const struct reverse *r, uint8_t address_len);
