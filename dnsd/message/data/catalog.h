// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * catalog - every zone and service that dnsd answers for.
 *
 * Workers look up without locks while the control thread puts, replaces and
 * removes single services: one change costs one service, never a copy of the
 * rest. Readers stand between reclaim_in() and reclaim_out() and keep no
 * pointer beyond.
 *
 * Why a table of our own: a look-up touches one line of the table and the
 * service, where a chained concurrent map touches two more; the staged batch
 * (handle.c) prefetches both, which a library does not offer.
 */
#include "dnsd/message/data/listener.h"
#include "dnsd/message/data/reclaim.h"
#include "dnsd/message/data/service.h"
#include "dnsd/message/data/zone.h"

struct catalog;
struct reverse;

/* The seed keys all hashes; draw it from the kernel. Borrows rec. */
struct catalog *catalog_new(uint64_t seed, struct reclaim *rec);
void catalog_free(struct catalog *c);

uint64_t catalog_seed(const struct catalog *c);

/* ---- any thread, between reclaim_in() and reclaim_out() --------------- */

/*
 * The zone with the longest name, of at most label_max labels, that ends the
 * given one; NULL: none.
 */
const struct zone *catalog_zone(
    const struct catalog *c, const struct dname *name, unsigned label_max);

/* Pulls the slots for that hash into the cache. */
void catalog_prefetch(const struct catalog *c, uint64_t hash);
/*
 * The first service that may be it, which is fetched into the cache but not
 * looked at; NULL: surely none. Compare with service_is().
 */
const struct service *catalog_guess(const struct catalog *c, uint64_t hash);
/* The service S.Z, or NULL. The label is lower case. */
const struct service *catalog_find(const struct catalog *c,
    const struct zone *z, uint64_t hash, const uint8_t *label, uint8_t len);

/* The service whose S.Z has that hash, or NULL. */
const struct service *catalog_by_hash(const struct catalog *c, uint64_t hash);

/* Names of addresses; NULL as long as no zone of such names is served. */
const struct reverse *catalog_reverse(const struct catalog *c);

bool service_is(const struct service *s, const struct zone *z, uint64_t hash,
    const uint8_t *label, uint8_t len);

/* ---- control thread --------------------------------------------------- */

/*
 * Copies *l, whose functions may be NULL. Who listens first is told first; of
 * what is there already nobody is told.
 */
void catalog_listen(struct catalog *c, const struct catalog_listener *l);
/* For catalog_reverse(), before the first zone that needs it; once. */
void catalog_set_reverse(struct catalog *c, const struct reverse *r);
/*
 * A service is what it was, though the registry cannot say so now; false: there
 * is none.
 */
bool catalog_keep(struct catalog *c, const struct zone *z, uint64_t hash,
    const uint8_t *label, uint8_t len, uint32_t stamp);
/* Whoever has put all services of a registry says so. */
void catalog_loaded(struct catalog *c, int64_t revision);

/*
 * Consumes z. Two zones of one name are a programming error. Names of
 * addresses want reverse_begin() before.
 */
void catalog_add_zone(struct catalog *c, struct zone *z);
struct zone *catalog_find_zone(struct catalog *c, const struct dname *name);
/* Of a zone without services; it is freed when no reader can hold it. */
void catalog_remove_zone(struct catalog *c, struct zone *z);
/* Consumes the image, which takes the place of the one before. */
void catalog_set_image(
    struct catalog *c, struct zone *z, struct zone_image *image);
/* Calls fn for each zone. */
void catalog_each_zone(
    struct catalog *c, void (*fn)(void *arg, struct zone *z), void *arg);

/* Zones of names of addresses, in no order; valid until one is added. */
unsigned catalog_reverse_zones(
    const struct catalog *c, const struct zone *const **ret_zones);

/* Consumes s, which came from malloc(); replaces the one of its name. */
void catalog_put(struct catalog *c, struct service *s);
/* False: there was none. */
bool catalog_remove(struct catalog *c, const struct zone *z, uint64_t hash,
    const uint8_t *label, uint8_t len);
/*
 * Calls fn for each service of some part of the table, in turn from *at 0 on;
 * false: that was the last part. Services that come meanwhile may be missed.
 */
bool catalog_each_service(const struct catalog *c, unsigned *at,
    void (*fn)(void *arg, const struct service *s), void *arg);
/* Removes every service whose stamp differs; returns how many. */
size_t catalog_sweep(struct catalog *c, uint32_t stamp);
size_t catalog_service_n(const struct catalog *c);
