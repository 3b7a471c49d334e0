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
#include "registrar/process.h"

#include "registrar/process_impl.h"
#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
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

	(void)snprintf(text, sizeof(text), "cannot watch %s '%s': %s",
	    process_kind_name(p->spec->kind), p->spec->what, strerror(-error));
	process_tell(p, PROCESS_UNKNOWN, text);
}

bool process_was_alive(const struct process_watch *p)
{
	return p->said && p->news == PROCESS_ALIVE;
}

/* ---- holding a process ------------------------------------------------ */

static void let_go(struct process_watch *p)
{
	if (p->fd < 0)
		return;
	event_free(p->ended);
	p->ended = NULL;
	close(p->fd);
	p->fd = -1;
}

static void seek(struct process_watch *p)
{
	if (p->spec->kind == PROCESS_PIDFILE) {
		p->pause_ms = PROCESS_PAUSE_MIN_MS;
		pidfile_look(p);
	} else {
		scan_seek(p);
	}
}

static void on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct process_watch *p = arg;

	(void)fd;
	(void)what;
	let_go(p);
	p->old_file = p->file;
	seek(p);
}

int process_hold(struct process_watch *p, pid_t pid, uint64_t ticks,
    const struct pidfile *file)
{
	scoped_fd int fd = proc_pidfd(pid);
	struct proc_stat stat;

	if (fd < 0) /* EINVAL: the number of a thread */
		return fd == -EINVAL ? -ESRCH : fd;
	int r = proc_stat_read(pid, &stat);

	if (r < 0)
		return r;
	if (proc_pidfd_ended(fd) || (ticks && ticks != stat.start_ticks))
		return -ESRCH;
	if (file && pidfile_is_stale(file, &stat, clock_wall_ms(),
	                clock_read_ns(CLOCK_BOOTTIME) / 1000000))
		return -ESRCH;
	let_go(p);
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

/* ---- lifetime --------------------------------------------------------- */

int watcher_new(struct event_base *base, struct timers *timers,
    struct watcher **ret_w, struct diag *reterr)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0) {
		return diag_set(
		    reterr, -errno, "cannot use inotify: %s", strerror(errno));
	}
	struct watcher *w = xcalloc(1, sizeof(*w));

	w->base = base;
	w->timers = timers;
	w->inotify = fd;
	w->scan_pause_ms = PROCESS_PAUSE_MIN_MS;
	LIST_INIT(&w->dirs);
	LIST_INIT(&w->watches);
	TAILQ_INIT(&w->seeking);
	TAILQ_INIT(&w->done);
	timer_init(&w->scan, scan_now, w);
	w->readable =
	    event_new(base, fd, EV_READ | EV_PERSIST, pidfile_on_inotify, w);
	if (!w->readable || event_add(w->readable, NULL) < 0)
		abort(); /* out of memory */
	*ret_w = w;
	return 0;
}

void watcher_free(struct watcher *w)
{
	if (!w)
		return;
	timer_cancel(w->timers, &w->scan);
	event_free(w->readable);
	close(w->inotify);
	free(w);
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
	LIST_INSERT_HEAD(&w->watches, p, link);
	if (spec->kind == PROCESS_PIDFILE) {
		pidfile_watch(p);
		timer_set(w->timers, &p->look, timers_now(w->timers));
		return p;
	}
	if (spec->kind == PROCESS_EXE) {
		p->real = realpath(spec->what, NULL);
	} else if (regcomp(&p->re, spec->what, REG_EXTENDED | REG_NOSUB)) {
		abort(); /* the definition has compiled it: out of memory */
	}
	scan_seek(p);
	return p;
}

void process_watch_free(struct process_watch *p)
{
	if (!p)
		return;
	let_go(p);
	LIST_REMOVE(p, link);
	if (p->spec->kind == PROCESS_PIDFILE) {
		pidfile_unwatch(p);
	} else {
		scan_stop(p);
	}
	if (p->spec->kind == PROCESS_CMDLINE)
		regfree(&p->re);
	free(p->real);
	free(p);
}

void process_watch_set_spec(
    struct process_watch *p, const struct process_spec *spec)
{
	const char *slash = strrchr(spec->what, '/');

	p->spec = spec;
	p->leaf = slash ? slash + 1 : spec->what;
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
		.arg = w,
	};
}
