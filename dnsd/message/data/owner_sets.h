// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * owner_sets - who has an address, where that are several: the first one in
 * an order that the user knows.
 *
 * Treaps in one pool: adding, removing and the first one cost the logarithm of
 * their number, also when a hundred thousand services share 127.0.0.1. An
 * owner takes 16 octets. Owners are 64-bit hashes, which are random enough to
 * be their own priorities. Control thread.
 */
#include "dnsd/message/data/pool.h"

#include <stdbool.h>

/* Below, equal to or above 0; arg is the user's. */
typedef int (*owner_order_fn)(const void *arg, uint64_t a, uint64_t b);

struct owner_sets {
	struct pool nodes;
	owner_order_fn order;
	const void *arg;
};

void owner_sets_init(
    struct owner_sets *s, owner_order_fn order, const void *arg);
void owner_sets_release(struct owner_sets *s);

/* A set is the number of its root, 0: it is empty. One that is there stays. */
void owner_sets_add(struct owner_sets *s, uint32_t *set, uint64_t owner);
/* One that is not there is no matter. */
void owner_sets_remove(struct owner_sets *s, uint32_t *set, uint64_t owner);
/* Of a set that is not empty. */
uint64_t owner_sets_first(const struct owner_sets *s, uint32_t set);
bool owner_sets_is_single(const struct owner_sets *s, uint32_t set);
