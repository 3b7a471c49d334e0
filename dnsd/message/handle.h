// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * handle - requests to responses: parse, locate, decide, encode.
 *
 * Octets in, octets out: no allocation, no lock, no system call. A batch goes
 * through the steps together, so that while one question waits for memory the
 * others are worked on. Fuzzers, benchmarks and tests call exactly this.
 *
 * What has to wait for something is deferred: dnsd/later/ has the threads
 * that answer it afterwards, with a handler of their own.
 */
#include "dnsd/message/data/front.h"
#include "dnsd/message/respond/respond.h"
#include "dnsd/message/screen/screen.h"
#include "dnsd/message/stats.h"
#include "dnsd/message/tally.h"

enum { HANDLE_BATCH_MAX = 32 };

struct message {
	const uint8_t *request;
	size_t request_len;
	uint8_t *response;           /* room as respond_encode() wants it */
	size_t response_len;         /* result; 0: nothing is sent */
	const struct sockaddr *peer; /* NULL: is not screened */
};

/* What may be answered afterwards, where somebody does it. */
enum later_kind {
	LATER_OUTSIDE, /* a question for a name in none of our zones */
	LATER_NOTIFY,  /* messages of that opcode, unread behind the question */
	LATER_UPDATE,
	LATER_KINDS,
};

struct later; /* dnsd/later/later.h */
struct later_handler;

/* What handlers answer from; all of it is borrowed. */
struct handler_source {
	const struct catalog *catalog;
	const struct identity *identity;
	const struct policy_slot *policy; /* NULL: open to all, no cookies */
	uint16_t udp_len_max;
	/* LATER_KINDS, each NULL where nobody does it; NULL: all of them */
	const struct later_handler *const *later;
	struct later *queue; /* for the transports; NULL without the former */
	const struct front *front; /* of LATER_OUTSIDE; NULL: none */
	struct tallies *tallies;   /* for as many handlers; NULL: none */
};

/* Of a request that is deferred, what was found out about it. */
struct deferral {
	enum later_kind kind;
	struct visitor visitor; /* who may ask this, and is within limits */
	struct respond_extra extra;
	/*
	 * Of LATER_OUTSIDE: the name that it is about, in lower case, if an
	 * alias of ours leads there; else 0: that of the question.
	 */
	uint8_t target_len;
	uint8_t target[WIRE_NAME_MAX];
};

enum handling {
	HANDLED,
	DROPPED,  /* nothing is sent */
	DEFERRED, /* h->deferral says the rest */
};

struct handled {
	size_t len; /* of the response; 0 unless HANDLED */
	enum handling how;
};

/* One for each thread. */
struct handler {
	struct stats stats;
	const struct catalog *catalog;
	struct responder responder;
	struct screen screen;
	unsigned defers;     /* 1 << kind: somebody does it */
	struct tally *tally; /* NULL: nobody wants to know */
	/* private: where each question of the batch stands */
	enum query_status status[HANDLE_BATCH_MAX];
	struct query query[HANDLE_BATCH_MAX];
	struct locus locus[HANDLE_BATCH_MAX];
	const struct message *message;
	struct answer answer; /* being decided */
	/* what plain questions do not touch */
	struct deferral deferral; /* until the next handle_respond() */
	const struct front *front;
	struct front_copy found; /* in it */
};

/* Never NULL. */
struct handler *handler_new(const struct handler_source *source);
void handler_free(struct handler *h);

/*
 * A batch in two halves, both between reclaim_in() and reclaim_out(): what to
 * look at is fetched for all requests, then each response is written to a
 * place that may depend on the one before. n is at most HANDLE_BATCH_MAX.
 *
 * handle_prepare() borrows m until the last handle_respond(); the time in
 * h->screen has to be set before the first one.
 */
void handle_prepare(struct handler *h, const struct message *m, unsigned n);
struct handled handle_respond(
    struct handler *h, unsigned i, enum transport via, uint8_t *response);
/* Of the request that was just deferred, if nobody can take it: SERVFAIL. */
struct handled handle_overflow(
    struct handler *h, unsigned i, uint8_t *response);

/*
 * The response to a request that was deferred: a as it was decided then, with
 * the limits and counters of h, whose time is set. q is parsed
 * from the request's octets. Between reclaim_in() and reclaim_out(), too.
 */
struct handled handle_answer(struct handler *h, const struct query *q,
    const struct answer *a, const struct deferral *d, uint8_t *response);
