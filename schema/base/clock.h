// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * clock - the two clocks, read only by main and by event callbacks.
 *
 * Everything below takes the time as a parameter, so that tests can run it
 * with a clock of their own. `_wall_ms` (milliseconds since 1970, UTC) is for
 * what the registry stores; everything else is monotonic.
 */
#include <stdint.h>
#include <time.h>

static inline int64_t clock_read_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t clock_mono_ms(void)
{
	return clock_read_ns(CLOCK_MONOTONIC) / 1000000;
}

static inline int64_t clock_wall_ms(void)
{
	return clock_read_ns(CLOCK_REALTIME) / 1000000;
}
