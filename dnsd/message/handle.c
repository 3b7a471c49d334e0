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
	screen_init(&h->screen, source->policy);
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
	case RCODE_BADVERS:
	case RCODE_BADCOOKIE:
	case RCODE_REFUSED:
		break;
	}
	return STAT_REFUSED;
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
		return a->zone->hash;
	case RESPONSE_POSITIVE:
	case RESPONSE_CLASSES:
	default:
		return a->kind == ANSWER_RRSET
		           ? (uintptr_t)a->rrset
		           : q->name.suffix_hash[q->name.label_n];
	}
}

static size_t answer_screened(struct handler *h, const struct query *q,
    const struct locus *l, const struct visitor *v, uint8_t *out)
{
	struct answer a;

	answer_decide(&a, q, l, h->catalog, h->responder.identity);
	stats_add(&h->stats, stat_of(&a), 1);
	switch (screen_response(
	    &h->screen, v, class_of(&a), subject_of(q, &a), &h->stats)) {
	case SCREEN_DROP:
		return 0;
	case SCREEN_TRUNCATED:
		return truncate_response(h, q, a.rcode, out);
	case SCREEN_PASS:
	case SCREEN_FORMERR:
	case SCREEN_REFUSED:
	case SCREEN_BADCOOKIE:
	case SCREEN_ONLY_COOKIE:
		break;
	}
	return encode(h, q, &a, v->via, out);
}

/* Errors and bare cookies are responses, too: not for whom they flood. */
static bool is_flooded(struct handler *h, const struct visitor *v)
{
	return screen_response(&h->screen, v, RESPONSE_ERROR, 0, &h->stats) !=
	       SCREEN_PASS;
}

static size_t respond_screened(struct handler *h, unsigned i,
    const struct visitor *v, enum screening s, uint8_t *out)
{
	const struct query *q = &h->query[i];
	enum query_status status = h->status[i];

	if (s == SCREEN_PASS && status == QUERY_OK)
		return answer_screened(h, q, &h->locus[i], v, out);
	if (s == SCREEN_DROP)
		return 0;
	if (s == SCREEN_TRUNCATED)
		return truncate_response(h, q, RCODE_NOERROR, out);
	if (is_flooded(h, v))
		return 0;
	switch (s) {
	case SCREEN_FORMERR:
		return respond_plainly(
		    h, q, RCODE_FORMERR, STAT_FORMERR, v->via, out);
	case SCREEN_REFUSED:
		return respond_plainly(
		    h, q, RCODE_REFUSED, STAT_REFUSED, v->via, out);
	case SCREEN_BADCOOKIE:
		return respond_plainly(
		    h, q, RCODE_BADCOOKIE, STAT_BADCOOKIE, v->via, out);
	case SCREEN_ONLY_COOKIE:
		return respond_plainly(
		    h, q, RCODE_NOERROR, STAT_NODATA, v->via, out);
	case SCREEN_PASS:
	case SCREEN_DROP:
	case SCREEN_TRUNCATED:
		break;
	}
	return refuse(h, q, status, v->via, out);
}

/* Whatever is not a plain question to a server that is open to all. */
static size_t handle_screened(
    struct handler *h, unsigned i, enum transport via, uint8_t *out)
{
	struct visitor v = { h->message[i].peer, via, false };

	if (h->status[i] == QUERY_DROP) {
		stats_add(&h->stats, STAT_DROPPED, 1);
		return 0;
	}
	enum screening s = screen_request(&h->screen, &h->query[i],
	    h->status[i], &v, &h->responder.extra, &h->stats);
	size_t len = respond_screened(h, i, &v, s, out);
	h->responder.extra = (struct respond_extra){ 0 };
	return len;
}

size_t handle_respond(
    struct handler *h, unsigned i, enum transport via, uint8_t *response)
{
	static const enum stat requests[] = {
		[VIA_UDP] = STAT_UDP_REQUESTS,
		[VIA_TCP] = STAT_TCP_REQUESTS,
		[VIA_TLS] = STAT_TLS_REQUESTS,
	};
	const struct query *q = &h->query[i];
	struct answer a;

	stats_add(&h->stats, requests[via], 1);
	if (h->status[i] != QUERY_OK || h->screen.policy->watches ||
	    q->edns.cookie_at)
		return handle_screened(h, i, via, response);
	answer_decide(&a, q, &h->locus[i], h->catalog, h->responder.identity);
	stats_add(&h->stats, stat_of(&a), 1);
	return encode(h, q, &a, via, response);
}

bool handle_prepare(struct handler *h, const struct message *m, unsigned n)
{
	bool asks_time;

	h->message = m;
	h->screen.policy = policy_current(h->screen.slot);
	asks_time = h->screen.policy->watches;
	for (unsigned i = 0; i < n; i++) {
		h->status[i] =
		    query_parse(&h->query[i], m[i].request, m[i].request_len);
		asks_time |= h->query[i].edns.cookie_at > 0;
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
	return asks_time;
}

void handle_batch(
    struct handler *h, struct message *m, unsigned n, enum transport via)
{
	(void)handle_prepare(h, m, n);
	for (unsigned i = 0; i < n; i++)
		m[i].response_len = handle_respond(h, i, via, m[i].response);
}
