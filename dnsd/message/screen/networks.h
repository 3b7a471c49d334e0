// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * networks - is an address in one of these networks? The longest one that
 * holds it decides, and a network may be taken out of a longer list:
 *
 *	10.0.0.0/8  !10.66.0.0/16  2001:db8::/32  192.0.2.1
 *
 * Made by the control thread, constant afterwards. A look-up follows one
 * pointer for each eight bits of the longest network around the address: at
 * most 4 for IPv4, 16 for IPv6, however many networks there are.
 */
#include <stdbool.h>

struct networks;
struct sockaddr;

/* Address[/bits], "!" before it takes it out; no bits beyond the network. */
bool networks_is_one(const char *text);

/* Of texts that are each one; the last of equal ones counts. Never NULL. */
struct networks *networks_new(const char *const *texts, unsigned n);
/* NULL is ignored. Suits reclaim_retire(). */
void networks_free(void *networks);

/* An address of another family is in none of them. */
bool networks_have(const struct networks *n, const struct sockaddr *address);
