// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_alias - how is another service, or one instance of it, doing?
 *
 * The registry says so, whoever wrote it; each run reads it once. Only what
 * is eligible by its mode and its lease counts. While nobody has given a
 * verdict on the other one yet, there is none here either; but what was
 * known of one that has gone does not hold for the one in its place.
 */
#include "registrar/probe/probe.h"

#include <errno.h>

/* What the registry says of it. */
struct finding {
	int error; /* 0, or -ENOENT: there is none */
	struct service_tally tally;
	struct instance_state state;
};

static bool is_starting(
    const struct check_alias *check, const struct finding *f)
{
	if (f->error < 0)
		return false;
	if (check->instance) {
		return f->state.health == HEALTH_STARTING &&
		       f->state.mode == MODE_ACTIVE && !f->state.expired;
	}
	return f->tally.starting && !f->tally.passing && !f->tally.warning;
}

static void judge_service(struct probe *p, const struct service_tally *t)
{
	const char *name = p->spec->alias.to;

	if (t->passing) {
		probe_done_fmt(p, VERDICT_PASS,
		    "%u of %u instances of '%s' passing", t->passing, t->n,
		    name);
	} else if (t->warning) {
		probe_done_fmt(p, VERDICT_WARN,
		    "none of %u instances of '%s' passing, %u warning", t->n,
		    name, t->warning);
	} else if (t->n) {
		probe_done_fmt(p, VERDICT_FAIL,
		    "none of %u instances of '%s' passing", t->n, name);
	} else {
		probe_done_fmt(p, VERDICT_FAIL, "no instances of '%s'", name);
	}
}

static void judge_instance(struct probe *p, const struct instance_state *s)
{
	static const enum verdict verdicts[HEALTH_N] = {
		[HEALTH_STARTING] = VERDICT_FAIL,
		[HEALTH_PASSING] = VERDICT_PASS,
		[HEALTH_WARNING] = VERDICT_WARN,
		[HEALTH_CRITICAL] = VERDICT_FAIL,
		[HEALTH_DEAD] = VERDICT_FAIL,
	};
	const char *name = p->spec->alias.to;

	if (s->expired) {
		probe_done_fmt(
		    p, VERDICT_FAIL, "the lease of '%s' has run out", name);
	} else if (s->mode != MODE_ACTIVE) {
		probe_done_fmt(
		    p, VERDICT_FAIL, "'%s' is %s", name, mode_name(s->mode));
	} else {
		probe_done_fmt(p, verdicts[s->health], "'%s' is %s", name,
		    health_name(s->health));
	}
}

static void alias_start(struct probe *p)
{
	const struct check_alias *check = &p->spec->alias;
	const struct prober *pr = p->prober;
	struct finding f = { .error = 0 };

	if (check->instance) {
		f.error = pr->state(pr->arg, check->zone, check->service,
		    check->instance, &f.state);
	} else {
		f.error =
		    pr->tally(pr->arg, check->zone, check->service, &f.tally);
	}
	/* the registry's trouble is not the other's */
	if ((f.error < 0 && f.error != -ENOENT) ||
	    (is_starting(check, &f) && !p->decided)) {
		probe_done_silent(p);
		return;
	}
	p->decided = true;
	if (f.error < 0) {
		probe_done_fmt(p, VERDICT_FAIL, "no instance '%s'", check->to);
	} else if (check->instance) {
		judge_instance(p, &f.state);
	} else {
		judge_service(p, &f.tally);
	}
}

static void alias_stop(struct probe *p)
{
	(void)p;
}

const struct probe_ops probe_alias_ops = {
	.start = alias_start,
	.stop = alias_stop,
};
