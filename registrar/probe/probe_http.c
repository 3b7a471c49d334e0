// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_http - what does a web server answer? (RFC 9110, libevent's client)
 *
 * One request on a connection of its own. Redirects are answers like any
 * other. The whole answer has to arrive within the time-out; of a body
 * longer than BODY_MAX the rest is not awaited, and a match is looked for in
 * what was read.
 *
 * evhttp goes on using a connection after our callbacks have returned, so
 * connection and run are left over and freed in the next turn of the loop.
 */
#include "registrar/lib/match.h"
#include "registrar/probe/probe.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX ((size_t)65536)
#define BODY_SHOWN 256 /* of a failure, in the detail */
#define HEADERS_MAX 32768

struct http_run {
	struct leftover leftover;
	struct probe *probe; /* NULL: given up */
	struct evhttp_connection *conn;
	bufferevent_event_cb connected; /* evhttp's */
	void *connected_arg;
	int connect_error; /* errno, 0: none */
	const char *error; /* why there will be no answer, or NULL */
	bool answered;     /* the header has been read */
	int status;
	char *reason;
	struct evbuffer *body;
};

// clang-format off
static const struct {
	const char *name;
	enum evhttp_cmd_type type;
} methods[] = {
	{ "GET", EVHTTP_REQ_GET },
	{ "HEAD", EVHTTP_REQ_HEAD },
	{ "POST", EVHTTP_REQ_POST },
	{ "PUT", EVHTTP_REQ_PUT },
	{ "DELETE", EVHTTP_REQ_DELETE },
	{ "OPTIONS", EVHTTP_REQ_OPTIONS },
	{ "TRACE", EVHTTP_REQ_TRACE },
	{ "PATCH", EVHTTP_REQ_PATCH },
};

static const struct {
	enum evhttp_request_error error;
	const char *text;
} errors[] = {
	{ EVREQ_HTTP_TIMEOUT, "timed out" },
	{ EVREQ_HTTP_EOF, "closed before the answer was complete" },
	{ EVREQ_HTTP_INVALID_HEADER, "the answer is not HTTP, or its header too long" },
	{ EVREQ_HTTP_BUFFER_ERROR, "connection broke" },
};
// clang-format on

/* ---- judging ---------------------------------------------------------- */

static bool in_ranges(const struct check_ranges *r, int status)
{
	for (unsigned i = 0; i < r->n; i++) {
		if (status >= r->items[i].low && status <= r->items[i].high)
			return true;
	}
	return false;
}

static void judge(struct http_run *run)
{
	struct probe *p = run->probe;
	const struct check_http *check = &p->spec->http;
	size_t len = evbuffer_get_length(run->body);
	/* NUL-terminated, and never NULL */
	(void)evbuffer_add(run->body, "", 1);
	const char *body = (const char *)evbuffer_pullup(run->body, -1);

	if (in_ranges(&check->warn_status, run->status)) {
		probe_done_fmt(
		    p, VERDICT_WARN, "%d %s", run->status, run->reason);
		return;
	}
	if (!in_ranges(&check->status, run->status)) {
		probe_done_fmt(p, VERDICT_FAIL, "%d %s%s%.*s", run->status,
		    run->reason, len ? ": " : "",
		    (int)(len < BODY_SHOWN ? len : BODY_SHOWN), body);
		return;
	}
	if (check->body && !match_regex(check->body, body, len)) {
		probe_done_fmt(p, VERDICT_FAIL,
		    "%d %s, but the first %zu octets of the body do not "
		    "match '%s'",
		    run->status, run->reason, len, check->body);
		return;
	}
	probe_done_fmt(p, VERDICT_PASS, "%d %s", run->status, run->reason);
}

/* ---- what evhttp tells ------------------------------------------------ */

static int on_header(struct evhttp_request *req, void *arg)
{
	struct http_run *run = arg;
	const char *reason = evhttp_request_get_response_code_line(req);

	run->answered = true;
	run->status = evhttp_request_get_response_code(req);
	free(run->reason);
	run->reason = xstrdup(reason ? reason : "");
	return 0;
}

static void on_body(struct evhttp_request *req, void *arg)
{
	struct http_run *run = arg;
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t room = BODY_MAX - evbuffer_get_length(run->body);

	if (!run->probe)
		return;
	(void)evbuffer_remove_buffer(in, run->body, room);
	if (evbuffer_get_length(run->body) >= BODY_MAX)
		judge(run);
}

static void on_error(enum evhttp_request_error error, void *arg)
{
	struct http_run *run = arg;

	run->error = "failed";
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (errors[i].error == error)
			run->error = errors[i].text;
	}
}

/* req is NULL after on_error(), without a status if there is no connection */
static void on_complete(struct evhttp_request *req, void *arg)
{
	struct http_run *run = arg;

	if (!run->probe)
		return;
	if (run->error) {
		probe_done(run->probe, VERDICT_FAIL, run->error);
	} else if (!req || !run->answered) {
		probe_done_fmt(run->probe, VERDICT_FAIL, "cannot connect%s%s",
		    run->connect_error ? ": " : "",
		    run->connect_error ? strerror(run->connect_error) : "");
	} else {
		judge(run);
	}
}

/*
 * evhttp loses the reason why a connection failed: shutdown(2) overwrites it
 * before we are called. So we listen in, until it is connected and evhttp
 * sets callbacks of its own.
 */
static void on_connected(struct bufferevent *bev, short what, void *arg)
{
	struct http_run *run = arg;

	if (what & BEV_EVENT_ERROR)
		run->connect_error = errno;
	run->connected(bev, what, run->connected_arg);
}

static void listen_in(struct http_run *run)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(run->conn);
	bufferevent_data_cb readable, writable;

	bufferevent_getcb(
	    bev, &readable, &writable, &run->connected, &run->connected_arg);
	if (run->connected)
		bufferevent_setcb(bev, readable, writable, on_connected, run);
}

/* ---- one run ---------------------------------------------------------- */

static void free_leftover(struct leftover *l)
{
	struct http_run *run = (struct http_run *)l;

	if (run->conn)
		evhttp_connection_free(run->conn);
	evbuffer_free(run->body);
	free(run->reason);
	free(run);
}

static void http_stop(struct probe *p)
{
	struct http_run *run = p->run;

	if (!run)
		return;
	run->probe = NULL;
	prober_leave(p->prober, &run->leftover);
}

static int method_type(const char *name, enum evhttp_cmd_type *ret_type)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!strcmp(methods[i].name, name)) {
			*ret_type = methods[i].type;
			return 0;
		}
	}
	return -EINVAL;
}

static struct evhttp_request *make_request(
    struct http_run *run, const struct check_http *check)
{
	struct evhttp_request *req = evhttp_request_new(on_complete, run);
	struct evkeyvalq *out = evhttp_request_get_output_headers(req);

	evhttp_request_set_header_cb(req, on_header);
	evhttp_request_set_chunked_cb(req, on_body);
	evhttp_request_set_error_cb(req, on_error);
	for (unsigned i = 0; i < check->headers.n; i++) {
		(void)evhttp_add_header(out, check->headers.items[i].key,
		    check->headers.items[i].value);
	}
	if (!evhttp_find_header(out, "Host"))
		(void)evhttp_add_header(out, "Host", check->host);
	if (!evhttp_find_header(out, "User-Agent"))
		(void)evhttp_add_header(out, "User-Agent", "rollcall");
	if (!evhttp_find_header(out, "Connection"))
		(void)evhttp_add_header(out, "Connection", "close");
	return req;
}

static void http_start(struct probe *p)
{
	const struct check_http *check = &p->spec->http;
	enum evhttp_cmd_type type;

	if (method_type(check->method, &type) < 0) {
		probe_done_fmt(
		    p, VERDICT_FAIL, "method '%s' is not known", check->method);
		return;
	}
	struct http_run *run = xcalloc(1, sizeof(*run));

	run->leftover.free = free_leftover;
	run->leftover.soon = true;
	run->probe = p;
	run->body = evbuffer_new();
	run->conn = evhttp_connection_base_bufferevent_new(p->prober->base,
	    NULL, NULL, check->address, (ev_uint16_t)check->port);
	if (!run->body || !run->conn)
		abort(); /* out of memory */
	p->run = run;
	evhttp_connection_set_max_headers_size(run->conn, HEADERS_MAX);
	/* ours is exact; evhttp's must not come first */
	evhttp_connection_set_timeout(
	    run->conn, (int)(p->spec->timeout_ms / 1000 + 60));
	struct evhttp_request *req = make_request(run, check);

	/* takes req; may have called on_complete() already */
	int r = evhttp_make_request(run->conn, req, type, check->target);

	if (!run->probe)
		return;
	if (r < 0) {
		probe_done(p, VERDICT_FAIL, "cannot connect");
	} else {
		listen_in(run);
	}
}

static const char *http_waiting(const struct probe *p)
{
	const struct http_run *run = p->run;

	return run->answered ? "reading the answer" : "no answer";
}

const struct probe_ops probe_http_ops = {
	.start = http_start,
	.stop = http_stop,
	.waiting = http_waiting,
};
