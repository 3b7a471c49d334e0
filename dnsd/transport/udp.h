// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * udp - one thread that answers one UDP socket, in batches.
 *
 * The thread sleeps in recvmmsg(2) and takes what is there, up to 32
 * datagrams, answers them together and sends them by one sendmmsg(2). No
 * event loop stands between: registering the socket with epoll would cost a
 * tenth of a microsecond for each answer, since every send wakes the
 * socket's waiters.
 */
#include "dnsd/message/data/reclaim.h"
#include "dnsd/message/handle.h"
#include "schema/base/diag.h"

struct address;
struct udp;

/*
 * Binds and starts. Borrows everything; consumes nothing. Errors are those of
 * address_bind().
 */
int udp_start(const struct address *a, const struct handler_source *source,
    struct reclaim_reader *reader, struct udp **ret_u, struct diag *reterr);
/*
 * Ends the thread; what is answered afterwards can still be sent, by others,
 * until the socket goes with the rest. NULL is ignored by both.
 */
void udp_stop(struct udp *u);
void udp_free(struct udp *u);

const struct stats *udp_stats(const struct udp *u);
