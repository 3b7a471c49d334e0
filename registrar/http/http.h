// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * http - what an API of `registrar serve` needs: routes, requests, replies.
 *
 * An API is a folder (api/, consul/, ui/ ...) that gives one struct http_api: a
 * table of routes, each a method, a path and a function. serve.c has the table
 * of all APIs and which listener shows them; nothing else has to know of a new
 * one. A path is what it says, but for `{}`, which stands for one segment, and
 * `{*}` at its end, for all that is left; both are had, decoded, by
 * http_part(). The first row that matches is it.
 *
 * A route's function ends in one of: a reply, a failure, http_hold(),
 * http_stream(), http_write(). All run in one thread and one event loop, and
 * none may wait: reading the registry is what they may do. A request lives
 * until its reply is sent or its client has gone away; whoever keeps one
 * beyond its function has it from one of the last three. Replying to a client
 * that has gone does nothing.
 *
 *	static const struct http_route routes[] = {
 *		{ HTTP_GET, "/v1/status/leader", ACCESS_READ, get_leader },
 *		{ HTTP_GET, "/v1/health/service/{}", ACCESS_READ, get_health },
 *		{ 0 },
 *	};
 *	static void get_health(struct http_request *q)
 *	{
 *		const char *zone = http_zone(q), *service = http_part(q, 0);
 *		int64_t at = feed_revision(http_feed(q), zone, service);
 *
 *		if (at == asked && !http_is_over(q))
 *			http_hold(q, zone, service, wait_ms);
 *		else
 *			http_reply_json(q, 200, read(http_registry(q), ...));
 *	}
 *
 * Held so, the function is called again, from its beginning, when that
 * service (or with NULL any) has changed, and once more when the time is over.
 * The revision is asked for first and the registry read after it: what is
 * shown is never older than its number, so no change is missed.
 */
#include "registrar/http/access.h"
#include "registrar/http/feed.h"
#include "schema/base/arena.h"
#include "schema/base/diag.h"
#include "schema/registry.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;
struct http_request;

/* HEAD is a GET to routes. */
enum http_method {
	HTTP_GET = 1,
	HTTP_PUT = 2,
	HTTP_POST = 4,
	HTTP_DELETE = 8,
	HTTP_PATCH = 16,
};

#define HTTP_BODY_MAX (1 << 20) /* of a request */
#define HTTP_HEADERS_MAX (16 << 10)
#define HTTP_PARTS_MAX 8   /* of a path that are variable */
#define HTTP_PARAMS_MAX 64 /* of a query string */

/* In the order in which one reads it. */
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
struct http_route {
	unsigned methods; /* of enum http_method; 0: the end of the table */
	const char *path;
	/* whoever has it for no service at all is refused before fn */
	enum access_right right;
	void (*fn)(struct http_request *q);
};

/* What went wrong, for whoever asked. Texts are borrowed. */
struct http_problem {
	int status;
	const char *field;  /* "weights.passing", "query: wait"; NULL */
	const char *detail; /* a sentence without full stop */
};

struct http_api {
	const char *name;
	const struct http_route *routes;
	/* Failures in its own shape; NULL: problem details of RFC 9457. */
	void (*fail)(struct http_request *q, const struct http_problem *p);
};

/* ---- what is asked ---------------------------------------------------- */

/* Of this call of the function; nothing in it outlasts a hold. */
struct arena *http_arena(struct http_request *q);
enum http_method http_method(const struct http_request *q);
/* With the query, as it was sent. */
const char *http_target(const struct http_request *q);
/* The k-th variable part of the path, decoded; never NULL. */
const char *http_part(const struct http_request *q, unsigned k);
/* The first of that name, decoded, "" without a value; NULL: none. */
const char *http_param(const struct http_request *q, const char *name);
/* The k-th of that name; NULL: there are no more. */
const char *http_param_nth(
    const struct http_request *q, const char *name, unsigned k);
/* It is there, and not 0 or false. */
bool http_flag(const struct http_request *q, const char *name);
/*
 * A number of low..high, or fallback where there is none. False: it is
 * another, and the request has failed.
 */
bool http_param_int(struct http_request *q, const char *name, int64_t low,
    int64_t high, int64_t fallback, int64_t *ret_n);
const char *http_header(const struct http_request *q, const char *name);
/* Ends with a NUL that is not counted. */
const char *http_body(struct http_request *q, size_t *ret_len);
/* Borrowed from q. NULL: it is none, and the request has failed. */
json_t *http_body_json(struct http_request *q);

/* ---- who asks --------------------------------------------------------- */

/*
 * May who asks do this to that service? NULL: to any at all. Reads leave out
 * what may not be seen.
 */
bool http_may(
    const struct http_request *q, enum access_right right, const char *service);
/* The same; false: the request has failed, with 401 or 403. */
bool http_require(
    struct http_request *q, enum access_right right, const char *service);
/* "api/ID of a token", "api/anonymous": the source of rows, and of notes. */
const char *http_source(const struct http_request *q);
/* Address of the client without its port, "uid 1000" of a Unix socket. */
const char *http_peer(const struct http_request *q);
bool http_is_anonymous(const struct http_request *q);

/* ---- the registry ----------------------------------------------------- */

/* For reading, now. NULL: it cannot be read, and the request has failed. */
struct registry *http_registry(struct http_request *q);
const char *http_registry_path(const struct http_request *q);
/* Of services that name none. */
const char *http_zone(const struct http_request *q);
/* Of instances on this host that name none. */
const char *http_address(const struct http_request *q);
struct feed *http_feed(const struct http_request *q);

/*
 * fn within a transaction of its own, as soon as the registry takes it: 0
 * commits. then: what became of it, from the event loop; -EBUSY when it was
 * locked for seconds. Both get arg, which lives in http_arena(). What a client
 * sent is written also if it has gone meanwhile.
 */
typedef int (*http_write_fn)(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, void *arg, struct diag *reterr);
typedef void (*http_written_fn)(
    struct http_request *q, int error, const struct diag *why, void *arg);
void http_write(
    struct http_request *q, http_write_fn fn, http_written_fn then, void *arg);

/* ---- replies ---------------------------------------------------------- */

/* Before the reply. */
void http_set_header(
    struct http_request *q, const char *name, const char *value);
void http_reply(struct http_request *q, int status, const char *type,
    const void *body, size_t len);
/* Takes o over. Indented with ?pretty. */
void http_reply_json(struct http_request *q, int status, json_t *o);
/* The same as another type of JSON. */
void http_reply_json_as(
    struct http_request *q, int status, const char *type, json_t *o);

/* field NULL: none. */
void http_fail(struct http_request *q, int status, const char *field,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Errors of registry.h and of written_fn, as the status that they mean. */
void http_fail_error(struct http_request *q, int error, const struct diag *why);

/*
 * Entity tags (RFC 9110 section 13): sets ETag. True: If-None-Match has it, so
 * 304 was sent. tag is without quotes.
 */
bool http_is_unchanged(struct http_request *q, const char *tag);
/* False: If-Match asks for another one, so 412 was sent. tag NULL: none. */
bool http_matches(struct http_request *q, const char *tag);

/* ---- waiting ---------------------------------------------------------- */

/*
 * Until the service (NULL: any) changes, or wait_ms after the first hold of
 * the request. It is small meanwhile: the arena is gone.
 */
void http_hold(struct http_request *q, const char *zone, const char *service,
    int64_t wait_ms);
/* The time of its hold is over: to be answered with what there is. */
bool http_is_over(const struct http_request *q);

/* A reply that is made piece by piece, as fast as it is read. */
enum http_more {
	HTTP_ENOUGH,
	HTTP_MORE,
	HTTP_WAIT,
	HTTP_BREAK, /* it cannot be completed: the client is to see that */
};
struct http_stream_ops {
	/*
	 * Puts some tens of KiB into out. What q was asked with is gone.
	 * HTTP_WAIT: again when what is subscribed to has changed.
	 */
	enum http_more (*more)(
	    struct http_request *q, struct evbuffer *out, void *state);
	void (*free)(void *state);
	/* each beat_ms in which there was nothing to say; 0: never */
	void (*beat)(struct evbuffer *out);
	int64_t beat_ms;
};
/* The arena is gone; state is freed at the end. */
void http_stream(struct http_request *q, int status, const char *type,
    const struct http_stream_ops *ops, void *state);
/* Of a stream: as of http_hold(). */
void http_subscribe(
    struct http_request *q, const char *zone, const char *service);
