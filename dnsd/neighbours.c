// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/neighbours.h"

#include "dnsd/message/screen/networks.h"
#include "schema/base/xalloc.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const loopback[] = { "127.0.0.0/8", "::1" };
static const char *const private_networks[] = { "10.0.0.0/8", "172.16.0.0/12",
	"192.168.0.0/16", "fc00::/7" };

static void add_text(struct conf_strings *to, const char *text)
{
	to->items = xreallocarray(to->items, to->n + 1, sizeof(*to->items));
	to->items[to->n++] = xstrdup(text);
}

/* The octets of an IPv4 or IPv6 address; 0: of another family. */
static size_t octets_of(const struct sockaddr *a, const uint8_t **ret_octets)
{
	switch (a->sa_family) {
	case AF_INET:
		*ret_octets = (const uint8_t *)&(
		    (const struct sockaddr_in *)(const void *)a)
		                  ->sin_addr;
		return sizeof(struct in_addr);
	case AF_INET6:
		*ret_octets = (const uint8_t *)&(
		    (const struct sockaddr_in6 *)(const void *)a)
		                  ->sin6_addr;
		return sizeof(struct in6_addr);
	default:
		return 0;
	}
}

static bool is_private(const struct sockaddr *a)
{
	struct networks *all = networks_new(private_networks,
	    sizeof(private_networks) / sizeof(*private_networks));
	bool found = networks_have(all, a);

	networks_free(all);
	return found;
}

void neighbours_add(struct conf_strings *networks,
    const struct sockaddr *address, const struct sockaddr *mask)
{
	char text[INET6_ADDRSTRLEN], network[INET6_ADDRSTRLEN + 8];
	uint8_t masked[sizeof(struct in6_addr)];
	const uint8_t *a, *m;
	unsigned bits = 0;
	size_t n = octets_of(address, &a);

	if (!n || !is_private(address) || octets_of(mask, &m) != n)
		return;
	for (size_t i = 0; i < n; i++) {
		masked[i] = a[i] & m[i];
		bits += (unsigned)__builtin_popcount(m[i]);
	}
	(void)inet_ntop(address->sa_family, masked, text, sizeof(text));
	(void)snprintf(network, sizeof(network), "%s/%u", text, bits);
	add_text(networks, network);
}

void neighbours_find(struct conf_strings *ret_networks)
{
	struct ifaddrs *all = NULL;

	*ret_networks = (struct conf_strings){ 0 };
	for (size_t i = 0; i < sizeof(loopback) / sizeof(*loopback); i++)
		add_text(ret_networks, loopback[i]);
	if (getifaddrs(&all) < 0)
		return; /* they are what there is, then */
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (i->ifa_addr && i->ifa_netmask) {
			neighbours_add(
			    ret_networks, i->ifa_addr, i->ifa_netmask);
		}
	}
	freeifaddrs(all);
}

void neighbours_free(struct conf_strings *networks)
{
	for (unsigned i = 0; i < networks->n; i++)
		free((void *)(uintptr_t)networks->items[i]);
	free(networks->items);
	*networks = (struct conf_strings){ 0 };
}
