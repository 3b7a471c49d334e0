// SPDX-License-Identifier: BSD-2-Clause
/*
 * The pool's list is in the order of the last progress: its head is the next
 * to expire and the one to make room for others. No timer per connection.
 */
#include "dnsd/transport/connection_impl.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	DRAIN_READS = 16, /* of a connection, when the server ends */
};

static const uint32_t SEAT_NONE = UINT32_MAX;

struct connection_pool *connection_pool_new(const struct connection_host *h)
{
	struct connection_pool *p = xcalloc(1, sizeof(*p));

	p->host = *h;
	TAILQ_INIT(&p->connections);
	p->free_seat = SEAT_NONE;
	return p;
}

unsigned connection_pool_size(const struct connection_pool *p)
{
	return p->connection_n;
}

/* ---- names ------------------------------------------------------------ */

static void take_seat(struct connection *c)
{
	struct connection_pool *p = c->pool;

	if (p->free_seat == SEAT_NONE) {
		uint32_t n = p->seat_n ? 2 * p->seat_n : 64;

		p->seats = xreallocarray(p->seats, n, sizeof(*p->seats));
		for (; p->seat_n < n; p->seat_n++) {
			p->seats[p->seat_n] =
			    (struct seat){ .next_free = p->free_seat };
			p->free_seat = p->seat_n;
		}
	}
	c->seat = p->free_seat;
	p->free_seat = p->seats[c->seat].next_free;
	p->seats[c->seat].c = c;
}

static void leave_seat(struct connection *c)
{
	struct connection_pool *p = c->pool;
	struct seat *s = &p->seats[c->seat];

	s->c = NULL;
	s->number++;
	s->next_free = p->free_seat;
	p->free_seat = c->seat;
}

uint64_t connection_name(const struct connection *c)
{
	return (uint64_t)c->pool->seats[c->seat].number << 32 | c->seat;
}

/* NULL: it has gone. */
static struct connection *find(const struct connection_pool *p, uint64_t name)
{
	const struct seat *s = &p->seats[(uint32_t)name];

	return s->number == name >> 32 ? s->c : NULL;
}

/* ---- life ------------------------------------------------------------- */

void connection_progress(struct connection *c)
{
	struct connection_pool *p = c->pool;

	TAILQ_REMOVE(&p->connections, c, entry);
	TAILQ_INSERT_TAIL(&p->connections, c, entry);
	c->progress_ms = p->now;
}

void connection_close(struct connection *c)
{
	struct connection_pool *p = c->pool;

	connection_say_goodbye(c);
	event_del(&c->ready);
	tls_free(c->tls);
	close(c->fd);
	TAILQ_REMOVE(&p->connections, c, entry);
	leave_seat(c);
	p->connection_n--;
	atomic_fetch_sub(p->host.connection_n, 1);
	held_release(&c->in);
	held_release(&c->out);
	free(c);
}

void connection_pool_free(struct connection_pool *p)
{
	struct connection *c, *next;

	if (!p)
		return;
	for (c = TAILQ_FIRST(&p->connections); c; c = next) {
		next = TAILQ_NEXT(c, entry);
		connection_close(c);
	}
	free(p->seats);
	free(p);
}

void connection_open(struct connection_pool *p, int fd, const union peer *peer,
    bool tls, int64_t now)
{
	struct connection *c = xcalloc(1, sizeof(*c));

	if (tls && !(c->tls = tls_new(p->host.tls))) {
		close(fd);
		free(c);
		return;
	}
	c->pool = p;
	c->fd = fd;
	c->peer = *peer;
	c->progress_ms = now;
	c->waits = EV_READ;
	take_seat(c);
	event_assign(&c->ready, p->host.base, fd, EV_READ | EV_PERSIST,
	    connection_on_ready, c);
	event_add(&c->ready, NULL);
	TAILQ_INSERT_TAIL(&p->connections, c, entry);
	p->connection_n++;
	atomic_fetch_add(p->host.connection_n, 1);
	stats_add(&p->host.handler->stats, STAT_TCP_CONNECTIONS, 1);
}

bool connection_evict(struct connection_pool *p)
{
	struct connection *c;

	/* who waits for us goes last; there are no more of those than slots */
	TAILQ_FOREACH (c, &p->connections, entry) {
		if (!c->pending_n)
			break;
	}
	if (!c)
		c = TAILQ_FIRST(&p->connections);
	if (!c)
		return false;
	connection_close(c);
	return true;
}

int64_t connection_expire(struct connection_pool *p, int64_t now)
{
	struct connection *c, *next;

	for (c = TAILQ_FIRST(&p->connections); c; c = next) {
		int64_t left = c->progress_ms + p->host.idle_ms - now;

		if (left > 0)
			return left;
		next = TAILQ_NEXT(c, entry);
		if (c->pending_n) {
			p->now = now;
			connection_progress(c);
			continue;
		}
		stats_add(&p->host.handler->stats, STAT_TCP_EXPIRED, 1);
		connection_close(c);
	}
	return TAILQ_EMPTY(&p->connections) ? -1 : p->host.idle_ms;
}

/* Reads what is there; false: close. */
static bool drain_one(struct connection *c, int64_t now)
{
	struct connection_pool *p = c->pool;
	bool talked = false;

	for (unsigned i = 0; i < DRAIN_READS && c->waits == EV_READ; i++) {
		connection_begin_turn(p, now);
		if (!connection_read_turn(c))
			return false;
		if (!p->read_len || c->mode != SERVING)
			break;
		talked = true;
	}
	if (c->mode == PARTED)
		return true;
	if (c->waits == EV_READ && !talked && !c->pending_n)
		return false; /* idle: there is nothing to take from it */
	c->mode = ENDED;
	return connection_settle(c);
}

void connection_drain(struct connection_pool *p, int64_t now)
{
	struct connection *c, *next;

	/* one that makes progress moves to the end and is met again: no harm */
	for (c = TAILQ_FIRST(&p->connections); c; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->mode == SERVING && !drain_one(c, now))
			connection_close(c);
	}
}

void connection_deliver(struct connection_pool *p, uint64_t name,
    const uint8_t *msg, size_t len, int64_t now)
{
	struct connection *c = find(p, name);

	if (!c) {
		stats_add(&p->host.handler->stats, STAT_LATER_GONE, 1);
		return;
	}
	connection_begin_turn(p, now);
	if (!connection_late_turn(c, msg, len))
		connection_close(c);
}
