// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * What connection.c, the turns of one client, and connection_pool.c, the
 * clients of a thread, know of each other.
 */
#include "dnsd/transport/connection.h"
#include "dnsd/transport/held.h"
#include "dnsd/transport/tls.h"

#include <event2/event_struct.h>
#include <sys/queue.h>

enum {
	READ_LEN = 16 << 10,
	FRESH_LEN = READ_LEN + TLS_RECORD_MAX,
	WRITE_LEN = 32 << 10, /* written as soon as there is that much */
	OUT_LEN = WRITE_LEN + FRAME_MAX,
	TURN_OUT = 128 << 10,
	/* Requests of a connection that are answered later, at a time. */
	PENDING_MAX = 256,
	/* Answers that came later and are not taken: the client is not there.
	 */
	LATE_OUT_MAX = 256 << 10,
};
_Static_assert((int)OUT_LEN <= (int)TLS_SEND_MAX, "one tls_send()");

enum mode {
	SERVING,
	ENDED,  /* nothing more is read; parted from when all is answered */
	PARTED, /* all was said; what the client still says is ignored */
};

struct connection {
	TAILQ_ENTRY(connection) entry;
	struct connection_pool *pool;
	struct tls *tls; /* NULL: plain TCP */
	struct event ready;
	int fd;
	union peer peer;
	short waits; /* for EV_READ or EV_WRITE; 0: for answers alone */
	enum mode mode;
	bool shaken; /* its TLS handshake is done */
	int64_t progress_ms;
	uint32_t seat;      /* in the pool */
	unsigned pending_n; /* requests that are answered later */
	struct held in;  /* an unfinished request, or some not yet answered */
	struct held out; /* answers that the client did not take yet */
};

/* Where a connection is found by its name, seat and number. */
struct seat {
	struct connection *c; /* NULL: it is free */
	uint32_t number;      /* moves with each that leaves */
	uint32_t next_free;
};

struct connection_pool {
	struct connection_host host;
	TAILQ_HEAD(, connection) connections; /* longest idle first */
	unsigned connection_n;
	struct seat *seats;
	uint32_t seat_n, free_seat; /* SEAT_NONE: all are taken */
	int64_t now;
	uint8_t wire[READ_LEN]; /* as it came, of TLS */
	uint8_t in[FRAME_MAX + FRESH_LEN];
	uint8_t out[OUT_LEN + RESPOND_SLACK];
	size_t out_len; /* not written yet */
	/* of this turn */
	size_t read_len, write_len;
	unsigned answer_n, deferred_n;
};

/* Of EV_READ and EV_WRITE of c->ready. */
void connection_on_ready(evutil_socket_t fd, short what, void *arg);

/* Each turn begins so. The others: false when c is to be closed. */
void connection_begin_turn(struct connection_pool *p, int64_t now);
bool connection_read_turn(struct connection *c);
bool connection_late_turn(struct connection *c, const uint8_t *msg, size_t len);
/* What c waits for from now on; nothing, if it has ended. */
bool connection_settle(struct connection *c);
/* Of a client that may be told so. */
void connection_say_goodbye(struct connection *c);

void connection_close(struct connection *c);
/* It is as if it had just come. */
void connection_progress(struct connection *c);
uint64_t connection_name(const struct connection *c);
