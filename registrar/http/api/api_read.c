// SPDX-License-Identifier: BSD-2-Clause
/*
 * What there is: the same objects as `status --json`, `explain --json` and
 * `history --json`.
 */
#include "registrar/command/commands.h"
#include "registrar/http/api/api_impl.h"
#include "registrar/lib/json.h"
#include "registrar/report/status.h"
#include "registrar/report/target.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_S 300
#define WAIT_MAX_S 600
#define PAGE_MAX 1000
#define PIECE 100 /* services read in one go */

void api_put(struct evbuffer *out, const char *text)
{
	if (evbuffer_add(out, text, strlen(text)) < 0)
		abort(); /* out of memory */
}

void api_put_json(struct evbuffer *out, json_t *o)
{
	char *text = json_dumps(o, JSON_ENCODE_ANY | JSON_COMPACT);

	if (!text)
		abort(); /* out of memory */
	api_put(out, text);
	free(text);
	json_decref(o);
}

/* ---- one service ------------------------------------------------------ */

bool api_target(struct http_request *q, struct target *ret_t)
{
	const char *instance = http_part(q, 1);
	struct diag why;
	const char *text = *instance ? arena_printf(http_arena(q), "%s/%s",
	                                   http_part(q, 0), instance)
	                             : http_part(q, 0);

	if (target_parse(text, http_zone(q), http_arena(q), ret_t, &why) == 0)
		return true;
	http_fail(q, 400, "path", "%s", why.text);
	return false;
}

/*
 * ?revision=N waits for another one, for at most ?wait=SECONDS. True: it is
 * held, or has failed.
 */
static bool is_waiting(
    struct http_request *q, const char *zone, const char *service)
{
	int64_t at = feed_revision(http_feed(q), zone, service), known, wait_s;

	if (!http_param_int(q, "revision", 0, INT64_MAX, -1, &known) ||
	    !http_param_int(q, "wait", 0, WAIT_MAX_S, WAIT_S, &wait_s))
		return true;
	http_set_header(q, "X-Rollcall-Revision",
	    arena_printf(http_arena(q), "%" PRId64, at));
	if (known != at || http_is_over(q))
		return false;
	http_hold(q, zone, service, wait_s * 1000);
	return true;
}

void api_get_service(struct http_request *q)
{
	struct status_report report;
	struct target t;
	struct diag why;

	if (!api_target(q, &t) || !http_require(q, ACCESS_READ, t.service) ||
	    is_waiting(q, t.zone, t.service))
		return;
	struct registry *r = http_registry(q);

	if (!r)
		return;
	int error = status_read(r, http_registry_path(q), t.zone, t.service,
	    clock_wall_ms(), &report, &why);

	if (error < 0) {
		http_fail_error(q, error, &why);
		return;
	}
	http_reply_json(q, 200, status_json(&report));
	status_release(&report);
}

void api_get_instance(struct http_request *q)
{
	struct status_report report;
	struct target t;
	struct diag why;

	if (!api_target(q, &t) || !http_require(q, ACCESS_READ, t.service) ||
	    is_waiting(q, t.zone, t.service))
		return;
	struct registry *r = http_registry(q);

	if (!r)
		return;
	int error = status_read_instance(
	    r, t.zone, t.service, t.instance, clock_wall_ms(), &report, &why);

	if (error < 0) {
		http_fail_error(q, error, &why);
		return;
	}
	http_reply_json(
	    q, 200, status_instance_json(&report, &report.instances[0]));
	status_release(&report);
}

/* ---- pages ------------------------------------------------------------ */

bool api_after(struct http_request *q, struct registry_key *ret_key)
{
	const char *text = http_param(q, "after");
	const char *slash = text ? strrchr(text, '/') : NULL;

	memset(ret_key, 0, sizeof(*ret_key));
	if (!text)
		return true;
	if (!slash || (size_t)(slash - text) >= sizeof(ret_key->zone) ||
	    strlen(slash) > sizeof(ret_key->name)) {
		http_fail(q, 400, "query: after",
		    "found '%.100s', expected ZONE/SERVICE as `next` said",
		    text);
		return false;
	}
	memcpy(ret_key->zone, text, (size_t)(slash - text));
	memcpy(ret_key->name, slash + 1, strlen(slash));
	return true;
}

static void add_seen(
    struct http_request *q, const struct status_report *report, json_t *all)
{
	for (unsigned k = 0; k < report->service_n; k++) {
		const struct status_service *s = &report->services[k];

		if (http_may(q, ACCESS_READ, s->row.name)) {
			json_array_append_new(
			    all, status_service_json(report, s));
		}
	}
}

void api_get_services(struct http_request *q)
{
	struct registry_key after;
	struct status_report report;
	struct diag why;
	int64_t limit;
	unsigned n;

	if (!http_param_int(q, "limit", 1, PAGE_MAX, 100, &limit) ||
	    !api_after(q, &after) || is_waiting(q, http_zone(q), NULL))
		return;
	struct registry *r = http_registry(q);

	if (!r)
		return;
	int error = status_read_page(
	    r, &after, (unsigned)limit, clock_wall_ms(), &report, &n, &why);

	if (error < 0) {
		http_fail_error(q, error, &why);
		return;
	}
	json_t *o = json_must(json_object()), *all = json_must(json_array());

	add_seen(q, &report, all);
	json_set(o, "services", all);
	json_set(o, "next",
	    n < limit ? json_null()
	              : json_text(arena_printf(
	                    http_arena(q), "%s/%s", after.zone, after.name)));
	status_release(&report);
	http_reply_json(q, 200, o);
}

/* ---- everything ------------------------------------------------------- */

/* A walk over all services, a piece in each turn. */
struct walk {
	struct arena *arena;
	struct registry_key after;
	struct api_scope scope;
	json_t *broken;
	bool unhealthy, opened, begun;
};

static void add_once(struct arena *a, const char ***list, unsigned *n,
    unsigned *max, const char *text)
{
	for (unsigned k = *n; k-- > 0;) {
		if (!strcmp((*list)[k], text))
			return;
	}
	if (*n == *max) {
		*max = *max ? 2 * *max : 16;
		*list = xreallocarray(*list, *max, sizeof(**list));
	}
	(*list)[(*n)++] = arena_strdup(a, text);
}

void api_scope_zone(struct api_scope *s, struct arena *a, const char *zone)
{
	add_once(a, &s->zones, &s->zone_n, &s->zone_max, zone);
}

void api_scope_source(struct api_scope *s, struct arena *a, const char *source)
{
	add_once(a, &s->sources, &s->source_n, &s->source_max, source);
}

void api_scope_sources(
    struct api_scope *s, struct arena *a, const struct status_report *report)
{
	for (unsigned k = 0; k < report->source_n; k++)
		api_scope_source(s, a, report->sources[k]);
}

json_t *api_scope_told(const struct api_scope *s, struct arena *a,
    struct registry *r, const char *path)
{
	const struct told_scope scope = { .sources = s->sources,
		.zones = s->zones,
		.source_n = s->source_n,
		.zone_n = s->zone_n };
	struct told told;

	told_read(&told, r, path, clock_wall_ms(), a);
	told_judge(&told, &scope);
	return status_told_json(&told);
}

void api_scope_release(struct api_scope *s)
{
	free(s->sources);
	free(s->zones);
}

static void put_services(struct http_request *q, struct walk *w,
    struct evbuffer *out, const struct status_report *report)
{
	for (unsigned k = 0; k < report->service_n; k++) {
		const struct status_service *s = &report->services[k];

		if (!http_may(q, ACCESS_READ, s->row.name))
			continue;
		api_put(out, w->begun ? ",\n" : "\n");
		w->begun = true;
		api_put_json(out, status_service_json(report, s));
		api_scope_zone(&w->scope, w->arena, s->row.zone);
	}
	api_scope_sources(&w->scope, w->arena, report);
	for (unsigned k = 0; k < report->broken_n; k++)
		json_array_append_new(w->broken, json_text(report->broken[k]));
	w->unhealthy |= status_is_unhealthy(report);
}

/* Behind all services: what of it is in doubt. */
static void put_told(struct http_request *q, struct walk *w,
    struct evbuffer *out, struct registry *r)
{
	json_t *o =
	    api_scope_told(&w->scope, w->arena, r, http_registry_path(q));

	json_set(o, "healthy", json_boolean(!w->unhealthy));
	json_set(o, "broken", json_incref(w->broken));
	char *text = json_dumps(o, JSON_COMPACT);

	if (!text)
		abort(); /* out of memory */
	api_put(out, "],");
	api_put(out, text + 1); /* the rest of the object */
	api_put(out, "\n");
	free(text);
	json_decref(o);
}

static enum http_more more_status(
    struct http_request *q, struct evbuffer *out, void *state)
{
	struct walk *w = state;
	struct registry *r = feed_registry(http_feed(q), NULL);
	struct status_report report;
	unsigned n;

	if (!r || status_read_page(r, &w->after, PIECE, clock_wall_ms(),
	              &report, &n, NULL) < 0)
		return HTTP_BREAK;
	if (!w->opened) {
		api_put(out, arena_printf(w->arena,
		                 "{\"now_wall_ms\":%" PRId64 ",\"services\":[",
		                 clock_wall_ms()));
		w->opened = true;
	}
	put_services(q, w, out, &report);
	status_release(&report);
	if (n)
		return HTTP_MORE;
	put_told(q, w, out, r);
	return HTTP_ENOUGH;
}

static void free_walk(void *state)
{
	struct walk *w = state;

	json_decref(w->broken);
	api_scope_release(&w->scope);
	arena_free(w->arena);
	free(w);
}

void api_get_status(struct http_request *q)
{
	static const struct http_stream_ops ops = { .more = more_status,
		.free = free_walk };
	struct walk *w;

	if (is_waiting(q, http_zone(q), NULL) || !http_registry(q))
		return;
	w = xcalloc(1, sizeof(*w));
	w->arena = arena_new();
	w->broken = json_must(json_array());
	http_stream(q, 200, "application/json", &ops, w);
}
