// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * programs - what `registrar run` starts beside itself, and when.
 *
 * Each is a command of its own that takes the flags of `run` too and reads
 * the same configuration, so it is started with the command line of `run`
 * and another first word, and may be started alone by hand.
 */
#include "schema/base/diag.h"

struct event_base;
struct keeper;
struct run_options;

/*
 * Forks the keeper if the options want any program; *ret_k is NULL else. As
 * keeper_new(), before the sandbox.
 */
int programs_start(const struct run_options *o, struct event_base *base,
    void (*gone)(void *arg), void *arg, struct keeper **ret_k,
    struct diag *reterr);
