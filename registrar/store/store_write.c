// SPDX-License-Identifier: BSD-2-Clause
/*
 * One transaction. Orders first (what is withdrawn may come back below it),
 * then services, instances and checks, so that a row finds the one that it
 * belongs to. What has been written waits in done_* for the commit.
 *
 * A row that the database refuses (-EINVAL) is reported and dropped: it must
 * not hold up the others, and will not get better by itself.
 */
#include "registrar/store/store_impl.h"
#include "schema/base/scoped.h"
#include "schema/base/version.h"
#include "schema/base/xalloc.h"
#include "schema/registrar_end.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUDGET_MS 4      /* whoever comes next waits no longer */
#define REFUSED_LINES 20 /* a minute */

/* Reports a row that was refused; other errors go up. */
static int unless_refused(struct store *st, int error, const struct diag *why)
{
	if (error != -EINVAL)
		return error;
	if (log_limit_ok(&st->refused, REFUSED_LINES, 60000,
	        timers_now(st->config.timers)))
		log_error("the registry refuses a row: %s", why->text);
	return 0;
}

/* ---- what an earlier run left ----------------------------------------- */

/* The instances of one service that are new here, by name. */
struct loading {
	struct store *st;
	struct store_instance **fresh;
	size_t n;
};

static int by_name(const void *a, const void *b)
{
	const struct store_instance *const *x = a, *const *y = b;

	return strcmp((*x)->row.name, (*y)->row.name);
}

static struct store_instance *find_fresh(struct loading *l, const char *name)
{
	struct store_instance key = { .row.name = name };
	const struct store_instance *at = &key;
	struct store_instance **found = bsearch(
	    &at, l->fresh, l->n, sizeof(struct store_instance *), by_name);

	return found ? *found : NULL;
}

static void ignore_service(void *arg, const struct service_row *row)
{
	(void)arg;
	(void)row;
}

static void ignore_done(void *arg)
{
	(void)arg;
}

static void load_instance(void *arg, const struct instance_row *row)
{
	struct loading *l = arg;
	struct store_instance *i = find_fresh(l, row->name);

	if (i)
		l->st->config.restore(l->st->config.arg, i, row);
}

static void load_check(void *arg, const struct check_row *row)
{
	struct loading *l = arg;
	struct store_instance *i = find_fresh(l, row->instance);

	if (i && !l->st->config.restore_check(l->st->config.arg, i, row)) {
		store_withdraw(
		    l->st, row->zone, row->service, row->instance, row->name);
	}
}

static int load(struct store *st, struct store_service *s, struct diag *reterr)
{
	struct loading l = { .st = st };
	const struct registry_visitor v = { .service = ignore_service,
		.instance = load_instance,
		.done = ignore_done,
		.arg = &l,
		.broken = registry_pass_over };
	struct store_instance *i;

	LIST_FOREACH (i, &s->instances, siblings)
		l.n += !i->known;
	scoped_free struct store_instance **fresh =
	    xcalloc(l.n, sizeof(struct store_instance *));

	l.fresh = fresh;
	l.n = 0;
	LIST_FOREACH (i, &s->instances, siblings) {
		if (!i->known)
			fresh[l.n++] = i;
	}
	qsort(fresh, l.n, sizeof(struct store_instance *), by_name);
	int r = registry_read_service(
	    st->registry, s->row.zone, s->row.name, &v, reterr);

	if (r == 0) {
		r = registry_read_checks(st->registry, s->row.zone, s->row.name,
		    load_check, &l, reterr);
	}
	if (r == -ENOENT)
		r = 0;
	/* next time; but what is broken stays so, and must not hold up all */
	if (r < 0 && r != -EUCLEAN)
		return r;
	for (size_t n = 0; n < l.n; n++)
		fresh[n]->known = true;
	return r;
}

/* ---- orders ----------------------------------------------------------- */

static int put_refused(
    struct store *st, const struct store_order *o, struct diag *reterr)
{
	const struct refused_row row = { .source = st->config.source,
		.file = o->file,
		.message = o->text,
		.services = o->service,
		.since_wall_ms = st->config.wall_ms(st->config.arg) };

	return registry_put_refused(st->registry, &row, reterr);
}

static int write_order(
    struct store *st, const struct store_order *o, struct diag *reterr)
{
	struct registry *reg = st->registry;

	switch (o->kind) {
	case ORDER_WITHDRAW_SERVICE:
		/* stays while anybody has instances there */
		return registry_withdraw_service_of(
		    reg, o->zone, o->service, st->config.source, reterr);
	case ORDER_WITHDRAW_INSTANCE:
		/* an operator or another registrar may own the row by now */
		return registry_withdraw_instance_of(reg, o->zone, o->service,
		    o->instance, st->config.source, reterr);
	case ORDER_WITHDRAW_CHECK:
		return registry_withdraw_check(
		    reg, o->zone, o->service, o->instance, o->check, reterr);
	case ORDER_PUT_DEFINITION:
		return registry_put_definition(
		    reg, st->config.source, o->file, o->text, reterr);
	case ORDER_WITHDRAW_DEFINITION:
		return registry_withdraw_definition(
		    reg, st->config.source, o->file, reterr);
	case ORDER_PUT_REFUSED:
		return put_refused(st, o, reterr);
	case ORDER_WITHDRAW_REFUSED:
		return registry_withdraw_refused(
		    reg, st->config.source, o->file, reterr);
	}
	return -EINVAL;
}

/* ---- rows ------------------------------------------------------------- */

static int write_service(
    struct store *st, struct store_item *item, struct diag *reterr)
{
	struct store_service *s = STORE_ITEM(item, struct store_service, item);

	int r = 0;

	if (!store_is_registered(s->row.definition))
		r = registry_put_service(st->registry, &s->row, reterr);
	if (r == 0)
		r = registry_clear_service_also(st->registry, &s->row, reterr);
	for (unsigned n = 0; r == 0 && n < s->also_n; n++) {
		if (store_is_registered(s->also[n].definition))
			continue;
		r = registry_put_service_also(
		    st->registry, &s->also[n], reterr);
	}
	return r;
}

static int put_health(
    struct store *st, const struct instance_row *row, struct diag *reterr)
{
	return registry_put_health(st->registry, row->zone, row->service,
	    row->name, row->health, row->reason, row->since_wall_ms, reterr);
}

static int put_pace(
    struct store *st, const struct store_instance *i, struct diag *reterr)
{
	const struct instance_row *row = &i->row;

	if (!i->paced)
		return 0;
	int r = registry_put_ramp(st->registry, row->zone, row->service,
	    row->name, row->ramp_percent, reterr);

	if (r < 0)
		return r;
	return registry_put_damping(st->registry, row->zone, row->service,
	    row->name, &row->damping, reterr);
}

/* Somebody deleted the row (or its service) under us. */
static int put_again(
    struct store *st, struct store_instance *i, struct diag *reterr)
{
	struct store_check *c;
	int r;

	if (store_is_registered(i->row.definition))
		return 0; /* it has gone, and we hear of it */
	LIST_FOREACH (c, &i->checks, siblings)
		store_enqueue(&st->checks, &c->item);
	if ((r = registry_put_service(st->registry, &i->service->row, reterr)) <
	        0 ||
	    (r = registry_put_instance(st->registry, &i->row, reterr)) < 0 ||
	    (r = put_health(st, &i->row, reterr)) < 0)
		return r;
	i->paced = true;
	if (!i->mend)
		i->mend = "put again: it was deleted";
	return put_pace(st, i, reterr);
}

/*
 * In a registry that took the place of another a drain goes on, unless it has
 * the row already: that is as whoever made it wanted it.
 */
static int put_whole(
    struct store *st, const struct store_instance *i, struct diag *reterr)
{
	const struct instance_row *row = &i->row;
	bool carry = i->carried && row->mode == MODE_DRAINING &&
	             registry_find_instance(st->registry, row->zone,
	                 row->service, row->name, NULL) == -ENOENT;
	int r = registry_put_instance(st->registry, row, reterr);

	if (r < 0 || !carry)
		return r;
	return registry_put_drain(st->registry, row->zone, row->service,
	    row->name, &row->drain, row->since_wall_ms, reterr);
}

static int write_instance(
    struct store *st, struct store_item *item, struct diag *reterr)
{
	struct store_instance *i =
	    STORE_ITEM(item, struct store_instance, item);
	int r = 0;

	if (!i->known)
		r = load(st, i->service, reterr);
	if (store_is_registered(i->row.definition)) {
		i->lost = true;
		i->mend = NULL;
	} else if (r == 0 && i->whole && (r = put_whole(st, i, reterr)) == 0) {
		r = store_look_at_owner(st, i, reterr);
	}
	if (r < 0 || !store_may_judge(st, i))
		return r;
	if ((r = put_health(st, &i->row, reterr)) == 0)
		r = put_pace(st, i, reterr);
	if (r == -ENOENT)
		r = put_again(st, i, reterr);
	if (r == 0 && i->mend) {
		r = registry_put_note(st->registry, i->row.zone, i->row.service,
		    i->row.name, st->config.source, i->mend,
		    st->config.wall_ms(st->config.arg), reterr);
	}
	return r;
}

/* Did somebody report on a ttl check after we looked? Then it stays so. */
static bool was_reported(struct store *st, const struct check_row *row)
{
	struct heartbeat beat;
	const struct probe_subject s = { .zone = row->zone,
		.service = row->service,
		.instance = row->instance };

	return store_heartbeat(st, &s, row->name, &beat) == 0 &&
	       beat.at_wall_ms > row->checked_wall_ms;
}

static int write_check(
    struct store *st, struct store_item *item, struct diag *reterr)
{
	struct store_check *c = STORE_ITEM(item, struct store_check, item);

	if (!store_may_judge(st, c->instance) ||
	    (store_is_registered(c->instance->row.definition) &&
	        registry_find_instance(st->registry, c->row.zone,
	            c->row.service, c->row.instance, NULL) == -ENOENT))
		return 0;
	if (!strcmp(c->row.kind, check_kind_name(CHECK_TTL)) &&
	    was_reported(st, &c->row))
		return 0;
	return registry_put_check(st->registry, &c->row, reterr);
}

/* ---- the transaction -------------------------------------------------- */

typedef int (*write_fn)(
    struct store *st, struct store_item *item, struct diag *reterr);

static int write_orders(struct store *st, struct store_orders *orders,
    int64_t until_ms, struct diag *reterr)
{
	struct store_order *o;

	while ((o = TAILQ_FIRST(orders))) {
		struct diag why;
		int r = write_order(st, o, &why);

		if (r == -ENOENT) /* what was to go is gone */
			r = 0;
		if ((r = unless_refused(st, r, &why)) < 0)
			return diag_set(reterr, r, "%s", why.text);
		TAILQ_REMOVE(orders, o, link);
		TAILQ_INSERT_TAIL(&st->done_orders, o, link);
		if (timers_now(st->config.timers) > until_ms)
			break;
	}
	return 0;
}

static int write_queue(struct store *st, struct store_queue *q, write_fn write,
    int64_t until_ms, struct diag *reterr)
{
	struct store_item *item;

	while ((item = TAILQ_FIRST(q))) {
		struct diag why;
		int r = unless_refused(st, write(st, item, &why), &why);

		if (r < 0)
			return diag_set(reterr, r, "%s", why.text);
		store_enqueue(&st->done_items, item);
		if (timers_now(st->config.timers) > until_ms)
			break;
	}
	return 0;
}

static int write_beat(struct store *st, struct diag *reterr)
{
	if (!st->beat_due)
		return 0;
	char last[LOG_LAST_MAX];
	struct registrar_row row = { .name = st->config.name,
		.pid = (int)getpid(),
		.version = ROLLCALL_VERSION,
		.heartbeat_wall_ms = st->config.wall_ms(st->config.arg),
		.last_error = last };

	row.last_error_wall_ms = log_last(last);
	int r = registry_put_registrar(st->registry, &row, reterr);

	return r < 0 || !st->ends ? r
	                          : registry_end_registrar(
	                                st->registry, st->config.name, reterr);
}

static int write_all(struct store *st, struct diag *reterr)
{
	int64_t until_ms = timers_now(st->config.timers) + BUDGET_MS;
	int r;

	/* a queue is begun when those before it are empty */
	if ((r = write_beat(st, reterr)) < 0 ||
	    (r = write_queue(
	         st, &st->flips, write_instance, until_ms, reterr)) < 0 ||
	    (r = write_orders(st, &st->orders, until_ms, reterr)) < 0 ||
	    !TAILQ_EMPTY(&st->orders) ||
	    (r = write_queue(
	         st, &st->services, write_service, until_ms, reterr)) < 0 ||
	    !TAILQ_EMPTY(&st->services) ||
	    (r = write_queue(
	         st, &st->instances, write_instance, until_ms, reterr)) < 0 ||
	    !TAILQ_EMPTY(&st->instances) ||
	    (r = write_queue(st, &st->checks, write_check, until_ms, reterr)) <
	        0 ||
	    !TAILQ_EMPTY(&st->checks))
		return r;
	return write_orders(st, &st->texts, until_ms, reterr);
}

static void take_back(struct store *st)
{
	struct store_order *o;
	struct store_item *item;

	while ((o = TAILQ_LAST(&st->done_orders, store_orders))) {
		TAILQ_REMOVE(&st->done_orders, o, link);
		TAILQ_INSERT_HEAD(o->home, o, link);
	}
	while ((item = TAILQ_FIRST(&st->done_items)))
		store_enqueue(item->home, item);
}

static void settle_instance(struct store_instance *i)
{
	i->whole = i->paced = false;
	i->mend = NULL;
	if (i->carried) {
		i->row.mode = MODE_ACTIVE;
		i->row.drain = (struct drain_row){ 0 };
		i->carried = false;
	}
}

static void settle(struct store *st)
{
	int64_t now_ms = timers_now(st->config.timers);
	struct store_order *o;
	struct store_item *item;

	st->beat_due = false;
	while ((o = TAILQ_FIRST(&st->done_orders))) {
		TAILQ_REMOVE(&st->done_orders, o, link);
		store_order_free(o);
	}
	while ((item = TAILQ_FIRST(&st->done_items))) {
		store_dequeue(item);
		if (item->home == &st->instances || item->home == &st->flips) {
			settle_instance(
			    STORE_ITEM(item, struct store_instance, item));
		} else if (item->home == &st->checks) {
			STORE_ITEM(item, struct store_check, item)->written_ms =
			    now_ms;
		}
	}
}

int store_write(struct store *st, struct diag *reterr)
{
	if (!store_has_news(st) && !st->beat_due)
		return 0;
	int r = registry_begin(st->registry, 0, reterr);

	if (r < 0)
		return r;
	if ((r = store_mend_begin(st, reterr)) == 0)
		r = write_all(st, reterr);
	if (r == 0)
		r = store_mend_end(st, reterr);
	if (r < 0) {
		registry_rollback(st->registry);
	} else {
		r = registry_commit(st->registry, reterr);
	}
	if (r < 0) {
		take_back(st);
	} else {
		settle(st);
	}
	return r;
}
