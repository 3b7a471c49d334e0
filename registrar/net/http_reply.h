// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * http_reply - the answer to one request, octet by octet (RFC 9112).
 *
 * Of headers only what says where the body ends is looked at. Pure: no I/O.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEADER_MAX 32768 /* octets of all headers, and of trailers */
#define HTTP_BODY_MAX ((size_t)65536)
#define HTTP_LINE_MAX 512   /* what is kept of a line */
#define HTTP_REASON_MAX 128 /* with the final NUL */

enum http_progress {
	HTTP_READING,
	HTTP_COMPLETE,
	HTTP_ENOUGH, /* HTTP_BODY_MAX octets are there; there may be more */
	HTTP_BROKEN, /* see problem */
};

enum http_place {
	HTTP_IN_STATUS,
	HTTP_IN_HEADERS,
	HTTP_IN_BODY,       /* of `left` octets */
	HTTP_IN_REST,       /* up to the end of the connection */
	HTTP_IN_CHUNK_SIZE, /* RFC 9112 section 7.1 */
	HTTP_IN_CHUNK,
	HTTP_IN_CHUNK_END,
	HTTP_IN_TRAILERS,
	HTTP_AT_END,
};

struct http_reply {
	int status; /* 0: the header is not complete */
	char reason[HTTP_REASON_MAX];
	char *body; /* NUL-terminated beyond body_len; NULL: none */
	size_t body_len;
	const char *problem; /* static; NULL: none */
	/* private */
	const char *(*sink)(void *arg, const char *data, size_t len);
	void *sink_arg;
	enum http_place place;
	bool no_body; /* it is the answer to HEAD */
	bool chunked, coded, has_length;
	bool got_status_line;
	int read_status;
	int64_t left;
	size_t header_len, line_len, body_cap;
	char line[HTTP_LINE_MAX];
};

/* head: of a request whose answer has no body. */
void http_reply_init(struct http_reply *r, bool head);
void http_reply_release(struct http_reply *r);

/*
 * Of an answer that may be long, or never end: its body is not kept, but
 * given to sink as it comes. What that returns, if not NULL, is the problem
 * that ends it.
 */
void http_reply_pour(struct http_reply *r,
    const char *(*sink)(void *arg, const char *data, size_t len), void *arg);

/* The next octets. Once it is not HTTP_READING, that is the last word. */
enum http_progress http_reply_feed(
    struct http_reply *r, const char *data, size_t len);
/* There will be no more. */
enum http_progress http_reply_end(struct http_reply *r);
