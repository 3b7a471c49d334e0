// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar resume, maintenance: the mode of instances.
 *
 * A mode is the operator's: no registrar writes it for a row that is there,
 * so it holds over checks, edits of definitions and restarts.
 */
#include "registrar/command/commands.h"
#include "registrar/command/operation.h"
#include "schema/base/clock.h"
#include "schema/eligible.h"

#include <stdio.h>

/*
 * So long on end: what was restarted a moment before may be passing still by
 * what was there before it, and dnsd takes a moment, too.
 */
#define SETTLED_MS 1000

static int set_mode(struct operation *op, const struct instance_row *row,
    enum mode m, struct diag *reterr)
{
	const char *reason = op->options->reason;
	int error = 0;

	if (row->mode != m) {
		error = registry_put_mode(op->reg, row->zone, row->service,
		    row->name, m, op->now_wall_ms, reterr);
	}
	if (error == 0 && (row->mode != m || reason))
		error = operation_note(op, row, reason, reterr);
	operation_changed(op, row, mode_name(row->mode), mode_name(m));
	return error;
}

int operation_resume(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr)
{
	(void)arg;
	return set_mode(op, row, MODE_ACTIVE, reterr);
}

int operation_maintain(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr)
{
	int error =
	    row->mode == MODE_ACTIVE ? operation_may_empty(op, row, reterr) : 0;

	(void)arg;
	return error < 0 ? error : set_mode(op, row, MODE_MAINTENANCE, reterr);
}

int command_maintenance(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct arena *a = arena_new();
	struct operation op;
	struct diag why;
	int error = operation_start(&op, o, rest->items, rest->n, a, &why);

	if (error == 0)
		error = operation_run(&op, operation_maintain, NULL, &why);
	if (error == 0)
		operation_print(&op);
	operation_end(&op);
	arena_free(a);
	return operation_exit(error, &why);
}

/* arg: how many are in answers. */
static int look(struct operation *op, const struct instance_row *row, void *arg,
    struct diag *reterr)
{
	const struct eligible_facts facts = eligible_facts(row);
	struct eligible e = eligible_judge(&facts, op->now_wall_ms);
	struct operation_change *c = operation_changed(
	    op, row, mode_name(MODE_ACTIVE), eligible_why_name(e.why));
	unsigned *in_n = arg;

	(void)reterr;
	c->text = row->reason;
	*in_n += e.why == ELIGIBLE_PASSING || e.why == ELIGIBLE_WARNING;
	return 0;
}

/* 0 or errors of the registry. What it saw last is to be printed. */
static int wait_for_all(struct operation *op, struct arena **looked,
    bool *ret_back, struct diag *reterr)
{
	int64_t out_ms = clock_mono_ms();
	int64_t end_ms = out_ms + op->options->timeout_ms;
	unsigned n = op->change_n;

	*ret_back = false;
	for (;;) {
		unsigned in_n = 0;

		arena_free(*looked);
		op->arena = *looked = arena_new();
		op->change_n = 0;
		int error = operation_look(op, look, &in_n, reterr);
		int64_t now_ms = clock_mono_ms();

		if (error < 0)
			return error;
		if (in_n < n)
			out_ms = now_ms;
		*ret_back = now_ms - out_ms >= SETTLED_MS;
		if (*ret_back || now_ms >= end_ms)
			return 0;
		operation_pause(n);
	}
}

int command_resume(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct arena *a = arena_new(), *looked = NULL;
	struct operation op;
	struct diag why;
	bool back = true;
	int error = operation_start(&op, o, rest->items, rest->n, a, &why);

	if (error == 0)
		error = operation_run(&op, operation_resume, NULL, &why);
	if (error == 0 && o->wait) {
		if (!o->json)
			operation_print(&op);
		(void)fflush(stdout);
		error = wait_for_all(&op, &looked, &back, &why);
	}
	if (error == 0)
		operation_print(&op);
	operation_end(&op);
	arena_free(looked);
	arena_free(a);
	return error == 0 && !back ? EXIT_FAILED : operation_exit(error, &why);
}
