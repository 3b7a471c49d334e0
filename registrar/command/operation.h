// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * operation - what an operator does to the instances of a target.
 *
 * One transaction on the registry, whoever else has it open; history gets a
 * note of who did what. Used by one command, then the process ends.
 */
#include "registrar/options.h"
#include "registrar/report/target.h"
#include "schema/registry.h"

struct operation {
	const struct registrar_options *options; /* borrowed */
	struct arena *arena;                     /* borrowed: of all texts */
	struct target target;
	/* before the rows are read; makes the file, too; NULL: nothing */
	int (*prepare)(struct operation *op, struct diag *reterr);
	bool is_new; /* the caller's own */
	/* within a transaction */
	struct registry *reg;
	int64_t now_wall_ms;
	const char *actor; /* source of notes: "command/USER" */
	/* what was found, before */
	int ttl_s; /* of the service; ROW_DEFAULT */
	const char *service_source;
	struct instance_row *rows; /* owned */
	unsigned n, max;
	/* what was done, one to an instance */
	struct operation_change *changes; /* owned */
	unsigned change_n;
};

struct operation_change {
	const char *instance;
	const char *was, *now; /* equal: nothing to do */
};

/* Changes one row in the transaction and says so: operation_changed(). */
typedef int (*operation_fn)(struct operation *op,
    const struct instance_row *row, void *arg, struct diag *reterr);

/* -EINVAL: text names nothing. */
int operation_start(struct operation *ret_op, const struct registrar_options *o,
    const char *text, struct arena *a, struct diag *reterr);
void operation_end(struct operation *op);

/*
 * All rows of the target, or none. May be called again: the rows are read
 * anew. -EINVAL: there is no such service or instance, or the database
 * refuses a value; else errors of registry.h.
 */
int operation_run(
    struct operation *op, operation_fn fn, void *arg, struct diag *reterr);

void operation_changed(struct operation *op, const struct instance_row *row,
    const char *was, const char *now);
/* In the history of the row: the actor did this. */
int operation_note(struct operation *op, const struct instance_row *row,
    const char *text, struct diag *reterr);

/* What was done: a line or an object for each instance. */
void operation_print(const struct operation *op);
/* Prints an error, if any; the exit code. */
int operation_exit(int error, const struct diag *why);
