// SPDX-License-Identifier: BSD-2-Clause
/*
 * One walk through /proc serves all watches that seek an exe or a cmdline.
 * The pauses between walks grow to half a second, and are never shorter than
 * twenty times what the last walk took: on a host with many thousands of
 * processes a service that stays down must not cost a processor. Between two
 * walks process_young.c has processes looked at that have just started; what
 * only a walk finds is one that was there and took another title.
 */
#include "registrar/lib/budget.h"
#include "registrar/process/process_impl.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_MAX_MS 500
#define FIND_PAUSE_MAX_MS 1000 /* if nobody misses one */

/* ---- what is sought --------------------------------------------------- */

/* Where the path of an executable leads may be on a file system that hangs. */
struct resolving {
	struct job job;
	struct pattern *pattern;
	void (*ready)(void *arg);
	void *arg;
	char *path, *real;
};

static void resolve(struct job *j)
{
	struct resolving *r = (struct resolving *)(void *)j;

	r->real = realpath(r->path, NULL);
}

static void resolved(struct job *j)
{
	struct resolving *r = (struct resolving *)(void *)j;

	r->pattern->real = r->real;
	r->real = NULL;
	r->pattern->resolving = NULL;
	r->ready(r->arg);
}

static void free_resolving(struct job *j)
{
	struct resolving *r = (struct resolving *)(void *)j;

	free(r->real);
	free(r->path);
	free(r);
}

static void begin_resolving(struct watcher *w, struct resolving *r)
{
	r->job = (struct job){
		.run = resolve, .done = resolved, .free = free_resolving
	};
	r->pattern->resolving = r;
	if (w->workers) {
		workers_do(w->workers, &r->job, r->path);
		return;
	}
	resolve(&r->job);
	resolved(&r->job);
	free_resolving(&r->job);
}

void pattern_init(struct watcher *w, struct pattern *t,
    const struct process_spec *spec, void (*ready)(void *arg), void *arg)
{
	*t = (struct pattern){ .spec = spec };
	if (spec->kind == PROCESS_EXE) {
		struct resolving *r = xcalloc(1, sizeof(*r));

		*r = (struct resolving){ .pattern = t,
			.ready = ready,
			.arg = arg,
			.path = xstrdup(spec->what) };
		begin_resolving(w, r);
		return;
	}
	if (match_new(spec->what, false, &t->re, NULL) < 0)
		abort(); /* the definition has compiled it */
	ready(arg);
}

void pattern_release(struct watcher *w, struct pattern *t)
{
	if (t->resolving)
		workers_drop(w->workers, &t->resolving->job);
	t->resolving = NULL;
	match_free(t->re);
	free(t->real);
}

bool pattern_matches(struct pattern *t, const char *exe, const char *cmdline)
{
	if (t->resolving)
		return false;
	if (t->spec->kind == PROCESS_EXE) {
		return exe && (!strcmp(exe, t->spec->what) ||
		                  (t->real && !strcmp(exe, t->real)));
	}
	int r = *cmdline ? match_run(t->re, cmdline, strlen(cmdline)) : 0;

	t->dear |= r < 0;
	return r > 0;
}

/*
 * Of several the oldest is taken: the parent of a family of workers. We
 * ourselves, our children and theirs, the programs of checks, are never meant.
 */
static void offer(struct watcher *w, struct process_seen *seen)
{
	struct process_watch *p;

	TAILQ_FOREACH (p, &w->scan.seeking, seek_link) {
		if (!pattern_matches(&p->pattern, seen->exe, seen->args))
			continue;
		if (!process_is_foreign(seen))
			return;
		if (p->found && p->found_ticks <= seen->stat.start_ticks)
			continue;
		p->found = seen->pid;
		p->found_ticks = seen->stat.start_ticks;
	}
}

bool process_is_foreign(struct process_seen *seen)
{
	struct proc_stat *s = &seen->stat;

	if (!s->start_ticks && proc_stat_read(seen->pid, s) < 0)
		return false;
	return s->state != 'Z' && !proc_descends(s->parent, getpid());
}

void scan_one(struct watcher *w, pid_t pid)
{
	char exe[PATH_MAX];
	struct process_seen seen = { .pid = pid, .args = "" };

	if (pid == getpid())
		return;
	int r = w->want_exe ? looker_exe(w->looker, pid, exe, sizeof(exe)) : 0;

	if (w->want_exe && r == 0)
		seen.exe = exe;
	if (w->want_args || !seen.exe) {
		int error = proc_cmdline(pid, w->text, sizeof(w->text));

		if (error == 0)
			seen.args = w->text;
		/* whoever it is: we could not look */
		if (budget_is_short(error))
			w->scan_error = error;
	}
	/* no arguments: a kernel thread or a zombie, nobody's service */
	if ((r == -EACCES || r == -EPERM) && *seen.args)
		w->blind = true;
	offer(w, &seen);
	find_offer(w, &seen);
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
	if (p->pattern.dear && !process_was_alive(p)) {
		(void)snprintf(text, sizeof(text),
		    "a process has arguments that are too long to tell "
		    "whether they match '%s'",
		    p->spec->what);
		process_tell(p, PROCESS_UNKNOWN, text);
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
	return !TAILQ_EMPTY(&w->scan.seeking) || find_wanted(w);
}

void scan_wanted(struct watcher *w)
{
	bool wanted = is_wanted(w);

	young_watch(w, wanted);
	if (!wanted)
		timer_cancel(w->timers, &w->scan.next);
}

static void tell_all(struct watcher *w, int error)
{
	struct process_watch *p;

	while ((p = watch_next_done(w))) {
		if (error < 0 && p->fd < 0) {
			process_tell_error(p, error);
		} else {
			tell_scanned(p);
		}
	}
	scan_wanted(w);
}

void scan_now(void *arg)
{
	struct watcher *w = arg;
	struct process_watch *p, *next;
	/* of ours alone: others on the processor are no reason to wait */
	int64_t start_ns = looker_clock_ns(w->looker);

	late_mark(w->late, "a walk through processes");
	w->blind = false;
	w->scan_error = 0;
	w->want_args = find_wants(w, PROCESS_CMDLINE);
	w->want_exe = find_wants(w, PROCESS_EXE);
	/* before the walk: a process that starts meanwhile is not missed */
	young_watch(w, is_wanted(w));
	TAILQ_FOREACH (p, &w->scan.seeking, seek_link) {
		w->want_args |= p->spec->kind == PROCESS_CMDLINE;
		w->want_exe |= p->spec->kind == PROCESS_EXE;
		p->pattern.dear = false;
	}
	int r = w->want_exe ? looker_each(w->looker, scan_each, w)
	                    : proc_each(scan_each, w);
	int64_t took_ns = looker_clock_ns(w->looker) - start_ns;

	r = r < 0 ? r : w->scan_error;
	for (p = TAILQ_FIRST(&w->scan.seeking); p; p = next) {
		next = TAILQ_NEXT(p, seek_link);
		settle(p);
	}
	tell_all(w, r);
	find_tell(w, true, r);
	if (is_wanted(w)) {
		scanner_again(w, &w->scan,
		    TAILQ_EMPTY(&w->scan.seeking) ? FIND_PAUSE_MAX_MS
		                                  : PAUSE_MAX_MS,
		    took_ns);
	}
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
	find_tell(w, false, 0);
}

static void on_ready(void *arg)
{
	struct process_watch *p = arg;

	timer_cancel(p->w->timers, &p->patience);
	scanner_add(p->w, &p->w->scan, p);
}

static void on_hanging(void *arg)
{
	struct process_watch *p = arg;
	char text[PROCESS_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "cannot watch exe '%s': no answer",
	    p->spec->what);
	process_tell(p, PROCESS_UNKNOWN, text); /* may free p */
}

static void begin(struct process_watch *p)
{
	timer_init(&p->patience, on_hanging, p);
	pattern_init(p->w, &p->pattern, p->spec, on_ready, p);
	if (p->pattern.resolving) {
		timer_set(p->w->timers, &p->patience,
		    timers_now(p->w->timers) + PROCESS_PATIENCE_MS);
	}
}

static void seek(struct process_watch *p)
{
	scanner_add(p->w, &p->w->scan, p);
}

static void end(struct process_watch *p)
{
	timer_cancel(p->w->timers, &p->patience);
	scanner_remove(&p->w->scan, p);
	scan_wanted(p->w);
	pattern_release(p->w, &p->pattern);
}

const struct watch_kind watch_scan = { begin, end, seek, NULL };
