// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * process_impl - private to process.c, process_pidfile.c, process_scan.c.
 *
 *	process.c          holding a process, telling, lifetimes
 *	process_pidfile.c  pidfiles, and inotify on their directories
 *	process_scan.c     exe and cmdline: walks through /proc
 */
#include "registrar/process.h"
#include "registrar/procfs.h"
#include "registrar/timer.h"

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct event;

#define PROCESS_PAUSE_MIN_MS 10 /* before the second look */
#define PROCESS_TEXT_MAX 4224   /* a path and words around it */
#define CMDLINE_MAX 16384

/* A directory with pidfiles; wd < 0: not there (yet). */
struct pid_dir {
	char *path;
	int wd;
	unsigned refs;
	LIST_ENTRY(pid_dir) link;
};

struct process_watch {
	struct watcher *w;
	const struct process_spec *spec;
	process_fn fn;
	void *arg;
	LIST_ENTRY(process_watch) link;
	TAILQ_ENTRY(process_watch) seek_link; /* in w->seeking */
	TAILQ_ENTRY(process_watch) done_link; /* in w->done */
	bool seeking, done;
	/* the process that is held; fd < 0: none */
	int fd;
	struct event *ended;
	pid_t pid;
	uint64_t start_ticks;
	/* what was said last */
	bool said;
	enum process_news news;
	/* pidfile */
	struct pid_dir *dir;
	const char *leaf; /* in spec->what */
	struct timer look;
	int64_t pause_ms;
	struct pidfile file;     /* that named the process held */
	struct pidfile old_file; /* that named the one that ended */
	/* exe and cmdline */
	char *real; /* what the path leads to */
	regex_t re;
	pid_t found; /* the oldest that matches in this walk */
	uint64_t found_ticks;
	int error; /* of taking hold of it, other than -ESRCH */
};

struct watcher {
	struct event_base *base;
	struct timers *timers;
	int inotify;
	struct event *readable;
	LIST_HEAD(, pid_dir) dirs;
	LIST_HEAD(, process_watch) watches;
	TAILQ_HEAD(, process_watch) seeking; /* exe and cmdline */
	TAILQ_HEAD(, process_watch) done;    /* have news to tell */
	struct timer scan;
	int64_t scan_pause_ms;
	bool want_args; /* somebody seeks a cmdline */
	bool blind;     /* this walk met executables that it may not see */
	char text[CMDLINE_MAX];
};

/* ---- process.c: for both kinds of search ------------------------------ */

/* Says it if it is news. May free p. */
void process_tell(
    struct process_watch *p, enum process_news news, const char *detail);
void process_tell_alive(struct process_watch *p);
void process_tell_error(struct process_watch *p, int error);
/* A process was held and has ended. */
bool process_was_alive(const struct process_watch *p);

/*
 * Take hold of pid; 0, or -ESRCH when it is not there (any more). ticks, if
 * not 0, is the start time by which it was chosen; file, if not NULL, what
 * named it.
 */
int process_hold(struct process_watch *p, pid_t pid, uint64_t ticks,
    const struct pidfile *file);

/* ---- process_pidfile.c ------------------------------------------------ */

void pidfile_watch(struct process_watch *p);
void pidfile_unwatch(struct process_watch *p);
/* Look now, and again by timer if need be. May free p. */
void pidfile_look(struct process_watch *p);
void pidfile_on_inotify(int fd, short what, void *watcher);

/* ---- process_scan.c --------------------------------------------------- */

/* Look in the next turn: many may seek by then, and one walk serves all. */
void scan_seek(struct process_watch *p);
void scan_stop(struct process_watch *p);
void scan_now(void *watcher);
