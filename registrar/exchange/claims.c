// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/exchange/claims.h"

#include "schema/base/rng.h"
#include "schema/base/xalloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 1024

struct claim {
	uint64_t hash;
	unsigned long line; /* 0: the slot is free */
};

/* Multiply and fold, an octet at a time; the NUL ends the service's name. */
static uint64_t mix(uint64_t h, const char *text)
{
	do {
		h = (h ^ (unsigned char)*text) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	} while (*text++);
	return h;
}

static struct claim *find(const struct claims *c, uint64_t hash)
{
	size_t at = (size_t)hash & (c->room - 1);

	while (c->slots[at].line && c->slots[at].hash != hash)
		at = (at + 1) & (c->room - 1);
	return &c->slots[at];
}

static void grow(struct claims *c)
{
	struct claims old = *c;

	if (!c->room) {
		struct rng rng;

		rng_seed(&rng);
		c->key = (uint64_t)rng_below(&rng, UINT32_MAX) << 32 |
		         rng_below(&rng, UINT32_MAX);
	}
	c->room = old.room ? 2 * old.room : ROOM_MIN;
	c->slots = xcalloc(c->room, sizeof(*c->slots));
	for (size_t i = 0; i < old.room; i++) {
		if (old.slots[i].line)
			*find(c, old.slots[i].hash) = old.slots[i];
	}
	free(old.slots);
}

unsigned long claims_take(
    struct claims *c, const char *service, const char *name, unsigned long line)
{
	if (c->n >= c->room / 2)
		grow(c);
	uint64_t hash = mix(mix(c->key, service), name);
	struct claim *slot = find(c, hash);

	if (slot->line)
		return slot->line;
	*slot = (struct claim){ .hash = hash, .line = line ? line : 1 };
	c->n++;
	return 0;
}

void claims_release(struct claims *c)
{
	free(c->slots);
	*c = (struct claims){ 0 };
}
