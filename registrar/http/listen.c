// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
#define UNIX_PREFIX "unix:"

union any_address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

bool listen_is_unix(const char *text)
{
	return strncmp(text, UNIX_PREFIX, sizeof(UNIX_PREFIX) - 1) == 0;
}

static bool parse_port(const char *text, in_port_t *ret_port)
{
	char *end;
	long port = strtol(text, &end, 10);

	*ret_port = htons((in_port_t)port);
	return *text >= '0' && *text <= '9' && !*end && port >= 1 &&
	       port <= 65535;
}

static bool parse_inet(const char *text, union any_address *ret_a, int *ret_len)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	in_port_t port;

	if (!colon || !parse_port(colon + 1, &port) ||
	    (size_t)(colon - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	memset(ret_a, 0, sizeof(*ret_a));
	if (inet_pton(AF_INET, host, &ret_a->in4.sin_addr) == 1) {
		ret_a->in4.sin_family = AF_INET;
		ret_a->in4.sin_port = port;
		*ret_len = sizeof(ret_a->in4);
		return true;
	}
	size_t len = strlen(host);

	if (len < 3 || *host != '[' || host[len - 1] != ']')
		return false;
	host[len - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &ret_a->in6.sin6_addr) != 1)
		return false;
	ret_a->in6.sin6_family = AF_INET6;
	ret_a->in6.sin6_port = port;
	*ret_len = sizeof(ret_a->in6);
	return true;
}

static bool parse(const char *text, union any_address *ret_a, int *ret_len)
{
	const char *path = text + sizeof(UNIX_PREFIX) - 1;

	if (!listen_is_unix(text))
		return parse_inet(text, ret_a, ret_len);
	memset(ret_a, 0, sizeof(*ret_a));
	if (!*path || strlen(path) >= sizeof(ret_a->un.sun_path))
		return false;
	ret_a->un.sun_family = AF_UNIX;
	memcpy(ret_a->un.sun_path, path, strlen(path) + 1);
	*ret_len = sizeof(ret_a->un);
	return true;
}

bool listen_is_address(const char *text)
{
	union any_address a;
	int len;

	return parse(text, &a, &len);
}

/* What an earlier run left: nobody answers there. */
static void remove_stale(const union any_address *a, int len)
{
	struct stat st;
	int fd;

	if (lstat(a->un.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (connect(fd, &a->any, (socklen_t)len) < 0 && errno == ECONNREFUSED)
		(void)unlink(a->un.sun_path);
	(void)close(fd);
}

static int bind_to(int fd, const union any_address *a, int len)
{
	const int yes = 1;

	if (a->any.sa_family == AF_UNIX) {
		remove_stale(a, len);
		mode_t before = umask(0117);
		int r = bind(fd, &a->any, (socklen_t)len) < 0 ? -errno : 0;

		(void)umask(before);
		return r;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (a->any.sa_family == AF_INET6) {
		(void)setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
		(void)setsockopt(
		    fd, IPPROTO_IPV6, IPV6_FREEBIND, &yes, sizeof(yes));
	} else {
		(void)setsockopt(
		    fd, IPPROTO_IP, IP_FREEBIND, &yes, sizeof(yes));
	}
	return bind(fd, &a->any, (socklen_t)len) < 0 ? -errno : 0;
}

int listen_open(const char *text, struct diag *reterr)
{
	union any_address a;
	int len, error, fd;

	if (!parse(text, &a, &len)) {
		return diag_set(reterr, -EINVAL,
		    "found '%s', expected ADDRESS:PORT or unix:PATH", text);
	}
	fd = socket(
	    a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return diag_set(reterr, -errno, "socket: %s", strerror(errno));
	error = bind_to(fd, &a, len);
	if (error == 0 && listen(fd, BACKLOG) < 0)
		error = -errno;
	if (error < 0) {
		(void)close(fd);
		return diag_set(reterr, error, "cannot listen on '%s': %s",
		    text, strerror(-error));
	}
	return fd;
}

int listen_connect(const char *text, struct diag *reterr)
{
	union any_address a;
	int len, fd;

	if (!parse(text, &a, &len)) {
		return diag_set(reterr, -EINVAL,
		    "found '%s', expected ADDRESS:PORT or unix:PATH", text);
	}
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return diag_set(reterr, -errno, "socket: %s", strerror(errno));
	if (connect(fd, &a.any, (socklen_t)len) == 0)
		return fd;
	int error = -errno;

	(void)close(fd);
	return diag_set(reterr, error, "cannot connect to '%s': %s", text,
	    strerror(-error));
}
