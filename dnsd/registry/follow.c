// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/registry/follow.h"

#include "dnsd/registry/loader.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LOOK_AGAIN_US = 100, /* and twice as long each time */
	LOOKS_AGAIN = 6,
	LOOKS_FOUND = 3, /* the first that is left once a change is found */
	SAFETY_LOOK_MS = 20,
	RETRY_MS = 500, /* to open what could not be opened */
};

struct follow {
	const char *path;
	struct loader *loader;
	char *directory, *file;    /* the parts of path */
	char *wal;                 /* path of its log */
	struct registry *registry; /* NULL: not open */
	dev_t device;              /* of the open file */
	ino_t inode;
	ino_t wal_inode; /* of its log; 0: there is none */
	int64_t revision;
	bool loaded; /* all of this registry is in the catalog */
	bool astray; /* what is at path is not what is open */
	bool served; /* some registry was loaded, once */
	int64_t retry_at_ms;
	int complaint; /* the error that was logged last; 0: all is well */
	int notify_fd; /* -1: no inotify */
	int watch;     /* of the directory; -1: it is not there */
	unsigned looked_again; /* since the last notification */
	struct event *notified, *look_again, *safety_look;
};

static void close_registry(struct follow *f)
{
	registry_close(f->registry);
	f->registry = NULL;
	f->loaded = false;
}

/* One line for each new kind of trouble, one when it is over. */
static void complain(struct follow *f, int error, const char *text)
{
	if (f->complaint == error)
		return;
	f->complaint = error;
	log_warn("%s; answering %s", text,
	    f->served ? "with the last good data" : "without services");
}

static void complain_missing(struct follow *f, int error)
{
	struct diag diag;

	if (error == ENOENT && !f->served) {
		(void)diag_set(&diag, 0, "no registry '%s' yet", f->path);
	} else {
		(void)diag_set(
		    &diag, 0, "registry '%s': %s", f->path, strerror(error));
	}
	complain(f, error, diag.text);
}

/* why, which does not name the registry, gets that before it. */
static void complain_reading(struct follow *f, int error, struct diag *why)
{
	(void)diag_prefix(why, error, "registry '%s'", f->path);
	complain(f, -error, why->text);
	if (error != -EBUSY)
		close_registry(f);
}

/* Reading what is open goes well; that is no news while it is not path. */
static void content(struct follow *f)
{
	if (f->astray)
		return;
	if (f->complaint && f->served)
		log_info("registry '%s' is being followed again", f->path);
	f->complaint = 0;
}

/* ---- the file --------------------------------------------------------- */

static ino_t wal_inode(const struct follow *f)
{
	struct stat st;

	return stat(f->wal, &st) < 0 ? 0 : st.st_ino;
}

/*
 * Whoever removes the log of a file in use makes writers begin a new one,
 * of which a connection that was open before never hears.
 */
static bool has_lost_log(const struct follow *f)
{
	return f->loaded && f->wal_inode != wal_inode(f);
}

static bool is_open_file(const struct follow *f, const struct stat *st)
{
	return f->registry && f->device == st->st_dev && f->inode == st->st_ino;
}

/*
 * Opens what stands at the path if it is not what is open already. An open
 * registry whose file is gone stays open until another takes its place.
 */
static void check_file(struct follow *f, int64_t now_ms)
{
	struct registry *r;
	struct diag diag;
	struct stat st;

	if (stat(f->path, &st) < 0) {
		f->astray = true;
		complain_missing(f, errno);
		return;
	}
	bool same = is_open_file(f, &st);
	f->astray = !same || has_lost_log(f);
	if (!f->astray || now_ms < f->retry_at_ms)
		return;
	f->retry_at_ms = now_ms + RETRY_MS;
	if (same) /* SQLite shares a log among connections to one file */
		close_registry(f);
	int error = registry_open(f->path, REGISTRY_READ, &r, &diag);
	if (error) {
		complain(f, -error, diag.text);
		return;
	}
	close_registry(f);
	f->registry = r;
	f->device = st.st_dev;
	f->inode = st.st_ino;
	f->astray = false;
	log_info("registry '%s' opened id=%s", f->path, registry_id(r));
}

/* ---- the rows --------------------------------------------------------- */

static void load_all(struct follow *f)
{
	int64_t start_ms = clock_mono_ms();
	struct diag diag;
	int error =
	    loader_load_all(f->loader, f->registry, &f->revision, &diag);

	if (error) {
		complain_reading(f, error, &diag);
		return;
	}
	f->loaded = true;
	f->wal_inode = wal_inode(f); /* reading made one if there was none */
	content(f);
	f->served = true;
	log_info("registry loaded revision=%lld services=%zu ms=%lld",
	    (long long)f->revision, loader_service_n(f->loader),
	    (long long)(clock_mono_ms() - start_ms));
}

static void load_changes(struct follow *f)
{
	struct diag diag;
	int64_t revision;
	int error = registry_revision(f->registry, &revision);

	if (error == -ESTALE) { /* another registry in the same file */
		close_registry(f);
		f->retry_at_ms = 0;
		return;
	}
	diag_set(&diag, 0, "cannot read the revision: %s", strerror(-error));
	if (!error && revision != f->revision) {
		error = loader_load_changes(
		    f->loader, f->registry, &f->revision, &diag);
	}
	if (!error)
		error = loader_load_expired(f->loader, f->registry, &diag);
	if (!error) {
		content(f);
		return;
	}
	if (error == -ESTALE) {
		f->loaded = false;
		return;
	}
	complain_reading(f, error, &diag);
}

static void look(struct follow *f, bool check)
{
	if (check)
		check_file(f, clock_mono_ms());
	if (f->registry && f->loaded)
		load_changes(f);
	if (f->registry && !f->loaded)
		load_all(f);
	loader_reclaim(f->loader);
}

void follow_look(struct follow *f)
{
	f->retry_at_ms = 0;
	look(f, true);
}

/* ---- when to look ----------------------------------------------------- */

static void start(struct event *e, suseconds_t us)
{
	struct timeval t = { .tv_usec = us };

	event_add(e, &t);
}

/*
 * Looks because of a notification, for the looked_again-th time. What was
 * announced is likely what is found, then there is no hurry to look again.
 */
static void look_noticed(struct follow *f, bool check)
{
	int64_t before = f->revision;

	look(f, check);
	if (f->revision != before && f->looked_again < LOOKS_FOUND)
		f->looked_again = LOOKS_FOUND;
	if (f->looked_again < LOOKS_AGAIN)
		start(f->look_again, LOOK_AGAIN_US << f->looked_again);
}

static void on_look_again(evutil_socket_t fd, short what, void *arg)
{
	struct follow *f = arg;

	(void)fd;
	(void)what;
	f->looked_again++;
	look_noticed(f, false);
}

static void watch_directory(struct follow *f)
{
	if (f->notify_fd >= 0 && f->watch < 0) {
		f->watch = inotify_add_watch(f->notify_fd, f->directory,
		    IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF |
		        IN_MOVE_SELF | IN_ONLYDIR);
	}
}

static void on_safety_look(evutil_socket_t fd, short what, void *arg)
{
	struct follow *f = arg;

	(void)fd;
	(void)what;
	watch_directory(f);
	look(f, true);
	start(f->safety_look, SAFETY_LOOK_MS * 1000L);
}

/* FILE, FILE-wal: what commits write, and what takes the file's place. */
static bool concerns(const struct follow *f, const struct inotify_event *e)
{
	size_t len = strlen(f->file);

	return e->len && !strncmp(e->name, f->file, len) &&
	       (!e->name[len] || !strcmp(e->name + len, "-wal"));
}

static void on_notified(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct inotify_event) char buffer[16 * 1024];
	struct follow *f = arg;
	bool wanted = false, replaced = false;
	ssize_t n = read(fd, buffer, sizeof(buffer));

	(void)what;
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
	replaced |= !f->registry; /* perhaps it is one now */
	if (replaced)
		f->retry_at_ms = 0;
	f->looked_again = 0;
	look_noticed(f, replaced);
}

/* ---- life ------------------------------------------------------------- */

static char *part_of(const char *path, char *(*part)(char *))
{
	char *copy = xstrdup(path);
	char *out = xstrdup(part(copy));

	free(copy);
	return out;
}

struct follow *follow_new(
    struct event_base *base, const char *path, struct loader *l)
{
	struct follow *f = xcalloc(1, sizeof(*f));

	f->path = path;
	f->loader = l;
	f->directory = part_of(path, dirname);
	f->file = part_of(path, basename);
	f->wal = xasprintf("%s-wal", path);
	f->watch = -1;
	f->notify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (f->notify_fd < 0) {
		log_warn("no inotify, changes take up to %d ms: %s",
		    SAFETY_LOOK_MS, strerror(errno));
	}
	f->look_again = evtimer_new(base, on_look_again, f);
	f->safety_look = evtimer_new(base, on_safety_look, f);
	if (f->notify_fd >= 0) {
		f->notified = event_new(
		    base, f->notify_fd, EV_READ | EV_PERSIST, on_notified, f);
		event_add(f->notified, NULL);
	}
	on_safety_look(-1, 0, f);
	return f;
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	if (f->notified)
		event_free(f->notified);
	event_free(f->look_again);
	event_free(f->safety_look);
	if (f->notify_fd >= 0)
		close(f->notify_fd);
	registry_close(f->registry);
	free(f->directory);
	free(f->file);
	free(f->wal);
	free(f);
}
