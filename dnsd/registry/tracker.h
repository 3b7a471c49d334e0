// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * tracker - keep the catalog at what the registry says (schema/follow.h).
 *
 * While the registry cannot be read the catalog keeps what it has, one line
 * in the log says so, and what is there next is taken up. Control thread, on
 * its event base.
 */
#include "schema/base/histogram.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct tracker;
struct loader;

/*
 * Looks for the first time at once. Borrows base and l; the base wants
 * EVENT_BASE_FLAG_PRECISE_TIMER.
 */
struct tracker *tracker_new(
    struct event_base *base, const char *path, struct loader *l);
void tracker_free(struct tracker *t);

/* How it stands, for any thread. */
struct tracker_gauges {
	atomic_bool served;         /* some registry was read, once */
	atomic_bool in_trouble;     /* it cannot be followed now */
	_Atomic int64_t right_ms;   /* when we last were where it is */
	_Atomic int64_t revision;   /* that is answered from */
	atomic_size_t service_n;    /* that are answered */
	struct histogram taking_up; /* of what was committed */
};
const struct tracker_gauges *tracker_gauges(const struct tracker *t);

/* How it stands; texts are borrowed until the next look. */
struct tracker_state {
	const char *id;      /* of the registry answered from; "": none yet */
	int64_t revision;    /* -1: none was ever loaded */
	const char *trouble; /* why it cannot be followed now; "": it can */
};
struct tracker_state tracker_state(const struct tracker *t);

/* Looks now; for SIGHUP. */
void tracker_look(struct tracker *t);
