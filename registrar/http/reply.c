// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/http_impl.h"
#include "registrar/lib/json.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void http_set_header(
    struct http_request *q, const char *name, const char *value)
{
	struct evkeyvalq *out;

	if (!q->ev || q->replied)
		return;
	out = evhttp_request_get_output_headers(q->ev);
	(void)evhttp_remove_header(out, name);
	(void)evhttp_add_header(out, name, value);
}

/* A header that the route has not set. */
void http_default_header(
    struct http_request *q, const char *name, const char *value)
{
	struct evkeyvalq *out = evhttp_request_get_output_headers(q->ev);

	if (!evhttp_find_header(out, name))
		(void)evhttp_add_header(out, name, value);
}

void http_begin_reply(struct http_request *q, const char *type)
{
	if (type)
		http_default_header(q, "Content-Type", type);
	http_default_header(q, "Cache-Control", "no-store");
	http_default_header(q, "X-Content-Type-Options", "nosniff");
}

static void send_it(
    struct http_request *q, int status, const char *type, struct evbuffer *body)
{
	http_begin_reply(q, type);
	http_hold_release(q);
	q->replied = true;
	evhttp_send_reply(q->ev, status, NULL, body);
}

static void free_text(const void *data, size_t len, void *arg)
{
	(void)data;
	(void)len;
	free(arg);
}

void http_reply(struct http_request *q, int status, const char *type,
    const void *body, size_t len)
{
	if (!q->ev || q->replied)
		return;
	struct evbuffer *out = evbuffer_new();

	if (!out || evbuffer_add(out, body, len) < 0)
		abort(); /* out of memory */
	send_it(q, status, type, out);
	evbuffer_free(out);
}

void http_reply_json_as(
    struct http_request *q, int status, const char *type, json_t *o)
{
	bool pretty = http_flag(q, "pretty");

	if (q->ev && !q->replied) {
		char *text = json_dumps(o,
		    JSON_ENCODE_ANY | (pretty ? JSON_INDENT(2) : JSON_COMPACT));
		struct evbuffer *out = evbuffer_new();

		if (!text || !out ||
		    evbuffer_add_reference(
		        out, text, strlen(text), free_text, text) < 0 ||
		    evbuffer_add(out, "\n", 1) < 0)
			abort(); /* out of memory */
		send_it(q, status, type, out);
		evbuffer_free(out);
	}
	json_decref(o);
}

void http_reply_json(struct http_request *q, int status, json_t *o)
{
	http_reply_json_as(q, status, "application/json", o);
}

/* ---- failures --------------------------------------------------------- */

static const char *title_of(int status)
{
	switch (status) {
	case 400:
		return "wrong request";
	case 401:
		return "a token is needed";
	case 403:
		return "not allowed";
	case 404:
		return "not found";
	case 405:
		return "wrong method";
	case 409:
		return "conflict";
	case 412:
		return "it has changed";
	case 413:
		return "too large";
	case 422:
		return "wrong values";
	case 429:
		return "too many requests";
	case 501:
		return "not implemented";
	case 503:
		return "not now";
	default:
		return "failed";
	}
}

static void fail_plain(struct http_request *q, const struct http_problem *p)
{
	json_t *o = json_must(json_object());

	json_set(o, "title", json_text(title_of(p->status)));
	json_set(o, "status", json_integer(p->status));
	json_set(o, "detail", json_text(p->detail));
	if (p->field)
		json_set(o, "field", json_text(p->field));
	http_reply_json_as(q, p->status, "application/problem+json", o);
}

void http_fail(
    struct http_request *q, int status, const char *field, const char *fmt, ...)
{
	char text[DIAG_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	const struct http_problem p = { status, field, text };

	if (!q->ev || q->replied)
		return;
	if (status == 503 || status == 429)
		http_default_header(q, "Retry-After", "1");
	if (q->api && q->api->fail) {
		q->api->fail(q, &p);
	} else {
		fail_plain(q, &p);
	}
}

void http_fail_error(struct http_request *q, int error, const struct diag *why)
{
	static const char rule[] = "CHECK constraint failed: ";
	const char *text = why->text;
	int status;

	if (strncmp(text, rule, sizeof(rule) - 1) == 0)
		text += sizeof(rule) - 1;
	switch (-error) {
	case EINVAL:
		status = 422;
		break;
	case ENOENT:
		status = 404;
		break;
	case EEXIST:
		status = 409;
		break;
	case EPERM:
		status = 403;
		break;
	case EBUSY:
	case EAGAIN:
	case ENODATA:
	case ESTALE:
		status = 503;
		break;
	default:
		status = 500;
		break;
	}
	http_fail(q, status, NULL, "%s", text);
}

/* ---- entity tags ------------------------------------------------------ */

static bool list_has(const char *list, const char *tag)
{
	size_t len = tag ? strlen(tag) : 0;

	for (const char *at = list; *at;) {
		at += strspn(at, " \t,");
		if (*at == '*')
			return tag;
		if (!strncmp(at, "W/", 2))
			at += 2;
		if (tag && *at == '"' && !strncmp(at + 1, tag, len) &&
		    at[1 + len] == '"')
			return true;
		at += strcspn(at, ",");
	}
	return false;
}

bool http_is_unchanged(struct http_request *q, const char *tag)
{
	const char *list = http_header(q, "If-None-Match");

	http_set_header(q, "ETag", arena_printf(http_arena(q), "\"%s\"", tag));
	if (!list || !list_has(list, tag))
		return false;
	http_reply(q, 304, NULL, "", 0);
	return true;
}

bool http_matches(struct http_request *q, const char *tag)
{
	const char *list = http_header(q, "If-Match");

	if (!list || list_has(list, tag))
		return true;
	http_fail(q, 412, "header: If-Match",
	    tag ? "it is another by now" : "there is none");
	return false;
}
