// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * feed - the revision of each service, and who waits for it to change.
 *
 * On schema/follow.h: whoever commits to the registry is noticed, and of
 * those who wait only the ones are woken whose service was changed. The
 * revision of a service is that of its last change, kept also of one that is
 * gone; it grows, but for a registry that was replaced.
 */
#include "schema/base/diag.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct feed;
struct registry;

struct feed *feed_new(struct event_base *base, const char *registry);
void feed_free(struct feed *f);

/* Open for reading and up to date; NULL: it cannot be read, and why. */
struct registry *feed_registry(struct feed *f, struct diag *reterr);
/*
 * What stands at the path cannot be read now, and why, though what was open
 * before still may be. 0: it can.
 */
int feed_trouble(struct feed *f, struct diag *reterr);
/* Somebody has just committed. */
void feed_hurry(struct feed *f);

/* At least 1. service NULL: of the registry. */
int64_t feed_revision(struct feed *f, const char *zone, const char *service);
/* Differs after another registry has taken the place of the one before. */
unsigned feed_epoch(const struct feed *f);

/* Embedded; all zero: it waits for nothing. */
struct feed_waiter {
	struct feed_waiter *next, **at;
	void (*fn)(void *arg);
	void *arg;
};
/*
 * Calls fn once, from the event loop, when the service (NULL: any) has
 * changed or the registry was replaced; w waits for nothing then.
 */
void feed_wait(struct feed *f, struct feed_waiter *w, const char *zone,
    const char *service);
void feed_leave(struct feed_waiter *w);

/*
 * Calls fn for each service that has changed, before those who wait are woken;
 * with service NULL when anything may have. For views that keep more than
 * revisions. listener is embedded, and stays.
 */
struct feed_listener {
	struct feed_listener *next;
	void (*fn)(
	    void *arg, int64_t revision, const char *zone, const char *service);
	void *arg;
};
void feed_listen(struct feed *f, struct feed_listener *l);
