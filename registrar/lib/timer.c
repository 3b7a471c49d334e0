// SPDX-License-Identifier: BSD-2-Clause
/*
 * A heap of four branches in an array, with the times beside the timers: what
 * is compared lies together, in one or two lines of the cache. Each timer
 * knows its slot, so moving and cancelling are O(log n) as well. Slots are
 * stored plus one: a zeroed timer is one that is not set.
 */
#include "registrar/lib/timer.h"

#include "schema/base/xalloc.h"

#include <assert.h>
#include <stdlib.h>

#define BRANCHES 4

struct slot {
	int64_t at_ms;
	struct timer *timer;
};

struct timers {
	struct slot *heap;
	size_t n, room;
	timers_clock_fn clock;
	void *clock_arg;
	void (*changed)(void *arg);
	void *changed_arg;
	bool running;
	int64_t run_ms; /* the time of the run in progress */
};

struct timers *timers_new(timers_clock_fn clock, void *arg)
{
	struct timers *ts = xcalloc(1, sizeof(*ts));

	ts->clock = clock;
	ts->clock_arg = arg;
	return ts;
}

void timers_free(struct timers *ts)
{
	if (!ts)
		return;
	for (size_t i = 0; i < ts->n; i++)
		ts->heap[i].timer->slot = 0;
	free(ts->heap);
	free(ts);
}

int64_t timers_now(const struct timers *ts)
{
	return ts->clock(ts->clock_arg);
}

void timers_on_change(struct timers *ts, void (*fn)(void *arg), void *arg)
{
	ts->changed = fn;
	ts->changed_arg = arg;
}

int64_t timers_next(const struct timers *ts)
{
	return ts->n ? ts->heap[0].at_ms : -1;
}

static void place(struct timers *ts, size_t i, struct slot s)
{
	ts->heap[i] = s;
	s.timer->slot = i + 1;
}

static void sift_up(struct timers *ts, size_t i)
{
	struct slot s = ts->heap[i];

	while (i > 0 && ts->heap[(i - 1) / BRANCHES].at_ms > s.at_ms) {
		place(ts, i, ts->heap[(i - 1) / BRANCHES]);
		i = (i - 1) / BRANCHES;
	}
	place(ts, i, s);
}

static void sift_down(struct timers *ts, size_t i)
{
	struct slot s = ts->heap[i];

	for (;;) {
		size_t child = BRANCHES * i + 1, first = child;

		if (first >= ts->n)
			break;
		for (size_t k = first + 1; k < first + BRANCHES && k < ts->n;
		     k++) {
			if (ts->heap[k].at_ms < ts->heap[child].at_ms)
				child = k;
		}
		if (ts->heap[child].at_ms >= s.at_ms)
			break;
		place(ts, i, ts->heap[child]);
		i = child;
	}
	place(ts, i, s);
}

static void take_out(struct timers *ts, struct timer *t)
{
	size_t i = t->slot - 1;
	struct slot last = ts->heap[--ts->n];

	assert(ts->heap[i].timer == t || last.timer == t);
	t->slot = 0;
	if (last.timer == t)
		return;
	place(ts, i, last);
	sift_down(ts, i);
	sift_up(ts, last.timer->slot - 1);
}

static void tell(struct timers *ts, int64_t before_ms)
{
	if (ts->changed && !ts->running && timers_next(ts) != before_ms)
		ts->changed(ts->changed_arg);
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg)
{
	*t = (struct timer){ .fn = fn, .arg = arg };
}

void timer_set(struct timers *ts, struct timer *t, int64_t at_ms)
{
	int64_t before_ms = timers_next(ts);

	if (ts->running && at_ms <= ts->run_ms)
		at_ms = ts->run_ms + 1;
	if (timer_is_set(t))
		take_out(ts, t);
	if (ts->n == ts->room) {
		ts->room = ts->room ? 2 * ts->room : 64;
		ts->heap = xreallocarray(ts->heap, ts->room, sizeof(*ts->heap));
	}
	t->at_ms = at_ms;
	ts->heap[ts->n++] = (struct slot){ at_ms, t };
	sift_up(ts, ts->n - 1);
	tell(ts, before_ms);
}

void timer_cancel(struct timers *ts, struct timer *t)
{
	if (!timer_is_set(t))
		return;
	int64_t before_ms = timers_next(ts);

	take_out(ts, t);
	tell(ts, before_ms);
}

void timers_run(struct timers *ts)
{
	ts->running = true;
	ts->run_ms = timers_now(ts);
	while (ts->n && ts->heap[0].at_ms <= ts->run_ms) {
		struct timer *t = ts->heap[0].timer;

		take_out(ts, t);
		t->fn(t->arg);
	}
	ts->running = false;
	if (ts->changed)
		ts->changed(ts->changed_arg);
}
