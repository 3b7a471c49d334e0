// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * backup_impl - private to backup.c and restore.c.
 */
#include "schema/backup.h"
#include "schema/stmt.h"

/* A file that is being made, and the lock on it. */
struct aside {
	char *path; /* FILE.tmp */
	int fd;
	bool is_placed; /* it was renamed */
};

/* Makes FILE.tmp anew; -EBUSY: another process is making it. */
int aside_make(struct aside *a, const char *file, struct diag *reterr);
/* Removes it, and what SQLite put beside it, unless it was renamed. */
void aside_release(struct aside *a);

/* The files of SQLite beside a database: -wal, -shm, -journal. */
#define COMPANIONS_N 3
extern const char *const companions[COMPANIONS_N];
void companions_remove(const char *path);

/* All pages of one of the two, both of which are open, into the other. */
int backup_pages(
    struct registry *live, sqlite3 *from, sqlite3 *to, struct diag *reterr);
/* All pages of a registry into an empty file, and all of these checked. */
int backup_copy(struct registry *r, const char *to, struct diag *reterr);
/* Makes the log of a database part of it, and removes the log. */
int backup_fold(const char *path, const char *mode, struct diag *reterr);
int backup_read_state(
    struct registry *r, struct backup_state *ret_state, struct diag *reterr);
int backup_sync(const char *file, int fd, struct diag *reterr);
