// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/handle.h"

#include <stdlib.h>

struct handler *handler_new(const struct handler_source *source)
{
	size_t len = (sizeof(struct handler) + 63) & ~(size_t)63;
	struct handler *h = aligned_alloc(64, len);

	if (!h)
		abort();
	memset(h, 0, len);
	h->catalog = source->catalog;
	h->responder.identity = source->identity;
	h->responder.udp_len_max = source->udp_len_max;
	h->front = source->front;
	if (source->tallies)
		h->tally = tallies_take(source->tallies);
	screen_init(&h->screen, source->policy);
	h->responder.recipient.now_wall_s = &h->screen.now_wall_s;
	for (unsigned k = 0; source->later && k < LATER_KINDS; k++)
		h->defers |= source->later[k] ? 1u << k : 0;
	rng_seed(&h->responder.rng);
	return h;
}

void handler_free(struct handler *h)
{
	if (!h)
		return;
	screen_release(&h->screen);
	free(h);
}

static enum stat stat_of(const struct answer *a)
{
	switch (a->rcode) {
	case RCODE_YXDOMAIN:
		return STAT_NOERROR;
	case RCODE_NOERROR:
		return a->kind == ANSWER_NEGATIVE ? STAT_NODATA : STAT_NOERROR;
	case RCODE_NXDOMAIN:
		return STAT_NXDOMAIN;
	case RCODE_FORMERR:
		return STAT_FORMERR;
	case RCODE_NOTIMP:
		return STAT_NOTIMP;
	case RCODE_SERVFAIL:
		return STAT_SERVFAIL;
	case RCODE_BADVERS:
	case RCODE_BADCOOKIE:
	case RCODE_REFUSED:
		break;
	}
	return STAT_REFUSED;
}

/* What was decided: a response, unless limits are in its way. */
static void count_decided(struct handler *h, const struct answer *a)
{
	enum stat s = stat_of(a);

	stats_add(&h->stats, s, 1);
	if (h->tally)
		tally_response(h->tally, a->zone, s, a->service);
}

/* ---- responses -------------------------------------------------------- */

static size_t encode(struct handler *h, const struct query *q,
    const struct answer *a, enum transport via, uint8_t *out)
{
	struct response r = respond_encode(&h->responder, q, a, via, out);

	if (r.truncated)
		stats_add(&h->stats, STAT_TRUNCATED, 1);
	if (r.sampled)
		stats_add(&h->stats, STAT_SAMPLED, 1);
	return r.len;
}

static size_t truncate_response(
    struct handler *h, const struct query *q, enum rcode rcode, uint8_t *out)
{
	stats_add(&h->stats, STAT_TRUNCATED, 1);
	return respond_truncated(&h->responder, q, rcode, out).len;
}

/* Without a look at what is asked, or after none was worth it. */
static size_t respond_plainly(struct handler *h, const struct query *q,
    enum rcode rcode, enum stat stat, enum transport via, uint8_t *out)
{
	stats_add(&h->stats, stat, 1);
	if (h->tally)
		tally_response(h->tally, NULL, stat, NULL);
	return respond_error(&h->responder, q, rcode, via, out).len;
}

static size_t refuse(struct handler *h, const struct query *q,
    enum query_status s, enum transport via, uint8_t *out)
{
	static const struct {
		enum rcode rcode;
		enum stat stat;
	} by_status[] = {
		[QUERY_FORMERR] = { RCODE_FORMERR, STAT_FORMERR },
		[QUERY_NOTIMP] = { RCODE_NOTIMP, STAT_NOTIMP },
		[QUERY_BADVERS] = { RCODE_BADVERS, STAT_BADVERS },
		/* where there are no cookies */
		[QUERY_COOKIE_ONLY] = { RCODE_FORMERR, STAT_FORMERR },
	};

	return respond_plainly(
	    h, q, by_status[s].rcode, by_status[s].stat, via, out);
}

/* ---- screened --------------------------------------------------------- */

static enum response_class class_of(const struct answer *a)
{
	if (a->kind == ANSWER_REFERRAL)
		return RESPONSE_REFERRAL;
	if (a->rcode == RCODE_NXDOMAIN)
		return RESPONSE_NXDOMAIN;
	if (a->rcode != RCODE_NOERROR && a->rcode != RCODE_YXDOMAIN)
		return RESPONSE_ERROR;
	return a->kind == ANSWER_NEGATIVE ? RESPONSE_NODATA : RESPONSE_POSITIVE;
}

/*
 * Responses that one can have any number of, by asking for made-up names,
 * are counted as one: those of a wildcard, the negative ones of a zone, and
 * errors.
 */
static uint64_t subject_of(const struct query *q, const struct answer *a)
{
	if (a->alias_n)
		return (uintptr_t)a->alias[0].set;
	switch (class_of(a)) {
	case RESPONSE_ERROR:
		return 0;
	case RESPONSE_REFERRAL:
		return (uintptr_t)a->node;
	case RESPONSE_NODATA:
	case RESPONSE_NXDOMAIN:
		return a->zone ? a->zone->hash : 0;
	case RESPONSE_POSITIVE:
	case RESPONSE_CLASSES:
	default:
		return a->kind == ANSWER_RRSET
		           ? (uintptr_t)a->rrset
		           : q->name.suffix_hash[q->name.label_n];
	}
}

static struct handled sent(size_t len)
{
	return (struct handled){ len, HANDLED };
}

static struct handled dropped(void)
{
	return (struct handled){ 0, DROPPED };
}

/* What was decided, if the limits let it be said. */
static struct handled respond_decided(struct handler *h, const struct query *q,
    const struct answer *a, const struct visitor *v, uint8_t *out)
{
	count_decided(h, a);
	switch (screen_response(
	    &h->screen, v, class_of(a), subject_of(q, a), &h->stats)) {
	case SCREEN_DROP:
		return dropped();
	case SCREEN_TRUNCATED:
		return sent(truncate_response(h, q, a->rcode, out));
	case SCREEN_PASS:
	case SCREEN_FORMERR:
	case SCREEN_REFUSED:
	case SCREEN_BADCOOKIE:
	case SCREEN_ONLY_COOKIE:
		break;
	}
	return sent(encode(h, q, a, v->via, out));
}

/* Errors and bare cookies are responses, too: not for whom they flood. */
static bool is_flooded(struct handler *h, const struct visitor *v)
{
	return screen_response(&h->screen, v, RESPONSE_ERROR, 0, &h->stats) !=
	       SCREEN_PASS;
}

/* ---- afterwards ------------------------------------------------------- */

static bool does_later(const struct handler *h, enum later_kind kind)
{
	return h->defers >> kind & 1;
}

static __attribute__((noinline)) struct handled defer(
    struct handler *h, enum later_kind kind, const struct visitor *v)
{
	stats_add(&h->stats, STAT_DEFERRED, 1);
	h->deferral.kind = kind;
	h->deferral.visitor = *v;
	h->deferral.extra = h->responder.extra;
	h->deferral.target_len = 0;
	return (struct handled){ 0, DEFERRED };
}

/* Whether a question that was REFUSED is one for somebody else to answer. */
static bool is_outside(const struct query *q, const struct locus *l)
{
	return !l->zone && q->class == CLASS_IN && q->type != TYPE_AXFR &&
	       q->type != TYPE_IXFR;
}

/* An alias of ours leads there; the answer is whole when both parts are. */
static __attribute__((noinline)) struct handled follow_outside(
    struct handler *h, const struct answer *a, const struct visitor *v)
{
	struct handled r = defer(h, LATER_OUTSIDE, v);

	h->deferral.target_len = a->name.len;
	memcpy(h->deferral.target, a->name.lower, a->name.len);
	return r;
}

/* Others have said it a moment ago; a is that, then. */
static bool find_kept(
    struct handler *h, const struct query *q, struct answer *a)
{
	const struct front_key key = { &q->name, q->type, q->edns.dnssec_ok,
		q->flags[1] & WIRE_CD };

	if (!h->front ||
	    !front_find(h->front, &key, h->screen.now_mono_ms, &h->found))
		return false;
	stats_add(&h->stats, STAT_OUTSIDE_KEPT, 1);
	a->foreign = front_foreign(&h->found);
	a->age_s = h->found.age_s;
	a->rcode = foreign_rcode(a->foreign);
	a->kind = ANSWER_FOREIGN;
	a->authoritative = a->foreign->msg[2] & WIRE_AA;
	a->zone = NULL;
	return true;
}

/* a: REFUSED, for a question that is_outside(). */
static __attribute__((noinline)) struct handled respond_outside(
    struct handler *h, unsigned i, struct answer *a, const struct visitor *v,
    uint8_t *out)
{
	const struct policy *p = h->screen.policy;

	if (v->may_recurse && p->outside == OUTSIDE_NXDOMAIN) {
		a->rcode = RCODE_NXDOMAIN;
		a->kind = ANSWER_NOTHING;
		a->authoritative = true;
		a->zone = NULL;
		h->responder.extra.why = WHY_OUTSIDE;
	} else if (does_later(h, LATER_OUTSIDE) &&
	           (v->may_recurse || !p->recursers)) {
		if (find_kept(h, &h->query[i], a))
			return respond_decided(h, &h->query[i], a, v, out);
		if (h->query[i].flags[0] & WIRE_RD || !v->may_recurse)
			return defer(h, LATER_OUTSIDE, v);
		/* nobody is asked for it (RFC 1035 section 4.1.1) */
		h->responder.extra.why = WHY_NOT_HERE;
	}
	return respond_decided(h, &h->query[i], a, v, out);
}

static void take_policy(struct handler *h)
{
	h->screen.policy = policy_current(h->screen.slot);
	h->responder.recipient.prefixes = &h->screen.policy->prefixes;
}

struct handled handle_answer(struct handler *h, const struct query *q,
    const struct answer *a, const struct deferral *d, uint8_t *response)
{
	struct handled r;

	take_policy(h);
	h->responder.recipient.peer = d->visitor.peer;
	h->responder.extra = d->extra;
	r = respond_decided(h, q, a, &d->visitor, response);
	h->responder.extra = (struct respond_extra){ 0 };
	return r;
}

struct handled handle_overflow(struct handler *h, unsigned i, uint8_t *response)
{
	const struct answer a = { .rcode = RCODE_SERVFAIL,
		.kind = ANSWER_EMPTY };

	stats_add(&h->stats, STAT_LATER_FULL, 1);
	h->deferral.extra.why = WHY_BUSY;
	return handle_answer(h, &h->query[i], &a, &h->deferral, response);
}

/* ---- by opcode -------------------------------------------------------- */

static struct handled on_query(
    struct handler *h, unsigned i, const struct visitor *v, uint8_t *out)
{
	const struct query *q = &h->query[i];
	struct answer *a = &h->answer;

	answer_decide(a, q, &h->locus[i], h->catalog, h->responder.identity);
	if (a->rcode == RCODE_REFUSED && is_outside(q, &h->locus[i]))
		return respond_outside(h, i, a, v, out);
	if (a->leads_outside && v->may_recurse && q->flags[0] & WIRE_RD &&
	    does_later(h, LATER_OUTSIDE))
		return follow_outside(h, a, v);
	return respond_decided(h, q, a, v, out);
}

static struct handled on_notify(
    struct handler *h, unsigned i, const struct visitor *v, uint8_t *out)
{
	(void)i;
	(void)out;
	return defer(h, LATER_NOTIFY, v);
}

static struct handled on_update(
    struct handler *h, unsigned i, const struct visitor *v, uint8_t *out)
{
	(void)i;
	(void)out;
	return defer(h, LATER_UPDATE, v);
}

/* What a request may be that has been let in; without a function: NOTIMP. */
static const struct {
	struct handled (*respond)(struct handler *h, unsigned i,
	    const struct visitor *v, uint8_t *out);
	unsigned needs; /* of h->defers, else NOTIMP */
} opcodes[OPCODES] = {
	[OPCODE_QUERY] = { on_query, 0 },
	[OPCODE_NOTIFY] = { on_notify, 1u << LATER_NOTIFY },
	[OPCODE_UPDATE] = { on_update, 1u << LATER_UPDATE },
};

/* To query_parse() every opcode but QUERY is one that is not implemented. */
static enum query_status status_of(const struct handler *h, unsigned i)
{
	const struct query *q = &h->query[i];
	enum opcode opcode = wire_opcode(q->flags[0]);

	if (h->status[i] != QUERY_NOTIMP || !opcodes[opcode].respond ||
	    !(opcodes[opcode].needs & h->defers))
		return h->status[i];
	return q->edns.version > 0 ? QUERY_BADVERS : QUERY_OK;
}

/* What is not answered, but told why; or told nothing but a cookie. */
static size_t respond_refusing(struct handler *h, unsigned i,
    const struct visitor *v, enum screening s, uint8_t *out)
{
	static const struct {
		enum rcode rcode;
		enum stat stat;
	} by_screening[] = {
		[SCREEN_FORMERR] = { RCODE_FORMERR, STAT_FORMERR },
		[SCREEN_REFUSED] = { RCODE_REFUSED, STAT_REFUSED },
		[SCREEN_BADCOOKIE] = { RCODE_BADCOOKIE, STAT_BADCOOKIE },
		[SCREEN_ONLY_COOKIE] = { RCODE_NOERROR, STAT_NODATA },
	};
	const struct query *q = &h->query[i];

	if (s == SCREEN_PASS)
		return refuse(h, q, status_of(h, i), v->via, out);
	return respond_plainly(
	    h, q, by_screening[s].rcode, by_screening[s].stat, v->via, out);
}

static struct handled respond_screened(struct handler *h, unsigned i,
    const struct visitor *v, enum screening s, uint8_t *out)
{
	const struct query *q = &h->query[i];

	if (s == SCREEN_PASS && status_of(h, i) == QUERY_OK) {
		enum opcode opcode = wire_opcode(q->flags[0]);

		return opcodes[opcode].respond(h, i, v, out);
	}
	if (s == SCREEN_DROP)
		return dropped();
	if (s == SCREEN_TRUNCATED)
		return sent(truncate_response(h, q, RCODE_NOERROR, out));
	if (is_flooded(h, v))
		return dropped();
	return sent(respond_refusing(h, i, v, s, out));
}

static void count_request(struct handler *h, unsigned i, enum transport via)
{
	bool is_read = h->status[i] == QUERY_OK;

	tally_request(h->tally, &h->query[i], is_read ? h->locus[i].zone : NULL,
	    is_read, via);
}

/* A plain question and what was decided: out of the way of who does not. */
static __attribute__((noinline)) void count_plain(const struct handler *h,
    const struct query *q, const struct zone *z, enum transport via,
    enum stat s)
{
	tally_plain(h->tally, q, z, via, s, h->answer.service);
}

/* Whatever is not a plain question of whom nothing is to be judged. */
static __attribute__((noinline)) struct handled handle_screened(
    struct handler *h, unsigned i, enum transport via, uint8_t *out)
{
	struct visitor v = { h->message[i].peer, via, false, false };

	if (h->tally)
		count_request(h, i, via);
	if (h->status[i] == QUERY_DROP) {
		stats_add(&h->stats, STAT_DROPPED, 1);
		return dropped();
	}
	enum screening s = screen_request(&h->screen, &h->query[i],
	    status_of(h, i), &v, &h->responder.extra, &h->stats);
	struct handled r = respond_screened(h, i, &v, s, out);
	h->responder.extra = (struct respond_extra){ 0 };
	return r;
}

struct handled handle_respond(
    struct handler *h, unsigned i, enum transport via, uint8_t *response)
{
	static const enum stat requests[] = {
		[VIA_UDP] = STAT_UDP_REQUESTS,
		[VIA_TCP] = STAT_TCP_REQUESTS,
		[VIA_TLS] = STAT_TLS_REQUESTS,
	};
	const struct query *q = &h->query[i];
	const struct sockaddr *peer = h->message[i].peer;
	struct answer *a = &h->answer;

	stats_add(&h->stats, requests[via], 1);
	h->responder.recipient.peer = peer;
	if (h->status[i] != QUERY_OK || q->edns.cookie_at ||
	    !screen_is_idle(&h->screen, peer, via))
		return handle_screened(h, i, via, response);
	answer_decide(a, q, &h->locus[i], h->catalog, h->responder.identity);
	if (a->rcode == RCODE_REFUSED && does_later(h, LATER_OUTSIDE) &&
	    is_outside(q, &h->locus[i])) {
		struct visitor v = { peer, via, via != VIA_UDP, false };

		if (h->tally)
			count_request(h, i, via);
		return defer(h, LATER_OUTSIDE, &v);
	}
	enum stat s = stat_of(a);
	stats_add(&h->stats, s, 1);
	if (h->tally)
		count_plain(h, q, h->locus[i].zone, via, s);
	return sent(encode(h, q, a, via, response));
}

void handle_prepare(struct handler *h, const struct message *m, unsigned n)
{
	h->message = m;
	take_policy(h);
	for (unsigned i = 0; i < n; i++) {
		h->status[i] =
		    query_parse(&h->query[i], m[i].request, m[i].request_len);
		if (h->status[i] == QUERY_OK)
			answer_locate(&h->locus[i], &h->query[i], h->catalog);
	}
	for (unsigned i = 0; i < n; i++) {
		struct locus *l = &h->locus[i];

		if (h->status[i] != QUERY_OK)
			continue;
		if (l->label) {
			l->guess = catalog_guess(h->catalog, l->hash);
		} else if (l->zone) {
			const struct dname *name = &h->query[i].name;

			zone_image_prefetch_node(
			    l->image, name->suffix_hash[name->label_n]);
		}
	}
}
