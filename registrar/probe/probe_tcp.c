// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_tcp - does something accept a connection?
 *
 * The connection is closed by a reset: nothing was sent, nobody waits for
 * anything, and thousands of checks a second would otherwise use up the
 * local ports in TIME_WAIT.
 */
#include "registrar/probe/probe.h"
#include "schema/base/xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tcp_run {
	int fd;
	struct event *ready;
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t make_address(
    union address *ret_a, const struct check_tcp *check)
{
	*ret_a = (union address){ .v6 = { .sin6_family = AF_INET6 } };
	if (inet_pton(AF_INET6, check->address, &ret_a->v6.sin6_addr) == 1) {
		ret_a->v6.sin6_port = htons((uint16_t)check->port);
		return sizeof(ret_a->v6);
	}
	*ret_a = (union address){ .v4 = { .sin_family = AF_INET } };
	if (inet_pton(AF_INET, check->address, &ret_a->v4.sin_addr) == 1) {
		ret_a->v4.sin_port = htons((uint16_t)check->port);
		return sizeof(ret_a->v4);
	}
	return 0;
}

static void judge(struct probe *p, int error)
{
	if (!error) {
		probe_done(p, VERDICT_PASS, "connected");
	} else {
		probe_done(p, VERDICT_FAIL, strerror(error));
	}
}

static void on_connect(evutil_socket_t fd, short what, void *arg)
{
	int error = 0;
	socklen_t len = sizeof(error);

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	judge(arg, error);
}

static void tcp_start(struct probe *p)
{
	static const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	union address a;
	socklen_t len = make_address(&a, &p->spec->tcp);

	if (!len) {
		probe_done_fmt(p, VERDICT_FAIL, "'%s' is no address",
		    p->spec->tcp.address);
		return;
	}
	int fd = socket(a.any.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0) {
		judge(p, errno);
		return;
	}
	struct tcp_run *run = xcalloc(1, sizeof(*run));

	run->fd = fd;
	p->run = run;
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(fd, &a.any, len) == 0) {
		judge(p, 0);
		return;
	}
	if (errno != EINPROGRESS) {
		judge(p, errno);
		return;
	}
	run->ready = event_new(p->prober->base, fd, EV_WRITE, on_connect, p);
	if (!run->ready || event_add(run->ready, NULL) < 0)
		judge(p, ENOMEM);
}

static void tcp_stop(struct probe *p)
{
	struct tcp_run *run = p->run;

	if (!run)
		return;
	if (run->ready)
		event_free(run->ready);
	close(run->fd);
	free(run);
}

static const char *tcp_waiting(const struct probe *p)
{
	(void)p;
	return "connecting";
}

const struct probe_ops probe_tcp_ops = {
	.start = tcp_start,
	.stop = tcp_stop,
	.waiting = tcp_waiting,
};
