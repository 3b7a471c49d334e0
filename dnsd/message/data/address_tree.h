// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * address_tree - the addresses of one family that somebody has.
 *
 * A crit-bit tree: each inner node is the first bit in which the addresses
 * below it differ. What DNS asks of the names below in-addr.arpa and ip6.arpa
 * is one way down: whether an address is there, whether one with that prefix
 * is (an empty non-terminal), and how much of it is shared with the closest
 * one (the closest encloser).
 *
 * Workers walk while the control thread adds and removes: a node is finished
 * before one store publishes it, and what one store took out is used again
 * when no reader can stand in it. 24 octets an IPv4 address, 40 an IPv6
 * address.
 */
#include "dnsd/message/data/reclaim.h"

#include <stddef.h>
#include <stdint.h>

enum {
	ADDRESS_TREE_MAX = (1 << 24) - 1, /* addresses */
	ADDRESS_IPV4_LEN = 4,
	ADDRESS_IPV6_LEN = 16,
};

struct address_tree;

/* What is known about an address. */
struct address_leaf {
	_Atomic uint64_t owner; /* the user's; readers see it */
	uint32_t set;           /* the user's; control thread alone */
	uint8_t address[];
};

/* Never NULL. Borrows rec. */
struct address_tree *address_tree_new(size_t address_len, struct reclaim *rec);
/* No reader may be in; what was retired may still be waiting in rec. */
void address_tree_free(struct address_tree *t);

/*
 * Any thread, between reclaim_in() and reclaim_out(): how many of the first
 * `bits` bits are shared with the address that shares the most; the leaf is
 * one of those that do, NULL where there is no address at all.
 */
unsigned address_tree_match(const struct address_tree *t,
    const uint8_t *address, unsigned bits,
    const struct address_leaf **ret_leaf);

/* ---- control thread --------------------------------------------------- */

/* NULL: it is not there. */
struct address_leaf *address_tree_find(
    struct address_tree *t, const uint8_t *address);
/* With that owner if it is new; NULL: there are too many. */
struct address_leaf *address_tree_add(
    struct address_tree *t, const uint8_t *address, uint64_t owner);
/* It is there. */
void address_tree_remove(struct address_tree *t, const uint8_t *address);
size_t address_tree_n(const struct address_tree *t);
