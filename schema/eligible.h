// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * eligible - who is in answers, with which weight, and what decides it.
 *
 * The one place for it (design section 3): dnsd answers by it, and whatever
 * shows or asks how a service is doing says the same. Pure: rows and a time
 * in, no clock, nothing kept.
 *
 * First each instance by itself: eligible_judge(). Then what the service's
 * policy makes of all of them together: eligible_count() each, and when all
 * are counted eligible_settle() each. Which of those that may be in an answer
 * are drawn for it is not decided here.
 */
#include "schema/registry.h"

#include <stdbool.h>
#include <stdint.h>

/* Answers that an instance may be in, as bits. */
enum eligible_type {
	ELIGIBLE_SRV = 1,
	ELIGIBLE_A = 2,
	ELIGIBLE_AAAA = 4,
};

/* What decides it; the first of them that is true. */
enum eligible_why {
	ELIGIBLE_EXPIRED, /* its lease ran out */
	ELIGIBLE_MAINTENANCE,
	ELIGIBLE_DRAINED, /* long enough: in no answer any more */
	ELIGIBLE_DEAD,
	ELIGIBLE_CRITICAL,
	ELIGIBLE_STARTING,
	ELIGIBLE_DRAINING, /* in SRV with weight 0, in no address answer */
	ELIGIBLE_WARNING,
	ELIGIBLE_PASSING,
	/* only by eligible_settle(): critical or starting, but nobody is
	 * better, and `on_empty` is all */
	ELIGIBLE_ADMITTED,
};
#define ELIGIBLE_WHY_N 10
const char *eligible_why_name(enum eligible_why w); /* "expired" ... */

/* All of a row that decides: addresses as the types that they allow. */
struct eligible_facts {
	enum health health;
	enum mode mode;
	unsigned types;
	int64_t lease_until_wall_ms; /* 0: no lease */
	int64_t drain_until_wall_ms; /* 0: no end is known */
};
struct eligible_facts eligible_facts(const struct instance_row *row);

struct eligible {
	enum eligible_why why;
	unsigned types; /* that it may be in */
	/* That a policy may let it into: its health alone speaks against it,
	 * and is no evidence. */
	unsigned spare_types;
	/* When time alone decides anew, if no row changes; 0: never. */
	int64_t until_wall_ms;
};
struct eligible eligible_judge(
    const struct eligible_facts *f, int64_t now_wall_ms);

/* The instances of one service; all 0 before the first. */
struct eligible_sum {
	unsigned n;
	unsigned healthy_n; /* passing or warning, and nothing against it */
	unsigned srv_n;     /* in SRV: the healthy, and those that drain */
};
void eligible_count(struct eligible_sum *sum, const struct eligible *e);
/* Is it in answers of addresses, not in SRV alone? */
static inline bool eligible_is_in_addresses(const struct eligible *e)
{
	return e->types & (ELIGIBLE_A | ELIGIBLE_AAAA);
}
/* True: the policy has changed what e alone would be. */
bool eligible_settle(
    struct eligible *e, const struct eligible_sum *sum, enum on_empty on_empty);

/*
 * The weight in force: that of its health, as much of it as the ramp leaves,
 * 0 while it drains. As SRV has it, and as it is drawn.
 */
int eligible_weight(const struct instance_row *row);
/* The same when its ramp, if it has one, is over. */
int eligible_full_weight(const struct instance_row *row);

/* It drained long enough, whatever else there is to say. */
bool eligible_is_drained(const struct instance_row *row, int64_t now_wall_ms);
