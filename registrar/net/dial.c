// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/net/dial.h"

#include "registrar/lib/budget.h"
#include "schema/base/scoped.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define LOCALHOST "localhost"

socklen_t dial_address(union dial_address *ret_a, const char *text, int port)
{
	if (!strcmp(text, LOCALHOST))
		text = "127.0.0.1";
	*ret_a = (union dial_address){ .v6 = { .sin6_family = AF_INET6 } };
	if (inet_pton(AF_INET6, text, &ret_a->v6.sin6_addr) == 1) {
		ret_a->v6.sin6_port = htons((uint16_t)port);
		return sizeof(ret_a->v6);
	}
	*ret_a = (union dial_address){ .v4 = { .sin_family = AF_INET } };
	if (inet_pton(AF_INET, text, &ret_a->v4.sin_addr) == 1) {
		ret_a->v4.sin_port = htons((uint16_t)port);
		return sizeof(ret_a->v4);
	}
	return 0;
}

/*
 * Why connect(2) failed. UDP has ports of its own, and says that none is left
 * by EAGAIN: where a datagram could be sent to, only ports are missing.
 */
static int reason(const union dial_address *a, socklen_t len, int error)
{
	if (error != EADDRNOTAVAIL)
		return error == EAGAIN ? -EADDRNOTAVAIL : -error;
	scoped_fd int fd =
	    socket(a->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	return connect(fd, &a->any, len) < 0 && errno != EAGAIN
	           ? -ENETUNREACH
	           : -EADDRNOTAVAIL;
}

int dial(const char *address, int port, int type)
{
	union dial_address a;

	if (type == SOCK_STREAM) {
		int stream = -1;
		int r = dial_tcp(address, port, false, &stream);

		return r == 0 || r == -EINPROGRESS ? stream : r;
	}
	socklen_t len = dial_address(&a, address, port);

	if (!len)
		return -EINVAL;
	scoped_fd int fd =
	    socket(a.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, &a.any, len) < 0 && errno != EINPROGRESS)
		return reason(&a, len, errno);
	return take_fd(&fd);
}

static int dial_one(const char *address, int port, bool hold_ack, int *ret_fd)
{
	static const int off = 0;
	union dial_address a;
	socklen_t len = dial_address(&a, address, port);

	if (!len)
		return -EINVAL;
	scoped_fd int fd = socket(
	    a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (hold_ack) {
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
	}
	int r = connect(fd, &a.any, len);

	/* over loopback the answer came during the call, but was not seen */
	if (r < 0 && errno == EINPROGRESS)
		r = connect(fd, &a.any, len);
	if (r < 0 && errno != EINPROGRESS && errno != EALREADY)
		return reason(&a, len, errno);
	*ret_fd = take_fd(&fd);
	return r < 0 ? -EINPROGRESS : 0;
}

/* This host answers at once, so what it says of the first is known here. */
int dial_tcp(const char *address, int port, bool hold_ack, int *ret_fd)
{
	int r = dial_one(address, port, hold_ack, ret_fd);

	if (r != -ECONNREFUSED || strcmp(address, LOCALHOST) != 0)
		return r;
	int second = dial_one("::1", port, hold_ack, ret_fd);

	return second == 0 || second == -EINPROGRESS || budget_is_short(second)
	           ? second
	           : r;
}

void dial_reset(int fd)
{
	static const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	(void)close(fd);
}

int dial_result(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}
