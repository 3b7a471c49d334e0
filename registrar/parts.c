// SPDX-License-Identifier: BSD-2-Clause
/*
 * What one part needs of another goes through the callbacks here, so that
 * the parts themselves point downwards only.
 */
#include "registrar/parts.h"

#include "registrar/container/engine.h"
#include "registrar/keeper/keeper.h"
#include "registrar/lib/looker.h"
#include "registrar/lib/workers.h"
#include "registrar/loader.h"
#include "registrar/lock.h"
#include "registrar/options.h"
#include "registrar/programs.h"
#include "registrar/registrations.h"
#include "registrar/watchdir/trust.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"
#include "schema/pulse.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREDECESSOR_MS 5000

static void tell_broken(const struct parts *p, const char *why)
{
	p->broken(p->arg, why);
}

/*
 * They were killed. Their like is forked while we are small, and before we
 * are in the sandbox: let us begin anew.
 */
static void on_runner_gone(void *arg)
{
	tell_broken(arg, "the process that runs exec checks is gone");
}

static void on_keeper_gone(void *arg)
{
	tell_broken(arg, "the process that keeps the others alive is gone");
}

static void on_looker_gone(void *arg)
{
	tell_broken(arg, "the process that looks at others is gone");
}

static void on_looker_answers(void *arg, bool again)
{
	(void)arg;
	if (again) {
		log_info("the process that looks at others answers again");
	} else {
		log_warn("the process that looks at others does not answer: "
		         "executables and descriptors of others cannot be "
		         "seen");
	}
}

/* ---- between the parts ------------------------------------------------ */

static bool wanted(void *arg, const char *zone, const char *service,
    const char *instance, const char *definition)
{
	const struct parts *p = arg;

	return loader_row_wanted(
	    p->loader, zone, service, instance, definition);
}

static bool file_wanted(void *arg, const char *file)
{
	const struct parts *p = arg;

	return loader_file_wanted(p->loader, file);
}

/* What this registry has called instances so far, it goes on to. */
static void opened(void *arg)
{
	struct parts *p = arg;
	bool plain = false;

	if (!p->named && store_has_plain_names(p->store, &plain) == 0) {
		p->named = true;
		p->defaults.node = plain ? NULL : p->node;
	}

	loader_registry_opened(p->loader);
	if (p->registrations)
		registrations_opened(p->registrations);
}

static void changed(void *arg, const char *zone, const char *service)
{
	const struct parts *p = arg;

	if (!p->drains) /* nobody is there yet, who will look by himself */
		return;
	needs_changed(p->needs, zone, service);
	followers_tell(p->followers, zone, service);
	drains_changed(p->drains);
}

static void on_noticed(evutil_socket_t fd, short what, void *arg)
{
	const struct parts *p = arg;

	(void)fd;
	(void)what;
	store_notice(p->store);
}

static bool restore_check(
    void *arg, struct store_instance *i, const struct check_row *row)
{
	(void)arg;
	return instance_restore_check(i, row);
}

static void restore(
    void *arg, struct store_instance *i, const struct instance_row *row)
{
	(void)arg;
	instance_restore(i, row);
}

static int heartbeat(void *arg, const struct probe_subject *s,
    const char *check, struct heartbeat *ret_beat)
{
	const struct parts *p = arg;

	return store_heartbeat(p->store, s, check, ret_beat);
}

static int tally(void *arg, const char *zone, const char *service,
    struct service_tally *ret_tally)
{
	const struct parts *p = arg;

	return store_tally(p->store, zone, service, ret_tally);
}

static int state(void *arg, const char *zone, const char *service,
    const char *instance, struct instance_state *ret_state)
{
	const struct parts *p = arg;

	return store_state(p->store, zone, service, instance, ret_state);
}

static void on_changed(void *arg, const struct defdir_text *t)
{
	const struct parts *p = arg;

	late_mark(p->late, "reading definitions");
	loader_changed(p->loader, t);
}

static void on_removed(void *arg, const char *name)
{
	const struct parts *p = arg;

	loader_removed(p->loader, name);
}

static void on_failed(void *arg, const char *name, const char *why)
{
	const struct parts *p = arg;

	loader_failed(p->loader, name, why);
}

static void on_hollow(void *arg, const char *why)
{
	const struct parts *p = arg;

	loader_hollow(p->loader, why);
}

static void on_blind(void *arg, const char *why)
{
	const struct parts *p = arg;

	if (why) {
		log_warn("inotify tells nothing of '%s': %s: looking every "
		         "%d ms",
		    p->watch_dir, why, DEFDIR_POLL_MS);
	} else {
		log_info("inotify tells of '%s' again", p->watch_dir);
	}
}

static void on_settled(void *arg, bool whole, bool leaving)
{
	const struct parts *p = arg;

	late_mark(p->late, "definitions");
	loader_settled(p->loader, whole, leaving);
}

static void found(void *arg)
{
	const struct parts *p = arg;

	loader_found(p->loader);
}

/* What the store wants of the loop. */
static void wake(void *arg)
{
	const struct parts *p = arg;

	p->wake(p->arg);
}

static int64_t wall_ms(void *arg)
{
	(void)arg;
	return clock_wall_ms();
}

static void written(void *arg)
{
	struct parts *p = arg;

	if (p->registrations)
		registrations_look(p->registrations);
}

/* ---- life ------------------------------------------------------------- */

static void make_store(struct parts *p)
{
	const struct store_config config = {
		.path = p->options->registry,
		.name = p->options->name,
		.source = p->source,
		.node = p->options->node,
		.adopt = p->adopt,
		.timers = p->timers,
		.wall_ms = wall_ms,
		.wake = wake,
		.restore_check = restore_check,
		.restore = restore,
		.wanted = wanted,
		.file_wanted = file_wanted,
		.opened = opened,
		.changed = changed,
		.written = written,
		.arg = p,
	};

	p->store = store_new(&config);
	if (store_fd(p->store) < 0)
		return;
	p->noticed = event_new(
	    p->base, store_fd(p->store), EV_READ | EV_PERSIST, on_noticed, p);
	if (!p->noticed || event_add(p->noticed, NULL) < 0)
		abort(); /* out of memory */
}

/* Until it is open, one that is there may be of before. */
static bool has_registry(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0;
}

static void make_fleet(struct parts *p)
{
	p->prober = (struct prober){ .base = p->base,
		.timers = p->timers,
		.late = p->late,
		.kinds = probe_kinds,
		.heartbeat = heartbeat,
		.tally = tally,
		.state = state,
		.wall_ms = wall_ms,
		.arg = p,
		.runner = p->runner,
		.exec_user = p->options->exec_user };
	prober_init(&p->prober);
	watcher_ops(p->watcher, &p->watch);
	p->needs = needs_new(p->timers, p->store, instance_on_need);
	p->followers = followers_new();
	p->env = (struct instance_env){ .prober = &p->prober,
		.store = p->store,
		.watch = &p->watch,
		.needs = p->needs,
		.followers = p->followers,
		.source = p->source };
	p->fleet = fleet_new(&p->env);
	p->drains = drains_new(&p->env, p->fleet);
	p->defaults = (struct definition_defaults){ .zone = p->options->zone,
		.address = p->options->address,
		.node = has_registry(p->options->registry) ? NULL : p->node };
	const struct discovery_env discovery = { .fleet = p->fleet,
		.timers = p->timers,
		.watcher = p->watcher,
		.looker = p->confine.looker,
		.engine = p->engine,
		.labels = p->options->container_labels,
		.defaults = &p->defaults,
		.settled = found,
		.arg = p };

	p->discovery = discovery_new(&discovery);
	p->loader = loader_new(
	    p->watch_dir, &p->defaults, p->fleet, p->store, p->discovery);
	p->registrations =
	    registrations_new(&p->defaults, p->fleet, p->store, p->timers);
}

static char *trimmed(const char *dir)
{
	size_t len = strlen(dir);

	while (len > 1 && dir[len - 1] == '/')
		len--;
	return xasprintf("%.*s", (int)len, dir);
}

/* What the sandbox leaves no room for is done by processes outside of it. */
static int fork_helpers(struct parts *p, struct diag *reterr)
{
	const struct looker_ops ops = {
		.gone = on_looker_gone, .answers = on_looker_answers, .arg = p
	};
	int error =
	    confine_prepare(&p->confine, p->options, p->base, &ops, reterr);

	if (error < 0)
		return error;
	error = programs_start(
	    p->options, p->base, on_keeper_gone, p, &p->keeper, reterr);
	if (error < 0)
		return error;
	return runner_new(p->base, (unsigned)p->options->exec_limit,
	    on_runner_gone, p, &p->runner, reterr);
}

/* Files and processes: what is read, and who reads it. */
static void make_watcher(struct parts *p)
{
	p->watcher = watcher_new(p->base, p->timers);
	watcher_set_looker(p->watcher, p->confine.looker);
	watcher_set_late(p->watcher, p->late);
	p->engine =
	    engine_new(p->base, p->timers, p->options->container_socket);
	watcher_set_engine(p->watcher, p->engine);
	if (p->options->cgroups)
		watcher_set_cgroups(p->watcher, p->options->cgroups);
}

/* Of the host's name what a label may have. */
static void set_node_label(struct parts *p)
{
	size_t len = 0;

	for (const char *c = p->options->node; *c && len < sizeof(p->node) - 1;
	     c++) {
		bool plain =
		    (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');

		if (*c >= 'A' && *c <= 'Z') {
			p->node[len++] = (char)(*c - 'A' + 'a');
		} else if (plain) {
			p->node[len++] = *c;
		} else if (len && p->node[len - 1] != '-') {
			p->node[len++] = '-';
		}
	}
	while (len && p->node[len - 1] == '-')
		len--;
	p->node[len] = '\0';
}

/* Ours, and that of the name whose rows become ours. */
static int take_locks(struct parts *p, struct diag *reterr)
{
	const struct run_options *o = p->options;
	int error =
	    lock_take(o->registry, o->name, PREDECESSOR_MS, &p->lock, reterr);

	if (error < 0 || !o->adopt)
		return error;
	p->adopt = xasprintf("registrar/%s", o->adopt);
	error = lock_take(o->registry, o->adopt, 0, &p->adopt_lock, reterr);
	return error < 0 ? diag_prefix(reterr, error, "--adopt") : 0;
}

int parts_start(struct parts *p, struct diag *reterr)
{
	const struct defdir_ops ops = { .changed = on_changed,
		.removed = on_removed,
		.failed = on_failed,
		.blind = on_blind,
		.hollow = on_hollow,
		.settled = on_settled,
		.arg = p };
	uid_t owner;
	int error;

	p->lock = p->adopt_lock = -1;
	error = trust_find_user(p->options->definition_owner, &owner, reterr);
	if (error < 0)
		return error;
	if ((error = fork_helpers(p, reterr)) < 0 ||
	    (error = take_locks(p, reterr)) < 0)
		return error;
	set_node_label(p);
	p->source = xasprintf("registrar/%s", p->options->name);
	p->watch_dir = trimmed(p->options->watch);
	make_watcher(p);
	make_store(p);
	make_fleet(p);
	p->defdir = defthread_new(
	    p->base, p->watch_dir, DEFINITION_MAX_LEN, owner, &ops);
	if ((error = confine_enter(&p->confine, p->options, reterr)) < 0)
		return error;
	/* not before: what holds for a thread holds for those it starts */
	error = workers_new(p->base, &p->workers, reterr);
	p->prober.workers = p->workers;
	watcher_set_workers(p->watcher, p->workers);
	return error;
}

void parts_beat(struct parts *p)
{
	const char *trouble = store_trouble_text(p->store);

	if (!p->pulse_told || strcmp(p->pulse_told, trouble) != 0) {
		pulse_tell(p->lock, trouble);
		free(p->pulse_told);
		p->pulse_told = xstrdup(trouble);
	}
	pulse_beat(p->lock);
}

void parts_stop(struct parts *p)
{
	keeper_free(p->keeper);
	defthread_free(p->defdir);
	loader_free(p->loader);
	registrations_free(p->registrations);
	p->registrations = NULL;
	drains_free(p->drains);
	p->drains = NULL;
	discovery_free(p->discovery);
	fleet_free(p->fleet);
	if (p->fleet) {
		prober_release(&p->prober);
	} else {
		runner_free(p->runner);
	}
	needs_free(p->needs);
	followers_free(p->followers);
	if (p->noticed)
		event_free(p->noticed);
	store_free(p->store);
	watcher_free(p->watcher);
	workers_free(p->workers);
	confine_release(&p->confine);
	engine_free(p->engine);
	if (p->lock >= 0)
		(void)close(p->lock);
	if (p->adopt_lock >= 0)
		(void)close(p->adopt_lock);
	free(p->pulse_told);
	free(p->adopt);
	free(p->watch_dir);
	free(p->source);
}
