// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * late - how long a turn of the loop takes, and what took it.
 *
 * While one callback works everything else waits. Whoever may take long says
 * what he begins with; until the next one says so, or the turn ends, the time
 * is his. What comes before the first of a turn is that of answers: events of
 * sockets, most of all.
 *
 * One thread, that of the event base.
 */
#include <stdbool.h>
#include <stdint.h>

struct event_base;

#define LATE_MS 50 /* a turn takes less, unless something is wrong */

struct late_turn {
	int64_t ms;
	const char *what; /* took most of it; static */
	int64_t what_ms;
};

struct late {
	struct event_base *base;
	bool began; /* something was marked in this turn */
	int64_t began_ns, since_ns, ended_ns;
	int64_t step_ns; /* wall clock less monotonic one, at the last end */
	const char *what;
	struct late_turn turn;    /* the present one, so far */
	struct late_turn longest; /* since late_forget() */
};

void late_init(struct late *l, struct event_base *base);

/* l NULL: nobody measures. what: "reading definitions"; static. */
void late_mark(struct late *l, const char *what);

/* Behind each turn. True: it took LATE_MS or more. */
bool late_end(struct late *l, struct late_turn *ret_turn);

void late_forget(struct late *l);
