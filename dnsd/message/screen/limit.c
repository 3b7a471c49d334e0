// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sets of four accounts, a cache line each. An account is known by 24 bits of
 * the hash beyond those that chose its set: one in four million is taken for
 * another one, which costs a client a little and an attacker, who does not
 * know the key, is no use.
 *
 * Accounts hold thousandths, so that a millisecond earns `rate` of them.
 */
#include "dnsd/message/screen/limit.h"

#include "dnsd/message/wire/siphash.h"
#include "schema/base/rng.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

enum { WAYS = 4, SETS = LIMIT_ACCOUNTS / WAYS, WHOLE = 1000 };

struct account {
	int64_t balance; /* in thousandths */
	uint32_t seen_ms;
	uint32_t tag; /* upper 24 bits; the lower 8: times in a row limited */
};

enum { TAG_STEP = 1 << 8, TIMES_MAX = TAG_STEP - 1 };

struct set {
	_Alignas(64) struct account way[WAYS];
};

struct limits {
	uint8_t key[SIPHASH_KEY_LEN];
	struct set *sets;
	void *memory;
};

struct limits *limits_new(void)
{
	struct limits *l = xcalloc(1, sizeof(*l));
	struct rng rng;

	rng_seed(&rng);
	for (unsigned i = 0; i < SIPHASH_KEY_LEN; i += 4) {
		uint32_t word = rng_u32(&rng);

		memcpy(l->key + i, &word, sizeof(word));
	}
	/* calloc() of so much is pages that are not there before their use */
	l->memory = xcalloc(SETS + 1, sizeof(struct set));
	l->sets = (void *)(((uintptr_t)l->memory + 63) & ~(uintptr_t)63);
	return l;
}

void limits_free(struct limits *l)
{
	if (!l)
		return;
	free(l->memory);
	free(l);
}

static struct account *find(
    struct limits *l, const struct limit_key *key, uint32_t now_ms, bool *found)
{
	uint64_t hash =
	    siphash_short(l->key, (const uint8_t *)key, sizeof(*key));
	struct set *set = &l->sets[hash % SETS];
	uint32_t tag = (uint32_t)(hash >> 32) & ~(uint32_t)TIMES_MAX;
	struct account *oldest = &set->way[0];

	tag = tag ? tag : TAG_STEP; /* 0: nobody's */
	*found = true;
	for (unsigned i = 0; i < WAYS; i++) {
		struct account *a = &set->way[i];

		if ((a->tag & ~(uint32_t)TIMES_MAX) == tag)
			return a;
		if (oldest->tag &&
		    (!a->tag || now_ms - a->seen_ms > now_ms - oldest->seen_ms))
			oldest = a;
	}
	*found = false;
	oldest->tag = tag;
	return oldest;
}

static void credit(
    struct account *a, const struct limit_rule *rule, uint32_t now_ms)
{
	int64_t full = (int64_t)rule->burst * WHOLE;

	a->balance += (int64_t)rule->rate * (now_ms - a->seen_ms);
	if (a->balance > full)
		a->balance = full;
}

unsigned limits_take(struct limits *l, const struct limit_key *key,
    const struct limit_rule *rule, uint64_t now_ms)
{
	uint32_t now = (uint32_t)now_ms;
	bool found;
	struct account *a = find(l, key, now, &found);

	if (found) {
		credit(a, rule, now);
	} else {
		a->balance = (int64_t)rule->burst * WHOLE;
	}
	a->seen_ms = now;
	if (a->balance >= WHOLE) {
		a->balance -= WHOLE;
		a->tag &= ~(uint32_t)TIMES_MAX;
		return 0;
	}
	if (rule->debt_s) {
		int64_t floor = -(int64_t)rule->rate * rule->debt_s * WHOLE;

		a->balance -= WHOLE;
		if (a->balance < floor)
			a->balance = floor;
	}
	if ((a->tag & TIMES_MAX) == TIMES_MAX)
		a->tag -= TIMES_MAX;
	return ++a->tag & TIMES_MAX;
}
