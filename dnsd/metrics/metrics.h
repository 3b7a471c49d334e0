// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * metrics - what dnsd tells of itself, as text for Prometheus.
 */
#include <stdbool.h>
#include <stdint.h>

struct exposition;
struct forward;
struct meters;
struct server;
struct tallies;
struct tracker;

/* All borrowed, all to be read by any thread. */
struct metrics {
	const struct tallies *tallies;
	struct meters *meters;
	const struct server *server;
	const struct forward *forward; /* NULL: nothing is forwarded */
	const struct tracker *tracker;
	int64_t started_wall_ms;
};

/* Appends all of it. */
void metrics_write(const struct metrics *m, struct exposition *e);

/* Names of its zones are answered: some registry was read, once. */
bool metrics_is_ready(const struct metrics *m);
