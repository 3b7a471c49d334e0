// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zonefile_impl - private to zonefile.c, which reads files and directives,
 * and zonefile_record.c, which reads records.
 */
#include "dnsd/zonefile/zonefile.h"
#include "dnsd/zonefile/zonerdata.h"

#include <stdbool.h>
#include <stdint.h>

struct zone_build;

enum {
	LINE_BITS = 24, /* of `where`, the number of the file above */
	TTL_UNKNOWN = -1,
};

struct loading {
	int dir_fd;
	uint64_t seed;
	struct zonefile *z;
	struct zone_build *build; /* NULL: before the first record */
	struct zonename file_origin;
	int64_t default_ttl_s; /* $TTL */
	int64_t last_ttl_s;
	size_t octets;  /* read so far, of all files */
	bool has_place; /* the text of the error names file and line */
	struct zonerdata rdata;
};

/* What one file has of its own. */
struct reading {
	struct loading *l;
	unsigned file; /* its stamp */
	unsigned depth;
	struct zonename origin;
	struct dname owner; /* of the last record */
	bool has_owner;
	struct zoneentry entry;
	struct zonescan scan;
};

/*
 * f->entry as a record, into f->l->build, which the first one makes. The
 * places of errors are put before their texts by the caller.
 */
int zonefile_record(struct reading *f, struct diag *reterr);

/*
 * TTL and class in any order, from word *i on, which becomes the one after
 * them. *ret_ttl_s is left alone if there is none.
 */
int zonefile_ttl_class(const struct zoneentry *e, unsigned *i,
    int64_t *ret_ttl_s, struct diag *reterr);
