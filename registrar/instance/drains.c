// SPDX-License-Identifier: BSD-2-Clause
/*
 * All drains that are not over stand in one list, in the order in which the
 * registry gives them, so that what is read is merged with what is known in
 * one pass. A drain waits for its end, then for the transaction that says so,
 * then for its program, then for the transaction that says how that ended.
 * Transactions take many drains at once, and what the registry does not take
 * now is tried again.
 */
#include "registrar/instance/drains.h"

#include "registrar/instance/drains_impl.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 100
#define RETRY_MS 10 /* what the registry did not take */
#define BATCH 256   /* drains in one transaction */
#define NOTE_MAX (DRAIN_TEXT_MAX + 32)

static struct timers *timers_of(const struct drains *ds)
{
	return ds->env->prober->timers;
}

static int64_t wall_ms(const struct drains *ds)
{
	return ds->env->prober->wall_ms(ds->env->prober->arg);
}

struct instance *drain_instance(const struct drain *d)
{
	return fleet_find(d->all->fleet, d->zone, d->service, d->instance);
}

void drains_look_soon(struct drains *ds)
{
	timer_set(timers_of(ds), &ds->look, timers_now(timers_of(ds)));
}

/* ---- the list --------------------------------------------------------- */

static void drop(struct drain *d)
{
	if (d->run) {
		log_info("'%s/%s': the drain is over, what follows it is "
		         "given up",
		    d->service, d->instance);
	}
	drain_hook_stop(d);
	TAILQ_REMOVE(&d->all->list, d, link);
	free(d->zone);
	free(d->service);
	free(d->instance);
	free(d);
}

static struct drain *drain_new(struct drains *ds, const char *zone,
    const char *service, const char *instance)
{
	struct drain *d = xcalloc(1, sizeof(*d));

	d->all = ds;
	d->zone = xstrdup(zone);
	d->service = xstrdup(service);
	d->instance = xstrdup(instance);
	drain_hook_init(d);
	return d;
}

static int compare(const struct drain *d, const char *zone, const char *service,
    const char *instance)
{
	int order = strcmp(d->zone, zone);

	if (!order)
		order = strcmp(d->service, service);
	return order ? order : strcmp(d->instance, instance);
}

/* Rows come in the order of the list; what they pass over is gone. */
static void on_row(void *arg, const char *zone, const char *service,
    const char *instance, const struct drain_row *row)
{
	struct drains *ds = arg;
	struct drain *d = ds->at;
	int order = 1;

	while (d && (order = compare(d, zone, service, instance)) < 0)
		d = TAILQ_NEXT(d, link);
	if (!d || order > 0) {
		struct drain *fresh = drain_new(ds, zone, service, instance);

		if (d) {
			TAILQ_INSERT_BEFORE(d, fresh, link);
		} else {
			TAILQ_INSERT_TAIL(&ds->list, fresh, link);
		}
		d = fresh;
	} else if (d->row.until_wall_ms != row->until_wall_ms &&
	           d->phase != PHASE_WAIT) {
		drain_hook_stop(d); /* resumed, and begun anew */
		d->phase = PHASE_WAIT;
		d->ran = false;
		d->text[0] = '\0';
	}
	bool hurried = row->deadline_wall_ms != d->row.deadline_wall_ms;

	d->row = *row;
	d->row.text = NULL;
	if (hurried && d->run)
		drain_hook_hurry(d);
	d->seen = true;
	ds->at = TAILQ_NEXT(d, link);
}

static void read_rows(struct drains *ds)
{
	struct drain *d, *next;

	ds->at = TAILQ_FIRST(&ds->list);
	TAILQ_FOREACH (d, &ds->list, link)
		d->seen = false;
	if (store_read_drains(ds->env->store, on_row, ds) < 0) {
		ds->is_old = true;
		return; /* what is known goes on */
	}
	for (d = TAILQ_FIRST(&ds->list); d; d = next) {
		next = TAILQ_NEXT(d, link);
		if (!d->seen)
			drop(d);
	}
}

/* ---- transactions ----------------------------------------------------- */

static bool has_hook(const struct instance *i)
{
	const struct drained_spec *spec = instance_drained(i);

	return spec->exec.argv.n || spec->signal;
}

/* Is it to be written? False: not now. */
static bool describe_step(
    const struct drain *d, struct store_drain *ret_s, char note[NOTE_MAX])
{
	const struct instance *i = drain_instance(d);

	*ret_s = (struct store_drain){ .zone = d->zone,
		.service = d->service,
		.instance = d->instance,
		.row = d->row,
		.note = note };
	if (d->phase == PHASE_END) {
		ret_s->row.step = d->ended;
		ret_s->row.text = *d->text ? d->text : NULL;
		(void)snprintf(note, NOTE_MAX, "on_drained %s%s%s",
		    d->ended == DRAIN_DONE ? "ended well" : "failed",
		    *d->text ? ": " : "", d->text);
		return true;
	}
	if (d->phase != PHASE_CLAIM || !i) /* its file is not read, or broken */
		return false;
	ret_s->row.step = has_hook(i) ? DRAIN_HOOK : DRAIN_DONE;
	(void)snprintf(note, NOTE_MAX, "drained%s",
	    !has_hook(i)                   ? ""
	    : d->row.step == DRAIN_WAITING ? ", on_drained begins"
	                                   : ", on_drained begins again");
	return true;
}

/* The row says what was asked for, or there is no such drain any more. */
static void written(struct drain *d, const struct store_drain *s)
{
	bool over = s->row.step == DRAIN_DONE || s->row.step == DRAIN_FAILED;

	if (s->error == 0) {
		log_info("'%s/%s': %s", d->service, d->instance, s->note);
		d->row.step = s->row.step;
	}
	if (s->error < 0 || over) {
		drain_hook_stop(d);
		drop(d);
	} else {
		drain_hook_begin(d);
	}
}

/* False: all that can be written now is. */
static bool write_steps(struct drains *ds)
{
	struct store_drain *steps = xcalloc(BATCH, sizeof(*steps));
	struct drain **whose = xcalloc(BATCH, sizeof(struct drain *));
	char(*notes)[NOTE_MAX] = xcalloc(BATCH, sizeof(*notes));
	unsigned n = 0;
	struct drain *d;
	int r = 0;

	TAILQ_FOREACH (d, &ds->list, link) {
		if (n < BATCH && describe_step(d, &steps[n], notes[n]))
			whose[n++] = d;
	}
	if (n)
		r = store_step_drains(ds->env->store, steps, n);
	for (unsigned k = 0; r == 0 && k < n; k++)
		written(whose[k], &steps[k]);
	free(notes);
	free(whose);
	free(steps);
	return r < 0 || n == BATCH;
}

/* ---- looking ---------------------------------------------------------- */

static void go_on(struct drain *d)
{
	if (d->phase == PHASE_WAIT && d->row.until_wall_ms <= wall_ms(d->all)) {
		d->phase = PHASE_CLAIM;
	} else if (d->phase == PHASE_WORK && !d->run) {
		drain_hook_begin(
		    d); /* its process, or its definition, was not known */
	}
}

static void look_later(struct drains *ds, int64_t pause_ms)
{
	timer_set(
	    timers_of(ds), &ds->look, timers_now(timers_of(ds)) + pause_ms);
}

static void on_look(void *arg)
{
	struct drains *ds = arg;
	struct drain *d, *next;

	if (ds->is_old) {
		ds->is_old = false;
		read_rows(ds);
	}
	for (d = TAILQ_FIRST(&ds->list); d; d = next) {
		next = TAILQ_NEXT(d, link);
		go_on(d);
	}
	bool again = !TAILQ_EMPTY(&ds->list) && write_steps(ds);
	if (again || !TAILQ_EMPTY(&ds->list) || ds->is_old)
		look_later(ds, again ? RETRY_MS : LOOK_MS);
}

void drains_changed(struct drains *ds)
{
	ds->is_old = true;
	/* not more often than it looks anyway */
	if (!timer_is_set(&ds->look))
		drains_look_soon(ds);
}

struct drains *drains_new(const struct instance_env *env, struct fleet *fleet)
{
	struct drains *ds = xcalloc(1, sizeof(*ds));

	ds->env = env;
	ds->fleet = fleet;
	ds->is_old = true;
	TAILQ_INIT(&ds->list);
	timer_init(&ds->look, on_look, ds);
	drains_look_soon(ds);
	return ds;
}

void drains_free(struct drains *ds)
{
	if (!ds)
		return;
	for (struct drain *d = TAILQ_FIRST(&ds->list), *next; d; d = next) {
		next = TAILQ_NEXT(d, link);
		drop(d);
	}
	timer_cancel(timers_of(ds), &ds->look);
	free(ds);
}
