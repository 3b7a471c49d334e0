// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/handle.h"

#include <stdlib.h>

struct handler *handler_new(
    const struct catalog *c, const struct identity *id, uint16_t udp_len_max)
{
	size_t len = (sizeof(struct handler) + 63) & ~(size_t)63;
	struct handler *h = aligned_alloc(64, len);

	if (!h)
		abort();
	memset(h, 0, len);
	h->catalog = c;
	h->responder.identity = id;
	h->responder.udp_len_max = udp_len_max;
	rng_seed(&h->responder.rng);
	return h;
}

void handler_free(struct handler *h)
{
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
	case RCODE_REFUSED:
		break;
	}
	return STAT_REFUSED;
}

static struct response refuse(struct handler *h, const struct query *q,
    enum query_status s, enum transport via, uint8_t *out)
{
	static const struct {
		enum rcode rcode;
		enum stat stat;
	} by_status[] = {
		[QUERY_DROP] = { RCODE_NOERROR, STAT_DROPPED },
		[QUERY_FORMERR] = { RCODE_FORMERR, STAT_FORMERR },
		[QUERY_NOTIMP] = { RCODE_NOTIMP, STAT_NOTIMP },
		[QUERY_BADVERS] = { RCODE_BADVERS, STAT_BADVERS },
	};

	stats_add(&h->stats, by_status[s].stat, 1);
	if (s == QUERY_DROP)
		return (struct response){ .len = 0 };
	return respond_error(&h->responder, q, by_status[s].rcode, via, out);
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
	if (h->status[i] != QUERY_OK)
		return refuse(h, q, h->status[i], via, response).len;
	answer_decide(&a, q, &h->locus[i], h->catalog, h->responder.identity);
	stats_add(&h->stats, stat_of(&a), 1);
	struct response r = respond_encode(&h->responder, q, &a, via, response);
	if (r.truncated)
		stats_add(&h->stats, STAT_TRUNCATED, 1);
	if (r.sampled)
		stats_add(&h->stats, STAT_SAMPLED, 1);
	return r.len;
}

void handle_prepare(struct handler *h, const struct message *m, unsigned n)
{
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

void handle_batch(
    struct handler *h, struct message *m, unsigned n, enum transport via)
{
	handle_prepare(h, m, n);
	for (unsigned i = 0; i < n; i++)
		m[i].response_len = handle_respond(h, i, via, m[i].response);
}
