// SPDX-License-Identifier: BSD-2-Clause
/*
 * A turn of a connection: what is there is read once, up to READ_LEN octets;
 * each whole request is answered into `out`, which is written when it is full
 * and at the end. A turn also ends when TURN_OUT octets were written, so that
 * costly answers do not keep other clients waiting: then the rest is held and
 * the connection waits to be writable, which it is at once.
 *
 *	wire -> [tls] -> in -> requests -> answers -> out -> [tls] -> wire
 *
 * `in` has room for a held, unfinished request before what is read, so that
 * the two come to lie together with one copy of the held part.
 */
#include "dnsd/transport/connection_impl.h"
#include "schema/base/clock.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* ---- to the wire ------------------------------------------------------ */

static void count(const struct connection *c, enum stat what)
{
	stats_add(&c->pool->host.handler->stats, what, 1);
}

static void wait_for(struct connection *c, short what)
{
	struct connection_pool *p = c->pool;

	if (c->waits == what)
		return;
	event_del(&c->ready);
	c->waits = what;
	if (!what)
		return;
	event_assign(&c->ready, p->host.base, c->fd, (short)(what | EV_PERSIST),
	    connection_on_ready, c);
	event_add(&c->ready, NULL);
}

/* Octets that the client took, or -1. */
static ssize_t write_some(
    const struct connection *c, const uint8_t *octets, size_t len)
{
	ssize_t n = send(c->fd, octets, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n;
}

/* Writes `out` and holds what the client does not take. False: close. */
static bool flush(struct connection *c)
{
	struct connection_pool *p = c->pool;
	const uint8_t *octets = p->out;
	size_t len = p->out_len;
	bool sound = true;

	p->out_len = 0;
	if (c->tls) {
		sound = tls_send(c->tls, p->out, len);
		octets = tls_output(p->host.tls, &len);
		tls_sent(p->host.tls);
	}
	if (!len)
		return sound;
	/* answers that came later do not overtake a part of one */
	ssize_t n = c->out.len ? 0 : write_some(c, octets, len);
	if (n < 0)
		return false;
	p->write_len += len;
	if ((size_t)n < len)
		held_append(&c->out, octets + n, len - (size_t)n);
	return sound;
}

/* ---- requests --------------------------------------------------------- */

/*
 * Requests that stand whole at p, at most a batch of them. Too short a one
 * is no DNS, and what follows it neither: ret_nonsense.
 */
static unsigned split(const struct connection *c, struct message *m,
    const uint8_t *p, size_t len, bool *ret_nonsense)
{
	unsigned n = 0;

	while (n < HANDLE_BATCH_MAX && frame_is_whole(p, len)) {
		m[n].peer = &c->peer.any;
		m[n].request = p + FRAME_LEN;
		m[n].request_len = wire_get16(p);
		if (m[n].request_len < WIRE_HEADER_LEN) {
			*ret_nonsense = true;
			break;
		}
		p += FRAME_LEN + m[n].request_len;
		len -= FRAME_LEN + m[n].request_len;
		n++;
	}
	return n;
}

static bool turn_is_over(const struct connection *c)
{
	return c->out.len || c->pool->write_len >= TURN_OUT;
}

/* Of request i, which is to be answered later. Returns the octets of what is
 * said at once. */
static size_t defer(
    struct connection *c, const struct message *m, unsigned i, uint8_t *out)
{
	struct connection_pool *p = c->pool;
	struct handler *h = p->host.handler;
	struct later_token t = { .path = p->host.path,
		.peer = c->peer,
		.connection = connection_name(c) };

	if (c->pending_n == PENDING_MAX ||
	    !later_put(p->host.later, &h->deferral, &t, m[i].request,
	        m[i].request_len))
		return handle_overflow(h, i, out).len;
	c->pending_n++;
	p->deferred_n++;
	p->answer_n++; /* it is no idle client */
	return 0;
}

/* Returns the octets of requests used, or -1: close. */
static ssize_t answer_batch(
    struct connection *c, const struct message *m, unsigned n)
{
	struct connection_pool *p = c->pool;
	struct handler *h = p->host.handler;
	enum transport via = c->tls ? VIA_TLS : VIA_TCP;
	int64_t since_ns =
	    tally_samples(h->tally) ? clock_read_ns(CLOCK_MONOTONIC) : 0;
	size_t used = 0;

	handle_prepare(h, m, n);
	h->screen.now_mono_ms = (uint64_t)p->now;
	h->screen.now_wall_s = (uint32_t)(clock_wall_ms() / 1000);
	for (unsigned i = 0; i < n && !turn_is_over(c); i++) {
		uint8_t *at = p->out + p->out_len;
		struct handled r = handle_respond(h, i, via, at + FRAME_LEN);
		size_t len =
		    r.how == DEFERRED ? defer(c, m, i, at + FRAME_LEN) : r.len;

		used += FRAME_LEN + m[i].request_len;
		if (!len)
			continue;
		wire_put16(at, (uint16_t)len);
		p->out_len += FRAME_LEN + len;
		p->answer_n++;
		if (p->out_len >= WRITE_LEN && !flush(c))
			return -1;
	}
	if (since_ns) {
		histogram_add(&h->tally->duration,
		    clock_read_ns(CLOCK_MONOTONIC) - since_ns, n);
	}
	return (ssize_t)used;
}

/* Answers what is whole at octets. Returns what was used, or -1: close. */
static ssize_t answer(struct connection *c, const uint8_t *octets, size_t len)
{
	struct message m[HANDLE_BATCH_MAX];
	struct connection_pool *p = c->pool;
	bool nonsense = false;
	size_t used = 0;
	unsigned n;

	while (!turn_is_over(c) && !nonsense) {
		n = split(c, m, octets + used, len - used, &nonsense);
		if (!n)
			break;
		reclaim_in(p->host.reader);
		ssize_t got = answer_batch(c, m, n);
		reclaim_out(p->host.reader);
		if (p->deferred_n)
			later_wake(p->host.later, p->deferred_n);
		p->deferred_n = 0;
		if (got < 0)
			return -1;
		used += (size_t)got;
	}
	if (p->answer_n)
		connection_progress(c);
	if (nonsense && !turn_is_over(c)) {
		c->mode = ENDED;
		used = len;
	}
	return flush(c) ? (ssize_t)used : -1;
}

/* ---- a turn ----------------------------------------------------------- */

/* Nothing is left to be said. False: close. */
static bool part(struct connection *c)
{
	if (c->tls)
		tls_end(c->tls);
	if (!flush(c))
		return false;
	/* closing at once could take answers from a client still sending */
	if (shutdown(c->fd, SHUT_WR) < 0)
		return false;
	held_release(&c->in);
	held_release(&c->out);
	c->mode = PARTED;
	wait_for(c, EV_READ);
	return true;
}

/* What the connection waits for now. False: for nothing more. */
bool connection_settle(struct connection *c)
{
	bool more = c->out.len || frame_is_whole(held_start(&c->in), c->in.len);

	if (!more && c->mode == ENDED && !c->pending_n)
		return part(c);
	if (!more && c->mode == ENDED) {
		wait_for(c, 0);
	} else {
		wait_for(c, more ? EV_WRITE : EV_READ);
	}
	return true;
}

static bool work_held(struct connection *c)
{
	if (!c->in.len)
		return true;
	ssize_t used = answer(c, held_start(&c->in), c->in.len);

	if (used < 0)
		return false;
	held_use(&c->in, (size_t)used);
	return true;
}

/* Of len octets that were just put into `in` after FRAME_MAX. */
static bool work_fresh(struct connection *c, size_t len)
{
	uint8_t *start = c->pool->in + FRAME_MAX;
	size_t held = c->in.len;

	assert(held < FRAME_MAX);
	if (held + len < frame_len(held_start(&c->in), held)) {
		if (held) {
			held_add(&c->in, start, len);
		} else {
			held_set(&c->in, start, len, FRAME_LEN);
		}
		return flush(c);
	}
	start -= held;
	len += held;
	if (held)
		memcpy(start, held_start(&c->in), held);
	held_release(&c->in);
	ssize_t used = answer(c, start, len);
	if (used < 0)
		return false;
	len -= (size_t)used;
	start += used;
	held_set(&c->in, start, len, frame_len(start, len));
	return true;
}

/* len octets of `wire` to plain text in `in`. False: close. */
static bool decipher(struct connection *c, size_t len, size_t *ret_len)
{
	struct connection_pool *p = c->pool;
	enum tls_state state;

	*ret_len = tls_receive(c->tls, p->wire, len, p->in + FRAME_MAX, &state);
	if (state == TLS_ENDED)
		c->mode = ENDED;
	if (state == TLS_OPEN && !c->shaken) {
		c->shaken = true;
		count(c, STAT_TLS_CONNECTIONS);
		if (tls_resumed(c->tls))
			count(c, STAT_TLS_RESUMED);
	}
	if (state != TLS_BROKEN)
		return true;
	count(c, STAT_TLS_FAILED);
	(void)flush(c); /* the alert, if it can be sent */
	c->mode = PARTED;
	return false;
}

bool connection_read_turn(struct connection *c)
{
	struct connection_pool *p = c->pool;
	uint8_t *to = c->tls ? p->wire : p->in + FRAME_MAX;
	ssize_t n = recv(c->fd, to, READ_LEN, MSG_DONTWAIT);
	size_t len = n > 0 ? (size_t)n : 0;

	p->read_len += len;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (c->mode == PARTED)
		return n > 0;
	if (!n && !c->pending_n) /* all requests before were answered */
		return false;
	if (!n) {
		c->mode = ENDED;
		return connection_settle(c);
	}
	if (c->tls && !decipher(c, len, &len))
		return false;
	return work_fresh(c, len) && connection_settle(c);
}

static bool write_turn(struct connection *c)
{
	if (c->out.len) {
		ssize_t n = write_some(c, held_start(&c->out), c->out.len);

		if (n < 0)
			return false;
		held_use(&c->out, (size_t)n);
		if (c->out.len)
			return true;
		connection_progress(c);
	}
	return work_held(c) && connection_settle(c);
}

/* What was deferred is answered. */
bool connection_late_turn(struct connection *c, const uint8_t *msg, size_t len)
{
	struct connection_pool *p = c->pool;

	c->pending_n--;
	if (len) {
		wire_put16(p->out, (uint16_t)len);
		memcpy(p->out + FRAME_LEN, msg, len);
		p->out_len = FRAME_LEN + len;
		if (!flush(c) || c->out.len > LATE_OUT_MAX)
			return false;
	}
	if (!c->out.len)
		connection_progress(c);
	return connection_settle(c);
}

void connection_say_goodbye(struct connection *c)
{
	if (c->mode != SERVING || !c->shaken || c->out.len)
		return;
	tls_end(c->tls);
	(void)flush(c);
}

void connection_begin_turn(struct connection_pool *p, int64_t now)
{
	p->now = now;
	p->read_len = p->write_len = 0;
	p->answer_n = 0;
}

void connection_on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;

	(void)fd;
	connection_begin_turn(c->pool, clock_mono_ms());
	if (what & EV_WRITE ? !write_turn(c) : !connection_read_turn(c))
		connection_close(c);
}
