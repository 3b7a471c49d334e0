// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * health - verdicts in, state out. No I/O, no clock.
 *
 * Each check and each process watch of an instance has a track; the health
 * of the instance is the worst of its tracks. A verdict counts by what came
 * in a row with it, never by how often it was looked at:
 *
 *	from            to        when
 *	starting        passing   the first pass
 *	                warning   the first warn
 *	                critical  `fall` fails in a row
 *	passing         warning   `fall` verdicts in a row, none of them a pass
 *	passing,warning critical  `fall` fails in a row
 *	critical        warning   `rise` verdicts in a row, none of them a fail
 *	critical,warning passing  `rise` passes in a row
 *	any             dead      the process is gone: one observation is proof
 *	any             passing   the process is there (tracks of processes)
 *
 * So a fresh instance comes in with its first pass, a fresh one that fails
 * was never in, and one that takes a moment to listen is not charged for it.
 */
#include "schema/registry.h"

#include <stdbool.h>

/* What one probe or one look at a process says. */
enum verdict {
	VERDICT_PASS,
	VERDICT_WARN,
	VERDICT_FAIL,
	VERDICT_ALIVE, /* processes only */
	VERDICT_GONE,
	VERDICT_NONE, /* we could not look: it changes nothing */
};

struct thresholds {
	unsigned rise, fall; /* at least 1 */
};

/* Zeroed: starting, nothing seen. */
struct track {
	enum health state;
	/* lengths of the present runs, each stopping at UINT16_MAX */
	uint16_t passes;     /* of pass */
	uint16_t not_fails;  /* of pass and warn */
	uint16_t not_passes; /* of warn and fail */
	uint16_t fails;
};

/* Every verdict comes through here. True: the state of the track changed. */
bool track_observe(
    struct track *t, const struct thresholds *th, enum verdict v);

/*
 * Take up the state that an earlier run left in the registry. What was seen
 * meanwhile still counts, as if the state had been known all along.
 */
void track_restore(
    struct track *t, const struct thresholds *th, enum health state);

/* The process behind the check is a new one: nothing is known about it. */
void track_reset(struct track *t);

/*
 * The health of an instance: collect its tracks one by one, then ask.
 *
 *	struct combination c = combine_begin();
 *	combine_add(&c, state of each track);
 *	now = combine_end(&c, now);
 *
 * The worst track decides: dead, critical, starting, warning, passing. An
 * instance without tracks is passing: nobody asked for a check.
 *
 * While a track has had no verdict, an instance that was in a state (a check
 * was added by an edit, or its row was lost) can only get worse: it does not
 * leave the answers because of an edit, nor enter them.
 */
enum health health_worse(enum health a, enum health b);
/* The same order: for lists of checks of which any is enough. */
enum health health_better(enum health a, enum health b);

struct combination {
	enum health worst; /* of the tracks with a verdict */
	bool any, undecided;
};
struct combination combine_begin(void);
void combine_add(struct combination *c, enum health state);
enum health combine_end(const struct combination *c, enum health was);
