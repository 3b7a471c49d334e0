// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * intercept - nftables rules that lead the traffic of a service through its
 * sidecar, in a table of their own: other tables may come, go and be reloaded.
 */
#include "registrar/mesh/model.h"

#include <stdio.h>

struct intercept {
	const char *name;   /* of the service: part of that of the table */
	const char *user;   /* whose calls are led; NULL: those of everybody */
	const char *cgroup; /* below the root of cgroups; NULL: any */
	const char *proxy_user;
	int base_port;
	const int *ports; /* of the application */
	unsigned n;
};

/* For `nft -f`: all of it at once, in the place of what was there. */
void intercept_write(const struct intercept *i, FILE *out);
void intercept_write_undo(const struct intercept *i, FILE *out);
