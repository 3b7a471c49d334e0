// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * later - requests that are answered afterwards, by threads that may wait,
 * allocate and lock.
 *
 * A worker whose request is DEFERRED (handle.h) copies it into a slot, with a
 * token that says where the answer goes; that costs it neither a lock nor an
 * allocation nor a system call. A thread of ours gives it to the handler of
 * its kind, which answers at once, after a while, in any order, or never:
 * after patience_ms the client is told SERVFAIL for it. What a handler
 * decides is encoded, limited and counted as every other answer is.
 *
 * The slots bound all of it, from later_put() to the answer.
 */
#include "dnsd/message/handle.h"
#include "dnsd/message/peer.h"
#include "schema/base/diag.h"

struct later;
struct later_token;
struct reclaim;

/* ---- for who answers -------------------------------------------------- */

/* Valid until take() returns, but for later and ticket. */
struct later_request {
	struct later *later;
	uint64_t ticket; /* this request and none after it */
	const struct deferral *deferral;
	/* Its octets again, and what query_parse() reads of them. */
	const struct query *query;
	const uint8_t *msg;
	size_t len;
};

/* How one kind of request is answered. */
struct later_handler {
	/*
	 * Called by a later thread, which serves nobody else meanwhile. The
	 * request is answered, from any thread, before take() returns or at
	 * any time after.
	 */
	void (*take)(void *arg, const struct later_request *r);
	/*
	 * The server ends: take() is to return, and once stop() has returned
	 * nobody answers any more. NULL: there is nothing to do for that.
	 */
	void (*stop)(void *arg);
	void *arg;
};

/*
 * Decides like answer_decide(), from the catalog as it is then: between
 * reclaim_in() and reclaim_out(), so without waiting, and no pointer into the
 * catalog survives it. ret_a is an empty NOERROR.
 */
typedef void (*later_decide_fn)(void *arg, struct query *q,
    const struct handler_source *source, struct answer *ret_a);

/*
 * Any thread, each ticket once. False: it was answered before, or given up;
 * then decide() is not called.
 */
bool later_answer(
    struct later *l, uint64_t ticket, later_decide_fn decide, void *arg);
/* The same without data. */
bool later_refuse(
    struct later *l, uint64_t ticket, enum rcode rcode, enum why why);
/* Nothing is sent. */
bool later_drop(struct later *l, uint64_t ticket);

/* ---- for the transports ----------------------------------------------- */

/* What can bring an answer to where it belongs. */
struct later_path {
	/*
	 * Called by any thread, once for each token that was put, before
	 * later_end() returns. msg may be written to; len 0: there is no
	 * answer. What is worth counting is counted in stats.
	 */
	void (*deliver)(void *arg, const struct later_token *t, uint8_t *msg,
	    size_t len, struct stats *stats);
	void *arg;
};

enum {
	/* That of a datagram's own address, as recvmsg(2) tells it. */
	LATER_CONTROL_LEN = CMSG_SPACE(sizeof(struct in6_pktinfo)),
};

/* Where an answer goes. The path outlives the threads, nothing else need. */
struct later_token {
	const struct later_path *path;
	union peer peer;
	uint64_t connection; /* of a stream: its name, see connection.h */
	size_t control_len;  /* of a datagram; 0: its socket has one address */
	_Alignas(8) uint8_t control[LATER_CONTROL_LEN];
};

/* Copies all of it. False: there is no room. */
bool later_put(struct later *l, const struct deferral *d,
    const struct later_token *t, const uint8_t *msg, size_t len);
/* After a batch that put n: the system calls that later_put() does without. */
void later_wake(struct later *l, unsigned n);

/* ---- life; control thread --------------------------------------------- */

enum {
	LATER_THREADS = 4,
	LATER_SLOTS = 1024, /* of about 2 KiB */
	LATER_PATIENCE_MS = 10000,
	/* Octets that longer requests than a datagram has may take. */
	LATER_LONG_MAX = 4 << 20,
};

struct later_config {
	unsigned thread_n;
	uint32_t slot_n; /* a power of two */
	int64_t patience_ms;
};

/*
 * Borrows what is in source, and thread_n readers of the catalog from the
 * first on. -errno: a thread cannot be started.
 */
int later_start(const struct later_config *config,
    const struct handler_source *source, struct reclaim_reader *readers,
    struct later **ret_l, struct diag *reterr);
/*
 * Nothing more is put; what is under way has so long to be answered; then the
 * handlers are told to stop, the threads end, and who was not answered never
 * is. NULL is ignored.
 */
void later_end(struct later *l, int64_t patience_ms);
/* Ended, and no worker is left that could put something. NULL: ignored. */
void later_free(struct later *l);

/* Sum over the threads. 0 of NULL. */
uint64_t later_stat(const struct later *l, enum stat what);
