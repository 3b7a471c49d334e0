// SPDX-License-Identifier: BSD-2-Clause
/*
 * One thread, one libevent base. The timers of all parts hang on one event;
 * a second one, active whenever rows wait, writes them behind all other
 * events of the same turn.
 */
#include "registrar/run.h"

#include "registrar/confine.h"
#include "registrar/container/engine.h"
#include "registrar/discovery/discovery.h"
#include "registrar/exec/runner.h"
#include "registrar/instance/drains.h"
#include "registrar/instance/fleet.h"
#include "registrar/loader.h"
#include "registrar/options.h"
#include "registrar/process/process.h"
#include "registrar/store/store.h"
#include "registrar/watchdir/defdir.h"
#include "registrar/watchdir/trust.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/notify.h"
#include "schema/base/version.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
#define SIGNAL_N (sizeof(signals) / sizeof(signals[0]))

#define START_MS 5000 /* at most, until the first check */
#define STOP_MS 1000

struct run {
	const struct run_options *options;
	struct event_base *base;
	struct event *tick, *flush, *signals[SIGNAL_N];
	struct timers *timers;
	char *source;
	char *watch_dir; /* without slashes at its end: part of names */
	struct definition_defaults defaults;
	struct store *store;
	struct confine confine;
	struct watcher *watcher;
	struct watch_ops watch;
	struct runner *runner; /* prober's, once that is there */
	struct prober prober;
	struct needs *needs;
	struct followers *followers;
	struct instance_env env;
	struct fleet *fleet;
	struct drains *drains;
	struct engine *engine;
	struct discovery *discovery;
	struct loader *loader;
	struct defdir *defdir;
	bool failed;
};

/* ---- clocks and turns of the loop ------------------------------------- */

static int64_t mono_ms(void *arg)
{
	(void)arg;
	return clock_mono_ms();
}

static int64_t wall_ms(void *arg)
{
	(void)arg;
	return clock_wall_ms();
}

static void set_tick(void *arg)
{
	struct run *r = arg;
	int64_t at_ms = timers_next(r->timers);

	if (at_ms < 0) {
		(void)evtimer_del(r->tick);
		return;
	}
	int64_t wait_ms = at_ms - timers_now(r->timers);

	if (wait_ms < 0)
		wait_ms = 0;
	const struct timeval wait = { .tv_sec = wait_ms / 1000,
		.tv_usec = wait_ms % 1000 * 1000 };

	(void)evtimer_add(r->tick, &wait);
}

static void fail(struct run *r, const char *why)
{
	log_error("ending: %s", why);
	r->failed = true;
	(void)event_base_loopbreak(r->base);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct run *r = arg;

	(void)fd;
	(void)what;
	timers_run(r->timers);
	if (confine_is_elsewhere(&r->confine, r->options,
	        store_has_trouble(r->store), timers_now(r->timers))) {
		fail(r, "the registry's directory is another one than at the "
		        "start, and closed to the sandbox");
	}
}

static void wake(void *arg)
{
	struct run *r = arg;

	event_active(r->flush, 0, 0);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct run *r = arg;

	(void)fd;
	(void)what;
	store_flush(r->store);
}

static void log_line(const char *text)
{
	log_info("%s", text);
}

/* What was counted since the last time. */
static void report(struct run *r)
{
	int64_t now_ms = timers_now(r->timers);

	tally_tell(&r->prober.counts, now_ms, log_line);
	tally_begin(&r->prober.counts, now_ms);
}

static void on_signal(evutil_socket_t signum, short what, void *arg)
{
	struct run *r = arg;

	(void)what;
	if (signum == SIGUSR1) {
		report(r);
		return;
	}
	if (signum == SIGHUP) {
		log_info("reading '%s' again", r->options->watch);
		(void)defdir_rescan(r->defdir);
		return;
	}
	log_info("ending: %s", strsignal(signum));
	(void)event_base_loopbreak(r->base);
}

/*
 * They were killed. Their like is forked while we are small, and before we
 * are in the sandbox: let us begin anew.
 */
static void on_runner_gone(void *arg)
{
	fail(arg, "the process that runs exec checks is gone");
}

static void on_looker_gone(void *arg)
{
	fail(arg, "the process that looks at others is gone");
}

/* ---- between the parts ------------------------------------------------ */

static bool wanted(void *arg, const char *zone, const char *service,
    const char *instance, const char *definition)
{
	const struct run *r = arg;

	return loader_row_wanted(
	    r->loader, zone, service, instance, definition);
}

static bool file_wanted(void *arg, const char *file)
{
	const struct run *r = arg;

	return loader_file_wanted(r->loader, file);
}

static void opened(void *arg)
{
	const struct run *r = arg;

	loader_registry_opened(r->loader);
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
	const struct run *r = arg;

	return store_heartbeat(r->store, s, check, ret_beat);
}

static int tally(void *arg, const char *zone, const char *service,
    struct service_tally *ret_tally)
{
	const struct run *r = arg;

	return store_tally(r->store, zone, service, ret_tally);
}

static int state(void *arg, const char *zone, const char *service,
    const char *instance, struct instance_state *ret_state)
{
	const struct run *r = arg;

	return store_state(r->store, zone, service, instance, ret_state);
}

static void on_changed(
    void *arg, const char *name, const char *text, size_t len)
{
	const struct run *r = arg;

	loader_changed(r->loader, name, text, len);
}

static void on_removed(void *arg, const char *name)
{
	const struct run *r = arg;

	loader_removed(r->loader, name);
}

static void on_failed(void *arg, const char *name, const char *why)
{
	const struct run *r = arg;

	loader_failed(r->loader, name, why);
}

static void on_settled(void *arg)
{
	const struct run *r = arg;

	loader_settled(r->loader);
}

static void found(void *arg)
{
	const struct run *r = arg;

	loader_found(r->loader);
}

/* ---- setting up and taking down --------------------------------------- */

/* Each process watch and each run of a check holds a descriptor or two. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* The coarse clock would be up to 4 ms late. */
static struct event_base *make_base(void)
{
	struct event_config *config = event_config_new();

	if (!config)
		abort(); /* out of memory */
	(void)event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER |
	                                        EVENT_BASE_FLAG_NOLOCK |
	                                        EVENT_BASE_FLAG_IGNORE_ENV);
	struct event_base *base = event_base_new_with_config(config);

	event_config_free(config);
	return base;
}

static void add_events(struct run *r)
{
	r->tick = evtimer_new(r->base, on_tick, r);
	r->flush = event_new(r->base, -1, 0, on_flush, r);
	if (!r->tick || !r->flush)
		abort(); /* out of memory */
	for (size_t n = 0; n < SIGNAL_N; n++) {
		r->signals[n] = evsignal_new(r->base, signals[n], on_signal, r);
		if (!r->signals[n] || event_add(r->signals[n], NULL) < 0)
			abort(); /* out of memory */
	}
	timers_on_change(r->timers, set_tick, r);
}

static void make_store(struct run *r)
{
	const struct store_config config = {
		.path = r->options->registry,
		.name = r->options->name,
		.source = r->source,
		.timers = r->timers,
		.wall_ms = wall_ms,
		.wake = wake,
		.restore_check = restore_check,
		.restore = restore,
		.wanted = wanted,
		.file_wanted = file_wanted,
		.opened = opened,
		.arg = r,
	};

	r->store = store_new(&config);
}

static void make_fleet(struct run *r)
{
	r->prober = (struct prober){ .base = r->base,
		.timers = r->timers,
		.kinds = probe_kinds,
		.heartbeat = heartbeat,
		.tally = tally,
		.state = state,
		.wall_ms = wall_ms,
		.arg = r,
		.runner = r->runner,
		.exec_user = r->options->exec_user };
	prober_init(&r->prober);
	watcher_ops(r->watcher, &r->watch);
	r->needs = needs_new(r->timers, r->store, instance_on_need);
	r->followers = followers_new();
	r->env = (struct instance_env){ .prober = &r->prober,
		.store = r->store,
		.watch = &r->watch,
		.needs = r->needs,
		.followers = r->followers,
		.source = r->source };
	r->fleet = fleet_new(&r->env);
	r->drains = drains_new(&r->env, r->fleet);
	r->defaults = (struct definition_defaults){ .zone = r->options->zone,
		.address = r->options->address };
	const struct discovery_env discovery = { .fleet = r->fleet,
		.timers = r->timers,
		.watcher = r->watcher,
		.looker = r->confine.looker,
		.engine = r->engine,
		.labels = r->options->container_labels,
		.defaults = &r->defaults,
		.settled = found,
		.arg = r };

	r->discovery = discovery_new(&discovery);
	r->loader = loader_new(
	    r->watch_dir, &r->defaults, r->fleet, r->store, r->discovery);
}

static char *trimmed(const char *dir)
{
	size_t len = strlen(dir);

	while (len > 1 && dir[len - 1] == '/')
		len--;
	return xasprintf("%.*s", (int)len, dir);
}

/* What the sandbox leaves no room for is done by processes outside of it. */
static int fork_helpers(struct run *r, struct diag *reterr)
{
	int error = confine_prepare(
	    &r->confine, r->options, r->base, on_looker_gone, r, reterr);

	if (error < 0)
		return error;
	return runner_new(r->base, (unsigned)r->options->exec_limit,
	    on_runner_gone, r, &r->runner, reterr);
}

static int start(struct run *r, struct diag *reterr)
{
	const struct defdir_ops ops = { .changed = on_changed,
		.removed = on_removed,
		.failed = on_failed,
		.settled = on_settled,
		.arg = r };
	uid_t owner;
	int error;

	error = trust_find_user(r->options->definition_owner, &owner, reterr);
	if (error < 0)
		return error;
	/* the registry is for its owner, and to be read by its group */
	(void)umask(umask(077) | S_IWGRP | S_IRWXO);
	raise_file_limit();
	(void)signal(SIGPIPE, SIG_IGN);
	r->base = make_base();
	if (!r->base)
		return diag_set(reterr, -EIO, "cannot use epoll");
	if ((error = fork_helpers(r, reterr)) < 0)
		return error;
	r->source = xasprintf("registrar/%s", r->options->name);
	r->watch_dir = trimmed(r->options->watch);
	r->timers = timers_new(mono_ms, NULL);
	add_events(r);
	if ((error = watcher_new(r->base, r->timers, &r->watcher, reterr)) < 0)
		return error;
	watcher_set_looker(r->watcher, r->confine.looker);
	r->engine =
	    engine_new(r->base, r->timers, r->options->container_socket);
	watcher_set_engine(r->watcher, r->engine);
	if (r->options->cgroups)
		watcher_set_cgroups(r->watcher, r->options->cgroups);
	make_store(r);
	make_fleet(r);
	error = defdir_new(r->base, r->watch_dir, DEFINITION_MAX_LEN, &ops,
	    &r->defdir, reterr);
	if (error < 0)
		return error;
	defdir_trust(r->defdir, owner);
	return confine_enter(&r->confine, r->options, reterr);
}

static void stop(struct run *r)
{
	defdir_free(r->defdir);
	loader_free(r->loader);
	drains_free(r->drains);
	discovery_free(r->discovery);
	fleet_free(r->fleet);
	if (r->fleet) {
		prober_release(&r->prober);
	} else {
		runner_free(r->runner);
	}
	needs_free(r->needs);
	followers_free(r->followers);
	store_free(r->store);
	watcher_free(r->watcher);
	confine_release(&r->confine);
	engine_free(r->engine);
	for (size_t n = 0; n < SIGNAL_N; n++) {
		if (r->signals[n])
			event_free(r->signals[n]);
	}
	if (r->flush)
		event_free(r->flush);
	if (r->tick)
		event_free(r->tick);
	timers_free(r->timers);
	if (r->base)
		event_base_free(r->base);
	free(r->watch_dir);
	free(r->source);
}

/* All that waits, unless the registry does not take it. */
static void write_all(struct run *r, int64_t for_ms)
{
	int64_t end_ms = timers_now(r->timers) + for_ms;

	do {
		store_flush(r->store);
	} while (!store_is_idle(r->store) && !store_has_trouble(r->store) &&
	         timers_now(r->timers) < end_ms);
}

int run_main(const struct run_options *options)
{
	struct run r = { .options = options };
	struct diag why;

	if (start(&r, &why) < 0) {
		log_error("cannot start: %s", why.text);
		stop(&r);
		return 1;
	}
	log_info("registrar %s: registry='%s' watch='%s' zone='%s'",
	    ROLLCALL_VERSION, options->registry, options->watch, options->zone);
	/* before the definitions, so that those kept there can be had */
	store_flush(r.store);
	(void)defdir_rescan(r.defdir);
	/*
	 * What an earlier run left is to be known before processes and checks
	 * speak, else the log would tell of changes that are none.
	 */
	write_all(&r, START_MS);
	notify_state("READY=1");
	(void)event_base_dispatch(r.base);
	notify_state("STOPPING=1");
	write_all(&r, STOP_MS);
	stop(&r);
	return r.failed;
}
