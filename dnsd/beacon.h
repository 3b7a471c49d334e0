// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * beacon - tells what this dnsd serves, for those who look at the registry.
 *
 * Replaces its status file beside the registry (schema/dnsd_status.h) every
 * few seconds and when it is told to. Where that cannot be written dnsd goes
 * on all the same, says so once, and tries again. Control thread.
 */
struct beacon;
struct catalog;
struct event_base;
struct tracker;
struct options;

/* Writes at once. Borrows all. */
struct beacon *beacon_new(struct event_base *base, const struct options *o,
    struct catalog *c, const struct tracker *t);
/* Says that it has ended. NULL is ignored. */
void beacon_free(struct beacon *b);

/* What it serves may have changed: write now. */
void beacon_tell(struct beacon *b);
