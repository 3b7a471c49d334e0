// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * tcp - one thread that answers TCP connections (RFC 7766).
 *
 * Pipelined requests are answered in the order they came, many to a write.
 * An idle connection holds no buffer: what is read goes through the thread's
 * own, and only an unfinished request or an answer that its client does not
 * take yet is kept. While answers wait, nothing more is read, so a connection
 * is bounded; a client that is slow to finish a request is closed like an
 * idle one.
 */
#include "dnsd/handle.h"
#include "dnsd/reclaim.h"
#include "schema/base/diag.h"

struct address;
struct tcp;

struct tcp_limits {
	unsigned connection_max; /* of this thread */
	int64_t idle_ms;
};

/* Binds every address and starts. Borrows everything. */
int tcp_start(const struct address *a, unsigned address_n,
    const struct catalog *c, const struct identity *id,
    const struct tcp_limits *limits, struct reclaim_reader *reader,
    struct tcp **ret_t, struct diag *reterr);
/* Closes all connections, ends the thread, and frees. NULL is ignored. */
void tcp_stop(struct tcp *t);

const struct stats *tcp_stats(const struct tcp *t);
