// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is looked at is every file, by what stat(2) tells of it and of what it
 * includes: a few microseconds a file, and right whichever way it was written.
 * Events are collected for a moment, so that a set of files that is copied in
 * comes as one. A look every ten seconds finds what inotify does not tell,
 * such as what a link leads to.
 *
 * A file that was written to a moment ago may not be whole: it is left for the
 * next look, as is one that changed while it was read. The first look takes
 * what is there.
 *
 * A file that is not there is away at first: editors move the old version
 * aside before they write the new one, and a file that was renamed has to be
 * read under its new name before its zone is given up. It is gone when it was
 * away for a while and no other file was left for later; files that are
 * written to without end hold that up for some seconds only.
 *
 * A directory that has been replaced by an empty one is taken for a file system
 * that is not mounted: nothing is gone.
 */
#include "dnsd/zonefile/zonereader.h"

#include "dnsd/message/data/zone_image.h"
#include "dnsd/zonefile/zonefile.h"
#include "dnsd/zonefile/zonelist.h"
#include "dnsd/zonefile/zonewatch.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SETTLE_MS = 20,     /* after an event */
	FRESH_MS = 50,      /* may not be whole yet */
	AWAY_MS = 500,      /* until it is gone */
	AWAY_MAX_MS = 5000, /* the same, whatever other files do */
	SAFETY_LOOK_MS = 10000,
	NICE = 10, /* answers come first */
};

/* A file that is there, as it was read last. */
struct seen {
	char *file;
	struct zonestamps stamps; /* none: not read yet */
	bool is_there;
	int64_t away_since_ms; /* monotonic; 0: it was there */
};

struct zonereader {
	const char *directory;
	uint64_t seed;
	pthread_t thread;
	atomic_bool ending;
	int wake_fd; /* the thread shall look */
	int news_fd; /* there are news */
	pthread_mutex_t lock;
	pthread_cond_t arrived;
	struct zonenews *first, *last; /* under the lock */
	/* the thread's own */
	int dir_fd;              /* -1: not open */
	struct zonewatch *watch; /* NULL: no inotify */
	struct stat dir;         /* where the files were seen */
	int trouble;             /* with the directory, as told last */
	struct seen *seen;       /* by file */
	unsigned seen_n;
	bool has_looked;
	bool is_unsettled; /* files were left for the next look */
	bool has_away;     /* some of seen are */
};

/* ---- news ------------------------------------------------------------- */

void zonenews_free(struct zonenews *n)
{
	if (!n)
		return;
	zone_image_free(n->image);
	free(n->file);
	free(n);
}

void zonefile_notes_log(const struct zonefile_notes *n, const char *file)
{
	if (n->outside_n) {
		log_warn("zone file %s; records outside the zone are left "
		         "out: %u",
		    n->outside.text, n->outside_n);
	}
	if (n->is_signed) {
		log_warn("zone file %s: found signatures, which no answer "
		         "is sent with: DNSSEC is not supported",
		    file);
	}
}

void zonenews_log(
    const struct zonenews *n, const char *file, const struct zone_image *before)
{
	const struct zone_image *m = n->image;
	char text[DNAME_TEXT_MAX];

	dname_to_text(n->apex.lower, text);
	log_info("zone '%s' loaded file=%s serial=%u records=%u octets=%zu "
	         "ms=%lld",
	    text, file, m->serial, m->rr_n, m->len, (long long)n->took_ms);
	zonefile_notes_log(&n->notes, file);
	if (before &&
	    (int32_t)(m->serial - before->serial) < 0) { /* RFC 1982 */
		log_warn("zone '%s': serial %u went back from %u", text,
		    m->serial, before->serial);
	}
}

static void signal_fd(int fd)
{
	uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof(one));

	(void)n; /* full: it is readable already */
}

static void clear_fd(int fd)
{
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof(count));

	(void)n; /* empty is as good */
}

static struct zonenews *make_news(enum zonenews_kind kind, const char *file)
{
	struct zonenews *n = xcalloc(1, sizeof(*n));

	n->kind = kind;
	n->file = file ? xstrdup(file) : NULL;
	return n;
}

static void tell(struct zonereader *r, struct zonenews *n)
{
	pthread_mutex_lock(&r->lock);
	if (r->last) {
		r->last->next = n;
	} else {
		r->first = n;
	}
	r->last = n;
	signal_fd(r->news_fd);
	pthread_cond_signal(&r->arrived);
	pthread_mutex_unlock(&r->lock);
}

/* Under the lock. */
static struct zonenews *take(struct zonereader *r)
{
	struct zonenews *n = r->first;

	if (n) {
		r->first = n->next;
		n->next = NULL;
	}
	if (!r->first) {
		r->last = NULL;
		clear_fd(r->news_fd);
	}
	return n;
}

struct zonenews *zonereader_take(struct zonereader *r)
{
	pthread_mutex_lock(&r->lock);
	struct zonenews *n = take(r);
	pthread_mutex_unlock(&r->lock);
	return n;
}

struct zonenews *zonereader_wait(struct zonereader *r)
{
	pthread_mutex_lock(&r->lock);
	while (!r->first)
		pthread_cond_wait(&r->arrived, &r->lock);
	struct zonenews *n = take(r);
	pthread_mutex_unlock(&r->lock);
	return n;
}

int zonereader_fd(const struct zonereader *r)
{
	return r->news_fd;
}

/* ---- one file --------------------------------------------------------- */

static void load(struct zonereader *r, struct seen *s)
{
	int64_t start_ms = clock_mono_ms();
	struct zonenews *n = make_news(ZONENEWS_LOADED, s->file);
	struct zonefile z;
	int error = zonefile_load(r->dir_fd, s->file, r->seed, &z, &n->diag);

	if (r->has_looked && stamps_are_stale(r->dir_fd, &z.stamps)) {
		r->is_unsettled = true;
		zonefile_release(&z);
		zonenews_free(n);
		return;
	}
	stamps_release(&s->stamps);
	s->stamps = z.stamps;
	if (error)
		n->kind = ZONENEWS_WRONG;
	n->error = error;
	n->apex = z.apex;
	n->image = z.image;
	n->notes = z.notes;
	n->took_ms = clock_mono_ms() - start_ms;
	r->is_unsettled |= s->stamps.n > 1; /* where those lie, see look() */
	tell(r, n);
}

/* Was one of its files written to a moment ago? */
static bool is_fresh(const struct zonereader *r, const struct seen *s)
{
	int64_t now_wall_ms = clock_wall_ms();

	if (stamp_is_fresh(r->dir_fd, s->file, now_wall_ms, FRESH_MS))
		return true;
	for (unsigned i = 1; i < s->stamps.n; i++) {
		if (stamp_is_fresh(r->dir_fd, s->stamps.file[i].path,
		        now_wall_ms, FRESH_MS))
			return true;
	}
	return false;
}

static void look_at(struct zonereader *r, struct seen *s)
{
	if (s->stamps.n && !stamps_are_stale(r->dir_fd, &s->stamps))
		return;
	if (r->has_looked && is_fresh(r, s)) {
		r->is_unsettled = true;
		return;
	}
	load(r, s);
}

/* ---- all files -------------------------------------------------------- */

static int by_file(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return strcmp(x->file, y->file);
}

/* Files that are new go behind the sorted ones. */
static void note_file(struct zonereader *r, const char *file, unsigned sorted_n)
{
	struct seen key = { .file = xstrdup(file), .is_there = true };
	struct seen *s =
	    sorted_n ? bsearch(&key, r->seen, sorted_n, sizeof(key), by_file)
	             : NULL;

	if (s) {
		if (s->away_since_ms)
			tell(r, make_news(ZONENEWS_BACK, file));
		s->is_there = true;
		s->away_since_ms = 0;
		free(key.file);
		return;
	}
	r->seen = xreallocarray(r->seen, r->seen_n + 1, sizeof(key));
	r->seen[r->seen_n++] = key;
}

/* One that is not there; others_wait: files were left by the look before. */
static bool is_gone(const struct seen *s, int64_t now_ms, bool others_wait)
{
	return s->away_since_ms && now_ms - s->away_since_ms >=
	                               (others_wait ? AWAY_MAX_MS : AWAY_MS);
}

static void drop_missing(struct zonereader *r, bool others_wait)
{
	int64_t now_ms = clock_mono_ms();
	unsigned n = 0;

	r->has_away = false;
	for (unsigned i = 0; i < r->seen_n; i++) {
		struct seen *s = &r->seen[i];

		if (!s->is_there && is_gone(s, now_ms, others_wait)) {
			tell(r, make_news(ZONENEWS_GONE, s->file));
			stamps_release(&s->stamps);
			free(s->file);
			continue;
		}
		if (!s->is_there && !s->away_since_ms) {
			tell(r, make_news(ZONENEWS_AWAY, s->file));
			s->away_since_ms = now_ms;
		}
		r->has_away |= !s->is_there;
		r->seen[n++] = *s;
	}
	r->seen_n = n;
}

static int open_directory(struct zonereader *r, struct stat *ret_st)
{
	if (r->dir_fd >= 0)
		close(r->dir_fd);
	r->dir_fd = open(r->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r->dir_fd < 0 || fstat(r->dir_fd, ret_st) < 0 ? -errno : 0;
}

/* Nothing of what was there is, nor is the directory that it was in. */
static bool is_away(const struct zonereader *r, const struct stat *st)
{
	return r->seen_n &&
	       (st->st_dev != r->dir.st_dev || st->st_ino != r->dir.st_ino);
}

static int list(struct zonereader *r, bool others_wait, struct diag *reterr)
{
	unsigned sorted_n = r->seen_n;
	struct zonelist l;
	struct stat st = { 0 };
	int error = open_directory(r, &st);

	if (!error)
		error = zonelist_read(&l, r->dir_fd);
	if (error)
		return diag_set(reterr, error, "%s", strerror(-error));
	if (!l.n && is_away(r, &st)) {
		zonelist_release(&l);
		return diag_set(reterr, -ENODATA,
		    "it is another directory than before, without zone files");
	}
	r->dir = st;
	for (unsigned i = 0; i < sorted_n; i++)
		r->seen[i].is_there = false;
	for (unsigned i = 0; i < l.n; i++)
		note_file(r, l.file[i], sorted_n);
	zonelist_release(&l);
	drop_missing(r, others_wait);
	if (r->seen_n)
		qsort(r->seen, r->seen_n, sizeof(*r->seen), by_file);
	return 0;
}

/* ---- what to watch ---------------------------------------------------- */

static int watch(struct zonereader *r, struct diag *reterr)
{
	if (!r->watch)
		return diag_set(reterr, -ENOSYS, "no inotify");
	zonewatch_begin(r->watch);
	zonewatch_want(r->watch, "");
	for (unsigned i = 0; i < r->seen_n; i++) {
		const struct zonestamps *s = &r->seen[i].stamps;

		for (unsigned k = 1; k < s->n; k++)
			zonewatch_want(r->watch, s->file[k].path);
	}
	return zonewatch_end(r->watch, reterr);
}

/* ---- the thread ------------------------------------------------------- */

static void complain(struct zonereader *r, int error, const struct diag *diag)
{
	if (error == r->trouble)
		return;
	r->trouble = error;
	struct zonenews *n = make_news(ZONENEWS_TROUBLE, NULL);
	n->error = error;
	if (error)
		n->diag = *diag;
	tell(r, n);
}

/*
 * Directories are watched before files are looked at, so that nothing falls
 * in between; those of includes that were read just now get a second look.
 */
static void look(struct zonereader *r)
{
	struct zonenews *done = make_news(ZONENEWS_DONE, NULL);
	bool others_wait = r->is_unsettled;
	struct diag diag;

	r->is_unsettled = false;
	done->error = watch(r, &done->diag);
	int error = list(r, others_wait, &diag);
	complain(r, error, &diag);
	for (unsigned i = 0; !error && i < r->seen_n; i++) {
		if (atomic_load(&r->ending))
			break;
		if (r->seen[i].is_there)
			look_at(r, &r->seen[i]);
	}
	r->has_looked = true;
	tell(r, done);
}

/* Until something happens, or is due. */
static void pause_thread(struct zonereader *r)
{
	struct pollfd fds[] = {
		{ .fd = r->wake_fd, .events = POLLIN },
		{ .fd = r->watch ? zonewatch_fd(r->watch) : -1,
		    .events = POLLIN },
	};

	(void)poll(
	    fds, 2, r->is_unsettled || r->has_away ? FRESH_MS : SAFETY_LOOK_MS);
	if (fds[1].revents) {
		(void)poll(fds, 1, SETTLE_MS);
		zonewatch_drain(r->watch);
	}
	if (fds[0].revents)
		clear_fd(r->wake_fd);
}

static void *run(void *arg)
{
	struct zonereader *r = arg;

	look(r);
	/* of this thread; nothing is answered before the first look */
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	while (!atomic_load(&r->ending)) {
		pause_thread(r);
		look(r);
	}
	return NULL;
}

void zonereader_look(struct zonereader *r)
{
	signal_fd(r->wake_fd);
}

/* ---- life ------------------------------------------------------------- */

/* Signals are the control thread's. */
static void start(struct zonereader *r)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&r->thread, NULL, run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		abort();
}

struct zonereader *zonereader_new(const char *directory, uint64_t seed)
{
	struct zonereader *r = xcalloc(1, sizeof(*r));

	r->directory = directory;
	r->seed = seed;
	r->dir_fd = -1;
	r->watch = zonewatch_new(directory);
	r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	r->news_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (r->wake_fd < 0 || r->news_fd < 0)
		abort();
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->arrived, NULL);
	start(r);
	return r;
}

void zonereader_free(struct zonereader *r)
{
	if (!r)
		return;
	atomic_store(&r->ending, true);
	zonereader_look(r);
	pthread_join(r->thread, NULL);
	for (struct zonenews *n = r->first, *next; n; n = next) {
		next = n->next;
		zonenews_free(n);
	}
	for (unsigned i = 0; i < r->seen_n; i++) {
		stamps_release(&r->seen[i].stamps);
		free(r->seen[i].file);
	}
	free(r->seen);
	zonewatch_free(r->watch);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->arrived);
	close(r->wake_fd);
	close(r->news_fd);
	if (r->dir_fd >= 0)
		close(r->dir_fd);
	free(r);
}
