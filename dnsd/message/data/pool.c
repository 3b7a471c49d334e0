// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/data/pool.h"

#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

void pool_init(struct pool *p, size_t item_len, uint32_t n_max)
{
	*p = (struct pool){ .item_len = (uint32_t)((item_len + 7) & ~(size_t)7),
		.n = 1,
		.n_max = n_max };
}

void pool_release(struct pool *p)
{
	for (unsigned k = 0; k < POOL_CHUNKS; k++)
		free(p->chunk[k]);
	*p = (struct pool){ 0 };
}

uint32_t pool_take(struct pool *p)
{
	uint32_t i = p->free_head;

	if (i) {
		memcpy(&p->free_head, pool_at(p, i), sizeof(i));
		memset(pool_at(p, i), 0, p->item_len);
		return i;
	}
	if (p->n > p->n_max)
		return POOL_NONE;
	uint32_t shifted = p->n + (1u << POOL_FIRST_BITS);
	unsigned top = 31 - (unsigned)__builtin_clz(shifted);
	uint8_t **chunk = &p->chunk[top - POOL_FIRST_BITS];
	if (!*chunk)
		*chunk = xcalloc((size_t)1 << top, p->item_len);
	return p->n++;
}

void pool_give(struct pool *p, uint32_t i)
{
	memcpy(pool_at(p, i), &p->free_head, sizeof(i));
	p->free_head = i;
}
