// SPDX-License-Identifier: BSD-2-Clause
/*
 * A page in a browser can send requests to any address its host reaches, and
 * with a name of its own that it lets point there (DNS rebinding) read the
 * answers too. It cannot choose Host and Origin: Host is its own name then, and
 * Origin, where it is another than Host, is not ours.
 */
#include "registrar/http/http_impl.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 256

/* Without its port and brackets; false: it is none. */
static bool host_of(const char *text, char ret_host[static HOST_MAX])
{
	const char *start = text, *end;

	if (*text == '[') {
		start = text + 1;
		end = strchr(start, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
	} else {
		end = text + strcspn(text, ":");
	}
	size_t len = (size_t)(end - start);

	if (!len || len >= HOST_MAX)
		return false;
	memcpy(ret_host, start, len);
	ret_host[len] = '\0';
	if (len > 1 && ret_host[len - 1] == '.')
		ret_host[len - 1] = '\0';
	return true;
}

static bool is_address(const char *host)
{
	struct in6_addr raw;

	return inet_pton(AF_INET, host, &raw) == 1 ||
	       inet_pton(AF_INET6, host, &raw) == 1;
}

static bool is_ours(const struct http *h, const char *host)
{
	if (is_address(host) || strcasecmp(host, "localhost") == 0)
		return true;
	for (const char *const *name = h->hosts; name && *name; name++) {
		if (strcasecmp(host, *name) == 0)
			return true;
	}
	return false;
}

const char *http_guard(
    const struct http_request *q, const char *host, const char *origin)
{
	char name[HOST_MAX];

	if (!q->listener->is_unix &&
	    (!host || !host_of(host, name) || !is_ours(q->http, name))) {
		return "this is no name of this server: ask by its address, or "
		       "let --http-host name it";
	}
	if (!origin)
		return NULL;
	const char *at = strstr(origin, "://");

	if (!host || !at || strcasecmp(at + 3, host) != 0)
		return "a page of another origin may not ask";
	return NULL;
}
