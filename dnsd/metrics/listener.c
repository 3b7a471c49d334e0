// SPDX-License-Identifier: BSD-2-Clause
/*
 * A connection reads, then writes, then waits for its client to close, so that
 * what the client still sends does not make the kernel forget our answer.
 */
#include "dnsd/metrics/listener.h"

#include "dnsd/metrics/metrics.h"
#include "dnsd/transport/address.h"
#include "schema/base/clock.h"
#include "schema/base/exposition.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	REQUEST_MS = 3000,
	ANSWER_MS = 10000,
	LINGER_MS = 1000,
	FRESH_MS = 250, /* what is told is not made anew before */
	PULSE_MS = 5000,
	SWEEP_MS = 250,
	NICE = 10,
};

enum stage { FREE, READS, WRITES, LINGERS };

struct client {
	struct listener *listener;
	struct bufferevent *stream;
	enum stage stage;
	int64_t end_ms; /* of this stage */
	uint64_t number;
};

/* What was told, as long as somebody reads it. */
struct body {
	struct exposition text;
	int64_t made_ms;
	unsigned users;
};

struct listener {
	pthread_t thread;
	bool is_running;
	struct event_base *base;
	int fd;
	struct event *accepts, *sweeps;
	struct metrics metrics;
	_Atomic int64_t pulse_ms;
	struct client client[LISTENER_CONNECTIONS_MAX];
	uint64_t client_n; /* so far */
	struct body *body; /* NULL: none was made yet */
};

/* ---- what is asked ------------------------------------------------------ */

static bool is_word(const char *word, size_t len, const char *text)
{
	return strlen(text) == len && !memcmp(word, text, len);
}

static enum listener_page page_of(const char *path, size_t len)
{
	static const struct {
		const char *path;
		enum listener_page page;
	} pages[] = {
		{ "/metrics", PAGE_METRICS },
		{ "/health", PAGE_HEALTH },
		{ "/ready", PAGE_READY },
	};
	const char *query = memchr(path, '?', len);

	if (query)
		len = (size_t)(query - path);
	for (unsigned i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		if (is_word(path, len, pages[i].path))
			return pages[i].page;
	}
	return PAGE_NONE;
}

/* METHOD SP TARGET SP HTTP/1.x */
static enum listener_page read_line(
    const char *line, size_t len, bool *ret_head)
{
	const char *target = memchr(line, ' ', len);
	const char *version = NULL;

	if (target) {
		target++;
		version = memchr(target, ' ', len - (size_t)(target - line));
	}
	if (!version || *target != '/' ||
	    len - (size_t)(version - line) != sizeof(" HTTP/1.1") - 1 ||
	    memcmp(version, " HTTP/1.", sizeof(" HTTP/1.") - 1) != 0)
		return PAGE_MALFORMED;
	size_t method_len = (size_t)(target - 1 - line);
	*ret_head = is_word(line, method_len, "HEAD");
	if (!*ret_head && !is_word(line, method_len, "GET"))
		return PAGE_METHOD;
	return page_of(target, (size_t)(version - target));
}

enum listener_page listener_read(
    const char *request, size_t len, bool *ret_head)
{
	const char *end = memmem(request, len, "\r\n\r\n", 4);
	const char *line = memmem(request, len, "\r\n", 2);

	*ret_head = false;
	if (!end || len > LISTENER_REQUEST_MAX)
		return len < LISTENER_REQUEST_MAX ? PAGE_MORE : PAGE_TOO_LONG;
	return read_line(request, (size_t)(line - request), ret_head);
}

/* ---- what is told ------------------------------------------------------- */

static void leave_body(struct body *b)
{
	if (!b || --b->users)
		return;
	exposition_release(&b->text);
	free(b);
}

static void on_sent(const void *data, size_t len, void *arg)
{
	(void)data;
	(void)len;
	leave_body(arg);
}

static struct body *current_body(struct listener *l)
{
	int64_t now_ms = clock_mono_ms();

	if (!l->body || now_ms - l->body->made_ms >= FRESH_MS) {
		leave_body(l->body);
		l->body = xcalloc(1, sizeof(*l->body));
		l->body->users = 1;
		metrics_write(&l->metrics, &l->body->text);
		l->body->made_ms = clock_mono_ms();
	}
	return l->body;
}

static void put_head(
    struct evbuffer *out, const char *status, const char *type, size_t len)
{
	evbuffer_add_printf(out,
	    "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	    "Cache-Control: no-store\r\nConnection: close\r\n%s\r\n",
	    status, type, len,
	    strncmp(status, "405", 3) == 0 ? "Allow: GET, HEAD\r\n" : "");
}

static void tell_metrics(struct listener *l, struct evbuffer *out, bool head)
{
	struct body *b = current_body(l);

	put_head(out, "200 OK", EXPOSITION_TYPE, b->text.len);
	if (head)
		return;
	b->users++;
	if (evbuffer_add_reference(out, b->text.text, b->text.len, on_sent, b) <
	    0)
		leave_body(b);
}

static bool is_healthy(const struct listener *l)
{
	return clock_mono_ms() - atomic_load(&l->pulse_ms) < PULSE_MS;
}

static void tell(struct listener *l, struct evbuffer *out,
    enum listener_page page, bool head)
{
	static const struct {
		const char *status, *text;
	} errors[] = {
		[PAGE_NONE] = { "404 Not Found",
		    "expected /metrics, /health or /ready\n" },
		[PAGE_METHOD] = { "405 Method Not Allowed",
		    "expected GET or HEAD\n" },
		[PAGE_MALFORMED] = { "400 Bad Request",
		    "expected a request of HTTP/1.1\n" },
		[PAGE_TOO_LONG] = { "431 Request Header Fields Too Large",
		    "expected at most 4096 octets\n" },
	};
	const char *status, *text;

	if (page == PAGE_METRICS) {
		tell_metrics(l, out, head);
		return;
	}
	if (page == PAGE_HEALTH || page == PAGE_READY) {
		bool is_right = page == PAGE_HEALTH
		                    ? is_healthy(l)
		                    : metrics_is_ready(&l->metrics);

		status = is_right ? "200 OK" : "503 Service Unavailable";
		text = is_right              ? "ok\n"
		       : page == PAGE_HEALTH ? "the control thread stands\n"
		                             : "no registry was read yet\n";
	} else {
		status = errors[page].status;
		text = errors[page].text;
	}
	put_head(out, status, "text/plain; charset=utf-8", strlen(text));
	if (!head)
		evbuffer_add(out, text, strlen(text));
}

/* ---- clients ------------------------------------------------------------ */

static void end_client(struct client *c)
{
	if (c->stage == FREE)
		return;
	bufferevent_free(c->stream);
	*c = (struct client){ .listener = c->listener };
}

static void enter(struct client *c, enum stage stage, int64_t within_ms)
{
	c->stage = stage;
	c->end_ms = clock_mono_ms() + within_ms;
}

static void on_read(struct bufferevent *stream, void *arg)
{
	struct client *c = arg;
	struct evbuffer *in = bufferevent_get_input(stream);
	char request[LISTENER_REQUEST_MAX];
	bool head;

	if (c->stage != READS) {
		evbuffer_drain(in, evbuffer_get_length(in));
		return;
	}
	size_t len = evbuffer_get_length(in);
	ssize_t n = evbuffer_copyout(
	    in, request, len < sizeof(request) ? len : sizeof(request));
	enum listener_page page =
	    listener_read(request, n > 0 ? (size_t)n : 0, &head);
	if (page == PAGE_MORE)
		return;
	evbuffer_drain(in, len);
	enter(c, WRITES, ANSWER_MS);
	tell(c->listener, bufferevent_get_output(stream), page, head);
}

/* All was given to the kernel. */
static void on_written(struct bufferevent *stream, void *arg)
{
	struct client *c = arg;

	if (c->stage != WRITES ||
	    evbuffer_get_length(bufferevent_get_output(stream)))
		return;
	(void)shutdown(bufferevent_getfd(stream), SHUT_WR);
	enter(c, LINGERS, LINGER_MS);
}

/* It closed, or half of it: who asks and listens on still gets the answer. */
static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct client *c = arg;

	(void)stream;
	if (what & BEV_EVENT_EOF && c->stage == WRITES)
		return;
	end_client(c);
}

/* A place, the oldest's who has not asked yet if need be; NULL: none. */
static struct client *place_for_one(struct listener *l)
{
	struct client *oldest = NULL;

	for (unsigned i = 0; i < LISTENER_CONNECTIONS_MAX; i++) {
		struct client *c = &l->client[i];

		if (c->stage == FREE)
			return c;
		if (c->stage != WRITES &&
		    (!oldest || c->number < oldest->number))
			oldest = c;
	}
	if (oldest)
		end_client(oldest);
	return oldest;
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (client < 0)
		return;
	struct client *c = place_for_one(l);
	struct bufferevent *stream =
	    c ? bufferevent_socket_new(l->base, client, BEV_OPT_CLOSE_ON_FREE)
	      : NULL;
	if (!stream) {
		close(client);
		return;
	}
	*c = (struct client){
		.listener = l, .stream = stream, .number = l->client_n++
	};
	enter(c, READS, REQUEST_MS);
	bufferevent_setcb(stream, on_read, on_written, on_event, c);
	bufferevent_setwatermark(stream, EV_READ, 0, LISTENER_REQUEST_MAX);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	int64_t now_ms = clock_mono_ms();

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < LISTENER_CONNECTIONS_MAX; i++) {
		if (l->client[i].stage != FREE && l->client[i].end_ms < now_ms)
			end_client(&l->client[i]);
	}
}

/* ---- life --------------------------------------------------------------- */

static void *run(void *arg)
{
	struct listener *l = arg;

	/* of this thread, on Linux */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	event_base_dispatch(l->base);
	return NULL;
}

static int start(struct listener *l, struct diag *reterr)
{
	struct timeval every = { 0, SWEEP_MS * 1000L };

	l->base = event_base_new();
	if (!l->base)
		abort();
	l->accepts =
	    event_new(l->base, l->fd, EV_READ | EV_PERSIST, on_accept, l);
	l->sweeps = event_new(l->base, -1, EV_PERSIST, on_sweep, l);
	event_add(l->accepts, NULL);
	event_add(l->sweeps, &every);
	int error = pthread_create(&l->thread, NULL, run, l);
	l->is_running = !error;
	return error ? diag_set(reterr, -error, "cannot start a thread: %s",
	                   strerror(error))
	             : 0;
}

int listener_new(const struct address *a, const struct metrics *m,
    struct listener **ret_l, struct diag *reterr)
{
	int error = address_is_free(a, SOCK_STREAM, reterr);
	int fd = error ? error : address_bind(a, SOCK_STREAM, reterr);

	if (fd < 0)
		return fd;
	struct listener *l = xcalloc(1, sizeof(*l));
	l->fd = fd;
	l->metrics = *m;
	listener_pulse(l);
	error = start(l, reterr);
	if (error) {
		listener_free(l);
		return error;
	}
	*ret_l = l;
	return 0;
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	if (l->is_running) {
		event_base_loopbreak(l->base);
		pthread_join(l->thread, NULL);
	}
	for (unsigned i = 0; i < LISTENER_CONNECTIONS_MAX; i++)
		end_client(&l->client[i]);
	leave_body(l->body);
	event_free(l->accepts);
	event_free(l->sweeps);
	event_base_free(l->base);
	close(l->fd);
	free(l);
}

void listener_pulse(struct listener *l)
{
	if (l)
		atomic_store(&l->pulse_ms, clock_mono_ms());
}
