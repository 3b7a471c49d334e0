// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * runner - runs the programs of exec checks in a process beside us.
 *
 * The broker is forked at the start, while the registrar is small and may
 * still do everything. What it starts is its child: with limits, a user, a
 * session and an environment of its own (runner_child.h), killed with all
 * that it started when it ends, when it is not wanted any more, or when the
 * registrar is gone. So the registrar itself neither forks nor executes
 * anything, and a fork does not copy its page tables.
 *
 * At most `limit` programs run at a time; the others wait in the order in
 * which they came. One thread, that of the event base.
 */
#include "registrar/exec/runner_message.h"
#include "schema/base/diag.h"

struct event_base;
struct run;
struct runner;

#define RUNNER_LIMIT_MAX 1024
#define RUN_OUTPUT_MAX 4096 /* octets that are kept, with the final NUL */

struct run_end {
	int status;          /* exit status, or minus the signal */
	int error;           /* -E..: it was not run; 0: it was */
	const char *trouble; /* why, then */
	const char *output;  /* as it came but for a NUL, cut */
	size_t output_len;
};

/*
 * The reason why it was not run is ours: what budget_is_short() knows,
 * -EAGAIN (too many processes), -ECANCELED (the broker has ended).
 */
bool run_end_is_ours(const struct run_end *e);

struct run_ops {
	/* Its turn: write the request; the clock of the run begins. */
	void (*begin)(void *arg, struct run_message *m);
	/* Once, unless it was dropped. The run is gone after it. */
	void (*ended)(void *arg, const struct run_end *e);
};

/* gone(arg): the broker has ended by itself; all runs have been told. */
int runner_new(struct event_base *base, unsigned limit, void (*gone)(void *arg),
    void *arg, struct runner **ret_r, struct diag *reterr);
/* Kills what still runs; no callbacks. */
void runner_free(struct runner *r);

/* begin() may come before this returns, but not ended(). ops are borrowed. */
struct run *runner_ask(struct runner *r, const struct run_ops *ops, void *arg);
/* No callbacks any more; kills it, if it runs. */
void runner_drop(struct run *run);
/* What it has said so far, NUL-terminated; "" before it begins. */
const char *run_output(const struct run *run);
