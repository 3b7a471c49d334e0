// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * defdir_files - private to defdir*.c: the files of the directory that are
 * known, which of them to look at and when, and what is reported of each.
 */
#include "registrar/lib/patient.h"
#include "registrar/watchdir/defdir.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/stat.h>

/* What tells one content of a file from another without reading it. */
struct identity {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

struct file {
	char *name;
	bool there;   /* was, when it was last looked at */
	bool unread;  /* it could not be read then */
	bool forced;  /* look again even if its identity is the same */
	bool doubted; /* it was empty: somebody may be writing it */
	bool queued;
	int64_t due_ms;    /* when queued */
	unsigned scan;     /* the last scan that saw it */
	struct look *look; /* that hangs; or NULL */
	struct identity id;
	TAILQ_ENTRY(file) link; /* when queued */
};

TAILQ_HEAD(file_queue, file);

/* What is gone or empty may be on its way back: how long to wait for it. */
#define DEFDIR_DOUBT_MS 200
/* What cannot be seen is looked at again: its target tells nothing. */
#define DEFDIR_UNSEEN_MS 500
/* No event tells of an edit of what a link leads to. */
#define DEFDIR_LINK_MS 2000
/*
 * A link may lead to a file system that hangs: so long it is waited for, and
 * so long while others hang. Then it cannot be seen until it answers.
 */
#define DEFDIR_PATIENCE_MS 1000
#define DEFDIR_PATIENCE_LEFT_MS 100
#define DEFDIR_HANGING_MAX 64

struct defdir_files {
	char *path;
	size_t max_len;
	uid_t owner; /* trust.h: of definitions, besides root and us */
	struct defdir_ops ops;
	struct patient *patient; /* for links; NULL: they are just read */
	void *tree;              /* of struct file, by name */
	struct file_queue queue; /* in the order of their first events */
	struct file **gone;      /* during a scan: those it did not see */
	unsigned gone_n, gone_max;
	unsigned scan; /* counts */
	bool away;     /* the directory is: nothing in it is removed */
	/*
	 * It holds no definition at all, though it did, or nobody knows: a
	 * file system that is not mounted, a redeploy. Nothing is removed.
	 */
	bool hollow;
	bool counted, any; /* of this turn: is there any on the disk? */
	unsigned there_n;  /* files that are there, as far as is known */
	bool told;         /* something was reported: `settled` is due */
	bool retry;        /* what could not be read last time, too */
};

struct identity identity_of(const struct stat *st);

/* Copies path and ops. */
void defdir_files_init(struct defdir_files *d, const char *path, size_t max_len,
    const struct defdir_ops *ops);
void defdir_files_release(struct defdir_files *d);

/* Never NULL: it may be one that nobody has looked at. */
struct file *defdir_files_get(struct defdir_files *d, const char *name);

/* name NULL: the directory itself. */
void defdir_files_error(
    struct defdir_files *d, const char *name, const char *why);

/* Says so once; nothing is removed from now on. */
void defdir_files_set_hollow(struct defdir_files *d);

/* Report what there is to say of f, which may be freed. */
void defdir_files_look(struct defdir_files *d, struct file *f, int64_t now_ms);

/* Look at f when due_ms has come; the last call counts. */
void defdir_files_enqueue(
    struct defdir_files *d, struct file *f, int64_t due_ms);
void defdir_files_look_due(struct defdir_files *d, int64_t now_ms);
/* INT64_MAX: nothing is queued. */
int64_t defdir_files_next_due_ms(const struct defdir_files *d);

/* Some file that is there was taken off the disk, and may be back. */
bool defdir_files_is_one_leaving(const struct defdir_files *d);

/* Queue all files that the scan numbered d->scan did not see. */
void defdir_files_queue_unseen(struct defdir_files *d, int64_t due_ms);
