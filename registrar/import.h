// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * import - instances from a file of JSON lines into the registry.
 *
 *	{"service":"web","id":"i-1","address":"10.0.0.1","port":8080,
 *	 "weight":100,"priority":0}
 *
 * An object on each line. service, id and address are required; further keys
 * are address6, tags, meta, and for the service as a whole protocol and ttl.
 * Lines of one service best lie together: that is faster, and a protocol or
 * ttl that differs between neighbours is refused.
 *
 * All or nothing: one transaction, which holds up other writers while it
 * lasts. Rows get the source "import". A row that is there already is brought
 * up to date and keeps its health; an equal one is left alone. A service that
 * another source wrote keeps its protocol and ttl.
 */
#include "schema/base/diag.h"

#include <stdint.h>

struct import_result {
	unsigned long instances_n; /* lines with an instance */
	int64_t changes_n;         /* revisions it took: 0 if all was there */
};

/*
 * zone: "svc.internal", lower case, no final dot. file "-" is standard input.
 * Wrong input is -EINVAL and reads `FILE:LINE:COLUMN: found ..., expected
 * ...`; else the errors of registry.h, or -errno of the file.
 */
int import_run(const char *registry, const char *zone, const char *file,
    struct import_result *ret, struct diag *reterr);
