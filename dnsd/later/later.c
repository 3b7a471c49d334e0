// SPDX-License-Identifier: BSD-2-Clause
/*
 * A slot goes round: from the ring of free ones to the worker that fills it,
 * through the ring of waiting ones to a thread that opens it, and back when
 * it is closed and nobody looks at it any more. Between the rings it belongs
 * to one thread; from opened on its state is under the lock, and who closes
 * it, by an answer or for being overdue, is the only one to deliver for it.
 *
 * A voice is what it takes to say something: a handler, a reader of the
 * catalog, a buffer. There is one for each thread of ours; threads of others
 * that answer borrow one.
 */
#include "dnsd/later/later.h"

#include "dnsd/later/ring.h"
#include "dnsd/message/data/reclaim.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SHORT_LEN = 2048, /* every datagram; longer ones are allocated */
	LOOK_MS = 50,     /* how often the overdue are looked for */
};

enum state {
	IDLE,   /* in a ring, or between */
	OPEN,   /* may be answered */
	CLOSED, /* is being, or was; or will never be */
};

struct slot {
	struct later_token token;
	struct deferral deferral;
	int64_t deadline_mono_ms;
	uint8_t *msg; /* short_msg, or allocated */
	size_t len;
	/* under the lock */
	enum state state;
	uint32_t generation; /* moves each time it is opened */
	unsigned user_n;     /* in take(), or delivering: is not freed */
	uint8_t short_msg[SHORT_LEN];
};

struct voice {
	pthread_mutex_t lock;
	struct handler *handler;
	struct reclaim_reader *reader;
	uint8_t out[WIRE_MESSAGE_MAX + RESPOND_SLACK];
};

struct later {
	struct handler_source source;
	struct later_config config;
	struct ring *idle, *waiting;
	struct slot *slots;
	struct voice *voices;
	sem_t work; /* posts: waiting slots, and once a thread for the end */
	atomic_bool ending, ended;
	_Atomic size_t long_len; /* of requests that are allocated */
	_Atomic uint32_t busy_n; /* slots that are not free */
	pthread_mutex_t lock;
	pthread_cond_t opened, none_busy;
	unsigned open_n;
	pthread_t *threads; /* the last one keeps the time */
	unsigned started_n;
};

/* False: not before then. */
static bool await(pthread_cond_t *c, pthread_mutex_t *lock, int64_t mono_ms)
{
	struct timespec until = { (time_t)(mono_ms / 1000),
		mono_ms % 1000 * 1000000 };

	return !pthread_cond_timedwait(c, lock, &until);
}

/* ---- workers ---------------------------------------------------------- */

static bool copy_message(
    struct later *l, struct slot *s, const uint8_t *msg, size_t len)
{
	s->msg = s->short_msg;
	if (len > SHORT_LEN) {
		/* only streams have those, and their threads may allocate */
		if (atomic_fetch_add(&l->long_len, len) + len >
		    LATER_LONG_MAX) {
			atomic_fetch_sub(&l->long_len, len);
			return false;
		}
		s->msg = xmalloc(len);
	}
	memcpy(s->msg, msg, len);
	s->len = len;
	return true;
}

bool later_put(struct later *l, const struct deferral *d,
    const struct later_token *t, const uint8_t *msg, size_t len)
{
	uint32_t i;

	if (atomic_load(&l->ending) || !ring_take(l->idle, &i))
		return false;
	struct slot *s = &l->slots[i];
	if (!copy_message(l, s, msg, len)) {
		(void)ring_put(l->idle, i);
		return false;
	}
	s->token = *t;
	s->deferral = *d;
	s->deferral.visitor.peer = d->visitor.peer ? &s->token.peer.any : NULL;
	s->deadline_mono_ms = clock_mono_ms() + l->config.patience_ms;
	atomic_fetch_add(&l->busy_n, 1);
	(void)ring_put(l->waiting, i); /* has room for all slots */
	return true;
}

void later_wake(struct later *l, unsigned n)
{
	/* who is awake goes on until nothing waits */
	if (n > l->config.thread_n)
		n = l->config.thread_n;
	for (; n > 0; n--)
		(void)sem_post(&l->work);
}

/* ---- slots ------------------------------------------------------------ */

static uint64_t ticket_of(const struct later *l, const struct slot *s)
{
	return (uint64_t)s->generation << 32 | (uint64_t)(s - l->slots);
}

static uint64_t open_slot(struct later *l, struct slot *s)
{
	pthread_mutex_lock(&l->lock);
	s->state = OPEN;
	s->generation++;
	s->user_n = 1;
	if (!l->open_n++)
		pthread_cond_signal(&l->opened);
	uint64_t ticket = ticket_of(l, s);
	pthread_mutex_unlock(&l->lock);
	return ticket;
}

/* The caller is its user then, and delivers. NULL: somebody was before. */
static struct slot *close_slot(struct later *l, uint64_t ticket)
{
	uint32_t i = (uint32_t)ticket;
	struct slot *s = i < l->config.slot_n ? &l->slots[i] : NULL;

	if (!s)
		return NULL;
	pthread_mutex_lock(&l->lock);
	if (s->state == OPEN && s->generation == ticket >> 32) {
		s->state = CLOSED;
		s->user_n++;
		l->open_n--;
	} else {
		s = NULL;
	}
	pthread_mutex_unlock(&l->lock);
	return s;
}

static void free_slot(struct later *l, struct slot *s)
{
	if (s->msg != s->short_msg) {
		free(s->msg);
		atomic_fetch_sub(&l->long_len, s->len);
	}
	s->msg = NULL;
	s->state = IDLE;
	(void)ring_put(l->idle, (uint32_t)(s - l->slots));
	if (atomic_fetch_sub(&l->busy_n, 1) == 1)
		pthread_cond_signal(&l->none_busy);
}

static void leave_slot(struct later *l, struct slot *s)
{
	pthread_mutex_lock(&l->lock);
	if (!--s->user_n && s->state == CLOSED)
		free_slot(l, s);
	pthread_mutex_unlock(&l->lock);
}

/* ---- answers ---------------------------------------------------------- */

static struct voice *borrow_voice(struct later *l, uint32_t preferred)
{
	unsigned n = l->config.thread_n;
	struct voice *v = &l->voices[preferred % n];

	for (unsigned i = 0; i < n; i++) {
		struct voice *other = &l->voices[(preferred + i) % n];

		if (!pthread_mutex_trylock(&other->lock))
			return other;
	}
	pthread_mutex_lock(&v->lock);
	return v;
}

/* decide: NULL for no answer. */
static void deliver(struct later *l, struct slot *s, later_decide_fn decide,
    void *arg, enum why why)
{
	struct voice *v = borrow_voice(l, (uint32_t)(s - l->slots));
	struct handler *h = v->handler;
	const struct later_path *path = s->token.path;
	struct handled r = { 0, DROPPED };

	if (decide) {
		struct answer a = { .rcode = RCODE_NOERROR,
			.kind = ANSWER_EMPTY };
		struct deferral d = s->deferral;
		struct query q;

		/* as far as the worker could, or it were not here */
		(void)query_parse(&q, s->msg, s->len);
		d.extra.why = why;
		h->screen.now_mono_ms = (uint64_t)clock_mono_ms();
		h->screen.now_wall_s = (uint32_t)(clock_wall_ms() / 1000);
		reclaim_in(v->reader);
		decide(arg, &q, &l->source, &a);
		r = handle_answer(h, &q, &a, &d, v->out);
		reclaim_out(v->reader);
	}
	if (why == WHY_OVERDUE)
		stats_add(&h->stats, STAT_LATER_OVERDUE, 1);
	path->deliver(path->arg, &s->token, v->out, r.len, &h->stats);
	pthread_mutex_unlock(&v->lock);
	leave_slot(l, s);
}

bool later_answer(
    struct later *l, uint64_t ticket, later_decide_fn decide, void *arg)
{
	struct slot *s = close_slot(l, ticket);

	if (s)
		deliver(l, s, decide, arg, WHY_NOT_SAID);
	return s != NULL;
}

static void decide_rcode(void *arg, struct query *q,
    const struct handler_source *source, struct answer *ret_a)
{
	const enum rcode *rcode = arg;

	(void)q;
	(void)source;
	ret_a->rcode = *rcode;
}

bool later_refuse(
    struct later *l, uint64_t ticket, enum rcode rcode, enum why why)
{
	struct slot *s = close_slot(l, ticket);

	if (s)
		deliver(l, s, decide_rcode, &rcode, why);
	return s != NULL;
}

bool later_drop(struct later *l, uint64_t ticket)
{
	struct slot *s = close_slot(l, ticket);

	if (s)
		deliver(l, s, NULL, NULL, WHY_NOT_SAID);
	return s != NULL;
}

static void give_up(struct later *l, uint64_t ticket)
{
	(void)later_refuse(l, ticket, RCODE_SERVFAIL, WHY_OVERDUE);
}

/* ---- threads ---------------------------------------------------------- */

static void take(struct later *l, struct slot *s)
{
	const struct later_handler *handler = l->source.later[s->deferral.kind];
	struct query q;
	struct later_request r = { .later = l,
		.ticket = open_slot(l, s),
		.deferral = &s->deferral,
		.query = &q,
		.msg = s->msg,
		.len = s->len };

	if (clock_mono_ms() >= s->deadline_mono_ms) {
		give_up(l, r.ticket);
	} else {
		(void)query_parse(&q, s->msg, s->len);
		handler->take(handler->arg, &r);
	}
	leave_slot(l, s);
}

static void *run(void *arg)
{
	struct later *l = arg;
	uint32_t i;

	while (!atomic_load(&l->ended)) {
		(void)sem_wait(&l->work);
		while (!atomic_load(&l->ended) && ring_take(l->waiting, &i))
			take(l, &l->slots[i]);
	}
	return NULL;
}

/* The next that is overdue, from *at on; 0: none is. */
static uint64_t find_overdue(struct later *l, uint32_t *at, int64_t now)
{
	uint64_t found = 0;

	pthread_mutex_lock(&l->lock);
	for (; *at < l->config.slot_n && !found; ++*at) {
		const struct slot *s = &l->slots[*at];

		if (s->state == OPEN && now >= s->deadline_mono_ms)
			found = ticket_of(l, s);
	}
	pthread_mutex_unlock(&l->lock);
	return found;
}

/* Sleeps while nothing is open, else for LOOK_MS. */
static void wait_to_look(struct later *l)
{
	int64_t end = clock_mono_ms() + LOOK_MS;

	pthread_mutex_lock(&l->lock);
	if (!l->open_n && !atomic_load(&l->ended)) {
		pthread_cond_wait(&l->opened, &l->lock);
	} else if (!atomic_load(&l->ended)) {
		await(&l->opened, &l->lock, end);
	}
	pthread_mutex_unlock(&l->lock);
}

/*
 * A thread of its own keeps the time: the others may all be waiting for
 * something else.
 */
static void *keep_time(void *arg)
{
	struct later *l = arg;

	while (!atomic_load(&l->ended)) {
		int64_t now = clock_mono_ms();
		uint64_t ticket;
		uint32_t at = 0;

		while ((ticket = find_overdue(l, &at, now)))
			give_up(l, ticket);
		wait_to_look(l);
	}
	return NULL;
}

/* ---- life ------------------------------------------------------------- */

static void init_condition(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

static struct later *make(
    const struct later_config *config, const struct handler_source *source)
{
	struct later *l = xcalloc(1, sizeof(*l));

	l->source = *source;
	l->config = *config;
	l->idle = ring_new(config->slot_n);
	l->waiting = ring_new(config->slot_n);
	l->slots = xcalloc(config->slot_n, sizeof(*l->slots));
	for (uint32_t i = 0; i < config->slot_n; i++)
		(void)ring_put(l->idle, i);
	l->voices = xcalloc(config->thread_n, sizeof(*l->voices));
	l->threads = xcalloc(config->thread_n + 1, sizeof(*l->threads));
	pthread_mutex_init(&l->lock, NULL);
	init_condition(&l->opened);
	init_condition(&l->none_busy);
	(void)sem_init(&l->work, 0, 0);
	return l;
}

int later_start(const struct later_config *config,
    const struct handler_source *source, struct reclaim_reader *readers,
    struct later **ret_l, struct diag *reterr)
{
	struct later *l = make(config, source);
	int error = 0;

	for (unsigned i = 0; i < config->thread_n; i++) {
		pthread_mutex_init(&l->voices[i].lock, NULL);
		l->voices[i].handler = handler_new(source);
		l->voices[i].reader = readers + i;
	}
	while (l->started_n <= config->thread_n && !error) {
		bool last = l->started_n == config->thread_n;

		error = pthread_create(
		    &l->threads[l->started_n], NULL, last ? keep_time : run, l);
		l->started_n += !error;
	}
	if (error) {
		later_end(l, 0);
		later_free(l);
		return diag_set(reterr, -error, "cannot start a thread: %s",
		    strerror(error));
	}
	*ret_l = l;
	return 0;
}

static void await_none_busy(struct later *l, int64_t patience_ms)
{
	int64_t end = clock_mono_ms() + patience_ms;
	bool in_time = true;

	pthread_mutex_lock(&l->lock);
	while (atomic_load(&l->busy_n) && in_time)
		in_time = await(&l->none_busy, &l->lock, end);
	pthread_mutex_unlock(&l->lock);
}

static void stop_handlers(struct later *l)
{
	for (unsigned k = 0; k < LATER_KINDS; k++) {
		const struct later_handler *h = l->source.later[k];

		if (h && h->stop)
			h->stop(h->arg);
	}
}

/* No thread is left: nobody will answer these. */
static void drop_rest(struct later *l)
{
	uint32_t i;

	while (ring_take(l->waiting, &i)) {
		(void)later_drop(l, open_slot(l, &l->slots[i]));
		leave_slot(l, &l->slots[i]);
	}
	for (i = 0; i < l->config.slot_n; i++)
		(void)later_drop(l, ticket_of(l, &l->slots[i]));
}

void later_end(struct later *l, int64_t patience_ms)
{
	if (!l)
		return;
	atomic_store(&l->ending, true);
	await_none_busy(l, patience_ms);
	stop_handlers(l);
	pthread_mutex_lock(&l->lock);
	atomic_store(&l->ended, true);
	pthread_cond_signal(&l->opened);
	pthread_mutex_unlock(&l->lock);
	later_wake(l, l->config.thread_n);
	for (unsigned i = 0; i < l->started_n; i++)
		pthread_join(l->threads[i], NULL);
	drop_rest(l);
}

void later_free(struct later *l)
{
	uint32_t i;

	if (!l)
		return;
	/* put by a worker that did not see the end coming */
	while (ring_take(l->waiting, &i)) {
		if (l->slots[i].msg != l->slots[i].short_msg)
			free(l->slots[i].msg);
	}
	for (unsigned k = 0; k < l->config.thread_n; k++) {
		handler_free(l->voices[k].handler);
		pthread_mutex_destroy(&l->voices[k].lock);
	}
	pthread_cond_destroy(&l->opened);
	pthread_cond_destroy(&l->none_busy);
	pthread_mutex_destroy(&l->lock);
	(void)sem_destroy(&l->work);
	ring_free(l->idle);
	ring_free(l->waiting);
	free(l->threads);
	free(l->voices);
	free(l->slots);
	free(l);
}

uint64_t later_stat(const struct later *l, enum stat what)
{
	uint64_t sum = 0;

	for (unsigned i = 0; l && i < l->config.thread_n; i++)
		sum += stats_get(&l->voices[i].handler->stats, what);
	return sum;
}
