// SPDX-License-Identifier: BSD-2-Clause
/*
 * One walk through /proc serves all watches that seek an exe or a cmdline.
 * The pauses between walks grow to half a second, and are never shorter than
 * twenty times what the last walk took: on a host with many thousands of
 * processes a service that stays down must not cost a processor. Between two
 * walks process_young.c has processes looked at that have just started; what
 * only a walk finds is one that was there and took another title.
 */
#include "registrar/process/process_impl.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_MAX_MS 500

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
void scan_one(struct watcher *w, pid_t pid)
{
	char exe[PATH_MAX];
	struct proc_stat stat = { .start_ticks = 0 };
	struct process_watch *p;

	if (pid == getpid())
		return;
	int r = looker_exe(w->looker, pid, exe, sizeof(exe));
	bool have_exe = r == 0;
	bool have_args = (w->want_args || !have_exe) &&
	                 proc_cmdline(pid, w->text, sizeof(w->text)) == 0;

	/* no arguments: a kernel thread or a zombie, nobody's service */
	if ((r == -EACCES || r == -EPERM) && have_args && *w->text)
		w->blind = true;
	TAILQ_FOREACH (p, &w->scan.seeking, seek_link) {
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

static void scan_each(void *arg, pid_t pid)
{
	scan_one(arg, pid);
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

/* Hold what was found for p; it is to be told of it. */
static void settle(struct process_watch *p)
{
	pid_t found = p->found;
	int r = found ? process_hold(p, found, p->found_ticks, NULL) : -ESRCH;

	p->found = 0;
	p->error = r == -ESRCH ? 0 : r;
	if (r == 0)
		scanner_remove(&p->w->scan, p);
	watch_is_done(p);
}

static bool is_wanted(const struct watcher *w)
{
	return !TAILQ_EMPTY(&w->scan.seeking);
}

static void tell_all(struct watcher *w, int error)
{
	struct process_watch *p;

	while ((p = watch_next_done(w))) {
		if (error < 0) {
			process_tell_error(p, error);
		} else {
			tell_scanned(p);
		}
	}
	young_watch(w, is_wanted(w));
}

void scan_now(void *arg)
{
	struct watcher *w = arg;
	struct process_watch *p, *next;
	/* of ours alone: others on the processor are no reason to wait */
	int64_t start_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);

	w->blind = false;
	w->want_args = false;
	/* before the walk: a process that starts meanwhile is not missed */
	young_watch(w, is_wanted(w));
	TAILQ_FOREACH (p, &w->scan.seeking, seek_link)
		w->want_args |= p->spec->kind == PROCESS_CMDLINE;
	int r = looker_each(w->looker, scan_each, w);
	int64_t took_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;

	for (p = TAILQ_FIRST(&w->scan.seeking); p; p = next) {
		next = TAILQ_NEXT(p, seek_link);
		settle(p);
	}
	tell_all(w, r);
	if (is_wanted(w))
		scanner_again(w, &w->scan, PAUSE_MAX_MS, took_ns);
}

void scan_settle_found(struct watcher *w)
{
	struct process_watch *p, *next;

	for (p = TAILQ_FIRST(&w->scan.seeking); p; p = next) {
		next = TAILQ_NEXT(p, seek_link);
		if (p->found)
			settle(p);
	}
	tell_all(w, 0);
}

static void begin(struct process_watch *p)
{
	if (p->spec->kind == PROCESS_EXE) {
		p->real = realpath(p->spec->what, NULL);
	} else if (regcomp(&p->re, p->spec->what, REG_EXTENDED | REG_NOSUB)) {
		abort(); /* the definition has compiled it: out of memory */
	}
	scanner_add(p->w, &p->w->scan, p);
}

static void seek(struct process_watch *p)
{
	scanner_add(p->w, &p->w->scan, p);
}

static void end(struct process_watch *p)
{
	scanner_remove(&p->w->scan, p);
	young_watch(p->w, is_wanted(p->w));
	if (p->spec->kind == PROCESS_CMDLINE)
		regfree(&p->re);
	free(p->real);
}

const struct watch_kind watch_scan = { begin, end, seek, NULL };
