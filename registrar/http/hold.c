// SPDX-License-Identifier: BSD-2-Clause
/*
 * Requests that wait for a service to change, and replies that go on.
 */
#include "registrar/http/http_impl.h"
#include "schema/base/clock.h"

#include <event2/buffer.h>
#include <stdlib.h>

/* ---- timers ----------------------------------------------------------- */

static int64_t mono_ms(void *arg)
{
	(void)arg;
	return clock_mono_ms();
}

static void set_tick(void *arg)
{
	struct http *h = arg;
	int64_t at_ms = timers_next(h->timers);
	int64_t wait_ms = at_ms - timers_now(h->timers);

	if (at_ms < 0) {
		(void)evtimer_del(h->tick);
		return;
	}
	if (wait_ms < 0)
		wait_ms = 0;
	const struct timeval wait = { .tv_sec = wait_ms / 1000,
		.tv_usec = wait_ms % 1000 * 1000 };

	(void)evtimer_add(h->tick, &wait);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;

	(void)fd;
	(void)what;
	timers_run(h->timers);
}

void http_hold_init(struct http *h)
{
	h->timers = timers_new(mono_ms, NULL);
	h->tick = evtimer_new(h->base, on_tick, h);
	if (!h->tick)
		abort(); /* out of memory */
	timers_on_change(h->timers, set_tick, h);
}

void http_hold_end(struct http *h)
{
	event_free(h->tick);
	timers_free(h->timers);
}

/* ---- holds ------------------------------------------------------------ */

static void drop_waits(struct http_request *q)
{
	feed_leave(&q->waiter);
	timer_cancel(q->http->timers, &q->timer);
}

void http_hold_release(struct http_request *q)
{
	const struct http_stream_ops *ops = q->ops;

	drop_waits(q);
	if (q->held.next != &q->held) {
		http_unlink(&q->held);
		q->http->held_n--;
	}
	q->ops = NULL;
	if (ops && ops->free)
		ops->free(q->state);
}

static void keep(struct http_request *q)
{
	if (q->held.next != &q->held)
		return;
	http_append(&q->http->held, &q->held);
	q->http->held_n++;
	http_conn_watch(q->conn);
}

static void on_change(void *arg)
{
	struct http_request *q = arg;

	drop_waits(q);
	http_request_run(q);
}

static void on_over(void *arg)
{
	struct http_request *q = arg;

	q->is_over = true;
	on_change(q);
}

void http_hold(struct http_request *q, const char *zone, const char *service,
    int64_t wait_ms)
{
	if (!q->ev || q->replied)
		return;
	if (!q->until_ms) {
		q->until_ms = clock_mono_ms() + wait_ms;
		timer_init(&q->timer, on_over, q);
	}
	q->waiter.fn = on_change;
	q->waiter.arg = q;
	feed_wait(q->http->feed, &q->waiter, zone, service);
	timer_set(q->http->timers, &q->timer, q->until_ms);
	keep(q);
	q->shrinks = true;
}

bool http_is_over(const struct http_request *q)
{
	return q->is_over;
}

static struct http_request *of_link(struct http_link *l)
{
	return (
	    struct http_request *)(void *)((char *)l -
	                                   offsetof(struct http_request, held));
}

static void end_stream(struct http_request *q)
{
	http_hold_release(q);
	q->replied = true;
	evhttp_send_reply_end(q->ev);
}

void http_hold_answer(struct http *h)
{
	while (h->held.next != &h->held) {
		struct http_request *q = of_link(h->held.next);

		if (q->ops) {
			end_stream(q);
		} else {
			http_fail(q, 503, NULL, "this server is ending");
		}
	}
}

/* ---- streams ---------------------------------------------------------- */

static void pump(struct http_request *q);

static void on_sent(struct evhttp_connection *evcon, void *arg)
{
	struct http_request *q = arg;

	(void)evcon;
	q->asked = false;
	if (q->more && q->ops)
		pump(q);
}

static void send_piece(struct http_request *q, struct evbuffer *out)
{
	q->asked = true;
	evhttp_send_reply_chunk_with_cb(q->ev, out, on_sent, q);
}

static void pump(struct http_request *q)
{
	struct evbuffer *out = evbuffer_new();
	enum http_more more;

	if (!out)
		abort(); /* out of memory */
	do {
		more = q->ops->more(q, out, q->state);
	} while (more == HTTP_MORE && !evbuffer_get_length(out));
	q->more = more == HTTP_MORE;
	if (more == HTTP_BREAK) {
		http_conn_end(q->conn);
	} else if (evbuffer_get_length(out)) {
		send_piece(q, out);
	}
	evbuffer_free(out);
	if (more == HTTP_ENOUGH) {
		end_stream(q);
	} else if (q->ops->beat_ms) {
		timer_set(q->http->timers, &q->timer,
		    timers_now(q->http->timers) + q->ops->beat_ms);
	}
}

/* What it is subscribed to has changed; or it begins. */
static void on_stream_news(void *arg)
{
	struct http_request *q = arg;

	q->more = true;
	if (!q->asked && q->ops)
		pump(q);
}

static void on_beat(void *arg)
{
	struct http_request *q = arg;

	if (!q->begun) {
		q->begun = true;
		on_stream_news(q);
		return;
	}
	if (!http_identify_again(q)) {
		http_conn_end(q->conn);
		return;
	}
	if (!q->asked && q->ops->beat) {
		struct evbuffer *out = evbuffer_new();

		if (!out)
			abort(); /* out of memory */
		q->ops->beat(out);
		send_piece(q, out);
		evbuffer_free(out);
	}
	timer_set(q->http->timers, &q->timer,
	    timers_now(q->http->timers) + q->ops->beat_ms);
}

void http_subscribe(
    struct http_request *q, const char *zone, const char *service)
{
	feed_leave(&q->waiter);
	q->waiter.fn = on_stream_news;
	q->waiter.arg = q;
	feed_wait(q->http->feed, &q->waiter, zone, service);
}

void http_stream(struct http_request *q, int status, const char *type,
    const struct http_stream_ops *ops, void *state)
{
	if (!q->ev || q->replied) {
		if (ops->free)
			ops->free(state);
		return;
	}
	q->ops = ops;
	q->state = state;
	timer_init(&q->timer, on_beat, q);
	http_begin_reply(q, type);
	keep(q);
	evhttp_send_reply_start(q->ev, status, NULL);
	q->shrinks = true;
	/* the first piece when the route's function is over */
	timer_set(q->http->timers, &q->timer, timers_now(q->http->timers));
}
