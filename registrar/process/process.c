// SPDX-License-Identifier: BSD-2-Clause
/*
 * A watch is in one of two states. Holding: a pidfd is in the event base and
 * says when the process ends. Seeking: it looks again by timer, and a
 * pidfile also when inotify reports something in its directory. Pidfiles are
 * cheap to read and each watch has its timer; for exe and cmdline one walk
 * through /proc serves all that seek.
 *
 * Who a process is: its number and its start time. The start time is read
 * after the pidfd was opened and before the pidfd is seen not to have ended:
 * so it belongs to the process that the pidfd holds.
 */
#include "registrar/process/process.h"

#include "registrar/lib/rights.h"
#include "registrar/process/process_impl.h"
#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- telling ---------------------------------------------------------- */

void process_tell(
    struct process_watch *p, enum process_news news, const char *detail)
{
	if (p->said && p->news == news && news != PROCESS_ALIVE)
		return;
	p->said = true;
	p->news = news;
	p->fn(p->arg, news, detail); /* may free p */
}

void process_tell_error(struct process_watch *p, int error)
{
	char text[PROCESS_TEXT_MAX];

	bool rights = p->spec->kind == PROCESS_EXE &&
	              (error == -EACCES || error == -EPERM);

	(void)snprintf(text, sizeof(text), "cannot watch %s '%s': %s%s",
	    process_kind_name(p->spec->kind), p->spec->what, strerror(-error),
	    rights ? ": executables of other users take CAP_SYS_PTRACE; unit, "
	             "pidfile, cmdline and listening do not"
	           : "");
	process_tell(p, PROCESS_UNKNOWN, text);
}

bool process_was_alive(const struct process_watch *p)
{
	return p->said && p->news == PROCESS_ALIVE;
}

/* ---- holding a process ------------------------------------------------ */

void process_let_go(struct process_watch *p)
{
	if (p->fd < 0)
		return;
	event_free(p->ended);
	p->ended = NULL;
	close(p->fd);
	p->fd = -1;
}

static void on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct process_watch *p = arg;

	(void)fd;
	(void)what;
	process_let_go(p);
	p->kind->seek(p);
}

int process_hold(struct process_watch *p, pid_t pid, uint64_t ticks,
    const struct pidfile *file)
{
	scoped_fd int fd = proc_pidfd(pid);
	struct proc_stat stat;

	if (fd < 0) /* EINVAL, later ENOENT: the number of a thread */
		return fd == -EINVAL || fd == -ENOENT ? -ESRCH : fd;
	int r = proc_stat_read(pid, &stat);

	if (r < 0)
		return r;
	if (proc_pidfd_ended(fd) || (ticks && ticks != stat.start_ticks))
		return -ESRCH;
	int64_t boot_ms = clock_read_ns(CLOCK_BOOTTIME) / 1000000;

	if (file && pidfile_is_stale(file, &stat, clock_wall_ms(), boot_ms)) {
		return pidfile_is_older(file, clock_wall_ms() - boot_ms)
		           ? -ESRCH
		           : -EUCLEAN;
	}
	process_let_go(p);
	p->fd = take_fd(&fd);
	p->pid = pid;
	p->start_ticks = stat.start_ticks;
	p->ended = event_new(p->w->base, p->fd, EV_READ, on_ended, p);
	if (!p->ended || event_add(p->ended, NULL) < 0)
		abort(); /* out of memory */
	return 0;
}

void process_tell_alive(struct process_watch *p)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "pid %d runs", (int)p->pid);
	process_tell(p, PROCESS_ALIVE, text);
}

/* ---- walks that many watches share ------------------------------------ */

void scanner_init(struct scanner *s, void (*fn)(void *watcher), void *watcher)
{
	TAILQ_INIT(&s->seeking);
	timer_init(&s->next, fn, watcher);
	s->pause_ms = PROCESS_PAUSE_MIN_MS;
}

void scanner_add(struct watcher *w, struct scanner *s, struct process_watch *p)
{
	if (!p->seeking) {
		p->seeking = true;
		TAILQ_INSERT_TAIL(&s->seeking, p, seek_link);
	}
	/* in the next turn: many may seek by then, and one walk serves all */
	s->pause_ms = PROCESS_PAUSE_MIN_MS;
	timer_set(w->timers, &s->next, timers_now(w->timers));
}

void scanner_remove(struct scanner *s, struct process_watch *p)
{
	if (p->seeking)
		TAILQ_REMOVE(&s->seeking, p, seek_link);
	p->seeking = false;
}

void scanner_again(
    struct watcher *w, struct scanner *s, int64_t max_ms, int64_t took_ns)
{
	int64_t least_ms = took_ns * PROCESS_SHARE / 1000000;
	int64_t pause_ms = s->pause_ms > least_ms ? s->pause_ms : least_ms;

	timer_set(w->timers, &s->next, timers_now(w->timers) + pause_ms);
	s->pause_ms *= 2;
	if (s->pause_ms > max_ms)
		s->pause_ms = max_ms;
}

void watch_is_done(struct process_watch *p)
{
	if (p->done)
		return;
	p->done = true;
	TAILQ_INSERT_TAIL(&p->w->done, p, done_link);
}

struct process_watch *watch_next_done(struct watcher *w)
{
	struct process_watch *p = TAILQ_FIRST(&w->done);

	if (p) {
		TAILQ_REMOVE(&w->done, p, done_link);
		p->done = false;
	}
	return p;
}

/* ---- lifetime --------------------------------------------------------- */

struct watcher *watcher_new(struct event_base *base, struct timers *timers)
{
	struct watcher *w = xcalloc(1, sizeof(*w));

	w->base = base;
	w->timers = timers;
	LIST_INIT(&w->watches);
	TAILQ_INIT(&w->done);
	scanner_init(&w->scan, scan_now, w);
	find_init(w);
	young_init(w);
	listen_init(w);
	cgroup_init(w);
	notify_init(w);
	return w;
}

void watcher_free(struct watcher *w)
{
	if (!w)
		return;
	timer_cancel(w->timers, &w->scan.next);
	young_release(w);
	listen_release(w);
	cgroup_release(w);
	notify_release(w);
	free(w);
}

/* Another way to find a process is another row. */
static const struct watch_kind *const kinds[PROCESS_KIND_N] = {
	[PROCESS_PIDFILE] = &watch_pidfile,
	[PROCESS_EXE] = &watch_scan,
	[PROCESS_CMDLINE] = &watch_scan,
	[PROCESS_UNIT] = &watch_cgroup,
	[PROCESS_CGROUP] = &watch_cgroup,
	[PROCESS_LISTENING] = &watch_listen,
	[PROCESS_PID] = &watch_pid,
	[PROCESS_CONTAINER] = &watch_container,
};

void watcher_set_looker(struct watcher *w, struct looker *l)
{
	w->looker = l;
}

void watcher_set_late(struct watcher *w, struct late *l)
{
	w->late = l;
}

void watcher_set_workers(struct watcher *w, struct workers *workers)
{
	w->workers = workers;
}

void watcher_set_cgroups(struct watcher *w, const char *dir)
{
	free(w->cgroup_root);
	w->cgroup_root = xstrdup(dir);
}

void watcher_set_engine(struct watcher *w, struct engine *e)
{
	w->engine = e;
}

struct process_watch *process_watch_new(struct watcher *w,
    const struct process_spec *spec, process_fn fn, void *arg)
{
	struct process_watch *p = xcalloc(1, sizeof(*p));

	p->w = w;
	p->spec = spec;
	p->fn = fn;
	p->arg = arg;
	p->fd = -1;
	p->kind = kinds[spec->kind];
	LIST_INSERT_HEAD(&w->watches, p, link);
	p->kind->begin(p);
	return p;
}

void process_watch_free(struct process_watch *p)
{
	if (!p)
		return;
	process_let_go(p);
	LIST_REMOVE(p, link);
	if (p->done)
		TAILQ_REMOVE(&p->w->done, p, done_link);
	p->kind->end(p);
	free(p);
}

void process_watch_set_spec(
    struct process_watch *p, const struct process_spec *spec)
{
	p->spec = spec;
	p->pattern.spec = spec;
}

static int signal_held(struct process_watch *p, int signal, struct diag *reterr)
{
	if (p->kind == &watch_pidfile) {
		int error = rights_check_named(p->spec->what, p->pid, reterr);

		if (error)
			return error;
	}
	return proc_pidfd_signal(p->fd, signal);
}

static int send_signal(struct process_watch *p, int signal, struct diag *reterr)
{
	if (!p->said || p->news == PROCESS_UNKNOWN)
		return p->said ? -EACCES : -EAGAIN;
	if (p->cgroup)
		return cgroup_signal(p, signal);
	if (p->fd >= 0)
		return signal_held(p, signal, reterr);
	if (p->news != PROCESS_ALIVE)
		return -ESRCH;
	/* it runs, but which one it is cannot be seen, or not yet */
	return p->kind == &watch_container || p->walk_ms ? -EACCES : -EAGAIN;
}

int process_watch_signal(
    struct process_watch *p, int signal, struct diag *reterr)
{
	struct diag why = { "" };
	int r = send_signal(p, signal, &why);

	if (r < 0) {
		(void)diag_set(
		    reterr, r, "%s", why.text[0] ? why.text : strerror(-r));
	}
	return r;
}

static struct process_watch *start(
    void *arg, const struct process_spec *spec, process_fn fn, void *fn_arg)
{
	return process_watch_new(arg, spec, fn, fn_arg);
}

void watcher_ops(struct watcher *w, struct watch_ops *ret_ops)
{
	*ret_ops = (struct watch_ops){
		.start = start,
		.stop = process_watch_free,
		.set_spec = process_watch_set_spec,
		.signal = process_watch_signal,
		.arg = w,
	};
}
