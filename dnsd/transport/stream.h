// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * stream - one thread that answers TCP and TLS connections.
 *
 * Started and stopped by the control thread. When there are too many
 * connections, or no more descriptors, the one that has been idle the longest
 * makes room.
 */
#include "dnsd/transport/address.h"
#include "dnsd/transport/connection.h"

struct stream;
struct tls_context;

struct stream_limits {
	unsigned connection_max; /* of all threads that share connection_n */
	_Atomic unsigned *connection_n;
	int64_t idle_ms;
};

/* Where connections come from. tls: NULL for plain TCP. */
struct stream_door {
	struct address address;
	struct tls_context *tls; /* the same for all of them */
};

/* Binds every address and starts. Borrows everything but the doors. */
int stream_start(const struct stream_door *doors, unsigned door_n,
    const struct stream_limits *limits, const struct handler_source *source,
    struct reclaim_reader *reader, struct stream **ret_s, struct diag *reterr);
/*
 * Takes no more connections and requests, sends the answers to what has
 * arrived, and ends within STREAM_DRAIN_MS. Does not wait.
 */
enum { STREAM_DRAIN_MS = 2000 };
void stream_drain(struct stream *s);
/* Drains, waits for the end, and frees. NULL is ignored. */
void stream_stop(struct stream *s);

const struct stats *stream_stats(const struct stream *s);
