// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * workers - threads for what may wait, so that the loop never does.
 *
 * Reading a file takes microseconds, or for ever: a network's file system, or
 * one of FUSE, whose server has stopped. A job that hangs holds its thread
 * until the kernel lets it go; so of what is in one place (a directory) at
 * most WORKERS_A_PLACE run at a time, the others wait behind them, and whoever
 * asked has its own time-out. What is in other places goes on: a thread is
 * added whenever none is idle.
 *
 * One thread, that of the event base, but for run().
 */
#include "schema/base/diag.h"

#include <stdbool.h>
#include <sys/queue.h>

struct event_base;
struct workers;

#define WORKERS_MAX 128
#define WORKERS_A_PLACE 4

/* Embedded in whatever the job is about. */
struct job {
	/* In a thread; sees nothing but what it is embedded in. */
	void (*run)(struct job *j);
	/* In the loop; not after workers_drop(). */
	void (*done)(struct job *j);
	/* The job is over: behind done(), or when run() of a dropped one is. */
	void (*free)(struct job *j);
	/* private */
	struct place *place;
	bool queued, dropped;
	TAILQ_ENTRY(job) link;
};

/* -E.. when there can be no thread at all. After the sandbox. */
int workers_new(
    struct event_base *base, struct workers **ret_w, struct diag *reterr);
/* Jobs that still run are left to the end of the program. */
void workers_free(struct workers *w);

/* path: in whose directory it is, copied. The job is the workers' now. */
void workers_do(struct workers *w, struct job *j, const char *path);
/* No done(); free() at once, or when it has run. */
void workers_drop(struct workers *w, struct job *j);
