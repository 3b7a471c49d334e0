// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * fetch - small files, read by a thread while the loop goes on (workers.h).
 *
 * One fetch is one job: all files of one run of a check, each of them once.
 * What they hold may be secret, and is wiped.
 */
#include <stddef.h>
#include <stdint.h>

struct fetch;
struct workers;

#define FETCH_FILES_MAX 32
#define FETCH_LEN_MAX 8192 /* octets of a file that are read, at most */

struct fetched {
	/* 0, -EINVAL: no regular file, or another -E.. of `call` */
	int error;
	const char *call; /* "open" or "read" */
	size_t len;       /* FETCH_LEN_MAX: there may be more */
	const char *text; /* NUL behind it */
	int64_t modified_wall_ms;
};

/* done(arg), from the loop. */
struct fetch *fetch_new(void (*done)(void *arg), void *arg);
/* No done() any more. NULL is ignored. */
void fetch_free(struct fetch *f);

/* Before fetch_begin(). More than FETCH_FILES_MAX are not read: -E2BIG. */
void fetch_add(struct fetch *f, const char *path);
/*
 * The same for what must read files itself: run(arg), in the thread, behind
 * the files. release(arg) when it has run or is not wanted. Once for each
 * fetch. path is where it reads.
 */
void fetch_add_work(struct fetch *f, const char *path, void (*run)(void *arg),
    void (*release)(void *arg), void *arg);
/* Files, and work. */
unsigned fetch_n(const struct fetch *f);
/* w NULL: done() comes before this returns. */
void fetch_begin(struct fetch *f, struct workers *w);

/* Behind done(). Of a path that was not added error is -E2BIG. */
struct fetched fetch_get(const struct fetch *f, const char *path);
/* The first of those that are being read; NULL: none is. */
const char *fetch_waits_for(const struct fetch *f);
