// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * confine - the registrar's sandbox, and who looks at others for it.
 *
 * What needs more than the sandbox leaves is in processes that are forked
 * before: checks that run programs (exec/runner.h), looking at other
 * processes (lib/looker.h).
 */
#include "schema/base/diag.h"
#include "schema/sandbox/sandbox.h"

struct event_base;
struct looker;
struct run_options;

struct confine {
	struct sandbox sandbox;
	struct looker *looker; /* NULL: nobody is needed for that */
};

/* Forks the looker; gone(arg) if it ends by itself. Released also on error. */
int confine_prepare(struct confine *c, const struct run_options *o,
    struct event_base *base, void (*gone)(void *arg), void *arg,
    struct diag *reterr);
/* From now on the process is restricted; the log says how. */
int confine_enter(
    struct confine *c, const struct run_options *o, struct diag *reterr);
/*
 * The registry's directory is another one than then, so that nothing can be
 * written to it: only a new start helps.
 */
bool confine_is_elsewhere(const struct confine *c, const struct run_options *o);
void confine_release(struct confine *c);
