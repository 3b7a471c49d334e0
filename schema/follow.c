// SPDX-License-Identifier: BSD-2-Clause
/*
 * A look compares the file at the path with the one that is open: device,
 * inode, the inodes of its log and of the index of that; where they differ it
 * is opened again. Where only its length or time of change differ, the log was
 * moved into it, most likely; or another file was copied over it, of which
 * SQLite knows nothing as long as the log stays as it is, and goes on with the
 * pages that it has. A second connection reads what is in the file, and takes
 * the place of the first if that says otherwise.
 */
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/follow_impl.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
	LOOK_AGAIN_US = 100, /* and twice as long each time */
	LOOKS_AGAIN = 6,
	LOOKS_FOUND = 3,   /* the first that is left once a change is found */
	RETRY_US = 500000, /* to open what could not be opened */
	COMPARE_US =
	    200000,  /* between two looks into a file that was written */
	PAGE = 1000, /* services of a full read, read in one go */
	BATCH = 512, /* changes taken up in one go */
	ZONE_TEXT_MAX = 256,
	LABEL_TEXT_MAX = 64,
};

#define NEVER INT64_MAX

static char *part_of(const char *path, char *(*part)(char *))
{
	scoped_free char *copy = xstrdup(path);

	return xstrdup(part(copy));
}

struct follow *follow_new(
    const char *path, enum registry_access access, unsigned look_ms)
{
	struct follow *f = xcalloc(1, sizeof(*f));

	f->path = xstrdup(path);
	f->directory = part_of(path, dirname);
	f->file = part_of(path, basename);
	f->wal = xasprintf("%s-wal", path);
	f->shm = xasprintf("%s-shm", path);
	f->access = access;
	f->look_ms = look_ms;
	f->notify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	f->watch = -1;
	f->again_at_us = NEVER;
	return f;
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	if (f->notify_fd >= 0)
		close(f->notify_fd);
	registry_close(f->registry);
	free(f->path);
	free(f->directory);
	free(f->file);
	free(f->wal);
	free(f->shm);
	free(f);
}

struct registry *follow_registry(const struct follow *f)
{
	return f->registry;
}

/* ---- when to look ----------------------------------------------------- */

int follow_fd(const struct follow *f)
{
	return f->notify_fd;
}

int64_t follow_due_us(const struct follow *f)
{
	return f->again_at_us < f->check_at_us ? f->again_at_us
	                                       : f->check_at_us;
}

void follow_hurry(struct follow *f)
{
	f->check_at_us = f->retry_at_us = 0;
}

static void watch_directory(struct follow *f)
{
	if (f->notify_fd >= 0 && f->watch < 0) {
		f->watch = inotify_add_watch(f->notify_fd, f->directory,
		    IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF |
		        IN_MOVE_SELF | IN_ONLYDIR);
	}
}

/* FILE, FILE-wal: what commits write, and what takes the file's place. */
static bool concerns(const struct follow *f, const struct inotify_event *e)
{
	size_t len = strlen(f->file);

	return e->len && !strncmp(e->name, f->file, len) &&
	       (!e->name[len] || !strcmp(e->name + len, "-wal"));
}

void follow_notice(struct follow *f, int64_t now_us)
{
	_Alignas(struct inotify_event) char buffer[16 * 1024];
	bool wanted = false, replaced = false;
	ssize_t n = read(f->notify_fd, buffer, sizeof(buffer));

	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const void *)(buffer + at);

		if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
			f->watch = -1;
		wanted |= concerns(f, e) || e->mask & IN_Q_OVERFLOW;
		replaced |= e->mask & (IN_CREATE | IN_MOVED_TO) ? true : false;
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	if (!wanted)
		return;
	if (replaced || !f->registry) /* perhaps it is one now */
		f->check_at_us = f->retry_at_us = 0;
	f->looked_again = 0;
	f->again_at_us = now_us;
}

static void look_again_later(struct follow *f, int64_t now_us)
{
	f->again_at_us = NEVER;
	if (f->looked_again < LOOKS_AGAIN) {
		f->again_at_us = now_us + (LOOK_AGAIN_US << f->looked_again);
		f->looked_again++;
	}
}

/*
 * What was announced is likely what is found, then there is no hurry to look
 * again.
 */
void follow_found(struct follow *f)
{
	if (f->again_at_us == NEVER || f->looked_again > LOOKS_FOUND)
		return;
	f->again_at_us += (LOOK_AGAIN_US << LOOKS_FOUND) -
	                  (LOOK_AGAIN_US << (f->looked_again - 1));
	f->looked_again = LOOKS_FOUND + 1;
}

/* ---- the file --------------------------------------------------------- */

static void close_registry(struct follow *f)
{
	registry_close(f->registry);
	f->registry = NULL;
}

/* SQLite's own text, if it is there, names the file. */
static void in_trouble(struct follow *f, int error, const char *why)
{
	f->trouble = error;
	(void)diag_set(&f->why, error, "%s", why);
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_untouched(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* What is open gives way to something else. */
static void leave(struct follow *f)
{
	if (f->registry && f->leaving)
		f->leaving(f->leaving_arg, f->registry);
	close_registry(f);
	f->id[0] = '\0'; /* what comes is another one, whatever it is */
}

struct log_inodes {
	ino_t wal, shm;
};

static struct log_inodes log_inodes(const struct follow *f)
{
	return (struct log_inodes){ inode_of(f->wal), inode_of(f->shm) };
}

/* Opening makes those that are not there; another is somebody else's. */
static bool is_same_log(
    const struct log_inodes *before, const struct log_inodes *now)
{
	return (!before->wal || before->wal == now->wal) &&
	       (!before->shm || before->shm == now->shm);
}

/*
 * Consumes r. False: it is not the file that stands at the path any more, or
 * was not when it was opened, or not with its log. before: as it was then;
 * st_ino 0: r made it.
 */
static bool take(struct follow *f, struct registry *r,
    const struct stat *before, const struct log_inodes *log)
{
	const struct log_inodes now = log_inodes(f);
	struct stat st;

	if (stat(f->path, &st) < 0 || registry_has_moved(r) ||
	    (before->st_ino && !is_same_file(&st, before)) ||
	    !is_same_log(log, &now)) {
		registry_close(r);
		return false;
	}
	bool again = f->opening && !f->registry &&
	             is_same_file(&st, &f->stat) &&
	             !strcmp(f->id, registry_id(r));

	leave(f);
	f->registry = r;
	/* what was written since `before` may be of somebody else */
	f->stat = before->st_ino ? *before : st;
	f->trouble = 0;
	if (!again) /* closed by follow_failed() */
		f->opening++;
	(void)snprintf(f->id, sizeof(f->id), "%s", registry_id(r));
	f->wal_inode = now.wal;
	f->shm_inode = now.shm;
	return true;
}

static void open_registry(
    struct follow *f, const struct stat *st, int64_t now_us)
{
	struct registry *r;
	struct diag why;

	f->retry_at_us = now_us + RETRY_US;
	const struct log_inodes log = log_inodes(f);
	int error = registry_open(f->path, f->access, &r, &why);
	if (error) {
		in_trouble(f, error, why.text);
	} else if (!take(f, r, st, &log)) {
		f->check_at_us = f->retry_at_us = 0;
	}
}

/* ---- what was written to it ------------------------------------------- */

static bool reads_the_same(struct registry *a, struct registry *b)
{
	const struct registry_mark none = { 0 };
	struct registry_mark x, y;
	bool holds;

	return !strcmp(registry_id(a), registry_id(b)) &&
	       registry_read_mark(a, &none, &x, &holds) == 0 &&
	       registry_read_mark(b, &none, &y, &holds) == 0 &&
	       x.revision == y.revision && x.token == y.token;
}

/*
 * True: what is in the file is not what is open. A commit between the two
 * reads looks like that, but not so many times.
 */
static bool is_overwritten(struct follow *f, struct registry *fresh)
{
	for (int n = 0; n < 8; n++) {
		if (reads_the_same(f->registry, fresh))
			return false;
	}
	return true;
}

static void compare(struct follow *f, const struct stat *st, int64_t now_us)
{
	struct registry *fresh;

	if (now_us < f->compare_at_us)
		return;
	f->compare_at_us = now_us + COMPARE_US;
	int error = registry_open(f->path, REGISTRY_READ, &fresh, &f->why);
	if (error == -EBUSY)
		return;
	if (error) {
		f->trouble = error;
		return;
	}
	bool same = !is_overwritten(f, fresh);
	registry_close(fresh);
	if (same) {
		f->stat = *st;
		f->trouble = 0;
		return;
	}
	leave(f);
	open_registry(f, st, now_us);
}

/*
 * Whoever removes the log of a file in use, or its index, makes writers begin a
 * new one, of which a connection that was open before never hears. Two indexes
 * are two ideas of what the log holds, and of who may write to it.
 */
static bool has_lost_log(const struct follow *f)
{
	return f->wal_inode != inode_of(f->wal) ||
	       f->shm_inode != inode_of(f->shm);
}

/*
 * Opens what stands at the path if it is not what is open already. An open
 * registry whose file is gone stays open until another takes its place.
 */
static void check_file(struct follow *f, int64_t now_us)
{
	struct stat st;

	if (stat(f->path, &st) < 0) {
		int error = -errno;

		/* a writer makes it */
		if (error == -ENOENT && f->access != REGISTRY_READ) {
			st = (struct stat){ 0 };
		} else {
			in_trouble(f, error, strerror(-error));
			(void)diag_prefix(&f->why, error,
			    "cannot open registry '%s'", f->path);
			return;
		}
	}
	bool same = f->registry && is_same_file(&st, &f->stat);
	if (same && !has_lost_log(f)) {
		if (!is_untouched(&st, &f->stat)) {
			compare(f, &st, now_us);
		} else {
			f->trouble = 0;
		}
		return;
	}
	if (now_us < f->retry_at_us) {
		if (!f->trouble)
			in_trouble(f, -EAGAIN, "it was opened a moment ago");
		return;
	}
	if (same) /* SQLite shares a log among connections to one file */
		leave(f);
	open_registry(f, &st, now_us);
}

int follow_look(struct follow *f, int64_t now_us, struct diag *reterr)
{
	if (now_us >= f->again_at_us)
		look_again_later(f, now_us);
	if (now_us >= f->check_at_us) {
		f->check_at_us = now_us + (int64_t)f->look_ms * 1000;
		watch_directory(f);
		check_file(f, now_us);
	}
	return f->trouble ? diag_set(reterr, f->trouble, "%s", f->why.text) : 0;
}

void follow_failed(struct follow *f, int error)
{
	if (error == -EBUSY)
		return;
	if (error == -ESTALE) { /* nothing is wrong with what is there now */
		f->check_at_us = f->retry_at_us = 0;
		f->id[0] = '\0';
	}
	f->failure++;
	close_registry(f);
}

void follow_on_leaving(
    struct follow *f, void (*fn)(void *arg, struct registry *r), void *arg)
{
	f->leaving = fn;
	f->leaving_arg = arg;
}
