// SPDX-License-Identifier: BSD-2-Clause
/*
 * A pidfile is read again by timer while its process is not there, and
 * whenever inotify reports it in its directory; also while a process is
 * held, since a service that forks writes the number of its child.
 */
#include "registrar/process/process_impl.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAUSE_MAX_MS 100
#define PAUSE_TOLD_MS 1000      /* inotify tells when it is made */
#define UNWATCHED_PAUSE_MS 1000 /* while its directory is not there */
#define DIR_EVENTS                                                             \
	(IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR)

/* Why there is no process, in words. */
static void pidfile_gone(struct process_watch *p, int error, pid_t pid)
{
	char text[PROCESS_TEXT_MAX];
	const char *path = p->spec->what;
	pid_t of;

	if (process_was_alive(p)) {
		(void)snprintf(text, sizeof(text), "pid %d ended", (int)p->pid);
	} else if (error == -ENOENT || error == -ENOTDIR) {
		(void)snprintf(text, sizeof(text), "'%s' does not exist", path);
	} else if (error == -EAGAIN || error == -EINVAL) {
		(void)snprintf(
		    text, sizeof(text), "'%s' holds no process number", path);
	} else if ((of = proc_thread_of(pid)) > 0) {
		(void)snprintf(text, sizeof(text),
		    "%d, named by '%s', is a thread of pid %d, not a process",
		    (int)pid, path, (int)of);
	} else {
		(void)snprintf(text, sizeof(text),
		    "pid %d, named by '%s', does not run", (int)pid, path);
	}
	process_tell(p, PROCESS_GONE, text);
}

/*
 * Its number was given out again, or the clock was set forward since: nobody
 * can tell, and that is no evidence.
 */
static void tell_younger(struct process_watch *p, pid_t pid)
{
	char text[PROCESS_TEXT_MAX];

	(void)snprintf(text, sizeof(text),
	    "pid %d is younger than '%s', which names it: it is another "
	    "process, or the clock was set",
	    (int)pid, p->spec->what);
	process_tell(p, PROCESS_UNKNOWN, text);
}

/* Its process may live all the same. */
static void tell_no_directory(struct process_watch *p)
{
	char text[PROCESS_TEXT_MAX];

	(void)snprintf(text, sizeof(text),
	    "cannot see '%s': its directory is not there", p->spec->what);
	process_tell(p, PROCESS_UNKNOWN, text);
}

static bool same_file(const struct pidfile *a, const struct pidfile *b)
{
	return a->pid == b->pid && a->modified_wall_ms == b->modified_wall_ms;
}

/*
 * r, file: what reading it gave. 0: holds the process that the file names now.
 * Else why not.
 */
static int follow_pidfile(
    struct process_watch *p, int r, const struct pidfile *file)
{
	if (r < 0)
		return r;
	if (p->fd >= 0 && file->pid == p->pid) {
		p->file = *file;
		return 0;
	}
	/* the file of the one that ended: whoever has its number is another */
	if (same_file(file, &p->old_file))
		return -ESRCH;
	r = process_hold(p, file->pid, 0, file);
	if (r == 0)
		p->file = *file;
	return r;
}

static void schedule_look(struct process_watch *p, int error)
{
	int64_t now_ms = timers_now(p->w->timers);
	bool told = error == -ENOENT && p->path->wd >= 0;
	int64_t max_ms = told ? PAUSE_TOLD_MS : PAUSE_MAX_MS;

	if (p->fd >= 0) {
		if (p->path->wd < 0) {
			timer_set(p->w->timers, &p->look,
			    now_ms + UNWATCHED_PAUSE_MS);
		} else {
			timer_cancel(p->w->timers, &p->look);
		}
		return;
	}
	timer_set(p->w->timers, &p->look, now_ms + p->pause_ms);
	p->pause_ms *= 2;
	if (p->pause_ms > max_ms)
		p->pause_ms = max_ms;
}

static void judge(struct process_watch *p, int r, const struct pidfile *file)
{
	pid_t was = p->fd >= 0 ? p->pid : 0;

	r = follow_pidfile(p, r, file);
	schedule_look(p, r);
	if (p->read_again)
		timer_set(p->w->timers, &p->look, timers_now(p->w->timers));
	p->read_again = false;
	if (p->fd >= 0) {
		/* while it runs it may have lost its file; that is no news */
		if (p->pid != was)
			process_tell_alive(p);
		return;
	}
	bool gone = p->said && p->news != PROCESS_UNKNOWN;

	if (r == -EUCLEAN) {
		tell_younger(p, file->pid);
	} else if (r == -ENOTDIR && !gone) {
		tell_no_directory(p);
	} else if (r == -ENOENT || r == -EAGAIN || r == -EINVAL ||
	           r == -ESRCH || r == -ENOTDIR) {
		pidfile_gone(p, r, file->pid);
	} else {
		process_tell_error(p, r);
	}
}

/* ---- reading it, in a thread ------------------------------------------ */

struct reading {
	struct job job;
	struct process_watch *p;
	char *path, *dir;
	uint32_t events;
	int inotify;     /* -1: it is watched already, or cannot be */
	int wd;          /* -1: not begun */
	unsigned strays; /* w->strays at the start */
	struct pidfile file;
	int error;
};

static void run_reading(struct job *j)
{
	struct reading *r = (struct reading *)(void *)j;

	/* before reading: nothing is missed */
	r->wd = r->inotify < 0
	            ? -1
	            : inotify_add_watch(r->inotify, r->dir, r->events);
	r->error = pidfile_read(r->path, &r->file);
	/* whoever takes away a directory says nothing of what was in it */
	struct stat st;

	if (r->error == -ENOENT && stat(r->dir, &st) < 0)
		r->error = errno == ENOENT ? -ENOTDIR : -errno;
}

static void reading_done(struct job *j)
{
	struct reading *r = (struct reading *)(void *)j;
	struct process_watch *p = r->p;

	late_mark(p->w->late, "pidfiles");
	p->reading = NULL;
	timer_cancel(p->w->timers, &p->patience);
	if (r->wd >= 0) {
		/* what came before we knew the number was nobody's */
		p->read_again |= p->w->strays != r->strays;
		notify_begun(p->w, p->path, r->wd);
	}
	judge(p, r->error, &r->file); /* may free p */
}

static void free_reading(struct job *j)
{
	struct reading *r = (struct reading *)(void *)j;

	free(r->path);
	free(r->dir);
	free(r);
}

static void pidfile_look(struct process_watch *p)
{
	struct watcher *w = p->w;

	if (p->reading) {
		p->read_again = true;
		return;
	}
	struct reading *r = xcalloc(1, sizeof(*r));

	*r = (struct reading){ .job = { .run = run_reading,
		                   .done = reading_done,
		                   .free = free_reading },
		.p = p,
		.path = xstrdup(p->spec->what),
		.dir = xstrdup(p->path->path),
		.events = p->path->events,
		.inotify = p->path->wd < 0 ? w->inotify : -1,
		.strays = w->strays };
	p->reading = r;
	if (w->workers) {
		timer_set(w->timers, &p->patience,
		    timers_now(w->timers) + PROCESS_PATIENCE_MS);
		workers_do(w->workers, &r->job, r->path);
		return;
	}
	run_reading(&r->job);
	reading_done(&r->job);
	free_reading(&r->job);
}

/* Its process has ended: that much is known. Else nothing is. */
static void on_hanging(void *arg)
{
	struct process_watch *p = arg;
	char text[PROCESS_TEXT_MAX];

	if (p->fd >= 0)
		return;
	if (process_was_alive(p)) {
		(void)snprintf(text, sizeof(text),
		    "pid %d ended, and reading '%s' hangs", (int)p->pid,
		    p->spec->what);
		process_tell(p, PROCESS_GONE, text);
		return;
	}
	(void)snprintf(
	    text, sizeof(text), "cannot read '%s': no answer", p->spec->what);
	process_tell(p, PROCESS_UNKNOWN, text);
}

static void on_look(void *arg)
{
	pidfile_look(arg);
}

static void noticed(struct process_watch *p)
{
	pidfile_look(p);
}

static void begin(struct process_watch *p)
{
	const char *path = p->spec->what;
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	p->pause_ms = PROCESS_PAUSE_MIN_MS;
	if (!slash) {
		notify_get(p, ".", 1, DIR_EVENTS, path);
	} else {
		notify_get(
		    p, len ? path : "/", len ? len : 1, DIR_EVENTS, slash + 1);
	}
	timer_init(&p->look, on_look, p);
	timer_init(&p->patience, on_hanging, p);
	timer_set(p->w->timers, &p->look, timers_now(p->w->timers));
}

static void end(struct process_watch *p)
{
	timer_cancel(p->w->timers, &p->look);
	timer_cancel(p->w->timers, &p->patience);
	if (p->reading)
		workers_drop(p->w->workers, &p->reading->job);
	notify_put(p);
}

static void seek(struct process_watch *p)
{
	p->old_file = p->file;
	p->pause_ms = PROCESS_PAUSE_MIN_MS;
	pidfile_look(p);
}

const struct watch_kind watch_pidfile = { begin, end, seek, noticed };
