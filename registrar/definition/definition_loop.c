// SPDX-License-Identifier: BSD-2-Clause
/*
 * A graph of services; each edge belongs to the file that says so. From every
 * service that a new edge leads to a search goes on, breadth first, until it
 * comes back to where that edge begins. Nodes stay: there are as many as
 * services that anybody ever named.
 */
#include "registrar/definition/definition_loop.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct node {
	char *key; /* "service.zone" */
	LIST_HEAD(, edge) edges;
	/* of the present search */
	unsigned round;
	struct node *from, *next;
};

struct edge {
	struct node *to;
	struct owner *owner;
	LIST_ENTRY(edge) of_node, of_owner;
};

/* A version of a file. */
struct owner {
	char *file;
	bool ignored; /* there is a newer one */
	LIST_HEAD(, edge) edges;
	struct owner *next;
};

struct requirements {
	void *tree; /* of struct node, by key */
	struct owner *owners;
	unsigned round;
};

static int by_key(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static void node_free(void *node)
{
	struct node *n = node;

	free(n->key);
	free(n);
}

static struct node *node_get(
    struct requirements *g, const char *zone, const char *service)
{
	struct node key = { .key = xasprintf("%s.%s", service, zone) };
	struct node *const *found = tfind(&key, &g->tree, by_key);

	if (found) {
		free(key.key);
		return *found;
	}
	struct node *n = xcalloc(1, sizeof(*n));

	n->key = key.key;
	LIST_INIT(&n->edges);
	if (!tsearch(n, &g->tree, by_key))
		abort(); /* out of memory */
	return n;
}

/* ---- files ------------------------------------------------------------ */

static struct owner *owner_find(struct requirements *g, const char *file)
{
	struct owner *o = g->owners;

	while (o && strcmp(o->file, file) != 0)
		o = o->next;
	return o;
}

static void owner_drop(struct requirements *g, struct owner *o)
{
	struct owner **at = &g->owners;

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	while (!LIST_EMPTY(&o->edges)) {
		struct edge *e = LIST_FIRST(&o->edges);

		LIST_REMOVE(e, of_node);
		LIST_REMOVE(e, of_owner);
		free(e);
	}
	free(o->file);
	free(o);
}

static struct owner *owner_new(
    struct requirements *g, const struct definition *d)
{
	struct owner *o = xcalloc(1, sizeof(*o));

	o->file = xstrdup(d->file);
	LIST_INIT(&o->edges);
	o->next = g->owners;
	g->owners = o;
	return o;
}

static void edge_add(struct owner *o, struct node *from, struct node *to)
{
	struct edge *e = xcalloc(1, sizeof(*e));

	e->to = to;
	e->owner = o;
	LIST_INSERT_HEAD(&from->edges, e, of_node);
	LIST_INSERT_HEAD(&o->edges, e, of_owner);
}

/* ---- the search ------------------------------------------------------- */

/* Goes from `start`; true: it came to `goal`, and `from` leads back. */
static bool leads_to(
    struct requirements *g, struct node *start, const struct node *goal)
{
	struct node *last = start;

	start->round = ++g->round;
	start->from = start->next = NULL;
	for (struct node *n = start; n; n = n->next) {
		const struct edge *e;

		if (n == goal)
			return true;
		LIST_FOREACH (e, &n->edges, of_node) {
			if (e->owner->ignored || e->to->round == g->round)
				continue;
			e->to->round = g->round;
			e->to->from = n;
			e->to->next = NULL;
			last->next = e->to;
			last = e->to;
		}
	}
	return false;
}

/* "a > b > a": from the end of the search back to its start. */
static char *loop_text(const struct node *goal)
{
	char *text = xstrdup(goal->key);

	for (const struct node *n = goal->from; n; n = n->from) {
		char *longer = xasprintf("%s > %s", n->key, text);

		free(text);
		text = longer;
	}
	char *whole = xasprintf("%s > %s", goal->key, text);

	free(text);
	return whole;
}

static int find_loop(struct requirements *g, const struct definition *d,
    const struct definition_service *s, struct diags *reterr)
{
	const struct health_policy *p = &s->policy;
	struct node *from = node_get(g, s->zone, s->name);

	for (unsigned k = 0; k < p->require_n; k++) {
		struct node *to =
		    node_get(g, p->requires[k].zone, p->requires[k].service);

		if (!leads_to(g, to, from))
			continue;
		scoped_free char *text = loop_text(from);

		return diags_add(reterr, -ELOOP,
		    "%s:%u:%u: found a loop for 'requires', %s, expected none",
		    d->file, p->require_line, p->require_column, text);
	}
	return 0;
}

/* ---- all of it -------------------------------------------------------- */

int requirements_put(
    struct requirements *g, const struct definition *d, struct diags *reterr)
{
	struct owner *old = owner_find(g, d->file);
	struct owner *o = owner_new(g, d);
	int r = 0;

	if (old)
		old->ignored = true;
	for (unsigned n = 0; n < d->service_n; n++) {
		const struct definition_service *s = &d->services[n];
		const struct health_policy *p = &s->policy;
		struct node *from =
		    p->require_n ? node_get(g, s->zone, s->name) : NULL;

		for (unsigned k = 0; k < p->require_n; k++) {
			edge_add(o, from,
			    node_get(g, p->requires[k].zone,
			        p->requires[k].service));
		}
	}
	/* one is enough: the others are most likely parts of it */
	for (unsigned n = 0; n < d->service_n && r == 0; n++) {
		if (d->services[n].policy.require_n)
			r = find_loop(g, d, &d->services[n], reterr);
	}
	if (r == 0 && old) {
		owner_drop(g, old);
	} else if (r < 0) {
		owner_drop(g, o);
		if (old)
			old->ignored = false;
	}
	return r;
}

void requirements_remove(struct requirements *g, const char *file)
{
	struct owner *o = owner_find(g, file);

	if (o)
		owner_drop(g, o);
}

bool definition_has_loop(const struct definition *d, struct diags *reterr)
{
	struct requirements *g = requirements_new();
	bool found = requirements_put(g, d, reterr) < 0;

	requirements_free(g);
	return found;
}

struct requirements *requirements_new(void)
{
	return xcalloc(1, sizeof(struct requirements));
}

void requirements_free(struct requirements *g)
{
	if (!g)
		return;
	while (g->owners)
		owner_drop(g, g->owners);
	tdestroy(g->tree, node_free);
	free(g);
}
