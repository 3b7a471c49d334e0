// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * neighbours - the networks of this host that nobody else's packets come
 * from: those of loopback, and of the private addresses (RFC 1918, RFC 4193)
 * that its interfaces have, exactly as long as they have them.
 */
#include "schema/conf/fields.h"

/* In text, as networks_new() wants them; to be freed. Before the sandbox. */
void neighbours_find(struct conf_strings *ret_networks);
void neighbours_free(struct conf_strings *networks);

/* Adds that of an address with that mask, if it is private; for tests. */
struct sockaddr;
void neighbours_add(struct conf_strings *networks,
    const struct sockaddr *address, const struct sockaddr *mask);
