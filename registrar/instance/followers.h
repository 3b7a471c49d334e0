// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * followers - probes that look at the state of a service of this registrar.
 *
 * They look at each interval anyway, for what others write; this is how they
 * look at once when an instance of ours changes its health.
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

/* Let them look when this turn of the loop has been written. */
void followers_tell(
    const struct followers *fs, const char *zone, const char *service);
