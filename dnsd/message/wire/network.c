// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/wire/network.h"

#include <netinet/in.h>

uint64_t network_number(
    const struct sockaddr *address, const struct network_prefixes *p)
{
	uint64_t n = 0;

	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;
		uint32_t host = ntohl(in->sin_addr.s_addr);
		uint64_t mask = ~(uint64_t)0 << (32 - p->ipv4_bits);

		return (uint64_t)UINT32_MAX << 32 | (host & mask);
	}
	const struct sockaddr_in6 *in6 = (const void *)address;
	for (unsigned i = 0; i < sizeof(n); i++)
		n = n << 8 | in6->sin6_addr.s6_addr[i];
	return p->ipv6_bits ? n & ~(uint64_t)0 << (64 - p->ipv6_bits) : 0;
}
