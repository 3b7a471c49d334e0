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

#include <stdint.h>

struct event_base;
struct looker;
struct looker_ops;
struct run_options;

struct confine {
	struct sandbox sandbox;
	struct looker *looker; /* NULL: nobody is needed for that */
	int64_t elsewhere_ms;  /* since then it is; 0: it is not */
};

/* Forks the looker; ops are copied. Released also on error. */
int confine_prepare(struct confine *c, const struct run_options *o,
    struct event_base *base, const struct looker_ops *ops, struct diag *reterr);
/* From now on the process is restricted; the log says how. */
int confine_enter(
    struct confine *c, const struct run_options *o, struct diag *reterr);
/*
 * For as long as it has trouble with the registry: is its directory another
 * one than then, so that nothing can be written there, and stays so? Only a
 * new start helps.
 */
bool confine_is_elsewhere(struct confine *c, const struct run_options *o,
    bool trouble, int64_t now_ms);
void confine_release(struct confine *c);
