// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * network - the network that a client is counted with, in one number: whoever
 * has one address of it may have all of them. Pure.
 */
#include <stdint.h>

struct sockaddr;

/* How much of an address is its network's. */
struct network_prefixes {
	uint8_t ipv4_bits; /* at most 32 */
	uint8_t ipv6_bits; /* at most 64 */
};

/*
 * The upper half of an IPv6 address, or ffff:ffff and an IPv4 address; what is
 * beyond the prefix is zero. Families do not mix: nobody asks from a multicast
 * address.
 */
uint64_t network_number(
    const struct sockaddr *address, const struct network_prefixes *p);
