// SPDX-License-Identifier: BSD-2-Clause
/*
 * Every verdict goes through observe(): track, row of the check, health of
 * the instance, store. What an earlier run left goes around it: it changes
 * what is known, and says nothing new.
 */
#include "registrar/instance/instance_impl.h"
#include "schema/base/log.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASON_LEN 256

static int64_t now_ms(const struct instance *i)
{
	return timers_now(i->env->prober->timers);
}

static int64_t wall_ms(const struct instance *i)
{
	return i->env->prober->wall_ms(i->env->prober->arg);
}

/* The row is the first member. */
static struct instance *of_row(struct store_instance *row)
{
	return (struct instance *)row;
}

/* ---- health ----------------------------------------------------------- */

bool instance_has_tracks(const struct instance *i)
{
	return i->watch || i->check_n || i->need_n;
}

/* A watch that cannot tell leaves it to the checks, if there are any. */
static bool process_counts(const struct instance *i)
{
	return i->watch && !(i->unknown && i->check_n &&
	                       i->process.track.state == HEALTH_STARTING);
}

/* An octet of a UTF-8 character that is not its first. */
static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static void set_reason(struct instance *i, const char *check, const char *text)
{
	free(i->reason);
	i->reason = xasprintf("%s%s%.*s", check, *check ? ": " : "",
	    (int)strcspn(text, "\n"), text);
	if (strlen(i->reason) > REASON_LEN) {
		size_t len = REASON_LEN;

		while (len && is_continuation(i->reason[len]))
			len--;
		i->reason[len] = '\0';
	}
	i->row.row.reason = i->reason;
}

/* A member into its list: an empty one is dead if any is enough. */
static void fold(
    enum health *list, const struct check_group *g, enum health member)
{
	*list =
	    g->any ? health_better(*list, member) : health_worse(*list, member);
}

/* Lists in lists first: each comes behind the one that it is in. */
static void add_checks(struct combination *c, const struct instance *i)
{
	const struct definition_instance *def = i->origin.instance;
	enum health lists[DEFINITION_MAX_CHECKS];

	for (unsigned g = 0; g < def->group_n; g++)
		lists[g] = def->groups[g].any ? HEALTH_DEAD : HEALTH_PASSING;
	for (unsigned n = 0; n < i->check_n; n++) {
		unsigned g = i->checks[n]->spec->group;
		enum health state = i->checks[n]->track.state;

		if (!g) {
			combine_add(c, state);
		} else {
			fold(&lists[g - 1], &def->groups[g - 1], state);
		}
	}
	for (unsigned g = def->group_n; g-- > 0;) {
		unsigned parent = def->groups[g].parent;

		if (!parent) {
			combine_add(c, lists[g]);
		} else {
			fold(&lists[parent - 1], &def->groups[parent - 1],
			    lists[g]);
		}
	}
}

/* What the row says of its health, and why: not always what was said last. */
static void set_health(
    struct instance *i, enum health now, const char *check, const char *text)
{
	struct instance_row *row = &i->row.row;
	enum health was = row->health;

	set_reason(i, check, text);
	store_health_changed(i->env->store, &i->row);
	/* held back all the time: what is behind it changed */
	if (now == was)
		return;
	const struct log_member members[] = { { "service", row->service },
		{ "instance", row->name }, { "zone", row->zone },
		{ "from", health_name(was) }, { "to", health_name(now) },
		{ "reason", i->reason }, { NULL, NULL } };

	log_with(LOG_LEVEL_INFO, members, "'%s/%s' was %s, is %s: %s",
	    row->service, row->name, health_name(was), health_name(now),
	    i->reason);
	row->health = now;
	row->since_wall_ms = wall_ms(i);
	instance_health_changed(i, was);
}

void instance_judge(
    struct instance *i, enum health was, const char *check, const char *text)
{
	struct combination c = combine_begin();
	char words[REASON_LEN];

	if (process_counts(i))
		combine_add(&c, i->process.track.state);
	add_checks(&c, i);
	enum health tracks = c.worst;
	const char *unmet = instance_add_needs(i, &c);
	enum health raw = combine_end(&c, was);
	enum health raw_was = i->raw, now = instance_course(i, raw);

	if (now == i->row.row.health && (!i->damping.held || raw == raw_was))
		return;
	if (now != raw) {
		check = "damping";
		text = instance_damping_text(i, words, sizeof(words));
	} else if (unmet && tracks == HEALTH_PASSING) {
		check = "requires";
		(void)snprintf(words, sizeof(words),
		    "service '%s' has no eligible instance", unmet);
		text = words;
	}
	set_health(i, now, check, text);
}

static struct thresholds thresholds_of(const struct check *c)
{
	if (!c->spec)
		return (struct thresholds){ 1, 1 };
	return (struct thresholds){ (unsigned)c->spec->rise,
		(unsigned)c->spec->fall };
}

/* When the thing was looked at: for a ttl, when somebody reported. */
static int64_t checked_wall_ms(const struct check *c)
{
	if (c->spec && c->spec->kind == CHECK_TTL)
		return c->probe.beat_wall_ms;
	return wall_ms(c->owner);
}

static bool set_output(struct check *c, const char *text)
{
	if (c->output && !strcmp(c->output, text))
		return false;
	free(c->output);
	c->output = xstrdup(text);
	c->row.row.output = c->output;
	return true;
}

/* The row of a check follows its track. */
static void set_status(struct check *c)
{
	c->row.row.status = c->track.state;
	c->row.row.since_wall_ms = wall_ms(c->owner);
	store_check_changed(c->owner->env->store, &c->row);
}

/*
 * Extra runs can bring it in, but take nothing out: that is as long as if
 * there were none.
 */
static bool is_early(const struct check *c)
{
	const struct instance *i = c->owner;
	bool extra = c->probe.extra && c->track.state == HEALTH_STARTING;

	return c->spec &&
	       (extra || now_ms(i) - i->started_ms < c->spec->grace_ms);
}

/* Somebody may look at what it is waiting for. */
static bool is_awaited(const struct check *c)
{
	return c->track.state == HEALTH_STARTING &&
	       (!*c->output || (c->spec && c->probe.pause_ms));
}

/* Every verdict of checks and processes comes through here. */
static void observe(
    struct check *c, enum verdict v, const char *text, enum health was)
{
	struct instance *i = c->owner;
	const struct thresholds th = thresholds_of(c);
	bool is_ttl = c->spec && c->spec->kind == CHECK_TTL;
	bool too_early = v == VERDICT_FAIL && is_early(c);
	bool flipped = !too_early && track_observe(&c->track, &th, v);

	i->heard = true;

	c->row.row.checked_wall_ms = checked_wall_ms(c);
	/* the text of a report is in its row already */
	bool urgent = is_awaited(c);

	if (set_output(c, text) && !flipped && !is_ttl) {
		if (urgent) {
			store_check_changed(i->env->store, &c->row);
		} else {
			store_output_changed(i->env->store, &c->row);
		}
	}
	if (flipped)
		set_status(c);
	if (c->spec && is_up(c->track.state))
		probe_settle(&c->probe);
	instance_judge(i, was, c->row.row.name, text);
}

/* ---- what probes and watches say -------------------------------------- */

/* Nothing was learnt, and what is known stays; but people ask. */
static void note_unable(struct check *c, const char *why)
{
	scoped_free char *text = xasprintf("no verdict now: %s", why);

	if (set_output(c, text))
		store_output_changed(c->owner->env->store, &c->row);
}

void instance_on_probe(void *check, enum verdict v, const char *detail)
{
	struct check *c = check;

	if (v == VERDICT_NONE) {
		note_unable(c, detail);
		return;
	}
	observe(c, v, detail, c->owner->raw);
}

/* Checks run unless there is a process to wait for, or none. */
static bool may_run(const struct instance *i)
{
	return !i->watch || (i->told && i->process.track.state != HEALTH_DEAD);
}

void instance_begin_checks(struct instance *i)
{
	if (!may_run(i))
		return;
	for (unsigned n = 0; n < i->check_n; n++) {
		struct check *c = i->checks[n];

		probe_begin(&c->probe);
		if (c->track.state == HEALTH_STARTING)
			probe_quicken(&c->probe);
	}
}

static void pause_checks(struct instance *i)
{
	for (unsigned n = 0; n < i->check_n; n++)
		probe_pause(&i->checks[n]->probe);
}

void instance_forget_checks(struct instance *i)
{
	i->started_ms = now_ms(i);
	for (unsigned n = 0; n < i->check_n; n++) {
		track_reset(&i->checks[n]->track);
		set_status(i->checks[n]);
	}
}

/*
 * Dead by what another watch saw, or before; whether it is, nobody can tell any
 * more. The checks say.
 */
static void doubt_death(struct instance *i)
{
	track_reset(&i->process.track);
	set_status(&i->process);
	instance_forget_checks(i);
}

/* A pidfile that cannot be read was written by somebody, since. */
static bool is_renewed(const struct instance *i)
{
	return i->origin.instance->process.kind == PROCESS_PIDFILE;
}

void instance_on_process(
    void *instance, enum process_news news, const char *detail)
{
	struct instance *i = instance;
	enum health was = i->raw;
	bool is_first = !i->told;

	i->told = true;
	i->unknown = news == PROCESS_UNKNOWN;
	switch (news) {
	case PROCESS_UNKNOWN:
		log_warn(
		    "'%s/%s': %s", i->row.row.service, i->row.row.name, detail);
		if (set_output(&i->process, detail))
			store_output_changed(i->env->store, &i->process.row);
		if (i->process.track.state == HEALTH_DEAD &&
		    (is_first || is_renewed(i)))
			doubt_death(i);
		instance_begin_checks(i);
		return;
	case PROCESS_GONE:
		pause_checks(i);
		observe(&i->process, VERDICT_GONE, detail, was);
		return;
	case PROCESS_ALIVE:
		if (was == HEALTH_DEAD) {
			instance_forget_checks(i);
			was = HEALTH_STARTING;
		}
		observe(&i->process, VERDICT_ALIVE, detail, was);
		instance_begin_checks(i);
		return;
	}
}

/* ---- what an earlier run left ----------------------------------------- */

/* The process was looked at before the registry could be: that is newer. */
static bool is_outdated(const struct instance *i, enum health old)
{
	if (!i->watch || !i->told || i->unknown)
		return false;
	return i->process.track.state == HEALTH_DEAD || old == HEALTH_DEAD;
}

void instance_restore(
    struct store_instance *row, const struct instance_row *old)
{
	struct instance *i = of_row(row);

	i->restored = !is_outdated(i, old->health);
	instance_damping_restore(i, old);
	if (!instance_has_tracks(i) || !i->restored)
		return;
	i->row.row.health = old->health;
	i->row.row.since_wall_ms = old->since_wall_ms;
	free(i->reason);
	i->reason = old->reason ? xstrdup(old->reason) : NULL;
	i->row.row.reason = i->reason;
	instance_course_restore(i, old);
	/* it has not just been started, only we have */
	if (old->health != HEALTH_STARTING)
		i->started_ms = INT64_MIN / 2;
	if (i->watch && !i->told && old->health == HEALTH_DEAD)
		i->process.track.state = HEALTH_DEAD;
}

/*
 * A report on a ttl check is in its row before it is counted, so that row
 * does not tell the state of the track; the health of the instance bounds it.
 * No check can be worse than its instance either, but for those in lists of
 * which any is enough.
 */
static enum health state_left(
    const struct instance *i, const struct check *c, enum health status)
{
	enum health whole = i->row.row.health;
	bool is_ttl = c->spec && c->spec->kind == CHECK_TTL;

	if (status == HEALTH_STARTING || whole == HEALTH_STARTING ||
	    whole == HEALTH_DEAD || (c->spec && c->spec->group))
		return status;
	if (is_ttl || health_worse(status, whole) != whole)
		return whole;
	return status;
}

/* Dead, and no watch to say that there is another process: ask anew. */
static bool is_void(const struct instance *i)
{
	return i->row.row.health == HEALTH_DEAD &&
	       i->process.track.state != HEALTH_DEAD;
}

bool instance_restore_check(
    struct store_instance *row, const struct check_row *old)
{
	struct instance *i = of_row(row);
	bool is_process = i->watch && !strcmp(old->name, PROCESS_CHECK);
	struct check *c =
	    is_process ? &i->process : instance_find_check(i, old->name);

	if (!c)
		return false;
	if (!i->restored || (is_process && i->told))
		return true;
	const struct thresholds th = thresholds_of(c);

	if (is_process) {
		c->track.state = old->status;
	} else if (!is_void(i)) {
		track_restore(&c->track, &th, state_left(i, c, old->status));
	}
	/* it has not just been started, only we have */
	if (c->spec && c->track.state != HEALTH_STARTING)
		probe_settle(&c->probe);
	c->row.row.status = c->track.state;
	c->row.row.since_wall_ms = old->since_wall_ms;
	c->row.row.checked_wall_ms = old->checked_wall_ms;
	(void)set_output(c, old->output);
	if (c->spec && c->spec->kind == CHECK_TTL) {
		c->probe.beat_counted = old->status != HEALTH_STARTING;
		c->probe.beat_wall_ms = old->checked_wall_ms;
	}
	return true;
}
