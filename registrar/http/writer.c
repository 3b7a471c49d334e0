// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writes in the order in which they came, each a transaction of its own: an
 * error of one leaves nothing of it. The lock is tried for, never waited for.
 */
#include "registrar/http/http_impl.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"
#include "schema/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 3000 /* of a write, for the lock */
#define TURN_MS 10       /* of writes on end */
#define LONG_MS 20       /* that a transaction should not take */
#define QUEUE_MAX 10000

struct write {
	struct write *next;
	struct http_request *request;
	http_write_fn fn;
	http_written_fn then;
	void *arg;
	int64_t until_ms;
};

struct writer {
	struct http *http;
	struct follow *follow;
	struct write *first, **last;
	unsigned n;
	int64_t pause_ms; /* until the lock is tried again */
	struct event *work;
	struct log_limit late;
};

static void schedule(struct writer *w, int64_t ms)
{
	const struct timeval wait = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };

	if (ms) {
		(void)evtimer_add(w->work, &wait);
	} else {
		event_active(w->work, 0, 0);
	}
}

static int transact(struct writer *w, struct write *t, struct diag *reterr)
{
	struct registry *r;
	int error = follow_look(
	    w->follow, clock_read_ns(CLOCK_MONOTONIC) / 1000, reterr);

	r = follow_registry(w->follow);
	if (!r)
		return error < 0 ? error : diag_set(reterr, -EAGAIN, "closed");
	error = registry_begin(r, 0, reterr);
	if (error < 0)
		return error;
	int64_t begun_ms = clock_mono_ms();

	error = t->fn(t->request, r, clock_wall_ms(), t->arg, reterr);
	if (error == 0) {
		error = registry_commit(r, reterr);
	} else {
		registry_rollback(r);
	}
	int64_t took_ms = clock_mono_ms() - begun_ms;

	if (took_ms > LONG_MS &&
	    log_limit_ok(&w->late, 1, 10000, clock_mono_ms())) {
		log_warn(
		    "a transaction was long: took_ms=%lld", (long long)took_ms);
	}
	return error;
}

static void finish(
    struct writer *w, struct write *t, int error, const struct diag *why)
{
	struct http_request *q = t->request;

	w->first = t->next;
	if (!w->first)
		w->last = &w->first;
	w->n--;
	/* who waits is woken before who wrote hears of it */
	if (error == 0)
		(void)feed_registry(w->http->feed, NULL);
	q->busy = true;
	q->writing = false;
	t->then(q, error, why, t->arg);
	q->busy = false;
	free(t);
	http_request_release(q);
}

static bool is_passing(int error)
{
	return error == -EBUSY || error == -EAGAIN || error == -ENODATA ||
	       error == -ESTALE;
}

static void on_work(evutil_socket_t fd, short what, void *arg)
{
	struct writer *w = arg;
	int64_t begun_ms = clock_mono_ms();

	(void)fd;
	(void)what;
	while (w->first) {
		struct write *t = w->first;
		int64_t now_ms = clock_mono_ms();
		struct diag why = { "" };

		if (now_ms - begun_ms > TURN_MS) {
			schedule(w, 0);
			return;
		}
		int error = transact(w, t, &why);

		if (is_passing(error) && now_ms < t->until_ms) {
			if (error != -EBUSY)
				follow_failed(w->follow, error);
			w->pause_ms = w->pause_ms ? 2 * w->pause_ms : 1;
			if (w->pause_ms > 20)
				w->pause_ms = 20;
			schedule(w, w->pause_ms);
			return;
		}
		w->pause_ms = 0;
		if (error == -EIO || error == -EUCLEAN || error == -EROFS)
			follow_failed(w->follow, error);
		finish(w, t, error, &why);
	}
}

void http_write(
    struct http_request *q, http_write_fn fn, http_written_fn then, void *arg)
{
	struct writer *w = q->http->writer;

	if (!q->ev || q->replied)
		return;
	if (w->n == QUEUE_MAX) {
		http_fail(q, 503, NULL, "too many writes are waiting");
		return;
	}
	struct write *t = xcalloc(1, sizeof(*t));

	*t = (struct write){ .request = q,
		.fn = fn,
		.then = then,
		.arg = arg,
		.until_ms = clock_mono_ms() + PATIENCE_MS };
	q->writing = true;
	*w->last = t;
	w->last = &t->next;
	if (!w->n++ || !w->pause_ms)
		schedule(w, 0);
}

struct writer *writer_new(struct http *h, const char *registry)
{
	struct writer *w = xcalloc(1, sizeof(*w));

	w->http = h;
	w->follow = follow_new(registry, REGISTRY_WRITE_NOWAIT, 1000);
	w->last = &w->first;
	w->work = evtimer_new(h->base, on_work, w);
	if (!w->work)
		abort(); /* out of memory */
	return w;
}

void writer_free(struct writer *w)
{
	const struct diag why = { "this server is ending" };

	while (w->first)
		finish(w, w->first, -EAGAIN, &why);
	event_free(w->work);
	follow_free(w->follow);
	free(w);
}
