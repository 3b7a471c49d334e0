// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * cookie - server cookies (RFC 7873) in the form that all servers share (RFC
 * 9018): who shows one has been seen at the address that it asks from.
 *
 *	client cookie 8 | version 1 | reserved 3 | time 4 | hash 8
 *
 * The hash is over all before it and the client's address. Pure.
 */
#include "dnsd/message/wire/siphash.h"

#include <stdbool.h>

struct sockaddr;

enum {
	COOKIE_CLIENT_LEN = 8,
	COOKIE_SERVER_LEN = 16,
	COOKIE_LEN = COOKIE_CLIENT_LEN + COOKIE_SERVER_LEN,
	COOKIE_SERVER_MIN = 8, /* of other servers, RFC 7873 section 4 */
	COOKIE_SERVER_MAX = 32,
	COOKIE_SECRETS_MAX = 4,
	/* RFC 9018 section 4.3 */
	COOKIE_AGE_MAX_S = 3600,
	COOKIE_AHEAD_MAX_S = 300,
	COOKIE_RENEW_S = 1800,
};

/*
 * The first one makes cookies, all of them are good: while secrets roll over,
 * the next or the previous one stands behind it (RFC 9018 section 5).
 */
struct cookie_secrets {
	unsigned n;
	uint8_t key[COOKIE_SECRETS_MAX][SIPHASH_KEY_LEN];
};

enum cookie_status {
	COOKIE_MALFORMED,   /* FORMERR, RFC 7873 section 5.2.2 */
	COOKIE_CLIENT_ONLY, /* no server cookie was shown */
	COOKIE_BAD,         /* not ours, too old, of another address */
	COOKIE_GOOD,
};

/*
 * Judges the octets of a COOKIE option and makes the one to answer with, but
 * for COOKIE_MALFORMED. A good one is kept until it is half an hour old or its
 * secret is no longer the first. now_s: wall clock, modulo 2^32.
 */
enum cookie_status cookie_judge(const struct cookie_secrets *s,
    const struct sockaddr *peer, uint32_t now_s, const uint8_t *option,
    size_t len, uint8_t ret_cookie[COOKIE_LEN]);
