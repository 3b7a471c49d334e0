// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * keeper - starts the programs beside `registrar run` that speak with
 * strangers (`serve`, `cluster`, `mesh`), and keeps them alive.
 *
 * The keeper is a helper (helper.h), forked while the registrar is small and
 * before its sandbox. It executes this binary again for each program, which
 * so shares nothing with the registrar but the registry; without privileges
 * but that to listen on low ports. Ten times a second it asks each program
 * for a sign of its event loop (kept.h). One that is silent for half a second
 * is killed, so that what it holds, such as a lock on the registry, is let
 * go. What has ended is started again after a pause from 50 ms to 2 s.
 *
 * The registrar waits for none of it. One thread, that of the event base.
 */
#include "schema/base/diag.h"

struct event_base;
struct keeper;

/* gone(arg): it has ended by itself; no program is kept any more. */
int keeper_new(struct event_base *base, void (*gone)(void *arg), void *arg,
    struct keeper **ret_k, struct diag *reterr);

enum keeper_how {
	/* It ends with the registrar, even one that is killed. */
	KEEPER_TOGETHER,
	/*
	 * It is told by kept_attach() when the registrar was killed, and ends
	 * in its own time.
	 */
	KEEPER_OUTLIVES,
};

/*
 * argv[0] is the command ("serve"), the others its flags; ends with NULL. All
 * together take KEEPER_ARGV_MAX octets, KEEPER_ARGS_MAX words and
 * KEEPER_PROGRAMS_MAX programs.
 */
#define KEEPER_ARGV_MAX 65536
#define KEEPER_ARGS_MAX 256
#define KEEPER_PROGRAMS_MAX 8
int keeper_add(struct keeper *k, enum keeper_how how, const char *const *argv,
    struct diag *reterr);

/* Ends the programs (SIGTERM, SIGKILL after 0.7 s), then the keeper. */
void keeper_free(struct keeper *k);
