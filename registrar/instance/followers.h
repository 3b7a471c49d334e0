// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * followers - probes that look at the state of a service.
 *
 * They look at each interval anyway, for leases that run out; this is how they
 * look at once when the registry says something else of it.
 *
 * One thread.
 */
#include "registrar/probe/probe.h"

struct followed;
struct followers;

/* Embedded in whoever owns the probe. */
struct follower {
	/* private */
	struct followed *followed; /* NULL: nothing */
	struct probe *probe;
	LIST_ENTRY(follower) link;
};

struct followers *followers_new(void);
/* After all followers. NULL is fine. */
void followers_free(struct followers *fs);

/* Copies the names, borrows the probe. */
void follower_begin(struct followers *fs, struct follower *f, const char *zone,
    const char *service, struct probe *p);
/* Nothing, if it does not follow. */
void follower_end(struct followers *fs, struct follower *f);

/* Of this service, or of any (NULL), something has changed: let them look. */
void followers_tell(
    const struct followers *fs, const char *zone, const char *service);
