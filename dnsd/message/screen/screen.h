// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * screen - what becomes of a request before it is looked at, and of its
 * response before it is sent: who asks, how often, and with what cookie.
 *
 * One for each thread, with accounts of its own: nothing is shared, so that
 * limits hold for each thread. Only UDP can be asked from a forged address;
 * who comes by TCP, or shows a good server cookie, is verified.
 */
#include "dnsd/message/respond/respond.h"
#include "dnsd/message/screen/policy.h"
#include "dnsd/message/stats.h"
#include "dnsd/message/wire/query.h"

struct screen {
	const struct policy_slot *slot;
	const struct policy *policy; /* of this batch */
	struct limits *limits;
	/* Set by the caller for each batch, see handle.h. */
	uint64_t now_mono_ms;
	uint32_t now_wall_s; /* modulo 2^32 */
};

/* Who sent a request, and what that says. */
struct visitor {
	const struct sockaddr *peer; /* NULL: not to be screened */
	enum transport via;
	bool verified;    /* really at its address */
	bool may_recurse; /* ask for what is not ours */
};

enum screening {
	SCREEN_PASS,
	SCREEN_DROP,
	SCREEN_FORMERR,
	SCREEN_REFUSED,
	SCREEN_TRUNCATED, /* TC, to have it ask by TCP */
	SCREEN_BADCOOKIE,
	SCREEN_ONLY_COOKIE, /* NOERROR: no more was asked for */
};

/* slot: NULL for a server that is open to all, without cookies. */
void screen_init(struct screen *s, const struct policy_slot *slot);
void screen_release(struct screen *s);

/* True: nothing is to be judged of a request without a cookie. */
bool screen_is_idle(
    const struct screen *s, const struct sockaddr *peer, enum transport via);

/* False: a connection from there is as well closed at once. */
bool screen_welcomes(const struct screen *s, const struct sockaddr *peer);

/*
 * Judges a request of that status, other than QUERY_DROP. Says whether the
 * visitor is verified, and sets ret_extra, which is all zero before.
 */
enum screening screen_request(struct screen *s, const struct query *q,
    enum query_status status, struct visitor *v,
    struct respond_extra *ret_extra, struct stats *stats);

/* Of responses that are alike, subject says which: SCREEN_PASS, _DROP or
 * _TRUNCATED. */
enum screening screen_response(struct screen *s, const struct visitor *v,
    enum response_class class, uint64_t subject, struct stats *stats);
