// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * bridge - upstreams over TLS for a libunbound that has none: Debian 12's is
 * built without OpenSSL.
 *
 * It asks a port of loopback over TCP; what it says there is carried to the
 * upstream over TLS, whose certificate has to be right. A recipe names
 * upstreams in lines that are comments to libunbound, and where their ports
 * belong:
 *
 *	#tls 1.1.1.1@853#one.one.one.one
 *		forward-addr: "127.0.0.1@{tls 0}"
 */
#include "schema/base/diag.h"

struct bridge;
struct event_base;

/*
 * Opens what the recipe names, before the sandbox, and *ret_recipe says so; to
 * be freed. *ret_b: NULL if there is nothing to carry.
 */
int bridge_open(struct event_base *base, const char *recipe,
    const char *ca_file, struct bridge **ret_b, char **ret_recipe,
    struct diag *reterr);
/* NULL is ignored. */
void bridge_free(struct bridge *b);
