// SPDX-License-Identifier: BSD-2-Clause
/*
 * A weighted permutation is a race: each instance arrives after an
 * exponential time of the rate of its weight, and the order is that of the
 * arrivals. The part is who arrived before the next one did. Given that
 * moment, the times of the part are independent exponential ones cut off
 * there; drawn again for each answer they make the orders that the race has,
 * given its part. Drawn again by weight alone, the heavy ones, which are in
 * more parts already, would stand first too often.
 *
 * The moment follows from the draws of the part: after k arrivals the next
 * comes in an exponential time of the rate of the weight that is left.
 *
 * A group that is in the part as a whole has no such moment. Weight 0 arrives
 * after all others.
 */
#include "dnsd/message/answer/part.h"

#include "dnsd/message/wire/siphash.h"

#include <math.h>
#include <string.h>

void part_seed(struct rng *ret_slot, const struct service *s, uint64_t network,
    uint32_t now_wall_s)
{
	/* no secret: servers that know nothing of each other are to agree */
	static const uint8_t key[SIPHASH_KEY_LEN] = "part of a set";
	uint32_t slot = now_wall_s / PART_SLOT_S;
	uint8_t text[sizeof(network) + sizeof(slot) + WIRE_NAME_MAX];
	uint8_t *p = text;

	for (unsigned i = 0; i < sizeof(network); i++)
		*p++ = (uint8_t)(network >> 8 * i);
	p = wire_put32(p, slot);
	memcpy(p, s->name, s->name_len);
	p += s->name_len;
	rng_seed_fixed(ret_slot, siphash(key, text, (size_t)(p - text)));
}

/* In (0, 1). */
static float uniform(struct rng *rng)
{
	return ((float)(rng_u32(rng) >> 9) + 0.5f) * 0x1p-23f;
}

/*
 * When the next one would have come: `end`, of the group's draws. left: the
 * weight of the group; 0: all of its weight is in the part.
 */
static float end_of(const struct pick *p, const struct service *s,
    unsigned from, unsigned to, double left, struct rng *slot)
{
	double end = 0;

	for (unsigned k = from;; k++) {
		end -= (double)logf(uniform(slot)) / left;
		if (k == to)
			return (float)end;
		left -= instance_weight(service_instance_at(s, p->order[k]));
	}
}

/*
 * An exponential time of rate w, if it comes before `end` (0: whenever it
 * comes), in parts of `end`.
 */
static float arrival(float w, float end, struct rng *rng)
{
	float u = uniform(rng), x = w * end;

	if (end <= 0)
		return -logf(u) / w;
	if (x < 0.01f) /* to six places, and faster */
		return u - u * (1 - u) * x / 2;
	return -logf(1 - u * (1 - expf(-x))) / x;
}

/* Positive floats are ordered as their bits are. */
static uint64_t key_of(float time, unsigned i)
{
	uint32_t bits;

	memcpy(&bits, &time, sizeof(bits));
	return (uint64_t)bits << 16 | i;
}

static void sort(uint64_t *a, unsigned n)
{
	static const uint16_t gaps[] = { 1750, 701, 301, 132, 57, 23, 10, 4,
		1 };

	for (unsigned g = 0; g < sizeof(gaps) / sizeof(*gaps); g++) {
		unsigned gap = gaps[g];

		for (unsigned i = gap; i < n; i++) {
			uint64_t x = a[i];
			unsigned k = i;

			for (; k >= gap && a[k - gap] > x; k -= gap)
				a[k] = a[k - gap];
			a[k] = x;
		}
	}
}

/* The places of one group: all of it, or with `end` a part. */
static void shuffle_group(struct pick *p, const struct service *s,
    unsigned from, unsigned to, float end, struct rng *rng)
{
	/* weight 0: with the highest bit, behind all floats */
	for (unsigned k = from; k < to; k++) {
		unsigned i = p->order[k];
		uint16_t w = instance_weight(service_instance_at(s, i));

		p->key[k] = w ? key_of(arrival(w, end, rng), i)
		              : (uint64_t)(0x80000000 | rng_u32(rng)) << 16 | i;
	}
	sort(p->key + from, to - from);
	for (unsigned k = from; k < to; k++)
		p->order[k] = (uint16_t)p->key[k];
}

/* Who weighs the same may as well change places. */
static void shuffle_evenly(
    struct pick *p, unsigned from, unsigned to, struct rng *rng)
{
	for (unsigned k = from; k + 1 < to; k++) {
		unsigned i = k + rng_below(rng, to - k);
		uint16_t taken = p->order[i];

		p->order[i] = p->order[k];
		p->order[k] = taken;
	}
}

void part_shuffle(struct pick *p, const struct service *s, unsigned n,
    enum pick_filter filter, struct rng *slot, struct rng *rng)
{
	const struct service_group *g = service_at(s, s->groups);

	for (unsigned from = 0, to; from < n; from = to, g++) {
		uint32_t least = UINT16_MAX, most = 0;
		uint64_t taken = 0, total;
		float end = 0;

		for (to = from;
		     to < n && p->order[to] < (unsigned)g->first + g->n; to++) {
			uint32_t w = instance_weight(
			    service_instance_at(s, p->order[to]));

			taken += w;
			least = w < least ? w : least;
			most = w > most ? w : most;
		}
		if (least == most) {
			shuffle_evenly(p, from, to, rng);
			continue;
		}
		/* groups before the last one are there as a whole */
		total = to < n ? taken : pick_weight(s, g, filter);
		if (taken < total)
			end = end_of(p, s, from, to, (double)total, slot);
		shuffle_group(p, s, from, to, end, rng);
	}
}
