// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two ways to read: line by line (status, headers, sizes of chunks), or a
 * known number of octets. A line that is longer than what is kept of it is
 * none of those that matter, but counts.
 *
 * RFC 9112 section 6.3 says how long a body is: none for HEAD, 1xx, 204 and
 * 304; chunks; a length; else all up to the end of the connection.
 */
#include "registrar/net/http_reply.h"

#include "schema/base/xalloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SIZE_LIMIT (INT64_C(1) << 48) /* of a length; far from overflow */

static enum http_progress broken(struct http_reply *r, const char *problem)
{
	r->problem = problem;
	return HTTP_BROKEN;
}

static enum http_progress not_http(struct http_reply *r)
{
	return broken(r, "the answer is not HTTP");
}

static enum http_progress complete(struct http_reply *r)
{
	r->place = HTTP_AT_END;
	return HTTP_COMPLETE;
}

/* ---- body ------------------------------------------------------------- */

static void keep_body(struct http_reply *r, const char *data, size_t len)
{
	if (len > HTTP_BODY_MAX - r->body_len)
		len = HTTP_BODY_MAX - r->body_len;
	if (r->body_len + len + 1 > r->body_cap) {
		r->body_cap = 2 * (r->body_len + len) + 1;
		if (r->body_cap > HTTP_BODY_MAX + 1)
			r->body_cap = HTTP_BODY_MAX + 1;
		r->body = xreallocarray(r->body, r->body_cap, 1);
	}
	memcpy(r->body + r->body_len, data, len);
	r->body_len += len;
	r->body[r->body_len] = '\0';
}

/* *len octets at data; less are used if they are more than what is left. */
static enum http_progress take_octets(
    struct http_reply *r, const char *data, size_t *len)
{
	if (r->place != HTTP_IN_REST && (int64_t)*len > r->left)
		*len = (size_t)r->left;
	const char *problem = r->sink ? r->sink(r->sink_arg, data, *len) : NULL;

	if (problem)
		return broken(r, problem);
	if (!r->sink)
		keep_body(r, data, *len);
	r->left -= (int64_t)*len;
	if (r->place == HTTP_IN_BODY && r->left == 0)
		return complete(r);
	if (r->place == HTTP_IN_CHUNK && r->left == 0)
		r->place = HTTP_IN_CHUNK_END;
	return r->body_len == HTTP_BODY_MAX ? HTTP_ENOUGH : HTTP_READING;
}

/* ---- lines ------------------------------------------------------------ */

/* "HTTP/1.1 200 OK" */
static enum http_progress take_status(struct http_reply *r, const char *line)
{
	if (strncmp(line, "HTTP/1.", 7) != 0 ||
	    !isdigit((unsigned char)line[7]) || line[8] != ' ' ||
	    line[9] < '1' || line[9] > '9' ||
	    !isdigit((unsigned char)line[10]) ||
	    !isdigit((unsigned char)line[11]) || (line[12] && line[12] != ' '))
		return not_http(r);
	const char *reason = line + 12 + (line[12] == ' ');
	size_t len = strnlen(reason, HTTP_REASON_MAX - 1);

	r->read_status =
	    (line[9] - '0') * 100 + (line[10] - '0') * 10 + line[11] - '0';
	memcpy(r->reason, reason, len);
	r->reason[len] = '\0';
	r->chunked = r->coded = r->has_length = false;
	r->left = 0;
	r->place = HTTP_IN_HEADERS;
	return HTTP_READING;
}

/* "5", or "5, 5" where somebody joined two of them. */
static bool take_length(struct http_reply *r, const char *text)
{
	for (;;) {
		int64_t n = 0;

		text += strspn(text, " \t");
		if (!isdigit((unsigned char)*text))
			return false;
		for (; isdigit((unsigned char)*text); text++) {
			n = n * 10 + (*text - '0');
			if (n > SIZE_LIMIT)
				return false;
		}
		if (r->has_length && r->left != n)
			return false;
		r->has_length = true;
		r->left = n;
		text += strspn(text, " \t");
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
	}
}

/* Only the last coding says where the body ends. */
static void take_coding(struct http_reply *r, const char *text)
{
	const char *comma = strrchr(text, ',');
	const char *last = comma ? comma + 1 : text;

	last += strspn(last, " \t");
	size_t len = strcspn(last, " \t;");

	r->coded = true;
	r->chunked = len == 7 && strncasecmp(last, "chunked", len) == 0;
}

static enum http_progress take_header(struct http_reply *r, const char *line)
{
	const char *colon = strchr(line, ':');

	if (*line == ' ' || *line == '\t')
		return HTTP_READING; /* of the line before */
	if (!colon || colon == line)
		return not_http(r);
	size_t len = (size_t)(colon - line);

	if (len == 14 && strncasecmp(line, "Content-Length", len) == 0 &&
	    !take_length(r, colon + 1))
		return broken(r, "the length of the answer is no number");
	if (len == 17 && strncasecmp(line, "Transfer-Encoding", len) == 0)
		take_coding(r, colon + 1);
	return HTTP_READING;
}

static enum http_progress end_headers(struct http_reply *r)
{
	int status = r->read_status;

	if (status < 200 && status != 101) {
		r->place = HTTP_IN_STATUS; /* RFC 9110 section 15.2 */
		return HTTP_READING;
	}
	r->status = status;
	if (r->no_body || status < 200 || status == 204 || status == 304)
		return complete(r);
	if (r->chunked) {
		r->place = HTTP_IN_CHUNK_SIZE;
	} else if (r->coded || !r->has_length) {
		r->place = HTTP_IN_REST;
	} else if (r->left == 0) {
		return complete(r);
	} else {
		r->place = HTTP_IN_BODY;
	}
	return HTTP_READING;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "1a;extension" */
static enum http_progress take_chunk_size(
    struct http_reply *r, const char *line)
{
	const char *p = line;
	int64_t n = 0;

	for (; hex_value(*p) >= 0 && n <= SIZE_LIMIT; p++)
		n = n * 16 + hex_value(*p);
	bool ends = !*p || strchr("; \t", *p);

	if (p == line || n > SIZE_LIMIT || !ends)
		return broken(r, "the answer has a chunk without a size");
	r->left = n;
	r->place = n ? HTTP_IN_CHUNK : HTTP_IN_TRAILERS;
	return HTTP_READING;
}

static enum http_progress take_line(struct http_reply *r, const char *line)
{
	switch (r->place) {
	case HTTP_IN_STATUS:
		return take_status(r, line);
	case HTTP_IN_HEADERS:
		return *line ? take_header(r, line) : end_headers(r);
	case HTTP_IN_CHUNK_SIZE:
		return take_chunk_size(r, line);
	case HTTP_IN_CHUNK_END:
		if (*line)
			break;
		r->place = HTTP_IN_CHUNK_SIZE;
		return HTTP_READING;
	case HTTP_IN_TRAILERS:
		return *line ? HTTP_READING : complete(r);
	case HTTP_IN_BODY:
	case HTTP_IN_REST:
	case HTTP_IN_CHUNK:
	case HTTP_AT_END:
		break;
	}
	return broken(r, "the answer has a chunk without an end");
}

/* Nobody waits for the end of a line that cannot be a status. */
static bool begins_well(const struct http_reply *r)
{
	static const char version[] = "HTTP/1.";
	size_t len = sizeof(version) - 1;

	return r->place != HTTP_IN_STATUS ||
	       strncmp(r->line, version,
	           r->line_len < len ? r->line_len : len) == 0;
}

/* *len octets at data; those up to the end of the line are used. */
static enum http_progress take_part(
    struct http_reply *r, const char *data, size_t *len)
{
	const char *end = memchr(data, '\n', *len);
	size_t part = end ? (size_t)(end - data) : *len;
	size_t room = HTTP_LINE_MAX - 1 - r->line_len;

	*len = end ? part + 1 : part;
	/* those of chunks are bounded by the body that they make, and by time
	 */
	if (r->place != HTTP_IN_CHUNK_END && r->place != HTTP_IN_CHUNK_SIZE)
		r->header_len += *len;
	memcpy(r->line + r->line_len, data, part < room ? part : room);
	r->line_len += part < room ? part : room;
	if (!begins_well(r))
		return not_http(r);
	if (r->header_len > HTTP_HEADER_MAX) {
		return broken(
		    r, "the header of the answer is longer than 32 KiB");
	}
	if (!end)
		return HTTP_READING;
	if (r->line_len && r->line[r->line_len - 1] == '\r')
		r->line_len--;
	r->line[r->line_len] = '\0';
	r->line_len = 0;
	return take_line(r, r->line);
}

/* ---- all of it -------------------------------------------------------- */

void http_reply_init(struct http_reply *r, bool head)
{
	memset(r, 0, offsetof(struct http_reply, line));
	r->no_body = head;
}

void http_reply_pour(struct http_reply *r,
    const char *(*sink)(void *arg, const char *data, size_t len), void *arg)
{
	r->sink = sink;
	r->sink_arg = arg;
}

void http_reply_release(struct http_reply *r)
{
	free(r->body);
	r->body = NULL;
}

enum http_progress http_reply_feed(
    struct http_reply *r, const char *data, size_t len)
{
	enum http_progress now = HTTP_READING;

	while (len && now == HTTP_READING) {
		size_t used = len;

		if (r->place == HTTP_IN_BODY || r->place == HTTP_IN_REST ||
		    r->place == HTTP_IN_CHUNK) {
			now = take_octets(r, data, &used);
		} else {
			now = take_part(r, data, &used);
		}
		data += used;
		len -= used;
	}
	return now;
}

enum http_progress http_reply_end(struct http_reply *r)
{
	if (r->place == HTTP_IN_REST)
		return complete(r);
	return broken(r, "closed before the answer was complete");
}
