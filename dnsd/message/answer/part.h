// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * part - of a set that does not fit, which part a client network gets: the
 * same one until the slot ends, as long as the service stays as it is.
 *
 * Whoever polls would else see instances come and go that did neither. No
 * state: a hash of service, network and slot is the seed of the draw, so that
 * all threads, and all servers of the registry, give the same part. Only its
 * order is drawn for each answer.
 */
#include "dnsd/message/answer/pick.h"

enum { PART_SLOT_S = 60 };

/* network: network_number(), or 0. */
void part_seed(struct rng *ret_slot, const struct service *s, uint64_t network,
    uint32_t now_wall_s);

/*
 * Puts the first n of p->order, which pick_order() has just drawn with `slot`
 * and that filter, into an order drawn with rng. Over many slots the orders
 * are as likely as those of pick_order(): each instance stands first, and
 * second ..., as often as its weight says. n is at most PICK_PART_MAX.
 */
void part_shuffle(struct pick *p, const struct service *s, unsigned n,
    enum pick_filter filter, struct rng *slot, struct rng *rng);
