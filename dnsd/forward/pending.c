// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/forward/pending.h"

#include "dnsd/later/later.h"
#include "schema/base/rng.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

enum { NONE = PENDING_NONE };

void pending_init(struct pending *p, const struct network_prefixes *prefixes)
{
	struct rng rng;

	*p = (struct pending){
		.prefixes = *prefixes, .oldest = NONE, .newest = NONE
	};
	rng_seed(&rng);
	for (unsigned i = 0; i < sizeof(p->key); i++)
		p->key[i] = (uint8_t)rng_u32(&rng);
	memset(p->bucket, 0xff, sizeof(p->bucket));
	for (unsigned i = 0; i < PENDING_MAX; i++) {
		p->asked[i].next_equal =
		    i + 1 < PENDING_MAX ? (uint16_t)(i + 1) : (uint16_t)NONE;
	}
}

void pending_free_waiters(struct waiter *w)
{
	while (w) {
		struct waiter *next = w->next;

		free(w);
		w = next;
	}
}

void pending_release(struct pending *p)
{
	while (p->oldest != NONE)
		pending_take(p, &p->asked[p->oldest], NULL);
}

/* ---- questions -------------------------------------------------------- */

struct subject pending_subject(const struct later_request *r)
{
	const struct deferral *d = r->deferral;
	const struct query *q = r->query;

	if (d->target_len)
		return (struct subject){ d->target, d->target_len, q->type };
	return (struct subject){ q->name.lower, q->name.len, q->type };
}

static uint16_t *bucket_of(struct pending *p, const struct subject *s)
{
	uint64_t hash = siphash(p->key, s->name, s->len);

	return &p->bucket[(hash + s->type) & (PENDING_BUCKETS - 1)];
}

struct asked *pending_find(struct pending *p, const struct subject *s)
{
	uint16_t i = *bucket_of(p, s);

	for (; i != NONE; i = p->asked[i].next_equal) {
		struct asked *a = &p->asked[i];

		if (a->type == s->type && a->name_len == s->len &&
		    !memcmp(a->name, s->name, s->len))
			return a;
	}
	return NULL;
}

struct asked *pending_by_id(struct pending *p, uint64_t id)
{
	unsigned i = id & 0xffff;

	return id && i < PENDING_MAX && p->asked[i].id == id ? &p->asked[i]
	                                                     : NULL;
}

struct asked *pending_add(
    struct pending *p, const struct subject *s, int64_t now_mono_ms)
{
	uint16_t i = p->free, *bucket = bucket_of(p, s);

	if (i == NONE)
		return NULL;
	struct asked *a = &p->asked[i];
	p->free = a->next_equal;
	*a = (struct asked){ .id = ++p->generation << 16 | i,
		.since_ms = now_mono_ms,
		.next_equal = *bucket,
		.older = p->newest,
		.newer = NONE,
		.type = s->type,
		.name_len = (uint8_t)s->len };
	memcpy(a->name, s->name, s->len);
	*bucket = i;
	*(p->newest == NONE ? &p->oldest : &p->asked[p->newest].newer) = i;
	p->newest = i;
	if (!p->n++)
		p->busy_ms = now_mono_ms;
	return a;
}

void pending_take(struct pending *p, struct asked *a, struct asked *ret_a)
{
	const struct subject s = { a->name, a->name_len, a->type };
	uint16_t i = (uint16_t)(a - p->asked), *at = bucket_of(p, &s);

	while (*at != i)
		at = &p->asked[*at].next_equal;
	*at = a->next_equal;
	*(a->older == NONE ? &p->oldest : &p->asked[a->older].newer) = a->newer;
	*(a->newer == NONE ? &p->newest : &p->asked[a->newer].older) = a->older;
	for (const struct waiter *w = a->waiters; w; w = w->next)
		p->cell[w->cell]--;
	if (ret_a) {
		*ret_a = *a;
	} else {
		pending_free_waiters(a->waiters);
	}
	a->id = 0;
	a->waiters = NULL;
	a->next_equal = p->free;
	p->free = i;
	p->n--;
}

/* ---- who waits -------------------------------------------------------- */

static uint16_t cell_of(const struct pending *p, const struct later_request *r)
{
	const struct sockaddr *peer = r->deferral->visitor.peer;
	uint64_t network = peer ? network_number(peer, &p->prefixes) : 0;
	uint64_t hash =
	    siphash(p->key, (const uint8_t *)&network, sizeof(network));

	return (uint16_t)(hash & (PENDING_CELLS - 1));
}

unsigned pending_of_network(
    const struct pending *p, const struct later_request *r)
{
	return p->cell[cell_of(p, r)];
}

void pending_wait(
    struct pending *p, struct asked *a, const struct later_request *r)
{
	struct waiter *w = xcalloc(1, sizeof(*w));

	w->later = r->later;
	w->ticket = r->ticket;
	w->cell = cell_of(p, r);
	w->dnssec_ok = r->query->edns.dnssec_ok;
	w->checking_disabled = r->query->flags[1] & WIRE_CD;
	w->next = a->waiters;
	a->waiters = w;
	p->cell[w->cell]++;
}
