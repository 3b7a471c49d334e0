// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows of ours that somebody else deleted or changed are put right, and their
 * history says so. What the log of changes has from our own transactions alone
 * is not looked at.
 *
 * What is the operator's (mode, drain, weight_override) is left alone, and so
 * is a row that another has by now.
 */
#include "registrar/store/store_impl.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MENDED_LINES 20 /* a minute */

/* ---- comparing --------------------------------------------------------- */

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool service_equal(
    const struct service_row *a, const struct service_row *b)
{
	return text_equal(a->protocol, b->protocol) && a->port == b->port &&
	       a->ttl_s == b->ttl_s && a->max_answers == b->max_answers &&
	       a->on_empty == b->on_empty && text_equal(a->tags, b->tags) &&
	       text_equal(a->meta, b->meta) &&
	       text_equal(a->definition, b->definition);
}

static bool description_equal(
    const struct instance_row *a, const struct instance_row *b)
{
	return text_equal(a->address, b->address) &&
	       text_equal(a->address6, b->address6) && a->port == b->port &&
	       a->priority == b->priority && a->weight == b->weight &&
	       a->weight_warning == b->weight_warning &&
	       a->lease_until_wall_ms == b->lease_until_wall_ms &&
	       text_equal(a->tags, b->tags) && text_equal(a->meta, b->meta) &&
	       text_equal(a->locality, b->locality) &&
	       text_equal(a->definition, b->definition);
}

/* ---- one service ------------------------------------------------------- */

struct looking {
	struct store *st;
	struct store_service *s;
	struct store_instance **all; /* by name */
	bool *found;
	size_t n;
	bool doubt; /* some of it cannot be read: nothing is missing */
};

static bool is_ours(
    const struct store *st, const char *node, const char *source)
{
	return !*node && !strcmp(source, st->config.source);
}

static void tell(struct store *st, const struct store_instance *i)
{
	if (log_limit_ok(&st->mended, MENDED_LINES, 60000,
	        timers_now(st->config.timers)))
		log_warn("'%s/%s': %s", i->row.service, i->row.name, i->mend);
}

static void on_service(void *arg, const struct service_row *row)
{
	struct looking *l = arg;

	if (l->s->item.queue || !is_ours(l->st, row->node, row->source) ||
	    service_equal(row, &l->s->row))
		return;
	log_warn("service '%s' was changed by others: put right", row->name);
	store_service_changed(l->st, l->s);
}

static int by_name(const void *a, const void *b)
{
	const struct store_instance *const *x = a, *const *y = b;

	return strcmp((*x)->row.name, (*y)->row.name);
}

static bool *find(struct looking *l, const char *name)
{
	struct store_instance key = { .row.name = name };
	const struct store_instance *at = &key;
	struct store_instance **found = bsearch(
	    &at, l->all, l->n, sizeof(struct store_instance *), by_name);

	return found ? &l->found[found - l->all] : NULL;
}

static void compare(
    struct store *st, struct store_instance *i, const struct instance_row *row)
{
	/* what waits is newer than what is there */
	if (i->item.queue || i->retired || !i->known)
		return;
	if (store_is_registered(i->row.definition)) {
		/* registered anew, so it begins as who did so says */
		if (row->health != i->row.health)
			store_health_changed(st, i);
		return;
	}
	if (!is_ours(st, row->node, row->source)) {
		if (i->lost)
			return;
		store_instance_changed(st, i); /* to be said beside it */
		return;
	}
	if (!description_equal(row, &i->row) || i->lost) {
		i->mend = i->lost ? NULL : "put right: others changed it";
		store_instance_changed(st, i);
	} else if (row->health != i->row.health) {
		i->mend = "health put right: others changed it";
		i->row.since_wall_ms = st->config.wall_ms(st->config.arg);
		store_health_changed(st, i);
	}
	if (i->mend)
		tell(st, i);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct looking *l = arg;
	bool *found = find(l, row->name);

	if (!found)
		return;
	*found = true;
	compare(l->st, l->all[found - l->found], row);
}

static void on_done(void *arg)
{
	(void)arg;
}

static void on_broken(void *arg, const char *zone, const char *service,
    const char *instance, const char *why)
{
	struct looking *l = arg;

	(void)zone;
	(void)service;
	(void)instance;
	(void)why;
	l->doubt = true;
}

static void put_missing(struct looking *l)
{
	for (size_t n = 0; n < l->n; n++) {
		struct store_instance *i = l->all[n];

		if (l->found[n] || i->item.queue || i->retired || !i->known ||
		    store_is_registered(i->row.definition))
			continue;
		i->mend = "put again: others deleted it";
		i->row.since_wall_ms = l->st->config.wall_ms(l->st->config.arg);
		i->paced = true;
		tell(l->st, i);
		store_instance_changed(l->st, i);
	}
}

static int look_at(
    struct store *st, struct store_service *s, struct diag *reterr)
{
	struct looking l = { .st = st, .s = s };
	const struct registry_visitor v = { .service = on_service,
		.instance = on_instance,
		.done = on_done,
		.arg = &l,
		.broken = on_broken };
	struct store_instance *i;

	LIST_FOREACH (i, &s->instances, siblings)
		l.n++;
	scoped_free struct store_instance **all =
	    xcalloc(l.n + 1, sizeof(struct store_instance *));
	scoped_free bool *found = xcalloc(l.n + 1, sizeof(bool));

	l.all = all;
	l.found = found;
	l.n = 0;
	LIST_FOREACH (i, &s->instances, siblings)
		all[l.n++] = i;
	qsort(all, l.n, sizeof(struct store_instance *), by_name);
	int r = registry_read_service(
	    st->registry, s->row.zone, s->row.name, &v, reterr);

	if (r == -ENOENT) {
		store_service_changed(st, s);
		r = 0;
	}
	if (r == 0 && !l.doubt)
		put_missing(&l);
	return r;
}

/* ---- which ------------------------------------------------------------- */

void store_mend_note(struct store *st, const char *zone, const char *service)
{
	struct store_service *s = store_find_service(st, zone, service);

	if (!s || s->touched)
		return;
	s->touched = true;
	LIST_INSERT_HEAD(&st->touched, s, of_touched);
}

int store_mend(struct store *st, int64_t before, struct diag *reterr)
{
	bool ours = before == st->own_from && st->place.revision == st->own_to;
	struct store_service *s;
	int r = 0;

	while (r == 0 && (s = LIST_FIRST(&st->touched))) {
		if (!ours && (r = look_at(st, s, reterr)) < 0)
			break;
		s->touched = false;
		LIST_REMOVE(s, of_touched);
	}
	return r;
}

static int read_revision(
    struct store *st, int64_t *ret_revision, struct diag *reterr)
{
	int r = registry_revision(st->registry, ret_revision);

	return r < 0 ? diag_set(reterr, r, "cannot read the revision: %s",
	                   strerror(-r))
	             : 0;
}

int store_mend_begin(struct store *st, struct diag *reterr)
{
	/* until it is committed, nothing is ours alone */
	st->own_to = -1;
	return read_revision(st, &st->own_from, reterr);
}

int store_mend_end(struct store *st, struct diag *reterr)
{
	return read_revision(st, &st->own_to, reterr);
}
