// SPDX-License-Identifier: BSD-2-Clause
/*
 * A changed row stands in one of the queues until a transaction has been
 * committed with it. The registry is opened when it is needed and looked at
 * by stat(2) before each use: another file under its name is another
 * database, which gets everything.
 *
 * Trouble has one path: store_flush() fails, says so once if it lasts, and
 * comes back by timer with pauses that grow from 1 to 100 ms while the
 * database is busy, and to a second when it is broken.
 */
#include "registrar/store/store.h"

#include "registrar/lib/printable.h"
#include "registrar/store/store_impl.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MIN_MS 1
#define RETRY_BUSY_MAX_MS 100
#define RETRY_BROKEN_MAX_MS 1000
#define TROUBLE_TOLD_MS 1000 /* shorter ones are not worth a line */
#define TROUBLE_SHOWN_MS 500
#define LOOK_MS 100 /* at what others write, if nothing tells of it */

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

bool store_has_news(const struct store *st)
{
	return !TAILQ_EMPTY(&st->flips) || !TAILQ_EMPTY(&st->orders) ||
	       !TAILQ_EMPTY(&st->services) || !TAILQ_EMPTY(&st->instances) ||
	       !TAILQ_EMPTY(&st->checks) || !TAILQ_EMPTY(&st->texts);
}

bool store_is_idle(const struct store *st)
{
	return !store_has_news(st) && !st->sweep.running;
}

bool store_has_trouble(const struct store *st)
{
	return st->trouble_ms != 0;
}

const char *store_trouble_text(const struct store *st)
{
	return st->trouble_ms &&
	               timers_now(st->config.timers) - st->trouble_ms >=
	                   TROUBLE_SHOWN_MS
	           ? st->trouble_why.text
	           : "";
}

/* ---- open and close --------------------------------------------------- */

void store_queue_everything(struct store *st)
{
	struct store_service *s;
	struct store_instance *i;
	struct store_check *c;

	LIST_FOREACH (s, &st->all, all) {
		store_enqueue(&st->services, &s->item);
		LIST_FOREACH (i, &s->instances, siblings) {
			if (i->retired)
				continue;
			i->whole = i->paced = true;
			i->item.home = &st->instances;
			store_enqueue(&st->instances, &i->item);
			LIST_FOREACH (c, &i->checks, siblings)
				store_enqueue(&st->checks, &c->item);
		}
	}
}

static void carry_mode(void *arg, const char *zone, const char *service,
    const char *instance, enum mode m, const struct drain_row *drain)
{
	const struct store *st = arg;
	struct store_service *s = store_find_service(st, zone, service);
	struct store_instance *i;

	if (!s)
		return;
	LIST_FOREACH (i, &s->instances, siblings) {
		if (strcmp(i->row.name, instance) != 0)
			continue;
		i->row.mode = m;
		i->row.drain = *drain;
		/* the text is of the connection that is closed next */
		i->row.drain.text = NULL;
		i->carried = true;
	}
}

/*
 * Modes are the operator's, so only the registry has them: that of before is
 * still open. A row that is in the new one keeps the mode that it has there.
 */
static void carry_modes(void *arg, struct registry *r)
{
	struct store *st = arg;
	struct diag why;

	if (registry_read_modes(r, carry_mode, st, &why) < 0) {
		log_warn("modes that operators set in the registry of before "
		         "cannot be read: %s",
		    why.text);
	}
}

/* ---- what others write ------------------------------------------------ */

static int64_t now_us(const struct store *st)
{
	return timers_now(st->config.timers) * 1000;
}

static void tell_changed(void *arg, const char *zone, const char *service)
{
	struct store *st = arg;

	if (service)
		store_mend_note(st, zone, service);
	if (st->config.changed)
		st->config.changed(st->config.arg, zone, service);
}

/* The first one, or it has another past than what we wrote to. */
static void begin_anew(struct store *st, const struct diag *why, bool first)
{
	if (!first) {
		log_warn("registry '%s': %s: writing everything to it",
		    st->config.path, why->text);
		store_queue_everything(st);
	}
	st->unsettled = store_settle_in(st, NULL) < 0;
	store_sweep_restart(st);
	st->config.opened(st->config.arg);
	tell_changed(st, NULL, NULL);
}

static int take_news(struct store *st, struct diag *reterr)
{
	bool first = !st->place.opening;
	int64_t before = st->place.revision;
	struct diag why;
	int r = follow_changes(st->follow, &st->place, tell_changed, st, &why);

	if (r == 0)
		return store_mend(st, before, reterr);
	if (r != -ESTALE)
		return diag_set(reterr, r, "%s", why.text);
	begin_anew(st, &why, first);
	return 0;
}

/*
 * Opens what stands at the path, and sees what has come of it. While nothing
 * can be opened there, what was open before can be read.
 */
static int look(struct store *st, struct diag *reterr)
{
	int r = follow_look(st->follow, now_us(st), reterr);

	st->registry = follow_registry(st->follow);
	if (r < 0)
		return r;
	r = follow_is_behind(st->follow, &st->place, reterr);
	if (r > 0)
		r = take_news(st, reterr);
	if (r < 0)
		follow_failed(st->follow, r);
	st->registry = follow_registry(st->follow);
	return r;
}

static void look_later(struct store *st)
{
	int64_t at_ms = (follow_due_us(st->follow) + 999) / 1000;

	timer_set(st->config.timers, &st->look, at_ms);
}

/* What is in trouble, or not open yet, is opened by whoever writes. */
static void on_look(void *arg)
{
	struct store *st = arg;
	struct diag why;
	int r = 0;

	if (st->registry && !st->trouble_ms) {
		r = look(st, &why);
		if (r == 0 && st->config.written)
			st->config.written(st->config.arg);
		look_later(st);
	} else {
		timer_set(st->config.timers, &st->look,
		    timers_now(st->config.timers) + LOOK_MS);
	}
	if (r < 0 || !store_is_idle(st))
		store_wake(st);
}

int store_read_registrations(struct store *st, int64_t since, unsigned limit,
    registry_registration_fn fn, void *arg)
{
	if (!st->registry)
		return -EAGAIN;
	return registry_read_registrations(
	    st->registry, since, limit, fn, arg, NULL);
}

int store_fd(const struct store *st)
{
	return follow_fd(st->follow);
}

void store_notice(struct store *st)
{
	follow_notice(st->follow, now_us(st));
	if (follow_due_us(st->follow) <= now_us(st))
		on_look(st);
}

/* ---- trouble ---------------------------------------------------------- */

static void in_trouble(struct store *st, int error, const struct diag *why)
{
	int64_t now_ms = timers_now(st->config.timers);
	int64_t max_ms =
	    error == -EBUSY ? RETRY_BUSY_MAX_MS : RETRY_BROKEN_MAX_MS;

	if (!st->trouble_ms) {
		st->trouble_ms = now_ms ? now_ms : 1;
		st->retry_pause_ms = RETRY_MIN_MS;
	}
	st->trouble_why = *why;
	if (!st->trouble_told &&
	    (error != -EBUSY || now_ms - st->trouble_ms > TROUBLE_TOLD_MS)) {
		st->trouble_told = true;
		log_warn("cannot write to the registry, changes wait: %s",
		    why->text);
	}
	timer_set(st->config.timers, &st->retry, now_ms + st->retry_pause_ms);
	st->retry_pause_ms *= 2;
	if (st->retry_pause_ms > max_ms)
		st->retry_pause_ms = max_ms;
}

void store_trouble(struct store *st, int error, const struct diag *why)
{
	/* a broken file is closed: the next try sees what is there then */
	follow_failed(st->follow, error);
	st->registry = follow_registry(st->follow);
	in_trouble(st, error, why);
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

static int write_some(struct store *st, struct diag *reterr)
{
	int r = st->unsettled ? store_settle_in(st, reterr) : 0;

	if (r < 0)
		return r;
	st->unsettled = false;
	r = store_write(st, reterr);
	if (r == 0 && st->sweep.running && TAILQ_EMPTY(&st->orders) &&
	    TAILQ_EMPTY(&st->instances))
		r = store_sweep_page(st, reterr);
	/* others wait for what we wrote as they do for what is written to us */
	return r < 0 ? r : look(st, reterr);
}

void store_flush(struct store *st)
{
	struct diag why;

	st->woken = false;
	follow_hurry(st->follow);
	int r = look(st, &why);
	if (r < 0) {
		in_trouble(st, r, &why);
		return;
	}
	r = write_some(st, &why);
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
	LIST_INIT(&st->touched);
	TAILQ_INIT(&st->flips);
	TAILQ_INIT(&st->orders);
	TAILQ_INIT(&st->texts);
	TAILQ_INIT(&st->services);
	TAILQ_INIT(&st->instances);
	TAILQ_INIT(&st->checks);
	TAILQ_INIT(&st->later);
	TAILQ_INIT(&st->done_orders);
	TAILQ_INIT(&st->done_items);
	timer_init(&st->retry, on_retry, st);
	timer_init(&st->look, on_look, st);
	st->follow = follow_new(config->path, REGISTRY_WRITE_NOWAIT, LOOK_MS);
	follow_on_leaving(st->follow, carry_modes, st);
	timer_set(st->config.timers, &st->look,
	    timers_now(st->config.timers) + LOOK_MS);
	store_upkeep_start(st);
	return st;
}

static void free_orders(struct store_orders *orders)
{
	struct store_order *o;

	while ((o = TAILQ_FIRST(orders))) {
		TAILQ_REMOVE(orders, o, link);
		store_order_free(o);
	}
}

void store_free(struct store *st)
{
	if (!st)
		return;
	timer_cancel(st->config.timers, &st->retry);
	timer_cancel(st->config.timers, &st->look);
	store_upkeep_stop(st);
	store_foreign_forget(st);
	free_orders(&st->orders);
	free_orders(&st->texts);
	follow_free(st->follow);
	free(st);
}

void store_reconcile(struct store *st)
{
	st->sweep.wanted = true;
	store_sweep_restart(st);
	store_wake(st);
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

int store_has_eligible(const struct store *st, const char *zone,
    const char *service, bool *ret_any)
{
	if (!st->registry)
		return -EAGAIN;
	return registry_has_eligible(st->registry, zone, service,
	    st->config.wall_ms(st->config.arg), ret_any, NULL);
}

int store_tally(const struct store *st, const char *zone, const char *service,
    struct service_tally *ret_tally)
{
	if (!st->registry)
		return -EAGAIN;
	return registry_tally(st->registry, zone, service,
	    st->config.wall_ms(st->config.arg), ret_tally, NULL);
}

int store_state(const struct store *st, const char *zone, const char *service,
    const char *instance, struct instance_state *ret_state)
{
	if (!st->registry)
		return -EAGAIN;
	return registry_read_state(st->registry, zone, service, instance,
	    st->config.wall_ms(st->config.arg), ret_state, NULL);
}

static void take_beat(void *arg, const struct check_row *row)
{
	struct heartbeat *beat = arg;

	beat->status = row->status;
	beat->at_wall_ms = row->checked_wall_ms;
	printable_copy(
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
