// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/rights.h"

#include "registrar/lib/procfs.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 8
#define STEPS_MAX 256 /* on the way to one file, through all links */
#define LINK_LEN_MAX 4096

struct way {
	pid_t pid;
	struct proc_ids ids; /* of the process */
	unsigned steps;
	struct diag *reterr;
};

/* By the rule of kill(2): whom may a process of this user signal? */
static bool is_of(const struct proc_ids *ids, uid_t uid)
{
	return uid == 0 || uid == geteuid() || uid == ids->uid ||
	       uid == ids->saved_uid;
}

/* A group stands for its members, who are nobody's equals but their own. */
static bool is_of_group(const struct proc_ids *ids, gid_t gid)
{
	return gid == 0 || (ids->uid != 0 && ids->saved_uid != 0 &&
	                       (gid == ids->gid || gid == ids->saved_gid));
}

static int check_one(
    const struct way *w, const char *path, const struct stat *st)
{
	if (!is_of(&w->ids, st->st_uid)) {
		return diag_set(w->reterr, -EPERM,
		    "refused: pid %d belongs to user %u, but '%s', by which "
		    "it is named, to user %u",
		    (int)w->pid, (unsigned)w->ids.uid, path,
		    (unsigned)st->st_uid);
	}
	/* whoever may write to a sticky directory cannot replace a file */
	if (S_ISLNK(st->st_mode) ||
	    (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX)))
		return 0;
	if (!(st->st_mode & S_IWOTH) &&
	    (!(st->st_mode & S_IWGRP) || is_of_group(&w->ids, st->st_gid)))
		return 0;
	return diag_set(w->reterr, -EPERM,
	    "refused: pid %d belongs to user %u, but others may write to "
	    "'%s' (mode %04o), by which it is named",
	    (int)w->pid, (unsigned)w->ids.uid, path,
	    (unsigned)(st->st_mode & 07777));
}

static int cannot_look(const struct way *w, const char *path, int error)
{
	return diag_set(w->reterr, error,
	    "refused: cannot see who named pid %d: '%s': %s", (int)w->pid, path,
	    strerror(-error));
}

static int check_path(struct way *w, const char *path, unsigned links);

/* What the link at path[0 .. leaf_at) + leaf leads to. */
static int check_target(struct way *w, const char *path, unsigned links)
{
	const char *slash = strrchr(path, '/');
	char to[LINK_LEN_MAX];
	ssize_t n = readlink(path, to, sizeof(to) - 1);

	if (n < 0 || links == LINKS_MAX)
		return cannot_look(w, path, n < 0 ? -errno : -ELOOP);
	to[n] = '\0';
	scoped_free char *next =
	    to[0] == '/' || !slash
	        ? xstrdup(to)
	        : xasprintf("%.*s%s", (int)(slash + 1 - path), path, to);

	return check_path(w, next, links + 1);
}

static int check_step(struct way *w, const char *path, unsigned links)
{
	struct stat st;

	if (w->steps++ == STEPS_MAX)
		return cannot_look(w, path, -ELOOP);
	if (lstat(path, &st) < 0)
		return cannot_look(w, path, -errno);
	int error = check_one(w, path, &st);

	return error || !S_ISLNK(st.st_mode) ? error
	                                     : check_target(w, path, links);
}

/* Each directory, from the first one, then the file itself. */
static int check_path(struct way *w, const char *path, unsigned links)
{
	scoped_free char *part = xstrdup(path);
	int error = check_step(w, path[0] == '/' ? "/" : ".", links);

	for (char *at = part; !error && (at = strchr(at + 1, '/'));) {
		*at = '\0';
		error = check_step(w, part, links);
		*at = '/';
	}
	return error ? error : check_step(w, part, links);
}

int rights_check_named(const char *path, pid_t pid, struct diag *reterr)
{
	struct way w = { .pid = pid, .reterr = reterr };
	int error = proc_ids_read(pid, &w.ids);

	if (error == -ESRCH)
		return error;
	if (error) {
		return diag_set(reterr, error,
		    "refused: cannot see whose pid %d is: %s", (int)pid,
		    strerror(-error));
	}
	return check_path(&w, path, 0);
}
