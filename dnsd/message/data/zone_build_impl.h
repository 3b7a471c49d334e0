// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zone_build_impl - private to zone_build.c, which takes records, and
 * zone_compile.c, which makes the image of them.
 */
#include "dnsd/message/data/zone_build.h"
#include "schema/base/xalloc.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A buffer of octets, addressed by offsets since it moves. */
struct buffer {
	uint8_t *base;
	size_t len, room;
};

/* In build->names, at multiples of 8. */
struct name {
	uint64_t hash;
	uint32_t parent;      /* of its name, in units of 8 */
	uint32_t first, last; /* records, in units of 4; 0: none */
	uint32_t node_at;
	uint8_t name_len, label_n;
	bool is_wildcard; /* `*` at the left */
	uint8_t wire[];
};

/* In build->records, at multiples of 4. */
struct record {
	uint32_t next; /* of the same owner */
	uint32_t ttl_s;
	uint32_t where;
	uint32_t sum; /* of RDATA in lower case: whom to compare with */
	uint16_t type, rdata_len;
	uint8_t rdata[];
};

struct zone_build {
	struct dname apex;
	uint64_t seed;
	struct buffer names, records;
	uint32_t *slot; /* names, in units of 8 */
	uint32_t mask, name_n;
	uint8_t label_max;
	uint32_t last; /* name that the last record was added to */
	/* of the image being made */
	struct buffer out;
	const struct record **sorted; /* of one owner */
	size_t sorted_room;
	uint32_t *seen; /* of one set, from 1; 0: a free slot */
	size_t seen_room;
	uint32_t rr_n;
	bool has_special;
};

enum { NAME_UNIT = 8, UNIT = 4 };

static inline uint8_t *buffer_add(struct buffer *b, size_t len, size_t unit)
{
	size_t padded = (len + unit - 1) & ~(unit - 1);

	if (b->len + padded > b->room) {
		b->room = 2 * b->room + padded + 4096;
		b->base = xreallocarray(b->base, 1, b->room);
	}
	uint8_t *p = b->base + b->len;
	memset(p + len, 0, padded - len);
	b->len += padded;
	return p;
}

static inline struct name *name_at(const struct zone_build *b, uint32_t at)
{
	return (void *)(b->names.base + (size_t)at * NAME_UNIT);
}

static inline struct record *record_at(const struct zone_build *b, uint32_t at)
{
	return (void *)(b->records.base + (size_t)at * UNIT);
}

/* In the zone: the apex or below it. */
static inline bool lies_in(const struct dname *name, const struct dname *apex)
{
	return name->label_n >= apex->label_n && name->len >= apex->len &&
	       !memcmp(name->lower + name->len - apex->len, apex->lower,
	           apex->len) &&
	       name->offset[name->label_n - apex->label_n] ==
	           name->len - apex->len;
}
