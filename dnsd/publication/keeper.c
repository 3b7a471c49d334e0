// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/publication/keeper.h"

#include "dnsd/message/data/catalog.h"
#include "dnsd/publication/publication.h"
#include "dnsd/publication/serials.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/rng.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	/* A step each 50 ms for so long that a slow disk is no matter. */
	AHEAD = 1000,
	REFILL = AHEAD / 2,
	FIRST_WAIT_S = 2,
	RETRY_MS = 10000,
};

/* Writes what it is given last; shared with the thread. */
struct writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const char *directory;
	uint64_t name;
	struct serials next; /* to be written; empty: nothing is */
	bool is_busy, is_ending;
	unsigned done_n; /* files written, or not */
	int error;       /* of the last one */
	struct diag diag;
};

struct keeper {
	struct publication *publication;
	struct catalog *catalog;
	struct event *due;
	struct event *retry;
	struct writer writer;
	uint32_t *most;  /* that is kept, or soon is, of each zone */
	unsigned told_n; /* of writer.done_n */
	bool has_trouble, has_begun;
};

/* ---- the thread ------------------------------------------------------- */

static void write_next(struct writer *w)
{
	struct serials s = w->next;
	struct diag diag;

	w->next = (struct serials){ 0 };
	w->is_busy = true;
	(void)pthread_mutex_unlock(&w->lock);
	int error = serials_write(w->directory, &s, w->name, &diag);
	serials_release(&s);
	(void)pthread_mutex_lock(&w->lock);
	w->is_busy = false;
	w->error = error;
	w->diag = diag;
	w->done_n++;
	(void)pthread_cond_broadcast(&w->changed);
}

static void *run_writer(void *arg)
{
	struct writer *w = arg;

	(void)pthread_mutex_lock(&w->lock);
	for (;;) {
		if (w->next.n) {
			write_next(w);
		} else if (w->is_ending) {
			break;
		} else {
			(void)pthread_cond_wait(&w->changed, &w->lock);
		}
	}
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void writer_start(struct writer *w, const char *directory)
{
	pthread_condattr_t attr;
	struct rng rng;

	rng_seed(&rng);
	w->name = (uint64_t)rng_u32(&rng) << 32 | rng_u32(&rng);
	w->directory = directory;
	if (pthread_mutex_init(&w->lock, NULL) ||
	    pthread_condattr_init(&attr) ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) ||
	    pthread_cond_init(&w->changed, &attr) ||
	    pthread_create(&w->thread, NULL, run_writer, w))
		abort();
	(void)pthread_condattr_destroy(&attr);
}

/* Consumes s. */
static void writer_put(struct writer *w, struct serials s)
{
	(void)pthread_mutex_lock(&w->lock);
	serials_release(&w->next);
	w->next = s;
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
}

static void writer_wait(struct writer *w, time_t at_most_s)
{
	struct timespec until;
	int error = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += at_most_s;
	(void)pthread_mutex_lock(&w->lock);
	while ((w->next.n || w->is_busy) && !error)
		error = pthread_cond_timedwait(&w->changed, &w->lock, &until);
	(void)pthread_mutex_unlock(&w->lock);
}

/* Writes what it still has. */
static void writer_end(struct writer *w)
{
	(void)pthread_mutex_lock(&w->lock);
	w->is_ending = true;
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
}

static void writer_release(struct writer *w)
{
	(void)pthread_cond_destroy(&w->changed);
	(void)pthread_mutex_destroy(&w->lock);
	serials_release(&w->next);
}

/* ---- what is kept ----------------------------------------------------- */

static uint32_t serial_of(const struct keeper *k, unsigned i)
{
	return atomic_load(&publication_zone(k->publication, i)->serial);
}

static bool is_near(const struct keeper *k)
{
	for (unsigned i = 0; i < publication_n(k->publication); i++) {
		if (!serial_is_ahead(serial_of(k, i) + REFILL, k->most[i]))
			return true;
	}
	return false;
}

static void keep_ahead(struct keeper *k)
{
	struct serials s = { 0 };

	for (unsigned i = 0; i < publication_n(k->publication); i++) {
		struct serials_item item = {
			.zone = publication_zone(k->publication, i)->name,
			.writer = k->writer.name,
		};

		k->most[i] = serial_of(k, i) + AHEAD;
		item.kept.serial = k->most[i];
		serials_add(&s, &item);
	}
	writer_put(&k->writer, s);
}

static void keep_exact(struct keeper *k)
{
	struct serials s = { 0 };

	publication_end(k->publication);
	for (unsigned i = 0; i < publication_n(k->publication); i++) {
		struct serials_item item = {
			.zone = publication_zone(k->publication, i)->name,
			.kept = publication_kept(k->publication, i),
		};

		serials_add(&s, &item);
	}
	writer_put(&k->writer, s);
}

static void start(struct event *e, int64_t ms)
{
	struct timeval t = { .tv_sec = ms / 1000,
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(e, &t);
}

/* One line for trouble, one when it is over; while there is some, again. */
static void look_after_writer(struct keeper *k)
{
	struct writer *w = &k->writer;
	struct diag diag = { "" };
	int error = 0;

	(void)pthread_mutex_lock(&w->lock);
	bool news = w->done_n != k->told_n;
	k->told_n = w->done_n;
	if (w->error) {
		error = w->error;
		diag = w->diag;
	}
	(void)pthread_mutex_unlock(&w->lock);
	if (!news)
		return;
	if (error && !k->has_trouble) {
		log_warn("%s; serials are not kept: they go on, but may go "
		         "back at the next start",
		    diag.text);
	}
	if (!error && k->has_trouble)
		log_info("serials are kept again");
	k->has_trouble = error != 0;
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;

	(void)fd;
	(void)what;
	look_after_writer(k);
	if (k->has_trouble)
		keep_ahead(k);
	start(k->retry, RETRY_MS);
}

/* ---- steps ------------------------------------------------------------ */

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;

	(void)fd;
	(void)what;
	if (!k->has_begun)
		return;
	int64_t wait_ms = publication_step(k->publication, clock_mono_ms());
	if (wait_ms >= 0)
		start(k->due, wait_ms);
	if (is_near(k))
		keep_ahead(k);
}

/* When what changes now has changed wholly: others call back later. */
static void on_wake(void *arg)
{
	struct keeper *k = arg;

	if (!k->has_begun || event_pending(k->due, EV_TIMEOUT, NULL))
		return;
	start(k->due, 0);
}

/* ---- life ------------------------------------------------------------- */

static void restore(struct keeper *k, const char *directory)
{
	struct serials s = { 0 };
	struct diag diag;
	int error = serials_read(directory, &s, &diag);

	if (error && error != -ENOENT) {
		log_warn("%s; serials begin with those of the zones' files "
		         "plus the registry's revision",
		    diag.text);
	}
	for (unsigned i = 0; i < s.n; i++) {
		publication_restore(
		    k->publication, &s.item[i].zone, &s.item[i].kept);
	}
	serials_release(&s);
}

struct keeper *keeper_new(
    struct event_base *base, struct catalog *c, const char *directory)
{
	struct keeper *k = xcalloc(1, sizeof(*k));

	k->catalog = c;
	k->due = evtimer_new(base, on_due, k);
	k->retry = evtimer_new(base, on_retry, k);
	k->publication = publication_new(c, on_wake, k);
	k->most = xcalloc(publication_n(k->publication) + 1, sizeof(*k->most));
	restore(k, directory);
	writer_start(&k->writer, directory);
	return k;
}

void keeper_begin(struct keeper *k)
{
	publication_begin(k->publication, clock_mono_ms());
	k->has_begun = true;
	if (!publication_n(k->publication))
		return;
	keep_ahead(k);
	writer_wait(&k->writer, FIRST_WAIT_S);
	look_after_writer(k);
	start(k->retry, RETRY_MS);
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	event_free(k->due);
	event_free(k->retry);
	if (k->has_begun)
		keep_exact(k);
	writer_end(&k->writer);
	look_after_writer(k);
	writer_release(&k->writer);
	publication_free(k->publication);
	free(k->most);
	free(k);
}
