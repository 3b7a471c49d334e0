// SPDX-License-Identifier: BSD-2-Clause
/*
 * One thread is kept for the next errand, since most do not hang. All is
 * under one lock, which nobody holds while he runs one. Threads are detached,
 * and whoever is the last to go frees it all.
 */
#include "registrar/lib/patient.h"

#include "schema/base/xalloc.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define STACK_LEN ((size_t)256 * 1024)

struct patient {
	pthread_mutex_t lock;
	pthread_cond_t wanted; /* there is a next one, or it ends */
	pthread_cond_t over;   /* one has run */
	struct errand *next;
	unsigned max, hanging, idle, threads;
	bool end;
};

static void release(struct patient *p)
{
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wanted);
	pthread_cond_destroy(&p->over);
	free(p);
}

/* NULL: it ends, or another one is idle already. Under the lock. */
static struct errand *next_errand(struct patient *p)
{
	struct errand *e;

	if (p->idle)
		return NULL;
	p->idle++;
	while (!p->next && !p->end)
		pthread_cond_wait(&p->wanted, &p->lock);
	p->idle--;
	e = p->next;
	p->next = NULL;
	return e;
}

/* Under the lock. */
static void put_over(struct patient *p, struct errand *e)
{
	p->hanging -= e->hangs;
	e->over = true;
	if (e->left) {
		e->free(e);
	} else {
		pthread_cond_signal(&p->over);
	}
}

static void *thread(void *arg)
{
	struct patient *p = arg;
	struct errand *e;

	pthread_mutex_lock(&p->lock);
	while ((e = next_errand(p))) {
		pthread_mutex_unlock(&p->lock);
		e->run(e);
		pthread_mutex_lock(&p->lock);
		put_over(p, e);
	}
	bool last = --p->threads == 0 && p->end;

	pthread_mutex_unlock(&p->lock);
	if (last)
		release(p);
	return NULL;
}

/* Under the lock; -E.. */
static int add_thread(struct patient *p)
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
	int error = pthread_create(&id, &attr, thread, p);

	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	p->threads += error == 0;
	return -error;
}

static struct timespec time_in(int64_t ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/* Under the lock. */
static int wait_for(struct patient *p, struct errand *e, int64_t for_ms)
{
	const struct timespec until = time_in(for_ms);
	int error = 0;

	while (!e->over && !error)
		error = pthread_cond_timedwait(&p->over, &p->lock, &until);
	if (e->over)
		return 0;
	if (p->next == e) { /* no thread has come to it */
		p->next = NULL;
		return -EAGAIN;
	}
	e->hangs = true;
	p->hanging++;
	return -ETIMEDOUT;
}

int patient_do(struct patient *p, struct errand *e, int64_t for_ms)
{
	int r = 0;

	e->over = e->hangs = e->left = false;
	if (!p) {
		e->run(e);
		return 0;
	}
	pthread_mutex_lock(&p->lock);
	if (p->hanging == p->max) {
		r = -EAGAIN;
	} else if (!p->idle) {
		r = add_thread(p);
	}
	if (r == 0) {
		p->next = e;
		pthread_cond_signal(&p->wanted);
		r = wait_for(p, e, for_ms);
	}
	pthread_mutex_unlock(&p->lock);
	return r < 0 && r != -ETIMEDOUT ? -EAGAIN : r;
}

bool patient_is_over(struct patient *p, struct errand *e)
{
	pthread_mutex_lock(&p->lock);
	bool over = e->over;

	pthread_mutex_unlock(&p->lock);
	return over;
}

void patient_leave(struct patient *p, struct errand *e)
{
	pthread_mutex_lock(&p->lock);
	bool over = e->over;

	e->left = true;
	pthread_mutex_unlock(&p->lock);
	if (over)
		e->free(e);
}

bool patient_has_some(struct patient *p)
{
	if (!p)
		return false;
	pthread_mutex_lock(&p->lock);
	bool some = p->hanging;

	pthread_mutex_unlock(&p->lock);
	return some;
}

struct patient *patient_new(unsigned max)
{
	struct patient *p = xcalloc(1, sizeof(*p));
	pthread_condattr_t attr;

	p->max = max;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&p->wanted, &attr);
	(void)pthread_cond_init(&p->over, &attr);
	pthread_condattr_destroy(&attr);
	return p;
}

void patient_free(struct patient *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->end = true;
	pthread_cond_broadcast(&p->wanted);
	bool last = !p->threads;

	pthread_mutex_unlock(&p->lock);
	if (last)
		release(p);
}
