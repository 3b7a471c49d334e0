// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * http2 - one HTTP/2 connection, with one request or PING
 * (RFC 9113).
 *
 * The protocol is nghttp2's. Here are the transport under it, the bounds,
 * and texts for what goes wrong. There is no time-out.
 *
 * One thread, that of the event base. Callbacks come from the loop alone;
 * open(), header() and body() must not free the connection, others may.
 */
#include "registrar/net/transport.h"
#include "schema/conf/fields.h"

#include <stdint.h>

struct http2;

/* All that a server may say, frames and headers included. */
#define HTTP2_ANSWER_MAX 65536

struct http2_ops {
	/* Time for http2_request() or http2_ping(). */
	void (*open)(void *arg);
	/* Of the header or the trailer; NUL-terminated, may hold any octets. */
	void (*header)(void *arg, const char *name, const char *value);
	/* False: no more of it; it counts as complete. */
	bool (*body)(void *arg, const uint8_t *data, size_t len);
	/* The answer is complete, or the PING was answered. */
	void (*done)(void *arg);
	/* error: as of struct transport_ops */
	void (*failed)(void *arg, int error, const char *why);
};

/*
 * ALPN is up to to->tls; a server that takes none of it is told as failed.
 * -E..: it cannot even begin; reterr says why. ops and arg are borrowed.
 */
int http2_open(struct net *net, const struct transport_to *to,
    const struct http2_ops *ops, void *arg, struct http2 **ret_h,
    struct diag *reterr);
/* With a reset. NULL is ignored. */
void http2_free(struct http2 *h);

struct http2_request {
	const char *method, *path, *authority;
	/* names in lower case; key and value are copied */
	const struct conf_pair *headers;
	unsigned header_n;      /* at most HTTP2_HEADERS_MAX */
	const uint8_t *content; /* borrowed until done() or failed() */
	size_t content_len;
};
#define HTTP2_HEADERS_MAX 8

void http2_request(struct http2 *h, const struct http2_request *r);
void http2_ping(struct http2 *h);

/* What it waits for, for the text of a time-out. */
const char *http2_waiting(const struct http2 *h);
