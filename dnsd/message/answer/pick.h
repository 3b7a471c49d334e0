// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * pick - the order of the instances in one answer.
 *
 * A weighted permutation without replacement (RFC 2782, and the same for A
 * and AAAA): lower priorities first; within a priority each next place goes to
 * one of the rest in proportion to its weight, exactly. Weight 0 comes after
 * every positive weight of its priority. The cost grows with the instances
 * asked for, not with those there are.
 */
#include "dnsd/message/data/service.h"
#include "schema/base/rng.h"

/* More than a message has records. */
enum { PICK_PART_MAX = 4096 };

/* Working space and result; one for each thread, 0.6 MiB, mostly untouched. */
struct pick {
	uint16_t order[SERVICE_INSTANCES_MAX]; /* indices of instances */
	/* private */
	uint16_t rest[SERVICE_INSTANCES_MAX];
	uint32_t weight[SERVICE_INSTANCES_MAX];
	uint64_t taken[(SERVICE_INSTANCES_MAX + 64) / 64]; /* all 0 at rest */
	uint64_t key[PICK_PART_MAX]; /* of part_shuffle() */
};

/* Which instances count: all eligible ones, or those with such an address. */
enum pick_filter {
	PICK_ALL = 0,
	PICK_IPV4 = INSTANCE_IPV4,
	PICK_IPV6 = INSTANCE_IPV6,
};

/* Fills p->order with at most `want` instances of s; returns how many. */
unsigned pick_order(struct pick *p, const struct service *s, unsigned want,
    enum pick_filter filter, struct rng *rng);

/* The sum of the weights of those of a group that count. */
uint64_t pick_weight(const struct service *s, const struct service_group *g,
    enum pick_filter filter);
