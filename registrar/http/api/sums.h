// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * sums - each service in a few numbers, so that who looks at all of them does
 * not read all of them.
 *
 * All are read once, some in each turn of the loop; then those that the feed
 * says have changed, and those whose states time alone changes (leases,
 * drains). What is shown of a service is read from the registry: sums say which
 * those are, and count.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct feed;
struct registry;
struct sums;

#define SUM_STATE_N 16 /* words of status_state() */

struct sum {
	int64_t due_wall_ms; /* to be read again then; 0: never */
	uint64_t sources;    /* bits of sums_source(); the last: others, too */
	unsigned instance_n[SUM_STATE_N]; /* as sums_state() names them */
	unsigned problem_n;               /* with one of its own */
	bool bad;                         /* a problem, or no answer */
	/* private */
	bool dirty, gone;
	const char *name; /* behind its zone, which begins at zone[] */
	char zone[];
};

/* Reads all of it in the background, from the loop. */
struct sums *sums_new(struct event_base *base, struct feed *f);
/* Before the feed is freed. */
void sums_free(struct sums *s);

/*
 * Does some of the work that there is, from an r that is up to date. 1: there
 * is more of it, 0: all is as r has it, -errno: r cannot be read.
 */
int sums_work(struct sums *s, struct registry *r, int64_t now_wall_ms);
/*
 * Rows that cannot be read, in words. While there are some, all is read again
 * every few seconds: which of them are mended nobody tells.
 */
const char *sums_broken(const struct sums *s, size_t k);

/* In the order of zones and names. */
size_t sums_n(const struct sums *s);
const struct sum *sums_at(const struct sums *s, size_t k);
/* NULL: there are no more. */
const char *sums_state(const struct sums *s, unsigned k);
const char *sums_source(const struct sums *s, unsigned k);
