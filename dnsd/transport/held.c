// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/transport/held.h"

#include "schema/base/xalloc.h"

#include <assert.h>
#include <stdlib.h>

void held_release(struct held *h)
{
	free(h->octets);
	*h = (struct held){ 0 };
}

void held_set(struct held *h, const uint8_t *p, size_t len, size_t size)
{
	assert(!h->octets);
	if (!len)
		return;
	h->size = size > len ? size : len;
	h->octets = xmalloc(h->size);
	h->at = 0;
	h->len = len;
	memcpy(h->octets, p, len);
}

void held_add(struct held *h, const uint8_t *p, size_t len)
{
	if (h->at + h->len + len > h->size) {
		struct held old = *h;
		const uint8_t *start = held_start(&old);

		*h = (struct held){ 0 };
		held_set(h, start, old.len, frame_len(start, old.len));
		held_release(&old);
	}
	assert(h->at + h->len + len <= h->size);
	if (len)
		memcpy(h->octets + h->at + h->len, p, len);
	h->len += len;
}

void held_append(struct held *h, const uint8_t *p, size_t len)
{
	struct held old = *h;

	*h = (struct held){ 0 };
	held_set(h, held_start(&old), old.len, old.len + len);
	if (old.len) {
		memcpy(h->octets + old.len, p, len);
		h->len += len;
	} else {
		held_set(h, p, len, len);
	}
	held_release(&old);
}

void held_use(struct held *h, size_t n)
{
	h->at += n;
	h->len -= n;
	if (!h->len)
		held_release(h);
}
