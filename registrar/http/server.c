// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/server.h"

#include "registrar/http/http_impl.h"
#include "registrar/http/listen.h"
#include "registrar/http/serve.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SWEEP_MS 500
#define IDLE_MS 75000        /* without a request */
#define HEADER_MS 10000      /* for a request to arrive whole */
#define STALL_MS 30000       /* for some of a reply to be read */
#define AHEAD_MAX (64 << 10) /* octets sent while a request is held */
#define READ_MAX (HTTP_BODY_MAX + HTTP_HEADERS_MAX + AHEAD_MAX)
#define FOREVER_S (365 * 86400) /* times are ours, not evhttp's */

/* ---- connections ------------------------------------------------------ */

static void forget_fd(struct http_conn *c)
{
	struct http *h = c->listener->http;

	if (c->fd >= 0 && (size_t)c->fd < h->fd_n && h->by_fd[c->fd] == c)
		h->by_fd[c->fd] = NULL;
}

static void forget(struct http_conn *c)
{
	struct http *h = c->listener->http;

	h->conn_n--;
	if (c->ending)
		h->ending_n--;
	if (c->fd >= 0)
		h->peers[c->slot]--;
	http_unlink(&c->link);
	forget_fd(c);
	free(c);
}

/* evhttp frees it, as soon as we return. */
static void on_close(struct evhttp_connection *evcon, void *arg)
{
	struct http_conn *c = arg;

	(void)evcon;
	if (c->request)
		http_request_gone(c->request);
	forget(c);
}

/* evhttp sees its end, and frees it. */
void http_conn_end(struct http_conn *c)
{
	if (!c->ending)
		c->listener->http->ending_n++;
	c->ending = true;
	if (c->fd >= 0)
		(void)shutdown(c->fd, SHUT_RDWR);
}

/* Octets have come. */
static void on_input(
    struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
	struct http_conn *c = arg;

	(void)input;
	if (info->n_added && !c->begun_ms && !c->request)
		c->begun_ms = clock_mono_ms();
}

/* Of a connection that is being accepted: evhttp gives it its socket. */
static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
	struct http_listener *l = arg;
	struct http *h = l->http;
	struct http_conn *c = xcalloc(1, sizeof(*c));
	const struct timeval now = { 0 };

	c->listener = l;
	c->fd = -1;
	c->since_ms = clock_mono_ms();
	c->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (!c->bev)
		abort();            /* out of memory */
	bufferevent_incref(c->bev); /* until it is greeted */
	bufferevent_setwatermark(c->bev, EV_READ, 0, READ_MAX);
	http_append(&h->fresh, &c->link);
	h->conn_n++;
	(void)evtimer_add(h->greet, &now);
	return c->bev;
}

static void name_peer(struct http_conn *c)
{
	socklen_t len = sizeof(c->peer);
	const struct sockaddr_in *in4 = (const void *)&c->peer;
	const struct sockaddr_in6 *in6 = (const void *)&c->peer;
	struct ucred cred;

	if (c->listener->is_unix) {
		len = sizeof(cred);
		c->peer.ss_family = AF_UNIX;
		if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
			cred.uid = (uid_t)-1;
		c->uid = cred.uid;
		(void)snprintf(c->peer_text, sizeof(c->peer_text), "uid %u",
		    (unsigned)cred.uid);
		return;
	}
	if (getpeername(c->fd, (struct sockaddr *)&c->peer, &len) < 0)
		return;
	if (c->peer.ss_family == AF_INET) {
		(void)inet_ntop(AF_INET, &in4->sin_addr, c->peer_text,
		    sizeof(c->peer_text));
		c->is_local = ntohl(in4->sin_addr.s_addr) >> 24 == 127;
	} else {
		(void)inet_ntop(AF_INET6, &in6->sin6_addr, c->peer_text,
		    sizeof(c->peer_text));
		c->is_local = IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	}
}

/* Who shares one shares a bound: there are many, and few peers. */
static unsigned slot_of(const struct http_conn *c)
{
	uint32_t sum = 2166136261U;

	for (const char *p = c->peer_text; *p; p++)
		sum = (sum ^ (unsigned char)*p) * 16777619U;
	return (sum ^ sum >> 16) % HTTP_PEER_SLOTS;
}

/* Silent clients must not hold a socket for ever when their host is gone. */
static void set_alive(int fd)
{
	const int yes = 1, idle_s = 60, between_s = 15, n = 4;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_KEEPINTVL, &between_s, sizeof(between_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &n, sizeof(n));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

static void learn_fd(struct http_conn *c)
{
	struct http *h = c->listener->http;

	c->fd = bufferevent_getfd(c->bev);
	if ((size_t)c->fd >= h->fd_n) {
		size_t n = 2 * (size_t)c->fd + 64;

		h->by_fd =
		    xreallocarray(h->by_fd, n, sizeof(struct http_conn *));
		memset(h->by_fd + h->fd_n, 0,
		    (n - h->fd_n) * sizeof(struct http_conn *));
		h->fd_n = n;
	}
	h->by_fd[c->fd] = c;
	name_peer(c);
	c->slot = slot_of(c);
	h->peers[c->slot]++;
	if (!c->listener->is_unix)
		set_alive(c->fd);
}

static struct http_conn *of_link(struct http_link *l)
{
	return (struct http_conn *)(void *)((char *)l -
	                                    offsetof(struct http_conn, link));
}

/* The one that is without a request for longest. */
static struct http_conn *idlest(struct http *h)
{
	for (struct http_link *l = h->conns.next; l != &h->conns; l = l->next) {
		struct http_conn *c = of_link(l);

		if (!c->ending && !c->request)
			return c;
	}
	return NULL;
}

static void make_room(struct http *h, struct http_conn *newest)
{
	if (!newest->listener->is_unix && !newest->is_local &&
	    h->peers[newest->slot] > h->bounds.conns_a_peer) {
		http_conn_end(newest);
	} else if (h->conn_n - h->ending_n > h->bounds.conns) {
		struct http_conn *c = idlest(h);

		http_conn_end(c ? c : newest);
	}
}

/*
 * evhttp makes its connection behind on_accept(); it is the argument of its
 * callbacks, which are gone when it has freed the connection already.
 */
static void greet(struct http *h, struct http_conn *c)
{
	struct bufferevent *bev = c->bev;
	bufferevent_data_cb on_read;
	bufferevent_event_cb on_event;
	void *evcon;

	bufferevent_getcb(bev, &on_read, NULL, &on_event, &evcon);
	if (!on_event || !evcon || bufferevent_getfd(bev) < 0) {
		forget(c);
	} else {
		learn_fd(c);
		evhttp_connection_set_closecb(evcon, on_close, c);
		if (!evbuffer_add_cb(bufferevent_get_input(bev), on_input, c))
			abort(); /* out of memory */
		if (evbuffer_get_length(bufferevent_get_input(bev)))
			c->begun_ms = clock_mono_ms();
		http_unlink(&c->link);
		http_append(&h->conns, &c->link);
		make_room(h, c);
	}
	(void)bufferevent_decref(bev);
}

static void on_greet(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;

	(void)fd;
	(void)what;
	while (h->fresh.next != &h->fresh) {
		// NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it is unlinked
		greet(h, of_link(h->fresh.next));
	}
}

struct http_conn *http_conn_of(struct http *h, struct evhttp_request *ev)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(
	    evhttp_request_get_connection(ev));
	int fd = bufferevent_getfd(bev);
	struct http_conn *c =
	    fd >= 0 && (size_t)fd < h->fd_n ? h->by_fd[fd] : NULL;

	if (c && c->bev == bev)
		return c;
	/* it has come in the turn in which it was accepted */
	on_greet(-1, 0, h);
	c = fd >= 0 && (size_t)fd < h->fd_n ? h->by_fd[fd] : NULL;
	return c && c->bev == bev ? c : NULL;
}

void http_conn_done(struct http_conn *c)
{
	c->request = NULL;
	c->begun_ms = 0;
	c->unsent = 0;
	c->since_ms = clock_mono_ms();
	http_unlink(&c->link);
	http_append(&c->listener->http->conns, &c->link);
	bufferevent_setwatermark(c->bev, EV_READ, 0, READ_MAX);
}

/*
 * libevent reads nothing while a request is in work, and so sees no end; if it
 * read, its function would end the process. What is sent meanwhile waits in
 * the buffer, as much as fits.
 */
void http_conn_watch(struct http_conn *c)
{
	bufferevent_data_cb on_write;
	bufferevent_event_cb on_event;
	void *arg;

	bufferevent_getcb(c->bev, NULL, &on_write, &on_event, &arg);
	bufferevent_setcb(c->bev, NULL, on_write, on_event, arg);
	bufferevent_setwatermark(c->bev, EV_READ, 0, AHEAD_MAX);
	(void)bufferevent_enable(c->bev, EV_READ);
}

/* ---- time ------------------------------------------------------------- */

static bool is_stalled(struct http_conn *c, int64_t now_ms)
{
	size_t unsent = evbuffer_get_length(bufferevent_get_output(c->bev));

	if (!unsent || unsent != c->unsent) {
		c->unsent = unsent;
		c->stalled_ms = now_ms;
		return false;
	}
	return now_ms - c->stalled_ms > STALL_MS;
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	int64_t now_ms = clock_mono_ms();

	(void)fd;
	(void)what;
	for (struct http_link *l = h->conns.next; l != &h->conns; l = l->next) {
		struct http_conn *c = of_link(l);

		if (c->ending)
			continue;
		if (c->request    ? is_stalled(c, now_ms)
		    : c->begun_ms ? now_ms - c->begun_ms > HEADER_MS
		                  : now_ms - c->since_ms > IDLE_MS)
			http_conn_end(c);
	}
}

/* ---- listeners -------------------------------------------------------- */

static void on_error(struct evconnlistener *listener, void *arg)
{
	struct http_listener *l = arg;

	(void)listener;
	if (errno == EMFILE || errno == ENFILE) {
		struct http_conn *c = idlest(l->http);

		if (c)
			http_conn_end(c);
	}
}

int http_listen(struct http *h, const char *text,
    const struct http_api *const *apis, struct diag *reterr)
{
	int fd = listen_open(text, reterr);

	if (fd < 0)
		return fd;
	struct http_listener *l = xcalloc(1, sizeof(*l));

	l->http = h;
	l->apis = apis;
	l->is_unix = listen_is_unix(text);
	(void)snprintf(l->name, sizeof(l->name), "%s", text);
	l->evhttp = evhttp_new(h->base);
	l->listener = evconnlistener_new(h->base, NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!l->evhttp || !l->listener ||
	    !evhttp_bind_listener(l->evhttp, l->listener))
		abort(); /* out of memory */
	evconnlistener_set_error_cb(l->listener, on_error);
	evhttp_set_max_headers_size(l->evhttp, HTTP_HEADERS_MAX);
	evhttp_set_max_body_size(l->evhttp, HTTP_BODY_MAX);
	evhttp_set_timeout(l->evhttp, FOREVER_S);
	evhttp_set_default_content_type(l->evhttp, NULL);
	evhttp_set_allowed_methods(
	    l->evhttp, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
	                   EVHTTP_REQ_POST | EVHTTP_REQ_DELETE |
	                   EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS);
	evhttp_set_bevcb(l->evhttp, on_accept, l);
	evhttp_set_gencb(l->evhttp, http_on_request, l);
	l->next = h->listeners;
	h->listeners = l;
	log_info("listening on '%s'", text);
	return 0;
}

struct http *http_new(struct event_base *base, const struct serve_options *o)
{
	struct http *h = xcalloc(1, sizeof(*h));
	const struct timeval each = { .tv_usec = SWEEP_MS * 1000L };

	h->options = o;
	h->base = base;
	http_link_init(&h->conns);
	http_link_init(&h->fresh);
	http_link_init(&h->held);
	http_hold_init(h);
	http_identify_init(h);
	h->bounds = (struct http_bounds){ (unsigned)o->conns,
		(unsigned)o->conns_a_peer };
	h->sweep = event_new(base, -1, EV_PERSIST, on_sweep, h);
	h->greet = evtimer_new(base, on_greet, h);
	if (!h->sweep || !h->greet || event_add(h->sweep, &each) < 0)
		abort(); /* out of memory */
	return h;
}

void http_stop(struct http *h)
{
	for (struct http_listener *l = h->listeners; l; l = l->next)
		(void)evconnlistener_disable(l->listener);
	http_hold_answer(h);
	/* what is idle goes now, what is being sent when it is sent */
	for (struct http_link *l = h->conns.next; l != &h->conns; l = l->next) {
		struct http_conn *c = of_link(l);

		if (!c->request)
			http_conn_end(c);
	}
}

void http_free(struct http *h)
{
	while (h->listeners) {
		struct http_listener *l = h->listeners;

		h->listeners = l->next;
		evhttp_free(l->evhttp);
		/* bufferevents are freed by the loop */
		(void)event_base_loop(h->base, EVLOOP_NONBLOCK);
		free(l);
	}
	event_free(h->sweep);
	event_free(h->greet);
	http_hold_end(h);
	http_identify_end(h);
	free(h->by_fd);
	free(h);
}
