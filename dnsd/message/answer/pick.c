// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two ways, the same distribution.
 *
 * Few instances: subtract weights from a number below their sum until it
 * falls into one, output that, fill its place with the last.
 *
 * Many: find the number in the cumulative weights by bisection and draw again
 * when that instance has been taken. What is taken is kept below half of the
 * sum, by making new sums from the rest, so two draws do on average, and the
 * sums made add up to O(n) for a whole permutation. A filter that leaves some
 * out (both address families in one large service) begins with such a sum.
 */
#include "dnsd/message/answer/pick.h"

/* A group being drawn from. */
struct pool {
	const uint16_t *member;     /* NULL: instances first, first + 1, ... */
	const uint32_t *cumulative; /* [i]: of the weights of 0..i */
	unsigned first, n;
	uint64_t total, left; /* weight of all, and of those not taken */
};

static bool counts(const struct service_instance *i, enum pick_filter filter)
{
	return !filter ||
	       (i->flags & (unsigned)(filter | INSTANCE_DRAINING)) == filter;
}

/* Those of a group that count and are not taken, with their weights. */
static unsigned gather(struct pick *p, const struct service *s,
    const struct service_group *g, enum pick_filter filter, uint64_t *ret_total)
{
	unsigned n = 0;
	uint64_t total = 0;

	for (unsigned i = g->first; i < (unsigned)g->first + g->n; i++) {
		const struct service_instance *in = service_instance_at(s, i);

		if (!counts(in, filter) || p->taken[i / 64] >> (i % 64) & 1)
			continue;
		p->rest[n] = (uint16_t)i;
		p->weight[n] = instance_weight(in);
		total += p->weight[n++];
	}
	*ret_total = total;
	return n;
}

/* From p->rest and p->weight, which it uses up. */
static unsigned draw_linear(struct pick *p, unsigned n, uint64_t total,
    unsigned done, unsigned want, struct rng *rng)
{
	uint32_t left = (uint32_t)total;

	while (n > 0 && done < want) {
		unsigned i = 0;

		if (n == 1) {
			p->order[done++] = p->rest[0];
			break;
		}
		if (left) {
			uint32_t r = rng_below(rng, left);

			while (r >= p->weight[i])
				r -= p->weight[i++];
		} else {
			i = rng_below(rng, n);
		}
		p->order[done++] = p->rest[i];
		left -= p->weight[i];
		n--;
		p->rest[i] = p->rest[n];
		p->weight[i] = p->weight[n];
	}
	return done;
}

/* First place whose cumulative weight is above r. */
static unsigned bisect(const uint32_t *cumulative, unsigned n, uint32_t r)
{
	unsigned low = 0;

	while (n > 1) {
		unsigned half = n / 2;

		low += cumulative[low + half - 1] <= r ? half : 0;
		n -= half;
	}
	return low;
}

/* Draws until half of the weight is taken; returns how many are done. */
static unsigned draw_sparse(struct pick *p, const struct service *s,
    struct pool *pool, unsigned done, unsigned want, struct rng *rng)
{
	while (done < want && pool->left * 2 >= pool->total && pool->left) {
		uint32_t r = rng_below(rng, (uint32_t)pool->total);
		unsigned at = bisect(pool->cumulative, pool->n, r);
		unsigned i = pool->member ? pool->member[at] : pool->first + at;

		if (p->taken[i / 64] >> (i % 64) & 1)
			continue;
		p->taken[i / 64] |= (uint64_t)1 << (i % 64);
		pool->left -= instance_weight(service_instance_at(s, i));
		p->order[done++] = (uint16_t)i;
	}
	return done;
}

static unsigned draw_large(struct pick *p, const struct service *s,
    const struct service_group *g, unsigned done, unsigned want,
    enum pick_filter filter, struct rng *rng)
{
	const uint32_t *cumulative = service_at(s, s->cumulative);
	struct pool pool = { NULL, cumulative + g->first, g->first, g->n,
		g->total, filter ? 0 : g->total };

	for (;;) {
		done = draw_sparse(p, s, &pool, done, want, rng);
		if (done == want)
			return done;
		pool.n = gather(p, s, g, filter, &pool.total);
		if (pool.n <= SERVICE_LINEAR_MAX || !pool.total) {
			return draw_linear(
			    p, pool.n, pool.total, done, want, rng);
		}
		for (unsigned i = 1; i < pool.n; i++)
			p->weight[i] += p->weight[i - 1];
		pool.member = p->rest;
		pool.cumulative = p->weight;
		pool.left = pool.total;
	}
}

/* Nothing to leave out when every eligible instance has such an address. */
static enum pick_filter needed(const struct service *s, enum pick_filter f)
{
	if ((f == PICK_IPV4 && s->ipv4_n == s->eligible_n) ||
	    (f == PICK_IPV6 && s->ipv6_n == s->eligible_n))
		return PICK_ALL;
	return f;
}

unsigned pick_order(struct pick *p, const struct service *s, unsigned want,
    enum pick_filter filter, struct rng *rng)
{
	const struct service_group *g = service_at(s, s->groups);
	unsigned done = 0;

	filter = needed(s, filter);
	for (unsigned k = 0; k < s->group_n && done < want; k++, g++) {
		uint64_t total;

		if (g->n > SERVICE_LINEAR_MAX) {
			done = draw_large(p, s, g, done, want, filter, rng);
			continue;
		}
		unsigned n = gather(p, s, g, filter, &total);
		done = draw_linear(p, n, total, done, want, rng);
	}
	if (s->cumulative) { /* a large group may have left its marks */
		for (unsigned k = 0; k < done; k++)
			p->taken[p->order[k] / 64] = 0;
	}
	return done;
}

uint64_t pick_weight(const struct service *s, const struct service_group *g,
    enum pick_filter filter)
{
	uint64_t total = 0;

	filter = needed(s, filter);
	if (!filter)
		return g->total;
	for (unsigned i = g->first; i < (unsigned)g->first + g->n; i++) {
		const struct service_instance *in = service_instance_at(s, i);

		total += counts(in, filter) ? instance_weight(in) : 0;
	}
	return total;
}
