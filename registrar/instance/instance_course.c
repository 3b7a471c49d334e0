// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a service says about the course of health, beyond its checks.
 *
 * `i->raw` is what tracks and requirements make of it. Between that and the
 * row stands damping: an instance that flaps is critical in its row, though
 * its checks pass, until it is calm. The other two follow the row: when it
 * enters the answers its weights rise in steps; when it is bad for long it is
 * withdrawn, while its watch and its checks go on, so that a pass brings it
 * back.
 */
#include "registrar/instance/instance_impl.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>

/* In steps of 9 % from 10 % to all: each costs dnsd a compile. */
#define RAMP_STEPS 10
#define RAMP_FIRST 10
#define RAMP_STEP ((100 - RAMP_FIRST) / RAMP_STEPS)
#define UNHEARD_MS 1000 /* before anybody has spoken in this run */

static struct timers *timers_of(const struct instance *i)
{
	return i->env->prober->timers;
}

static int64_t now_ms(const struct instance *i)
{
	return timers_now(timers_of(i));
}

static int64_t wall_ms(const struct instance *i)
{
	return i->env->prober->wall_ms(i->env->prober->arg);
}

static const struct health_policy *policy_of(const struct instance *i)
{
	return &i->origin.service->policy;
}

/* at_ms may be long ago, even before the clock began. */
static void set_timer(struct instance *i, struct timer *t, int64_t at_ms)
{
	timer_set(timers_of(i), t, at_ms < now_ms(i) ? now_ms(i) : at_ms);
}

static bool is_bad(enum health h)
{
	return h == HEALTH_CRITICAL || h == HEALTH_DEAD;
}

/* ---- damping ---------------------------------------------------------- */

static void save_damping(struct instance *i)
{
	i->row.row.damping = damping_save(
	    &i->damping, &policy_of(i)->damping, now_ms(i), wall_ms(i));
	store_pace_changed(i->env->store, &i->row);
}

static void set_calm_timer(struct instance *i)
{
	if (i->damping.held) {
		set_timer(i, &i->calm,
		    damping_until_ms(&i->damping, &policy_of(i)->damping));
	} else {
		timer_cancel(timers_of(i), &i->calm);
	}
}

static void on_calm(void *arg)
{
	struct instance *i = arg;

	if (damping_release(&i->damping, &policy_of(i)->damping, now_ms(i)))
		save_damping(i);
	set_calm_timer(i);
	instance_judge(i, i->raw, "damping", "calm again");
}

const char *instance_damping_text(const struct instance *i, char *buf, size_t n)
{
	const struct damping_spec *spec = &policy_of(i)->damping;
	int64_t penalty = damping_penalty(&i->damping, spec, now_ms(i));

	(void)snprintf(buf, n,
	    "its checks pass, but it flaps: held back until it is calm "
	    "(penalty %lld.%lld, below %d in %lld s)",
	    (long long)(penalty / 1000), (long long)(penalty % 1000 / 100),
	    spec->reuse,
	    (long long)((damping_until_ms(&i->damping, spec) - now_ms(i) +
	                    999) /
	                1000));
	return buf;
}

/* ---- slow start ------------------------------------------------------- */

static void set_ramp(struct instance *i, int percent)
{
	int64_t step_ms = policy_of(i)->slow_start_ms / RAMP_STEPS;

	if (percent) {
		timer_set(timers_of(i), &i->ramp, now_ms(i) + step_ms);
	} else {
		timer_cancel(timers_of(i), &i->ramp);
	}
	if (i->row.row.ramp_percent == percent)
		return;
	i->row.row.ramp_percent = percent;
	store_pace_changed(i->env->store, &i->row);
}

static void on_ramp(void *arg)
{
	struct instance *i = arg;
	int percent = i->row.row.ramp_percent + RAMP_STEP;

	set_ramp(i, percent < 100 ? percent : 0);
}

void instance_health_changed(struct instance *i, enum health was)
{
	bool slow = policy_of(i)->slow_start_ms != 0;
	enum health now = i->row.row.health;

	if (!is_up(was) && is_up(now)) {
		set_ramp(i, slow ? RAMP_FIRST : 0);
	} else if (!is_up(now)) {
		set_ramp(i, 0);
	}
}

/* ---- deregistering ---------------------------------------------------- */

static void set_deregister_timer(struct instance *i)
{
	int64_t after_ms = policy_of(i)->deregister_after_ms;

	if (after_ms && is_bad(i->raw) && !i->withdrawn) {
		set_timer(i, &i->deregister, i->bad_since_ms + after_ms);
	} else {
		timer_cancel(timers_of(i), &i->deregister);
	}
}

static void on_deregister(void *arg)
{
	struct instance *i = arg;

	/* what an earlier run left may be outdated, and must be known */
	if (!i->heard || !i->row.known) {
		timer_set(timers_of(i), &i->deregister, now_ms(i) + UNHEARD_MS);
		return;
	}
	log_info("withdrawing '%s/%s': %s for too long", i->row.row.service,
	    i->row.row.name, health_name(i->raw));
	i->withdrawn = true;
	store_retire_instance(i->env->store, &i->row);
}

static void register_anew(struct instance *i)
{
	if (!i->withdrawn)
		return;
	i->withdrawn = false;
	store_return_instance(i->env->store, &i->row);
}

bool instance_is_withdrawn(const struct instance *i)
{
	return i->withdrawn;
}

/* ---- requirements ----------------------------------------------------- */

const char *instance_add_needs(const struct instance *i, struct combination *c)
{
	const char *unmet = NULL;

	for (unsigned n = 0; n < i->need_n; n++) {
		switch (need_state(&i->needs[n])) {
		case NEED_UNKNOWN:
			combine_add(c, HEALTH_STARTING);
			break;
		case NEED_UNMET:
			combine_add(c, HEALTH_WARNING);
			unmet = need_service(&i->needs[n]);
			break;
		case NEED_MET:
			break;
		}
	}
	return unmet;
}

void instance_on_need(void *instance, struct need_user *u)
{
	struct instance *i = instance;
	char *text = xasprintf("service '%s' has %s eligible instance",
	    need_service(u), need_state(u) == NEED_MET ? "an" : "no");

	instance_judge(i, i->raw, "requires", text);
	free(text);
}

static void take_needs(struct instance *i)
{
	const struct health_policy *p = policy_of(i);

	i->needs = xcalloc(p->require_n, sizeof(*i->needs));
	i->need_n = p->require_n;
	for (unsigned n = 0; n < p->require_n; n++) {
		need_take(i->env->needs, &i->needs[n], p->requires[n].zone,
		    p->requires[n].service, i);
	}
}

static void drop_needs(struct instance *i)
{
	for (unsigned n = 0; n < i->need_n; n++)
		need_drop(i->env->needs, &i->needs[n]);
	free(i->needs);
	i->needs = NULL;
	i->need_n = 0;
}

/* ---- all of it -------------------------------------------------------- */

enum health instance_course(struct instance *i, enum health raw)
{
	const struct damping_spec *spec = &policy_of(i)->damping;
	enum health was = i->raw;

	i->raw = raw;
	if (spec->half_life_ms && is_up(was) && is_bad(raw)) {
		damping_flap(&i->damping, spec, now_ms(i));
		save_damping(i);
		set_calm_timer(i);
	}
	if (!is_bad(was))
		i->bad_since_ms = now_ms(i);
	if (is_up(raw))
		register_anew(i);
	set_deregister_timer(i);
	return i->damping.held && is_up(raw) ? HEALTH_CRITICAL : raw;
}

void instance_course_begin(struct instance *i)
{
	timer_init(&i->calm, on_calm, i);
	timer_init(&i->ramp, on_ramp, i);
	timer_init(&i->deregister, on_deregister, i);
	take_needs(i);
}

void instance_course_end(struct instance *i)
{
	timer_cancel(timers_of(i), &i->calm);
	timer_cancel(timers_of(i), &i->ramp);
	timer_cancel(timers_of(i), &i->deregister);
	drop_needs(i);
}

/* Whoever writes a definition anew registers what it names anew. */
static void begin_anew(struct instance *i)
{
	i->raw = HEALTH_STARTING;
	i->row.row.health = HEALTH_STARTING;
	i->row.row.since_wall_ms = wall_ms(i);
	register_anew(i);
	instance_forget_checks(i);
}

void instance_course_edit(struct instance *i, const struct health_policy *was)
{
	const struct health_policy *p = policy_of(i);

	if (!requires_equal(was, p)) {
		drop_needs(i);
		take_needs(i);
	}
	if (i->row.row.ramp_percent && !p->slow_start_ms)
		set_ramp(i, 0);
	set_calm_timer(i);
	if (i->damping.penalty && !p->damping.half_life_ms) {
		if (damping_release(&i->damping, &p->damping, now_ms(i)))
			timer_set(timers_of(i), &i->calm, now_ms(i));
		save_damping(i);
	}
	if (i->withdrawn)
		begin_anew(i);
	set_deregister_timer(i);
}

/* Whatever comes of it is to be written: what was left must not stay. */
void instance_damping_restore(
    struct instance *i, const struct instance_row *old)
{
	const struct damping_spec *spec = &policy_of(i)->damping;

	if (old->ramp_percent || old->damping.penalty)
		store_pace_changed(i->env->store, &i->row);
	if (!spec->half_life_ms)
		return;
	i->row.row.damping = old->damping;
	i->damping = damping_load(&old->damping, now_ms(i), wall_ms(i));
	set_calm_timer(i);
}

void instance_course_restore(struct instance *i, const struct instance_row *old)
{
	int64_t age_ms = wall_ms(i) - old->since_wall_ms;

	i->raw = old->health;
	i->bad_since_ms = now_ms(i) - (age_ms > 0 ? age_ms : 0);
	set_deregister_timer(i);
	/* it was on its way up, and goes on from there */
	if (old->ramp_percent && policy_of(i)->slow_start_ms &&
	    is_up(old->health))
		set_ramp(i, old->ramp_percent);
}
