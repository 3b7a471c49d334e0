// SPDX-License-Identifier: BSD-2-Clause
/*
 * The layout is that of https://www.sqlite.org/walformat.html, section 2; it is
 * not to change, since programs of different versions share it.
 */
#include "schema/walindex.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	REGION = 32768,  /* octets that are mapped at a time */
	HASH_AT = 16384, /* in each of them: slots, of two octets */
	SLOTS_N = 8192,
	PAGES_N = 4096,       /* numbers of pages before them, of four octets */
	FIRST_PAGES_N = 4062, /* in the first one, behind the header */
	FIRST_PAGES_AT = 136,
	COPY = 48, /* octets of each of the two copies of the header */
	WRITE_LOCK = 0,
	PAUSE_MS = 5,
};

struct header {
	uint32_t version, unused, change_n;
	uint8_t is_init, is_big_endian;
	uint16_t page_size;
	uint32_t frame_n, page_n;
	uint32_t rest[6];
};
_Static_assert(sizeof(struct header) == COPY, "as SQLite has it");

struct index {
	sqlite3_file *file;
	volatile uint8_t *first; /* region; NULL: there is none */
};

/*
 * One after another: they are mapped for good, if need be to be read alone.
 * NULL: it is not there.
 */
static volatile uint8_t *region(sqlite3_file *file, unsigned n, bool make)
{
	void volatile *p = NULL;
	int rc = file->pMethods->xShmMap(file, (int)n, REGION, make, &p);

	return rc == SQLITE_OK || rc == SQLITE_READONLY ? p : NULL;
}

static void copy_out(void *to, const volatile uint8_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)to)[i] = from[i];
}

/* False: SQLite will see by itself that it is none. */
static bool read_header(const volatile uint8_t *at, struct header *ret_h)
{
	struct header second;

	copy_out(ret_h, at, COPY);
	copy_out(&second, at + COPY, COPY);
	return ret_h->is_init && !memcmp(ret_h, &second, COPY);
}

static bool has_frames(const volatile uint8_t *at, unsigned first, unsigned n)
{
	const volatile uint32_t *page = (const volatile void *)(at + first);
	const volatile uint16_t *slot = (const volatile void *)(at + HASH_AT);
	unsigned used = 0;

	for (unsigned i = 0; i < n; i++) {
		if (!page[i])
			return false;
	}
	for (unsigned i = 0; i < SLOTS_N; i++)
		used += slot[i] != 0;
	return used >= n;
}

/* Are all frames of the log in it? */
static bool holds_all(const struct index *x, const struct header *h)
{
	unsigned left = h->frame_n, room = FIRST_PAGES_N;
	unsigned at = FIRST_PAGES_AT;

	for (unsigned k = 0; left; k++) {
		const volatile uint8_t *p =
		    k ? region(x->file, k, false) : x->first;
		unsigned n = left < room ? left : room;

		if (!p || !has_frames(p, at, n))
			return false;
		left -= n;
		room = PAGES_N;
		at = 0;
	}
	return true;
}

/* A writer that begins the log anew changes the header first. */
static bool is_cut(const struct index *x)
{
	struct header before, after;

	return x->first && read_header(x->first, &before) &&
	       !holds_all(x, &before) && read_header(x->first, &after) &&
	       !memcmp(&before, &after, COPY);
}

/* Nobody may be about to write the header. */
static int wipe(const struct index *x, int busy_ms)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	const sqlite3_io_methods *m = x->file->pMethods;

	while (m->xShmLock(x->file, WRITE_LOCK, 1,
	           SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE) != SQLITE_OK) {
		if (busy_ms <= 0)
			return -EBUSY;
		busy_ms -= PAUSE_MS;
		nanosleep(&pause, NULL);
	}
	if (is_cut(x)) {
		for (unsigned i = 0; i < 2 * COPY; i++)
			x->first[i] = 0;
	}
	(void)m->xShmLock(
	    x->file, WRITE_LOCK, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
	return 0;
}

static int mend(const struct index *x, int busy_ms, struct diag *reterr)
{
	void volatile *p = NULL;

	if (!is_cut(x))
		return 0;
	/* of a file that we may only read it is mapped so */
	if (x->file->pMethods->xShmMap(x->file, 0, REGION, 0, &p) !=
	    SQLITE_OK) {
		return diag_set(reterr, -EUCLEAN,
		    "the index of its log was cut short, and we may not mend "
		    "it");
	}
	int error = wipe(x, busy_ms);
	return error < 0 ? diag_set(reterr, error, "database is locked") : 0;
}

int walindex_mend(
    sqlite3 *db, const char *path, int busy_ms, struct diag *reterr)
{
	scoped_free char *shm = xasprintf("%s-shm", path);
	struct index x = { 0 };
	struct stat st;
	int error = 0;

	if (stat(shm, &st) < 0 || !st.st_size)
		return 0;
	(void)sqlite3_file_control(
	    db, "main", SQLITE_FCNTL_FILE_POINTER, (void *)&x.file);
	if (!x.file || !x.file->pMethods || x.file->pMethods->iVersion < 2)
		return 0;
	/* as SQLite does: whoever removes the files locks the database */
	if (x.file->pMethods->xLock(x.file, SQLITE_LOCK_SHARED) != SQLITE_OK)
		return 0;
	x.first = region(x.file, 0, true);
	error = mend(&x, busy_ms, reterr);
	(void)x.file->pMethods->xShmUnmap(x.file, 0);
	(void)x.file->pMethods->xUnlock(x.file, SQLITE_LOCK_NONE);
	return error;
}
