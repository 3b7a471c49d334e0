// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/mesh/model.h"

#include "schema/base/xalloc.h"
#include "schema/follow.h"
#include "schema/mesh.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct mesh_model {
	void *tree; /* of struct mesh_service */
	struct follow_place place;
	/* of one reading */
	unsigned round;
	struct mesh_service *loading;
	int loading_port;
	mesh_model_changed_fn changed;
	void *arg;
};

static int by_key(const void *a, const void *b)
{
	const struct mesh_service *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : strcmp(x->zone, y->zone);
}

static void service_free(void *p)
{
	struct mesh_service *s = p;

	if (!s)
		return;
	free(s->instances);
	arena_free(s->arena);
	free(s);
}

struct mesh_model *mesh_model_new(void)
{
	return xcalloc(1, sizeof(struct mesh_model));
}

void mesh_model_free(struct mesh_model *m)
{
	if (!m)
		return;
	service_free(m->loading);
	tdestroy(m->tree, service_free);
	free(m);
}

struct mesh_service *mesh_model_find(
    struct mesh_model *m, const char *zone, const char *name)
{
	const struct mesh_service key = { .zone = zone, .name = name };
	struct mesh_service *const *found = tfind(&key, &m->tree, by_key);

	return found ? *found : NULL;
}

struct walk {
	mesh_model_fn fn;
	void *arg;
};

static void visit(const void *node, VISIT which, void *closure)
{
	const struct walk *w = closure;

	if (which == postorder || which == leaf)
		w->fn(w->arg, *(struct mesh_service *const *)node);
}

void mesh_model_each(struct mesh_model *m, mesh_model_fn fn, void *arg)
{
	struct walk w = { fn, arg };

	twalk_r(m->tree, visit, &w);
}

/* ---- rows -------------------------------------------------------------- */

static void on_service(void *arg, const struct service_row *row)
{
	struct mesh_model *m = arg;
	struct mesh_service *s = xcalloc(1, sizeof(*s));
	struct diag why;

	service_free(m->loading); /* half read */
	m->loading = s;
	m->loading_port = row->port;
	s->arena = arena_new();
	s->zone = arena_strdup(s->arena, row->zone);
	s->name = arena_strdup(s->arena, row->name);
	s->on_empty = row->on_empty;
	s->in_mesh = row->mesh;
	s->touched = m->round;
	if (!row->mesh)
		return;
	if (mesh_policy_parse(s->arena, row->mesh, s->zone, &s->policy, &why) <
	    0) {
		s->policy = (struct mesh_policy){
			.is_closed = true, .proxy_user = "", .port = ROW_DEFAULT
		};
		s->broken = arena_strdup(s->arena, why.text);
	}
	if (s->policy.port != ROW_DEFAULT)
		m->loading_port = s->policy.port;
}

static void on_instance(void *arg, const struct instance_row *row)
{
	const struct mesh_model *m = arg;
	struct mesh_service *s = m->loading;
	int port = row->port == ROW_DEFAULT ? m->loading_port : row->port;

	if (!s || !s->in_mesh || port == ROW_DEFAULT)
		return;
	if (s->n == s->max) {
		s->max = s->max ? 2 * s->max : 4;
		s->instances =
		    xreallocarray(s->instances, s->max, sizeof(*s->instances));
	}
	s->instances[s->n++] = (struct mesh_instance){
		.name = arena_strdup(s->arena, row->name),
		.address = arena_strdup(s->arena, row->address),
		.address6 = row->address6
		                ? arena_strdup(s->arena, row->address6)
		                : NULL,
		.node = arena_strdup(s->arena, row->node),
		.port = port,
		.priority = row->priority,
		.weight = eligible_weight(row),
		.facts = eligible_facts(row),
	};
}

/* Was it in the mesh, and so of interest? */
static bool drop(struct mesh_model *m, const char *zone, const char *name)
{
	struct mesh_service *s = mesh_model_find(m, zone, name);

	if (!s)
		return false;
	bool was = s->in_mesh;

	tdelete(s, &m->tree, by_key);
	service_free(s);
	return was;
}

static void on_done(void *arg)
{
	struct mesh_model *m = arg;
	struct mesh_service *s = m->loading;

	m->loading = NULL;
	if (!s)
		return;
	bool tell = drop(m, s->zone, s->name) || s->in_mesh;

	if (!tsearch(s, &m->tree, by_key))
		abort(); /* out of memory */
	if (tell && m->changed)
		m->changed(m->arg, s->zone, s->name);
}

static void on_gone(void *arg, const char *zone, const char *name)
{
	struct mesh_model *m = arg;

	if (drop(m, zone, name) && m->changed)
		m->changed(m->arg, zone, name);
}

static void on_all(void *arg)
{
	struct mesh_model *m = arg;

	m->round++;
}

/* The first that does not come any more, if all were read. */
static void find_old(void *arg, struct mesh_service *s)
{
	struct mesh_service **old = ((void **)arg)[0];
	const struct mesh_model *m = ((void **)arg)[1];

	if (!*old && s->touched != m->round)
		*old = s;
}

static void on_all_done(void *arg)
{
	struct mesh_model *m = arg;
	struct mesh_service *old;

	do {
		void *closure[] = { &old, m };

		old = NULL;
		mesh_model_each(m, find_old, closure);
		if (old)
			on_gone(m, old->zone, old->name);
	} while (old);
}

static void on_pause(void *arg, int64_t revision)
{
	(void)arg;
	(void)revision;
}

struct revoking {
	struct registry *r;
	int error;
	struct diag *reterr;
};

static void read_revoked(void *arg, struct mesh_service *s)
{
	struct revoking *x = arg;

	if (s->in_mesh && x->error == 0) {
		x->error = registry_is_mesh_revoked(
		    x->r, s->zone, s->name, &s->revoked, x->reterr);
	}
}

int mesh_model_read(struct mesh_model *m, struct follow *f,
    mesh_model_changed_fn changed, void *arg, struct diag *reterr)
{
	const struct follow_reader reader = { on_all, on_all_done,
		{ on_service, on_instance, on_done, m, registry_pass_over },
		on_gone, on_pause, m };
	struct registry *r = follow_registry(f);

	if (!r)
		return diag_set(reterr, -EAGAIN, "there is no registry");
	m->changed = changed;
	m->arg = arg;
	int error = follow_read(f, &m->place, &reader, reterr);
	struct revoking x = { follow_registry(f), error, reterr };

	if (error == 0 && x.r)
		mesh_model_each(m, read_revoked, &x);
	return x.error;
}

/* ---- who gets calls ---------------------------------------------------- */

/* Those of the lowest priority that has any. */
static void keep_best_priority(struct mesh_service *s)
{
	int best = INT32_MAX;

	for (unsigned i = 0; i < s->n; i++) {
		const struct mesh_instance *x = &s->instances[i];

		if (x->gets_calls && x->weight > 0 && x->priority < best)
			best = x->priority;
	}
	for (unsigned i = 0; i < s->n; i++) {
		struct mesh_instance *x = &s->instances[i];

		if (x->priority > best)
			x->gets_calls = false;
	}
}

int64_t mesh_service_settle(struct mesh_service *s, int64_t now_wall_ms)
{
	struct eligible_sum sum = { 0 };
	int64_t until = 0;

	for (unsigned i = 0; i < s->n; i++) {
		struct eligible e =
		    eligible_judge(&s->instances[i].facts, now_wall_ms);

		eligible_count(&sum, &e);
	}
	for (unsigned i = 0; i < s->n; i++) {
		struct mesh_instance *x = &s->instances[i];
		struct eligible e = eligible_judge(&x->facts, now_wall_ms);

		(void)eligible_settle(&e, &sum, s->on_empty);
		x->why = e.why;
		x->gets_calls = eligible_is_in_addresses(&e);
		if (e.until_wall_ms && (!until || e.until_wall_ms < until))
			until = e.until_wall_ms;
	}
	keep_best_priority(s);
	return until;
}
