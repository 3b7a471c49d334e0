// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * support - an event loop with timers, and servers that misbehave in it.
 */
#include "registrar/exec/runner.h"
#include "registrar/lib/timer.h"
#include "registrar/probe/probe.h"
#include "schema/base/clock.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* cmocka.h needs these before it */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

struct loop {
	struct event_base *base;
	struct event *tick;
	struct timers *timers;
};

static inline int64_t loop_clock(void *arg)
{
	(void)arg;
	return clock_mono_ms();
}

static inline void loop_on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;

	(void)fd;
	(void)what;
	timers_run(l->timers);
}

static inline void loop_set_tick(void *arg)
{
	struct loop *l = arg;
	int64_t wait_ms = timers_next(l->timers) - clock_mono_ms();
	struct timeval tv;

	if (timers_next(l->timers) < 0) {
		(void)evtimer_del(l->tick);
		return;
	}
	if (wait_ms < 0)
		wait_ms = 0;
	tv = (struct timeval){ .tv_sec = wait_ms / 1000,
		.tv_usec = wait_ms % 1000 * 1000 };
	(void)evtimer_add(l->tick, &tv);
}

static inline void loop_init(struct loop *l)
{
	struct event_config *config = event_config_new();

	assert_non_null(config);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	l->base = event_base_new_with_config(config);
	event_config_free(config);
	l->tick = evtimer_new(l->base, loop_on_tick, l);
	l->timers = timers_new(loop_clock, NULL);
	timers_on_change(l->timers, loop_set_tick, l);
}

static inline void loop_release(struct loop *l)
{
	event_free(l->tick);
	timers_free(l->timers);
	event_base_free(l->base);
}

/* Until *done, or for that long; false: it took too long. */
static inline bool loop_until(struct loop *l, const bool *done, int64_t for_ms)
{
	int64_t end_ms = clock_mono_ms() + for_ms;
	const struct timeval slice = { .tv_usec = 5000 };

	while (!*done && clock_mono_ms() < end_ms) {
		(void)event_base_loopexit(l->base, &slice);
		(void)event_base_loop(l->base, EVLOOP_ONCE);
	}
	return *done;
}

static inline void loop_for(struct loop *l, int64_t for_ms)
{
	const bool never = false;

	(void)loop_until(l, &never, for_ms);
}

/* ---- servers ---------------------------------------------------------- */

enum manner {
	SERVER_ANSWERS, /* once it has the request, then closes */
	SERVER_HANGS,   /* accepts, never says a word */
	SERVER_CLOSES,  /* at once */
	SERVER_DRIBBLES /* its answer, an octet each 20 ms */
};

struct server {
	struct evconnlistener *listener;
	struct loop *loop;
	enum manner manner;
	const char *answer;
	size_t answer_len, filler_len; /* 'x' behind the answer */
	char request[4096];            /* the last one */
	unsigned accepted;
	int port;
	SSL_CTX *tls;     /* borrowed; NULL: none */
	const char *path; /* of a Unix socket; NULL: TCP */
	bool is_v6;
	bool eager; /* answers the first octets, not the end of a header */
};

static inline void server_on_written(struct bufferevent *bev, void *arg)
{
	(void)arg;
	bufferevent_free(bev);
}

static inline void server_on_event(
    struct bufferevent *bev, short what, void *arg)
{
	(void)arg;
	if (!(what & BEV_EVENT_CONNECTED)) /* the handshake of TLS */
		bufferevent_free(bev);
}

/* One connection that gets an octet now and then. */
struct dribble {
	struct server *s;
	struct bufferevent *bev;
	struct timer timer;
	size_t sent;
};

static inline void server_on_dribble(void *arg)
{
	struct dribble *d = arg;
	struct timers *ts = d->s->loop->timers;

	if (d->sent < d->s->answer_len) {
		(void)bufferevent_write(d->bev, d->s->answer + d->sent++, 1);
		timer_set(ts, &d->timer, timers_now(ts) + 20);
		return;
	}
	bufferevent_free(d->bev);
	free(d);
}

static inline void server_on_dribble_end(
    struct bufferevent *bev, short what, void *arg)
{
	struct dribble *d = arg;

	(void)what;
	timer_cancel(d->s->loop->timers, &d->timer);
	bufferevent_free(bev);
	free(d);
}

static inline void server_on_request(struct bufferevent *bev, void *arg)
{
	struct server *s = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(in);

	if (len >= sizeof(s->request))
		len = sizeof(s->request) - 1;
	(void)evbuffer_copyout(in, s->request, len);
	s->request[len] = '\0';
	bool complete = s->eager || strstr(s->request, "\r\n\r\n");

	if (!complete || s->manner == SERVER_HANGS)
		return;
	if (s->manner == SERVER_DRIBBLES) {
		struct dribble *d = calloc(1, sizeof(*d));

		assert_non_null(d);
		d->s = s;
		d->bev = bev;
		timer_init(&d->timer, server_on_dribble, d);
		bufferevent_setcb(bev, NULL, NULL, server_on_dribble_end, d);
		server_on_dribble(d);
		return;
	}
	char *filler = malloc(s->filler_len + 1);

	assert_non_null(filler);
	memset(filler, 'x', s->filler_len);
	bufferevent_setcb(bev, NULL, server_on_written, server_on_event, s);
	(void)bufferevent_write(bev, s->answer, s->answer_len);
	(void)bufferevent_write(bev, filler, s->filler_len);
	free(filler);
}

static inline void server_on_accept(struct evconnlistener *listener,
    evutil_socket_t fd, struct sockaddr *peer, int len, void *arg)
{
	struct server *s = arg;

	(void)listener;
	(void)peer;
	(void)len;
	s->accepted++;
	if (s->manner == SERVER_CLOSES) {
		close(fd);
		return;
	}
	struct bufferevent *bev;

	if (s->tls) {
		bev = bufferevent_openssl_socket_new(s->loop->base, fd,
		    SSL_new(s->tls), BUFFEREVENT_SSL_ACCEPTING,
		    BEV_OPT_CLOSE_ON_FREE);
	} else {
		bev = bufferevent_socket_new(
		    s->loop->base, fd, BEV_OPT_CLOSE_ON_FREE);
	}
	assert_non_null(bev);
	bufferevent_setcb(bev, server_on_request, NULL, server_on_event, s);
	(void)bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static inline void server_listen(
    struct server *s, struct loop *l, const struct sockaddr *to, size_t len)
{
	s->loop = l;
	if (s->answer && !s->answer_len)
		s->answer_len = strlen(s->answer);
	s->listener = evconnlistener_new_bind(l->base, server_on_accept, s,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16, to, (int)len);
	assert_non_null(s->listener);
}

/* The other fields are set before; answer is text. */
static inline void server_start(struct server *s, struct loop *l)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = s->is_v6 ? sizeof(v6) : sizeof(v4);

	if (s->path) {
		struct sockaddr_un un = { .sun_family = AF_UNIX };

		(void)unlink(s->path);
		(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", s->path);
		server_listen(s, l, (struct sockaddr *)&un, sizeof(un));
		return;
	}
	server_listen(s, l,
	    s->is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, len);
	assert_int_equal(
	    0, getsockname(evconnlistener_get_fd(s->listener),
	           s->is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
	           &len));
	s->port = ntohs(s->is_v6 ? v6.sin6_port : v4.sin_port);
}

static inline void server_stop(struct server *s)
{
	if (s->listener)
		evconnlistener_free(s->listener);
	if (s->path)
		(void)unlink(s->path);
	s->listener = NULL;
}

/* ---- one probe -------------------------------------------------------- */

struct outcome {
	bool done;
	enum verdict verdict;
	char detail[PROBE_DETAIL_MAX];
	unsigned n;
	int64_t first_ms, last_ms; /* since the start of the program's clock */
};

static inline void outcome_take(void *arg, enum verdict v, const char *detail)
{
	struct outcome *o = arg;

	o->done = true;
	o->verdict = v;
	o->last_ms = clock_mono_ms();
	if (!o->n++)
		o->first_ms = o->last_ms;
	(void)snprintf(o->detail, sizeof(o->detail), "%s", detail);
}

static inline int64_t support_wall_ms(void *arg)
{
	(void)arg;
	return clock_wall_ms();
}

static inline void support_runner_gone(void *arg)
{
	(void)arg;
	fail_msg("the process that runs programs is gone");
}

static const unsigned support_exec_limit = 4;

static inline void prober_start(struct prober *pr, struct loop *l)
{
	*pr = (struct prober){ .base = l->base,
		.timers = l->timers,
		.kinds = probe_kinds,
		.wall_ms = support_wall_ms };
	prober_init(pr);
	assert_int_equal(runner_new(l->base, support_exec_limit,
	                     support_runner_gone, NULL, &pr->runner, NULL),
	    0);
}

static const struct probe_subject support_subject = { .zone = "svc.test",
	.service = "web",
	.instance = "i-1",
	.address = "127.0.0.1",
	.port = 8080 };

/* One run of a check; *ret_took_ms, if not NULL: how long it took. */
static inline struct outcome probe_once(
    struct loop *l, const struct check_spec *spec, int64_t *ret_took_ms)
{
	struct outcome o = { .done = false };
	struct prober pr;
	struct probe p;
	int64_t start_ms = clock_mono_ms();

	prober_start(&pr, l);
	probe_init(&p, &pr, spec, &support_subject, outcome_take, &o);
	probe_begin(&p);
	assert_true(loop_until(l, &o.done, 10000));
	if (ret_took_ms)
		*ret_took_ms = clock_mono_ms() - start_ms;
	probe_release(&p);
	loop_for(l, 10); /* let servers see the end */
	prober_release(&pr);
	return o;
}
