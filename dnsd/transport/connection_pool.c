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

enum { DRAIN_READS = 16 }; /* of a connection, when the server ends */

struct connection_pool *connection_pool_new(const struct connection_host *h)
{
	struct connection_pool *p = xcalloc(1, sizeof(*p));

	p->host = *h;
	TAILQ_INIT(&p->connections);
	return p;
}

unsigned connection_pool_size(const struct connection_pool *p)
{
	return p->connection_n;
}

void connection_close(struct connection *c)
{
	struct connection_pool *p = c->pool;

	connection_say_goodbye(c);
	event_del(&c->ready);
	tls_free(c->tls);
	close(c->fd);
	TAILQ_REMOVE(&p->connections, c, entry);
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
	if (TAILQ_EMPTY(&p->connections))
		return false;
	connection_close(TAILQ_FIRST(&p->connections));
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
		stats_add(&p->host.handler->stats, STAT_TCP_EXPIRED, 1);
		connection_close(c);
	}
	return -1;
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
	if (c->waits == EV_READ && !talked)
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
