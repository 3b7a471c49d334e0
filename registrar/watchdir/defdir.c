// SPDX-License-Identifier: BSD-2-Clause
/*
 * Events name files; a file is looked at a moment after its last event, so
 * that a burst (an editor's dance of write, rename and delete) is one look.
 * A file that went away gets a longer moment, because many ways of replacing
 * a file take it away first, and a withdrawn service loses its state.
 *
 * Whenever events may have been missed (start, overflow, another directory
 * under the same name, a symlink switched) everything is compared with what
 * is known. A slow tick sees to what inotify cannot tell.
 */
#include "registrar/watchdir/defdir.h"

#include "registrar/watchdir/defdir_files.h"
#include "registrar/watchdir/trust.h"
#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHANGE_DELAY_MS 5
#define TICK_MS 500
#define FILL_MS 3000 /* whoever fills a directory takes less */
#define TICKS_BETWEEN_SCANS 60
#define TICKS_BETWEEN_POLLS (DEFDIR_POLL_MS / TICK_MS)

#define WATCHED                                                                \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |            \
	    IN_CREATE | IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF |               \
	    IN_MOVE_SELF | IN_ONLYDIR)

struct defdir {
	struct event_base *base;
	struct defdir_files files;
	int fd;        /* inotify; -1: there is none */
	int wd;        /* -1: it tells nothing */
	bool attached; /* there is a directory, and id is its */
	int blind;     /* the errno that was told; 0: none */
	struct event *on_fd, *on_due, *on_tick;
	struct identity id; /* of the directory */
	int error;          /* reported last; 0: it is there */
	unsigned ticks;
	bool hollow;     /* as it was in the last turn */
	bool whole;      /* it has been seen with all that it holds */
	int64_t full_ms; /* since then it holds definitions again */
	bool busy;       /* in a callback */
	bool scan_wanted;
};

/* ---- the directory ---------------------------------------------------- */

/* -E.. when there is none; tells why once. */
static int bad_directory(struct defdir *d, int error, const char *text)
{
	scoped_free char *why = NULL;

	if (d->wd >= 0)
		(void)inotify_rm_watch(d->fd, d->wd);
	d->wd = -1;
	d->attached = false;
	d->files.away = true;
	if (d->error == error)
		return error;
	d->error = error;
	why = xasprintf("cannot watch '%s': %s", d->files.path, text);
	defdir_files_error(&d->files, NULL, why);
	return error;
}

/* 0, or why inotify does not tell of the directory: then we look by timer. */
static void tell_blind(struct defdir *d, int error)
{
	if (error == d->blind)
		return;
	d->blind = error;
	d->files.ops.blind(d->files.ops.arg, error ? strerror(error) : NULL);
}

static bool is_want(int error)
{
	return error == ENOSPC || error == ENOMEM || error == EMFILE ||
	       error == ENFILE;
}

static void on_fd(evutil_socket_t fd, short what, void *arg);

static void listen_to(struct defdir *d)
{
	d->on_fd = event_new(d->base, d->fd, EV_READ | EV_PERSIST, on_fd, d);
	if (!d->on_fd || event_add(d->on_fd, NULL) < 0)
		abort(); /* out of memory */
}

/* -E..: there is no directory. */
static int add_watch(struct defdir *d)
{
	if (d->fd < 0)
		d->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	int wd =
	    d->fd < 0 ? -1 : inotify_add_watch(d->fd, d->files.path, WATCHED);
	int error = wd < 0 ? errno : 0;

	if (error && d->fd >= 0 && !is_want(error))
		return -error;
	if (d->wd >= 0 && d->wd != wd)
		(void)inotify_rm_watch(d->fd, d->wd);
	d->wd = wd;
	if (wd >= 0 && !d->on_fd)
		listen_to(d);
	tell_blind(d, error);
	return 0;
}

/*
 * See that the watch is on the directory that has the name now.
 * ret_other: it was not.
 */
static int attach(struct defdir *d, bool *ret_other)
{
	struct diag why;
	struct stat st;

	*ret_other = false;
	if (stat(d->files.path, &st) < 0)
		return bad_directory(d, -errno, strerror(errno));
	if (S_ISDIR(st.st_mode) && trust_check(&st, d->files.owner, &why) < 0)
		return bad_directory(d, -EPERM, why.text);
	struct identity id = identity_of(&st);

	bool same = d->attached && id.dev == d->id.dev && id.ino == d->id.ino;

	if (same && d->wd >= 0)
		return 0;
	int r = add_watch(d);

	if (r < 0)
		return bad_directory(d, r, strerror(-r));
	if (same)
		return 0;
	d->attached = true;
	d->id = id;
	d->error = 0;
	d->files.away = false;
	*ret_other = true;
	return 0;
}

static int filter(const struct dirent *e)
{
	return defdir_is_definition(e->d_name);
}

/* By SIGHUP, not by the start. */
static bool is_asked(const struct defdir *d)
{
	return d->files.retry && d->files.scan > 1;
}

/* Files that are not there any more are looked at again after wait_ms. */
static int scan(struct defdir *d, int64_t wait_ms)
{
	int64_t now_ms = clock_mono_ms();
	struct dirent **entries;
	int n = scandir(d->files.path, &entries, filter, alphasort);

	if (n < 0)
		return bad_directory(d, -errno, strerror(errno));
	d->files.scan++;
	if (n == 0 && (wait_ms || !d->whole) && !is_asked(d))
		defdir_files_set_hollow(&d->files);
	for (int i = 0; i < n; i++) {
		struct file *f =
		    defdir_files_get(&d->files, entries[i]->d_name);

		f->scan = d->files.scan;
		if (!f->queued)
			defdir_files_look(&d->files, f, now_ms);
		free(entries[i]);
	}
	free(entries);
	defdir_files_queue_unseen(&d->files, now_ms + wait_ms);
	return 0;
}

/* ---- events ----------------------------------------------------------- */

/*
 * A new file is reported once whoever writes it closes it; a link is whole
 * from the start.
 */
static bool is_link(const struct defdir *d, const char *name)
{
	scoped_free char *path = xasprintf("%s/%s", d->files.path, name);
	struct stat st;

	return lstat(path, &st) == 0 &&
	       (S_ISLNK(st.st_mode) || st.st_nlink > 1);
}

static void take_name(
    struct defdir *d, const struct inotify_event *e, int64_t now_ms)
{
	if ((e->mask & IN_CREATE) && !is_link(d, e->name))
		return;
	struct file *f = defdir_files_get(&d->files, e->name);

	f->doubted = false;
	/* IN_MODIFY: somebody has it open, IN_CLOSE_WRITE will follow */
	bool doubtful = e->mask & (IN_DELETE | IN_MOVED_FROM | IN_MODIFY);

	if ((e->mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE)) || f->unread)
		f->forced = true;
	defdir_files_enqueue(&d->files, f,
	    now_ms + (doubtful ? DEFDIR_DOUBT_MS : CHANGE_DELAY_MS));
}

static void take_event(
    struct defdir *d, const struct inotify_event *e, int64_t now_ms)
{
	if (e->mask & IN_Q_OVERFLOW) {
		d->scan_wanted = true;
		return;
	}
	if (e->wd != d->wd)
		return; /* of a directory that was replaced */
	if (e->mask & (IN_IGNORED | IN_UNMOUNT)) {
		d->wd = -1;
		d->attached = false;
		d->scan_wanted = true;
	} else if (e->len && defdir_is_definition(e->name)) {
		take_name(d, e, now_ms);
	} else if ((e->mask & (IN_DELETE_SELF | IN_MOVE_SELF)) ||
	           (e->len && strncmp(e->name, "..", 2) == 0)) {
		/* gone, or a ConfigMap switched its ..data */
		d->scan_wanted = true;
	}
}

/* Whatever the kernel has to tell by now. */
static void drain(struct defdir *d)
{
	_Alignas(struct inotify_event) char buf[16384];
	int64_t now_ms = clock_mono_ms();
	ssize_t n;

	while (d->fd >= 0 && (n = read(d->fd, buf, sizeof(buf))) > 0) {
		for (const char *p = buf; p < buf + n;) {
			const struct inotify_event *e = (const void *)p;

			take_event(d, e, now_ms);
			p += sizeof(*e) + e->len;
		}
	}
}

/* ---- turns of the loop ------------------------------------------------ */

static void after(struct event *e, int64_t ms)
{
	ms = ms < 0 ? 0 : ms;
	const struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };

	if (event_add(e, &tv) < 0)
		abort(); /* out of memory */
}

/*
 * One that was away or hollow, and holds something now, may be being filled:
 * what it lacks is looked for when that is over.
 */
static void see_if_full(struct defdir *d)
{
	bool hollow = d->files.hollow || d->files.away;

	if (d->hollow && !hollow)
		d->full_ms = clock_mono_ms() + FILL_MS;
	if (hollow) {
		d->full_ms = 0;
	} else if (!d->full_ms) {
		d->whole = true;
	}
	d->hollow = hollow;
}

/* Leaves the timer set for whatever is still queued. */
static void finish_turn(struct defdir *d)
{
	int64_t next_ms;

	d->busy = false;
	d->files.counted = false;
	see_if_full(d);
	if (d->files.told) {
		d->files.told = false;
		d->busy = true;
		d->files.ops.settled(d->files.ops.arg, d->whole && !d->hollow,
		    defdir_files_is_one_leaving(&d->files));
		d->busy = false;
	}
	next_ms = defdir_files_next_due_ms(&d->files);
	if (d->scan_wanted) {
		after(d->on_due, 0);
	} else if (next_ms != INT64_MAX) {
		after(d->on_due, next_ms - clock_mono_ms());
	}
}

/* What a new directory lacks may be on its way into it: wait a tick. */
static int scan_all(struct defdir *d)
{
	bool other;
	int r = attach(d, &other);

	d->scan_wanted = false;
	if (r == 0)
		r = scan(d, other && !is_asked(d) ? FILL_MS : 0);
	defdir_files_look_due(&d->files, clock_mono_ms());
	return r;
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	struct defdir *d = arg;

	(void)fd;
	(void)what;
	d->busy = true;
	drain(d); /* what is due may be under somebody's pen again */
	if (d->scan_wanted) {
		(void)scan_all(d);
	} else {
		defdir_files_look_due(&d->files, clock_mono_ms());
	}
	finish_turn(d);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct defdir *d = arg;
	bool other;

	(void)fd;
	(void)what;
	d->busy = true;
	bool full = d->full_ms && clock_mono_ms() >= d->full_ms;

	unsigned every = d->wd < 0 ? TICKS_BETWEEN_POLLS : TICKS_BETWEEN_SCANS;

	if (attach(d, &other) == 0 &&
	    (other || full || ++d->ticks % every == 0)) {
		(void)scan(d, other ? FILL_MS : TICK_MS);
		if (full && !d->files.hollow) {
			d->full_ms = 0;
			d->files.told = true;
		}
	}
	finish_turn(d);
}

static void on_fd(evutil_socket_t fd, short what, void *arg)
{
	struct defdir *d = arg;

	(void)fd;
	(void)what;
	drain(d);
	if (d->scan_wanted) {
		after(d->on_due, CHANGE_DELAY_MS);
	} else {
		finish_turn(d);
	}
}

/* ---- life ------------------------------------------------------------- */

struct defdir *defdir_new(struct event_base *base, const char *path,
    size_t max_len, const struct defdir_ops *ops)
{
	static const struct timeval tick = { .tv_usec = TICK_MS * 1000L };
	struct defdir *d = xcalloc(1, sizeof(*d));

	d->base = base;
	defdir_files_init(&d->files, path, max_len, ops);
	d->files.owner = TRUST_NOBODY;
	d->fd = d->wd = -1;
	d->on_due = event_new(base, -1, 0, on_due, d);
	d->on_tick = event_new(base, -1, EV_PERSIST, on_tick, d);
	if (!d->on_due || !d->on_tick || event_add(d->on_tick, &tick) < 0)
		abort(); /* out of memory */
	return d;
}

void defdir_free(struct defdir *d)
{
	if (!d)
		return;
	if (d->on_fd)
		event_free(d->on_fd);
	event_free(d->on_due);
	event_free(d->on_tick);
	if (d->fd >= 0)
		close(d->fd);
	defdir_files_release(&d->files);
	free(d);
}

void defdir_trust(struct defdir *d, uid_t owner)
{
	d->files.owner = owner;
}

/* By SIGHUP: somebody says that it is as it should be. */
static void say_whole(struct defdir *d)
{
	d->hollow = d->files.hollow = false;
	d->full_ms = 0;
	d->whole = true;
}

int defdir_rescan(struct defdir *d)
{
	if (d->busy) { /* in a callback: when it has returned */
		d->scan_wanted = true;
		return 0;
	}
	d->busy = d->files.retry = d->files.told = true;
	if (d->files.scan > 0)
		say_whole(d);
	int r = scan_all(d);

	d->files.retry = false;
	finish_turn(d);
	return r;
}
