// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * connection - one TCP or TLS client (RFC 7766, RFC 7858), and the pool of
 * those that a thread serves.
 *
 * Requests are answered in the order they came, many to a write; those that
 * are answered later are overtaken by the others (RFC 7766 section 6.2.1.1).
 * What a client makes us hold is bounded: of requests READ_LEN octets and one
 * unfinished message, of answers about HOLD_OUT_MAX; while answers wait,
 * nothing more is read. An idle connection holds no buffer.
 *
 * A connection is closed when for idle_ms it neither finished a request nor
 * took all answers that waited: a slow client is an idle one. One that waits
 * for us is not idle.
 */
#include "dnsd/later/later.h"
#include "dnsd/message/data/reclaim.h"
#include "dnsd/message/handle.h"
#include "dnsd/transport/address.h"

#include <event2/event.h>
#include <stdatomic.h>

struct connection;
struct connection_pool;
struct tls_thread;

/* Borrowed by the pool; the base may be one without locks. */
struct connection_host {
	struct event_base *base;
	struct handler *handler;
	struct reclaim_reader *reader;
	struct tls_thread *tls;         /* NULL: no TLS */
	_Atomic unsigned *connection_n; /* kept; other pools may add to it */
	int64_t idle_ms;
	struct later *later; /* NULL: everything is answered at once */
	const struct later_path *path; /* to connection_deliver() */
};

struct connection_pool *connection_pool_new(const struct connection_host *h);
/* Closes all connections. NULL is ignored. */
void connection_pool_free(struct connection_pool *p);
unsigned connection_pool_size(const struct connection_pool *p);

/* Consumes fd, a non-blocking stream. */
void connection_open(struct connection_pool *p, int fd, const union peer *peer,
    bool tls, int64_t now);
/* Closes the one that has been idle the longest; false: there is none. */
bool connection_evict(struct connection_pool *p);
/*
 * Closes those idle too long. Returns the milliseconds until there may be
 * another one, -1: there are no connections.
 */
int64_t connection_expire(struct connection_pool *p, int64_t now);
/*
 * Answers what has arrived, takes no further requests, and closes each
 * connection as soon as its client has all answers.
 */
void connection_drain(struct connection_pool *p, int64_t now);

/*
 * What was deferred for the connection of that name (later_token) has its
 * answer; len 0: there is none. The connection may be gone, and its place be
 * another's: names do not come back.
 */
void connection_deliver(struct connection_pool *p, uint64_t name,
    const uint8_t *msg, size_t len, int64_t now);
