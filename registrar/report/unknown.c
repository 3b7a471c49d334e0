// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/report/unknown.h"

#include "registrar/report/told.h"
#include "schema/base/xalloc.h"
#include "schema/conf/fields.h"

#include <stdlib.h>
#include <string.h>

struct names {
	struct arena *arena;
	const char *zone;
	const char *wanted;
	const char *elsewhere; /* a zone that has it */
	const char *refused;   /* what is wrong with a definition of it */
	const char **items;    /* owned; ends with NULL */
	size_t n, max;
};

static void add(struct names *x, const char *name)
{
	if (x->n + 1 >= x->max) {
		x->max = x->max ? 2 * x->max : 64;
		x->items =
		    xreallocarray(x->items, x->max, sizeof(const char *));
	}
	x->items[x->n++] = arena_strdup(x->arena, name);
	x->items[x->n] = NULL;
}

static void on_name(void *arg, const char *zone, const char *service)
{
	struct names *x = arg;

	if (strcmp(zone, x->zone) == 0) {
		add(x, service);
	} else if (!x->elsewhere && strcmp(service, x->wanted) == 0) {
		x->elsewhere = arena_strdup(x->arena, zone);
	}
}

static void on_refused(void *arg, const struct refused_row *row)
{
	struct names *x = arg;

	if (!x->refused && told_is_about(row, x->wanted)) {
		x->refused = arena_memdup(
		    x->arena, row->message, strcspn(row->message, "\n"));
	}
}

static const char *near(const struct names *x)
{
	return x->n ? conf_nearest(x->wanted, x->items) : NULL;
}

int unknown_service(struct registry *reg, const char *zone, const char *service,
    int error, struct diag *reterr)
{
	struct names x = {
		.arena = arena_new(), .zone = zone, .wanted = service
	};

	(void)registry_read_names(reg, on_name, &x, NULL);
	(void)registry_read_refused(reg, on_refused, &x, NULL);
	const char *found = near(&x);

	if (x.refused) {
		(void)diag_set(reterr, error,
		    "no service '%s' in zone '%s': its definition is refused: "
		    "%s",
		    service, zone, x.refused);
	} else if (x.elsewhere) {
		(void)diag_set(reterr, error,
		    "no service '%s' in zone '%s': '%s.%s' is in another",
		    service, zone, service, x.elsewhere);
	} else if (found) {
		(void)diag_set(reterr, error,
		    "no service '%s' in zone '%s': did you mean '%s'?", service,
		    zone, found);
	} else {
		(void)diag_set(reterr, error, "no service '%s' in zone '%s'",
		    service, zone);
	}
	free(x.items);
	arena_free(x.arena);
	return error;
}

static void on_service(void *arg, const struct service_row *row)
{
	(void)arg;
	(void)row;
}

static void on_instance(void *arg, const struct instance_row *row)
{
	add(arg, row->name);
}

static void on_done(void *arg)
{
	(void)arg;
}

int unknown_instance(struct registry *reg, const struct target *t, int error,
    struct diag *reterr)
{
	struct names x = { .arena = arena_new(), .wanted = t->instance };
	const struct registry_visitor v = { .service = on_service,
		.instance = on_instance,
		.done = on_done,
		.arg = &x,
		.broken = registry_pass_over };

	(void)registry_read_service(reg, t->zone, t->service, &v, NULL);
	const char *found = near(&x);
	const char *only = x.n == 1 ? x.items[0] : NULL;

	(void)diag_set(reterr, error,
	    "no instance '%s' of service '%s' in zone '%s'%s%s%s%s",
	    t->instance, t->service, t->zone,
	    found  ? ": did you mean '"
	    : only ? ": it has '"
	           : "",
	    found  ? found
	    : only ? only
	           : "",
	    found  ? "'?"
	    : only ? "' alone"
	           : "",
	    !x.n ? ": it has none" : "");
	free(x.items);
	arena_free(x.arena);
	return error;
}

int unknown_in(const char *registry, const struct target *t, int error,
    struct diag *reterr)
{
	struct registry *reg;

	if (registry_open(registry, REGISTRY_READ, &reg, reterr) == 0) {
		(void)unknown_instance(reg, t, error, reterr);
		registry_close(reg);
	}
	return error;
}
