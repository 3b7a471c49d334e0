// SPDX-License-Identifier: BSD-2-Clause
/*
 * Buffers lie an odd number of cache lines apart, so that the first lines of
 * a batch do not all fall into the same sets of the first-level cache.
 */
#include "dnsd/transport/udp.h"

#include "dnsd/later/later.h"
#include "dnsd/transport/address.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BATCH = HANDLE_BATCH_MAX,
	REQUEST_LEN = 2048, /* longer datagrams are cut, and malformed */
};

struct udp {
	pthread_t thread;
	int fd;
	bool wildcard, is_running;
	bool given; /* others have the socket, too */
	atomic_bool stopping;
	struct later *later;
	struct later_path path; /* of what is answered afterwards */
	unsigned deferred_n;    /* of this batch */
	struct handler *handler;
	struct reclaim_reader *reader;
	uint8_t *buffers; /* requests, then responses */
	struct message message[BATCH];
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_iov[BATCH], out_iov[BATCH];
	union peer peer[BATCH];
	_Alignas(8) uint8_t control[BATCH][LATER_CONTROL_LEN];
};

static size_t odd_lines(size_t len)
{
	return ((len + 63) & ~(size_t)63) | 64;
}

static void lay_out(struct udp *u, uint16_t udp_len_max)
{
	size_t request = odd_lines(REQUEST_LEN);
	size_t response = odd_lines((size_t)udp_len_max + RESPOND_SLACK);

	u->buffers = xcalloc(BATCH, request + response);
	for (unsigned i = 0; i < BATCH; i++) {
		uint8_t *in = u->buffers + i * request;
		uint8_t *out = u->buffers + BATCH * request + i * response;

		u->in_iov[i] = (struct iovec){ in, REQUEST_LEN };
		u->in[i].msg_hdr.msg_iov = &u->in_iov[i];
		u->in[i].msg_hdr.msg_iovlen = 1;
		u->in[i].msg_hdr.msg_name = &u->peer[i];
		u->message[i].request = in;
		u->message[i].response = out;
		u->message[i].peer = &u->peer[i].any;
		u->out[i].msg_hdr.msg_iov = &u->out_iov[i];
		u->out[i].msg_hdr.msg_iovlen = 1;
	}
}

static int receive(struct udp *u)
{
	for (unsigned i = 0; i < BATCH; i++) {
		struct msghdr *m = &u->in[i].msg_hdr;

		m->msg_namelen = sizeof(u->peer[i]);
		m->msg_control = u->wildcard ? u->control[i] : NULL;
		m->msg_controllen = u->wildcard ? LATER_CONTROL_LEN : 0;
	}
	return recvmmsg(u->fd, u->in, BATCH, MSG_WAITFORONE, NULL);
}

/*
 * The interface in a request's packet information must not bind the answer
 * to that interface; only the address it came to counts.
 */
static void clear_interface(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	if (c && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;

		memcpy(&info, CMSG_DATA(c), sizeof(info));
		info.ipi_ifindex = 0;
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	}
}

/* Fills `out` with what is to be sent; returns how many. */
static unsigned collect(struct udp *u, unsigned n)
{
	unsigned out_n = 0;

	for (unsigned i = 0; i < n; i++) {
		struct msghdr *in = &u->in[i].msg_hdr;
		struct msghdr *out = &u->out[out_n].msg_hdr;

		if (!u->message[i].response_len)
			continue;
		u->out_iov[out_n] = (struct iovec){ u->message[i].response,
			u->message[i].response_len };
		out->msg_name = in->msg_name;
		out->msg_namelen = in->msg_namelen;
		if (u->wildcard)
			clear_interface(in);
		out->msg_control = in->msg_control;
		out->msg_controllen = in->msg_controllen;
		out_n++;
	}
	return out_n;
}

/*
 * Of a datagram that no interface on its way out takes, for we do not let it
 * be fragmented, what tells its client to ask by TCP. False: it is that.
 */
static bool cut(struct iovec *iov, struct stats *stats)
{
	size_t len = respond_cut(iov->iov_base, iov->iov_len);

	if (len == iov->iov_len)
		return false;
	iov->iov_len = len;
	stats_add(stats, STAT_TRUNCATED, 1);
	return true;
}

/* A datagram that cannot be sent is skipped: its client asks again. */
static void send_all(struct udp *u, unsigned n)
{
	struct stats *stats = &u->handler->stats;

	for (unsigned at = 0; at < n;) {
		int sent = sendmmsg(u->fd, u->out + at, n - at, 0);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EMSGSIZE &&
		    cut(&u->out_iov[at], stats))
			continue;
		if (sent <= 0) {
			stats_add(stats, STAT_SEND_ERRORS, 1);
			at++;
			continue;
		}
		at += (unsigned)sent;
	}
}

/* ---- afterwards ------------------------------------------------------- */

/* Any thread. */
static void deliver(void *arg, const struct later_token *t, uint8_t *msg,
    size_t len, struct stats *stats)
{
	const struct udp *u = arg;
	struct later_token to = *t; /* sendmsg(2) wants it writable */
	struct iovec iov = { msg, len };
	struct msghdr m = { .msg_name = &to.peer,
		.msg_namelen = to.peer.any.sa_family == AF_INET
		                   ? sizeof(to.peer.ipv4)
		                   : sizeof(to.peer.ipv6),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = to.control_len ? to.control : NULL,
		.msg_controllen = to.control_len };

	while (iov.iov_len && sendmsg(u->fd, &m, MSG_DONTWAIT) < 0) {
		if (errno == EINTR || (errno == EMSGSIZE && cut(&iov, stats)))
			continue;
		stats_add(stats, STAT_SEND_ERRORS, 1);
		break;
	}
}

/* Request i of the batch. */
static void defer(struct udp *u, unsigned i)
{
	struct handler *h = u->handler;
	struct message *m = &u->message[i];
	struct msghdr *in = &u->in[i].msg_hdr;
	struct later_token t = { .path = &u->path, .peer = u->peer[i] };

	if (u->wildcard) {
		clear_interface(in);
		t.control_len = in->msg_controllen;
		memcpy(t.control, in->msg_control, t.control_len);
	}
	if (later_put(u->later, &h->deferral, &t, m->request, m->request_len)) {
		u->deferred_n++;
	} else {
		m->response_len = handle_overflow(h, i, m->response).len;
	}
}

/* ---- the thread ------------------------------------------------------- */

/* 0: this batch is not timed. */
static int64_t sampling_since(const struct udp *u)
{
	return tally_samples(u->handler->tally) ? clock_read_ns(CLOCK_MONOTONIC)
	                                        : 0;
}

static void answer(struct udp *u, unsigned n)
{
	struct handler *h = u->handler;
	int64_t since_ns = sampling_since(u);

	u->deferred_n = 0;
	for (unsigned i = 0; i < n; i++)
		u->message[i].request_len = u->in[i].msg_len;
	reclaim_in(u->reader);
	handle_prepare(h, u->message, n);
	h->screen.now_mono_ms = (uint64_t)clock_mono_ms();
	h->screen.now_wall_s = (uint32_t)(clock_wall_ms() / 1000);
	for (unsigned i = 0; i < n; i++) {
		struct message *m = &u->message[i];
		struct handled r = handle_respond(h, i, VIA_UDP, m->response);

		m->response_len = r.len;
		if (r.how == DEFERRED)
			defer(u, i);
	}
	reclaim_out(u->reader);
	send_all(u, collect(u, n));
	if (since_ns) {
		histogram_add(&h->tally->duration,
		    clock_read_ns(CLOCK_MONOTONIC) - since_ns, n);
	}
	if (u->deferred_n)
		later_wake(u->later, u->deferred_n);
}

static void *run(void *arg)
{
	struct udp *u = arg;

	while (!atomic_load(&u->stopping)) {
		int n = receive(u);

		if (n > 0)
			answer(u, (unsigned)n);
	}
	return NULL;
}

int udp_start(const struct address *a, const struct handler_source *source,
    struct reclaim_reader *reader, struct udp **ret_u, struct diag *reterr)
{
	/* one that others have cannot be shut down to wake the receiver */
	const struct timeval look_up = { .tv_usec = 200000 };
	int fd = address_bind(a, SOCK_DGRAM, reterr);

	if (fd < 0)
		return fd;
	struct udp *u = xcalloc(1, sizeof(*u));
	u->fd = fd;
	u->wildcard = address_is_wildcard(a);
	u->given = address_is_given(a, SOCK_DGRAM);
	if (u->given) {
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_RCVTIMEO, &look_up, sizeof(look_up));
	}
	u->later = source->queue;
	u->path = (struct later_path){ deliver, u };
	u->handler = handler_new(source);
	u->reader = reader;
	lay_out(u, source->udp_len_max);
	int error = pthread_create(&u->thread, NULL, run, u);
	if (error) {
		udp_free(u);
		return diag_set(reterr, -error, "cannot start a thread: %s",
		    strerror(error));
	}
	u->is_running = true;
	*ret_u = u;
	return 0;
}

void udp_stop(struct udp *u)
{
	if (!u || !u->is_running)
		return;
	atomic_store(&u->stopping, true);
	/* on Linux this wakes the receiver even of an unconnected socket */
	if (!u->given)
		(void)shutdown(u->fd, SHUT_RD);
	pthread_join(u->thread, NULL);
	u->is_running = false;
}

void udp_free(struct udp *u)
{
	if (!u)
		return;
	udp_stop(u);
	close(u->fd);
	handler_free(u->handler);
	free(u->buffers);
	free(u);
}

const struct stats *udp_stats(const struct udp *u)
{
	return &u->handler->stats;
}
