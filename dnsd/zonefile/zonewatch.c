// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/zonefile/zonewatch.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

struct watched {
	char *path; /* below the directory; "": itself */
	int watch;  /* -1: it is not there */
	bool is_wanted;
};

struct zonewatch {
	const char *directory;
	int fd;
	struct watched *dir; /* by path */
	unsigned n, room;
	struct diag diag;
	int error; /* since zonewatch_begin() */
};

struct zonewatch *zonewatch_new(const char *directory)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0)
		return NULL;
	struct zonewatch *w = xcalloc(1, sizeof(*w));
	w->directory = directory;
	w->fd = fd;
	return w;
}

void zonewatch_free(struct zonewatch *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < w->n; i++)
		free(w->dir[i].path);
	free(w->dir);
	close(w->fd);
	free(w);
}

int zonewatch_fd(const struct zonewatch *w)
{
	return w->fd;
}

void zonewatch_drain(struct zonewatch *w)
{
	_Alignas(struct inotify_event) char buffer[16 * 1024];

	while (read(w->fd, buffer, sizeof(buffer)) > 0)
		continue;
}

void zonewatch_begin(struct zonewatch *w)
{
	for (unsigned i = 0; i < w->n; i++)
		w->dir[i].is_wanted = false;
	w->error = 0;
}

/* Where the first len octets of path are, or belong. */
static unsigned find(
    const struct zonewatch *w, const char *path, size_t len, bool *ret_found)
{
	unsigned low = 0, high = w->n;

	*ret_found = false;
	while (low < high) {
		unsigned i = (low + high) / 2;
		int order = strncmp(w->dir[i].path, path, len);

		if (!order && w->dir[i].path[len])
			order = 1;
		if (!order) {
			*ret_found = true;
			return i;
		}
		if (order < 0) {
			low = i + 1;
		} else {
			high = i;
		}
	}
	return low;
}

/* Adding what is watched already gives the same watch: it may be another. */
static void watch(struct zonewatch *w, struct watched *d)
{
	scoped_free char *path =
	    xasprintf("%s%s%s", w->directory, *d->path ? "/" : "", d->path);
	int n = inotify_add_watch(w->fd, path,
	    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
	        IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB |
	        IN_ONLYDIR);

	d->watch = n;
	d->is_wanted = true;
	if (n >= 0 || errno == ENOENT || errno == ENOTDIR || w->error)
		return;
	w->error = diag_set(
	    &w->diag, -errno, "cannot watch '%s': %s", path, strerror(errno));
}

static void want(struct zonewatch *w, const char *path, size_t len)
{
	bool found;
	unsigned i = find(w, path, len, &found);

	if (!found) {
		if (w->n == w->room) {
			w->room = 2 * w->room + 8;
			w->dir = xreallocarray(
			    w->dir, w->room, sizeof(struct watched));
		}
		memmove(w->dir + i + 1, w->dir + i,
		    (w->n++ - i) * sizeof(struct watched));
		w->dir[i] = (struct watched){ .path = xmalloc(len + 1) };
		memcpy(w->dir[i].path, path, len);
		w->dir[i].path[len] = '\0';
	}
	if (!w->dir[i].is_wanted)
		watch(w, &w->dir[i]);
}

void zonewatch_want(struct zonewatch *w, const char *file)
{
	const char *slash = file;

	want(w, "", 0);
	while ((slash = strchr(slash, '/'))) {
		want(w, file, (size_t)(slash - file));
		slash++;
	}
}

/* Another path may have come to mean the same directory. */
static bool is_in_use(const struct zonewatch *w, int watch)
{
	for (unsigned i = 0; i < w->n; i++) {
		if (w->dir[i].is_wanted && w->dir[i].watch == watch)
			return true;
	}
	return false;
}

int zonewatch_end(struct zonewatch *w, struct diag *reterr)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < w->n; i++) {
		struct watched d = w->dir[i];

		if (d.is_wanted) {
			w->dir[kept++] = d;
			continue;
		}
		if (d.watch >= 0 && !is_in_use(w, d.watch))
			(void)inotify_rm_watch(w->fd, d.watch);
		free(d.path);
	}
	w->n = kept;
	return w->error ? diag_set(reterr, w->error, "%s", w->diag.text) : 0;
}
