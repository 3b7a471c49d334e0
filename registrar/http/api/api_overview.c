// SPDX-License-Identifier: BSD-2-Clause
/*
 * All of it in numbers, what is wrong, and a page of services: what somebody
 * who looks wants to know first, and no more of it than fits on a screen.
 */
#include "registrar/http/api/api_impl.h"
#include "registrar/http/api/sums.h"
#include "registrar/http/http_impl.h"
#include "registrar/lib/json.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MAX 500    /* services shown */
#define PROBLEM_MAX 100 /* shown; the others are counted */

struct overview {
	api_put_fn put;
	struct arena *arena;
	struct registry_key after; /* the page begins behind it */
	char *search;              /* NULL: all */
	int64_t limit, revision, now_wall_ms;
	struct api_scope scope;
	uint64_t sources;
	int64_t instance_n[SUM_STATE_N];
	json_t *services, *problems, *others;
	const char *next;
	const struct sum *last; /* of the page */
	int64_t service_n, match_n, problem_n, other_n, bad_n;
};

/* instance NULL: the service has nothing to answer with. */
static void add_problem(struct overview *w, const struct status_service *s,
    const struct status_instance *i)
{
	if (json_array_size(w->problems) >= PROBLEM_MAX)
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

static json_t *states_of(
    const struct status_report *report, const struct status_service *s)
{
	json_t *states = json_must(json_object());

	for (unsigned k = 0; k < s->instance_n; k++) {
		const char *state =
		    status_state(&report->instances[s->instance_0 + k]);
		int64_t n = json_integer_value(json_object_get(states, state));

		json_set(states, state, json_integer(n + 1));
	}
	return states;
}

static json_t *brief(const struct status_report *report,
    const struct status_service *s, bool bad)
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
	json_set(o, "states", states_of(report, s));
	return o;
}

static bool is_behind(const struct registry_key *after, const struct sum *s)
{
	int order = strcmp(s->zone, after->zone);

	return order ? order > 0 : strcmp(s->name, after->name) > 0;
}

static void add_problems(struct overview *w, const struct status_report *report,
    const struct status_service *s)
{
	if (s->is_out)
		add_problem(w, s, NULL);
	for (unsigned k = 0; k < s->instance_n; k++) {
		const struct status_instance *i =
		    &report->instances[s->instance_0 + k];

		if (status_is_bad(report, i))
			add_problem(w, s, i);
	}
}

/* What is shown of it is of now. */
static void look_at(struct overview *w, struct registry *r, const struct sum *s,
    bool on_page, bool in_trouble)
{
	struct status_report report;

	if (status_read(
	        r, NULL, s->zone, s->name, w->now_wall_ms, &report, NULL) < 0)
		return; /* it has gone since, or is told of as broken */
	if (report.service_n && on_page) {
		json_array_append_new(
		    w->services, brief(&report, &report.services[0], s->bad));
	}
	if (report.service_n && in_trouble)
		add_problems(w, &report, &report.services[0]);
	status_release(&report);
}

/* Is it one of the page? */
static bool add_match(struct overview *w, const struct sum *s)
{
	if (w->search && !strstr(s->name, w->search))
		return false;
	w->match_n++;
	if (!is_behind(&w->after, s))
		return false;
	if (w->limit > 0) {
		w->limit--;
		w->last = s;
		return true;
	}
	if (!w->next) {
		w->next = arena_printf(
		    w->arena, "%s/%s", w->last->zone, w->last->name);
	}
	return false;
}

static void add_service(
    struct overview *w, struct registry *r, const struct sum *s)
{
	bool on_page = add_match(w, s);
	bool in_trouble = s->bad && w->problem_n < PROBLEM_MAX;

	w->service_n++;
	w->bad_n += s->bad;
	w->problem_n += s->problem_n;
	w->sources |= s->sources;
	for (unsigned k = 0; k < SUM_STATE_N; k++)
		w->instance_n[k] += s->instance_n[k];
	if (!w->scope.zone_n ||
	    strcmp(w->scope.zones[w->scope.zone_n - 1], s->zone) != 0)
		api_scope_zone(&w->scope, w->arena, s->zone);
	if (on_page || in_trouble)
		look_at(w, r, s, on_page, in_trouble);
}

/* Registrars whose states are among those that are counted. */
static void add_sources(struct overview *w, const struct sums *sums)
{
	const char *source;

	for (unsigned k = 0; (source = sums_source(sums, k)); k++) {
		if (w->sources & (uint64_t)1 << k)
			api_scope_source(&w->scope, w->arena, source);
	}
}

static json_t *all_states(const struct overview *w, const struct sums *sums)
{
	json_t *o = json_must(json_object());
	const char *state;

	for (unsigned k = 0; (state = sums_state(sums, k)); k++) {
		if (w->instance_n[k])
			json_set(o, state, json_integer(w->instance_n[k]));
	}
	return o;
}

static json_t *all_broken(const struct sums *sums)
{
	json_t *all = json_must(json_array());
	const char *text;

	for (size_t k = 0; k < PROBLEM_MAX && (text = sums_broken(sums, k));
	     k++)
		json_array_append_new(all, json_text(text));
	return all;
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
	const struct sums *sums = q->http->sums;
	struct others x = { q, w };

	for (size_t k = 0; k < sums_n(sums); k++) {
		const struct sum *s = sums_at(sums, k);

		if (http_may(q, ACCESS_READ, s->name))
			add_service(w, r, s);
	}
	add_sources(w, sums);
	if (registry_read_disagreements(r, NULL, NULL, add_other, &x, NULL) < 0)
		return HTTP_BREAK;
	json_t *o =
	    api_scope_told(&w->scope, w->arena, r, http_registry_path(q));

	json_set(o, "now_wall_ms", json_integer(w->now_wall_ms));
	json_set(o, "revision", json_integer(w->revision));
	json_set(o, "zone", json_text(http_zone(q)));
	json_set(
	    o, "healthy", json_boolean(!w->bad_n && !sums_broken(sums, 0)));
	json_set(o, "services_n", json_integer(w->service_n));
	json_set(o, "bad_n", json_integer(w->bad_n));
	json_set(o, "matches_n", json_integer(w->match_n));
	json_set(o, "problems_n", json_integer(w->problem_n));
	json_set(o, "disagreements_n", json_integer(w->other_n));
	json_set(o, "states", all_states(w, sums));
	json_set(o, "problems", json_incref(w->problems));
	json_set(o, "disagreements", json_incref(w->others));
	json_set(o, "broken", all_broken(sums));
	json_set(o, "services", json_incref(w->services));
	json_set(o, "next", w->next ? json_text(w->next) : json_null());
	w->put(out, o, w->search ? w->search : "");
	json_decref(o);
	return HTTP_ENOUGH;
}

static enum http_more more(
    struct http_request *q, struct evbuffer *out, void *state)
{
	struct overview *w = state;
	struct registry *r = feed_registry(http_feed(q), NULL);

	w->now_wall_ms = clock_wall_ms();
	int left = r ? sums_work(q->http->sums, r, w->now_wall_ms) : -EAGAIN;

	if (left < 0)
		return HTTP_BREAK;
	if (left == 0)
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
	json_decref(w->others);
	api_scope_release(&w->scope);
	arena_free(w->arena);
	free(w->search);
	free(w);
}

/* ?q=PART of names, ?limit=N services behind ?after=ZONE/SERVICE. */
void api_overview_as(struct http_request *q, const char *type, api_put_fn put)
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

	w->put = put;
	w->revision = feed_revision(http_feed(q), http_zone(q), NULL);
	w->after = after;
	w->limit = limit;
	w->search = search && *search ? xstrdup(search) : NULL;
	w->arena = arena_new();
	w->services = json_must(json_array());
	w->problems = json_must(json_array());
	w->others = json_must(json_array());
	http_stream(q, 200, type, &ops, w);
}

static void put_json(struct evbuffer *out, json_t *o, const char *search)
{
	(void)search;
	api_put_json(out, json_incref(o));
}

void api_get_overview(struct http_request *q)
{
	api_overview_as(q, "application/json", put_json);
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
