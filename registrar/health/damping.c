// SPDX-License-Identifier: BSD-2-Clause
/*
 * The penalty is rounded to thousandths whenever it is looked at, so that it
 * is the same in memory and in the registry.
 */
#include "registrar/health/damping.h"

#include <math.h>

#define FLAP 1000 /* thousandths */

static int64_t ceiling(const struct damping_spec *spec)
{
	return (
	    int64_t)(FLAP * spec->reuse *
	             exp2((double)spec->max_ms / (double)spec->half_life_ms));
}

int64_t damping_penalty(
    const struct damping *d, const struct damping_spec *spec, int64_t now_ms)
{
	int64_t age_ms = now_ms - d->at_ms;

	if (!spec->half_life_ms || age_ms <= 0)
		return d->penalty;
	return (int64_t)((double)d->penalty *
	                 exp2(-(double)age_ms / (double)spec->half_life_ms));
}

void damping_flap(
    struct damping *d, const struct damping_spec *spec, int64_t now_ms)
{
	if (!spec->half_life_ms)
		return;
	int64_t most = ceiling(spec);

	d->penalty = damping_penalty(d, spec, now_ms) + FLAP;
	if (d->penalty > most)
		d->penalty = most;
	d->at_ms = now_ms;
	if (d->penalty > (int64_t)FLAP * spec->suppress)
		d->held = true;
}

int64_t damping_until_ms(
    const struct damping *d, const struct damping_spec *spec)
{
	double halvings = log2((double)d->penalty / (FLAP * spec->reuse));

	if (!spec->half_life_ms || !(halvings > 0))
		return d->at_ms;
	return d->at_ms + (int64_t)ceil(halvings * (double)spec->half_life_ms);
}

bool damping_release(
    struct damping *d, const struct damping_spec *spec, int64_t now_ms)
{
	bool was_held = d->held;

	if (!spec->half_life_ms) {
		*d = (struct damping){ 0 };
	} else if (was_held && now_ms >= damping_until_ms(d, spec)) {
		d->held = false;
	}
	return was_held && !d->held;
}

struct damping_row damping_save(const struct damping *d,
    const struct damping_spec *spec, int64_t now_ms, int64_t now_wall_ms)
{
	struct damping_row row = { .penalty = damping_penalty(d, spec, now_ms),
		.at_wall_ms = now_wall_ms };

	if (!d->penalty)
		return (struct damping_row){ 0 };
	if (d->held) {
		row.until_wall_ms =
		    now_wall_ms + damping_until_ms(d, spec) - now_ms;
	}
	return row;
}

struct damping damping_load(
    const struct damping_row *row, int64_t now_ms, int64_t now_wall_ms)
{
	int64_t age_ms = now_wall_ms - row->at_wall_ms;

	if (age_ms < 0)
		age_ms = 0;
	return (struct damping){ .penalty = row->penalty,
		.at_ms = now_ms - age_ms,
		.held = row->until_wall_ms != 0 };
}
