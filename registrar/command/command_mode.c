// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar drain, resume, maintenance: the mode of instances.
 *
 * A mode is the operator's: no registrar writes it for a row that is there,
 * so it holds over checks, edits of definitions and restarts.
 */
#include "registrar/command/commands.h"
#include "registrar/command/operation.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

/* What dnsd needs to see a drain, many times over. */
#define NOTICE_MS 200

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
	(void)arg;
	return set_mode(op, row, MODE_MAINTENANCE, reterr);
}

/* What is out already must not come back with weight 0. */
static int drain(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr)
{
	(void)arg;
	return set_mode(op, row,
	    row->mode == MODE_MAINTENANCE ? MODE_MAINTENANCE : MODE_DRAINING,
	    reterr);
}

/* Somebody may have resumed it, or withdrawn it, while we waited. */
static int retire(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr)
{
	(void)arg;
	if (row->mode == MODE_DRAINING)
		return set_mode(op, row, MODE_MAINTENANCE, reterr);
	operation_changed(op, row, mode_name(row->mode), mode_name(row->mode));
	return 0;
}

static void wait_ms(int64_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* The largest TTL under which somebody may still hold the old answer. */
static int64_t served_ms(const struct operation *op)
{
	if (op->ttl_s == ROW_DEFAULT)
		return op->options->ttl_ms;
	return (int64_t)op->ttl_s * 1000;
}

static int run_mode(const struct registrar_options *o, const char *text,
    operation_fn fn, operation_fn afterwards)
{
	struct arena *a = arena_new();
	struct operation op;
	struct diag why;
	int error = operation_start(&op, o, text, a, &why);

	if (error == 0)
		error = operation_run(&op, fn, NULL, &why);
	if (error == 0 && afterwards) {
		int64_t ms = served_ms(&op);

		if (!o->json) {
			operation_print(&op);
			(void)printf("waiting %.4g s, the TTL of answers that "
			             "name them\n",
			    (double)ms / 1000);
			(void)fflush(stdout);
		}
		wait_ms(ms + NOTICE_MS);
		error = operation_run(&op, afterwards, NULL, &why);
	}
	if (error == 0)
		operation_print(&op);
	operation_end(&op);
	arena_free(a);
	return operation_exit(error, &why);
}

int command_drain(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	return run_mode(o, rest->items[0], drain, o->wait ? retire : NULL);
}

int command_resume(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	return run_mode(o, rest->items[0], resume, NULL);
}

int command_maintenance(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	return run_mode(o, rest->items[0], maintain, NULL);
}
