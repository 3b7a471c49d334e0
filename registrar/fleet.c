// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two search trees find services by (zone, name) and members by (zone,
 * service, name); each file in force has the list of its members and of its
 * parts in services. The keys are strings of the definitions; an edit puts
 * those of the new version in place before the old one is freed.
 */
#include "registrar/fleet.h"

#include "registrar/definition_set.h"
#include "schema/base/xalloc.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct service {
	const char *zone, *name; /* key */
	struct store_service row;
	LIST_HEAD(, part) parts;
	const struct part *shown; /* whose definition the row shows */
};

/* What one file says of one service. */
struct part {
	struct service *service;
	struct unit *unit;
	const struct definition_service *def;
	LIST_ENTRY(part) of_service;
	LIST_ENTRY(part) of_unit;
};

/* An instance and the file that it belongs to. */
struct member {
	const char *zone, *service, *name; /* key */
	struct instance *instance;
	unsigned version; /* of the unit when it was last named */
	LIST_ENTRY(member) of_unit;
};

/* A file in force. */
struct unit {
	char *file;
	struct definition *def;
	unsigned version;
	LIST_HEAD(, part) parts;
	LIST_HEAD(, member) members;
	LIST_ENTRY(unit) link;
};

struct fleet {
	const struct instance_env *env;
	struct definition_set *claims;
	void *services, *members; /* trees */
	LIST_HEAD(, unit) units;
};

static int by_service(const void *a, const void *b)
{
	const struct service *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->zone, y->zone);
}

static int by_member(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (!order)
		order = strcmp(x->service, y->service);
	return order ? order : strcmp(x->zone, y->zone);
}

static void *find(void *const *tree, const void *key,
    int (*compare)(const void *, const void *))
{
	void *const *found = tfind(key, tree, compare);

	return found ? *found : NULL;
}

static void insert(
    void **tree, const void *what, int (*compare)(const void *, const void *))
{
	if (!tsearch(what, tree, compare))
		abort(); /* out of memory */
}

/* ---- services --------------------------------------------------------- */

/* The part of the file that comes first by name. */
static const struct part *first_part(const struct service *s)
{
	const struct part *p, *best = NULL;

	LIST_FOREACH (p, &s->parts, of_service)
		if (!best || strcmp(p->unit->file, best->unit->file) < 0)
			best = p;
	return best;
}

/* Let the row show `shown`, whose strings are to be used from now on. */
static void show(struct fleet *f, struct service *s, const struct part *shown)
{
	s->shown = shown;
	s->zone = shown->def->zone;
	s->name = shown->def->name;
	definition_service_row(
	    shown->def, f->env->source, shown->unit->file, &s->row.row);
}

/* Parts came or went. The one that is shown may be unlinked, not freed. */
static void show_first(struct fleet *f, struct service *s)
{
	const struct part *was = s->shown, *first = first_part(s);

	if (first == was)
		return;
	bool equal = was &&
	             definition_service_row_equal(was->def, first->def) &&
	             !strcmp(was->unit->file, first->unit->file);

	show(f, s, first);
	if (!was) {
		store_attach_service(f->env->store, &s->row);
	} else if (!equal) {
		store_service_changed(f->env->store, &s->row);
	}
}

static struct service *service_get(
    struct fleet *f, const struct definition_service *def)
{
	const struct service key = { .zone = def->zone, .name = def->name };
	struct service *s = find(&f->services, &key, by_service);

	if (s)
		return s;
	s = xcalloc(1, sizeof(*s));
	s->zone = def->zone;
	s->name = def->name;
	LIST_INIT(&s->parts);
	insert(&f->services, s, by_service);
	return s;
}

static void part_add(
    struct fleet *f, struct unit *u, const struct definition_service *def)
{
	struct part *p = xcalloc(1, sizeof(*p));

	p->service = service_get(f, def);
	p->unit = u;
	p->def = def;
	LIST_INSERT_HEAD(&u->parts, p, of_unit);
	LIST_INSERT_HEAD(&p->service->parts, p, of_service);
	/* an old part of the same file is dropped later, and with it shown */
	if (!p->service->shown || p->service->shown->unit != u)
		show_first(f, p->service);
}

static void service_remove(struct fleet *f, struct service *s, bool withdraw)
{
	if (withdraw)
		store_withdraw(f->env->store, s->zone, s->name, NULL, NULL);
	tdelete(s, &f->services, by_service);
	store_detach_service(f->env->store, &s->row);
	free(s);
}

/* The old parts of a unit go; what they showed is shown by others. */
static void parts_drop(struct fleet *f, struct part *p, bool withdraw)
{
	while (p) {
		struct part *next = LIST_NEXT(p, of_unit);
		struct service *s = p->service;

		LIST_REMOVE(p, of_service);
		if (LIST_EMPTY(&s->parts)) {
			service_remove(f, s, withdraw);
		} else {
			show_first(f, s);
		}
		free(p);
		p = next;
	}
}

/* ---- members ---------------------------------------------------------- */

static void member_put(struct fleet *f, struct unit *u,
    const struct definition_service *s, const struct definition_instance *i)
{
	const struct instance_origin origin = {
		.service = s, .instance = i, .file = u->file
	};
	const struct member key = {
		.zone = s->zone, .service = s->name, .name = i->name
	};
	struct member *m = find(&f->members, &key, by_member);

	if (!m) {
		m = xcalloc(1, sizeof(*m));
		*m = key;
		m->instance =
		    instance_new(f->env, &service_get(f, s)->row, &origin);
		LIST_INSERT_HEAD(&u->members, m, of_unit);
		insert(&f->members, m, by_member);
	} else {
		instance_edit(m->instance, &origin);
		m->zone = s->zone;
		m->service = s->name;
		m->name = i->name;
	}
	m->version = u->version;
}

static void member_remove(struct fleet *f, struct member *m, bool withdraw)
{
	if (withdraw) {
		store_withdraw(
		    f->env->store, m->zone, m->service, m->name, NULL);
	}
	tdelete(m, &f->members, by_member);
	LIST_REMOVE(m, of_unit);
	instance_free(m->instance);
	free(m);
}

static void members_drop_old(struct fleet *f, struct unit *u, bool withdraw)
{
	struct member *m = LIST_FIRST(&u->members);

	while (m) {
		struct member *next = LIST_NEXT(m, of_unit);

		if (m->version != u->version)
			member_remove(f, m, withdraw);
		m = next;
	}
}

/* ---- files ------------------------------------------------------------ */

static struct unit *unit_find(const struct fleet *f, const char *file)
{
	struct unit *u;

	LIST_FOREACH (u, &f->units, link)
		if (!strcmp(u->file, file))
			return u;
	return NULL;
}

static struct unit *unit_get(struct fleet *f, const char *file)
{
	struct unit *u = unit_find(f, file);

	if (u)
		return u;
	u = xcalloc(1, sizeof(*u));
	u->file = xstrdup(file);
	LIST_INIT(&u->parts);
	LIST_INIT(&u->members);
	LIST_INSERT_HEAD(&f->units, u, link);
	return u;
}

int fleet_put(struct fleet *f, struct definition *d, struct diags *reterr)
{
	int r = definition_set_claim(f->claims, d, reterr);

	if (r < 0)
		return r;
	struct unit *u = unit_get(f, d->file);
	struct definition *old = u->def;
	struct part *old_parts = LIST_FIRST(&u->parts);

	LIST_INIT(&u->parts);
	u->def = d;
	u->version++;
	for (unsigned n = 0; n < d->service_n; n++) {
		const struct definition_service *s = &d->services[n];

		part_add(f, u, s);
		for (unsigned k = 0; k < s->instance_n; k++)
			member_put(f, u, s, &s->instances[k]);
	}
	members_drop_old(f, u, true);
	parts_drop(f, old_parts, true);
	definition_free(old);
	return 0;
}

static void unit_remove(struct fleet *f, struct unit *u, bool withdraw)
{
	u->version++; /* no member has this one */
	members_drop_old(f, u, withdraw);
	parts_drop(f, LIST_FIRST(&u->parts), withdraw);
	definition_set_release(f->claims, u->file);
	LIST_REMOVE(u, link);
	definition_free(u->def);
	free(u->file);
	free(u);
}

void fleet_remove(struct fleet *f, const char *file)
{
	struct unit *u = unit_find(f, file);

	if (u)
		unit_remove(f, u, true);
}

struct fleet *fleet_new(const struct instance_env *env)
{
	struct fleet *f = xcalloc(1, sizeof(*f));

	f->env = env;
	f->claims = definition_set_new();
	LIST_INIT(&f->units);
	return f;
}

void fleet_free(struct fleet *f)
{
	if (!f)
		return;
	for (struct unit *u = LIST_FIRST(&f->units); u;) {
		struct unit *next = LIST_NEXT(u, link);

		unit_remove(f, u, false);
		u = next;
	}
	definition_set_free(f->claims);
	free(f);
}

bool fleet_has(const struct fleet *f, const char *zone, const char *service,
    const char *instance)
{
	const struct service s = { .zone = zone, .name = service };
	const struct member m = {
		.zone = zone, .service = service, .name = instance
	};

	return instance ? find(&f->members, &m, by_member) != NULL
	                : find(&f->services, &s, by_service) != NULL;
}
