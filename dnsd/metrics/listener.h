// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * listener - /metrics, /health and /ready over HTTP, in a thread of its own
 * with the lowest claim to a processor.
 *
 * Whoever connects has 3 s for a request of at most 4 KiB and 10 s to take
 * the answer, and is closed then: one request a connection. There are so many
 * connections at a time, the oldest one that has not asked yet makes room, and
 * what is told is made anew at most four times a second. Bodies of requests are
 * not read.
 */
#include "schema/base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address;
struct listener;
struct metrics;

enum {
	LISTENER_CONNECTIONS_MAX = 32,
	LISTENER_REQUEST_MAX = 4096,
};

/*
 * Copies *m, which is read until listener_free(). Errors: the address is
 * taken.
 */
int listener_new(const struct address *a, const struct metrics *m,
    struct listener **ret_l, struct diag *reterr);
/* NULL is ignored. */
void listener_free(struct listener *l);

/* Control thread, now and then: it turns. Without it /health is 503. */
void listener_pulse(struct listener *l);

/* ---- for tests --------------------------------------------------------- */

enum listener_page {
	PAGE_METRICS,
	PAGE_HEALTH,
	PAGE_READY,
	PAGE_NONE,      /* 404 */
	PAGE_METHOD,    /* 405 */
	PAGE_MALFORMED, /* 400 */
	PAGE_TOO_LONG,  /* 431 */
	PAGE_MORE,      /* it is not whole yet */
};
/* What the octets ask for; *ret_head: the answer has no body. */
enum listener_page listener_read(
    const char *request, size_t len, bool *ret_head);
