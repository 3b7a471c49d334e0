// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/transport/address.h"

#include "schema/base/scoped.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	BACKLOG = 1024,
	UDP_BUFFER_LEN = 4 << 20,
	/* Of answers that a client does not read, the kernel holds no more. */
	TCP_UNSENT_MAX = 128 << 10,
	GIVEN_FIRST = 3,
	GIVEN_MAX = 1024,
};

static int bad_address(struct diag *reterr, const char *text)
{
	return diag_set(reterr, -EINVAL,
	    "found '%s', expected ADDRESS[:PORT], such as 127.0.0.1:53 or "
	    "[::1]:53",
	    text);
}

static int parse_port(const char *text, in_port_t *ret_port)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || port < 1 || port > 65535)
		return -EINVAL;
	*ret_port = htons((in_port_t)port);
	return 0;
}

int address_parse(const char *text, uint16_t default_port,
    struct address *ret_a, struct diag *reterr)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	in_port_t port = htons(default_port);
	char host[INET6_ADDRSTRLEN + 1];
	const char *start = text, *end, *colon;

	if (*text == '[') {
		start = text + 1;
		end = strchr(start, ']');
		if (!end || (end[1] && end[1] != ':'))
			return bad_address(reterr, text);
		colon = end[1] ? end + 1 : NULL;
	} else {
		colon = strchr(text, ':');
		if (colon && strchr(colon + 1, ':')) /* bare IPv6 */
			colon = NULL;
		end = colon ? colon : text + strlen(text);
	}
	if ((size_t)(end - start) >= sizeof(host) ||
	    (colon && parse_port(colon + 1, &port) < 0))
		return bad_address(reterr, text);
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';

	memset(ret_a, 0, sizeof(*ret_a));
	if (inet_pton(AF_INET, host, &in4.sin_addr) == 1 && *text != '[') {
		in4.sin_port = port;
		memcpy(&ret_a->storage, &in4, sizeof(in4));
		ret_a->len = sizeof(in4);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
		in6.sin6_port = port;
		memcpy(&ret_a->storage, &in6, sizeof(in6));
		ret_a->len = sizeof(in6);
		return 0;
	}
	return bad_address(reterr, text);
}

void address_to_text(const struct address *a, char ret_text[ADDRESS_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN];

	if (a->storage.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)&a->storage;

		(void)snprintf(ret_text, ADDRESS_TEXT_MAX, "%s:%d",
		    inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host)),
		    ntohs(in->sin_port));
		return;
	}
	const struct sockaddr_in6 *in = (const void *)&a->storage;
	(void)snprintf(ret_text, ADDRESS_TEXT_MAX, "[%s]:%d",
	    inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host)),
	    ntohs(in->sin6_port));
}

bool address_is_wildcard(const struct address *a)
{
	if (a->storage.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)&a->storage;

		return in->sin_addr.s_addr == htonl(INADDR_ANY);
	}
	const struct sockaddr_in6 *in = (const void *)&a->storage;
	return IN6_IS_ADDR_UNSPECIFIED(&in->sin6_addr);
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/*
 * Addresses come late: by DHCP, with a VPN, after the detection of duplicates
 * that IPv6 begins with. Where the kernel does not know it, bind(2) says so.
 */
static void allow_absent(int fd, const struct address *a)
{
	if (a->storage.ss_family == AF_INET6) {
		(void)set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
	} else {
		(void)set(fd, IPPROTO_IP, IP_FREEBIND, 1);
	}
}

static int set_before_bind(int fd, const struct address *a)
{
	bool ipv6 = a->storage.ss_family == AF_INET6;

	if (set(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0)
		return -errno;
	if (ipv6 && set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0)
		return -errno;
	allow_absent(fd, a);
	return 0;
}

static int set_options(int fd, const struct address *a, int type)
{
	bool ipv6 = a->storage.ss_family == AF_INET6;

	if (type == SOCK_STREAM) {
		(void)set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		(void)set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		(void)set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCP_UNSENT_MAX);
		return 0;
	}
	/* the rest makes it better where the kernel allows it */
	(void)set(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER_LEN);
	(void)set(fd, SOL_SOCKET, SO_SNDBUF, UDP_BUFFER_LEN);
	/*
	 * Forged "fragmentation needed" messages must not shrink answers:
	 * they fit every path as they are.
	 */
	if (ipv6) {
		(void)set(
		    fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
	} else {
		(void)set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	}
	if (address_is_wildcard(a) &&
	    set(fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
	        ipv6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1) < 0)
		return -errno;
	return 0;
}

static int cannot_listen(
    struct diag *reterr, int error, const struct address *a, int type)
{
	char text[ADDRESS_TEXT_MAX];

	address_to_text(a, text);
	return diag_set(reterr, error, "cannot listen on %s %s: %s",
	    type == SOCK_STREAM ? "tcp" : "udp", text, strerror(-error));
}

/* ---- of systemd: sd_listen_fds(3) -------------------------------------- */

/* How many, from the third on, were given to this process; 0: none. */
static int given_n(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

	if (!pid || !n || strtol(pid, NULL, 10) != getpid())
		return 0;
	long got = strtol(n, NULL, 10);

	return got > 0 && got < GIVEN_MAX ? (int)got : 0;
}

static bool is_bound_to(int fd, const struct address *a, int type)
{
	struct sockaddr_storage is = { 0 };
	socklen_t len = sizeof(is), type_len = sizeof(int);
	int is_type = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &is_type, &type_len) < 0 ||
	    is_type != type || getsockname(fd, (void *)&is, &len) < 0 ||
	    is.ss_family != a->storage.ss_family)
		return false;
	if (is.ss_family == AF_INET) {
		const struct sockaddr_in *x = (const void *)&is;
		const struct sockaddr_in *y = (const void *)&a->storage;

		return x->sin_port == y->sin_port &&
		       x->sin_addr.s_addr == y->sin_addr.s_addr;
	}
	const struct sockaddr_in6 *x = (const void *)&is;
	const struct sockaddr_in6 *y = (const void *)&a->storage;

	return is.ss_family == AF_INET6 && x->sin6_port == y->sin6_port &&
	       IN6_ARE_ADDR_EQUAL(&x->sin6_addr, &y->sin6_addr);
}

static int find_given(const struct address *a, int type)
{
	for (int fd = GIVEN_FIRST; fd < GIVEN_FIRST + given_n(); fd++) {
		if (is_bound_to(fd, a, type))
			return fd;
	}
	return -1;
}

bool address_is_given(const struct address *a, int type)
{
	return find_given(a, type) >= 0;
}

/* A descriptor of our own of a socket that others have, too. */
static int take_given(int given, const struct address *a, int type)
{
	/* programs that we start have no part in it */
	(void)fcntl(given, F_SETFD, FD_CLOEXEC);
	scoped_fd int fd = fcntl(given, F_DUPFD_CLOEXEC, 0);
	int error = fd < 0 ? -errno : set_options(fd, a, type);

	if (!error && type == SOCK_STREAM &&
	    (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || listen(fd, BACKLOG) < 0))
		error = -errno;
	return error ? error : take_fd(&fd);
}

/* ---- ours -------------------------------------------------------------- */

bool address_is_here(const struct address *a)
{
	scoped_fd int fd =
	    socket(a->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct address any_port = *a;

	/* the port is at the same place in both families */
	((struct sockaddr_in *)(void *)&any_port.storage)->sin_port = 0;
	return fd < 0 || !bind(fd, (void *)&any_port.storage, a->len) ||
	       errno != EADDRNOTAVAIL;
}

int address_is_free(const struct address *a, int type, struct diag *reterr)
{
	if (address_is_given(a, type))
		return 0;
	scoped_fd int fd = socket(a->storage.ss_family, type | SOCK_CLOEXEC, 0);
	int error = fd < 0 ? -errno : 0;

	if (!error)
		allow_absent(fd, a);

	/* connections that were closed a moment ago are not in the way */
	if (!error && type == SOCK_STREAM &&
	    set(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0)
		error = -errno;
	if (!error && a->storage.ss_family == AF_INET6 &&
	    set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0)
		error = -errno;
	if (!error && bind(fd, (const void *)&a->storage, a->len) < 0)
		error = -errno;
	return error ? cannot_listen(reterr, error, a, type) : 0;
}

static int bind_new(const struct address *a, int type)
{
	int flags = SOCK_CLOEXEC | (type == SOCK_STREAM ? SOCK_NONBLOCK : 0);
	scoped_fd int fd = socket(a->storage.ss_family, type | flags, 0);
	int error = fd < 0 ? -errno : set_before_bind(fd, a);

	if (!error)
		error = set_options(fd, a, type);
	if (!error && bind(fd, (const void *)&a->storage, a->len) < 0)
		error = -errno;
	if (!error && type == SOCK_STREAM && listen(fd, BACKLOG) < 0)
		error = -errno;
	return error ? error : take_fd(&fd);
}

int address_bind(const struct address *a, int type, struct diag *reterr)
{
	int given = find_given(a, type);
	int fd = given < 0 ? bind_new(a, type) : take_given(given, a, type);

	return fd < 0 ? cannot_listen(reterr, fd, a, type) : fd;
}
