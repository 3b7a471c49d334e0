// SPDX-License-Identifier: BSD-2-Clause
/*
 * The records of one owner are a port. Sorted by target, two ports of a service
 * have the same targets one by one.
 */
#include "registrar/exchange/import_zone_impl.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int by_target(const void *a, const void *b)
{
	const struct srv *x = *(struct srv *const *)a;
	const struct srv *y = *(struct srv *const *)b;
	int order = strcmp(x->target, y->target);

	return order ? order : x->port - y->port;
}

static struct port_set *find_set(struct port_sets *sets, const struct srv *s)
{
	for (size_t k = 0; k < sets->n; k++) {
		if (!strcmp(sets->items[k].protocol, s->protocol) &&
		    !compare_texts(sets->items[k].name, s->port_name))
			return &sets->items[k];
	}
	sets->items =
	    xreallocarray(sets->items, sets->n + 1, sizeof(*sets->items));
	sets->items[sets->n] =
	    (struct port_set){ .name = s->port_name, .protocol = s->protocol };
	return &sets->items[sets->n++];
}

/* One by one the same targets? */
static bool has_same_targets(const struct port_set *a, const struct port_set *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = !strcmp(a->items[i]->target, b->items[i]->target);
	return same;
}

static bool has_same_numbers(const struct port_set *a, const struct port_set *b)
{
	bool same = !strcmp(a->protocol, b->protocol);

	for (size_t i = 0; same && i < a->n; i++)
		same = a->items[i]->port == b->items[i]->port;
	return same;
}

/* What cannot be a port beside the first, and why; NULL: it can. */
static const char *problem_of(struct arena *a, const struct port_set *first,
    const struct port_set *p, size_t n)
{
	const char *owner = first->items[0]->owner;

	if (!has_same_targets(first, p)) {
		return arena_printf(a,
		    "expected the targets of %s: each instance has all ports "
		    "of its service",
		    owner);
	}
	for (size_t i = 0; i < p->n; i++) {
		if (!p->items[i]->port)
			return "found port 0, expected 1..65535";
	}
	return n < PORTS_MAX
	           ? NULL
	           : arena_printf(a, "expected at most %d ports of its service",
	                 PORTS_MAX);
}

static void leave_out(
    struct import *im, const struct port_set *p, const char *problem)
{
	for (size_t i = 0; i < p->n; i++) {
		import_left_out(im, p->items[i]->at, "SRV %s: %s",
		    p->items[i]->owner, problem);
	}
}

/* Instances have one weight and one priority. */
static void tell_weights(
    struct import *im, const struct port_set *first, const struct port_set *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct srv *s = p->items[i], *of = first->items[i];

		if (s->priority != of->priority || s->weight != of->weight) {
			import_note(im, s->at,
			    "SRV %s: priority and weight of %s ignored: an "
			    "instance has one of each, those of %s",
			    s->owner, s->target, of->owner);
		}
	}
}

/*
 * The first port that has no name yet gets the one of a set that says the
 * same: so the first of a protocol is exported, by both of its names.
 */
static bool take_port_name(
    struct port_set *all, size_t n, const struct port_set *named)
{
	for (size_t k = 0; named->name && k < n; k++) {
		if (!all[k].name && has_same_numbers(&all[k], named)) {
			all[k].name = named->name;
			return true;
		}
	}
	return false;
}

static void join_sets(struct import *im, struct port_sets *sets)
{
	struct port_set *all = sets->items;
	size_t n = 1;

	for (size_t k = 1; k < sets->n; k++) {
		const char *problem =
		    problem_of(im->arena, &all[0], &all[k], n);

		if (problem) {
			leave_out(im, &all[k], problem);
			continue;
		}
		tell_weights(im, &all[0], &all[k]);
		if (!take_port_name(all, n, &all[k])) {
			struct port_set kept = all[k];

			all[k] = all[n];
			all[n++] = kept;
		}
	}
	for (size_t i = 0; n > 1 && i < all[0].n; i++) {
		struct srv *s = all[0].items[i];

		s->others = arena_alloc(im->arena, n, sizeof(int));
		for (size_t k = 1; k < n; k++)
			s->others[k] = all[k].items[i]->port;
	}
	sets->n = n;
}

void port_sets_make(
    struct port_sets *ret, struct import *im, struct srv *srvs, size_t n)
{
	struct port_sets sets = { .all = xreallocarray(
		                      NULL, n, sizeof(struct srv *)) };
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		find_set(&sets, &srvs[i])->n++;
	for (size_t k = 0; k < sets.n; k++) {
		sets.items[k].items = sets.all + at;
		at += sets.items[k].n;
		sets.items[k].n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct port_set *p = find_set(&sets, &srvs[i]);

		srvs[i].is_first = p == sets.items;
		// NOLINTNEXTLINE(clang-analyzer-core.NullDereference): above
		p->items[p->n++] = &srvs[i];
	}
	for (size_t k = 0; k < sets.n; k++) {
		qsort(sets.items[k].items, sets.items[k].n,
		    sizeof(struct srv *), by_target);
	}
	join_sets(im, &sets);
	*ret = sets;
}

void port_sets_release(struct port_sets *sets)
{
	free(sets->all);
	free(sets->items);
}
