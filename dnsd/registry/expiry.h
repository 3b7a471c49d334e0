// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * expiry - which services must be looked at again, and when.
 *
 * A heap of (wall clock, service). An entry is never changed: a service
 * compiled again adds another, and one that comes up for nothing costs one
 * read. What is in it is bounded by the changes within one lease.
 */
#include <stdbool.h>
#include <stdint.h>

struct zone;

struct expiry {
	int64_t at_wall_ms;
	const struct zone *zone;
	char service[64];
};

struct expiry_heap {
	struct expiry *entry;
	unsigned n, room;
};

void expiry_add(struct expiry_heap *h, int64_t at_wall_ms,
    const struct zone *zone, const char *service);
/* Takes the earliest if it is due. */
bool expiry_take(
    struct expiry_heap *h, int64_t now_wall_ms, struct expiry *ret_e);
void expiry_release(struct expiry_heap *h);
