// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * server - the threads that answer: for each worker one for each UDP address
 * and one for TCP and TLS, all with sockets of their own (SO_REUSEPORT).
 *
 * Started and stopped by the control thread.
 */
#include "dnsd/message/stats.h"
#include "schema/base/diag.h"

struct handler_source;
struct options;
struct reclaim;
struct server;
struct tls_context;

/* How many readers of the catalog there will be. */
unsigned server_reader_n(const struct options *o);

/*
 * Lets the process have as many files open as the connections need. -EMFILE:
 * not all of them; connections are then closed earlier.
 */
int server_raise_limit(const struct options *o, struct diag *reterr);

/*
 * Borrows everything. What source wants answered afterwards is, by threads of
 * the server's, to which source->queue is lent. tls: NULL where there is no
 * listen_tls. Errors: an address is wrong or taken.
 */
int server_start(const struct options *o, struct tls_context *tls,
    const struct handler_source *source, struct reclaim *rec,
    struct server **ret_s, struct diag *reterr);
/*
 * Sends the answers under way, those that come later within STREAM_DRAIN_MS,
 * ends all threads, and frees. NULL: ignored.
 */
void server_stop(struct server *s);

/* Sum over all threads. */
uint64_t server_stat(const struct server *s, enum stat what);
