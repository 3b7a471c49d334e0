// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * serials - the file in which numbers of zones are kept: `dnsd-serials`.
 *
 *	rollcall serials 1
 *	svc.internal. 4711 most 5d0c6f8a12c3e4b7
 *	corp.example. 12 exact 90fb3d2c11a0e865
 *	sum 1f0e...
 *
 * `most`: numbers up to that may have been published, by the writer with that
 * name (drawn at its start); `exact`: the digest of what it names (struct
 * kept). The last line is a checksum of those before. It is replaced as a
 * whole, on the disk before the call returns, under a lock of its directory,
 * so that several programs may keep numbers of one zone in it: the one that is
 * furthest ahead stays.
 */
#include "dnsd/message/wire/dname.h"
#include "dnsd/publication/publication.h"
#include "schema/base/diag.h"

#include <stddef.h>

#define SERIALS_FILE "dnsd-serials"

struct serials_item {
	struct dname zone; /* not hashed */
	struct kept kept;
	uint64_t writer; /* of one that is not exact */
};

struct serials {
	struct serials_item *item;
	unsigned n;
};

void serials_add(struct serials *s, const struct serials_item *item);
/* NULL: it is not there. */
struct serials_item *serials_find(
    const struct serials *s, const struct dname *zone);
void serials_release(struct serials *s);

/* -ENOENT: there is none. -EBADMSG: it is damaged. Release what it gives. */
int serials_read(
    const char *directory, struct serials *ret_s, struct diag *reterr);
/*
 * Puts s into the file. What else is there stays: other zones, and numbers
 * ahead of those in s, but for `most` of this writer, which s knows better.
 */
int serials_write(const char *directory, const struct serials *s,
    uint64_t writer, struct diag *reterr);
