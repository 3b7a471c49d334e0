// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * follow_impl - private to follow*.c.
 *
 *	follow.c       the file, and when to look
 *	follow_read.c  what its readers have read
 */
#include "schema/follow.h"

#include <sys/stat.h>

enum {
	FOLLOW_BATCH = 512, /* changes taken up in one go */
	FOLLOW_ZONE_MAX = 256,
	FOLLOW_LABEL_MAX = 64,
};

struct follow_change {
	char zone[FOLLOW_ZONE_MAX];
	char service[FOLLOW_LABEL_MAX];
};

struct follow {
	char *path, *directory, *file; /* and the parts of path */
	char *wal, *shm;               /* its log, and the index of that */
	enum registry_access access;
	unsigned look_ms;
	/* what is open */
	struct registry *registry;  /* NULL: nothing */
	struct stat stat;           /* of the file */
	ino_t wal_inode, shm_inode; /* of its log; 0: there is none */
	char id[33];                /* of the registry in it */
	unsigned opening;           /* counts files; 0: none was open yet */
	unsigned failure;           /* counts follow_failed() */
	/* why it is not what stands at the path */
	int trouble;
	struct diag why;
	/* when to look */
	int notify_fd;         /* -1: no inotify */
	int watch;             /* of the directory; -1: it is not there */
	unsigned looked_again; /* since the last notification */
	int64_t again_at_us, check_at_us, retry_at_us, compare_at_us;
	void (*leaving)(void *arg, struct registry *r);
	void *leaving_arg;
	struct follow_change change[FOLLOW_BATCH]; /* of the batch being read */
	unsigned change_n;
};

/* There is news: what was announced is likely this. */
void follow_found(struct follow *f);
