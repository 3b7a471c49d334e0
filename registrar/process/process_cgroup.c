// SPDX-License-Identifier: BSD-2-Clause
/*
 * A cgroup lives while it has processes. Version 2 says so itself: inotify
 * reports changes of cgroup.events, whose `populated` counts the groups below
 * as well. In version 1 one of its processes is held instead, and when that
 * ends there is another one, or none.
 *
 * The cgroup of a unit is the directory of its name, somewhere below slices;
 * systemd makes it with the unit and removes it after. Those that are not
 * there are looked for by timer, all in one walk.
 *
 * A restart removes the group and makes it again, often before we look: by its
 * inode it is another one, so all that was in the old one has ended. The event
 * of that end may never come (the kernel holds back the second of two within
 * 10 ms, and drops it with the group), so the inode is compared now and then.
 */
#include "registrar/process/process_impl.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAUSE_MAX_MS 50
#define COMPARE_MS 500
#define DEPTH_MAX 8 /* of slices, and of groups in a unit */

enum cgroup_state {
	CGROUP_MISSING,
	CGROUP_EMPTY,
	CGROUP_POPULATED,
};

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}
#define scoped_dir __attribute__((cleanup(close_dir)))

/* ---- one cgroup ------------------------------------------------------- */

/* Nothing there (any more) is no error. */
static int missing_or(int error)
{
	return error == ENOENT || error == ENODEV || error == ENOTDIR
	           ? CGROUP_MISSING
	           : -error;
}

static int open_in(const char *dir, const char *leaf)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, leaf) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int read_events(const char *dir)
{
	char text[256];
	scoped_fd int fd = open_in(dir, "cgroup.events");

	if (fd < 0)
		return missing_or(errno);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return missing_or(errno);
	text[n] = '\0';
	return strstr(text, "populated 1") ? CGROUP_POPULATED : CGROUP_EMPTY;
}

/* Some process in it or below; 0: there is none, or *error says why not. */
static pid_t find_pid(const char *dir, unsigned depth, int *error)
{
	char text[32];
	scoped_fd int fd = open_in(dir, "cgroup.procs");

	if (fd < 0 && missing_or(errno) < 0)
		*error = -errno;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const struct dirent *e;
	pid_t pid = 0;

	if (n > 0) {
		text[n] = '\0';
		return (pid_t)strtol(text, NULL, 10);
	}
	scoped_dir DIR *d = depth ? opendir(dir) : NULL;

	if (depth && !d && missing_or(errno) < 0)
		*error = -errno;
	while (d && !pid && (e = readdir(d))) {
		char path[PATH_MAX];

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) <
		    PATH_MAX)
			pid = find_pid(path, depth - 1, error);
	}
	return pid;
}

/* Version 1 does not tell: hold somebody. */
static int hold_one(struct process_watch *p)
{
	scoped_fd int fd = open_in(p->cgroup, "cgroup.procs");

	if (fd < 0)
		return missing_or(errno);
	/* it may end before it is held, and the next one too */
	for (int tries = 0; tries < 3; tries++) {
		int error = 0;
		pid_t pid = find_pid(p->cgroup, DEPTH_MAX, &error);

		if (!pid)
			return error ? error : CGROUP_EMPTY;
		int r = process_hold(p, pid, 0, NULL);

		if (r != -ESRCH)
			return r < 0 ? r : CGROUP_POPULATED;
	}
	return CGROUP_EMPTY;
}

/* ---- signals ---------------------------------------------------------- */

/* By its pidfd, so that no other process has got the number meanwhile. */
static int signal_one(pid_t pid, int signal)
{
	scoped_fd int fd = proc_pidfd(pid);
	int r = fd < 0 ? fd : proc_pidfd_signal(fd, signal);

	return r == -ESRCH ? 0 : r;
}

/* All that cgroup.procs names; *n counts them. The first error, if any. */
static int signal_listed(const char *path, int signal, unsigned *n)
{
	char line[32];
	int error = 0;
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		long pid = strtol(line, NULL, 10);
		int r = pid > 0 ? signal_one((pid_t)pid, signal) : 0;

		error = error ? error : r;
		(*n)++;
	}
	if (f)
		(void)fclose(f);
	return error;
}

/* In this group and those below. */
static int signal_all(const char *dir, int signal, unsigned depth, unsigned *n)
{
	char path[PATH_MAX];
	const struct dirent *e;

	if (snprintf(path, sizeof(path), "%s/cgroup.procs", dir) >= PATH_MAX)
		return -ENAMETOOLONG;
	int error = signal_listed(path, signal, n);
	scoped_dir DIR *d = depth ? opendir(dir) : NULL;

	while (d && (e = readdir(d))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >=
		        PATH_MAX)
			continue;
		int r = signal_all(path, signal, depth - 1, n);

		error = error ? error : r;
	}
	return error;
}

int cgroup_signal(const struct process_watch *p, int signal)
{
	unsigned n = 0;
	int error = signal_all(p->cgroup, signal, DEPTH_MAX, &n);

	return error < 0 ? error : n ? 0 : -ESRCH;
}

/* ---- watching one ----------------------------------------------------- */

static void forget(struct process_watch *p)
{
	notify_put(p);
}

/* 0: it is not there. */
static uint64_t inode_of(const struct process_watch *p)
{
	struct stat st;

	return p->cgroup && stat(p->cgroup, &st) == 0 ? st.st_ino : 0;
}

static int read_state(struct process_watch *p)
{
	int state;

	if (!p->path) {
		char path[PATH_MAX];
		int len =
		    snprintf(path, sizeof(path), "%s/cgroup.events", p->cgroup);

		if (len >= PATH_MAX)
			return -ENAMETOOLONG;
		notify_get(p, path, (size_t)len, IN_MODIFY, "");
	}
	notify_renew(p->w, p->path); /* before reading: nothing is missed */
	state = read_events(p->cgroup);
	if (state == CGROUP_MISSING)
		state = hold_one(p);
	if (state == CGROUP_MISSING)
		forget(p);
	return state;
}

/* Another group of that name than the one that was seen alive is an end. */
static int look(struct process_watch *p)
{
	uint64_t was = p->cgroup_inode, inode = inode_of(p);
	int state = read_state(p);

	if (state != CGROUP_POPULATED)
		return state;
	p->cgroup_inode = inode;
	if (inode_of(p) != inode)
		return CGROUP_EMPTY;
	return process_was_alive(p) && was != inode ? CGROUP_EMPTY : state;
}

/* ---- units ------------------------------------------------------------ */

struct walk {
	struct watcher *w;
	unsigned left; /* that are sought */
	int error;     /* of a part that could not be seen */
};

static bool is_slice(const char *name)
{
	static const char end[] = ".slice";
	size_t len = strlen(name);

	return len >= sizeof(end) && !strcmp(name + len - sizeof(end) + 1, end);
}

static void offer(struct walk *k, const char *path, const char *name)
{
	struct process_watch *p;

	TAILQ_FOREACH (p, &k->w->cgroups.seeking, seek_link) {
		if (p->cgroup || strcmp(p->spec->what, name) != 0)
			continue;
		p->cgroup = xstrdup(path);
		k->left--;
	}
}

static void walk_slices(struct walk *k, const char *dir, unsigned depth)
{
	scoped_dir DIR *d = opendir(dir);
	const struct dirent *e;

	if (!d && missing_or(errno) < 0)
		k->error = -errno;
	while (d && k->left && (e = readdir(d))) {
		char path[PATH_MAX];

		if (e->d_type != DT_DIR || e->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >=
		        PATH_MAX)
			continue;
		offer(k, path, e->d_name);
		if (depth && is_slice(e->d_name))
			walk_slices(k, path, depth - 1);
	}
}

/* -E..: not all could be seen, so one that was not found may be there. */
static int find_units(struct watcher *w)
{
	struct walk k = { .w = w };
	const struct process_watch *p;

	TAILQ_FOREACH (p, &w->cgroups.seeking, seek_link)
		k.left += !p->cgroup;
	if (!k.left)
		return 0;
	walk_slices(&k, w->cgroup_root, DEPTH_MAX);
	return k.error;
}

/* The kernel's files are in each group, and systemd's slices in the root. */
static bool is_of_tree(const char *name)
{
	return !strncmp(name, "cgroup.", strlen("cgroup.")) || is_slice(name);
}

/*
 * Whoever unmounts them, or takes them away, ends no process, also while
 * there is something else in their place, or half of them.
 */
static int look_at_root(const struct watcher *w)
{
	scoped_dir DIR *d = opendir(w->cgroup_root);
	const struct dirent *e;

	if (!d)
		return -errno;
	while ((e = readdir(d)) && !is_of_tree(e->d_name))
		;
	return e ? 0 : -ENOENT;
}

/* ---- telling ---------------------------------------------------------- */

/* What there is when it is not known where its cgroup is. */
static int look_if_known(struct process_watch *p)
{
	int state = p->cgroup ? look(p) : CGROUP_MISSING;

	if (state == CGROUP_MISSING && p->spec->kind == PROCESS_UNIT) {
		free(p->cgroup);
		p->cgroup = NULL;
	}
	return state;
}

static void tell(struct process_watch *p)
{
	char text[PROCESS_TEXT_MAX];
	const char *what = process_kind_name(p->spec->kind);
	bool was_alive = process_was_alive(p);

	if (p->cgroup_state < 0) {
		process_tell_error(p, p->cgroup_state);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s '%s' %s", what, p->spec->what,
	    p->cgroup_state == CGROUP_POPULATED ? "has processes"
	    : p->cgroup_state == CGROUP_EMPTY   ? "has no process"
	                                        : "is not there");
	if (p->cgroup_state != CGROUP_POPULATED) {
		process_tell(p, PROCESS_GONE, text);
	} else if (!was_alive) {
		process_tell(p, PROCESS_ALIVE, text);
	}
}

/* Its end is; else it is looked at by timer, alive or not. */
static bool is_noticed(const struct process_watch *p)
{
	return p->fd >= 0 || (p->path && p->path->wd >= 0);
}

static void compare_later(struct process_watch *p)
{
	timer_set(
	    p->w->timers, &p->look, timers_now(p->w->timers) + COMPARE_MS);
}

/* CGROUP_MISSING, or -E..: it cannot be seen. */
static int why_missing(const struct watcher *w, int error)
{
	if (!error)
		error = look_at_root(w);
	return error ? error : CGROUP_MISSING;
}

static void cgroups_now(void *arg)
{
	struct watcher *w = arg;
	struct process_watch *p, *next;
	int64_t start_ns = looker_clock_ns(w->looker);

	int error = find_units(w);

	for (p = TAILQ_FIRST(&w->cgroups.seeking); p; p = next) {
		next = TAILQ_NEXT(p, seek_link);
		bool known = p->cgroup;

		p->cgroup_state = look_if_known(p);
		if (p->cgroup_state == CGROUP_MISSING)
			p->cgroup_state = why_missing(w, known ? 0 : error);
		if (p->cgroup_state == CGROUP_POPULATED && is_noticed(p)) {
			scanner_remove(&w->cgroups, p);
			compare_later(p);
		}
		watch_is_done(p);
	}
	int64_t took_ns = looker_clock_ns(w->looker) - start_ns;

	while ((p = watch_next_done(w)))
		tell(p);
	if (!TAILQ_EMPTY(&w->cgroups.seeking))
		scanner_again(w, &w->cgroups, PAUSE_MAX_MS, took_ns);
}

static void seek(struct process_watch *p)
{
	scanner_add(p->w, &p->w->cgroups, p);
}

static void noticed(struct process_watch *p)
{
	seek(p);
}

static void compare(void *arg)
{
	struct process_watch *p = arg;

	if (p->seeking)
		return;
	if (inode_of(p) == p->cgroup_inode) {
		compare_later(p);
	} else {
		seek(p);
	}
}

/* ---- lifetime --------------------------------------------------------- */

static void begin(struct process_watch *p)
{
	timer_init(&p->look, compare, p);
	if (p->spec->kind == PROCESS_CGROUP)
		p->cgroup = xstrdup(p->spec->what);
	seek(p);
}

static void end(struct process_watch *p)
{
	timer_cancel(p->w->timers, &p->look);
	scanner_remove(&p->w->cgroups, p);
	forget(p);
	free(p->cgroup);
}

const struct watch_kind watch_cgroup = { begin, end, seek, noticed };

/* Where systemd keeps track of its units (cgroups(7)): alone or hybrid. */
static const char *find_root(void)
{
	static const char *const places[] = { "/sys/fs/cgroup",
		"/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd" };

	for (size_t n = 0; n < sizeof(places) / sizeof(places[0]); n++) {
		scoped_fd int fd = open_in(places[n], "cgroup.procs");

		if (fd >= 0)
			return places[n];
	}
	return places[0];
}

void cgroup_init(struct watcher *w)
{
	w->cgroup_root = xstrdup(find_root());
	scanner_init(&w->cgroups, cgroups_now, w);
}

void cgroup_release(struct watcher *w)
{
	timer_cancel(w->timers, &w->cgroups.next);
	free(w->cgroup_root);
}
