// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zone_build - records in any order, into the image of a zone.
 *
 * Any one thread. Memory while building is about twice that of the image and
 * is given back by zone_build_free().
 */
#include "dnsd/message/wire/dname.h"
#include "schema/base/diag.h"

#include <stdint.h>

struct zone_build;
struct zone_image;

/* The apex is hashed with the seed, as are all owners. Never NULL. */
struct zone_build *zone_build_new(const struct dname *apex, uint64_t seed);
void zone_build_free(struct zone_build *b);

/* Does the name lie in the zone? */
bool zone_build_holds(const struct zone_build *b, const struct dname *owner);

/*
 * One record; names in RDATA are not compressed. `where` comes back when the
 * record turns out to be wrong. -EINVAL: the owner does not lie in the zone,
 * or the RDATA does not fit the type. A record that is there already is one
 * record (RFC 2181 section 5); where TTLs of a set differ the lowest holds
 * (section 5.2).
 */
int zone_build_add(struct zone_build *b, const struct dname *owner,
    uint16_t type, uint32_t ttl_s, const uint8_t *rdata, uint16_t rdata_len,
    uint32_t where, struct diag *reterr);

/*
 * The image of what was added so far; more may be added after it. -EINVAL:
 * SOA or NS are missing at the apex, or records exclude one another (RFC 1034
 * section 3.6.2, RFC 6672 section 2.4); *ret_where is that of the record.
 */
int zone_build_image(struct zone_build *b, struct zone_image **ret_image,
    uint32_t *ret_where, struct diag *reterr);
