// SPDX-License-Identifier: BSD-2-Clause
/*
 * A list of blocks, the newest in front; what does not fit into the rest of
 * it opens another. A request larger than a block gets a block of its own.
 */
#include "schema/base/arena.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_LEN 4096
#define ALIGN alignof(max_align_t)

struct block {
	struct block *next;
	size_t used, len; /* of data */
	alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct block *blocks;
};

struct arena *arena_new(void)
{
	return xcalloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	while (a->blocks) {
		struct block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
	free(a);
}

static struct block *block_open(struct arena *a, size_t need)
{
	size_t len = need > BLOCK_LEN ? need : BLOCK_LEN;
	struct block *b = xcalloc(1, sizeof(*b) + len);

	b->len = len;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t n, size_t len)
{
	size_t need;
	struct block *b = a->blocks;

	/* half of the address space is no request but an overflow */
	if (__builtin_mul_overflow(n, len, &need) || need > SIZE_MAX / 2)
		abort();
	need = (need + ALIGN - 1) / ALIGN * ALIGN;
	if (!b || b->len - b->used < need)
		b = block_open(a, need);
	void *p = b->data + b->used;

	b->used += need;
	return p;
}

char *arena_memdup(struct arena *a, const char *p, size_t len)
{
	char *copy = arena_alloc(a, len + 1, 1);

	if (len)
		memcpy(copy, p, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_memdup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	scoped_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	return arena_strdup(a, text);
}
