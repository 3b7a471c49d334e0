// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar drain: begins drains by writing their ends into the registry.
 *
 * dnsd sees to the answers and the registrars to what follows, whether this
 * program waits or not; it only looks. When they are all over it may withdraw
 * them, which is why that alone needs it to wait.
 */
#include "registrar/command/commands.h"
#include "registrar/command/operation.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"
#include "schema/eligible.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What dnsd needs to see a drain, many times over, and what a cache adds that
 * counts in whole seconds (unbound, kresd, nginx).
 */
#define NOTICE_MS 200
#define CACHE_MS 1000
/* It takes up a drain within some tenths of a second, if it knows it. */
#define TAKEN_UP_MS 10000
/* After a deadline, for what is done then. */
#define GRACE_MS 2000

/* ---- beginning --------------------------------------------------------- */

/* The largest TTL under which somebody may still hold the old answer. */
static int64_t served_ms(
    const struct operation *op, const struct instance_row *row)
{
	int ttl_s = operation_service(op, row)->ttl_s;

	return ttl_s == ROW_DEFAULT ? op->options->ttl_ms
	                            : (int64_t)ttl_s * 1000;
}

static void set_deadline(const struct operation *op, struct drain_row *d)
{
	if (!op->options->deadline_ms)
		return;
	d->deadline_wall_ms = op->now_wall_ms + op->options->deadline_ms;
	if (d->until_wall_ms > d->deadline_wall_ms)
		d->until_wall_ms = d->deadline_wall_ms;
}

static bool is_over(const struct drain_row *d)
{
	return d->step == DRAIN_DONE || d->step == DRAIN_FAILED;
}

static const char *word(
    const struct operation *op, const struct instance_row *row)
{
	return eligible_is_drained(row, op->now_wall_ms) ? "drained"
	                                                 : mode_name(row->mode);
}

/* One that goes on already may get a deadline. */
static int drain_again(
    struct operation *op, const struct instance_row *row, struct diag *reterr)
{
	const char *reason = op->options->reason;
	struct drain_row d = row->drain;
	struct operation_change *c =
	    operation_changed(op, row, word(op, row), word(op, row));
	int error = 0;

	if (row->mode == MODE_DRAINING && !is_over(&d)) {
		set_deadline(op, &d);
		error = registry_put_drain(op->reg, row->zone, row->service,
		    row->name, &d, op->now_wall_ms, reterr);
	}
	if (row->mode == MODE_MAINTENANCE)
		c->same = "in maintenance, stays there";
	if (row->drain.text)
		c->text = row->drain.text;
	return error < 0 || !reason ? error
	                            : operation_note(op, row, reason, reterr);
}

int operation_drain(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr)
{
	struct drain_row d = { .step = DRAIN_WAITING,
		.until_wall_ms = op->now_wall_ms + served_ms(op, row) +
		                 NOTICE_MS + CACHE_MS };
	int error = 0;

	(void)arg;
	if (op->options->deregister)
		error = operation_may_withdraw(op, row, reterr);
	if (error < 0)
		return error;
	/* what is out already must not come back with weight 0 */
	if (row->mode != MODE_ACTIVE)
		return drain_again(op, row, reterr);
	error = operation_may_empty(op, row, reterr);
	if (error < 0)
		return error;
	set_deadline(op, &d);
	struct operation_change *c = operation_changed(
	    op, row, mode_name(row->mode), mode_name(MODE_DRAINING));

	c->text = arena_printf(op->arena, "in no answer in %.4g s",
	    (double)(d.until_wall_ms - op->now_wall_ms) / 1000);
	error = registry_put_drain(op->reg, row->zone, row->service, row->name,
	    &d, op->now_wall_ms, reterr);
	return error < 0 ? error
	                 : operation_note(op, row, op->options->reason, reterr);
}

/* ---- waiting ----------------------------------------------------------- */

struct wait {
	struct arena *arena;             /* of the last look */
	struct operation_change *before; /* whom it is about; owned */
	unsigned n, at;
	unsigned pending_n;
	bool failed;
};

static bool is_registrar_alive(
    const struct operation *op, const struct instance_row *row)
{
	int64_t beat_wall_ms;

	return operation_is_defined(row) &&
	       registry_read_heartbeat(op->reg,
	           row->source + strlen("registrar/"), &beat_wall_ms,
	           NULL) == 0 &&
	       op->now_wall_ms - beat_wall_ms < REGISTRAR_SILENT_MS;
}

/* It is in no answer any more: does anything follow? */
static void judge_drained(struct operation *op, const struct instance_row *row,
    struct wait *w, struct operation_change *c)
{
	const struct drain_row *d = &row->drain;

	c->now = "drained";
	c->text = d->text;
	if (is_over(d)) {
		w->failed |= d->step == DRAIN_FAILED;
	} else if (!operation_is_defined(row)) {
		c->text = NULL; /* nobody does anything about it */
	} else if (!is_registrar_alive(op, row)) {
		c->text = "its registrar does not run: what its definition "
		          "says is left until then";
	} else if (d->step == DRAIN_HOOK ||
	           op->now_wall_ms < d->until_wall_ms + TAKEN_UP_MS) {
		c->text =
		    d->step == DRAIN_HOOK ? "on_drained still runs" : NULL;
		w->pending_n++;
	} else {
		c->text = "its registrar does not take it up";
		w->failed = true;
	}
}

static void judge(struct operation *op, const struct instance_row *row,
    struct wait *w, struct operation_change *c)
{
	switch (row->mode) {
	case MODE_ACTIVE:
		c->now = health_name(row->health);
		c->text = "somebody has resumed it";
		w->failed = true;
		return;
	case MODE_MAINTENANCE:
		c->now = mode_name(row->mode);
		return;
	case MODE_DRAINING:
		if (eligible_is_drained(row, op->now_wall_ms)) {
			judge_drained(op, row, w, c);
			return;
		}
		c->now = mode_name(row->mode);
		w->pending_n++;
		return;
	}
}

static void judge_gone(struct operation *op, struct wait *w)
{
	struct operation_change *c = &op->changes[op->change_n++];

	*c = w->before[w->at++];
	c->now = "gone";
	c->text = NULL;
}

/* Rows come in the order of before, which may have more. */
static int look(struct operation *op, const struct instance_row *row, void *arg,
    struct diag *reterr)
{
	struct wait *w = arg;

	(void)reterr;
	while (w->at < w->n && !operation_is_of(&w->before[w->at], row))
		judge_gone(op, w);
	if (w->at == w->n)
		return 0; /* it was not there when we began */
	struct operation_change *c = &op->changes[op->change_n++];

	*c = w->before[w->at++];
	const char *before = c->text;

	c->text = NULL;
	judge(op, row, w, c);
	c->told = !strcmp(c->was, c->now) &&
	          (!c->text || (before && strcmp(c->text, before) == 0));
	return 0;
}

/* 0, also if drains failed (w->failed); or errors of the registry. */
static int wait_for_all(
    struct operation *op, struct wait *w, struct diag *reterr)
{
	int64_t limit_ms = op->options->deadline_ms;
	int64_t start_ms = clock_mono_ms();

	for (;;) {
		arena_free(w->arena);
		op->arena = w->arena = arena_new();
		w->at = w->pending_n = op->change_n = 0;
		w->failed = false;
		int error = operation_look(op, look, w, reterr);

		if (error < 0)
			return error;
		while (w->at < w->n)
			judge_gone(op, w);
		if (!w->pending_n)
			return 0;
		if (limit_ms &&
		    clock_mono_ms() - start_ms > limit_ms + GRACE_MS) {
			w->failed = true;
			return 0;
		}
		/* in steps: somebody may resume it */
		operation_pause(w->n);
	}
}

/* Takes what was printed as it is; prints what came of it. */
static int wait_and_print(
    struct operation *op, struct wait *w, struct diag *reterr)
{
	w->n = op->change_n;
	w->before = xcalloc(w->n, sizeof(*w->before));
	for (unsigned k = 0; k < w->n; k++) {
		w->before[k] = op->changes[k];
		w->before[k].was = op->changes[k].now;
	}
	if (!op->options->json) {
		operation_print(op);
		(void)fflush(stdout);
	}
	return wait_for_all(op, w, reterr);
}

/* Nothing that somebody resumed in this moment. */
static int withdraw(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr)
{
	if (row->mode != MODE_ACTIVE)
		return operation_withdraw(op, row, arg, reterr);
	operation_changed(op, row, "drained", health_name(row->health))->text =
	    "somebody has resumed it";
	return 0;
}

int command_drain(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct arena *a = arena_new();
	struct operation op;
	struct diag why;
	struct wait w = { .failed = false };
	int error = operation_start(&op, o, rest->items, rest->n, a, &why);

	if (error == 0)
		error = operation_run(&op, operation_drain, NULL, &why);
	if (error == 0 && (o->wait || o->deregister))
		error = wait_and_print(&op, &w, &why);
	if (error == 0 && o->deregister && !w.failed) {
		if (!o->json)
			operation_print(&op);
		error = operation_run(&op, withdraw, NULL, &why);
	}
	if (error == 0)
		operation_print(&op);
	operation_end(&op);
	free(w.before);
	arena_free(w.arena);
	arena_free(a);
	return error == 0 && w.failed ? EXIT_FAILED
	                              : operation_exit(error, &why);
}
