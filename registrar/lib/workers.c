// SPDX-License-Identifier: BSD-2-Clause
/*
 * A place has a queue, and is in `ready` while it has a job that may begin.
 * Threads take from the first ready place, which goes to the end then. What
 * has run is in `over`, and an eventfd tells the loop so. All of it is under
 * one lock, which nobody holds while he waits.
 *
 * Threads are detached: one that hangs at the end of the program keeps all of
 * this.
 */
#include "registrar/lib/workers.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define STACK_LEN ((size_t)256 * 1024)
#define END_S 1 /* for those that are about to be over */

TAILQ_HEAD(jobs, job);

struct place {
	char *dir;
	unsigned running, waiting;
	bool ready;
	struct jobs queue;
	TAILQ_ENTRY(place) link; /* while it is ready */
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t wanted; /* a place is ready, or it ends */
	pthread_cond_t ended;  /* a thread has */
	int fd;
	void *places; /* of struct place, by dir */
	TAILQ_HEAD(, place) ready;
	struct jobs over;
	unsigned ready_n, threads, idle;
	bool end;
	struct event *readable; /* the loop's alone */
};

static int by_dir(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return strcmp(x->dir, y->dir);
}

/* ---- places; under the lock ------------------------------------------- */

static struct place *place_get(struct workers *w, const char *path)
{
	const char *slash = strrchr(path, '/');
	scoped_free char *dir =
	    xasprintf("%.*s", slash ? (int)(slash - path) : 0, path);
	const struct place key = { .dir = dir };
	struct place *const *found = tfind(&key, &w->places, by_dir);

	if (found)
		return *found;
	struct place *p = xcalloc(1, sizeof(*p));

	p->dir = take_ptr(&dir);
	TAILQ_INIT(&p->queue);
	if (!tsearch(p, &w->places, by_dir))
		abort(); /* out of memory */
	return p;
}

/* It has something to do, or not; freed when nothing is in it. */
static void place_settle(struct workers *w, struct place *p)
{
	bool ready = p->waiting && p->running < WORKERS_A_PLACE;

	if (p->ready)
		TAILQ_REMOVE(&w->ready, p, link);
	if (ready)
		TAILQ_INSERT_TAIL(&w->ready, p, link);
	w->ready_n += ready;
	w->ready_n -= p->ready;
	p->ready = ready;
	if (p->waiting || p->running)
		return;
	tdelete(p, &w->places, by_dir);
	free(p->dir);
	free(p);
}

static void free_place(void *item)
{
	struct place *p = item;
	struct job *j;

	while ((j = TAILQ_FIRST(&p->queue))) {
		TAILQ_REMOVE(&p->queue, j, link);
		j->free(j);
	}
	free(p->dir);
	free(p);
}

/* ---- threads ---------------------------------------------------------- */

static void release(struct workers *w)
{
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wanted);
	pthread_cond_destroy(&w->ended);
	close(w->fd);
	free(w);
}

static int add_thread(struct workers *w);

/* Each idle one may have been called for one place already. */
static void see_to_threads(struct workers *w)
{
	if (w->ready_n > w->idle && w->threads < WORKERS_MAX)
		(void)add_thread(w); /* else it waits for one of them */
}

/* NULL: it ends. */
static struct job *next_job(struct workers *w)
{
	struct place *p;

	w->idle++;
	while (!w->end && TAILQ_EMPTY(&w->ready))
		pthread_cond_wait(&w->wanted, &w->lock);
	w->idle--;
	if (w->end)
		return NULL;
	p = TAILQ_FIRST(&w->ready);
	struct job *j = TAILQ_FIRST(&p->queue);

	TAILQ_REMOVE(&p->queue, j, link);
	j->queued = false;
	p->waiting--;
	p->running++;
	place_settle(w, p);
	see_to_threads(w);
	return j;
}

static void put_over(struct workers *w, struct job *j)
{
	static const uint64_t one = 1;
	struct place *p = j->place;

	j->place = NULL;
	p->running--;
	place_settle(w, p);
	TAILQ_INSERT_TAIL(&w->over, j, link);
	(void)!write(w->fd, &one, sizeof(one));
}

static void *thread(void *arg)
{
	struct workers *w = arg;
	struct job *j;

	pthread_mutex_lock(&w->lock);
	while ((j = next_job(w))) {
		pthread_mutex_unlock(&w->lock);
		j->run(j);
		pthread_mutex_lock(&w->lock);
		if (w->end) { /* nobody is there any more */
			pthread_mutex_unlock(&w->lock);
			j->free(j);
			pthread_mutex_lock(&w->lock);
			break;
		}
		put_over(w, j);
	}
	w->threads--;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* 0, or -E.. */
static int add_thread(struct workers *w)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t id;

	if (pthread_attr_init(&attr) != 0)
		return -ENOMEM;
	(void)pthread_attr_setstacksize(&attr, STACK_LEN);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&id, &attr, thread, w);

	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	w->threads += error == 0;
	return -error;
}

/* ---- the loop --------------------------------------------------------- */

static void on_over(evutil_socket_t fd, short what, void *arg)
{
	struct jobs over = TAILQ_HEAD_INITIALIZER(over);
	struct workers *w = arg;
	struct job *j;
	uint64_t n;

	(void)what;
	(void)!read(fd, &n, sizeof(n));
	pthread_mutex_lock(&w->lock);
	TAILQ_CONCAT(&over, &w->over, link);
	while ((j = TAILQ_FIRST(&over))) {
		bool dropped = j->dropped;

		TAILQ_REMOVE(&over, j, link);
		pthread_mutex_unlock(&w->lock);
		/* it may drop others of these, which then are not told */
		if (!dropped)
			j->done(j);
		j->free(j);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
}

void workers_do(struct workers *w, struct job *j, const char *path)
{
	pthread_mutex_lock(&w->lock);
	j->place = place_get(w, path);
	j->queued = true;
	j->dropped = false;
	TAILQ_INSERT_TAIL(&j->place->queue, j, link);
	j->place->waiting++;
	place_settle(w, j->place);
	see_to_threads(w);
	pthread_cond_signal(&w->wanted);
	pthread_mutex_unlock(&w->lock);
}

void workers_drop(struct workers *w, struct job *j)
{
	pthread_mutex_lock(&w->lock);
	bool queued = j->queued;

	j->dropped = true;
	if (queued) {
		struct place *p = j->place;

		TAILQ_REMOVE(&p->queue, j, link);
		p->waiting--;
		place_settle(w, p);
	}
	pthread_mutex_unlock(&w->lock);
	if (queued)
		j->free(j);
}

/* ---- life ------------------------------------------------------------- */

int workers_new(
    struct event_base *base, struct workers **ret_w, struct diag *reterr)
{
	struct workers *w = xcalloc(1, sizeof(*w));

	TAILQ_INIT(&w->ready);
	TAILQ_INIT(&w->over);
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->wanted, NULL);
	(void)pthread_cond_init(&w->ended, NULL);
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int error = w->fd < 0 ? -errno : add_thread(w);

	if (error < 0) {
		release(w);
		return diag_set(reterr, error, "cannot start a thread: %s",
		    strerror(-error));
	}
	w->readable = event_new(base, w->fd, EV_READ | EV_PERSIST, on_over, w);
	if (!w->readable || event_add(w->readable, NULL) < 0)
		abort(); /* out of memory */
	*ret_w = w;
	return 0;
}

void workers_free(struct workers *w)
{
	struct timespec until;
	struct job *j;
	int error = 0;

	if (!w)
		return;
	event_free(w->readable);
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += END_S;
	pthread_mutex_lock(&w->lock);
	w->end = true;
	pthread_cond_broadcast(&w->wanted);
	while (w->threads && !error)
		error = pthread_cond_timedwait(&w->ended, &w->lock, &until);
	bool last = !w->threads;

	pthread_mutex_unlock(&w->lock);
	if (!last)
		return; /* one hangs, and the program ends */
	while ((j = TAILQ_FIRST(&w->over))) {
		TAILQ_REMOVE(&w->over, j, link);
		j->free(j);
	}
	tdestroy(w->places, free_place);
	release(w);
}
