// SPDX-License-Identifier: BSD-2-Clause
/*
 * The registry into the model: all of it once, in pages, then the services
 * that changed. The revision is read before the rows, so that what changes
 * meanwhile is read again.
 */
#include "registrar/top/top_model.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PAGE 500
#define CHANGES 1000 /* more than these: everything is read again */

/* ---- rows ------------------------------------------------------------- */

struct loading {
	struct top_model *m;
	struct top_service *s;
	char zone[256], name[64]; /* of the last one */
};

static void on_service(void *arg, const struct service_row *row)
{
	struct loading *l = arg;
	struct top_service *s = xcalloc(1, sizeof(*s));

	s->arena = arena_new();
	s->zone = arena_strdup(s->arena, row->zone);
	s->name = arena_strdup(s->arena, row->name);
	s->on_empty = row->on_empty;
	l->s = s;
	(void)snprintf(l->zone, sizeof(l->zone), "%s", row->zone);
	(void)snprintf(l->name, sizeof(l->name), "%s", row->name);
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
	s->entries[s->n++] = (struct top_entry){
		.service = s,
		.name = arena_strdup(s->arena, row->name),
		.facts = eligible_facts(row),
		.weight = eligible_weight(row),
		.since_wall_ms = row->since_wall_ms,
		.drain_step = row->drain.step,
	};
}

static void on_done(void *arg)
{
	struct loading *l = arg;

	top_model_put(l->m, l->s);
	l->s = NULL;
}

static int load_all(struct top_model *m, struct diag *reterr)
{
	struct loading l = { .m = m };
	const struct registry_visitor v = { on_service, on_instance, on_done,
		&l };
	unsigned n;
	int error;

	top_model_clear(m);
	do {
		char zone[sizeof(l.zone)], name[sizeof(l.name)];

		memcpy(zone, l.zone, sizeof(zone));
		memcpy(name, l.name, sizeof(name));
		error = registry_read_page(
		    m->reg, zone, name, PAGE, &v, &n, reterr);
		top_service_free(l.s); /* half read */
		l.s = NULL;
	} while (error == 0 && n);
	m->loaded = error == 0;
	return error;
}

struct changes {
	struct arena *arena;
	struct {
		const char *zone, *service;
	} items[CHANGES];
	unsigned n;
};

/* The same service often changes several times in a row. */
static void on_change(
    void *arg, int64_t revision, const char *zone, const char *service)
{
	struct changes *c = arg;

	(void)revision;
	for (unsigned k = c->n; k-- > 0 && k + 32 > c->n;) {
		if (!strcmp(c->items[k].service, service) &&
		    !strcmp(c->items[k].zone, zone))
			return;
	}
	c->items[c->n].zone = arena_strdup(c->arena, zone);
	c->items[c->n++].service = arena_strdup(c->arena, service);
}

static int load_service(struct top_model *m, const char *zone,
    const char *service, struct diag *reterr)
{
	struct loading l = { .m = m };
	const struct registry_visitor v = { on_service, on_instance, on_done,
		&l };
	int error = registry_read_service(m->reg, zone, service, &v, reterr);

	top_service_free(l.s);
	if (error == -ENOENT) {
		top_model_remove(m, zone, service);
		return 0;
	}
	return error;
}

static int load_changes(struct top_model *m, struct diag *reterr)
{
	struct changes *c = xcalloc(1, sizeof(*c));
	int64_t revision = m->revision;
	int error;

	c->arena = arena_new();
	error = registry_changes(
	    m->reg, m->revision, CHANGES, on_change, c, &revision, reterr);
	if (error == 0 && c->n == CHANGES)
		error = -ESTALE;
	for (unsigned k = 0; error == 0 && k < c->n; k++) {
		error = load_service(
		    m, c->items[k].zone, c->items[k].service, reterr);
	}
	arena_free(c->arena);
	free(c);
	if (error == 0)
		m->revision = revision;
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

static void close_registry(struct top_model *m)
{
	registry_close(m->reg);
	m->reg = NULL;
	m->loaded = false;
}

/* Another file under the same name is another registry. */
static int open_registry(struct top_model *m, struct diag *reterr)
{
	struct stat st;

	if (stat(m->path, &st) < 0) {
		int error = -errno;

		return diag_set(reterr, error, "cannot open '%s': %s", m->path,
		    strerror(-error));
	}
	if (m->reg && st.st_dev == m->dev && st.st_ino == m->ino)
		return 0;
	close_registry(m);
	int error = registry_open(m->path, REGISTRY_READ, &m->reg, reterr);

	if (error < 0)
		m->reg = NULL;
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	return error;
}

/* 1: something was read, 0: nothing is new. */
static int read_news(struct top_model *m, struct diag *reterr)
{
	int64_t revision;
	int error = registry_revision(m->reg, &revision);

	if (error < 0) {
		return diag_set(reterr, error, "cannot read '%s': %s", m->path,
		    strerror(-error));
	}
	if (m->loaded && revision == m->revision)
		return 0;
	error = m->loaded ? load_changes(m, reterr) : -ESTALE;
	if (error == -ESTALE) {
		/* what changes meanwhile is read again */
		m->revision = revision;
		error = load_all(m, reterr);
	}
	if (error == 0)
		error = load_recent(m, reterr);
	return error < 0 ? error : 1;
}

bool top_model_refresh(struct top_model *m)
{
	char was[sizeof(m->trouble)];
	struct diag why;
	int r = open_registry(m, &why);

	memcpy(was, m->trouble, sizeof(was));
	if (r == 0)
		r = read_news(m, &why);
	m->trouble[0] = '\0';
	if (r < 0) {
		(void)snprintf(
		    m->trouble, sizeof(m->trouble), "%.200s", why.text);
		if (r != -EBUSY)
			close_registry(m);
	}
	return r > 0 || strcmp(was, m->trouble) != 0;
}
