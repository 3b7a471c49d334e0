// SPDX-License-Identifier: BSD-2-Clause
/* One inotify for all watches; each path in it once. */
#include "registrar/process/process_impl.h"
#include "schema/base/xalloc.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

struct noticed_path *notify_get(
    struct watcher *w, const char *path, size_t len, uint32_t events)
{
	struct noticed_path *d;

	LIST_FOREACH (d, &w->paths, link) {
		if (strlen(d->path) == len && !memcmp(d->path, path, len) &&
		    d->events == events)
			break;
	}
	if (!d) {
		d = xcalloc(1, sizeof(*d));
		d->path = xasprintf("%.*s", (int)len, path);
		d->events = events;
		d->wd = -1;
		LIST_INSERT_HEAD(&w->paths, d, link);
	}
	d->refs++;
	return d;
}

void notify_put(struct watcher *w, struct noticed_path *d)
{
	if (!d || --d->refs)
		return;
	if (d->wd >= 0)
		(void)inotify_rm_watch(w->inotify, d->wd);
	LIST_REMOVE(d, link);
	free(d->path);
	free(d);
}

void notify_watch(struct watcher *w, struct noticed_path *d)
{
	if (d->wd < 0)
		d->wd = inotify_add_watch(w->inotify, d->path, d->events);
}

static void on_event(struct watcher *w, const struct inotify_event *e)
{
	struct process_watch *p, *next;
	struct noticed_path *d;

	LIST_FOREACH (d, &w->paths, link) {
		if (d->wd == e->wd)
			break;
	}
	if (e->mask & IN_IGNORED && d)
		d->wd = -1;
	bool all = e->mask & (IN_Q_OVERFLOW | IN_IGNORED);

	/* a look may free its own watch, so the next one is taken before */
	for (p = LIST_FIRST(&w->watches); p; p = next) {
		next = LIST_NEXT(p, link);
		if (!p->path || (d && p->path != d) || (!d && !all))
			continue;
		p->kind->noticed(p, e->len && !all ? e->name : NULL);
	}
}

void notify_on_readable(int fd, short what, void *arg)
{
	_Alignas(struct inotify_event) char buf[8192];
	struct watcher *w = arg;
	ssize_t n;

	(void)what;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (char *at = buf; at < buf + n;) {
			const struct inotify_event *e =
			    (const struct inotify_event *)(void *)at;

			at += sizeof(*e) + e->len;
			on_event(w, e);
		}
	}
}
