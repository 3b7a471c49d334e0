// SPDX-License-Identifier: BSD-2-Clause
/*
 * A track remembers its state and four run lengths, nothing else; the state
 * follows from them by the table in health.h. The runs are not cleared when
 * the state changes: "the last three verdicts were fails" stays true.
 */
#include "registrar/health/health.h"

#include <stdint.h>

static void count(uint16_t *run, bool goes_on)
{
	if (!goes_on) {
		*run = 0;
	} else if (*run < UINT16_MAX) {
		(*run)++;
	}
}

static enum health follow(const struct track *t, const struct thresholds *th)
{
	bool failed = t->fails >= th->fall;
	bool passed = t->passes >= th->rise;

	switch (t->state) {
	case HEALTH_STARTING:
		if (t->passes || t->not_fails)
			return t->passes ? HEALTH_PASSING : HEALTH_WARNING;
		return failed ? HEALTH_CRITICAL : HEALTH_STARTING;
	case HEALTH_PASSING:
		if (failed)
			return HEALTH_CRITICAL;
		return t->not_passes >= th->fall ? HEALTH_WARNING
		                                 : HEALTH_PASSING;
	case HEALTH_WARNING:
		if (failed)
			return HEALTH_CRITICAL;
		return passed ? HEALTH_PASSING : HEALTH_WARNING;
	case HEALTH_CRITICAL:
		if (passed)
			return HEALTH_PASSING;
		return t->not_fails >= th->rise ? HEALTH_WARNING
		                                : HEALTH_CRITICAL;
	case HEALTH_DEAD:
		break;
	}
	return t->state;
}

bool track_observe(struct track *t, const struct thresholds *th, enum verdict v)
{
	enum health was = t->state;

	if (v == VERDICT_GONE) {
		t->state = HEALTH_DEAD;
		return t->state != was;
	}
	if (v == VERDICT_ALIVE) {
		t->state = HEALTH_PASSING;
		return t->state != was;
	}
	count(&t->passes, v == VERDICT_PASS);
	count(&t->not_fails, v != VERDICT_FAIL);
	count(&t->not_passes, v != VERDICT_PASS);
	count(&t->fails, v == VERDICT_FAIL);
	t->state = follow(t, th);
	return t->state != was;
}

void track_restore(
    struct track *t, const struct thresholds *th, enum health state)
{
	t->state = state;
	t->state = follow(t, th);
}

void track_reset(struct track *t)
{
	*t = (struct track){ .state = HEALTH_STARTING };
}

static int severity(enum health h)
{
	static const int of[HEALTH_N] = {
		[HEALTH_PASSING] = 0,
		[HEALTH_WARNING] = 1,
		[HEALTH_STARTING] = 2,
		[HEALTH_CRITICAL] = 3,
		[HEALTH_DEAD] = 4,
	};

	return of[h];
}

enum health health_worse(enum health a, enum health b)
{
	return severity(a) >= severity(b) ? a : b;
}

enum health health_better(enum health a, enum health b)
{
	return severity(a) <= severity(b) ? a : b;
}

struct combination combine_begin(void)
{
	return (struct combination){ .worst = HEALTH_PASSING };
}

void combine_add(struct combination *c, enum health state)
{
	c->any = true;
	if (state == HEALTH_STARTING) {
		c->undecided = true;
	} else {
		c->worst = health_worse(c->worst, state);
	}
}

enum health combine_end(const struct combination *c, enum health was)
{
	if (!c->any)
		return HEALTH_PASSING;
	return c->undecided ? health_worse(c->worst, was) : c->worst;
}
