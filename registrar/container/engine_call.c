// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/container/engine_call.h"

#include "registrar/net/http_reply.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

struct engine_call {
	struct engine_call_config config;
	struct bufferevent *conn;
	struct http_reply reply;
	struct evbuffer *text; /* the answer, or the line that is not over */
	struct timer deadline;
	bool headed; /* so it was told */
	int error;   /* that it could not connect, or that it was too much */
};

static void finish(struct engine_call *c, int error)
{
	struct engine_call_ops ops = c->config.ops;
	size_t len = evbuffer_get_length(c->text);

	/* NUL-terminated, and never NULL */
	(void)evbuffer_add(c->text, "", 1);
	ops.done(ops.arg, error, c->reply.status,
	    (const char *)evbuffer_pullup(c->text, -1), len);
	engine_call_free(c);
}

/* ---- what arrives ----------------------------------------------------- */

static const char *add(struct engine_call *c, const char *data, size_t len)
{
	if (evbuffer_get_length(c->text) + len > c->config.max_len) {
		c->error = -EMSGSIZE;
		return "the answer is too long";
	}
	if (evbuffer_add(c->text, data, len) < 0)
		abort(); /* out of memory */
	return NULL;
}

static const char *on_body(void *arg, const char *data, size_t len)
{
	struct engine_call *c = arg;
	const struct engine_call_ops *ops = &c->config.ops;
	const char *newline;

	/* of an error what is said is kept */
	if (!ops->line || c->reply.status != 200)
		return add(c, data, len);
	while ((newline = memchr(data, '\n', len))) {
		size_t part = (size_t)(newline - data);
		const char *problem = add(c, data, part);
		size_t all = evbuffer_get_length(c->text);

		if (problem)
			return problem;
		if (all) {
			ops->line(ops->arg,
			    (const char *)evbuffer_pullup(c->text, -1), all);
			(void)evbuffer_drain(c->text, all);
		}
		data += part + 1;
		len -= part + 1;
	}
	return add(c, data, len);
}

static void tell_headed(struct engine_call *c)
{
	if (c->headed || !c->reply.status)
		return;
	c->headed = true;
	if (c->config.ops.headed)
		c->config.ops.headed(c->config.ops.arg, c->reply.status);
}

static void on_read(struct bufferevent *conn, void *arg)
{
	struct engine_call *c = arg;
	char buf[16384];
	size_t n;
	enum http_progress now = HTTP_READING;

	while (now == HTTP_READING &&
	       (n = bufferevent_read(conn, buf, sizeof(buf))) > 0) {
		now = http_reply_feed(&c->reply, buf, n);
		tell_headed(c);
	}
	if (now == HTTP_BROKEN) {
		finish(c, c->error ? c->error : -EPROTO);
	} else if (now != HTTP_READING) {
		finish(c, 0);
	}
}

static void on_event(struct bufferevent *conn, short what, void *arg)
{
	struct engine_call *c = arg;
	int error = EVUTIL_SOCKET_ERROR();

	(void)conn;
	if (what & BEV_EVENT_CONNECTED)
		return;
	if (what & BEV_EVENT_EOF) {
		bool complete = http_reply_end(&c->reply) == HTTP_COMPLETE;

		finish(c, complete ? 0 : -ECONNRESET);
	} else {
		finish(c, error ? -error : -EIO);
	}
}

static void on_deadline(void *arg)
{
	struct engine_call *c = arg;

	finish(c, c->error ? c->error : -ETIMEDOUT);
}

/* ---- lifetime --------------------------------------------------------- */

static int connect_to(struct engine_call *c, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (bufferevent_socket_connect(c->conn,
	        (const struct sockaddr *)&address, sizeof(address)) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

struct engine_call *engine_call_new(const struct engine_call_config *config)
{
	struct engine_call *c = xcalloc(1, sizeof(*c));
	struct timers *timers = config->timers;

	c->config = *config;
	c->text = evbuffer_new();
	/* deferred: connecting fails at once, and nobody is ready for that */
	c->conn = bufferevent_socket_new(
	    config->base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!c->text || !c->conn)
		abort(); /* out of memory */
	http_reply_init(&c->reply, false);
	http_reply_pour(&c->reply, on_body, c);
	bufferevent_setcb(c->conn, on_read, NULL, on_event, c);
	timer_init(&c->deadline, on_deadline, c);
	(void)evbuffer_add_printf(bufferevent_get_output(c->conn),
	    "GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: "
	    "application/json\r\nUser-Agent: rollcall\r\nConnection: "
	    "close\r\n\r\n",
	    config->path);
	c->error = connect_to(c, config->socket);
	(void)bufferevent_enable(c->conn, EV_READ | EV_WRITE);
	if (c->error || config->timeout_ms) {
		timer_set(timers, &c->deadline,
		    timers_now(timers) + (c->error ? 0 : config->timeout_ms));
	}
	return c;
}

void engine_call_free(struct engine_call *c)
{
	if (!c)
		return;
	timer_cancel(c->config.timers, &c->deadline);
	bufferevent_free(c->conn);
	http_reply_release(&c->reply);
	evbuffer_free(c->text);
	free(c);
}
