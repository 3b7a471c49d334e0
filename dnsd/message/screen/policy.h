// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * policy - whom the server answers, how often, and with what cookies.
 *
 * Made by the control thread from options (guard.c) and constant then; a new
 * one takes the place of the old one as a whole. Workers load it once for a
 * batch, between reclaim_in() and reclaim_out().
 */
#include "dnsd/message/screen/limit.h"
#include "dnsd/message/wire/cookie.h"
#include "dnsd/message/wire/network.h"

#include <stdatomic.h>

struct networks;

enum cookie_mode {
	COOKIES_OFF, /* the option is not looked at */
	COOKIES_ON,
	COOKIES_REQUIRE, /* who knows cookies must show a good one over UDP */
};

/* What becomes of a question for a name in none of our zones. */
enum outside {
	OUTSIDE_REFUSE,
	OUTSIDE_NXDOMAIN, /* there is nothing outside */
	OUTSIDE_FORWARD,  /* others are asked */
};

/* What a response is, to those who count responses. */
enum response_class {
	RESPONSE_POSITIVE,
	RESPONSE_REFERRAL,
	RESPONSE_NODATA,
	RESPONSE_NXDOMAIN,
	RESPONSE_ERROR,
	RESPONSE_CLASSES,
};

struct policy {
	/* Every request is screened: there are networks or limits. */
	bool watches;
	/*
	 * But for those from here, and over streams: without a cookie, nothing
	 * is for them. NULL: no such place.
	 */
	const struct networks *unwatched;
	const struct networks *allowed; /* NULL: everybody */
	bool drops;                     /* the others; else REFUSED */
	struct limit_rule queries;      /* of one network */

	enum outside outside;
	/* for whom it is not REFUSE; NULL: for everybody */
	const struct networks *recursers;

	struct limit_rule responses[RESPONSE_CLASSES];
	/* where a rule that nobody asked for does not hold; NULL: it does */
	const struct networks *spared[RESPONSE_CLASSES];
	unsigned slip; /* every so many limited responses TC is sent; 0: no */
	unsigned leak; /* every so many the response itself; 0: none */

	const struct networks *exempt; /* from all limits; NULL: nobody */
	struct network_prefixes prefixes;

	enum cookie_mode cookies;
	struct cookie_secrets secrets;
};

/* Where the policy in force is found. */
struct policy_slot {
	_Atomic(const struct policy *) current;
};

static inline const struct policy *policy_current(const struct policy_slot *s)
{
	return atomic_load(&s->current); /* as reclaim.h needs it */
}
