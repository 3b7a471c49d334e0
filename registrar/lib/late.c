// SPDX-License-Identifier: BSD-2-Clause
/*
 * When the turn began is what libevent keeps as the time: it reads the clock
 * when it has waited. It keeps it by the wall clock; a turn in which that was
 * set is not measured.
 */
#include "registrar/lib/late.h"

#include "schema/base/clock.h"

#include <event2/event.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

/* libevent looks how both clocks differ but seldom */
#define STEP_NS 20000000

static int64_t now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

static int64_t step(void)
{
	return clock_read_ns(CLOCK_REALTIME) - now_ns();
}

/* When the loop had waited; not before the end of the last turn. */
static int64_t turn_began_ns(const struct late *l)
{
	struct timeval tv;
	int64_t at_ns = now_ns();

	if (event_base_gettimeofday_cached(l->base, &tv) == 0) {
		at_ns = (int64_t)tv.tv_sec * 1000000000 + tv.tv_usec * 1000 -
		        l->step_ns;
	}
	return at_ns > l->ended_ns ? at_ns : l->ended_ns;
}

static void end_piece(struct late *l, int64_t at_ns)
{
	int64_t ms = (at_ns - l->since_ns) / 1000000;

	if (ms > l->turn.what_ms || !l->turn.what) {
		l->turn.what = l->what;
		l->turn.what_ms = ms;
	}
	l->since_ns = at_ns;
}

void late_init(struct late *l, struct event_base *base)
{
	*l = (struct late){ .base = base };
	l->ended_ns = now_ns();
	l->step_ns = step();
	late_forget(l);
}

void late_mark(struct late *l, const char *what)
{
	if (!l)
		return;
	if (!l->began) {
		l->began = true;
		l->began_ns = l->since_ns = turn_began_ns(l);
		l->what = "answers";
		l->turn = (struct late_turn){ .ms = 0 };
	}
	end_piece(l, now_ns());
	l->what = what;
}

bool late_end(struct late *l, struct late_turn *ret_turn)
{
	int64_t at_ns = now_ns(), step_ns = step();
	int64_t stepped_ns = step_ns - l->step_ns;
	bool counts = l->began && stepped_ns < STEP_NS && stepped_ns > -STEP_NS;

	l->ended_ns = at_ns;
	l->step_ns = step_ns;
	if (l->began)
		end_piece(l, at_ns);
	l->began = false;
	if (!counts)
		return false;
	l->turn.ms = (at_ns - l->began_ns) / 1000000;
	if (l->turn.ms > l->longest.ms)
		l->longest = l->turn;
	*ret_turn = l->turn;
	return l->turn.ms >= LATE_MS;
}

void late_forget(struct late *l)
{
	l->longest = (struct late_turn){ .what = "nothing" };
}
