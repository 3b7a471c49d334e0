// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar weight: the weight of instances while they are passing.
 *
 * It is the operator's: no registrar writes it, so it holds over edits of
 * definitions and restarts, until `default` gives it back.
 */
#include "registrar/command/commands.h"
#include "registrar/command/operation.h"
#include "schema/conf/units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WEIGHT_MAX 65535

/* ROW_DEFAULT: the description's. */
int operation_weight(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr)
{
	int weight = *(const int *)arg;
	int old = instance_row_passing_weight(row);
	int new = weight == ROW_DEFAULT ? row->weight : weight;
	const char *was = arena_printf(op->arena, "weight %d", old);
	const char *now = arena_printf(op->arena, "weight %d", new);
	const char *reason = op->options->reason;
	const char *text = arena_printf(op->arena, "%s to %d%s%s%s", was, new,
	    weight == ROW_DEFAULT ? ", as it is described" : "",
	    reason ? ": " : "", reason ? reason : "");
	int error = 0;

	operation_changed(op, row, was, now);
	error = registry_put_weight(
	    op->reg, row->zone, row->service, row->name, weight, reterr);
	if (error < 0 || old == new)
		return error;
	return operation_note(op, row, text, reterr);
}

/* What the operator may not expect. */
static void print_remarks(const struct operation *op)
{
	for (unsigned k = 0; k < op->n; k++) {
		const struct instance_row *row = &op->rows[k];

		if (row->health == HEALTH_WARNING &&
		    row->weight_warning != ROW_DEFAULT) {
			(void)fprintf(stderr,
			    "registrar: %s/%s is warning: its weight is %d "
			    "until it is passing\n",
			    row->service, row->name, row->weight_warning);
		}
	}
}

static int parse_weight(const char *text, int *ret_weight, struct diag *reterr)
{
	int64_t n;

	if (!strcmp(text, "default")) {
		*ret_weight = ROW_DEFAULT;
		return 0;
	}
	if (units_int(text, NULL, &n) < 0 || n < 0 || n > WEIGHT_MAX) {
		return diag_set(reterr, -EINVAL,
		    "found weight '%s', expected a number from 0 to %d, or "
		    "default",
		    text, WEIGHT_MAX);
	}
	*ret_weight = (int)n;
	return 0;
}

int command_weight(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct arena *a = arena_new();
	struct operation op;
	struct diag why;
	int weight;
	unsigned n = rest->n - 1; /* the last is the weight */
	int error = parse_weight(rest->items[n], &weight, &why);

	if (!n) {
		error = diag_set(&why, -EINVAL,
		    "found '%s' alone, expected SERVICE[/INSTANCE] ... N",
		    rest->items[0]);
	}
	op = (struct operation){ 0 };
	if (error == 0)
		error = operation_start(&op, o, rest->items, n, a, &why);
	if (error == 0)
		error = operation_run(&op, operation_weight, &weight, &why);
	if (error == 0) {
		operation_print(&op);
		print_remarks(&op);
	}
	operation_end(&op);
	arena_free(a);
	return operation_exit(error, &why);
}
