// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * process_impl - private to process*.c.
 *
 *	process.c          holding a process, telling, lifetimes
 *	process_notify.c   inotify, shared by those who need it
 *	process_pidfile.c  pidfiles
 *	process_scan.c     exe and cmdline: walks through /proc
 *	process_find.c     all that match an exe or a cmdline
 *	process_young.c    processes that have just been started
 *	process_listen.c   who holds a port
 *	process_cgroup.c   units of systemd, and other cgroups
 *	process_pid.c      a process that was found already
 *	process_container.c  the first process of a container
 */
#include "registrar/container/engine.h"
#include "registrar/lib/late.h"
#include "registrar/lib/looker.h"
#include "registrar/lib/match.h"
#include "registrar/lib/procfs.h"
#include "registrar/lib/sockets.h"
#include "registrar/lib/timer.h"
#include "registrar/lib/workers.h"
#include "registrar/process/process.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct event;

#define PROCESS_PAUSE_MIN_MS 10 /* before the second look */
#define PROCESS_SHARE 20        /* walks take 1/20 of a processor at most */
#define PROCESS_TEXT_MAX 4224   /* a path and words around it */
#define CMDLINE_MAX 16384

/* Watched by inotify; wd < 0: not there (yet). */
struct noticed_path {
	char *path;
	uint32_t events;
	int wd;
	void *leaves; /* those who wait: a tree of struct noticed_leaf */
};

/* A descriptor that a process has open. */
struct held_socket {
	int fd;
	uint64_t inode;
};

/* A way to look for processes; by enum process_kind. */
struct watch_kind {
	/* Look for the first time at the next turn of the timers. */
	void (*begin)(struct process_watch *p);
	void (*end)(struct process_watch *p);
	/* What was held has ended: look for the next one. */
	void (*seek)(struct process_watch *p);
	/*
	 * Something happened to p->path, or in it to what p waits for. May
	 * free p.
	 */
	void (*noticed)(struct process_watch *p);
};
extern const struct watch_kind watch_pidfile, watch_scan, watch_listen,
    watch_cgroup, watch_pid, watch_container;

/* A file that does not answer for so long: its file system hangs. */
#define PROCESS_PATIENCE_MS 1000

/* What an exe or a cmdline asks for. */
struct pattern {
	const struct process_spec *spec;
	struct resolving *resolving; /* of exe: it is not known yet */
	char *real;                  /* what the path leads to */
	struct match *re;            /* of cmdline */
	bool dear; /* a text in this walk was too long to tell */
};

/* A process that started a moment ago: it may not be yet what it will be. */
struct young {
	pid_t pid;
	int64_t pause_ms, next_ms;
};
#define YOUNG_MAX 256

struct process_watch {
	struct watcher *w;
	const struct watch_kind *kind;
	const struct process_spec *spec;
	process_fn fn;
	void *arg;
	LIST_ENTRY(process_watch) link;
	TAILQ_ENTRY(process_watch) seek_link; /* in w->seeking */
	TAILQ_ENTRY(process_watch) done_link; /* in w->done */
	bool seeking, done;
	bool read_again; /* the pidfile, when reading is over */
	/* the process that is held; fd < 0: none */
	int fd;
	struct event *ended;
	pid_t pid;
	uint64_t start_ticks;
	/* what was said last */
	bool said;
	enum process_news news;
	struct noticed_path *path; /* NULL: none */
	struct noticed_leaf *leaf; /* of it */
	LIST_ENTRY(process_watch) of_leaf;
	/* pidfile: path is its directory */
	struct timer look; /* of all but walks, each in its way */
	int64_t pause_ms;
	struct reading *reading; /* of the file; NULL: none */
	struct timer patience;   /* of reading, or of resolving */
	struct pidfile file;     /* that named the process held */
	struct pidfile old_file; /* that named the one that ended */
	/* exe and cmdline */
	struct pattern pattern;
	pid_t found; /* the oldest that matches in this walk */
	uint64_t found_ticks;
	int error; /* of taking hold of it, other than -ESRCH */
	/* listening */
	struct socket_spec sockets;
	struct held_socket socket;       /* of the process that is held */
	struct held_socket found_socket; /* of the one that was found */
	uint64_t unseen; /* nobody could be seen to hold this inode */
	int64_t walk_ms; /* then not before this another walk for it */
	/* unit and cgroup: path is its cgroup.events, if it has one */
	char *cgroup;          /* its directory, as far as it is known */
	int cgroup_state;      /* enum cgroup_state, or -E.. */
	uint64_t cgroup_inode; /* of the one that had processes last */
	/* container */
	struct engine_user engine_user;
	char *container_name; /* NULL: not known */
	pid_t container_pid;  /* as the engine said last, while it runs */
	int64_t container_start_ms;
};

TAILQ_HEAD(watch_queue, process_watch);

/* A walk through something that many watches share, and when it is next. */
struct scanner {
	struct watch_queue seeking;
	struct timer next;
	int64_t pause_ms;
};

struct watcher {
	struct event_base *base;
	struct timers *timers;
	struct looker *looker; /* NULL: nobody restricts us */
	struct late *late;
	struct workers *workers; /* NULL: files are read at once */
	int inotify;             /* -1: there is none */
	unsigned strays;         /* events of paths that nobody knows, yet */
	struct event *readable;
	struct engine *engine; /* NULL: there is none */
	void *paths;           /* of struct noticed_path: a tree by name */
	void *by_wd;           /* those that the kernel watches */
	LIST_HEAD(, process_watch) watches;
	struct watch_queue done; /* have news to tell */
	/* exe and cmdline */
	struct scanner scan;
	bool want_args; /* somebody seeks a cmdline */
	bool want_exe;  /* somebody seeks an exe */
	LIST_HEAD(, process_finder) finders;
	bool blind;     /* this walk met executables that it may not see */
	int scan_error; /* -E.. of ours that it met; 0: none */
	char text[CMDLINE_MAX];
	/* those that started just now, while somebody seeks */
	bool young_active;
	bool without_connector; /* a test wants it so */
	int connector;          /* < 0: none, last_pid is compared */
	struct event *started;
	struct timer young_next;
	pid_t last_pid;
	struct young young[YOUNG_MAX];
	unsigned young_n;
	/* unit and cgroup */
	char *cgroup_root;
	struct scanner cgroups;
	/* listening */
	struct scanner listen;
	struct timer listen_check;
	struct candidate *candidates; /* sockets that somebody seeks */
	unsigned candidate_n, candidate_room;
};

/* ---- process.c: for all kinds of search ------------------------------- */

/* Says it if it is news. May free p. */
void process_tell(
    struct process_watch *p, enum process_news news, const char *detail);
void process_tell_alive(struct process_watch *p);
void process_tell_error(struct process_watch *p, int error);
/* A process was held and has ended. */
bool process_was_alive(const struct process_watch *p);

/*
 * Take hold of pid; 0, -ESRCH when it is not there (any more), or -EUCLEAN
 * when it cannot be told whether it is the one that file means. ticks, if
 * not 0, is the start time by which it was chosen; file, if not NULL, what
 * named it.
 */
int process_hold(struct process_watch *p, pid_t pid, uint64_t ticks,
    const struct pidfile *file);
/* Whatever it does from now on is no news of p's. */
void process_let_go(struct process_watch *p);

/* Into s->seeking, and s->next now; out of it, and out of w->done. */
void scanner_init(struct scanner *s, void (*fn)(void *watcher), void *watcher);
void scanner_add(struct watcher *w, struct scanner *s, struct process_watch *p);
void scanner_remove(struct scanner *s, struct process_watch *p);
/*
 * Sets s->next: the pauses grow from PROCESS_PAUSE_MIN_MS to max_ms, and are
 * never shorter than PROCESS_SHARE times what the last walk took.
 */
void scanner_again(
    struct watcher *w, struct scanner *s, int64_t max_ms, int64_t took_ns);
/* Is p to be told something, after this walk. */
void watch_is_done(struct process_watch *p);
/* The next of them, which leaves w->done: callbacks may free any watch. */
struct process_watch *watch_next_done(struct watcher *w);

/* ---- process_notify.c ------------------------------------------------- */

void notify_init(struct watcher *w);
void notify_release(struct watcher *w);
/* Sets p->path, for what happens in it to name; "": to the path itself. */
void notify_get(struct process_watch *p, const char *path, size_t len,
    uint32_t events, const char *name);
/* p->path is NULL then, as it may be before. */
void notify_put(struct process_watch *p);
/* Somebody has begun to watch it already, and wd is what he got. */
void notify_begun(struct watcher *w, struct noticed_path *d, int wd);
/* Begin, or begin again, to be told; d->wd says whether it worked. */
void notify_watch(struct watcher *w, struct noticed_path *d);
/* The same where another file may have the name by now, without any event. */
void notify_renew(struct watcher *w, struct noticed_path *d);

/* ---- process_scan.c --------------------------------------------------- */

void scan_now(void *watcher);
/* Look at one process, for all that seek. */
void scan_one(struct watcher *w, pid_t pid);
/* Tell those for whom something was found by scan_one(). */
void scan_settle_found(struct watcher *w);
/* Somebody seeks, or nobody does any more. */
void scan_wanted(struct watcher *w);

/* ready(arg) once it can match; before, it matches nothing. */
void pattern_init(struct watcher *w, struct pattern *t,
    const struct process_spec *spec, void (*ready)(void *arg), void *arg);
void pattern_release(struct watcher *w, struct pattern *t);
/* exe NULL: it may not be seen. */
bool pattern_matches(struct pattern *t, const char *exe, const char *cmdline);

/* What can be seen of a process; in w->text, and so until the next one. */
struct process_seen {
	pid_t pid;
	const char *exe; /* NULL: it may not be seen */
	const char *args;
	struct proc_stat stat; /* start_ticks 0: not read yet */
};

/* Neither a zombie nor a child of ours; reads seen->stat. */
bool process_is_foreign(struct process_seen *seen);

/* ---- process_find.c --------------------------------------------------- */

void find_init(struct watcher *w);
bool find_wanted(const struct watcher *w);
bool find_wants(const struct watcher *w, enum process_kind kind);
/* What scan_one() sees; then, once it has seen all or a few. */
void find_offer(struct watcher *w, struct process_seen *seen);
void find_tell(struct watcher *w, bool whole, int error);

/* ---- process_young.c -------------------------------------------------- */

void young_init(struct watcher *w);
void young_release(struct watcher *w);
/* Somebody seeks, or nobody does: then new processes are of no interest. */
void young_watch(struct watcher *w, bool wanted);

/* ---- process_listen.c ------------------------------------------------- */

void listen_init(struct watcher *w);
void listen_release(struct watcher *w);

/* ---- process_cgroup.c ------------------------------------------------- */

void cgroup_init(struct watcher *w);
void cgroup_release(struct watcher *w);
/* To all processes of p->cgroup; -ESRCH: it has none. */
int cgroup_signal(const struct process_watch *p, int signal);
