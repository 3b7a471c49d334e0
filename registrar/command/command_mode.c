// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar resume, maintenance: the mode of instances.
 *
 * A mode is the operator's: no registrar writes it for a row that is there,
 * so it holds over checks, edits of definitions and restarts.
 */
#include "registrar/command/commands.h"
#include "registrar/command/operation.h"

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

static int resume(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr)
{
	(void)arg;
	return set_mode(op, row, MODE_ACTIVE, reterr);
}

static int maintain(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr)
{
	int error =
	    row->mode == MODE_ACTIVE ? operation_may_empty(op, row, reterr) : 0;

	(void)arg;
	return error < 0 ? error : set_mode(op, row, MODE_MAINTENANCE, reterr);
}

static int run_mode(const struct registrar_options *o,
    const struct conf_strings *rest, operation_fn fn)
{
	struct arena *a = arena_new();
	struct operation op;
	struct diag why;
	int error = operation_start(&op, o, rest->items, rest->n, a, &why);

	if (error == 0)
		error = operation_run(&op, fn, NULL, &why);
	if (error == 0)
		operation_print(&op);
	operation_end(&op);
	arena_free(a);
	return operation_exit(error, &why);
}

int command_resume(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	return run_mode(o, rest, resume);
}

int command_maintenance(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	return run_mode(o, rest, maintain);
}
