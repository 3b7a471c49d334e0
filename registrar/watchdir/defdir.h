// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * defdir - the watched directory: which definition files changed.
 *
 * inotify on a libevent base. Files are *.yaml, *.yml and *.json; dotfiles,
 * editors' backups and directories are passed over. A burst of events is
 * reported together a few milliseconds later. A directory that is not there
 * (yet), is replaced or is a symlink switched to another one (Kubernetes'
 * ConfigMaps) is looked for again by timer; while it is gone, or holds no
 * definition though it held several, nothing is reported as removed; neither
 * is a link whose target is away. What did not change (device, inode, size,
 * mtime) is not reported twice.
 *
 * Callbacks run on the base's thread and may call nothing but
 * defdir_rescan() here.
 */
#include "schema/base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct defdir;
struct event_base;

/* What a file holds; borrowed for the call. */
struct defdir_text {
	const char *name; /* in the directory */
	const char *text; /* NUL-terminated */
	size_t len;
	/*
	 * Not for everybody to see, and known by another name, too: nothing
	 * of it is told, for it may be no definition at all.
	 */
	bool hidden;
};

struct defdir_ops {
	/* New or changed. */
	void (*changed)(void *arg, const struct defdir_text *t);
	void (*removed)(void *arg, const char *name);
	/*
	 * name cannot be read; its old text holds. NULL: the directory, and
	 * why names it.
	 */
	void (*failed)(void *arg, const char *name, const char *why);
	/* inotify tells nothing, for what reason; NULL: it does again. */
	void (*blind)(void *arg, const char *why);
	/* The directory is there, and as if nobody had filled it yet. */
	void (*hollow)(void *arg, const char *why);
	/*
	 * All of one burst, or of a defdir_rescan(), has been reported. whole:
	 * the directory is known, and what was not reported is not in it.
	 * leaving: a file has left the disk, but may be back; that it was
	 * removed is reported later.
	 */
	void (*settled)(void *arg, bool whole, bool leaving);
	void *arg;
};

/*
 * Borrows base; copies path and ops. max_len: larger files are reported as
 * failed. Without inotify it looks every DEFDIR_POLL_MS.
 */
#define DEFDIR_POLL_MS 2000
struct defdir *defdir_new(struct event_base *base, const char *path,
    size_t max_len, const struct defdir_ops *ops);
void defdir_free(struct defdir *d);

/*
 * Look at everything now; callbacks run before it returns, in the order of
 * the names. The first call, needed to start, reports every file. It
 * tries again what could not be read. -ENOENT ... when the directory cannot be
 * read (failed() has told why); it will be taken up when it appears.
 */
int defdir_rescan(struct defdir *d);

/* Before the first: trust_check()'s other owner; none by default. */
void defdir_trust(struct defdir *d, uid_t owner);

/* "x.yaml"; neither ".x.yaml.swp" nor "x.yaml~" nor "4913" end so. */
bool defdir_is_definition(const char *name);
