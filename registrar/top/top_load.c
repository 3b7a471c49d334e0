// SPDX-License-Identifier: BSD-2-Clause
/*
 * The registry into the model: all of it once, then the services that changed.
 */
#include "registrar/top/top_model.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows ------------------------------------------------------------- */

struct loading {
	struct top_model *m;
	struct top_service *s;
};

static void on_service(void *arg, const struct service_row *row)
{
	struct loading *l = arg;
	struct top_service *s = xcalloc(1, sizeof(*s));

	s->arena = arena_new();
	s->zone = arena_strdup(s->arena, row->zone);
	s->name = arena_strdup(s->arena, row->name);
	top_service_free(l->s); /* half read */
	s->on_empty = row->on_empty;
	l->s = s;
}

/* Mostly that of the one before. */
static const char *source_of(
    const struct top_service *s, const struct instance_row *row)
{
	const char *last = s->n ? s->entries[s->n - 1].source : NULL;

	if (*row->node || strncmp(row->source, "registrar/", 10) != 0)
		return NULL;
	return last && !strcmp(last, row->source)
	           ? last
	           : arena_strdup(s->arena, row->source);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct loading *l = arg;
	struct top_service *s = l->s;

	if (s->n == s->max) {
		s->max = s->max ? 2 * s->max : 4;
		s->entries =
		    xreallocarray(s->entries, s->max, sizeof(*s->entries));
	}
	const char *source = source_of(s, row);

	s->entries[s->n++] = (struct top_entry){
		.service = s,
		.name = arena_strdup(s->arena, row->name),
		.facts = eligible_facts(row),
		.weight = eligible_weight(row),
		.since_wall_ms = row->since_wall_ms,
		.drain_step = row->drain.step,
		.source = source,
	};
}

static void on_done(void *arg)
{
	struct loading *l = arg;

	top_model_put(l->m, l->s);
	l->s = NULL;
}

/* What could be read of it is shown. */
static void on_broken(void *arg, const char *zone, const char *service,
    const char *instance, const char *why)
{
	const struct loading *l = arg;

	(void)zone;
	(void)service;
	(void)why;
	if (!instance && l->s)
		on_done(arg);
}

static void on_gone(void *arg, const char *zone, const char *service)
{
	const struct loading *l = arg;

	top_model_remove(l->m, zone, service);
}

static void on_all(void *arg)
{
	const struct loading *l = arg;

	top_model_clear(l->m);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void on_pause(void *arg, int64_t revision)
{
	(void)arg;
	(void)revision;
}

static int load(struct top_model *m, struct diag *reterr)
{
	struct loading l = { .m = m };
	const struct follow_reader reader = { on_all, nothing,
		{ on_service, on_instance, on_done, &l, on_broken }, on_gone,
		on_pause, &l };
	int error = follow_read(m->follow, &m->place, &reader, reterr);

	top_service_free(l.s);
	return error;
}

static void on_history(void *arg, const struct history_row *row)
{
	struct top_model *m = arg;
	struct arena *a = m->recent_arena;
	struct history_row *r = &m->recent[m->recent_n++];

	*r = *row;
	r->zone = arena_strdup(a, row->zone);
	r->service = arena_strdup(a, row->service);
	r->instance = arena_strdup(a, row->instance);
	r->was = row->was ? arena_strdup(a, row->was) : NULL;
	r->now = row->now ? arena_strdup(a, row->now) : NULL;
	r->source = row->source ? arena_strdup(a, row->source) : NULL;
	r->reason = row->reason ? arena_strdup(a, row->reason) : NULL;
}

static int load_recent(struct top_model *m, struct diag *reterr)
{
	arena_free(m->recent_arena);
	m->recent_arena = arena_new();
	m->recent_n = 0;
	return registry_read_history(
	    m->reg, NULL, NULL, TOP_RECENT_MAX, on_history, m, reterr);
}

/* ---- the registry ----------------------------------------------------- */

/* 1: something was read, 0: nothing is new. */
static int read_news(struct top_model *m, struct diag *reterr)
{
	int r = follow_is_behind(m->follow, &m->place, reterr);

	if (r <= 0)
		return r;
	r = load(m, reterr);
	if (r == 0)
		r = load_recent(m, reterr);
	return r < 0 ? r : 1;
}

bool top_model_refresh(struct top_model *m)
{
	char was[sizeof(m->trouble)];
	struct diag why;

	follow_hurry(m->follow);
	int r =
	    follow_look(m->follow, clock_read_ns(CLOCK_MONOTONIC) / 1000, &why);
	m->reg = follow_registry(m->follow);
	memcpy(was, m->trouble, sizeof(was));
	if (r == 0 && (r = read_news(m, &why)) < 0) {
		follow_failed(m->follow, r);
		m->reg = follow_registry(m->follow);
	}
	m->trouble[0] = '\0';
	if (r < 0) {
		(void)snprintf(
		    m->trouble, sizeof(m->trouble), "%.200s", why.text);
	}
	return r > 0 || strcmp(was, m->trouble) != 0;
}
