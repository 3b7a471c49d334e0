// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is equal in two versions of a definition is moved from one to the
 * other: rows, probes and watches are told where their strings are now, and
 * their timers run on.
 */
#include "registrar/instance/instance.h"

#include "registrar/instance/instance_impl.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int64_t wall_ms(const struct instance *i)
{
	return i->env->prober->wall_ms(i->env->prober->arg);
}

struct check *instance_find_check(const struct instance *i, const char *name)
{
	for (unsigned n = 0; n < i->check_n; n++) {
		if (!strcmp(i->checks[n]->row.row.name, name))
			return i->checks[n];
	}
	return NULL;
}

/* ---- rows ------------------------------------------------------------- */

/* All but health and its like comes from the definition. */
static void set_row(struct instance *i, const struct instance_origin *o)
{
	struct instance_row *row = &i->row.row;
	const struct instance_row kept = *row;

	definition_instance_row(
	    o->service, o->instance, i->env->source, o->file, row);
	row->health = kept.health;
	row->mode = kept.mode; /* of a new row; the registry keeps others */
	row->since_wall_ms = kept.since_wall_ms;
	row->reason = kept.reason;
	row->ramp_percent = kept.ramp_percent;
	row->damping = kept.damping;
	row->drain = kept.drain;
	i->origin = *o;
	i->subject = (struct probe_subject){ .zone = row->zone,
		.service = row->service,
		.instance = row->name,
		.address = row->address,
		.port =
		    row->port == ROW_DEFAULT ? o->service->port : row->port };
}

static void set_check_row(struct check *c)
{
	const struct instance_row *owner = &c->owner->row.row;
	struct check_row *row = &c->row.row;

	row->zone = owner->zone;
	row->service = owner->service;
	row->instance = owner->name;
	row->name = c->spec ? c->spec->name : PROCESS_CHECK;
	row->kind = c->spec ? check_kind_name(c->spec->kind) : PROCESS_CHECK;
	row->output = c->output;
}

static void check_init(
    struct check *c, struct instance *i, const struct check_spec *spec)
{
	c->owner = i;
	c->spec = spec;
	c->output = xstrdup("");
	set_check_row(c);
	c->row.row.since_wall_ms = wall_ms(i);
	c->row.row.checked_wall_ms =
	    spec && spec->kind == CHECK_TTL ? 0 : wall_ms(i);
	store_attach_check(i->env->store, &i->row, &c->row);
}

static void begin_probe(struct check *c)
{
	const struct instance_env *env = c->owner->env;
	const struct check_alias *alias = &c->spec->alias;

	probe_init(&c->probe, env->prober, c->spec, &c->owner->subject,
	    instance_on_probe, c);
	if (c->spec->kind == CHECK_ALIAS) {
		follower_begin(env->followers, &c->follower, alias->zone,
		    alias->service, &c->probe);
	}
}

static void end_probe(struct check *c)
{
	follower_end(c->owner->env->followers, &c->follower);
	probe_release(&c->probe);
}

static struct check *check_new(
    struct instance *i, const struct check_spec *spec)
{
	struct check *c = xcalloc(1, sizeof(*c));

	check_init(c, i, spec);
	begin_probe(c);
	return c;
}

static void check_release(struct check *c)
{
	if (c->spec)
		end_probe(c);
	store_detach_check(c->owner->env->store, &c->row);
	free(c->output);
}

static void check_withdraw(struct check *c)
{
	const struct check_row *row = &c->row.row;

	store_withdraw(c->owner->env->store, row->zone, row->service,
	    row->instance, row->name);
	check_release(c);
}

/* ---- the process watch ------------------------------------------------ */

static void watch_start(struct instance *i)
{
	const struct watch_ops *ops = i->env->watch;

	i->told = false;
	i->unknown = false;
	i->watch = ops->start(
	    ops->arg, &i->origin.instance->process, instance_on_process, i);
}

static void watch_stop(struct instance *i)
{
	i->env->watch->stop(i->watch);
	i->watch = NULL;
}

static void edit_watch(struct instance *i, const struct process_spec *was)
{
	const struct process_spec *spec = &i->origin.instance->process;

	if (i->watch && process_spec_equal(was, spec)) {
		i->env->watch->set_spec(i->watch, spec);
		set_check_row(&i->process);
		return;
	}
	if (i->watch && spec->kind == PROCESS_NONE) {
		bool was_dead = i->process.track.state == HEALTH_DEAD;

		watch_stop(i);
		check_withdraw(&i->process);
		i->process = (struct check){ .owner = i };
		if (was_dead)
			instance_forget_checks(i);
		return;
	}
	if (i->watch) {
		watch_stop(i);
		set_check_row(&i->process);
	} else if (spec->kind != PROCESS_NONE) {
		check_init(&i->process, i, NULL);
	}
	if (spec->kind != PROCESS_NONE)
		watch_start(i);
}

/* ---- checks ----------------------------------------------------------- */

/*
 * c->spec is still the old one, and is gone after this. A check that became
 * one of another kind keeps its state too: nobody has given a verdict.
 */
static void edit_check(struct check *c, const struct check_spec *spec)
{
	struct instance *i = c->owner;
	bool equal = check_spec_equal(c->spec, spec);
	const char *kind = c->row.row.kind;

	c->kept = true;
	c->spec = spec;
	set_check_row(c);
	if (equal) {
		probe_set_spec(&c->probe, spec, &i->subject);
		return;
	}
	end_probe(c);
	begin_probe(c);
	if (strcmp(kind, c->row.row.kind) != 0)
		store_check_changed(i->env->store, &c->row);
}

static void edit_checks(
    struct instance *i, const struct check_spec *specs, unsigned n)
{
	struct check **checks = xcalloc(n, sizeof(struct check *));

	for (unsigned k = 0; k < n; k++) {
		checks[k] = instance_find_check(i, specs[k].name);
		if (checks[k]) {
			edit_check(checks[k], &specs[k]);
		} else {
			checks[k] = check_new(i, &specs[k]);
		}
	}
	for (unsigned k = 0; k < i->check_n; k++) {
		if (i->checks[k]->kept) {
			i->checks[k]->kept = false;
			continue;
		}
		check_withdraw(i->checks[k]);
		free(i->checks[k]);
	}
	free(i->checks);
	i->checks = checks;
	i->check_n = n;
}

/* ---- lifetime --------------------------------------------------------- */

struct instance *instance_new(const struct instance_env *env,
    struct store_service *service, const struct instance_origin *origin)
{
	const struct definition_instance *def = origin->instance;
	struct instance *i = xcalloc(1, sizeof(*i));

	i->env = env;
	i->process.owner = i;
	set_row(i, origin);
	i->row.row.since_wall_ms = wall_ms(i);
	i->started_ms = timers_now(env->prober->timers);
	store_attach_instance(env->store, service, &i->row);
	instance_course_begin(i);
	if (def->process.kind != PROCESS_NONE) {
		check_init(&i->process, i, NULL);
		watch_start(i);
	}
	edit_checks(i, def->checks, def->check_n);
	if (!instance_has_tracks(i))
		i->raw = i->row.row.health = HEALTH_PASSING;
	instance_begin_checks(i);
	return i;
}

void instance_edit(struct instance *i, const struct instance_origin *origin)
{
	const struct instance_origin was = i->origin;
	bool equal =
	    definition_instance_row_equal(was.instance, origin->instance) &&
	    !strcmp(was.file, origin->file);

	set_row(i, origin);
	if (!equal)
		store_instance_changed(i->env->store, &i->row);
	edit_watch(i, &was.instance->process);
	edit_checks(i, origin->instance->checks, origin->instance->check_n);
	instance_course_edit(i, &was.service->policy);
	if (!i->watch && !i->check_n)
		instance_judge(i, i->raw, "", "nothing is checked any more");
	instance_begin_checks(i);
}

void instance_free(struct instance *i)
{
	if (!i)
		return;
	instance_course_end(i);
	if (i->watch) {
		watch_stop(i);
		check_release(&i->process);
	}
	for (unsigned n = 0; n < i->check_n; n++) {
		check_release(i->checks[n]);
		free(i->checks[n]);
	}
	store_detach_instance(i->env->store, &i->row);
	free(i->checks);
	free(i->reason);
	free(i);
}

const struct drained_spec *instance_drained(const struct instance *i)
{
	return &i->origin.instance->drained;
}

const struct probe_subject *instance_subject(const struct instance *i)
{
	return &i->subject;
}

int instance_signal(const struct instance *i, int signal, struct diag *reterr)
{
	return i->watch ? i->env->watch->signal(i->watch, signal, reterr)
	                : -ESRCH;
}

const struct instance_row *instance_row(const struct instance *i)
{
	return &i->row.row;
}
