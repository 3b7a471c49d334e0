// SPDX-License-Identifier: BSD-2-Clause
/*
 * A registrar with its registry in a directory of its own; time passes when
 * the scenario says so, probes and processes are puppets.
 */
#include "commands.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZONE "svc.test"

struct world_watch {
	struct world *w;
	process_fn fn;
	struct instance *instance;
	bool said;
	enum process_news news;
	struct world_watch *next;
};

/* ---- clocks ----------------------------------------------------------- */

static int64_t mono_ms(void *arg)
{
	return ((const struct world *)arg)->now_ms;
}

int64_t world_wall_ms(const struct world *w)
{
	return 1700000000000 + w->now_ms + w->wall_ahead_ms;
}

static int64_t wall_ms(void *arg)
{
	return world_wall_ms(arg);
}

static void on_wake(void *arg)
{
	((struct world *)arg)->woken = true;
}

void world_turn(struct world *w)
{
	while (w->woken) {
		w->woken = false;
		store_flush(w->store);
	}
}

void world_wait(struct world *w, int64_t for_ms)
{
	int64_t end_ms = w->now_ms + for_ms;

	world_turn(w);
	while (
	    timers_next(w->timers) >= 0 && timers_next(w->timers) <= end_ms) {
		if (timers_next(w->timers) > w->now_ms)
			w->now_ms = timers_next(w->timers);
		timers_run(w->timers);
		world_turn(w);
	}
	w->now_ms = end_ms;
}

/* ---- puppets ---------------------------------------------------------- */

static bool is_instance(
    const char *instance, const char *service, const char *name)
{
	size_t len = strlen(service);

	return !strncmp(instance, service, len) && instance[len] == '/' &&
	       !strcmp(instance + len + 1, name);
}

static bool is_check(
    const struct probe *p, const char *instance, const char *check)
{
	return is_instance(
	           instance, p->subject->service, p->subject->instance) &&
	       !strcmp(p->spec->name, check);
}

/* A check that nobody asks about says nothing, nor do extra runs mostly. */
static void puppet_start(struct probe *p)
{
	struct world *w = p->prober->arg;

	if (!w->awaited || p->extra != w->extra ||
	    !is_check(p, w->awaited[1], w->awaited[2])) {
		probe_done_silent(p);
		return;
	}
	if (w->running_n == RUNNING_MAX)
		world_fail(w, "too many checks run at once");
	w->running[w->running_n++] = p;
}

static void puppet_stop(struct probe *p)
{
	struct world *w = p->prober->arg;

	for (unsigned n = 0; n < w->running_n; n++) {
		if (w->running[n] == p) {
			w->running[n] = w->running[--w->running_n];
			return;
		}
	}
}

static const struct probe_ops puppet = { .start = puppet_start,
	.stop = puppet_stop };
static const struct probe_ops *const kinds[CHECK_KIND_N] = {
	[CHECK_TCP] = &puppet,
	[CHECK_HTTP] = &puppet,
	[CHECK_EXEC] = &puppet,
	[CHECK_TTL] = &probe_ttl_ops,
	[CHECK_ALIAS] = &probe_alias_ops,
};

struct probe *world_running(
    const struct world *w, const char *instance, const char *check)
{
	for (unsigned n = 0; n < w->running_n; n++) {
		if (is_check(w->running[n], instance, check))
			return w->running[n];
	}
	return NULL;
}

static struct process_watch *watch_start(
    void *arg, const struct process_spec *spec, process_fn fn, void *fn_arg)
{
	struct world *w = arg;
	struct world_watch *watch = xcalloc(1, sizeof(*watch));

	(void)spec;
	watch->w = w;
	watch->fn = fn;
	watch->instance = fn_arg;
	watch->next = w->watches;
	w->watches = watch;
	return (struct process_watch *)watch;
}

static void watch_stop(struct process_watch *p)
{
	struct world_watch *watch = (struct world_watch *)p;
	struct world_watch **at = &watch->w->watches;

	while (*at != watch)
		at = &(*at)->next;
	*at = watch->next;
	free(watch);
}

static void watch_set_spec(
    struct process_watch *p, const struct process_spec *spec)
{
	(void)p;
	(void)spec;
}

static int watch_signal(
    struct process_watch *p, int signal, struct diag *reterr)
{
	struct world_watch *watch = (struct world_watch *)p;

	(void)signal;
	(void)reterr;
	if (!watch->said)
		return -EAGAIN;
	if (watch->news != PROCESS_ALIVE)
		return -ESRCH;
	watch->w->signal_n++;
	return 0;
}

struct world_watch *world_watch_of(const struct world *w, const char *instance)
{
	struct world_watch *watch = w->watches;

	for (; watch; watch = watch->next) {
		const struct instance_row *row = instance_row(watch->instance);

		if (is_instance(instance, row->service, row->name))
			break;
	}
	return watch;
}

void world_watch_say(
    struct world_watch *watch, enum process_news news, const char *detail)
{
	watch->said = true;
	watch->news = news;
	watch->fn(watch->instance, news, detail);
}

/* ---- the registrar ---------------------------------------------------- */

static void on_restore(
    void *arg, struct store_instance *i, const struct instance_row *row)
{
	(void)arg;
	instance_restore(i, row);
}

static bool on_restore_check(
    void *arg, struct store_instance *i, const struct check_row *row)
{
	(void)arg;
	return instance_restore_check(i, row);
}

static bool on_wanted(void *arg, const char *zone, const char *service,
    const char *instance, const char *definition)
{
	const struct world *w = arg;

	return loader_row_wanted(
	    w->loader, zone, service, instance, definition);
}

static bool on_file_wanted(void *arg, const char *file)
{
	return loader_file_wanted(((const struct world *)arg)->loader, file);
}

static void on_opened(void *arg)
{
	loader_registry_opened(((const struct world *)arg)->loader);
}

static int on_heartbeat(void *arg, const struct probe_subject *s,
    const char *check, struct heartbeat *ret_beat)
{
	return store_heartbeat(
	    ((const struct world *)arg)->store, s, check, ret_beat);
}

static int on_tally(void *arg, const char *zone, const char *service,
    struct service_tally *ret_tally)
{
	return store_tally(
	    ((const struct world *)arg)->store, zone, service, ret_tally);
}

static int on_state(void *arg, const char *zone, const char *service,
    const char *instance, struct instance_state *ret_state)
{
	return store_state(((const struct world *)arg)->store, zone, service,
	    instance, ret_state);
}

static void on_changed(void *arg, const char *zone, const char *service)
{
	const struct world *w = arg;

	if (!w->drains)
		return;
	needs_changed(w->needs, zone, service);
	followers_tell(w->followers, zone, service);
	drains_changed(w->drains);
}

void world_start(struct world *w)
{
	static const struct definition_defaults defaults = { .zone = ZONE,
		.address = "127.0.0.1" };
	const struct store_config config = { .path = w->registry,
		.name = "host",
		.source = "registrar/host",
		.timers = timers_new(mono_ms, w),
		.wall_ms = wall_ms,
		.wake = on_wake,
		.restore_check = on_restore_check,
		.restore = on_restore,
		.wanted = on_wanted,
		.file_wanted = on_file_wanted,
		.opened = on_opened,
		.changed = on_changed,
		.arg = w };

	w->timers = config.timers;
	w->prober = (struct prober){ .timers = w->timers,
		.kinds = kinds,
		.heartbeat = on_heartbeat,
		.tally = on_tally,
		.state = on_state,
		.wall_ms = wall_ms,
		.arg = w };
	prober_init(&w->prober);
	w->watch = (struct watch_ops){ watch_start, watch_stop, watch_set_spec,
		watch_signal, w };
	w->store = store_new(&config);
	w->needs = needs_new(w->timers, w->store, instance_on_need);
	w->followers = followers_new();
	w->env = (struct instance_env){ .prober = &w->prober,
		.store = w->store,
		.watch = &w->watch,
		.needs = w->needs,
		.followers = w->followers,
		.source = "registrar/host" };
	w->fleet = fleet_new(&w->env);
	w->drains = drains_new(&w->env, w->fleet);
	w->loader = loader_new("d", &defaults, w->fleet, w->store, NULL);
}

/* As by kill -9: nothing is written any more. */
void world_stop(struct world *w)
{
	loader_free(w->loader);
	drains_free(w->drains);
	w->drains = NULL;
	fleet_free(w->fleet);
	prober_release(&w->prober);
	needs_free(w->needs);
	followers_free(w->followers);
	store_free(w->store);
	timers_free(w->timers);
	w->running_n = 0;
	w->woken = false;
}

void world_unlink_registry(const struct world *w)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };

	for (size_t n = 0; n < sizeof(ends) / sizeof(ends[0]); n++) {
		char path[128];

		(void)snprintf(
		    path, sizeof(path), "%s%s", w->registry, ends[n]);
		(void)unlink(path);
	}
}

/* ---- files and lifetime ----------------------------------------------- */

void world_file_new(struct world *w, const char *name)
{
	struct world_file *f = w->files;

	while (f && strcmp(f->name, name) != 0)
		f = f->next;
	if (!f) {
		f = xcalloc(1, sizeof(*f));
		f->next = w->files;
		w->files = f;
		(void)snprintf(f->name, sizeof(f->name), "%s", name);
	}
	free(f->text);
	f->text = xstrdup("");
}

void world_file_add(struct world *w, const char *name, const char *line)
{
	for (struct world_file *f = w->files; f; f = f->next) {
		if (strcmp(f->name, name) != 0)
			continue;
		char *text = xasprintf("%s%s", f->text, line);

		free(f->text);
		f->text = text;
		return;
	}
	world_fail(w, "a line of which file?");
}

struct world *world_new(const char *scenario)
{
	struct world *w = xcalloc(1, sizeof(*w));

	log_setup("registrar", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	w->scenario = scenario;
	/* in memory if may be: a disk that is busy would make it slow */
	(void)snprintf(w->dir, sizeof(w->dir), "%s/scenario-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(w->dir))
		world_fail(w, "cannot make a directory");
	(void)snprintf(
	    w->registry, sizeof(w->registry), "%s/registry.db", w->dir);
	world_start(w);
	return w;
}

static void clean_up(const struct world *w)
{
	world_unlink_registry(w);
	(void)rmdir(w->dir);
}

void world_free(struct world *w)
{
	world_stop(w);
	registry_close(w->lock);
	clean_up(w);
	while (w->files) {
		struct world_file *f = w->files;

		w->files = f->next;
		free(f->text);
		free(f);
	}
	free(w);
}

void world_fail(const struct world *w, const char *fmt, ...)
{
	va_list ap;

	(void)fprintf(stderr, "%s:%d: ", w->scenario, w->line);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	clean_up(w);
	/* not exit(3): what is still allocated is not what failed */
	_exit(1);
}
