// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * instance_impl - private to instance.c and instance_health.c.
 *
 *	instance.c         rows, watches and probes; edits by difference
 *	instance_health.c  verdicts to health; what an earlier run left
 */
#include "registrar/health.h"
#include "registrar/instance.h"

#define PROCESS_CHECK "process" /* the name of its row, and its kind */

/* A check, or the process watch, which has no probe. */
struct check {
	struct instance *owner;
	const struct check_spec *spec; /* NULL: the process watch */
	struct probe probe;
	struct track track;
	struct store_check row;
	char *output; /* row.output */
	bool kept;    /* during an edit */
};

struct instance {
	struct store_instance row; /* first: of_row() */
	const struct instance_env *env;
	struct instance_origin origin;
	struct probe_subject subject;
	char *reason; /* row.reason */
	/* process */
	struct process_watch *watch; /* NULL: none is asked for */
	struct check process;
	bool told; /* it has said something */
	bool unknown;
	bool restored; /* what the registry had of it was taken up */
	/* checks; each stays where it is, the array may move */
	struct check **checks;
	unsigned check_n;
	int64_t started_ms; /* for spec->grace_ms */
};

/* ---- instance.c ------------------------------------------------------- */

/* NULL: it has none of that name. */
struct check *instance_find_check(const struct instance *i, const char *name);

/* ---- instance_health.c ------------------------------------------------ */

/* Is anything to be checked at all? */
bool instance_has_tracks(const struct instance *i);

/*
 * Let the worst track decide. `was` is the health that it comes from; check
 * and text become the reason of a change.
 */
void instance_judge(
    struct instance *i, enum health was, const char *check, const char *text);

/* What was known of a process that has ended is void. */
void instance_forget_checks(struct instance *i);

/* Unless there is a process to wait for, or none. */
void instance_begin_checks(struct instance *i);

/* For probes (arg: the check) and watches (arg: the instance). */
void instance_on_probe(void *check, enum verdict v, const char *detail);
void instance_on_process(
    void *instance, enum process_news news, const char *detail);
