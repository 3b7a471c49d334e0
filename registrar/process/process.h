// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * process - is the process of an instance there?
 *
 * A watch looks for its process, holds a pidfd on it and so learns of its
 * end at once; then it looks again, immediately and with growing pauses, and
 * at once where something tells: inotify on a pidfile, the kernel of a
 * program that was started. A zombie is gone. A number that went to another
 * process is not taken for ours. Of a cgroup the kernel says whether it has
 * processes at all.
 *
 * All watches share one struct watcher: one inotify, one scan of /proc, one
 * list of sockets.
 * One thread, that of the event base.
 */
#include "registrar/definition/definition.h"
#include "schema/base/diag.h"

#include <sys/types.h>

struct engine;
struct event_base;
struct late;
struct looker;
struct timers;
struct watcher;
struct workers;
struct process_watch;

enum process_news {
	PROCESS_ALIVE,   /* found; again when another one took its place */
	PROCESS_GONE,    /* ended, or none is to be found: evidence */
	PROCESS_UNKNOWN, /* cannot be told (permissions): no evidence */
};

/* Called with news only; detail is for people. May free the watch. */
typedef void (*process_fn)(
    void *arg, enum process_news news, const char *detail);

/* Borrows base and timers. Without inotify it looks by timer alone. */
struct watcher *watcher_new(struct event_base *base, struct timers *timers);
/* Where the cgroups of units are, if not where the kernel has them. */
void watcher_set_cgroups(struct watcher *w, const char *dir);
/* Who looks for us where we may not; borrowed. */
void watcher_set_looker(struct watcher *w, struct looker *l);
/* Who measures how long walks take; borrowed. */
void watcher_set_late(struct watcher *w, struct late *l);
/* Who reads files that may hang; borrowed. Before any watch. */
void watcher_set_workers(struct watcher *w, struct workers *workers);
/* Who tells of containers; borrowed. Before any watch. */
void watcher_set_engine(struct watcher *w, struct engine *e);
/* After all its watches. */
void watcher_free(struct watcher *w);

/*
 * Looks for the first time at the next turn of the timers, not in this call.
 * Borrows spec, whose kind is not PROCESS_NONE, and w.
 */
struct process_watch *process_watch_new(struct watcher *w,
    const struct process_spec *spec, process_fn fn, void *arg);
void process_watch_free(struct process_watch *p);

/*
 * To the process that is held; to all processes of a cgroup. -EAGAIN: it is
 * not known yet whether there is one; -ESRCH: there is none; other -E.. of
 * pidfd_send_signal(2), or of rights_check_named() for a pidfile: reterr says
 * why.
 */
int process_watch_signal(
    struct process_watch *p, int signal, struct diag *reterr);

/* The same spec at another address: an equal definition was read again. */
void process_watch_set_spec(
    struct process_watch *p, const struct process_spec *spec);

/* ---- all processes that match, for for_each --------------------------- */

struct process_finder;

/* Borrowed during the call. */
struct process_found {
	pid_t pid;
	uint64_t start_ticks; /* with the pid, who it is */
	const char *exe;      /* path; "" if it may not be seen */
	const char *cmdline;  /* its arguments joined by blanks */
};

/*
 * Those that were found: all of them (whole), in the order of their start, or
 * some that have just been started. A process whose parent matches as well
 * belongs to it and is not told. error: nothing could be seen, which says
 * nothing. May not free a finder.
 */
typedef void (*process_found_fn)(void *arg, const struct process_found *all,
    unsigned n, bool whole, int error);

/*
 * Borrows spec (PROCESS_EXE or PROCESS_CMDLINE) and w, which outlives it.
 * Walks through /proc now and then, and looks at processes that start.
 */
struct process_finder *process_finder_new(struct watcher *w,
    const struct process_spec *spec, process_found_fn fn, void *arg);
void process_finder_free(struct process_finder *f);
/* The same spec at another address. */
void process_finder_set_spec(
    struct process_finder *f, const struct process_spec *spec);
/* Look at once, for all finders; each is told. */
void process_finders_look(struct watcher *w);

/* The spec of PROCESS_PID; on the heap. -EINVAL: it is none. */
char *process_pid_text(pid_t pid, uint64_t start_ticks);
int process_pid_parse(
    const char *text, pid_t *ret_pid, uint64_t *ret_start_ticks);

/* How instances watch processes; a test has its own. */
struct watch_ops {
	struct process_watch *(*start)(void *arg,
	    const struct process_spec *spec, process_fn fn, void *fn_arg);
	void (*stop)(struct process_watch *p);
	void (*set_spec)(
	    struct process_watch *p, const struct process_spec *spec);
	int (*signal)(struct process_watch *p, int signal, struct diag *reterr);
	void *arg;
};
void watcher_ops(struct watcher *w, struct watch_ops *ret_ops);
