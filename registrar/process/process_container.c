// SPDX-License-Identifier: BSD-2-Clause
/*
 * A container runs as long as its first process does. The engine says which
 * that is; where it is one of our PID namespace it is held, and so its end is
 * seen before the engine tells of it. Else what the engine says is all.
 *
 * An engine that does not answer says nothing: what it said last holds, until
 * the process that is held ends.
 */
#include "registrar/container/engine.h"
#include "registrar/process/process_impl.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The engine says when the container started, the kernel when a process. */
#define START_SLACK_MS 10000

/* Its number may be that of another one, here. */
static bool is_first_process(const struct container *c)
{
	struct proc_stat stat;

	if (!c->pid || proc_stat_read(c->pid, &stat) < 0)
		return false;
	int64_t off_ms = proc_start_wall_ms(&stat, clock_wall_ms(),
	                     clock_read_ns(CLOCK_BOOTTIME) / 1000000) -
	                 c->started_wall_ms;

	return !c->started_wall_ms ||
	       (off_ms > -START_SLACK_MS && off_ms < START_SLACK_MS);
}

static void tell_gone(struct process_watch *p, const char *how)
{
	char text[PROCESS_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "container '%.64s' %s",
	    p->container_name ? p->container_name : p->spec->what, how);
	process_tell(p, PROCESS_GONE, text);
}

static void set_name(struct process_watch *p, const struct container *c)
{
	free(p->container_name);
	p->container_name = xstrdup(c->name);
}

static void tell_runs(struct process_watch *p, const struct container *c)
{
	char text[PROCESS_TEXT_MAX];

	if (p->fd >= 0) {
		(void)snprintf(text, sizeof(text),
		    "container '%.64s' runs, pid %d", c->name, (int)c->pid);
	} else {
		(void)snprintf(
		    text, sizeof(text), "container '%.64s' runs", c->name);
	}
	process_tell(p, PROCESS_ALIVE, text);
}

/* What the engine says of it now; c NULL: it has none of that name. */
static void judge(struct process_watch *p, const struct container *c)
{
	bool ran = process_was_alive(p);

	if (c)
		set_name(p, c);
	if (!c || !c->running) {
		process_let_go(p);
		p->container_start_ms = 0;
		tell_gone(p, c ? "does not run" : "is not there");
		return;
	}
	/* what it says again may be older than the end that we saw */
	if (c->pid == p->container_pid && p->container_start_ms &&
	    c->started_wall_ms == p->container_start_ms)
		return;
	p->container_pid = c->pid;
	p->container_start_ms = c->started_wall_ms;
	process_let_go(p);
	if (is_first_process(c) && process_hold(p, c->pid, 0, NULL) == 0)
		ran = false; /* another process is news */
	if (!ran)
		tell_runs(p, c);
}

static void look(void *arg)
{
	struct process_watch *p = arg;
	const struct engine *e = p->w->engine;
	char text[PROCESS_TEXT_MAX];

	if (e && engine_is_known(e)) {
		judge(p, engine_find(e, p->spec->what));
	} else if (!e || *engine_trouble(e)) {
		(void)snprintf(text, sizeof(text),
		    "cannot watch container '%.64s': %s", p->spec->what,
		    e ? engine_trouble(e) : "no engine is known");
		process_tell(p, PROCESS_UNKNOWN, text);
	}
}

static void changed(void *arg, const struct container *c)
{
	struct process_watch *p = arg;
	const char *what = p->spec->what;

	/* c may be on its way out, and another one have its name */
	if (!c) {
		look(p);
	} else if (!strcmp(c->id, what) || !strcmp(c->name, what)) {
		if (engine_is_known(p->w->engine))
			judge(p, c);
	}
}

static void begin(struct process_watch *p)
{
	struct watcher *w = p->w;

	p->engine_user = (struct engine_user){ .changed = changed, .arg = p };
	if (w->engine)
		engine_add(w->engine, &p->engine_user);
	timer_init(&p->look, look, p);
	timer_set(w->timers, &p->look, timers_now(w->timers));
}

static void end(struct process_watch *p)
{
	timer_cancel(p->w->timers, &p->look);
	if (p->w->engine)
		engine_remove(p->w->engine, &p->engine_user);
	free(p->container_name);
}

static void seek(struct process_watch *p)
{
	tell_gone(p, "has ended");
}

const struct watch_kind watch_container = { begin, end, seek, NULL };
