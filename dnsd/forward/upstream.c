// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/forward/upstream.h"

#include "dnsd/message/wire/dname.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TLS "tls://"

/* What may stand in a configuration file without quotes. */
static bool is_host_name(const char *text)
{
	return *text && strlen(text) < 254 &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
	                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")] ==
	           '\0';
}

int upstream_parse(const char *text, struct upstream *ret_u)
{
	bool tls = strncmp(text, TLS, strlen(TLS)) == 0;
	const char *start = text + (tls ? strlen(TLS) : 0);
	const char *name = strchr(start, '#');
	char address[ADDRESS_TEXT_MAX];
	size_t len = name ? (size_t)(name - start) : strlen(start);
	struct diag why;

	if (tls != (name != NULL) || (name && !is_host_name(name + 1)) ||
	    len >= sizeof(address))
		return -EINVAL;
	memcpy(address, start, len);
	address[len] = '\0';
	if (address_parse(address, tls ? ADDRESS_PORT_TLS : ADDRESS_PORT_DNS,
	        &ret_u->address, &why) < 0 ||
	    address_is_wildcard(&ret_u->address))
		return -EINVAL;
	ret_u->tls_name = name ? name + 1 : NULL;
	return 0;
}

bool upstream_is_system(const char *text)
{
	return strcmp(text, "system") == 0;
}

bool upstream_is_one(const char *text)
{
	struct upstream u;

	return upstream_is_system(text) || upstream_parse(text, &u) == 0;
}

const char *upstream_of_zone(const char *text)
{
	const char *equals = strchr(text, '=');

	return equals ? equals + 1 : "";
}

bool upstream_zone_is_one(const char *text)
{
	const char *server = upstream_of_zone(text);
	char name[DNAME_TEXT_MAX];
	struct dname zone;
	struct upstream u;
	size_t len = *server ? (size_t)(server - text - 1) : 0;

	if (!len || len >= sizeof(name))
		return false;
	memcpy(name, text, len);
	name[len] = '\0';
	return dname_from_text(&zone, name) && upstream_parse(server, &u) == 0;
}

/* Where it lies in the socket address, and the port. */
static const void *place_of(const struct address *a, uint16_t *ret_port)
{
	const void *storage = &a->storage;

	if (a->storage.ss_family == AF_INET) {
		const struct sockaddr_in *in4 = storage;

		*ret_port = ntohs(in4->sin_port);
		return &in4->sin_addr;
	}
	const struct sockaddr_in6 *in6 = storage;

	*ret_port = ntohs(in6->sin6_port);
	return &in6->sin6_addr;
}

void upstream_to_text(
    const struct upstream *u, char ret_text[UPSTREAM_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN];
	uint16_t port;
	const void *place = place_of(&u->address, &port);

	(void)inet_ntop(
	    u->address.storage.ss_family, place, host, sizeof(host));
	(void)snprintf(ret_text, UPSTREAM_TEXT_MAX, "%s@%u%s%s", host, port,
	    u->tls_name ? "#" : "", u->tls_name ? u->tls_name : "");
}

bool upstream_is_listener(const struct upstream *u, const char *listen)
{
	struct address a;
	struct diag why;
	uint16_t port, own_port;

	if (address_parse(listen, ADDRESS_PORT_DNS, &a, &why) < 0)
		return false;
	const void *place = place_of(&u->address, &port);
	const void *own = place_of(&a, &own_port);
	if (port != own_port)
		return false;
	/* every address that this host has, then */
	if (address_is_wildcard(&a))
		return address_is_here(&u->address);
	return a.storage.ss_family == u->address.storage.ss_family &&
	       memcmp(place, own,
	           a.storage.ss_family == AF_INET
	               ? sizeof(struct in_addr)
	               : sizeof(struct in6_addr)) == 0;
}
