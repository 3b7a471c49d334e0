// SPDX-License-Identifier: BSD-2-Clause
/*
 * A changed row stands in one of four queues until a transaction has been
 * committed with it. The registry is opened when it is needed and looked at
 * by stat(2) before each use: another file under its name is another
 * database, which gets everything.
 *
 * Trouble has one path: store_flush() fails, says so once if it lasts, and
 * comes back by timer with pauses that grow from 1 to 100 ms while the
 * database is busy, and to a second when it is broken.
 */
#include "registrar/store.h"

#include "registrar/store_impl.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETRY_MIN_MS 1
#define RETRY_BUSY_MAX_MS 100
#define RETRY_BROKEN_MAX_MS 1000
#define TROUBLE_TOLD_MS 1000 /* shorter ones are not worth a line */

/* ---- queues ----------------------------------------------------------- */

void store_enqueue(struct store_queue *q, struct store_item *item)
{
	store_dequeue(item);
	item->queue = q;
	TAILQ_INSERT_TAIL(q, item, link);
}

void store_dequeue(struct store_item *item)
{
	if (item->queue)
		TAILQ_REMOVE(item->queue, item, link);
	item->queue = NULL;
}

void store_wake(struct store *st)
{
	/* in trouble the timer comes back, not every single change */
	if (st->woken || st->trouble_ms)
		return;
	st->woken = true;
	st->config.wake(st->config.arg);
}

void store_order_free(struct store_order *o)
{
	free(o->zone);
	free(o->service);
	free(o->instance);
	free(o->check);
	free(o->file);
	free(o->text);
	free(o);
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static struct store_order *order_new(
    struct store *st, enum store_order_kind kind)
{
	struct store_order *o = xcalloc(1, sizeof(*o));

	o->kind = kind;
	TAILQ_INSERT_TAIL(&st->orders, o, link);
	store_wake(st);
	return o;
}

bool store_is_idle(const struct store *st)
{
	return TAILQ_EMPTY(&st->orders) && TAILQ_EMPTY(&st->services) &&
	       TAILQ_EMPTY(&st->instances) && TAILQ_EMPTY(&st->checks) &&
	       !st->sweep.running;
}

bool store_has_trouble(const struct store *st)
{
	return st->trouble_ms != 0;
}

/* ---- open and close --------------------------------------------------- */

static void queue_everything(struct store *st)
{
	struct store_service *s;
	struct store_instance *i;
	struct store_check *c;

	LIST_FOREACH (s, &st->all, all) {
		store_enqueue(&st->services, &s->item);
		LIST_FOREACH (i, &s->instances, siblings) {
			i->whole = true;
			store_enqueue(&st->instances, &i->item);
			LIST_FOREACH (c, &i->checks, siblings)
				store_enqueue(&st->checks, &c->item);
		}
	}
}

static void close_registry(struct store *st)
{
	registry_close(st->registry);
	st->registry = NULL;
}

/* Is the open one still what the path leads to? */
static bool is_current(const struct store *st)
{
	struct stat file;

	return stat(st->config.path, &file) == 0 && file.st_dev == st->dev &&
	       file.st_ino == st->ino;
}

static int open_registry(struct store *st, struct diag *reterr)
{
	struct stat file;

	if (st->registry && is_current(st))
		return 0;
	if (st->registry) {
		log_warn("registry '%s' was replaced or deleted: writing "
		         "everything to the new one",
		    st->config.path);
		close_registry(st);
	}
	int r = registry_open(
	    st->config.path, REGISTRY_WRITE_NOWAIT, &st->registry, reterr);

	if (r < 0)
		return r;
	if (stat(st->config.path, &file) < 0) {
		close_registry(st);
		return diag_set(
		    reterr, -EAGAIN, "'%s' went away", st->config.path);
	}
	/* also a restored copy, which has the id of the one before */
	bool same = st->id && !strcmp(st->id, registry_id(st->registry)) &&
	            st->dev == file.st_dev && st->ino == file.st_ino;

	store_sweep_restart(st);
	if (same) /* closed in trouble: what waits is still queued */
		return 0;
	if (st->id)
		queue_everything(st);
	st->dev = file.st_dev;
	st->ino = file.st_ino;
	free(st->id);
	st->id = xstrdup(registry_id(st->registry));
	st->config.opened(st->config.arg);
	return 0;
}

/* ---- trouble ---------------------------------------------------------- */

void store_trouble(struct store *st, int error, const struct diag *why)
{
	int64_t now_ms = timers_now(st->config.timers);
	int64_t max_ms =
	    error == -EBUSY ? RETRY_BUSY_MAX_MS : RETRY_BROKEN_MAX_MS;

	if (!st->trouble_ms) {
		st->trouble_ms = now_ms ? now_ms : 1;
		st->retry_pause_ms = RETRY_MIN_MS;
	}
	if (!st->trouble_told &&
	    (error != -EBUSY || now_ms - st->trouble_ms > TROUBLE_TOLD_MS)) {
		st->trouble_told = true;
		log_warn("cannot write to the registry, changes wait: %s",
		    why->text);
	}
	/* a broken file is closed: the next try sees what is there then */
	if (error != -EBUSY && st->registry)
		close_registry(st);
	timer_set(st->config.timers, &st->retry, now_ms + st->retry_pause_ms);
	st->retry_pause_ms *= 2;
	if (st->retry_pause_ms > max_ms)
		st->retry_pause_ms = max_ms;
}

static void out_of_trouble(struct store *st)
{
	if (st->trouble_told) {
		log_info("registry '%s' is written again after %lld ms",
		    st->config.path,
		    (long long)(timers_now(st->config.timers) -
		                st->trouble_ms));
	}
	st->trouble_ms = 0;
	st->trouble_told = false;
}

void store_flush(struct store *st)
{
	struct diag why;

	st->woken = false;
	int r = open_registry(st, &why);

	if (r == 0)
		r = store_write(st, &why);
	if (r == 0 && st->sweep.running && TAILQ_EMPTY(&st->orders) &&
	    TAILQ_EMPTY(&st->instances))
		r = store_sweep_page(st, &why);
	if (r < 0) {
		store_trouble(st, r, &why);
		return;
	}
	out_of_trouble(st);
	/* the rest in the next turn: others have waited long enough */
	if (!store_is_idle(st)) {
		timer_set(st->config.timers, &st->retry,
		    timers_now(st->config.timers));
	}
}

static void on_retry(void *arg)
{
	store_flush(arg);
}

/* ---- lifetime ------------------------------------------- */

struct store *store_new(const struct store_config *config)
{
	struct store *st = xcalloc(1, sizeof(*st));

	st->config = *config;
	LIST_INIT(&st->all);
	TAILQ_INIT(&st->orders);
	TAILQ_INIT(&st->services);
	TAILQ_INIT(&st->instances);
	TAILQ_INIT(&st->checks);
	TAILQ_INIT(&st->later);
	TAILQ_INIT(&st->done_orders);
	TAILQ_INIT(&st->done_items);
	timer_init(&st->retry, on_retry, st);
	store_upkeep_start(st);
	return st;
}

void store_free(struct store *st)
{
	struct store_order *o;

	if (!st)
		return;
	timer_cancel(st->config.timers, &st->retry);
	store_upkeep_stop(st);
	while ((o = TAILQ_FIRST(&st->orders))) {
		TAILQ_REMOVE(&st->orders, o, link);
		store_order_free(o);
	}
	close_registry(st);
	free(st->id);
	free(st->sweep.zone);
	free(st->sweep.service);
	free(st);
}

void store_reconcile(struct store *st)
{
	st->sweep.wanted = true;
	store_sweep_restart(st);
	store_wake(st);
}

/* ---- rows ------------------------------------------------------------- */

void store_attach_service(struct store *st, struct store_service *s)
{
	s->item = (struct store_item){ .home = &st->services };
	LIST_INIT(&s->instances);
	LIST_INSERT_HEAD(&st->all, s, all);
	store_service_changed(st, s);
}

void store_service_changed(struct store *st, struct store_service *s)
{
	store_enqueue(&st->services, &s->item);
	store_wake(st);
}

void store_detach_service(struct store *st, struct store_service *s)
{
	(void)st;
	store_dequeue(&s->item);
	LIST_REMOVE(s, all);
}

void store_attach_instance(
    struct store *st, struct store_service *s, struct store_instance *i)
{
	i->service = s;
	i->item = (struct store_item){ .home = &st->instances };
	i->known = false;
	LIST_INIT(&i->checks);
	LIST_INSERT_HEAD(&s->instances, i, siblings);
	store_instance_changed(st, i);
}

void store_instance_changed(struct store *st, struct store_instance *i)
{
	struct store_check *c;

	i->whole = true;
	store_health_changed(st, i);
	/* if the row was refused before, so were they */
	LIST_FOREACH (c, &i->checks, siblings)
		store_enqueue(&st->checks, &c->item);
}

void store_health_changed(struct store *st, struct store_instance *i)
{
	store_enqueue(&st->instances, &i->item);
	store_wake(st);
}

void store_detach_instance(struct store *st, struct store_instance *i)
{
	(void)st;
	store_dequeue(&i->item);
	LIST_REMOVE(i, siblings);
}

void store_attach_check(
    struct store *st, struct store_instance *i, struct store_check *c)
{
	c->instance = i;
	c->item = (struct store_item){ .home = &st->checks };
	c->written_ms = 0;
	LIST_INSERT_HEAD(&i->checks, c, siblings);
	store_check_changed(st, c);
}

void store_check_changed(struct store *st, struct store_check *c)
{
	store_enqueue(&st->checks, &c->item);
	store_wake(st);
}

void store_output_changed(struct store *st, struct store_check *c)
{
	if (!c->item.queue)
		store_enqueue(&st->later, &c->item);
}

void store_detach_check(struct store *st, struct store_check *c)
{
	(void)st;
	store_dequeue(&c->item);
	LIST_REMOVE(c, siblings);
}

void store_withdraw(struct store *st, const char *zone, const char *service,
    const char *instance, const char *check)
{
	struct store_order *o =
	    order_new(st, check      ? ORDER_WITHDRAW_CHECK
	                  : instance ? ORDER_WITHDRAW_INSTANCE
	                             : ORDER_WITHDRAW_SERVICE);

	o->zone = xstrdup(zone);
	o->service = xstrdup(service);
	o->instance = dup_or_null(instance);
	o->check = dup_or_null(check);
}

static bool is_of_definition(const struct store_order *o)
{
	return o->kind == ORDER_PUT_DEFINITION ||
	       o->kind == ORDER_WITHDRAW_DEFINITION;
}

/* The newest order that waits for this file, or NULL. */
static struct store_order *find_definition(struct store *st, const char *file)
{
	struct store_order *o;

	TAILQ_FOREACH_REVERSE(o, &st->orders, store_orders, link)
	{
		if (is_of_definition(o) && !strcmp(o->file, file))
			return o;
	}
	return NULL;
}

void store_put_definition(struct store *st, const char *file, const char *text)
{
	/* only in trouble do orders stay so long that one is outdated */
	struct store_order *o =
	    st->trouble_ms ? find_definition(st, file) : NULL;

	if (!o) {
		o = order_new(st, ORDER_PUT_DEFINITION);
		o->file = xstrdup(file);
	}
	free(o->text);
	o->text = dup_or_null(text);
	o->kind = text ? ORDER_PUT_DEFINITION : ORDER_WITHDRAW_DEFINITION;
}

/* ---- reading ---------------------------------------------------------- */

int store_read_definitions(
    struct store *st, registry_definition_fn fn, void *arg)
{
	if (!st->registry)
		return -EAGAIN;
	return registry_read_definitions(
	    st->registry, st->config.source, fn, arg, NULL);
}

static void take_beat(void *arg, const struct check_row *row)
{
	struct heartbeat *beat = arg;

	beat->status = row->status;
	beat->at_wall_ms = row->checked_wall_ms;
	probe_printable(
	    beat->note, sizeof(beat->note), row->output, strlen(row->output));
}

int store_heartbeat(struct store *st, const struct probe_subject *s,
    const char *check, struct heartbeat *ret_beat)
{
	if (!st->registry)
		return -EAGAIN;
	return registry_read_check(st->registry, s->zone, s->service,
	    s->instance, check, take_beat, ret_beat, NULL);
}
