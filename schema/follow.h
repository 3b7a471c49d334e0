// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * follow - see what is committed to a registry, and what takes its place.
 *
 * Whoever commits to the file is noticed by inotify; since SQLite writes its
 * log before it publishes the log's index, a reader that is woken by the
 * write may still see the old state. More looks follow, after 0.1 ms and then
 * twice as long each time, in case the writer has lost its processor, fewer
 * once a change is found; one comes in any case every look_ms. A look that
 * finds nothing costs some microseconds.
 *
 * The file may not exist yet, be locked, damaged, deleted, replaced, or
 * overwritten in place by another or by a copy of itself, older or newer. What
 * is open stays open, and can be read, until something else can be opened at
 * the path. Whether what a reader has read is still the past of what is there
 * is decided by the identity of the file, of the registry in it, and of its
 * newest change (registry_mark), never by a number alone.
 *
 * There is one struct follow for a file and a thread, and one struct
 * follow_place for each of its readers. No event loop inside: poll follow_fd()
 * and call follow_look() when follow_due_us() has come. Times are monotonic
 * microseconds.
 */
#include "schema/registry.h"

struct follow;

/* Copies path. Never NULL; nothing is looked at yet. */
struct follow *follow_new(
    const char *path, enum registry_access access, unsigned look_ms);
void follow_free(struct follow *f);

/* ---- when to look ----------------------------------------------------- */

/* Readable: call follow_notice(). -1: there is no inotify. */
int follow_fd(const struct follow *f);
/* Takes up what was noticed; a look may be due then. */
void follow_notice(struct follow *f, int64_t now_us);
int64_t follow_due_us(const struct follow *f);
/* A look is due, at the file, too. */
void follow_hurry(struct follow *f);

/* ---- the file --------------------------------------------------------- */

/*
 * Opens what stands at the path, if need be and it is time to. 0: it is open.
 * Else it is not, and this is why: the same again until it is mended or
 * another trouble takes its place; what was open before may still be read.
 */
int follow_look(struct follow *f, int64_t now_us, struct diag *reterr);

/* Borrowed until the next look; NULL: nothing is open. */
struct registry *follow_registry(const struct follow *f);

/*
 * Reading failed, or writing: closes what is open unless it was only locked
 * (-EBUSY), for the next look to open it again. A reader then reads everything;
 * one that writes knows what it wrote, so to it this is the same file still, if
 * it is.
 */
void follow_failed(struct follow *f, int error);

/*
 * Calls fn with what is open before something else takes its place, so that
 * it can be read a last time.
 */
void follow_on_leaving(
    struct follow *f, void (*fn)(void *arg, struct registry *r), void *arg);

/* ---- a reader --------------------------------------------------------- */

/* What a reader has read. All zero: nothing; to read everything again. */
struct follow_place {
	int64_t revision; /* the changes up to this one are taken */
	/* private: the newest state that any of it was read at */
	struct registry_mark seen;
	unsigned opening, failure; /* of which file */
};

/* Is it behind what is open? 1: yes, 0: no, -errno; -EAGAIN: none is open. */
int follow_is_behind(
    struct follow *f, const struct follow_place *p, struct diag *reterr);

/*
 * Begins a short read transaction, with registry_*() on follow_registry();
 * what is read in it is of one moment. -ESTALE: what p has read is not the
 * past of this; set p to zero and read everything. A p that is zero is set to
 * the present.
 */
int follow_begin(struct follow *f, struct follow_place *p, struct diag *reterr);
void follow_end(struct follow *f);

/* Takes up services, each as of one moment; must not use f. */
struct follow_reader {
	/* All there are come now; those that do not were before. */
	void (*all)(void *arg);
	void (*all_done)(void *arg);
	struct registry_visitor visitor;
	/* It was changed, and is not there any more. */
	void (*gone)(void *arg, const char *zone, const char *service);
	/* Some were read, the last in a while; p->revision has moved. */
	void (*pause)(void *arg, int64_t revision);
	void *arg;
};

/*
 * Reads what p is behind by, in pages of a thousand services or batches of
 * some hundred changes. An error leaves p behind the last batch.
 */
int follow_read(struct follow *f, struct follow_place *p,
    const struct follow_reader *reader, struct diag *reterr);

/* One service again, outside of follow_begin(). */
int follow_read_service(struct follow *f, struct follow_place *p,
    const char *zone, const char *service, const struct follow_reader *reader,
    struct diag *reterr);

/*
 * The services that p is behind by, each once for each batch, not their rows.
 * -ESTALE: all; p is at the present then.
 */
int follow_changes(struct follow *f, struct follow_place *p,
    void (*fn)(void *arg, const char *zone, const char *service), void *arg,
    struct diag *reterr);
