// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * rows - instances as the registry might have them, drawn at random.
 *
 * All that decides who is in answers is drawn so that each case comes up
 * often; ends of leases and drains lie around ROWS_NOW_MS, some far off.
 */
#include "schema/base/rng.h"
#include "schema/registry.h"

#include <stddef.h>

enum { ROWS_NOW_MS = 1000000000 };

static inline int64_t rows_random_end(struct rng *r)
{
	static const int64_t ends[] = { 0, 0, 0, ROWS_NOW_MS - 1, ROWS_NOW_MS,
		ROWS_NOW_MS + 1, ROWS_NOW_MS + 7, 1, INT64_MAX };

	return ends[rng_below(r, sizeof(ends) / sizeof(*ends))];
}

static inline struct instance_row rows_random(struct rng *r)
{
	static const char *const addresses[][2] = { { "192.0.2.1", NULL },
		{ "2001:db8::1", NULL }, { "192.0.2.1", "2001:db8::1" } };
	static const int weights[] = { 0, 1, 10, 100, 300, 65535 };
	unsigned address = rng_below(r, 3);
	struct instance_row row = {
		.name = "i",
		.address = addresses[address][0],
		.address6 = addresses[address][1],
		.port = ROW_DEFAULT,
		.priority = (int)rng_below(r, 3),
		.weight = weights[rng_below(r, 6)],
		.weight_warning = ROW_DEFAULT,
		.health = (enum health)rng_below(r, HEALTH_N),
		.mode = MODE_ACTIVE,
		.lease_until_wall_ms = rows_random_end(r),
	};

	if (rng_below(r, 2))
		row.weight_warning = weights[rng_below(r, 6)];
	if (rng_below(r, 2))
		row.ramp_percent = 1 + (int)rng_below(r, 99);
	if (rng_below(r, 2))
		row.mode = (enum mode)rng_below(r, MODE_N);
	if (row.mode == MODE_DRAINING)
		row.drain.until_wall_ms = rows_random_end(r);
	return row;
}
