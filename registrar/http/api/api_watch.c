// SPDX-License-Identifier: BSD-2-Clause
/*
 * Server-sent events: first what there is, then what changes. The id of an
 * event is a revision up to which all has been told, so that a client that
 * comes back with it (Last-Event-ID) misses nothing.
 */
#include "registrar/http/api/api_impl.h"
#include "registrar/lib/json.h"
#include "registrar/report/status.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BEAT_MS 15000
#define PAGE 50
#define BATCH 100

enum watch_step { WATCH_BEGIN, WATCH_LIST, WATCH_FOLLOW };

struct watch {
	char *zone, *service; /* service NULL: all of all zones */
	enum watch_step step;
	struct registry_key after;
	int64_t revision; /* told up to here */
	unsigned epoch;
};

static void put_event(struct evbuffer *out, const char *name, json_t *data)
{
	api_put(out, "event: ");
	api_put(out, name);
	api_put(out, "\ndata: ");
	api_put_json(out, data);
}

static void put_id(struct evbuffer *out, int64_t revision)
{
	(void)evbuffer_add_printf(out, "\nid: %" PRId64 "\n\n", revision);
}

/* A service as it is, or that it is gone. */
static json_t *service_data(
    struct registry *r, const char *zone, const char *service)
{
	struct status_report report;
	int error =
	    status_read(r, NULL, zone, service, clock_wall_ms(), &report, NULL);

	if (error == 0 && report.service_n) {
		json_t *o = status_service_json(&report, &report.services[0]);

		status_release(&report);
		return o;
	}
	if (error == 0)
		status_release(&report);
	if (error != 0 && error != -ENOENT)
		return NULL;
	json_t *o = json_must(json_object());

	json_set(o, "zone", json_text(zone));
	json_set(o, "name", json_text(service));
	return o;
}

/* ---- what there is ---------------------------------------------------- */

static enum http_more list_one(
    struct watch *w, struct registry *r, struct evbuffer *out)
{
	json_t *o = service_data(r, w->zone, w->service);

	if (!o)
		return HTTP_BREAK;
	put_event(out, json_object_get(o, "instances") ? "service" : "gone", o);
	put_id(out, w->revision);
	w->step = WATCH_FOLLOW;
	return HTTP_MORE;
}

static enum http_more list(struct http_request *q, struct watch *w,
    struct registry *r, struct evbuffer *out)
{
	struct status_report report;
	unsigned n;

	if (w->service)
		return list_one(w, r, out);
	if (status_read_page(
	        r, &w->after, PAGE, clock_wall_ms(), &report, &n, NULL) < 0)
		return HTTP_BREAK;
	for (unsigned k = 0; k < report.service_n; k++) {
		const struct status_service *s = &report.services[k];

		if (!http_may(q, ACCESS_READ, s->row.name))
			continue;
		put_event(out, "service", status_service_json(&report, s));
		api_put(out, "\n\n");
	}
	status_release(&report);
	if (n)
		return HTTP_MORE;
	json_t *o = json_must(json_object());

	json_set(o, "revision", json_integer(w->revision));
	put_event(out, "listed", o);
	put_id(out, w->revision);
	w->step = WATCH_FOLLOW;
	return HTTP_MORE;
}

/* ---- what changes ----------------------------------------------------- */

struct batch {
	struct watch *watch;
	struct {
		char zone[REGISTRY_KEY_MAX], service[REGISTRY_KEY_MAX];
	} of[BATCH];
	unsigned n, all_n;
};

static void on_change(
    void *arg, int64_t revision, const char *zone, const char *service)
{
	struct batch *b = arg;
	const struct watch *w = b->watch;

	(void)revision;
	b->all_n++;
	if (w->service &&
	    (strcmp(w->service, service) != 0 || strcmp(w->zone, zone) != 0))
		return;
	for (unsigned k = 0; k < b->n; k++) {
		if (!strcmp(b->of[k].service, service) &&
		    !strcmp(b->of[k].zone, zone))
			return;
	}
	if (strlen(zone) >= REGISTRY_KEY_MAX ||
	    strlen(service) >= REGISTRY_KEY_MAX)
		return;
	memcpy(b->of[b->n].zone, zone, strlen(zone) + 1);
	memcpy(b->of[b->n++].service, service, strlen(service) + 1);
}

static enum http_more begin_again(struct watch *w, struct evbuffer *out)
{
	json_t *o = json_must(json_object());

	put_event(out, "reset", o);
	api_put(out, "\n\n");
	w->step = WATCH_BEGIN;
	return HTTP_MORE;
}

static enum http_more put_batch(struct http_request *q, struct registry *r,
    const struct batch *b, int64_t revision, struct evbuffer *out)
{
	unsigned told = 0;

	for (unsigned k = 0; k < b->n; k++) {
		json_t *o;

		if (!http_may(q, ACCESS_READ, b->of[k].service))
			continue;
		o = service_data(r, b->of[k].zone, b->of[k].service);
		if (!o)
			return HTTP_BREAK;
		if (told++)
			api_put(out, "\n\n");
		put_event(out,
		    json_object_get(o, "instances") ? "service" : "gone", o);
	}
	if (told)
		put_id(out, revision);
	return HTTP_MORE;
}

static enum http_more follow(struct http_request *q, struct watch *w,
    struct registry *r, struct evbuffer *out)
{
	struct batch b = { .watch = w };
	int64_t revision = w->revision;
	int error;

	if (w->epoch != feed_epoch(http_feed(q)))
		return begin_again(w, out);
	error = registry_changes(
	    r, w->revision, BATCH, on_change, &b, &revision, NULL);
	if (error == -ESTALE)
		return begin_again(w, out);
	if (error < 0)
		return HTTP_BREAK;
	if (b.all_n) {
		w->revision = revision;
		return put_batch(q, r, &b, revision, out);
	}
	http_subscribe(q, w->zone, w->service);
	return HTTP_WAIT;
}

static enum http_more more(
    struct http_request *q, struct evbuffer *out, void *state)
{
	struct watch *w = state;
	struct registry *r = feed_registry(http_feed(q), NULL);

	if (!r) {
		http_subscribe(q, w->zone, w->service);
		return HTTP_WAIT;
	}
	switch (w->step) {
	case WATCH_BEGIN:
		w->epoch = feed_epoch(http_feed(q));
		w->revision = feed_revision(http_feed(q), w->zone, NULL);
		memset(&w->after, 0, sizeof(w->after));
		w->step = WATCH_LIST;
		return HTTP_MORE;
	case WATCH_LIST:
		return list(q, w, r, out);
	case WATCH_FOLLOW:
	default:
		return follow(q, w, r, out);
	}
}

static void beat(struct evbuffer *out)
{
	api_put(out, ":\n\n");
}

static void free_watch(void *state)
{
	struct watch *w = state;

	free(w->zone);
	free(w->service);
	free(w);
}

static int64_t last_id(struct http_request *q)
{
	const char *text = http_header(q, "Last-Event-ID");

	if (!text)
		text = http_param(q, "since");
	return text ? strtoll(text, NULL, 10) : 0;
}

/* ?service=SERVICE[.ZONE] for one; ?since=REVISION as Last-Event-ID. */
void api_get_watch(struct http_request *q)
{
	static const struct http_stream_ops ops = { .more = more,
		.beat = beat,
		.free = free_watch,
		.beat_ms = BEAT_MS };
	const char *name = http_param(q, "service");
	struct target t = { .zone = http_zone(q) };
	struct diag why;

	if (name &&
	    target_parse(name, http_zone(q), http_arena(q), &t, &why) < 0) {
		http_fail(q, 400, "query: service", "%s", why.text);
		return;
	}
	if (!http_require(q, ACCESS_READ, t.service) || !http_registry(q))
		return;
	struct watch *w = xcalloc(1, sizeof(*w));

	w->zone = xstrdup(t.zone);
	w->service = t.service ? xstrdup(t.service) : NULL;
	w->revision = last_id(q);
	w->epoch = feed_epoch(http_feed(q));
	if (w->revision > 0)
		w->step = WATCH_FOLLOW;
	http_stream(q, 200, "text/event-stream", &ops, w);
}
