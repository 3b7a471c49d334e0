// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * batch - requests through the handler as the daemon's threads put them
 * through it, without sockets.
 */
#include "dnsd/message/handle.h"

/*
 * n is at most HANDLE_BATCH_MAX. Between reclaim_in() and reclaim_out(). What
 * is dropped or deferred has a response of no octets.
 */
static inline void handle_batch(
    struct handler *h, struct message *m, unsigned n, enum transport via)
{
	handle_prepare(h, m, n);
	for (unsigned i = 0; i < n; i++) {
		m[i].response_len =
		    handle_respond(h, i, via, m[i].response).len;
	}
}
