// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/* A prober whose clock is set by hand. */
#include "support.h"

static int64_t now_ms;

static inline int64_t read_clock(void *arg)
{
	(void)arg;
	return now_ms;
}

static inline int64_t wall_at_ms(void *arg)
{
	(void)arg;
	return 1700000000000 + now_ms;
}

static inline void begin(
    struct prober *pr, const struct probe_ops *const *kinds)
{
	now_ms = 1000;
	*pr = (struct prober){ .timers = timers_new(read_clock, NULL),
		.kinds = kinds,
		.wall_ms = wall_at_ms };
	prober_init(pr);
	rng_seed_fixed(&pr->rng, 1);
}

static inline void end(struct prober *pr)
{
	prober_release(pr);
	timers_free(pr->timers);
}

static inline void advance(struct prober *pr, int64_t to_ms)
{
	while (
	    timers_next(pr->timers) >= 0 && timers_next(pr->timers) <= to_ms) {
		now_ms = timers_next(pr->timers);
		timers_run(pr->timers);
	}
	now_ms = to_ms;
}

static inline void quick_stop(struct probe *p)
{
	(void)p;
}

static const struct check_spec each_second = { .name = "tcp-1",
	.kind = CHECK_TCP,
	.interval_ms = 1000,
	.timeout_ms = 300,
	.jitter_percent = 10,
	.rise = 1,
	.fall = 1 };
