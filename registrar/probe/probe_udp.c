// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_udp - what comes back for a datagram?
 *
 * The socket is connected, so only the one asked is heard, and an ICMP error
 * (nobody has that port) comes back as an error of the socket. The first
 * datagram decides.
 */
#include "registrar/lib/match.h"
#include "registrar/lib/printable.h"
#include "registrar/net/dial.h"
#include "registrar/probe/probe.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX 65536

struct udp_run {
	int fd;
	struct event *readable;
};

static void judge(struct probe *p, const char *answer, size_t len)
{
	const char *expect = p->spec->udp.expect;
	char shown[256];

	printable_copy(shown, sizeof(shown), answer, len);
	int matches = expect ? match_regex(expect, answer, len) : 1;

	if (matches == 1) {
		probe_done_fmt(p, VERDICT_PASS, "%zu octets: %s", len, shown);
	} else {
		probe_done_fmt(p, VERDICT_FAIL, "%zu octets that %s '%s': %s",
		    len, match_word(matches), expect, shown);
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	char answer[ANSWER_MAX];
	struct probe *p = arg;
	ssize_t n = recv(fd, answer, sizeof(answer), 0);

	(void)what;
	if (n >= 0) {
		judge(p, answer, (size_t)n);
	} else if (errno != EAGAIN && errno != EINTR) {
		probe_done_error(p, -errno, strerror(errno));
	}
}

static void udp_start(struct probe *p)
{
	const struct check_udp *check = &p->spec->udp;
	int fd = net_fd(
	    &p->prober->net, dial(check->address, check->port, SOCK_DGRAM));

	if (fd < 0) {
		probe_done_error(p, fd, strerror(-fd));
		return;
	}
	struct udp_run *run = xcalloc(1, sizeof(*run));

	run->fd = fd;
	p->run = run;
	run->readable = event_new(
	    p->prober->base, fd, EV_READ | EV_PERSIST, on_readable, p);
	if (!run->readable || event_add(run->readable, NULL) < 0)
		abort(); /* out of memory */
	if (send(fd, check->send.data, check->send.len, 0) < 0)
		probe_done_error(p, -errno, strerror(errno));
}

static void udp_stop(struct probe *p)
{
	struct udp_run *run = p->run;

	if (!run)
		return;
	event_free(run->readable);
	close(run->fd);
	free(run);
}

/* Those who never answer are well as long as nobody objects. */
static bool udp_late(struct probe *p)
{
	if (p->spec->udp.silence != SILENCE_PASSING)
		return false;
	probe_done(p, VERDICT_PASS, "sent, nobody objected");
	return true;
}

static const char *udp_waiting(const struct probe *p)
{
	(void)p;
	return "no answer";
}

const struct probe_ops probe_udp_ops = {
	.start = udp_start,
	.stop = udp_stop,
	.waiting = udp_waiting,
	.late = udp_late,
};
