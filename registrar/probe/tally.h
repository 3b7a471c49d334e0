// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * tally - how checks run: how many, how late they begin, how long they take.
 *
 * Counting is an addition or two for each run. Whoever is told the figures
 * begins anew, so they are those since the last time. One thread; times are
 * the caller's, in milliseconds of a clock that does not jump.
 */
#include "registrar/definition/definition.h"
#include "registrar/health/health.h"

/* Up to 9 hours: milliseconds below 32, then 16 steps to twice as much. */
#define TALLY_BINS 352

struct tally_times {
	uint64_t n;
	int64_t max_ms;
	uint32_t bin[TALLY_BINS];
};

struct tally {
	int64_t since_ms;
	uint64_t runs;           /* begun */
	uint64_t left_out;       /* due while the one before was in progress */
	uint64_t unable;         /* could not begin, for our own reasons */
	unsigned running;        /* in progress; stays over tally_begin() */
	struct tally_times late; /* behind the schedule */
	struct {
		uint64_t passed, warned, failed; /* timed_out among failed */
		uint64_t timed_out;
		struct tally_times took; /* of those that ended by themselves */
	} kinds[CHECK_KIND_N];
};

/* Count from now on. */
void tally_begin(struct tally *t, int64_t now_ms);

/* A run begins, so long after it was due. */
void tally_run(struct tally *t, int64_t late_ms);
/* It gave a verdict. */
void tally_verdict(struct tally *t, enum check_kind kind, enum verdict v,
    int64_t took_ms, bool timed_out);

void tally_time(struct tally_times *times, int64_t ms);
/* What the given share of them does not exceed; 0 if there is none. */
int64_t tally_share(const struct tally_times *times, double share);

/*
 * One line for all checks, then one for each kind that gave a verdict, as
 * `what: key=value ...`. Borrowed for the call.
 */
void tally_tell(
    const struct tally *t, int64_t now_ms, void (*line)(const char *text));
