// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/mesh/review.h"

#include "registrar/mesh/rules.h"

#include <string.h>

#define DEPTH_MAX 64 /* of a loop that is shown */

struct review {
	struct mesh_model *m;
	FILE *out;
	unsigned errors;
	const struct mesh_service *other; /* of the outer walk */
	const struct mesh_service *path[DEPTH_MAX];
	unsigned depth;
};

static void error(struct review *r, const struct mesh_service *s)
{
	r->errors++;
	(void)fprintf(r->out, "error: %s.%s: ", s->name, s->zone);
}

static void check_call(struct review *r, const struct mesh_service *s,
    const struct required_service *call)
{
	const struct mesh_service *to =
	    mesh_model_find(r->m, call->zone, call->service);
	const struct mesh_caller *caller;

	if (!to || !to->in_mesh) {
		error(r, s);
		(void)fprintf(r->out, "'calls' names %s.%s, which is %s\n",
		    call->service, call->zone,
		    to ? "not in the mesh" : "not there");
		return;
	}
	enum mesh_rule rule = mesh_rule_find(s, to, &caller);

	if (mesh_rule_lets_in(rule))
		return;
	error(r, s);
	(void)fprintf(r->out,
	    "'calls' names %s.%s, which does not let it in: %s\n", to->name,
	    to->zone, mesh_rule_text(rule));
}

static void check_port(void *arg, struct mesh_service *s)
{
	struct review *r = arg;
	const struct mesh_service *o = r->other;

	if (!s->in_mesh || s->broken || s == o || strcmp(o->name, s->name) < 0)
		return;
	if (s->policy.base_port - o->policy.base_port < 10 &&
	    o->policy.base_port - s->policy.base_port < 10) {
		(void)fprintf(r->out,
		    "warning: %s.%s: 'base_port' %d is also that of %s.%s: "
		    "their sidecars cannot be on one host\n",
		    o->name, o->zone, o->policy.base_port, s->name, s->zone);
	}
}

/* Depth first along `calls`, with names that grow: each loop is told once. */
static void find_loop( // NOLINT(misc-no-recursion): at most DEPTH_MAX deep
    struct review *r, const struct mesh_service *s)
{
	const struct mesh_service *first = r->path[0];

	for (unsigned i = 0; i < s->policy.call_n; i++) {
		const struct required_service *c = &s->policy.calls[i];
		const struct mesh_service *to =
		    mesh_model_find(r->m, c->zone, c->service);
		bool again = false;

		if (to == first) {
			(void)fputs("warning: a loop of calls: ", r->out);
			for (unsigned k = 0; k < r->depth; k++) {
				(void)fprintf(
				    r->out, "%s > ", r->path[k]->name);
			}
			(void)fprintf(r->out, "%s\n", first->name);
			continue;
		}
		for (unsigned k = 0; k < r->depth; k++)
			again |= r->path[k] == to;
		if (!to || again || strcmp(to->name, first->name) < 0 ||
		    r->depth == 8)
			continue;
		r->path[r->depth++] = to;
		find_loop(r, to);
		r->depth--;
	}
}

static void check_service(void *arg, struct mesh_service *s)
{
	struct review *r = arg;
	const struct mesh_policy *p = &s->policy;

	if (!s->in_mesh)
		return;
	if (s->broken) {
		error(r, s);
		(void)fprintf(r->out, "%s: nobody may call it\n", s->broken);
		return;
	}
	if (p->call_n && !p->user) {
		error(r, s);
		(void)fputs(
		    "it calls others, but has no 'user' to run as\n", r->out);
	}
	for (unsigned i = 0; i < p->call_n; i++)
		check_call(r, s, &p->calls[i]);
	for (unsigned i = 0; i < p->allow_n; i++) {
		const struct mesh_caller *c = &p->allow[i];

		if (mesh_model_find(r->m, c->zone, c->service))
			continue;
		error(r, s);
		(void)fprintf(r->out,
		    "'allow' names %s.%s, which is not there\n", c->service,
		    c->zone);
	}
	r->other = s;
	mesh_model_each(r->m, check_port, r);
	r->path[0] = s;
	r->depth = 1;
	find_loop(r, s);
}

unsigned mesh_review(struct mesh_model *m, FILE *out)
{
	struct review r = { .m = m, .out = out };

	mesh_model_each(m, check_service, &r);
	return r.errors;
}
