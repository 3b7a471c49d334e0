// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/screen/screen.h"

#include "dnsd/message/screen/networks.h"

#include <sys/socket.h>

/* Beside the classes of responses, what accounts are kept of. */
enum { KIND_QUERIES = RESPONSE_CLASSES, KIND_VERIFIED_QUERIES };

static const struct policy open_policy = { .prefixes = { 24, 56 },
	.cookies = COOKIES_OFF };
static const struct policy_slot open_slot = { &open_policy };

void screen_init(struct screen *s, const struct policy_slot *slot)
{
	*s = (struct screen){ .slot = slot ? slot : &open_slot,
		.policy = &open_policy,
		.limits = limits_new() };
}

void screen_release(struct screen *s)
{
	limits_free(s->limits);
}

static bool is_exempt(const struct policy *p, const struct visitor *v)
{
	return p->exempt && networks_have(p->exempt, v->peer);
}

bool screen_is_idle(
    const struct screen *s, const struct sockaddr *peer, enum transport via)
{
	const struct policy *p = s->policy;

	if (!p->watches)
		return true;
	return p->unwatched &&
	       (via != VIA_UDP || !peer || networks_have(p->unwatched, peer));
}

bool screen_welcomes(const struct screen *s, const struct sockaddr *peer)
{
	const struct policy *p = policy_current(s->slot);

	return !p->drops || !p->allowed || networks_have(p->allowed, peer);
}

/* ---- requests --------------------------------------------------------- */

static enum screening deny(
    const struct policy *p, enum query_status status, struct respond_extra *e)
{
	if (p->drops)
		return SCREEN_DROP;
	if (status != QUERY_OK)
		return SCREEN_PASS; /* to the error that it is */
	e->why = WHY_PROHIBITED;
	return SCREEN_REFUSED;
}

/* Whether it asks too often; what it gets is in *ret_s. */
static bool is_over(struct screen *s, const struct visitor *v,
    enum query_status status, struct respond_extra *e, enum screening *ret_s)
{
	const struct policy *p = s->policy;

	if (!p->queries.rate || is_exempt(p, v))
		return false;
	/* what may be forged does not use up what verified clients have */
	struct limit_key key = { network_number(v->peer, &p->prefixes), 0,
		v->verified ? KIND_VERIFIED_QUERIES : KIND_QUERIES };
	unsigned n = limits_take(s->limits, &key, &p->queries, s->now_mono_ms);
	if (!n)
		return false;
	*ret_s = SCREEN_DROP;
	if (status != QUERY_OK)
		return true;
	if (v->via != VIA_UDP) {
		e->why = WHY_PROHIBITED;
		*ret_s = SCREEN_REFUSED; /* silence would keep it waiting */
	} else if (!v->verified && p->slip && n % p->slip == 0) {
		*ret_s = SCREEN_TRUNCATED;
	}
	return true;
}

static enum cookie_status judge_cookie(const struct screen *s,
    const struct query *q, const struct visitor *v, struct respond_extra *e)
{
	enum cookie_status status =
	    cookie_judge(&s->policy->secrets, v->peer, s->now_wall_s,
	        q->msg + q->edns.cookie_at, q->edns.cookie_len, e->cookie);

	e->has_cookie = status != COOKIE_MALFORMED;
	return status;
}

/* What its cookie alone says of a request. */
static enum screening by_cookie(const struct policy *p,
    enum query_status status, const struct visitor *v, enum cookie_status c)
{
	if (c == COOKIE_MALFORMED)
		return SCREEN_FORMERR;
	if (status == QUERY_COOKIE_ONLY)
		return c == COOKIE_BAD ? SCREEN_BADCOOKIE : SCREEN_ONLY_COOKIE;
	if (status == QUERY_OK && c != COOKIE_GOOD && v->via == VIA_UDP &&
	    p->cookies == COOKIES_REQUIRE)
		return SCREEN_BADCOOKIE;
	return SCREEN_PASS;
}

enum screening screen_request(struct screen *s, const struct query *q,
    enum query_status status, struct visitor *v,
    struct respond_extra *ret_extra, struct stats *stats)
{
	const struct policy *p = s->policy;
	enum screening found = SCREEN_PASS, over;

	v->verified = v->via != VIA_UDP;
	if (!v->peer)
		return SCREEN_PASS;
	if (p->allowed && !networks_have(p->allowed, v->peer)) {
		stats_add(stats, STAT_DENIED, 1);
		return deny(p, status, ret_extra);
	}
	if (p->outside != OUTSIDE_REFUSE &&
	    (!p->recursers || networks_have(p->recursers, v->peer))) {
		v->may_recurse = true;
		ret_extra->flags = WIRE_RA;
	}
	if (q->edns.cookie_at && p->cookies != COOKIES_OFF) {
		enum cookie_status c = judge_cookie(s, q, v, ret_extra);

		if (c == COOKIE_GOOD)
			stats_add(stats, STAT_COOKIES, 1);
		v->verified |= c == COOKIE_GOOD;
		found = by_cookie(p, status, v, c);
	}
	if (is_over(s, v, status, ret_extra, &over)) {
		stats_add(stats, STAT_QUERIES_LIMITED, 1);
		return over;
	}
	return found;
}

/* ---- responses -------------------------------------------------------- */

static bool is_spared(
    const struct policy *p, enum response_class class, const struct visitor *v)
{
	return p->spared[class] && networks_have(p->spared[class], v->peer);
}

enum screening screen_response(struct screen *s, const struct visitor *v,
    enum response_class class, uint64_t subject, struct stats *stats)
{
	const struct policy *p = s->policy;
	const struct limit_rule *rule = &p->responses[class];

	if (!rule->rate || !v->peer || v->verified || is_exempt(p, v) ||
	    is_spared(p, class, v))
		return SCREEN_PASS;
	struct limit_key key = { network_number(v->peer, &p->prefixes), subject,
		class };
	unsigned n = limits_take(s->limits, &key, rule, s->now_mono_ms);
	if (!n)
		return SCREEN_PASS;
	bool slips = p->slip && n % p->slip == 0;
	/* TC says nothing to who gets an error, and that is as short */
	if ((p->leak && n % p->leak == 0) ||
	    (slips && class == RESPONSE_ERROR)) {
		stats_add(stats, STAT_RRL_LEAKED, 1);
		return SCREEN_PASS;
	}
	stats_add(stats, slips ? STAT_RRL_TRUNCATED : STAT_RRL_DROPPED, 1);
	return slips ? SCREEN_TRUNCATED : SCREEN_DROP;
}
