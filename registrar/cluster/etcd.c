// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/cluster/etcd.h"

#include "registrar/cluster/etcd_json.h"
#include "registrar/lib/json.h"
#include "registrar/lib/timer.h"
#include "registrar/net/dial.h"
#include "registrar/net/http_reply.h"
#include "registrar/net/tls_cache.h"
#include "registrar/net/transport.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOGIN_MS 1000
#define WHY_MAX 300
#define TOKEN_MAX 4096

struct endpoint {
	char address[64];
	int port;
	bool tls;
	char text[80]; /* "10.0.0.1:2379" */
};

struct etcd {
	struct etcd_config config;
	struct endpoint endpoints[ETCD_ENDPOINTS_MAX];
	unsigned endpoint_n, lane_n;
	char token[TOKEN_MAX]; /* "": none */
	struct etcd_lane *login;
	char login_why[WHY_MAX / 2]; /* "", or ": ..." */
};

struct etcd_lane {
	struct etcd *e;
	unsigned at; /* endpoint */
	struct transport *conn;
	bool is_open, busy, used; /* used: had an answer on this connection */
	struct http_reply reply;
	struct evbuffer *text; /* of the answer, or of a line of it */
	struct timer deadline;
	struct net_tls tls;
	char *request;
	size_t request_len;
	int64_t timeout_ms; /* of a stream: without a word */
	void (*line)(void *arg, const json_t *result);
	etcd_done_fn done;
	void *arg;
	char why[WHY_MAX];
};

/* ---- endpoints --------------------------------------------------------- */

static const char *strip_scheme(const char *text, bool *ret_tls)
{
	*ret_tls = !strncmp(text, "https://", 8);
	if (*ret_tls)
		return text + 8;
	return strncmp(text, "http://", 7) ? text : text + 7;
}

static bool parse_endpoint(const char *text, struct endpoint *ret_e)
{
	struct endpoint e = { 0 };
	union dial_address raw;
	const char *host = strip_scheme(text, &e.tls);
	const char *colon = strrchr(host, ':');
	size_t len = colon ? (size_t)(colon - host) : 0;
	char *end;

	if (!len || len >= sizeof(e.address) || strlen(host) >= sizeof(e.text))
		return false;
	(void)snprintf(e.text, sizeof(e.text), "%s", host);
	long port = strtol(colon + 1, &end, 10);

	if (*end == '/' && !end[1]) {
		e.text[end - host] = '\0';
	} else if (*end) {
		return false;
	}
	if (end == colon + 1 || port < 1 || port > 65535)
		return false;
	if (*host == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	memcpy(e.address, host, len);
	e.port = (int)port;
	if (!dial_address(&raw, e.address, e.port))
		return false;
	*ret_e = e;
	return true;
}

bool etcd_is_endpoint(const char *text)
{
	struct endpoint e;

	return parse_endpoint(text, &e);
}

/* ---- the end of a request ---------------------------------------------- */

static void close_conn(struct etcd_lane *l)
{
	if (l->conn)
		transport_abort(l->conn);
	l->conn = NULL;
	l->is_open = l->used = false;
}

static void forget(struct etcd_lane *l)
{
	timer_cancel(l->e->config.net->timers, &l->deadline);
	http_reply_release(&l->reply);
	http_reply_init(&l->reply, false);
	(void)evbuffer_drain(l->text, evbuffer_get_length(l->text));
	free(l->request);
	l->request = NULL;
	l->busy = false;
}

/* why is copied before what it may be of goes. */
static void fail(struct etcd_lane *l, int error, const char *why)
{
	char text[WHY_MAX];

	(void)snprintf(
	    text, sizeof(text), "%s: %s", l->e->endpoints[l->at].text, why);
	close_conn(l);
	l->at = (l->at + 1) % l->e->endpoint_n;
	if (!l->busy)
		return;
	forget(l);
	l->done(l->arg, error, text, NULL);
}

static bool is_bad_token(const struct etcd_lane *l, const json_t *reply)
{
	const char *text = etcd_error(reply);

	return *l->e->token && text &&
	       (strstr(text, "auth token") || etcd_number(reply, "code") == 16);
}

static void succeed(struct etcd_lane *l)
{
	json_error_t e;
	size_t len = evbuffer_get_length(l->text);
	json_t *reply =
	    json_loadb((const char *)evbuffer_pullup(l->text, -1), len, 0, &e);
	int status = l->reply.status;

	if (!json_is_object(reply)) {
		json_decref(reply);
		(void)snprintf(l->why, sizeof(l->why),
		    "answered with status %d and no JSON object", status);
		fail(l, -EPROTO, l->why);
		return;
	}
	if (is_bad_token(l, reply))
		*l->e->token = '\0';
	if (status != 200 || etcd_error(reply)) {
		const char *text = etcd_error(reply);

		(void)snprintf(l->why, sizeof(l->why), "%s",
		    text ? text : "answered with an error");
		json_decref(reply);
		fail(l, -EREMOTEIO, l->why);
		return;
	}
	l->used = true;
	forget(l);
	l->done(l->arg, 0, "", reply);
	json_decref(reply);
}

/* ---- what arrives ------------------------------------------------------ */

static const char *take_line(struct etcd_lane *l)
{
	json_error_t e;
	size_t len = evbuffer_get_length(l->text);
	json_t *o =
	    json_loadb((const char *)evbuffer_pullup(l->text, -1), len, 0, &e);
	const json_t *result = json_object_get(o, "result");
	const char *error = etcd_error(o), *problem = NULL;

	if (is_bad_token(l, o))
		*l->e->token = '\0';
	if (error) {
		(void)snprintf(l->why, sizeof(l->why), "%s", error);
		problem = l->why;
	} else if (!json_is_object(result)) {
		problem = "the stream holds no JSON object";
	} else {
		l->line(l->arg, result);
	}
	json_decref(o);
	return problem;
}

static const char *add(struct etcd_lane *l, const char *data, size_t len)
{
	if (evbuffer_get_length(l->text) + len > ETCD_REPLY_MAX)
		return "the answer is too long";
	if (evbuffer_add(l->text, data, len) < 0)
		abort(); /* out of memory */
	return NULL;
}

static const char *on_body(void *arg, const char *data, size_t len)
{
	struct etcd_lane *l = arg;
	const char *newline, *problem;

	while (l->line && l->reply.status == 200 &&
	       (newline = memchr(data, '\n', len))) {
		size_t part = (size_t)(newline - data);

		if ((problem = add(l, data, part)))
			return problem;
		problem = evbuffer_get_length(l->text) ? take_line(l) : NULL;
		(void)evbuffer_drain(l->text, evbuffer_get_length(l->text));
		if (problem || !l->busy) /* dropped by what it was told */
			return problem ? problem : "dropped";
		data += part + 1;
		len -= part + 1;
	}
	return add(l, data, len);
}

static void set_deadline(struct etcd_lane *l)
{
	struct timers *ts = l->e->config.net->timers;

	timer_set(ts, &l->deadline, timers_now(ts) + l->timeout_ms);
}

static void on_readable(void *arg)
{
	struct etcd_lane *l = arg;
	struct evbuffer *in =
	    bufferevent_get_input(transport_bufferevent(l->conn));
	enum http_progress now = HTTP_READING;
	char buf[16384];
	int n;

	if (!l->busy) {
		close_conn(l); /* nobody asked */
		return;
	}
	while (now == HTTP_READING &&
	       (n = evbuffer_remove(in, buf, sizeof(buf))) > 0)
		now = http_reply_feed(&l->reply, buf, (size_t)n);
	if (!l->busy)
		return;
	if (now == HTTP_BROKEN) {
		fail(l, -EPROTO,
		    l->reply.problem ? l->reply.problem : "broken HTTP");
	} else if (now != HTTP_READING) {
		if (l->line && l->reply.status == 200) {
			fail(l, -EPIPE, "the stream has ended");
		} else {
			succeed(l);
		}
	} else if (l->line) {
		set_deadline(l);
	}
}

/* ---- what is asked ----------------------------------------------------- */

static void send_request(struct etcd_lane *l)
{
	transport_write(l->conn, l->request, l->request_len);
}

static void on_open(void *arg)
{
	struct etcd_lane *l = arg;

	l->is_open = true;
	if (l->busy)
		send_request(l);
}

static void on_ended(void *arg)
{
	fail(arg, -ECONNRESET, "closed the connection");
}

static void on_failed(void *arg, int error, const char *why)
{
	fail(arg, error ? error : -EIO, why);
}

static const struct transport_ops transport_ops = {
	.open = on_open,
	.readable = on_readable,
	.ended = on_ended,
	.failed = on_failed,
};

static void on_deadline(void *arg)
{
	struct etcd_lane *l = arg;

	if (*l->why) {
		fail(l, -EIO, l->why);
	} else {
		fail(l, -ETIMEDOUT,
		    l->line ? "nothing came for too long"
		            : "no answer in time");
	}
}

static int open_conn(struct etcd_lane *l, struct diag *reterr)
{
	const struct endpoint *at = &l->e->endpoints[l->at];
	struct net *net = l->e->config.net;
	struct transport_to to = { .address = at->address,
		.port = at->port,
		.tls = &l->tls,
		.speaks_first = true };

	l->tls = l->e->config.tls;
	l->tls.on = at->tls;
	if (!l->tls.server_name)
		l->tls.server_name = at->address;
	if (at->tls)
		tls_cache_refresh(net->tls, &l->tls, timers_now(net->timers));
	return transport_open(net, &to, &transport_ops, l, &l->conn, reterr);
}

static void log_in(struct etcd *e);

static void begin(struct etcd_lane *l, const char *path, json_t *body)
{
	struct etcd *e = l->e;
	struct timers *ts = e->config.net->timers;
	bool needs_token = e->config.user && l != e->login;
	char *text = json_dumps(body, JSON_COMPACT);
	struct diag why;

	json_must(text ? body : NULL);
	json_decref(body);
	*l->why = '\0';
	l->busy = true;
	if (needs_token && !*e->token)
		log_in(e);
	l->request = xasprintf(
	    "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json"
	    "\r\nContent-Length: %zu\r\n%s%s%s%s\r\n%s",
	    path, e->endpoints[l->at].text, strlen(text),
	    needs_token && *e->token ? "Authorization: " : "",
	    needs_token ? e->token : "", needs_token && *e->token ? "\r\n" : "",
	    l->line ? "Grpc-Metadata-hasleader: true\r\n" : "", text);
	l->request_len = strlen(l->request);
	free(text);
	http_reply_pour(&l->reply, on_body, l);
	set_deadline(l);
	if (needs_token && !*e->token) {
		(void)snprintf(l->why, sizeof(l->why), "not logged in yet%s",
		    e->login_why);
		timer_set(ts, &l->deadline, timers_now(ts) + 50);
	} else if (l->conn && l->is_open) {
		send_request(l);
	} else if (!l->conn && open_conn(l, &why) < 0) {
		(void)snprintf(l->why, sizeof(l->why), "%.250s", why.text);
		timer_set(ts, &l->deadline, timers_now(ts));
	}
}

void etcd_call(struct etcd_lane *l, const char *path, json_t *body,
    int64_t timeout_ms, etcd_done_fn done, void *arg)
{
	l->timeout_ms = timeout_ms;
	l->line = NULL;
	l->done = done;
	l->arg = arg;
	begin(l, path, body);
}

void etcd_stream(struct etcd_lane *l, const char *path, json_t *body,
    int64_t silence_ms, void (*line)(void *arg, const json_t *result),
    etcd_done_fn done, void *arg)
{
	l->timeout_ms = silence_ms;
	l->line = line;
	l->done = done;
	l->arg = arg;
	begin(l, path, body);
}

void etcd_lane_drop(struct etcd_lane *l)
{
	forget(l);
	close_conn(l);
}

/* ---- users ------------------------------------------------------------- */

static void on_login(void *arg, int error, const char *why, const json_t *reply)
{
	struct etcd *e = arg;
	const char *token = json_string_value(json_object_get(reply, "token"));

	*e->login_why = '\0';
	if (error) {
		(void)snprintf(e->login_why, sizeof(e->login_why), ": %s", why);
	}
	if (!error && token && strlen(token) < sizeof(e->token) &&
	    !strpbrk(token, "\r\n"))
		(void)snprintf(e->token, sizeof(e->token), "%s", token);
}

static void log_in(struct etcd *e)
{
	json_t *o;

	if (e->login->busy)
		return;
	o = json_must(json_object());
	json_set(o, "name", json_text(e->config.user));
	json_set(o, "password", json_text(e->config.password));
	etcd_call(e->login, "/v3/auth/authenticate", o, LOGIN_MS, on_login, e);
}

/* ---- lifetime ---------------------------------------------------------- */

struct etcd_lane *etcd_lane_new(struct etcd *e)
{
	struct etcd_lane *l = xcalloc(1, sizeof(*l));

	l->e = e;
	l->at = e->lane_n++ % e->endpoint_n;
	l->text = evbuffer_new();
	if (!l->text)
		abort(); /* out of memory */
	http_reply_init(&l->reply, false);
	timer_init(&l->deadline, on_deadline, l);
	return l;
}

void etcd_lane_free(struct etcd_lane *l)
{
	if (!l)
		return;
	etcd_lane_drop(l);
	http_reply_release(&l->reply);
	evbuffer_free(l->text);
	free(l);
}

bool etcd_lane_is_busy(const struct etcd_lane *l)
{
	return l->busy;
}

void etcd_lane_join(struct etcd_lane *l, const struct etcd_lane *other)
{
	if (l->busy || l->at == other->at)
		return;
	close_conn(l);
	l->at = other->at;
}

bool etcd_lane_is_beside(
    const struct etcd_lane *l, const struct etcd_lane *other)
{
	return l->at == other->at;
}

const char *etcd_lane_endpoint(const struct etcd_lane *l)
{
	return l->e->endpoints[l->at].text;
}

struct etcd *etcd_new(const struct etcd_config *c)
{
	struct etcd *e = xcalloc(1, sizeof(*e));

	e->config = *c;
	for (unsigned k = 0; k < c->endpoint_n; k++) {
		if (e->endpoint_n < ETCD_ENDPOINTS_MAX &&
		    parse_endpoint(
		        c->endpoints[k], &e->endpoints[e->endpoint_n]))
			e->endpoint_n++;
	}
	e->login = etcd_lane_new(e);
	return e;
}

void etcd_free(struct etcd *e)
{
	if (!e)
		return;
	etcd_lane_free(e->login);
	free(e);
}
