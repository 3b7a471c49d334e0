// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * import - instances from a file into the registry.
 *
 * Formats, told apart by how a text begins or by name:
 *
 *	lines	a JSON object on each line:
 *		{"service":"web","id":"i-1","address":"10.0.0.1","port":8080,
 *		 "weight":100,"priority":0}
 *	consul	what Consul's /v1/catalog/service, /v1/health/service and
 *		/v1/agent/services say, and service definitions
 *	skydns	an etcd dump of SkyDNS keys: `etcdctl get --prefix /skydns`,
 *		as it is or with -w json
 *	zone	a master file: SRV records and the addresses of their targets
 *
 * In lines, service, id and address are required; further keys are address6,
 * tags, meta, weight_warning, locality, and for the service as a whole
 * protocol and ttl. Lines of one service best lie together: that is faster,
 * and a protocol or ttl that differs between neighbours is refused.
 *
 * One transaction, which holds up other writers while it lasts. An entry that
 * is wrong is refused, and told; the others are imported. A text that is wrong
 * as a whole, or one that is wrong more often than right, changes nothing. No
 * name stands for two: the second of them is refused, too.
 *
 * Rows get the source "import". A row that is there already is brought
 * up to date and keeps its health; an equal one is left alone. A service that
 * another source wrote keeps its protocol and ttl.
 */
#include "registrar/exchange/exchange.h"
#include "schema/conf/diags.h"

#include <stdbool.h>
#include <stdint.h>

struct import_config {
	const char *registry;
	const char *zone;    /* "svc.internal", lower case, no final dot */
	const char *address; /* of instances of Consul that name none */
	bool take_over;      /* rows of other owners; else they are refused */
	const char *who;     /* then; NULL: nobody */
	const char *file;    /* "-" is standard input */
	enum exchange_format format;
	/* not NULL: nothing is written; a line for each instance that would
	   change, such as "web/i-1: port 80 -> 81" */
	void (*would)(const char *line);
};

struct import_result {
	unsigned long instances_n; /* records with an instance */
	int64_t changes_n;         /* revisions it took: 0 if all was there */
	unsigned long refused_n;   /* entries that are wrong */
	unsigned long left_out_n;  /* what has no place in the registry */
	struct diags left_out;     /* as FILE:LINE:COLUMN: left out: ..., and
	                              what was taken as something else */
};

/*
 * Wrong input is -EINVAL and reads `FILE:LINE:COLUMN: found ..., expected
 * ...`, a line for each problem; then ret says how many entries were imported
 * all the same. Else the errors of registry.h, or -errno of the file.
 */
int import_run(const struct import_config *c, struct import_result *ret,
    struct diags *reterr);
