// SPDX-License-Identifier: BSD-2-Clause
/*
 * A graph of services, and of instances that are or have an alias; each edge
 * belongs to the file that says so. A service follows whatever its instances
 * follow, an instance alone what it says itself. Edge by edge of a new file a
 * search goes on from where it leads to, breadth first, until it comes back
 * to where it begins.
 */
#include "registrar/definition/definition_loop.h"

#include "registrar/definition/definition_each.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct node {
	char *key;   /* "service.zone", "service.zone/instance" */
	unsigned in; /* edges to it; without any it goes with its own */
	LIST_HEAD(, edge) edges;
	/* of the present search */
	unsigned round;
	struct node *before, *next;
};

struct edge {
	struct node *from, *to;
	struct owner *owner;
	const char *key; /* "requires" */
	unsigned line, column;
	LIST_ENTRY(edge) of_node;
	TAILQ_ENTRY(edge) of_owner;
};

/* A version of a file. */
struct owner {
	char *file;
	bool ignored; /* there is a newer one */
	TAILQ_HEAD(, edge) edges;
};

struct requirements {
	void *tree;   /* of struct node, by key */
	void *owners; /* those in force: a tree, by file */
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

/* instance NULL: the service. */
static struct node *node_get(struct requirements *g, const char *zone,
    const char *service, const char *instance)
{
	struct node key = { .key = xasprintf("%s.%s%s%s", service, zone,
		                instance ? "/" : "",
		                instance ? instance : "") };
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

static void node_drop_unused(struct requirements *g, struct node *n)
{
	if (n->in || !LIST_EMPTY(&n->edges))
		return;
	tdelete(n, &g->tree, by_key);
	node_free(n);
}

/* ---- files ------------------------------------------------------------ */

static int by_file(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	return strcmp(x->file, y->file);
}

static struct owner *owner_find(const struct requirements *g, const char *file)
{
	scoped_free char *key = xstrdup(file);
	const struct owner probe = { .file = key };
	struct owner *const *found = tfind(&probe, &g->owners, by_file);

	return found ? *found : NULL;
}

static void owner_put(struct requirements *g, struct owner *o)
{
	if (!tsearch(o, &g->owners, by_file))
		abort(); /* out of memory */
}

/* It stays in the list of its owner, who goes with it. */
static void edge_drop(struct requirements *g, struct edge *e)
{
	struct node *from = e->from, *to = e->to;

	LIST_REMOVE(e, of_node);
	to->in--;
	free(e);
	node_drop_unused(g, from);
	if (to != from)
		node_drop_unused(g, to);
}

/* It is not in the tree, or not any more. */
static void owner_drop(struct requirements *g, struct owner *o)
{
	struct edge *e = TAILQ_FIRST(&o->edges);

	while (e) {
		struct edge *next = TAILQ_NEXT(e, of_owner);

		edge_drop(g, e);
		e = next;
	}
	free(o->file);
	free(o);
}

static struct owner *owner_new(const struct definition *d)
{
	struct owner *o = xcalloc(1, sizeof(*o));

	o->file = xstrdup(d->file);
	TAILQ_INIT(&o->edges);
	return o;
}

/* Many instances of a service say the same one after the other. */
static bool is_repeated(const struct edge *new)
{
	const struct edge *e;
	unsigned n = 0;

	LIST_FOREACH (e, &new->from->edges, of_node) {
		if (n++ == DEFINITION_MAX_CHECKS)
			break;
		if (e->to == new->to && e->owner == new->owner)
			return true;
	}
	return false;
}

static void edge_add(const struct edge *new)
{
	if (is_repeated(new))
		return;
	struct edge *e = xcalloc(1, sizeof(*e));

	*e = *new;
	e->to->in++;
	LIST_INSERT_HEAD(&e->from->edges, e, of_node);
	TAILQ_INSERT_TAIL(&e->owner->edges, e, of_owner);
}

static void add_requires(
    struct requirements *g, struct owner *o, const struct definition_service *s)
{
	const struct health_policy *p = &s->policy;

	for (unsigned k = 0; k < p->require_n; k++) {
		edge_add(&(struct edge){ .owner = o,
		    .from = node_get(g, s->zone, s->name, NULL),
		    .to = node_get(
		        g, p->requires[k].zone, p->requires[k].service, NULL),
		    .key = "requires",
		    .line = p->require_line,
		    .column = p->require_column });
	}
}

static void add_aliases(struct requirements *g, struct owner *o,
    const struct definition_service *s, const struct definition_instance *i)
{
	for (unsigned k = 0; k < i->check_n; k++) {
		const struct check_alias *a = &i->checks[k].alias;

		if (i->checks[k].kind != CHECK_ALIAS)
			continue;
		struct edge e = { .owner = o,
			.from = node_get(g, s->zone, s->name, NULL),
			.to = node_get(g, a->zone, a->service, a->instance),
			.key = "alias",
			.line = a->line,
			.column = a->column };

		edge_add(&e);
		e.from = node_get(g, s->zone, s->name, i->name);
		edge_add(&e);
	}
}

/* ---- the search ------------------------------------------------------- */

/* Goes from `start`; true: it came to `goal`, and `before` leads back. */
static bool leads_to(
    struct requirements *g, struct node *start, const struct node *goal)
{
	struct node *last = start;

	if (!goal->in)
		return false;
	start->round = ++g->round;
	start->before = start->next = NULL;
	for (struct node *n = start; n; n = n->next) {
		const struct edge *e;

		if (n == goal)
			return true;
		LIST_FOREACH (e, &n->edges, of_node) {
			if (e->owner->ignored || e->to->round == g->round)
				continue;
			e->to->round = g->round;
			e->to->before = n;
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

	for (const struct node *n = goal->before; n; n = n->before) {
		char *longer = xasprintf("%s > %s", n->key, text);

		free(text);
		text = longer;
	}
	char *whole = xasprintf("%s > %s", goal->key, text);

	free(text);
	return whole;
}

/* One is enough: the others are most likely parts of it. */
static int find_loop(
    struct requirements *g, const struct owner *o, struct diags *reterr)
{
	const struct edge *e;

	TAILQ_FOREACH (e, &o->edges, of_owner) {
		if (!leads_to(g, e->to, e->from))
			continue;
		scoped_free char *text = loop_text(e->from);

		return diags_add(reterr, -ELOOP,
		    "%s:%u:%u: found a loop for '%s', %s, expected none",
		    o->file, e->line, e->column, e->key, text);
	}
	return 0;
}

/* ---- all of it -------------------------------------------------------- */

int requirements_put(
    struct requirements *g, const struct definition *d, struct diags *reterr)
{
	struct owner *old = owner_find(g, d->file);
	struct owner *o = owner_new(d);

	if (old) {
		old->ignored = true;
		tdelete(old, &g->owners, by_file);
	}
	for (unsigned n = 0; n < d->service_n; n++) {
		const struct definition_service *s = &d->services[n];

		add_requires(g, o, s);
		for (unsigned k = 0; k < s->instance_n; k++)
			add_aliases(g, o, s, &s->instances[k]);
		for (unsigned k = 0; k < s->each_n; k++)
			add_aliases(g, o, s, s->each[k].sample);
	}
	int r = find_loop(g, o, reterr);

	struct owner *kept = r < 0 ? old : o, *gone = r < 0 ? o : old;

	if (gone)
		owner_drop(g, gone);
	if (kept) {
		kept->ignored = false;
		owner_put(g, kept);
	}
	return r;
}

void requirements_remove(struct requirements *g, const char *file)
{
	struct owner *o = owner_find(g, file);

	if (!o)
		return;
	tdelete(o, &g->owners, by_file);
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
	while (g->owners) {
		struct owner *o = *(struct owner *const *)g->owners;

		tdelete(o, &g->owners, by_file);
		owner_drop(g, o);
	}
	tdestroy(g->tree, node_free);
	free(g);
}
