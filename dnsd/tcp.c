// SPDX-License-Identifier: BSD-2-Clause
/*
 * One turn for a connection: what was left of the last turn and what is there
 * now stand in `in`, at most IN_LEN octets, so that a busy client does not
 * keep others waiting; each whole request is answered into `out`, which is
 * written when it is full and at the end of the turn.
 *
 * Connections are in a list by their last whole request. Where there are too
 * many, the one idle the longest makes room for a new one.
 */
#include "dnsd/tcp.h"

#include "dnsd/address.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	FRAME_LEN = 2, /* the length before each message, section 8 */
	MESSAGE_LEN = FRAME_LEN + WIRE_MESSAGE_MAX,
	IN_LEN = MESSAGE_LEN + 1,
	OUT_LEN = 4 * MESSAGE_LEN,
};

struct connection {
	TAILQ_ENTRY(connection) entry; /* least recently used first */
	struct tcp *tcp;
	int fd;
	struct event readable, writable, idle;
	uint8_t *in; /* of an unfinished request, or one not yet answered */
	size_t in_len;
	uint8_t *out; /* of answers that wait for the client; NULL: none */
	size_t out_len, out_at;
};

struct tcp {
	pthread_t thread;
	struct event_base *base;
	struct event *listener; /* listener_n of them, embedded */
	int *listen_fd;
	unsigned listener_n;
	struct tcp_limits limits;
	const struct timeval *idle_time;
	struct handler *handler;
	struct reclaim_reader *reader;
	TAILQ_HEAD(, connection) connections;
	unsigned connection_n;
	uint8_t in[IN_LEN];
	uint8_t out[OUT_LEN + RESPOND_SLACK];
	size_t out_len;
};

static void close_connection(struct connection *c)
{
	struct tcp *t = c->tcp;

	event_del(&c->readable);
	event_del(&c->writable);
	event_del(&c->idle);
	close(c->fd);
	TAILQ_REMOVE(&t->connections, c, entry);
	t->connection_n--;
	free(c->in);
	free(c->out);
	free(c);
}

static void touch(struct connection *c)
{
	struct tcp *t = c->tcp;

	TAILQ_REMOVE(&t->connections, c, entry);
	TAILQ_INSERT_TAIL(&t->connections, c, entry);
	event_add(&c->idle, t->idle_time);
}

/* Keeps what the client does not take now. False: the connection is bad. */
static bool flush(struct connection *c)
{
	struct tcp *t = c->tcp;
	size_t len = t->out_len;

	/* whatever comes of it, the next connection must not get this */
	t->out_len = 0;
	if (!len)
		return true;
	ssize_t n = send(c->fd, t->out, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	size_t sent = n > 0 ? (size_t)n : 0;
	if (sent < len) {
		c->out_len = len - sent;
		c->out_at = 0;
		c->out = xmalloc(c->out_len);
		memcpy(c->out, t->out + sent, c->out_len);
		event_del(&c->readable);
		event_add(&c->writable, NULL);
	}
	return true;
}

/* Requests that stand whole at p, at most a batch of them. */
static unsigned split(struct message *m, const uint8_t *p, size_t len)
{
	unsigned n = 0;

	while (n < HANDLE_BATCH_MAX && len >= FRAME_LEN &&
	       len >= FRAME_LEN + (size_t)wire_get16(p)) {
		m[n].request = p + FRAME_LEN;
		m[n].request_len = wire_get16(p);
		p += FRAME_LEN + m[n].request_len;
		len -= FRAME_LEN + m[n].request_len;
		n++;
	}
	return n;
}

/*
 * Answers what is whole at p until a client is slow to take it. Returns the
 * octets used, or -1: close.
 */
static ssize_t answer(struct connection *c, const uint8_t *p, size_t len)
{
	struct message m[HANDLE_BATCH_MAX];
	struct tcp *t = c->tcp;
	size_t used = 0;

	for (unsigned n; !c->out && (n = split(m, p + used, len - used));) {
		reclaim_in(t->reader);
		handle_prepare(t->handler, m, n);
		for (unsigned i = 0; i < n && !c->out; i++) {
			uint8_t *at = t->out + t->out_len;
			size_t got = handle_respond(
			    t->handler, i, VIA_TCP, at + FRAME_LEN);

			wire_put16(at, (uint16_t)got);
			t->out_len += got ? FRAME_LEN + got : 0;
			used += FRAME_LEN + m[i].request_len;
			if (t->out_len > OUT_LEN - MESSAGE_LEN && !flush(c)) {
				reclaim_out(t->reader);
				return -1;
			}
		}
		reclaim_out(t->reader);
		touch(c);
	}
	return flush(c) ? (ssize_t)used : -1;
}

/* What was not used stays with the connection. */
static void keep(struct connection *c, const uint8_t *p, size_t len)
{
	free(c->in);
	c->in = NULL;
	c->in_len = len;
	if (!len)
		return;
	c->in = xmalloc(len);
	memcpy(c->in, p, len);
}

/* Answers what `in` holds; len octets of it, kept ones included. */
static void work(struct connection *c, size_t len)
{
	struct tcp *t = c->tcp;
	ssize_t used = answer(c, t->in, len);

	if (used < 0) {
		close_connection(c);
		return;
	}
	keep(c, t->in + used, len - (size_t)used);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	struct tcp *t = c->tcp;

	(void)what;
	memcpy(t->in, c->in ? c->in : t->in, c->in_len);
	ssize_t n =
	    recv(fd, t->in + c->in_len, IN_LEN - c->in_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_connection(c);
		return;
	}
	work(c, c->in_len + (size_t)n);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	struct tcp *t = c->tcp;
	ssize_t n = send(fd, c->out + c->out_at, c->out_len - c->out_at,
	    MSG_NOSIGNAL | MSG_DONTWAIT);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		close_connection(c);
		return;
	}
	c->out_at += (size_t)n;
	if (c->out_at < c->out_len)
		return;
	free(c->out);
	c->out = NULL;
	event_del(&c->writable);
	event_add(&c->readable, NULL);
	touch(c);
	/* requests that came with those just answered */
	size_t len = c->in_len;
	memcpy(t->in, c->in ? c->in : t->in, len);
	work(c, len);
}

static void on_idle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	close_connection(arg);
}

static void open_connection(struct tcp *t, int fd)
{
	struct connection *c = xcalloc(1, sizeof(*c));

	c->tcp = t;
	c->fd = fd;
	event_assign(
	    &c->readable, t->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	event_assign(
	    &c->writable, t->base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	event_assign(&c->idle, t->base, -1, 0, on_idle, c);
	TAILQ_INSERT_TAIL(&t->connections, c, entry);
	t->connection_n++;
	event_add(&c->readable, NULL);
	event_add(&c->idle, t->idle_time);
	stats_add(&t->handler->stats, STAT_TCP_CONNECTIONS, 1);
}

static void on_connection(evutil_socket_t listen_fd, short what, void *arg)
{
	enum { ACCEPT_MAX = 64 }; /* then the others get their turn */
	struct tcp *t = arg;

	(void)what;
	for (unsigned i = 0; i < ACCEPT_MAX; i++) {
		int fd = accept4(
		    listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		if (t->connection_n >= t->limits.connection_max) {
			stats_add(&t->handler->stats, STAT_TCP_REJECTED, 1);
			close_connection(TAILQ_FIRST(&t->connections));
		}
		open_connection(t, fd);
	}
}

static void *run(void *arg)
{
	struct tcp *t = arg;

	event_base_loop(t->base, EVLOOP_NO_EXIT_ON_EMPTY);
	return NULL;
}

static int listen_on(
    struct tcp *t, const struct address *a, unsigned n, struct diag *reterr)
{
	t->listener = xcalloc(n, sizeof(*t->listener));
	t->listen_fd = xcalloc(n, sizeof(*t->listen_fd));
	for (; t->listener_n < n; t->listener_n++) {
		unsigned i = t->listener_n;
		int fd = address_bind(&a[i], SOCK_STREAM, reterr);

		if (fd < 0)
			return fd;
		t->listen_fd[i] = fd;
		event_assign(&t->listener[i], t->base, fd, EV_READ | EV_PERSIST,
		    on_connection, t);
		event_add(&t->listener[i], NULL);
	}
	return 0;
}

static void release(struct tcp *t)
{
	/* the analyzer does not see that closing takes it off the list */
	while (!TAILQ_EMPTY(&t->connections)) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		close_connection(TAILQ_FIRST(&t->connections));
	}
	for (unsigned i = 0; i < t->listener_n; i++) {
		event_del(&t->listener[i]);
		close(t->listen_fd[i]);
	}
	free(t->listener);
	free(t->listen_fd);
	handler_free(t->handler);
	event_base_free(t->base);
	free(t);
}

int tcp_start(const struct address *a, unsigned address_n,
    const struct catalog *c, const struct identity *id,
    const struct tcp_limits *limits, struct reclaim_reader *reader,
    struct tcp **ret_t, struct diag *reterr)
{
	struct tcp *t = xcalloc(1, sizeof(*t));
	struct timeval idle = { limits->idle_ms / 1000,
		limits->idle_ms % 1000 * 1000 };

	t->limits = *limits;
	t->reader = reader;
	t->handler = handler_new(c, id, WIRE_UDP_DEFAULT);
	TAILQ_INIT(&t->connections);
	(void)evthread_use_pthreads();
	t->base = event_base_new();
	if (!t->base)
		abort();
	/* one queue for all: adding to it costs the same for any number */
	t->idle_time = event_base_init_common_timeout(t->base, &idle);
	int error = listen_on(t, a, address_n, reterr);
	if (!error) {
		error = -pthread_create(&t->thread, NULL, run, t);
		if (error)
			diag_set(reterr, error, "cannot start a thread: %s",
			    strerror(-error));
	}
	if (error) {
		release(t);
		return error;
	}
	*ret_t = t;
	return 0;
}

void tcp_stop(struct tcp *t)
{
	if (!t)
		return;
	event_base_loopbreak(t->base);
	pthread_join(t->thread, NULL);
	release(t);
}

const struct stats *tcp_stats(const struct tcp *t)
{
	return &t->handler->stats;
}
