// SPDX-License-Identifier: BSD-2-Clause
#include "schema/eligible.h"

#include <string.h>

const char *eligible_why_name(enum eligible_why w)
{
	static const char *const names[ELIGIBLE_WHY_N] = {
		[ELIGIBLE_EXPIRED] = "expired",
		[ELIGIBLE_MAINTENANCE] = "maintenance",
		[ELIGIBLE_DRAINED] = "drained",
		[ELIGIBLE_DEAD] = "dead",
		[ELIGIBLE_CRITICAL] = "critical",
		[ELIGIBLE_STARTING] = "starting",
		[ELIGIBLE_DRAINING] = "draining",
		[ELIGIBLE_WARNING] = "warning",
		[ELIGIBLE_PASSING] = "passing",
		[ELIGIBLE_ADMITTED] = "admitted",
	};

	return names[w];
}

/* The registry has checked them: an IPv6 address has a colon, IPv4 has not. */
static unsigned types_of(const struct instance_row *row)
{
	bool first_is_6 = strchr(row->address, ':') != NULL;

	return ELIGIBLE_SRV | (first_is_6 ? ELIGIBLE_AAAA : ELIGIBLE_A) |
	       (row->address6 ? ELIGIBLE_AAAA : 0);
}

struct eligible_facts eligible_facts(const struct instance_row *row)
{
	return (struct eligible_facts){
		.health = row->health,
		.mode = row->mode,
		.types = types_of(row),
		.lease_until_wall_ms = row->lease_until_wall_ms,
		.drain_until_wall_ms = row->drain.until_wall_ms,
	};
}

/* An expired lease is not eligible even if nothing runs to delete it. */
static bool is_expired(const struct eligible_facts *f, int64_t now_wall_ms)
{
	return f->lease_until_wall_ms && f->lease_until_wall_ms <= now_wall_ms;
}

static bool is_drained(const struct eligible_facts *f, int64_t now_wall_ms)
{
	return f->mode == MODE_DRAINING && f->drain_until_wall_ms &&
	       f->drain_until_wall_ms <= now_wall_ms;
}

/* Leases first, then what the operator wants, then health. */
static enum eligible_why decide(
    const struct eligible_facts *f, int64_t now_wall_ms)
{
	if (is_expired(f, now_wall_ms))
		return ELIGIBLE_EXPIRED;
	if (f->mode == MODE_MAINTENANCE)
		return ELIGIBLE_MAINTENANCE;
	if (is_drained(f, now_wall_ms))
		return ELIGIBLE_DRAINED;
	switch (f->health) {
	case HEALTH_DEAD:
		return ELIGIBLE_DEAD;
	case HEALTH_CRITICAL:
		return ELIGIBLE_CRITICAL;
	case HEALTH_PASSING:
		return f->mode == MODE_DRAINING ? ELIGIBLE_DRAINING
		                                : ELIGIBLE_PASSING;
	case HEALTH_WARNING:
		return f->mode == MODE_DRAINING ? ELIGIBLE_DRAINING
		                                : ELIGIBLE_WARNING;
	case HEALTH_STARTING:
	default:
		return ELIGIBLE_STARTING;
	}
}

/* The sooner of the two that are still to come. */
static int64_t decided_until(
    const struct eligible_facts *f, int64_t now_wall_ms)
{
	int64_t lease = f->lease_until_wall_ms;
	int64_t drain = f->mode == MODE_DRAINING ? f->drain_until_wall_ms : 0;

	if (lease <= now_wall_ms)
		lease = 0;
	if (drain <= now_wall_ms)
		drain = 0;
	return !drain || (lease && lease < drain) ? lease : drain;
}

struct eligible eligible_judge(
    const struct eligible_facts *f, int64_t now_wall_ms)
{
	struct eligible e = { .why = decide(f, now_wall_ms) };

	if (e.why == ELIGIBLE_PASSING || e.why == ELIGIBLE_WARNING)
		e.types = f->types;
	if (e.why == ELIGIBLE_DRAINING)
		e.types = f->types & ELIGIBLE_SRV;
	if ((e.why == ELIGIBLE_CRITICAL || e.why == ELIGIBLE_STARTING) &&
	    f->mode == MODE_ACTIVE)
		e.spare_types = f->types;
	if (!is_expired(f, now_wall_ms))
		e.until_wall_ms = decided_until(f, now_wall_ms);
	return e;
}

void eligible_count(struct eligible_sum *sum, const struct eligible *e)
{
	sum->n++;
	sum->healthy_n +=
	    e->why == ELIGIBLE_PASSING || e->why == ELIGIBLE_WARNING;
	sum->srv_n += e->types & ELIGIBLE_SRV ? 1 : 0;
}

/*
 * `on_empty: all` is for checks that cannot be believed, so positive evidence
 * still counts, and so does what the operator wants.
 */
bool eligible_settle(
    struct eligible *e, const struct eligible_sum *sum, enum on_empty on_empty)
{
	if (on_empty != ON_EMPTY_ALL || sum->srv_n || !e->spare_types)
		return false;
	e->why = ELIGIBLE_ADMITTED;
	e->types = e->spare_types;
	return true;
}

/* The registry has rules for it, which may have been switched off. */
static int within(int64_t weight)
{
	return weight < 0 ? 0 : weight > UINT16_MAX ? UINT16_MAX : (int)weight;
}

int eligible_full_weight(const struct instance_row *row)
{
	bool warned =
	    row->health == HEALTH_WARNING && row->weight_warning != ROW_DEFAULT;

	if (row->mode == MODE_DRAINING)
		return 0;
	return within(
	    warned ? row->weight_warning : instance_row_passing_weight(row));
}

/* An instance with a weight keeps some, however low its ramp begins. */
int eligible_weight(const struct instance_row *row)
{
	int full = eligible_full_weight(row);

	if (!row->ramp_percent || !full)
		return full;
	int ramped = within((int64_t)full * row->ramp_percent / 100);
	return ramped ? ramped : 1;
}

bool eligible_is_drained(const struct instance_row *row, int64_t now_wall_ms)
{
	struct eligible_facts f = eligible_facts(row);

	return is_drained(&f, now_wall_ms);
}
