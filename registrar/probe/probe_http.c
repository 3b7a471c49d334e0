// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_http - what does a web server answer? (RFC 9110, 9112)
 *
 * One request on a connection of its own. Redirects are answers like any
 * other. The whole answer has to arrive within the time-out; of a body
 * longer than HTTP_BODY_MAX the rest is not awaited, and a match is looked
 * for in what was read.
 *
 * Not evhttp: libevent 2.1 has none for Unix sockets, loses the reasons of
 * connections that fail, and goes on using a connection behind our callbacks.
 */
#include "registrar/lib/match.h"
#include "registrar/lib/secret.h"
#include "registrar/net/http_reply.h"
#include "registrar/net/transport.h"
#include "registrar/probe/probe.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BODY_SHOWN 256 /* of a failure, in the detail */
#define READ_MAX 16384

struct http_run {
	struct transport *transport;
	char *request; /* wiped: it may hold secrets */
	size_t request_len, request_room;
	struct secrets secrets;
	struct http_reply reply;
	bool finished; /* nothing more will come */
};

/* ---- judging ---------------------------------------------------------- */

static bool in_ranges(const struct check_ranges *r, int status)
{
	for (unsigned i = 0; i < r->n; i++) {
		if (status >= r->items[i].low && status <= r->items[i].high)
			return true;
	}
	return false;
}

/* What a server repeats of the request is not for everybody's eyes. */
static void hide_secrets(struct http_run *run)
{
	struct http_reply *a = &run->reply;

	if (!run->secrets.n)
		return;
	if (strlen(a->reason) == HTTP_REASON_MAX - 1)
		a->reason[0] = '\0'; /* it may end within one */
	secrets_hide(&run->secrets, a->reason, strlen(a->reason));
	if (a->body)
		secrets_hide(&run->secrets, a->body, a->body_len);
}

static void judge(struct probe *p)
{
	const struct check_http *check = &p->spec->http;
	struct http_run *run = p->run;
	const struct http_reply *a = &run->reply;
	const char *body = a->body ? a->body : "";
	int matches =
	    check->body ? match_regex(check->body, body, a->body_len) : 1;

	hide_secrets(run);
	if (in_ranges(&check->warn_status, a->status)) {
		probe_done_fmt(p, VERDICT_WARN, "%d %s", a->status, a->reason);
	} else if (!in_ranges(&check->status, a->status)) {
		size_t len =
		    a->body_len < BODY_SHOWN ? a->body_len : BODY_SHOWN;

		probe_done_fmt(p, VERDICT_FAIL, "%d %s%s%.*s", a->status,
		    a->reason, len ? ": " : "", (int)len, body);
	} else if (matches != 1) {
		probe_done_fmt(p, VERDICT_FAIL,
		    "%d %s, but the first %zu octets of the body %s '%s'",
		    a->status, a->reason, a->body_len, match_word(matches),
		    check->body);
	} else {
		probe_done_fmt(p, VERDICT_PASS, "%d %s", a->status, a->reason);
	}
}

static void take_progress(struct probe *p, enum http_progress now)
{
	struct http_run *run = p->run;

	switch (now) {
	case HTTP_READING:
		return;
	case HTTP_COMPLETE:
		run->finished = true;
		judge(p);
		return;
	case HTTP_ENOUGH:
		judge(p);
		return;
	case HTTP_BROKEN:
		probe_done(p, VERDICT_FAIL, run->reply.problem);
		return;
	}
}

/* ---- news of the connection ------------------------------------------- */

static void on_open(void *arg)
{
	struct probe *p = arg;
	const struct http_run *run = p->run;

	/* not copied: the connection ends before the run does */
	transport_write(run->transport, run->request, run->request_len);
}

static void on_readable(void *arg)
{
	struct probe *p = arg;
	struct http_run *run = p->run;
	enum http_progress now = HTTP_READING;
	char data[READ_MAX];
	size_t n;

	while (now == HTTP_READING &&
	       (n = transport_read(run->transport, data, sizeof(data))) > 0)
		now = http_reply_feed(&run->reply, data, n);
	take_progress(p, now);
}

static void on_ended(void *arg)
{
	struct probe *p = arg;
	struct http_run *run = p->run;

	take_progress(p, http_reply_end(&run->reply));
}

static void on_failed(void *arg, int error, const char *why)
{
	probe_done_error(arg, error, why);
}

static const struct transport_ops talk_ops = { .open = on_open,
	.readable = on_readable,
	.ended = on_ended,
	.failed = on_failed };

/* ---- the request ------------------------------------------------------ */

/* Makes room for len octets more; nothing is left where it was before. */
static char *reserve(struct http_run *run, size_t len)
{
	size_t need = run->request_len + len;

	if (need > run->request_room) {
		size_t room = 2 * need + 512;
		char *grown = xmalloc(room);

		if (run->request) {
			memcpy(grown, run->request, run->request_len);
			explicit_bzero(run->request, run->request_len);
		}
		free(run->request);
		run->request = grown;
		run->request_room = room;
	}
	return run->request + run->request_len;
}

static void put(struct http_run *run, const char *data, size_t len)
{
	memcpy(reserve(run, len), data, len);
	run->request_len += len;
}

static void put_words(struct http_run *run, const char *a, const char *b,
    const char *c, const char *d)
{
	const char *const words[] = { a, b, c, d };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		put(run, words[i], strlen(words[i]));
}

/* What is not among the headers of the definition. */
static void put_defaults(struct http_run *run, const struct check_http *check)
{
	const struct {
		const char *key, *value;
	} all[] = { { "Host", check->host }, { "User-Agent", "rollcall" },
		{ "Connection", "close" } };
	char length[24];

	for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++) {
		unsigned i = 0;

		while (i < check->headers.n &&
		       strcasecmp(check->headers.items[i].key, all[k].key) != 0)
			i++;
		if (i == check->headers.n)
			put_words(run, all[k].key, ": ", all[k].value, "\r\n");
	}
	if (check->send.len) {
		(void)snprintf(length, sizeof(length), "%zu", check->send.len);
		put_words(run, "Content-Length", ": ", length, "\r\n");
	}
}

static int put_headers(
    struct http_run *run, const struct probe *p, struct diag *reterr)
{
	const struct check_http *check = &p->spec->http;

	for (unsigned i = 0; i < check->headers.n; i++) {
		const struct conf_pair *h = &check->headers.items[i];
		char *value = NULL;

		if (check->secrets) {
			int r = secret_fill(
			    h->value, p->fetch, &run->secrets, &value, reterr);

			if (r < 0) {
				return diag_prefix(
				    reterr, r, "header '%s'", h->key);
			}
		}
		put_words(run, h->key, ": ", value ? value : h->value, "\r\n");
		secret_free(value);
	}
	put_defaults(run, check);
	return 0;
}

static int make_request(
    struct http_run *run, const struct probe *p, struct diag *reterr)
{
	const struct check_http *check = &p->spec->http;

	put_words(run, check->method, " ", check->target, " HTTP/1.1\r\n");
	int r = put_headers(run, p, reterr);

	put(run, "\r\n", 2);
	put(run, check->send.len ? check->send.data : "", check->send.len);
	return r;
}

/* ---- one run ---------------------------------------------------------- */

static void add_file(void *fetch, const char *path)
{
	fetch_add(fetch, path);
}

static void http_files(const struct probe *p, struct fetch *f)
{
	const struct check_http *check = &p->spec->http;

	for (unsigned i = 0; check->secrets && i < check->headers.n; i++)
		secret_each_file(check->headers.items[i].value, add_file, f);
	probe_tls_files(p, &check->tls, f);
}

static void http_start(struct probe *p)
{
	const struct check_http *check = &p->spec->http;
	const struct transport_to to = { .path = check->socket,
		.address = check->address,
		.port = check->port,
		.tls = &check->tls,
		.speaks_first = true,
		.simple = true };
	struct http_run *run = xcalloc(1, sizeof(*run));
	struct diag why;

	p->run = run;
	http_reply_init(&run->reply, strcmp(check->method, "HEAD") == 0);
	int r = make_request(run, p, &why);

	if (r == 0) {
		r = transport_open(
		    &p->prober->net, &to, &talk_ops, p, &run->transport, &why);
	}
	if (r < 0)
		probe_done_error(p, r, why.text);
}

static void http_stop(struct probe *p)
{
	struct http_run *run = p->run;

	if (!run)
		return;
	if (run->finished) {
		transport_close(run->transport);
	} else {
		transport_abort(run->transport);
	}
	if (run->request)
		explicit_bzero(run->request, run->request_len);
	free(run->request);
	secrets_release(&run->secrets);
	http_reply_release(&run->reply);
	free(run);
}

static const char *http_waiting(const struct probe *p)
{
	const struct http_run *run = p->run;

	return run->reply.place != HTTP_IN_STATUS
	           ? "reading the answer"
	           : transport_waiting(run->transport);
}

const struct probe_ops probe_http_ops = {
	.files = http_files,
	.start = http_start,
	.stop = http_stop,
	.waiting = http_waiting,
};
