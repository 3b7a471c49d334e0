// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * import_zone_impl - private to import_zone*.c: SRV records of a zone file, and
 * the ports that those of one service are.
 */
#include "registrar/exchange/import_impl.h"

struct srv {
	struct import_place at;
	const char *owner, *target;
	const char *service, *protocol;
	const char *port_name; /* of _N._P.S; NULL: _S._P */
	int priority, weight, port, ttl_s;
	int *others;   /* numbers of the further ports; NULL: none */
	bool is_first; /* of the first port: an instance */
};

/* The records of one owner: a port of a service. */
struct port_set {
	struct srv **items; /* by target and port */
	size_t n;
	const char *name, *protocol;
};

/* The ports of a service, as they are to be: those without names first. */
struct port_sets {
	struct port_set *items;
	size_t n;
	struct srv **all; /* of their items */
};

/*
 * Of n records of one service, those without names of ports first. What cannot
 * be a port beside the first is left out, and told.
 */
void port_sets_make(
    struct port_sets *ret, struct import *im, struct srv *srvs, size_t n);
void port_sets_release(struct port_sets *sets);
