// SPDX-License-Identifier: BSD-2-Clause
/*
 * One walk through /proc serves all watches that seek an exe or a cmdline.
 * The pauses between walks grow to half a second, and are never shorter than
 * twenty times what the last walk took: on a host with many thousands of
 * processes a service that stays down must not cost a processor.
 */
#include "registrar/process_impl.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_MAX_MS 500
#define SHARE 20 /* walks take at most 1/20 of a processor */

static bool spec_matches(
    const struct process_watch *p, const char *exe, const char *cmdline)
{
	if (p->spec->kind == PROCESS_EXE) {
		return exe && (!strcmp(exe, p->spec->what) ||
		                  (p->real && !strcmp(exe, p->real)));
	}
	return cmdline && *cmdline && !regexec(&p->re, cmdline, 0, NULL, 0);
}

/*
 * Of several the oldest is taken: the parent of a family of workers. We
 * ourselves and our children, which run checks, are never meant.
 */
static void try_process(void *arg, pid_t pid)
{
	struct watcher *w = arg;
	char exe[PATH_MAX];
	struct proc_stat stat = { .start_ticks = 0 };
	struct process_watch *p;

	if (pid == getpid())
		return;
	int r = proc_exe(pid, exe, sizeof(exe));
	bool have_exe = r == 0;
	bool have_args = (w->want_args || !have_exe) &&
	                 proc_cmdline(pid, w->text, sizeof(w->text)) == 0;

	/* no arguments: a kernel thread or a zombie, nobody's service */
	if ((r == -EACCES || r == -EPERM) && have_args && *w->text)
		w->blind = true;
	TAILQ_FOREACH (p, &w->seeking, seek_link) {
		if (!spec_matches(
		        p, have_exe ? exe : NULL, have_args ? w->text : NULL))
			continue;
		if (!stat.start_ticks &&
		    (proc_stat_read(pid, &stat) < 0 || stat.state == 'Z' ||
		        stat.parent == getpid()))
			return;
		if (p->found && p->found_ticks <= stat.start_ticks)
			continue;
		p->found = pid;
		p->found_ticks = stat.start_ticks;
	}
}

/*
 * Not finding an executable is evidence only for who may see them all; the
 * end of a process that was held is evidence anyway.
 */
static void tell_scanned(struct process_watch *p)
{
	char text[PROCESS_TEXT_MAX];
	bool seen = p->said && p->news != PROCESS_UNKNOWN;

	if (p->fd >= 0) {
		process_tell_alive(p);
		return;
	}
	if (p->error ||
	    (p->w->blind && !seen && p->spec->kind == PROCESS_EXE)) {
		process_tell_error(p, p->error ? p->error : -EACCES);
		return;
	}
	if (process_was_alive(p)) {
		(void)snprintf(text, sizeof(text), "pid %d ended", (int)p->pid);
	} else {
		(void)snprintf(text, sizeof(text), "none %s '%s'",
		    p->spec->kind == PROCESS_EXE ? "runs" : "matches",
		    p->spec->what);
	}
	process_tell(p, PROCESS_GONE, text);
}

/* Of those that seek: hold what was found; each goes to w->done. */
static void settle_scan(struct watcher *w)
{
	struct process_watch *p, *next;

	for (p = TAILQ_FIRST(&w->seeking); p; p = next) {
		next = TAILQ_NEXT(p, seek_link);
		int r = p->found
		            ? process_hold(p, p->found, p->found_ticks, NULL)
		            : -ESRCH;

		p->error = r == -ESRCH ? 0 : r;
		if (r == 0) {
			TAILQ_REMOVE(&w->seeking, p, seek_link);
			p->seeking = false;
		}
		if (!p->done) {
			p->done = true;
			TAILQ_INSERT_TAIL(&w->done, p, done_link);
		}
	}
}

void scan_now(void *arg)
{
	struct watcher *w = arg;
	struct process_watch *p;
	/* of ours alone: others on the processor are no reason to wait */
	int64_t start_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);

	w->blind = false;
	w->want_args = false;
	TAILQ_FOREACH (p, &w->seeking, seek_link) {
		p->found = 0;
		w->want_args |= p->spec->kind == PROCESS_CMDLINE;
	}
	int r = proc_each(try_process, w);
	int64_t took_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;

	settle_scan(w);
	/* callbacks may free any watch: it leaves the queue then */
	while ((p = TAILQ_FIRST(&w->done))) {
		TAILQ_REMOVE(&w->done, p, done_link);
		p->done = false;
		if (r < 0) {
			process_tell_error(p, r);
		} else {
			tell_scanned(p);
		}
	}
	if (TAILQ_EMPTY(&w->seeking))
		return;
	int64_t pause_ms = w->scan_pause_ms;

	if (pause_ms < took_ns * SHARE / 1000000)
		pause_ms = took_ns * SHARE / 1000000;
	timer_set(w->timers, &w->scan, timers_now(w->timers) + pause_ms);
	w->scan_pause_ms *= 2;
	if (w->scan_pause_ms > PAUSE_MAX_MS)
		w->scan_pause_ms = PAUSE_MAX_MS;
}

void scan_seek(struct process_watch *p)
{
	struct watcher *w = p->w;

	if (!p->seeking) {
		p->seeking = true;
		TAILQ_INSERT_TAIL(&w->seeking, p, seek_link);
	}
	w->scan_pause_ms = PROCESS_PAUSE_MIN_MS;
	timer_set(w->timers, &w->scan, timers_now(w->timers));
}

void scan_stop(struct process_watch *p)
{
	if (p->seeking)
		TAILQ_REMOVE(&p->w->seeking, p, seek_link);
	if (p->done)
		TAILQ_REMOVE(&p->w->done, p, done_link);
}
