// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * export - instances as text that `import`, and others, can read.
 *
 * States are not written: what is imported is passing. Instances whose lease
 * ran out are left out, and so is a lease itself. A zone file is different:
 * it has the records that dnsd answers with at this moment.
 */
#include "registrar/exchange/exchange.h"
#include "registrar/report/status.h"

struct export_config {
	const char *zone; /* services of others are passed over */
	enum exchange_format format;
	int64_t revision;    /* of the registry: the serial of a zone file */
	unsigned ttl_s;      /* of services that name none */
	unsigned left_out_n; /* out: instances */
	/* out: services that have more ports than the format has room for */
	unsigned port_cut_n;
};

void export_print(
    FILE *f, const struct status_report *r, struct export_config *c);

/* In export_zone.c. */
void export_print_zone(
    FILE *f, const struct status_report *r, struct export_config *c);
