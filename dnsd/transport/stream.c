// SPDX-License-Identifier: BSD-2-Clause
/*
 * The event base is used by its thread alone and has no locks; the control
 * thread says that it is to end through an eventfd. One timer serves all
 * connections: it fires when the one idle the longest may have to go.
 */
#include "dnsd/transport/stream.h"

#include "dnsd/transport/tls.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

struct listener {
	struct stream *stream;
	struct event ready;
	int fd;
	bool tls;
};

/* An answer that another thread brings. */
struct mail {
	STAILQ_ENTRY(mail) entry;
	uint64_t connection;
	size_t len;
	uint8_t msg[];
};

STAILQ_HEAD(mails, mail);

struct stream {
	pthread_t thread;
	int wake_fd;
	atomic_bool ending;
	struct later_path path;
	pthread_mutex_t mail_lock;
	struct mails mails;
	struct event_base *base;
	struct event wake, expiry, respite;
	struct listener *listeners;
	unsigned listener_n;
	struct stream_limits limits;
	struct handler *handler;
	struct reclaim_reader *reader;
	struct tls_thread *tls;
	struct connection_pool *pool;
};

static void add_timer(struct event *e, int64_t ms)
{
	struct timeval t = { ms / 1000, ms % 1000 * 1000 };

	event_add(e, &t);
}

static void on_expiry(evutil_socket_t fd, short what, void *arg)
{
	enum { PAUSE_MIN_MS = 5 }; /* many go at a time */
	struct stream *s = arg;
	int64_t left = connection_expire(s->pool, clock_mono_ms());

	(void)fd;
	(void)what;
	if (left < 0)
		return;
	add_timer(&s->expiry, left > PAUSE_MIN_MS ? left : PAUSE_MIN_MS);
}

/* ---- newcomers -------------------------------------------------------- */

static void listen_again(struct stream *s)
{
	for (unsigned i = 0; i < s->listener_n; i++)
		event_add(&s->listeners[i].ready, NULL);
}

static void stop_listening(struct stream *s)
{
	for (unsigned i = 0; i < s->listener_n; i++)
		event_del(&s->listeners[i].ready);
}

static void on_respite(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	listen_again(arg);
}

/*
 * Whether to try once more. Without a descriptor accept4() fails also when
 * nobody is waiting; `waiting` says that somebody is.
 */
static bool accept_failed(struct stream *s, int error, bool waiting)
{
	enum { RESPITE_MS = 100 };

	switch (error) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		if (!waiting)
			return false;
		stats_add(&s->handler->stats, STAT_ACCEPT_ERRORS, 1);
		if (connection_evict(s->pool))
			return true;
		/* who waits stays readable: do not spin on it */
		stop_listening(s);
		add_timer(&s->respite, RESPITE_MS);
		return false;
	default: /* the newcomer has gone, accept(2) */
		return true;
	}
}

static bool make_room(struct stream *s)
{
	if (atomic_load_explicit(s->limits.connection_n, memory_order_relaxed) <
	    s->limits.connection_max)
		return true;
	stats_add(&s->handler->stats, STAT_TCP_REJECTED, 1);
	return connection_evict(s->pool);
}

/* Who is to get no answer is not let in; others may read why. */
static bool is_welcome(const struct stream *s, const struct sockaddr *peer)
{
	bool welcome;

	reclaim_in(s->reader);
	welcome = screen_welcomes(&s->handler->screen, peer);
	reclaim_out(s->reader);
	if (!welcome)
		stats_add(&s->handler->stats, STAT_DENIED, 1);
	return welcome;
}

static void on_newcomer(evutil_socket_t listen_fd, short what, void *arg)
{
	enum { ACCEPT_MAX = 16 }; /* then the others get their turn */
	struct listener *l = arg;
	struct stream *s = l->stream;
	int64_t now = clock_mono_ms();

	(void)what;
	for (unsigned i = 0; i < ACCEPT_MAX; i++) {
		union peer peer;
		socklen_t len = sizeof(peer);
		int fd = accept4(
		    listen_fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && !accept_failed(s, errno, i == 0))
			break;
		if (fd < 0)
			continue;
		if (!is_welcome(s, &peer.any) || !make_room(s)) {
			close(fd);
			continue;
		}
		connection_open(s->pool, fd, &peer, l->tls, now);
	}
	if (!event_pending(&s->expiry, EV_TIMEOUT, NULL))
		add_timer(&s->expiry, s->limits.idle_ms);
}

/* ---- afterwards ------------------------------------------------------- */

static void wake(struct stream *s)
{
	(void)eventfd_write(s->wake_fd, 1);
}

/* Any thread. */
static void deliver(void *arg, const struct later_token *t, uint8_t *msg,
    size_t len, struct stats *stats)
{
	struct stream *s = arg;
	struct mail *m = xmalloc(sizeof(*m) + len);

	(void)stats;
	m->connection = t->connection;
	m->len = len;
	if (len)
		memcpy(m->msg, msg, len);
	pthread_mutex_lock(&s->mail_lock);
	bool first = STAILQ_EMPTY(&s->mails);
	STAILQ_INSERT_TAIL(&s->mails, m, entry);
	pthread_mutex_unlock(&s->mail_lock);
	if (first)
		wake(s);
}

/* pool: NULL when there is nobody left to read them. */
static void take_mails(struct stream *s, struct connection_pool *pool)
{
	struct mails taken = STAILQ_HEAD_INITIALIZER(taken);
	struct mail *m;

	pthread_mutex_lock(&s->mail_lock);
	STAILQ_CONCAT(&taken, &s->mails);
	pthread_mutex_unlock(&s->mail_lock);
	while ((m = STAILQ_FIRST(&taken))) {
		STAILQ_REMOVE_HEAD(&taken, entry);
		if (pool) {
			connection_deliver(pool, m->connection, m->msg, m->len,
			    clock_mono_ms());
		}
		free(m);
	}
}

/* ---- life ------------------------------------------------------------- */

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	eventfd_t n;

	(void)what;
	(void)eventfd_read(fd, &n);
	if (atomic_load(&s->ending))
		event_base_loopbreak(s->base);
	take_mails(s, s->pool);
}

/* A timer of the drain: it only has to end a turn of the loop. */
static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void close_listeners(struct stream *s)
{
	for (unsigned i = 0; i < s->listener_n; i++) {
		event_del(&s->listeners[i].ready);
		close(s->listeners[i].fd);
	}
	s->listener_n = 0;
}

static void *run(void *arg)
{
	struct stream *s = arg;
	struct event deadline;

	event_base_loop(s->base, EVLOOP_NO_EXIT_ON_EMPTY);
	int64_t end = clock_mono_ms() + STREAM_DRAIN_MS;

	s->handler->responder.keepalive_ds = 0; /* RFC 7828 section 3.4 */
	event_del(&s->respite);
	close_listeners(s);
	connection_drain(s->pool, clock_mono_ms());
	event_assign(&deadline, s->base, -1, 0, on_deadline, NULL);
	add_timer(&deadline, STREAM_DRAIN_MS);
	while (connection_pool_size(s->pool) && clock_mono_ms() < end)
		event_base_loop(s->base, EVLOOP_ONCE);
	event_del(&deadline);
	return NULL;
}

static int start_thread(struct stream *s, struct diag *reterr)
{
	int error = pthread_create(&s->thread, NULL, run, s);

	if (!error)
		return 0;
	return diag_set(
	    reterr, -error, "cannot start a thread: %s", strerror(error));
}

static int listen_on(struct stream *s, const struct stream_door *doors,
    unsigned n, struct diag *reterr)
{
	s->listeners = xcalloc(n, sizeof(*s->listeners));
	for (unsigned i = 0; i < n; i++) {
		struct listener *l = &s->listeners[i];
		int fd = address_bind(&doors[i].address, SOCK_STREAM, reterr);

		if (fd < 0)
			return fd;
		*l = (struct listener){
			.stream = s, .fd = fd, .tls = doors[i].tls
		};
		event_assign(&l->ready, s->base, fd, EV_READ | EV_PERSIST,
		    on_newcomer, l);
		s->listener_n++;
		if (doors[i].tls && !s->tls)
			s->tls = tls_thread_new(doors[i].tls);
	}
	listen_again(s);
	return 0;
}

static void make_base(struct stream *s)
{
	struct event_config *config = event_config_new();

	if (!config || event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK))
		abort();
	s->base = event_base_new_with_config(config);
	event_config_free(config);
	if (!s->base)
		abort();
	event_assign(&s->expiry, s->base, -1, 0, on_expiry, s);
	event_assign(&s->respite, s->base, -1, 0, on_respite, s);
	event_assign(
	    &s->wake, s->base, s->wake_fd, EV_READ | EV_PERSIST, on_wake, s);
	event_add(&s->wake, NULL);
}

static void release(struct stream *s)
{
	close_listeners(s);
	connection_pool_free(s->pool);
	take_mails(s, NULL);
	pthread_mutex_destroy(&s->mail_lock);
	event_del(&s->expiry);
	event_del(&s->respite);
	event_del(&s->wake);
	event_base_free(s->base);
	close(s->wake_fd);
	tls_thread_free(s->tls);
	handler_free(s->handler);
	free(s->listeners);
	free(s);
}

/* What clients are told if they ask, RFC 7828 section 3.1. */
static uint16_t keepalive_ds(const struct stream_limits *limits)
{
	int64_t ds = limits->idle_ms / 100;

	return ds < UINT16_MAX ? (uint16_t)ds : UINT16_MAX;
}

int stream_start(const struct stream_door *doors, unsigned door_n,
    const struct stream_limits *limits, const struct handler_source *source,
    struct reclaim_reader *reader, struct stream **ret_s, struct diag *reterr)
{
	int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (wake_fd < 0) {
		return diag_set(reterr, -errno, "cannot make an eventfd: %s",
		    strerror(errno));
	}
	struct stream *s = xcalloc(1, sizeof(*s));
	s->wake_fd = wake_fd;
	s->limits = *limits;
	s->path = (struct later_path){ deliver, s };
	pthread_mutex_init(&s->mail_lock, NULL);
	STAILQ_INIT(&s->mails);
	s->handler = handler_new(source);
	s->reader = reader;
	s->handler->responder.keepalive_ds = keepalive_ds(limits);
	make_base(s);
	int error = listen_on(s, doors, door_n, reterr);
	if (!error) {
		struct connection_host host = { s->base, s->handler, reader,
			s->tls, limits->connection_n, limits->idle_ms,
			source->queue, &s->path };

		s->pool = connection_pool_new(&host);
		error = start_thread(s, reterr);
	}
	if (error) {
		release(s);
		return error;
	}
	*ret_s = s;
	return 0;
}

void stream_drain(struct stream *s)
{
	if (!s)
		return;
	atomic_store(&s->ending, true);
	wake(s);
}

void stream_stop(struct stream *s)
{
	if (!s)
		return;
	stream_drain(s);
	pthread_join(s->thread, NULL);
	release(s);
}

const struct stats *stream_stats(const struct stream *s)
{
	return &s->handler->stats;
}
