// SPDX-License-Identifier: BSD-2-Clause
/*
 * From a complete request to its route's function.
 */
#include "registrar/http/http_impl.h"
#include "registrar/http/serve.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- life ------------------------------------------------------------- */

void http_request_release(struct http_request *q)
{
	if (q->busy || q->writing || q->ev)
		return;
	http_request_shrink(q);
	http_identify_release(q);
	free(q);
}

void http_request_shrink(struct http_request *q)
{
	json_decref(q->body);
	q->body = NULL;
	arena_free(q->arena);
	q->arena = NULL;
	q->params = NULL;
	q->param_n = q->part_n = 0;
}

/* The last octet is with the kernel; evhttp frees its request. */
static void on_complete(struct evhttp_request *ev, void *arg)
{
	struct http_request *q = arg;

	(void)ev;
	http_hold_release(q);
	if (q->conn)
		http_conn_done(q->conn);
	q->conn = NULL;
	q->ev = NULL;
	http_request_release(q);
}

void http_request_gone(struct http_request *q)
{
	struct evhttp_request *ev = q->ev;

	q->conn->request = NULL;
	q->conn = NULL;
	q->ev = NULL;
	http_hold_release(q);
	/* what was not answered yet is left to us, unless all is taken down */
	if (!q->replied && !evhttp_request_get_connection(ev))
		evhttp_request_free(ev);
	http_request_release(q);
}

/* ---- its route -------------------------------------------------------- */

static unsigned method_of(struct evhttp_request *ev)
{
	switch (evhttp_request_get_command(ev)) {
	case EVHTTP_REQ_GET:
	case EVHTTP_REQ_HEAD:
		return HTTP_GET;
	case EVHTTP_REQ_PUT:
		return HTTP_PUT;
	case EVHTTP_REQ_POST:
		return HTTP_POST;
	case EVHTTP_REQ_DELETE:
		return HTTP_DELETE;
	case EVHTTP_REQ_PATCH:
		return HTTP_PATCH;
	case EVHTTP_REQ_OPTIONS:
	case EVHTTP_REQ_TRACE:
	case EVHTTP_REQ_CONNECT:
	default:
		return 0;
	}
}

static const char *header(const struct http_request *q, const char *name)
{
	return evhttp_find_header(
	    evhttp_request_get_input_headers(q->ev), name);
}

/* 0: found; else the status that says why not. */
static int match_api(struct http_request *q, const char *path, unsigned *others)
{
	unsigned method = method_of(q->ev);

	for (const struct http_route *r = q->api->routes; r->methods; r++) {
		bool matches;

		if (http_match(r->path, path, http_arena(q), q->parts,
		        &q->part_n, &matches) < 0)
			return 400;
		if (!matches)
			continue;
		if (r->methods & method) {
			q->route = r;
			return 0;
		}
		*others |= r->methods;
	}
	return 404;
}

static int find_route(struct http_request *q, unsigned *ret_others)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(q->ev);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;

	*ret_others = 0;
	q->api = q->listener->apis[0];
	if (!path || !*path)
		return 400;
	for (const struct http_api *const *api = q->listener->apis; *api;
	     api++) {
		q->api = *api;
		int status = match_api(q, path, ret_others);

		if (status != 404)
			return status;
		if (*ret_others)
			return 405;
	}
	q->api = q->listener->apis[0];
	return 404;
}

static int read_query(struct http_request *q)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(q->ev);

	return http_parse_query(
	    evhttp_uri_get_query(uri), http_arena(q), &q->params, &q->param_n);
}

static void refuse_route(struct http_request *q, int status, unsigned others)
{
	static const struct {
		unsigned method;
		const char *name;
	} names[] = { { HTTP_GET, "GET, HEAD" }, { HTTP_PUT, "PUT" },
		{ HTTP_POST, "POST" }, { HTTP_DELETE, "DELETE" },
		{ HTTP_PATCH, "PATCH" } };
	const char *allow = "";

	if (status != 405) {
		http_fail(q, status, NULL,
		    status == 404 ? "there is nothing of this name"
		                  : "the path is not to be decoded");
		return;
	}
	for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
		if (others & names[k].method) {
			allow = arena_printf(http_arena(q), "%s%s%s", allow,
			    *allow ? ", " : "", names[k].name);
		}
	}
	http_set_header(q, "Allow", allow);
	http_fail(q, 405, NULL, "expected one of the methods %s", allow);
}

static bool may_come_in(struct http_request *q)
{
	const char *why = http_guard(q, header(q, "Host"), header(q, "Origin"));

	if (why) {
		http_fail(q, 403, NULL, "%s", why);
		return false;
	}
	return http_identify(q);
}

/* Its route, found anew: of a request that was held nothing else is left. */
static void run(struct http_request *q)
{
	unsigned others;
	int status = find_route(q, &others);

	if (status) {
		refuse_route(q, status, others);
		return;
	}
	int error = read_query(q);

	if (error < 0) {
		http_fail(q, 400, "query",
		    error == -E2BIG ? "found more than %d parameters"
		                    : "a parameter is not to be decoded, as "
		                      "one of at most %d must be",
		    HTTP_PARAMS_MAX);
		return;
	}
	if (may_come_in(q) && http_require(q, q->route->right, NULL))
		q->route->fn(q);
}

void http_request_run(struct http_request *q)
{
	q->busy = true;
	run(q);
	q->busy = false;
	if (q->ev && !q->replied && !q->writing && !q->ops && !q->until_ms) {
		log_error("%s: a route has not answered", q->api->name);
		http_fail(q, 500, NULL, "no answer was made");
	}
	if (q->shrinks && !q->writing)
		http_request_shrink(q);
	http_request_release(q);
}

void http_on_request(struct evhttp_request *ev, void *arg)
{
	const struct http_listener *l = arg;
	struct http_conn *c;

	if (!evhttp_request_get_connection(ev))
		return;
	c = http_conn_of(l->http, ev);
	if (!c) { /* it is ending */
		evhttp_send_error(ev, 503, NULL);
		return;
	}
	struct http_request *q = xcalloc(1, sizeof(*q));

	q->http = l->http;
	q->listener = l;
	q->conn = c;
	q->ev = ev;
	http_link_init(&q->held);
	c->request = q;
	c->begun_ms = 0;
	evhttp_request_set_on_complete_cb(ev, on_complete, q);
	http_request_run(q);
}

/* ---- what is asked ---------------------------------------------------- */

struct arena *http_arena(struct http_request *q)
{
	if (!q->arena)
		q->arena = arena_new();
	return q->arena;
}

enum http_method http_method(const struct http_request *q)
{
	return q->ev ? (enum http_method)method_of(q->ev) : HTTP_GET;
}

const char *http_target(const struct http_request *q)
{
	return q->ev ? evhttp_request_get_uri(q->ev) : "";
}

const char *http_part(const struct http_request *q, unsigned k)
{
	return k < q->part_n ? q->parts[k] : "";
}

const char *http_param_nth(
    const struct http_request *q, const char *name, unsigned k)
{
	for (unsigned i = 0; i < q->param_n; i++) {
		if (strcmp(q->params[i].name, name) == 0 && !k--)
			return q->params[i].value;
	}
	return NULL;
}

const char *http_param(const struct http_request *q, const char *name)
{
	return http_param_nth(q, name, 0);
}

bool http_flag(const struct http_request *q, const char *name)
{
	const char *value = http_param(q, name);

	return value && strcmp(value, "0") != 0 &&
	       strcasecmp(value, "false") != 0;
}

bool http_param_int(struct http_request *q, const char *name, int64_t low,
    int64_t high, int64_t fallback, int64_t *ret_n)
{
	const char *text = http_param(q, name);
	char *end;

	*ret_n = fallback;
	if (!text)
		return true;
	errno = 0;
	int64_t n = strtoll(text, &end, 10);

	if (((*text >= '0' && *text <= '9') || *text == '-') && !*end &&
	    !errno && n >= low && n <= high) {
		*ret_n = n;
		return true;
	}
	http_fail(q, 400, arena_printf(http_arena(q), "query: %s", name),
	    "found '%.100s', expected a number of %" PRId64 " to %" PRId64,
	    text, low, high);
	return false;
}

const char *http_header(const struct http_request *q, const char *name)
{
	return q->ev ? header(q, name) : NULL;
}

const char *http_body(struct http_request *q, size_t *ret_len)
{
	struct evbuffer *in =
	    q->ev ? evhttp_request_get_input_buffer(q->ev) : NULL;

	*ret_len = in ? evbuffer_get_length(in) : 0;
	char *text = arena_alloc(http_arena(q), *ret_len + 1, 1);

	if (in)
		(void)evbuffer_copyout(in, text, *ret_len);
	return text;
}

/* Nested so deep that whoever walks it is safe. */
#define DEPTH_MAX 24

static bool is_flat(json_t *j, unsigned depth)
{
	const char *key;
	json_t *value;
	size_t k;

	if (depth == DEPTH_MAX)
		return false;
	json_object_foreach(j, key, value)
	{
		if (!is_flat(value, depth + 1))
			return false;
	}
	json_array_foreach(j, k, value)
	{
		if (!is_flat(value, depth + 1))
			return false;
	}
	return true;
}

json_t *http_body_json(struct http_request *q)
{
	json_error_t why;
	size_t len;
	const char *text = http_body(q, &len);

	json_decref(q->body);
	q->body = json_loadb(
	    text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!q->body) {
		http_fail(q, 400, "body", "line %d, column %d: %s", why.line,
		    why.column, why.text);
		return NULL;
	}
	if (!is_flat(q->body, 0)) {
		http_fail(q, 400, "body",
		    "found more than %d levels, expected fewer", DEPTH_MAX);
		return NULL;
	}
	return q->body;
}

/* ---- what they belong to ---------------------------------------------- */

struct registry *http_registry(struct http_request *q)
{
	struct diag why;
	struct registry *r = feed_registry(q->http->feed, &why);

	if (!r)
		http_fail(q, 503, NULL, "%s", why.text);
	return r;
}

const char *http_registry_path(const struct http_request *q)
{
	return q->http->options->registry;
}

const char *http_zone(const struct http_request *q)
{
	return q->http->options->zone;
}

const char *http_address(const struct http_request *q)
{
	return q->http->options->address;
}

struct feed *http_feed(const struct http_request *q)
{
	return q->http->feed;
}

/* ---- who asks --------------------------------------------------------- */

bool http_may(
    const struct http_request *q, enum access_right right, const char *service)
{
	return access_may(q->who, right, service);
}

bool http_require(
    struct http_request *q, enum access_right right, const char *service)
{
	if (!right || http_may(q, right, service))
		return true;
	if (q->who->is_anonymous)
		http_set_header(q, "WWW-Authenticate", "Bearer");
	http_fail(q, q->who->is_anonymous ? 401 : 403, NULL,
	    "%s may not %s%s%s%s",
	    q->who->is_anonymous ? "who has no token" : "this token",
	    access_right_name(right), service ? " '" : "",
	    service ? service : " anything", service ? "'" : "");
	return false;
}

const char *http_source(const struct http_request *q)
{
	return q->who->source;
}

bool http_is_anonymous(const struct http_request *q)
{
	return q->who->is_anonymous;
}

const char *http_peer(const struct http_request *q)
{
	return q->peer;
}
