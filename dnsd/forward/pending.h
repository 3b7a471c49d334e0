// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * pending - the questions that are under way, each once, and who waits for
 * them: found by name and type, and in order of their age, so the first one
 * is the next that is overdue.
 *
 * How many of a network wait is counted in cells that are found by a keyed
 * hash; two networks may share one, which makes the limit stricter for them,
 * and nobody can choose with whom. No lock of its own.
 */
#include "dnsd/message/wire/network.h"
#include "dnsd/message/wire/siphash.h"
#include "dnsd/message/wire/wire.h"

#include <stdbool.h>

struct later;
struct later_request;

enum {
	PENDING_MAX = 1024, /* different questions */
	PENDING_NONE = UINT16_MAX,
	PENDING_BUCKETS = 2048, /* powers of two */
	PENDING_CELLS = 4096,
};

/* Somebody who waits for an answer. */
struct waiter {
	struct waiter *next;
	struct later *later;
	uint64_t ticket;
	uint16_t cell;
	bool dnssec_ok, checking_disabled;
};

/* What a request is about, the name in lower case; class IN. */
struct subject {
	const uint8_t *name;
	size_t len;
	uint16_t type;
};

struct asked {
	uint64_t id; /* low 16 bits: its index; 0: unused */
	int64_t since_ms;
	struct waiter *waiters;
	uint16_t next_equal;   /* of its bucket */
	uint16_t older, newer; /* by age */
	uint16_t type;
	bool is_sent;  /* to the process that runs now */
	uint8_t tries; /* how many processes had it */
	uint8_t name_len;
	uint8_t name[WIRE_NAME_MAX];
};

struct pending {
	struct network_prefixes prefixes;
	uint8_t key[SIPHASH_KEY_LEN];
	uint64_t generation;
	struct asked asked[PENDING_MAX];
	uint16_t bucket[PENDING_BUCKETS];
	uint16_t free, oldest, newest;
	unsigned n;
	int64_t busy_ms; /* since when there is something */
	uint16_t cell[PENDING_CELLS];
};

void pending_init(struct pending *p, const struct network_prefixes *prefixes);
/* Who still waits is forgotten. */
void pending_release(struct pending *p);

struct subject pending_subject(const struct later_request *r);
/* NULL: it is not under way. */
struct asked *pending_find(struct pending *p, const struct subject *s);
/* One that is not there. NULL: there is no room. */
struct asked *pending_add(
    struct pending *p, const struct subject *s, int64_t now_mono_ms);
/* NULL: it is not there any more. */
struct asked *pending_by_id(struct pending *p, uint64_t id);
/*
 * Out of the table; ret_a, unless NULL, is a copy that owns its waiters, else
 * these are forgotten.
 */
void pending_take(struct pending *p, struct asked *a, struct asked *ret_a);

/* How many of the client's network wait. */
unsigned pending_of_network(
    const struct pending *p, const struct later_request *r);
void pending_wait(
    struct pending *p, struct asked *a, const struct later_request *r);
void pending_free_waiters(struct waiter *w);
