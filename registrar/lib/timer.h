// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * timer - what happens when: a heap of deadlines over a replaceable clock.
 *
 * The daemon drives it from one libevent timer (run.c), a scenario test from
 * a clock that it sets by hand. Monotonic milliseconds. One thread.
 *
 * A struct timer is embedded in its owner, which cancels it before it goes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timers;

struct timer {
	int64_t at_ms;
	size_t slot; /* place in the heap plus one; 0: not set */
	void (*fn)(void *arg);
	void *arg;
};

typedef int64_t (*timers_clock_fn)(void *arg);

struct timers *timers_new(timers_clock_fn clock, void *arg);
/* Timers that are still set are forgotten. */
void timers_free(struct timers *ts);

int64_t timers_now(const struct timers *ts);

/* fn is called whenever the earliest deadline changes. */
void timers_on_change(struct timers *ts, void (*fn)(void *arg), void *arg);

/* -1: nothing is set. */
int64_t timers_next(const struct timers *ts);

/*
 * Call everything that is due. A timer that its own callback sets again runs
 * in the next millisecond at the earliest, so this always returns.
 */
void timers_run(struct timers *ts);

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg);
/* Moves it if it is set already. */
void timer_set(struct timers *ts, struct timer *t, int64_t at_ms);
void timer_cancel(struct timers *ts, struct timer *t);

static inline bool timer_is_set(const struct timer *t)
{
	return t->slot != 0;
}
