// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_icmp - does an echo come back? (RFC 792, RFC 4443 4)
 *
 * A ping socket needs no privilege where net.ipv4.ping_group_range has our
 * group; its number is given by the kernel, which hands us our own answers
 * only. A raw socket needs CAP_NET_RAW and hears all that comes from the
 * peer. Either way an answer has to bring back the octets that were sent,
 * which nobody else knows.
 */
#include "registrar/net/dial.h"
#include "registrar/probe/probe.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_LEN 8
#define COOKIE_LEN 16

struct icmp_run {
	int fd;
	struct event *readable;
	bool is_v6, is_raw;
	int64_t sent_ms;
	uint8_t cookie[COOKIE_LEN];
};

/* RFC 1071. len is even. For IPv6 the kernel does it. */
static uint16_t checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static bool is_answer(const struct icmp_run *run, const uint8_t *msg, size_t n)
{
	size_t at = 0;
	uint8_t type = run->is_v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;

	if (run->is_raw && !run->is_v6) /* the IP header comes along */
		at = n ? (size_t)(msg[0] & 0x0f) * 4 : 0;
	return n >= at + HEADER_LEN + COOKIE_LEN && msg[at] == type &&
	       memcmp(msg + at + HEADER_LEN, run->cookie, COOKIE_LEN) == 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;
	const struct icmp_run *run = p->run;
	uint8_t msg[256];
	ssize_t n = recv(fd, msg, sizeof(msg), 0);

	(void)what;
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		probe_done_error(p, -errno, strerror(errno));
	} else if (n >= 0 && is_answer(run, msg, (size_t)n)) {
		probe_done_fmt(p, VERDICT_PASS, "echo after %lld ms",
		    (long long)(timers_now(p->prober->timers) - run->sent_ms));
	}
}

/* -EACCES: neither of both kinds is allowed. */
static int open_socket(int family, bool *ret_raw)
{
	int protocol = family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(family, SOCK_DGRAM | flags, protocol);

	*ret_raw = false;
	if (fd >= 0 || (errno != EACCES && errno != EPROTONOSUPPORT))
		return fd < 0 ? -errno : fd;
	*ret_raw = true;
	fd = socket(family, SOCK_RAW | flags, protocol);
	if (fd < 0 && errno == EPERM)
		return -EACCES;
	return fd < 0 ? -errno : fd;
}

static int send_echo(struct probe *p, struct icmp_run *run)
{
	uint8_t msg[HEADER_LEN + COOKIE_LEN] = { 0 };

	for (size_t i = 0; i < COOKIE_LEN; i++)
		run->cookie[i] = (uint8_t)rng_below(&p->prober->rng, 256);
	msg[0] = run->is_v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	memcpy(msg + HEADER_LEN, run->cookie, COOKIE_LEN);
	if (!run->is_v6) {
		uint16_t sum = checksum(msg, sizeof(msg));

		msg[2] = (uint8_t)(sum >> 8);
		msg[3] = (uint8_t)sum;
	}
	run->sent_ms = timers_now(p->prober->timers);
	return send(run->fd, msg, sizeof(msg), 0) < 0 ? -errno : 0;
}

static void fail(struct probe *p, int error)
{
	if (error == -EACCES) {
		probe_done(p, VERDICT_FAIL,
		    "not allowed: the registrar has no CAP_NET_RAW and its "
		    "group is not in net.ipv4.ping_group_range");
		return;
	}
	probe_done_error(p, error, strerror(-error));
}

static void icmp_start(struct probe *p)
{
	union dial_address a;
	socklen_t len = dial_address(&a, p->spec->icmp.address, 0);
	bool is_raw;
	scoped_fd int fd =
	    net_fd(&p->prober->net, open_socket(a.any.sa_family, &is_raw));

	if (fd < 0 || connect(fd, &a.any, len) < 0) {
		fail(p, fd < 0 ? fd : -errno);
		return;
	}
	struct icmp_run *run = xcalloc(1, sizeof(*run));

	run->fd = take_fd(&fd);
	run->is_v6 = a.any.sa_family == AF_INET6;
	run->is_raw = is_raw;
	p->run = run;
	run->readable = event_new(
	    p->prober->base, run->fd, EV_READ | EV_PERSIST, on_readable, p);
	if (!run->readable || event_add(run->readable, NULL) < 0)
		abort(); /* out of memory */
	int r = send_echo(p, run);

	if (r < 0)
		fail(p, r);
}

static void icmp_stop(struct probe *p)
{
	struct icmp_run *run = p->run;

	if (!run)
		return;
	event_free(run->readable);
	close(run->fd);
	free(run);
}

static const char *icmp_waiting(const struct probe *p)
{
	(void)p;
	return "no echo";
}

const struct probe_ops probe_icmp_ops = {
	.start = icmp_start,
	.stop = icmp_stop,
	.waiting = icmp_waiting,
};
