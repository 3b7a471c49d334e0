// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * ring - a bounded queue of small numbers that any number of threads put into
 * and take from, without a lock, an allocation after the first, or a system
 * call.
 */
#include <stdbool.h>
#include <stdint.h>

struct ring;

/* room: a power of two. Never NULL. */
struct ring *ring_new(uint32_t room);
void ring_free(struct ring *r);

/* False: it is full, or empty. What was written before a put is seen after
 * the take. */
bool ring_put(struct ring *r, uint32_t number);
bool ring_take(struct ring *r, uint32_t *ret_number);
