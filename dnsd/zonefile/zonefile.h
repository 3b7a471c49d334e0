// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zonefile - a master file, with what it includes, to the image of a zone.
 *
 * RFC 1035 section 5 with $TTL (RFC 2308), unknown types (RFC 3597) and
 * $GENERATE as BIND has it (zonegenerate.h). Files are opened below one
 * directory and nowhere else. The zone is the owner of the SOA record if that
 * comes first, else what the file is called without ".zone"; names are relative
 * to the latter until $ORIGIN says otherwise. Any one thread.
 */
#include "dnsd/message/wire/dname.h"
#include "dnsd/zonefile/zonestamp.h"
#include "schema/base/diag.h"

struct zone_image;

/* What is served all the same, but worth a word. */
struct zonefile_notes {
	unsigned outside_n;  /* records left out: of names outside the zone */
	struct diag outside; /* where the first is */
	bool is_signed;      /* it has signatures, which answers do not get */
};

struct zonefile {
	struct dname apex; /* hashed with the seed */
	struct zone_image *image;
	struct zonefile_notes notes;
	struct zonestamps stamps; /* the file itself is the first */
};

/*
 * `file` lies in the directory `dir_fd`. On failure the text begins with the
 * place, FILE:LINE, and ret_z has the stamps and nothing else: an error is
 * not to be read again before something changes. zonefile_release() frees
 * stamps and image.
 */
int zonefile_load(int dir_fd, const char *file, uint64_t seed,
    struct zonefile *ret_z, struct diag *reterr);
void zonefile_release(struct zonefile *z);

/*
 * The same for a text that is there and has a name: len octets and one more,
 * borrowed and written to. $INCLUDE finds nothing.
 */
int zonefile_read(const char *file, char *text, size_t len, uint64_t seed,
    struct zonefile *ret_z, struct diag *reterr);
