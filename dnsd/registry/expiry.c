// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/registry/expiry.h"

#include "schema/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>

static bool earlier(const struct expiry *a, const struct expiry *b)
{
	return a->at_wall_ms < b->at_wall_ms;
}

static void swap(struct expiry *a, struct expiry *b)
{
	struct expiry t = *a;

	*a = *b;
	*b = t;
}

void expiry_add(struct expiry_heap *h, int64_t at_wall_ms,
    const struct zone *zone, const char *service)
{
	if (h->n == h->room) {
		h->room = h->room ? 2 * h->room : 64;
		h->entry = xreallocarray(h->entry, h->room, sizeof(*h->entry));
	}
	struct expiry *e = h->entry;
	unsigned i = h->n++;

	e[i] = (struct expiry){ .at_wall_ms = at_wall_ms, .zone = zone };
	(void)snprintf(e[i].service, sizeof(e[i].service), "%s", service);
	for (; i && earlier(&e[i], &e[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&e[i], &e[(i - 1) / 2]);
}

bool expiry_take(
    struct expiry_heap *h, int64_t now_wall_ms, struct expiry *ret_e)
{
	struct expiry *e = h->entry;

	if (!h->n || e[0].at_wall_ms > now_wall_ms)
		return false;
	*ret_e = e[0];
	e[0] = e[--h->n];
	for (unsigned i = 0, child; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n && earlier(&e[child + 1], &e[child]))
			child++;
		if (!earlier(&e[child], &e[i]))
			break;
		swap(&e[i], &e[child]);
	}
	return true;
}

void expiry_release(struct expiry_heap *h)
{
	free(h->entry);
	*h = (struct expiry_heap){ 0 };
}
