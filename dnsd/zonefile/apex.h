// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * apex - the records that make a zone of a name: SOA, NS and the addresses
 * of name servers inside the zone (RFC 1034 section 4.2.1).
 */
#include "schema/base/diag.h"

#include <stdint.h>

/* Octets of the name of a zone of services: as the registry allows. */
enum { APEX_ZONE_LEN_MAX = 122 };

struct options;
struct zone;
struct zone_image;

/*
 * A zone of its own; the caller's until catalog_add_zone(). -EINVAL: the
 * text says which name or address was found and what is expected.
 */
int apex_zone(const struct options *o, const char *name, uint64_t hash_seed,
    struct zone **ret_z, struct diag *reterr);

/* Those records alone, for the zone that apex_zone() made. */
int apex_image(const struct options *o, const struct zone *z,
    struct zone_image **ret_image, struct diag *reterr);
