// SPDX-License-Identifier: BSD-2-Clause
/*
 * Octets go from the transport into the session, what the session wants to
 * say goes out, and only then is looked at what that has come to: nghttp2
 * must not be freed by its own callbacks, which therefore only take notes.
 *
 * The first frame of a server is SETTINGS. What begins otherwise never gets
 * into the session, so that the text can say what it is.
 */
#include "registrar/net/http2.h"

#include "schema/base/xalloc.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <nghttp2/nghttp2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_HEAD_LEN 9 /* RFC 9113 4.1 */
#define SHOWN_LEN 60     /* of what is not HTTP/2 */
#define ENOUGH NGHTTP2_ERR_CALLBACK_FAILURE

struct http2 {
	struct transport *transport;
	nghttp2_session *session; /* NULL before it is open */
	const struct http2_ops *ops;
	void *arg;
	bool tls, greeted, done;
	int32_t stream; /* of the request; 0: none */
	const uint8_t *content;
	size_t content_len;
	size_t heard;          /* octets from the server */
	struct diag why, away; /* "": nothing is wrong, no GOAWAY came */
};

/* The first one counts: the others follow from it. */
static void __attribute__((format(printf, 2, 3)))
blame(struct http2 *h, const char *fmt, ...)
{
	va_list ap;

	if (*h->why.text)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(h->why.text, sizeof(h->why.text), fmt, ap);
	va_end(ap);
}

/* ---- what nghttp2 tells ----------------------------------------------- */

static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_len, const uint8_t *value,
    size_t value_len, uint8_t flags, void *arg)
{
	struct http2 *h = arg;

	(void)session;
	(void)name_len;
	(void)value_len;
	(void)flags;
	if (frame->hd.stream_id == h->stream) {
		h->ops->header(h->arg, (const char *)name, (const char *)value);
	}
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream,
    const uint8_t *data, size_t len, void *arg)
{
	struct http2 *h = arg;

	(void)session;
	(void)flags;
	if (stream != h->stream || h->ops->body(h->arg, data, len))
		return 0;
	h->done = true;
	return ENOUGH;
}

static void note_goaway(struct http2 *h, const nghttp2_goaway *g)
{
	(void)diag_set(&h->away, 0, "the server went away: %s%s%.*s",
	    nghttp2_http2_strerror(g->error_code),
	    g->opaque_data_len ? ": " : "",
	    (int)(g->opaque_data_len < SHOWN_LEN ? g->opaque_data_len
	                                         : SHOWN_LEN),
	    g->opaque_data_len ? (const char *)g->opaque_data : "");
	/* it may still answer what came before */
	if (h->stream > g->last_stream_id)
		blame(h, "%s", h->away.text);
}

static int on_frame(
    nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct http2 *h = arg;

	(void)session;
	if (frame->hd.type == NGHTTP2_GOAWAY) {
		note_goaway(h, &frame->goaway);
	} else if (frame->hd.type == NGHTTP2_RST_STREAM &&
	           frame->hd.stream_id == h->stream) {
		blame(h, "the server reset the stream: %s",
		    nghttp2_http2_strerror(frame->rst_stream.error_code));
	} else if (frame->hd.type == NGHTTP2_PING &&
	           frame->hd.flags & NGHTTP2_FLAG_ACK && !h->stream) {
		h->done = true;
	}
	return 0;
}

static int on_invalid_frame(
    nghttp2_session *session, const nghttp2_frame *frame, int error, void *arg)
{
	struct http2 *h = arg;

	(void)session;
	(void)frame;
	blame(h, "the answer breaks HTTP/2: %s", nghttp2_strerror(error));
	return 0;
}

/* We send one when the server broke the protocol: that says how. */
static int on_sent(
    nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct http2 *h = arg;
	const nghttp2_goaway *g = &frame->goaway;

	(void)session;
	if (frame->hd.type == NGHTTP2_GOAWAY) {
		blame(h, "the answer breaks HTTP/2: %s%s%.*s",
		    nghttp2_http2_strerror(g->error_code),
		    g->opaque_data_len ? ": " : "", (int)g->opaque_data_len,
		    g->opaque_data_len ? (const char *)g->opaque_data : "");
	}
	return 0;
}

static int on_stream_close(
    nghttp2_session *session, int32_t stream, uint32_t error, void *arg)
{
	struct http2 *h = arg;

	(void)session;
	if (stream != h->stream)
		return 0;
	if (error == NGHTTP2_NO_ERROR && !*h->why.text) {
		h->done = true;
	} else {
		blame(h, "the stream was closed: %s",
		    nghttp2_http2_strerror(error));
	}
	return 0;
}

static ssize_t read_content(nghttp2_session *session, int32_t stream,
    uint8_t *buf, size_t room, uint32_t *flags, nghttp2_data_source *source,
    void *arg)
{
	struct http2 *h = arg;
	size_t len = h->content_len < room ? h->content_len : room;

	(void)session;
	(void)stream;
	(void)source;
	memcpy(buf, h->content, len);
	h->content += len;
	h->content_len -= len;
	if (!h->content_len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

/* ---- the session ------------------------------------------------------ */

static void make_session(struct http2 *h)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 16384 },
	};
	nghttp2_session_callbacks *c;

	if (nghttp2_session_callbacks_new(&c) < 0)
		abort(); /* out of memory */
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
	    c, on_invalid_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, on_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(
	    c, on_stream_close);
	if (nghttp2_session_client_new(&h->session, c, h) < 0 ||
	    nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
	        sizeof(settings) / sizeof(settings[0])) < 0)
		abort(); /* out of memory */
	nghttp2_session_callbacks_del(c);
}

static nghttp2_nv make_field(const char *name, const char *value)
{
	/* nghttp2 copies both */
	return (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)name,
		.value = (uint8_t *)(uintptr_t)value,
		.namelen = strlen(name),
		.valuelen = strlen(value) };
}

void http2_request(struct http2 *h, const struct http2_request *r)
{
	nghttp2_data_provider content = { .read_callback = read_content };
	nghttp2_nv fields[4 + HTTP2_HEADERS_MAX] = {
		make_field(":method", r->method),
		make_field(":scheme", h->tls ? "https" : "http"),
		make_field(":path", r->path),
		make_field(":authority", r->authority),
	};
	size_t n = 4;

	for (unsigned i = 0; i < r->header_n && i < HTTP2_HEADERS_MAX; i++) {
		fields[n++] =
		    make_field(r->headers[i].key, r->headers[i].value);
	}
	h->content = r->content;
	h->content_len = r->content_len;
	h->stream = nghttp2_submit_request(
	    h->session, NULL, fields, n, r->content_len ? &content : NULL, h);
	if (h->stream < 0)
		abort(); /* out of memory */
}

void http2_ping(struct http2 *h)
{
	if (nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL) < 0)
		abort(); /* out of memory */
}

/* ---- in and out ------------------------------------------------------- */

/* May free h. */
static void settle(struct http2 *h)
{
	struct bufferevent *bev = transport_bufferevent(h->transport);
	const uint8_t *data;
	ssize_t len;

	/* what it is itself is bounded by what it has heard */
	while ((len = nghttp2_session_mem_send(h->session, &data)) > 0)
		(void)bufferevent_write(bev, data, (size_t)len);
	if (h->heard > HTTP2_ANSWER_MAX) {
		blame(h, "more than %d octets without an end of the answer",
		    HTTP2_ANSWER_MAX);
	}
	if (h->done) {
		h->ops->done(h->arg);
	} else if (*h->why.text) {
		h->ops->failed(h->arg, 0, h->why.text);
	}
}

/* What is there instead of HTTP/2, for people. */
static void blame_foreign(struct http2 *h, struct evbuffer *in)
{
	char text[SHOWN_LEN + 1] = "";
	ssize_t len = evbuffer_copyout(in, text, SHOWN_LEN);

	text[strcspn(text, "\r\n")] = '\0';
	if (len >= 5 && strncmp(text, "HTTP/", 5) == 0) {
		blame(h, "the server speaks HTTP/1, not HTTP/2: '%s'", text);
	} else if (len >= 2 && text[0] == 0x15 && text[1] == 3) {
		blame(h, "the server speaks TLS");
	} else {
		blame(h, "the answer is not HTTP/2: '%s'", text);
	}
}

/* SETTINGS, and no ACK of ours (RFC 9113 3.4). */
static bool is_greeting(const uint8_t head[FRAME_HEAD_LEN])
{
	return head[3] == NGHTTP2_SETTINGS && !(head[4] & NGHTTP2_FLAG_ACK) &&
	       !(head[5] & 0x7f) && !head[6] && !head[7] && !head[8];
}

/* False: there is nothing for the session, yet or ever. */
static bool greet(struct http2 *h, struct evbuffer *in)
{
	uint8_t head[FRAME_HEAD_LEN];

	if (h->greeted)
		return true;
	if (evbuffer_get_length(in) < sizeof(head))
		return false;
	(void)evbuffer_copyout(in, head, sizeof(head));
	h->greeted = is_greeting(head);
	if (!h->greeted)
		blame_foreign(h, in);
	return h->greeted;
}

static void take_in(struct http2 *h, struct evbuffer *in)
{
	size_t len;

	while ((len = evbuffer_get_contiguous_space(in)) > 0) {
		ssize_t n = nghttp2_session_mem_recv(
		    h->session, evbuffer_pullup(in, (ssize_t)len), len);

		h->heard += len;
		(void)evbuffer_drain(in, len);
		if (n == ENOUGH)
			return;
		if (n < 0) {
			blame(h, "the answer breaks HTTP/2: %s",
			    nghttp2_strerror((int)n));
			return;
		}
	}
}

/* ---- what the transport tells ----------------------------------------- */

static void on_open(void *arg)
{
	struct http2 *h = arg;

	if (h->tls && !transport_speaks(h->transport, "h2")) {
		h->ops->failed(h->arg, 0,
		    "TLS handshake: the server does not offer HTTP/2 (ALPN)");
		return;
	}
	make_session(h);
	h->ops->open(h->arg);
	settle(h);
}

static void on_readable(void *arg)
{
	struct http2 *h = arg;
	struct evbuffer *in =
	    bufferevent_get_input(transport_bufferevent(h->transport));

	if (greet(h, in))
		take_in(h, in);
	settle(h);
}

static void on_ended(void *arg)
{
	struct http2 *h = arg;
	struct evbuffer *in =
	    bufferevent_get_input(transport_bufferevent(h->transport));

	if (!h->greeted && evbuffer_get_length(in))
		blame_foreign(h, in);
	if (*h->away.text)
		blame(h, "%s", h->away.text);
	blame(h, "closed before the answer was complete");
	settle(h);
}

static void on_failed(void *arg, int error, const char *why)
{
	const struct http2 *h = arg;

	h->ops->failed(h->arg, error, why);
}

/* ---- lifetime --------------------------------------------------------- */

int http2_open(struct net *net, const struct transport_to *to,
    const struct http2_ops *ops, void *arg, struct http2 **ret_h,
    struct diag *reterr)
{
	static const struct transport_ops transport_ops = {
		.open = on_open,
		.readable = on_readable,
		.ended = on_ended,
		.failed = on_failed,
	};
	struct http2 *h = xcalloc(1, sizeof(*h));

	h->ops = ops;
	h->arg = arg;
	h->tls = to->tls && to->tls->on;
	int r =
	    transport_open(net, to, &transport_ops, h, &h->transport, reterr);

	if (r < 0) {
		free(h);
		return r;
	}
	*ret_h = h;
	return 0;
}

void http2_free(struct http2 *h)
{
	if (!h)
		return;
	nghttp2_session_del(h->session);
	transport_abort(h->transport);
	free(h);
}

const char *http2_waiting(const struct http2 *h)
{
	if (h->greeted && h->stream)
		return "no answer to the request";
	return transport_waiting(h->transport);
}
