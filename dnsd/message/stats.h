// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * stats - what was counted. Each thread counts for itself; readers sum up.
 */
#include <stdatomic.h>
#include <stdint.h>

enum stat {
	STAT_UDP_REQUESTS,
	STAT_TCP_REQUESTS,
	STAT_TLS_REQUESTS,
	STAT_DROPPED,
	STAT_NOERROR, /* with an answer */
	STAT_NODATA,
	STAT_NXDOMAIN,
	STAT_REFUSED,
	STAT_FORMERR,
	STAT_NOTIMP,
	STAT_SERVFAIL,
	STAT_BADVERS,
	STAT_BADCOOKIE,
	STAT_COOKIES,         /* requests with a good server cookie */
	STAT_DENIED,          /* of networks that may not ask */
	STAT_QUERIES_LIMITED, /* of networks that ask too often */
	STAT_RRL_DROPPED,     /* responses that were limited: not sent, */
	STAT_RRL_TRUNCATED,   /* sent empty with TC, */
	STAT_RRL_LEAKED,      /* or sent as they are */
	STAT_TRUNCATED,       /* TC set */
	STAT_SAMPLED,         /* an SRV set that not even TCP can hold */
	STAT_DEFERRED,        /* requests that are answered afterwards, */
	STAT_LATER_FULL,      /* for which there was no room, */
	STAT_LATER_OVERDUE,   /* or that nobody answered in time, */
	STAT_LATER_GONE,      /* answers whose connection had been closed */
	STAT_OUTSIDE_KEPT,    /* answers of others, given without asking */
	STAT_TCP_CONNECTIONS, /* those of TLS, too */
	STAT_TCP_REJECTED,    /* above the limit of connections */
	STAT_TCP_EXPIRED,     /* closed for being idle or slow */
	STAT_TLS_CONNECTIONS, /* handshakes that were completed */
	STAT_TLS_RESUMED,
	STAT_TLS_FAILED,
	STAT_ACCEPT_ERRORS, /* no descriptor or memory for a newcomer */
	STAT_SEND_ERRORS,
	STAT_N,
};

/* Written by one thread; alone on its cache lines. */
struct stats {
	_Alignas(64) _Atomic uint64_t count[STAT_N];
};

/* "udp_requests" ... */
const char *stat_name(enum stat s);

static inline void stats_add(struct stats *s, enum stat what, uint64_t n)
{
	uint64_t v =
	    atomic_load_explicit(&s->count[what], memory_order_relaxed);

	atomic_store_explicit(&s->count[what], v + n, memory_order_relaxed);
}

static inline uint64_t stats_get(const struct stats *s, enum stat what)
{
	return atomic_load_explicit(&s->count[what], memory_order_relaxed);
}
