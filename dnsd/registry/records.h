// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * records - what a service and its instances have besides addresses and SRV,
 * to the parts of its block that those are answered from (service.h).
 *
 * Records of one owner come one after another; of several types in any order.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct service;

struct record_entry {
	size_t at; /* RDATA, in `data` */
	uint16_t type, len;
};

/* The records of one owner: n entries from first on. */
struct owner_records {
	uint32_t first, n;
};

struct records {
	struct record_entry *entry;
	uint8_t *data;
	size_t n, room, data_len, data_room;
};

/* Zero is empty. */
void records_release(struct records *r);
void records_reset(struct records *r);

/* One more of the owner whose records came last, who may have none yet. */
void records_add(struct records *r, struct owner_records *o, uint16_t type,
    const uint8_t *rdata, size_t len);
/*
 * At the end of the last record, if that is the owner's of this type and not
 * longer than max then, or of an empty one. False: it would be.
 */
bool records_extend(struct records *r, struct owner_records *o, uint16_t type,
    const uint8_t *rdata, size_t len, size_t max);

/* Octets of the owner's part, which is aligned to 4; 0: it has none. */
size_t records_len(struct records *r, const struct owner_records *o);
/* Writes it at that place in the block. */
void records_fill(const struct records *r, const struct owner_records *o,
    struct service *s, uint32_t at);
