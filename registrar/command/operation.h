// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * operation - what an operator does to the instances of some targets.
 *
 * One transaction on the registry, whoever else has it open, for all of them;
 * history gets a note of who did what. Used by one command, then the process
 * ends.
 */
#include "registrar/options.h"
#include "registrar/report/target.h"
#include "schema/owner.h"

struct operation_service {
	const struct target *target;
	/* in answers now, of the service: named by a target, and others; in
	 * the entry of the first target that is of this service */
	unsigned named_n, left_n;
	int ttl_s, port; /* ROW_DEFAULT */
	const char *source;
};

struct operation {
	const struct registrar_options *options; /* borrowed */
	struct arena *arena;                     /* borrowed: of all texts */
	struct target *targets;                  /* in the arena */
	unsigned target_n;
	/* before the rows are read; makes the file, too; NULL: nothing */
	int (*prepare)(struct operation *op, struct diag *reterr);
	bool is_new;        /* the caller's own */
	const char *remark; /* the same; in the arena */
	/* within a transaction */
	struct registry *reg;
	int64_t now_wall_ms;
	struct host_row host; /* what this one is called */
	const char *actor;    /* source of notes: "command/USER" */
	/* what was found, before: each instance once, however often named */
	struct operation_service *services; /* by target; in the arena */
	struct instance_row *rows;          /* owned */
	unsigned n, max;
	unsigned loading; /* which target is being read */
	/* what was done, one to an instance */
	struct operation_change *changes; /* owned */
	unsigned change_n;
};

struct operation_change {
	const char *zone, *service, *instance;
	const char *was, *now; /* equal: nothing to do */
	const char *text;      /* more about it, or NULL */
	const char *same;      /* instead of "NOW already", or NULL */
	bool told;             /* printed before, just so */
};

/*
 * -EINVAL: of the row's service nothing would be left in answers without what
 * is named, and --force was not said.
 */
int operation_may_empty(const struct operation *op,
    const struct instance_row *row, struct diag *reterr);

/* Changes one row in the transaction and says so: operation_changed(). */
typedef int (*operation_fn)(struct operation *op,
    const struct instance_row *row, void *arg, struct diag *reterr);

/* Whose hands were on the keyboard, as well as can be known: "command/USER". */
const char *operation_actor(struct arena *a);

/*
 * Without texts, and with --node, all services that have something there.
 * -EINVAL: one of the texts names nothing.
 */
int operation_start(struct operation *ret_op, const struct registrar_options *o,
    const char *const *texts, unsigned n, struct arena *a, struct diag *reterr);
void operation_end(struct operation *op);

/*
 * All rows of all targets, or none. May be called again: the rows are read
 * anew. -EINVAL: there is no such service or instance, or the database
 * refuses a value; else errors of registry.h.
 */
int operation_run(
    struct operation *op, operation_fn fn, void *arg, struct diag *reterr);

/* The same in a transaction of the caller's, of a registry that he has open. */
int operation_run_in(struct operation *op, struct registry *reg,
    int64_t now_wall_ms, operation_fn fn, void *arg, struct diag *reterr);

/*
 * The same without a transaction, and nothing can be written: fn looks at
 * the rows as they are now. What is gone is left out.
 */
int operation_look(
    struct operation *op, operation_fn fn, void *arg, struct diag *reterr);

/* Of the service that the row belongs to. */
const struct operation_service *operation_service(
    const struct operation *op, const struct instance_row *row);

/* The change may be written to until the next one. */
struct operation_change *operation_changed(struct operation *op,
    const struct instance_row *row, const char *was, const char *now);
/* Is it about this row? */
bool operation_is_of(
    const struct operation_change *c, const struct instance_row *row);
/* Between two looks at so many rows. */
void operation_pause(unsigned row_n);
/* In the history of the row: the actor did this. */
int operation_note(struct operation *op, const struct instance_row *row,
    const char *text, struct diag *reterr);

/* ---- command_mode.c, command_drain.c, command_weight.c ----------------- */

/* All operation_fn; by the options of op. arg of the last: const int *. */
int operation_resume(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr);
int operation_maintain(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr);
int operation_drain(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr);
int operation_weight(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr);

/* ---- command_report.c -------------------------------------------------- */

/*
 * A report on a ttl check; check NULL: the only one. -EINVAL: there is none, or
 * there are several.
 */
int operation_report(struct registry *reg, const struct target *t,
    const char *check, enum health status, const char *note,
    int64_t now_wall_ms, struct diag *reterr);

/* ---- command_register.c ------------------------------------------------ */

/* Does a definition name it, whose registrar would bring it back? */
bool operation_is_defined(const struct instance_row *row);
/* -EINVAL: it does, and nobody says --force. */
int operation_may_withdraw(
    struct operation *op, const struct instance_row *row, struct diag *reterr);
/* An operation_fn; a service that a command made goes with its last one. */
int operation_withdraw(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr);

/* ---- output ------------------------------------------------------------ */

/* What was done, an object for each instance. */
struct json_t *operation_json(const struct operation *op);
/* What was done: a line or an object for each instance. */
void operation_print(const struct operation *op);
/* Prints an error, if any; the exit code. */
int operation_exit(int error, const struct diag *why);
