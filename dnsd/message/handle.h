// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * handle - requests to responses: parse, locate, decide, encode.
 *
 * Octets in, octets out: no allocation, no lock, no system call. A batch goes
 * through the steps together, so that while one question waits for memory the
 * others are worked on. Fuzzers, benchmarks and tests call exactly this.
 */
#include "dnsd/message/respond/respond.h"
#include "dnsd/message/screen/screen.h"
#include "dnsd/message/stats.h"

enum { HANDLE_BATCH_MAX = 32 };

struct message {
	const uint8_t *request;
	size_t request_len;
	uint8_t *response;           /* room as respond_encode() wants it */
	size_t response_len;         /* result; 0: nothing is sent */
	const struct sockaddr *peer; /* NULL: is not screened */
};

/* What handlers answer from; all of it is borrowed. */
struct handler_source {
	const struct catalog *catalog;
	const struct identity *identity;
	const struct policy_slot *policy; /* NULL: open to all, no cookies */
	uint16_t udp_len_max;
};

/* One for each thread. */
struct handler {
	const struct catalog *catalog;
	struct responder responder;
	struct stats stats;
	struct screen screen;
	/* private: where each question of the batch stands */
	enum query_status status[HANDLE_BATCH_MAX];
	struct query query[HANDLE_BATCH_MAX];
	struct locus locus[HANDLE_BATCH_MAX];
	const struct message *message;
};

/* Never NULL. */
struct handler *handler_new(const struct handler_source *source);
void handler_free(struct handler *h);

/*
 * n is at most HANDLE_BATCH_MAX. Between reclaim_in() and reclaim_out(), as
 * are its two halves: what to look at is fetched for all requests, then each
 * response is written to a place that may depend on the one before.
 *
 * handle_prepare() borrows m until the last handle_respond(), and returns
 * whether the time in h->screen has to be set before the first one.
 * handle_respond() returns the response's octets, 0: nothing is sent.
 */
void handle_batch(
    struct handler *h, struct message *m, unsigned n, enum transport via);
bool handle_prepare(struct handler *h, const struct message *m, unsigned n);
size_t handle_respond(
    struct handler *h, unsigned i, enum transport via, uint8_t *response);
