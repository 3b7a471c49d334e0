// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zonereader - a thread that reads the zone files of a directory.
 *
 * It notices by inotify that something happened, finds out by stat(2) which
 * files are concerned, and reads those; whoever publishes is not held up,
 * however large a file is. What it finds is news, in the order of a look:
 * files that are away or gone, files that were read, well or not, the end.
 * Everything here but the thread is the control thread's.
 */
#include "dnsd/zonefile/zonefile.h"
#include "schema/base/diag.h"

#include <stdint.h>

struct zone_image;
struct zonereader;

enum zonenews_kind {
	ZONENEWS_AWAY,    /* the file is not there; it may come back */
	ZONENEWS_BACK,    /* it was away and is there, not read yet */
	ZONENEWS_GONE,    /* it was away for so long that it is gone */
	ZONENEWS_LOADED,  /* image and apex are its new version */
	ZONENEWS_WRONG,   /* text says where and why */
	ZONENEWS_TROUBLE, /* the directory: text says what, if error */
	ZONENEWS_DONE,    /* of one look; text if not all can be watched */
};

struct zonenews {
	struct zonenews *next;
	enum zonenews_kind kind;
	char *file;        /* NULL: of none */
	struct dname apex; /* hashed */
	struct zone_image *image;
	struct zonefile_notes notes;
	int64_t took_ms; /* to read it */
	int error;       /* 0 or -E.. */
	struct diag diag;
};

/*
 * Looks at once, then whenever something changes. Borrows the path. Images
 * are hashed with the seed. Never NULL.
 */
struct zonereader *zonereader_new(const char *directory, uint64_t seed);
/* A file being read is read to its end. NULL is ignored. */
void zonereader_free(struct zonereader *r);

/* Readable while there are news. */
int zonereader_fd(const struct zonereader *r);
/* The oldest, the caller's to free; NULL: none for now. */
struct zonenews *zonereader_take(struct zonereader *r);
/* The same, but waits for it. */
struct zonenews *zonereader_wait(struct zonereader *r);
void zonenews_free(struct zonenews *n);
/* A line for each of them. */
void zonefile_notes_log(const struct zonefile_notes *n, const char *file);
/* Of LOADED; before: what there was of the zone, NULL: nothing. */
void zonenews_log(const struct zonenews *n, const char *file,
    const struct zone_image *before);

/* Looks at every file now; for SIGHUP. */
void zonereader_look(struct zonereader *r);
