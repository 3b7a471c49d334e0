// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * forward - names that are not ours are asked of others, by a process of its
 * own (warden.h, forwarder.h).
 *
 * This side keeps who waits for what: a question that several ask is asked
 * once; each has its answer, or SERVFAIL, within FORWARD_PATIENCE_MS,
 * whatever becomes of that process. It is watched, and killed when it does
 * not answer; what was under way then is asked once more.
 */
#include "dnsd/message/wire/network.h"
#include "schema/base/diag.h"
#include "schema/sandbox/sandbox.h"

struct forward;
struct front;
struct later_handler;

enum {
	FORWARD_PATIENCE_MS = 1900,
};

struct forward_config {
	unsigned network_max; /* clients of one network that wait */
	struct network_prefixes prefixes;
};

/* What was counted since the start. */
enum forward_stat {
	FORWARD_ASKED,   /* questions that were passed on */
	FORWARD_JOINED,  /* who waited for one that was */
	FORWARD_LIMITED, /* beyond network_max, or all of them */
	FORWARD_FAILED,  /* SERVFAIL of those who were asked */
	FORWARD_OVERDUE, /* no answer in time */
	FORWARD_BOGUS,
	FORWARD_BROKEN, /* answers that were none */
	FORWARD_STALE,  /* answers that are over, as nobody said anew */
	FORWARD_HITS,   /* answers that the process had at hand */
	FORWARD_STARTS, /* of the process */
	FORWARD_STATS,
};
const char *forward_stat_name(enum forward_stat s);

/* Main thread, before sandbox and threads: starts the warden. */
int forward_new(const struct forward_config *config, enum sandbox_mode mode,
    struct forward **ret_f, struct diag *reterr);
/*
 * The thread that listens. front: where answers are put, too, with the seed of
 * its names' hashes; NULL: nowhere. -errno: it cannot be started.
 */
int forward_begin(
    struct forward *f, struct front *front, uint64_t seed, struct diag *reterr);
/* Nobody takes or answers any more. NULL is ignored. */
void forward_free(struct forward *f);

/* Control thread: from now on; NULL: there is nobody to ask. */
void forward_use(struct forward *f, const char *recipe);

/* As long as f lives. */
const struct later_handler *forward_handler(const struct forward *f);

/* Any thread. */
uint64_t forward_stat(const struct forward *f, enum forward_stat s);
