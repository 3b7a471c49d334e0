// SPDX-License-Identifier: BSD-2-Clause
/*
 * All of it in numbers, what is wrong, and a page of services: what somebody
 * who looks wants to know first, and no more of it than fits on a screen.
 */
#include "registrar/http/api/api_impl.h"
#include "registrar/lib/json.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 100       /* services read in one go */
#define PAGE_MAX 500    /* services shown */
#define PROBLEM_MAX 100 /* shown; the others are counted */

struct overview {
	struct arena *arena;
	struct registry_key at, after; /* the walk; the page begins there */
	char *search;                  /* NULL: all */
	int64_t limit, revision;
	struct api_scope scope;
	json_t *services, *problems, *states, *broken, *others;
	const char *next;
	int64_t service_n, match_n, problem_n, other_n, bad_n;
	bool unhealthy;
};

static void count(json_t *states, const char *state)
{
	json_set(states, state,
	    json_integer(
	        json_integer_value(json_object_get(states, state)) + 1));
}

/* instance NULL: the service has nothing to answer with. */
static void add_problem(struct overview *w, const struct status_service *s,
    const struct status_instance *i)
{
	if (w->problem_n++ >= PROBLEM_MAX)
		return;
	json_t *o = json_must(json_object());

	json_set(o, "zone", json_text(s->row.zone));
	json_set(o, "service", json_text(s->row.name));
	json_set(o, "instance", i ? json_text(i->row.name) : json_null());
	json_set(o, "state",
	    i ? json_text(status_state(i)) : json_text("no answer"));
	json_set(o, "since_wall_ms",
	    i ? json_integer(i->row.since_wall_ms) : json_null());
	json_set(o, "reason", i ? json_text(i->row.reason) : json_null());
	json_array_append_new(w->problems, o);
}

static json_t *brief(const struct status_report *report,
    const struct status_service *s, json_t *states, bool bad)
{
	json_t *o = json_must(json_object());
	int64_t weight = 0, since = 0;

	for (unsigned k = 0; k < s->instance_n; k++) {
		const struct status_instance *i =
		    &report->instances[s->instance_0 + k];

		if (eligible_is_in_addresses(&i->eligible))
			weight += eligible_weight(&i->row);
		if (i->row.since_wall_ms > since)
			since = i->row.since_wall_ms;
	}
	json_set(o, "zone", json_text(s->row.zone));
	json_set(o, "name", json_text(s->row.name));
	json_set(o, "protocol", json_text(s->row.protocol));
	json_set(o, "eligible_n", json_integer(s->eligible_n));
	json_set(o, "instances_n", json_integer(s->all_n));
	json_set(o, "weight", json_integer(weight));
	json_set(o, "since_wall_ms", since ? json_integer(since) : json_null());
	json_set(o, "bad", json_boolean(bad));
	json_set(o, "states", json_incref(states));
	return o;
}

static bool is_behind(
    const struct registry_key *after, const struct service_row *row)
{
	int order = strcmp(row->zone, after->zone);

	return order ? order > 0 : strcmp(row->name, after->name) > 0;
}

static void add_match(
    struct overview *w, const struct service_row *row, json_t *o)
{
	w->match_n++;
	if (!is_behind(&w->after, row))
		return;
	if ((int64_t)json_array_size(w->services) < w->limit) {
		json_array_append(w->services, o);
	} else if (!w->next) {
		const json_t *last =
		    json_array_get(w->services, (size_t)w->limit - 1);

		w->next = arena_printf(w->arena, "%s/%s",
		    json_string_value(json_object_get(last, "zone")),
		    json_string_value(json_object_get(last, "name")));
	}
}

static void add_service(struct overview *w, const struct status_report *report,
    const struct status_service *s)
{
	json_t *states = json_must(json_object());
	bool bad = s->is_out;

	w->service_n++;
	if (s->is_out)
		add_problem(w, s, NULL);
	for (unsigned k = 0; k < s->instance_n; k++) {
		const struct status_instance *i =
		    &report->instances[s->instance_0 + k];

		count(states, status_state(i));
		count(w->states, status_state(i));
		if (status_is_bad(report, i)) {
			bad = true;
			add_problem(w, s, i);
		}
	}
	w->bad_n += bad;
	api_scope_zone(&w->scope, w->arena, s->row.zone);
	if (!w->search || strstr(s->row.name, w->search)) {
		json_t *o = brief(report, s, states, bad);

		add_match(w, &s->row, o);
		json_decref(o);
	}
	json_decref(states);
}

struct others {
	struct http_request *q;
	struct overview *w;
};

static void add_other(void *arg, const struct disagreement *d)
{
	const struct others *x = arg;

	if (!http_may(x->q, ACCESS_READ, d->service) ||
	    x->w->other_n++ >= PROBLEM_MAX)
		return;
	json_t *o = json_must(json_object());

	json_set(o, "zone", json_text(d->zone));
	json_set(o, "service", json_text(d->service));
	json_set(
	    o, "instance", *d->instance ? json_text(d->instance) : json_null());
	json_set(o, "source", json_text(d->source));
	json_set(o, "says", json_text(d->says));
	json_array_append_new(x->w->others, o);
}

static enum http_more finish(struct http_request *q, struct overview *w,
    struct registry *r, struct evbuffer *out)
{
	struct others x = { q, w };

	if (registry_read_disagreements(r, NULL, NULL, add_other, &x, NULL) < 0)
		return HTTP_BREAK;
	json_t *o =
	    api_scope_told(&w->scope, w->arena, r, http_registry_path(q));

	json_set(o, "now_wall_ms", json_integer(clock_wall_ms()));
	json_set(o, "revision", json_integer(w->revision));
	json_set(o, "zone", json_text(http_zone(q)));
	json_set(o, "healthy", json_boolean(!w->unhealthy));
	json_set(o, "services_n", json_integer(w->service_n));
	json_set(o, "bad_n", json_integer(w->bad_n));
	json_set(o, "matches_n", json_integer(w->match_n));
	json_set(o, "problems_n", json_integer(w->problem_n));
	json_set(o, "disagreements_n", json_integer(w->other_n));
	json_set(o, "states", json_incref(w->states));
	json_set(o, "problems", json_incref(w->problems));
	json_set(o, "disagreements", json_incref(w->others));
	json_set(o, "broken", json_incref(w->broken));
	json_set(o, "services", json_incref(w->services));
	json_set(o, "next", w->next ? json_text(w->next) : json_null());
	api_put_json(out, o);
	return HTTP_ENOUGH;
}

static enum http_more more(
    struct http_request *q, struct evbuffer *out, void *state)
{
	struct overview *w = state;
	struct registry *r = feed_registry(http_feed(q), NULL);
	struct status_report report;
	unsigned n;

	if (!r || status_read_page(
	              r, &w->at, PIECE, clock_wall_ms(), &report, &n, NULL) < 0)
		return HTTP_BREAK;
	for (unsigned k = 0; k < report.service_n; k++) {
		if (http_may(q, ACCESS_READ, report.services[k].row.name))
			add_service(w, &report, &report.services[k]);
	}
	api_scope_sources(&w->scope, w->arena, &report);
	for (unsigned k = 0; k < report.broken_n; k++)
		json_array_append_new(w->broken, json_text(report.broken[k]));
	w->unhealthy |= status_is_unhealthy(&report);
	status_release(&report);
	if (!n)
		return finish(q, w, r, out);
	/* others have their turn while this goes on */
	api_put(out, "\n");
	return HTTP_MORE;
}

static void free_overview(void *state)
{
	struct overview *w = state;

	json_decref(w->services);
	json_decref(w->problems);
	json_decref(w->states);
	json_decref(w->broken);
	json_decref(w->others);
	api_scope_release(&w->scope);
	arena_free(w->arena);
	free(w->search);
	free(w);
}

/* ?q=PART of names, ?limit=N services behind ?after=ZONE/SERVICE. */
void api_get_overview(struct http_request *q)
{
	static const struct http_stream_ops ops = { .more = more,
		.free = free_overview };
	const char *search = http_param(q, "q");
	struct registry_key after;
	int64_t limit;

	if (!http_param_int(q, "limit", 1, PAGE_MAX, 100, &limit) ||
	    !api_after(q, &after) || !http_registry(q))
		return;
	struct overview *w = xcalloc(1, sizeof(*w));

	w->revision = feed_revision(http_feed(q), http_zone(q), NULL);
	w->after = after;
	w->limit = limit;
	w->search = search && *search ? xstrdup(search) : NULL;
	w->arena = arena_new();
	w->services = json_must(json_array());
	w->problems = json_must(json_array());
	w->states = json_must(json_object());
	w->broken = json_must(json_array());
	w->others = json_must(json_array());
	http_stream(q, 200, "application/json", &ops, w);
}

static json_t *rights(struct http_request *q, const char *service)
{
	json_t *all = json_must(json_array());

	for (unsigned k = 0; k < ACCESS_RIGHT_N; k++) {
		if (http_may(q, (enum access_right)(1u << k), service)) {
			json_array_append_new(
			    all, json_text(access_right_name(1u << k)));
		}
	}
	return all;
}

/*
 * Who is there now, up to where, and what who asks may do (with ?service=S to
 * that one); cheap enough for once a second.
 */
void api_get_programs(struct http_request *q)
{
	const struct api_scope none = { 0 };
	const char *name = http_param(q, "service");
	struct target t = { .service = NULL };
	struct diag why;

	if (name &&
	    target_parse(name, http_zone(q), http_arena(q), &t, &why) < 0) {
		http_fail(q, 400, "query: service", "%s", why.text);
		return;
	}
	int error = feed_trouble(http_feed(q), &why);

	/* what was read before is not what there is now */
	if (error < 0) {
		http_fail(
		    q, 503, NULL, "the registry cannot be read: %s", why.text);
		return;
	}
	struct registry *r = http_registry(q);

	if (!r)
		return;
	json_t *o =
	    api_scope_told(&none, http_arena(q), r, http_registry_path(q));

	json_set(o, "may", rights(q, t.service));
	json_object_del(o, "doubts");
	json_object_del(o, "doubtful");
	json_set(o, "now_wall_ms", json_integer(clock_wall_ms()));
	json_set(o, "revision",
	    json_integer(feed_revision(http_feed(q), http_zone(q), NULL)));
	http_reply_json(q, 200, o);
}
