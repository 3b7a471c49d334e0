// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two search trees find services by (zone, name) and members by (zone,
 * service, name). A unit is one version of one file, with its members and
 * its parts in services. A new version takes the members that it names from
 * whichever unit has them; what is left in units that were replaced or
 * removed is withdrawn when the burst of changes has settled. So an instance
 * may move to another file, or its file be renamed, and goes on.
 *
 * Keys are strings of definitions: those of the newest version that names a
 * member, for older ones go at that point.
 */
#include "registrar/instance/fleet.h"

#include "registrar/definition/definition_each.h"
#include "registrar/definition/definition_set.h"
#include "schema/base/log.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct service {
	const char *zone, *name; /* key */
	struct store_service row;
	LIST_HEAD(, part) parts;
	const struct part *shown;   /* whose definition the row shows */
	const struct part *leaving; /* while it is unlinked */
	bool is_moved;              /* parts came or went in this burst */
	LIST_ENTRY(service) moved;
};

/* What one file says of one service. */
struct part {
	struct service *service;
	struct unit *unit;
	const struct definition_service *def;
	uint64_t told; /* id of who was shown when it was told of */
	LIST_ENTRY(part) of_service;
	LIST_ENTRY(part) of_unit;
};

struct member {
	const char *zone, *service, *name; /* key */
	struct instance *instance;
	struct unit *unit;
	struct definition_made *made; /* NULL: the file itself names it */
	LIST_ENTRY(member) of_unit;
};

/* A version of a file, in force or retired. */
struct unit {
	uint64_t id;
	char *file;
	struct definition *def;
	bool retired;
	LIST_HEAD(, part) parts;
	LIST_HEAD(, member) members;
	unsigned member_n;
	LIST_ENTRY(unit) link; /* of those that are retired */
};

struct fleet {
	const struct instance_env *env;
	struct definition_set *claims;
	void *services, *members;   /* trees */
	void *units;                /* in force; a tree by file */
	uint64_t last_id;           /* of units */
	LIST_HEAD(, unit) retired;  /* until the burst has settled */
	LIST_HEAD(, service) moved; /* until the burst has settled */
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

static int by_file(const void *a, const void *b)
{
	const struct unit *x = a, *y = b;

	return strcmp(x->file, y->file);
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

/* Files in force before retired ones, then by name. */
static bool comes_before(const struct part *a, const struct part *b)
{
	if (a->unit->retired != b->unit->retired)
		return b->unit->retired;
	return strcmp(a->unit->file, b->unit->file) < 0;
}

/* A service may have parts in thousands of files, one changed at a time. */
static const struct part *first_part(
    const struct service *s, const struct part *added)
{
	const struct part *p, *best = NULL, *shown = s->shown;

	if (shown && !shown->unit->retired && shown != s->leaving)
		return added && comes_before(added, shown) ? added : shown;
	LIST_FOREACH (p, &s->parts, of_service)
		if (!best || comes_before(p, best))
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

/* Others in force that do not agree with the one that is shown. */
static void list_others(struct fleet *f, struct service *s)
{
	const struct part *p;
	unsigned n = 0, was_n = s->row.also_n;

	LIST_FOREACH (p, &s->parts, of_service)
		n++;
	s->row.also = xreallocarray(s->row.also, n, sizeof(*s->row.also));
	s->row.also_n = 0;
	LIST_FOREACH (p, &s->parts, of_service) {
		if (p == s->shown || p->unit->retired ||
		    definition_service_row_equal(s->shown->def, p->def))
			continue;
		definition_service_row(p->def, f->env->source, p->unit->file,
		    &s->row.also[s->row.also_n++]);
	}
	if (was_n || s->row.also_n)
		store_service_changed(f->env->store, &s->row);
}

/* One that is new, or has come to count, is told of once. */
static void tell_difference(const struct service *s, const struct part *p)
{
	char text[256];

	if (p == s->shown || p->unit->retired || s->shown->unit->retired)
		return;
	definition_service_differs(s->shown->def, p->def, text, sizeof(text));
	if (*text) {
		log_warn("%s: what it says of service '%s' does not count, "
		         "since '%s' comes first: %s",
		    p->unit->file, s->name, s->shown->unit->file, text);
	}
}

static void show_best(
    struct fleet *f, struct service *s, const struct part *added);

/* Parts came or went. The one that is shown may be unlinked, not freed. */
static void show_first(
    struct fleet *f, struct service *s, const struct part *added)
{
	show_best(f, s, added);
	list_others(f, s);
	if (!s->is_moved)
		LIST_INSERT_HEAD(&f->moved, s, moved);
	s->is_moved = true;
}

static void show_best(
    struct fleet *f, struct service *s, const struct part *added)
{
	const struct part *was = s->shown, *first = first_part(s, added);

	assert(first); /* it has a part, or it would be removed */
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
	show_first(f, p->service, p);
}

static void service_remove(struct fleet *f, struct service *s, bool withdraw)
{
	if (withdraw)
		store_withdraw(f->env->store, s->zone, s->name, NULL, NULL);
	tdelete(s, &f->services, by_service);
	store_detach_service(f->env->store, &s->row);
	if (s->is_moved)
		LIST_REMOVE(s, moved);
	free(s->row.also);
	free(s);
}

static void part_drop(struct fleet *f, struct part *p, bool withdraw)
{
	struct service *s = p->service;

	LIST_REMOVE(p, of_service);
	s->leaving = p;
	if (LIST_EMPTY(&s->parts)) {
		service_remove(f, s, withdraw);
	} else {
		show_first(f, s, NULL);
		s->leaving = NULL;
	}
	free(p);
}

/* ---- members ---------------------------------------------------------- */

static struct member *member_find(const struct fleet *f, const char *zone,
    const char *service, const char *name)
{
	const struct member key = {
		.zone = zone, .service = service, .name = name
	};

	return find(&f->members, &key, by_member);
}

static void member_leave_unit(struct member *m)
{
	LIST_REMOVE(m, of_unit);
	m->unit->member_n--;
}

/* Consumes made, in which i is then. */
static void member_put(struct fleet *f, struct unit *u,
    const struct definition_service *s, const struct definition_instance *i,
    struct definition_made *made)
{
	const struct instance_origin origin = {
		.service = s, .instance = i, .file = u->file
	};
	const struct member key = {
		.zone = s->zone, .service = s->name, .name = i->name
	};
	struct member *m = member_find(f, s->zone, s->name, i->name);

	if (!m) {
		m = xcalloc(1, sizeof(*m));
		*m = key;
		m->instance =
		    instance_new(f->env, &service_get(f, s)->row, &origin);
		insert(&f->members, m, by_member);
	} else {
		instance_edit(m->instance, &origin);
		m->zone = s->zone;
		m->service = s->name;
		m->name = i->name;
		definition_made_free(m->made);
		member_leave_unit(m);
	}
	m->made = made;
	m->unit = u;
	u->member_n++;
	LIST_INSERT_HEAD(&u->members, m, of_unit);
}

static void member_remove(struct fleet *f, struct member *m, bool withdraw)
{
	if (withdraw) {
		store_withdraw(
		    f->env->store, m->zone, m->service, m->name, NULL);
	}
	tdelete(m, &f->members, by_member);
	member_leave_unit(m);
	instance_free(m->instance);
	definition_made_free(m->made);
	free(m);
}

/* ---- files ------------------------------------------------------------ */

static struct unit *unit_find(const struct fleet *f, const char *file)
{
	scoped_free char *key = xstrdup(file);
	const struct unit probe = { .file = key };

	return find(&f->units, &probe, by_file);
}

static struct unit *unit_new(struct fleet *f, struct definition *d)
{
	struct unit *u = xcalloc(1, sizeof(*u));

	u->id = ++f->last_id;
	u->file = xstrdup(d->file);
	u->def = d;
	LIST_INIT(&u->parts);
	LIST_INIT(&u->members);
	insert(&f->units, u, by_file);
	return u;
}

static void unit_retire(struct fleet *f, struct unit *u)
{
	tdelete(u, &f->units, by_file);
	LIST_INSERT_HEAD(&f->retired, u, link);
	u->retired = true;
}

/* Nobody has taken over what it still has. */
static void unit_drop(struct fleet *f, struct unit *u, bool withdraw)
{
	struct member *m = LIST_FIRST(&u->members);
	struct part *p = LIST_FIRST(&u->parts);

	while (m) {
		struct member *next = LIST_NEXT(m, of_unit);

		member_remove(f, m, withdraw);
		m = next;
	}
	while (p) {
		struct part *next = LIST_NEXT(p, of_unit);

		part_drop(f, p, withdraw);
		p = next;
	}
	definition_free(u->def);
	free(u->file);
	free(u);
}

static void drop_retired(struct fleet *f, bool withdraw)
{
	struct unit *u = LIST_FIRST(&f->retired);

	LIST_INIT(&f->retired);
	while (u) {
		struct unit *next = LIST_NEXT(u, link);

		unit_drop(f, u, withdraw);
		u = next;
	}
}

/* Nothing of it has to wait for the end of the burst. */
static bool is_replaced(const struct unit *u)
{
	const struct part *p;

	if (u->member_n)
		return false;
	LIST_FOREACH (p, &u->parts, of_unit) {
		/* discovery has what a for_each says until it is told */
		if (p->def->each_n || p->service->shown->unit->retired)
			return false;
	}
	return true;
}

int fleet_put(struct fleet *f, struct definition *d, struct diags *reterr)
{
	int r = definition_set_claim(f->claims, d, reterr);

	if (r < 0)
		return r;
	struct unit *old = unit_find(f, d->file);

	if (old)
		unit_retire(f, old);
	struct unit *u = unit_new(f, d);

	for (unsigned n = 0; n < d->service_n; n++) {
		const struct definition_service *s = &d->services[n];

		part_add(f, u, s);
		for (unsigned k = 0; k < s->instance_n; k++)
			member_put(f, u, s, &s->instances[k], NULL);
	}
	if (old && is_replaced(old)) {
		LIST_REMOVE(old, link);
		unit_drop(f, old, false);
	}
	return 0;
}

void fleet_remove(struct fleet *f, const char *file)
{
	struct unit *u = unit_find(f, file);

	if (!u)
		return;
	definition_set_release(f->claims, file);
	unit_retire(f, u);
}

int fleet_put_made(struct fleet *f, const char *file,
    const struct definition_service *s, struct definition_made *made,
    bool again, struct diags *reterr)
{
	const struct definition_instance *i = &made->instance;
	struct unit *u = unit_find(f, file);
	const struct member *m = member_find(f, s->zone, s->name, i->name);

	if (m && m->unit == u && !again) {
		return diags_add(reterr, -EEXIST,
		    "%s:%u:%u: found instance '%s' of service '%s', which "
		    "this file has already",
		    file, i->line, i->column, i->name, s->name);
	}
	if (!again && u->member_n >= DEFINITION_MAX_INSTANCES) {
		return diags_add(reterr, -ENOSPC,
		    "%s:%u:%u: found more than %d, which are left out", file,
		    i->line, i->column, DEFINITION_MAX_INSTANCES);
	}
	int r = definition_set_claim_made(f->claims, file, s, i, reterr);

	if (r == 0)
		member_put(f, u, s, i, made);
	return r;
}

void fleet_drop_made(struct fleet *f, const char *file,
    const struct definition_service *s, const char *name)
{
	struct member *m = member_find(f, s->zone, s->name, name);

	if (!m || !m->made || strcmp(m->unit->file, file) != 0)
		return;
	definition_set_release_made(f->claims, file, s, &m->made->instance);
	member_remove(f, m, true);
}

/* What is left to say when all of a burst is known. */
static void tell_differences(struct fleet *f)
{
	struct service *s;

	while ((s = LIST_FIRST(&f->moved))) {
		struct part *p;

		LIST_REMOVE(s, moved);
		s->is_moved = false;
		LIST_FOREACH (p, &s->parts, of_service) {
			if (p->told == s->shown->unit->id)
				continue;
			p->told = s->shown->unit->id;
			tell_difference(s, p);
		}
	}
}

void fleet_settle(struct fleet *f)
{
	drop_retired(f, true);
	tell_differences(f);
}

struct fleet *fleet_new(const struct instance_env *env)
{
	struct fleet *f = xcalloc(1, sizeof(*f));

	f->env = env;
	f->claims = definition_set_new();
	LIST_INIT(&f->retired);
	return f;
}

void fleet_free(struct fleet *f)
{
	if (!f)
		return;
	while (f->units)
		unit_retire(f, *(struct unit *const *)f->units);
	drop_retired(f, false);
	definition_set_free(f->claims);
	free(f);
}

struct instance *fleet_find(const struct fleet *f, const char *zone,
    const char *service, const char *instance)
{
	const struct member *found = member_find(f, zone, service, instance);

	return found ? found->instance : NULL;
}

bool fleet_has(const struct fleet *f, const char *zone, const char *service,
    const char *instance)
{
	const struct service s = { .zone = zone, .name = service };

	if (!instance)
		return find(&f->services, &s, by_service) != NULL;
	const struct instance *found = fleet_find(f, zone, service, instance);

	return found && !instance_is_withdrawn(found);
}
