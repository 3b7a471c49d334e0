// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zonestamp - the files that a zone was read from: opened below one directory
 * and nowhere else, and compared later with what is there.
 */
#include "schema/base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct zonestamp {
	char *path; /* below the directory */
	struct timespec changed, status_changed;
	off_t size;
	ino_t inode; /* 0: it was not there */
};

struct zonestamps {
	struct zonestamp *file; /* moves when one is added */
	unsigned n;
};

enum {
	/* Of one file, and of all that belong to a zone: 1 GiB. */
	STAMP_LEN_MAX = 1 << 30,
};

struct zonestamp *stamps_add(struct zonestamps *s, const char *path);
/* What is there now, though nothing could be read. */
void stamp_note(int dir_fd, struct zonestamp *s);
void stamps_release(struct zonestamps *s);

/* Is one of the files no longer what it was? */
bool stamps_are_stale(int dir_fd, const struct zonestamps *s);

/*
 * Was the file written to less than that long ago? It may not be whole yet.
 * A time that is to come, and a file that is not there, count as long ago.
 */
bool stamp_is_fresh(
    int dir_fd, const char *path, int64_t now_wall_ms, int64_t age_ms);

/*
 * The whole file at s->path, at most max octets, with room for one more; the
 * caller frees it. Links that lead out of the directory are refused too, and
 * what is no regular file. s tells what was found, also on failure.
 */
int stamp_read(int dir_fd, struct zonestamp *s, size_t max, char **ret_text,
    size_t *ret_len, struct diag *reterr);
