// SPDX-License-Identifier: BSD-2-Clause
/*
 * One inotify for all watches; each path in it once. Paths are found by name
 * and by the number that the kernel gave them, and those who wait for one
 * file in a directory by its name: thousands of pidfiles may be in one. If
 * there is no inotify, nothing is ever told.
 */
#include "registrar/process/process_impl.h"
#include "schema/base/xalloc.h"

#include <event2/event.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Those who wait for one name in a path, or for the path itself (""). */
struct noticed_leaf {
	char *name;
	LIST_HEAD(, process_watch) users;
};

static int by_path(const void *a, const void *b)
{
	const struct noticed_path *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order ? order
	             : (x->events > y->events) - (x->events < y->events);
}

static int by_wd(const void *a, const void *b)
{
	const struct noticed_path *x = a, *y = b;

	return (x->wd > y->wd) - (x->wd < y->wd);
}

static int by_name(const void *a, const void *b)
{
	const struct noticed_leaf *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void *find(void *const *tree, const void *key,
    int (*compare)(const void *, const void *))
{
	void *const *found = tfind(key, tree, compare);

	return found ? *found : NULL;
}

static void insert(
    void **tree, const void *what, int (*compare)(const void *, const void *))
{
	if (!tsearch(what, tree, compare))
		abort(); /* out of memory */
}

/* ---- who waits for what ----------------------------------------------- */

static struct noticed_leaf *leaf_find(
    const struct noticed_path *d, const char *name)
{
	/* only read */
	const struct noticed_leaf key = { .name = (char *)(uintptr_t)name };

	return find(&d->leaves, &key, by_name);
}

static struct noticed_path *path_get(
    struct watcher *w, const char *path, size_t len, uint32_t events)
{
	struct noticed_path key = { .path = xasprintf("%.*s", (int)len, path),
		.events = events };
	struct noticed_path *d = find(&w->paths, &key, by_path);

	if (d) {
		free(key.path);
		return d;
	}
	d = xcalloc(1, sizeof(*d));
	d->path = key.path;
	d->events = events;
	d->wd = -1;
	insert(&w->paths, d, by_path);
	return d;
}

void notify_get(struct process_watch *p, const char *path, size_t len,
    uint32_t events, const char *name)
{
	struct noticed_path *d = path_get(p->w, path, len, events);
	struct noticed_leaf *leaf = leaf_find(d, name);

	if (!leaf) {
		leaf = xcalloc(1, sizeof(*leaf));
		leaf->name = xstrdup(name);
		LIST_INIT(&leaf->users);
		insert(&d->leaves, leaf, by_name);
	}
	p->path = d;
	p->leaf = leaf;
	LIST_INSERT_HEAD(&leaf->users, p, of_leaf);
}

static void set_wd(struct watcher *w, struct noticed_path *d, int wd)
{
	if (d->wd >= 0)
		tdelete(d, &w->by_wd, by_wd);
	d->wd = wd;
	/* two names of one directory have one number: the other one polls */
	if (wd >= 0 && find(&w->by_wd, d, by_wd))
		d->wd = -1;
	if (d->wd >= 0)
		insert(&w->by_wd, d, by_wd);
}

void notify_put(struct process_watch *p)
{
	struct watcher *w = p->w;
	struct noticed_path *d = p->path;

	if (!d)
		return;
	LIST_REMOVE(p, of_leaf);
	if (LIST_EMPTY(&p->leaf->users)) {
		tdelete(p->leaf, &d->leaves, by_name);
		free(p->leaf->name);
		free(p->leaf);
	}
	p->path = NULL;
	p->leaf = NULL;
	if (d->leaves)
		return;
	if (d->wd >= 0)
		(void)inotify_rm_watch(w->inotify, d->wd);
	set_wd(w, d, -1);
	tdelete(d, &w->paths, by_path);
	free(d->path);
	free(d);
}

void notify_begun(struct watcher *w, struct noticed_path *d, int wd)
{
	if (d->wd < 0)
		set_wd(w, d, wd);
}

void notify_watch(struct watcher *w, struct noticed_path *d)
{
	if (d->wd < 0 && w->inotify >= 0)
		set_wd(w, d, inotify_add_watch(w->inotify, d->path, d->events));
}

void notify_renew(struct watcher *w, struct noticed_path *d)
{
	if (w->inotify < 0)
		return;
	/* the number that it has, if it is the same file */
	int wd = inotify_add_watch(w->inotify, d->path, d->events);

	if (wd == d->wd)
		return;
	if (d->wd >= 0)
		(void)inotify_rm_watch(w->inotify, d->wd);
	set_wd(w, d, wd);
}

/* ---- events ----------------------------------------------------------- */

/* A look may free its own watch, so the next one is taken before. */
static void tell_leaf(struct noticed_leaf *leaf)
{
	struct process_watch *p, *next;

	for (p = LIST_FIRST(&leaf->users); p; p = next) {
		next = LIST_NEXT(p, of_leaf);
		p->kind->noticed(p);
	}
}

/* Whatever they wait for; d NULL: in whatever path. */
static void tell_all(struct watcher *w, const struct noticed_path *d)
{
	struct process_watch *p, *next;

	for (p = LIST_FIRST(&w->watches); p; p = next) {
		next = LIST_NEXT(p, link);
		if (p->path && (!d || p->path == d))
			p->kind->noticed(p);
	}
}

static void on_event(struct watcher *w, const struct inotify_event *e)
{
	const struct noticed_path key = { .wd = e->wd };
	struct noticed_path *d = find(&w->by_wd, &key, by_wd);

	if (e->mask & IN_Q_OVERFLOW) {
		tell_all(w, NULL);
		return;
	}
	if (!d) {
		w->strays++;
		return;
	}
	if (e->mask & IN_IGNORED) {
		set_wd(w, d, -1);
		tell_all(w, d);
		return;
	}
	struct noticed_leaf *leaf = leaf_find(d, e->len ? e->name : "");

	if (leaf)
		tell_leaf(leaf);
}

static void on_readable(int fd, short what, void *arg)
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

/* ---- lifetime --------------------------------------------------------- */

void notify_init(struct watcher *w)
{
	w->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->inotify < 0)
		return;
	w->readable = event_new(
	    w->base, w->inotify, EV_READ | EV_PERSIST, on_readable, w);
	if (!w->readable || event_add(w->readable, NULL) < 0)
		abort(); /* out of memory */
}

void notify_release(struct watcher *w)
{
	if (w->inotify < 0)
		return;
	event_free(w->readable);
	close(w->inotify);
}
