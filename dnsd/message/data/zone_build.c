// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names and records are kept in two buffers that only grow, as they came.
 * A name is made after its parent (empty non-terminals exist too, RFC 4592
 * section 2.2.2), which zone_compile.c relies on.
 */
#include "dnsd/message/data/zone_build_impl.h"
#include "dnsd/message/wire/rdata.h"

#include <errno.h>
#include <stdlib.h>

enum { SLOTS_MIN = 64 };

/* ---- names ------------------------------------------------------------ */

/* The slot that holds the last k labels of a name, or the one to put it. */
static uint32_t *find_slot(
    const struct zone_build *b, const struct dname *name, unsigned k)
{
	uint8_t at = name->offset[name->label_n - k];
	uint8_t len = (uint8_t)(name->len - at);
	uint64_t hash = name->suffix_hash[k];

	for (uint32_t i = (uint32_t)hash & b->mask;; i = (i + 1) & b->mask) {
		const struct name *n = name_at(b, b->slot[i]);

		if (!b->slot[i] || (n->hash == hash && n->name_len == len &&
		                       !memcmp(n->wire, name->lower + at, len)))
			return &b->slot[i];
	}
}

static void grow(struct zone_build *b)
{
	uint32_t slots = b->mask ? 2 * (b->mask + 1) : SLOTS_MIN;
	uint32_t *old = b->slot, old_mask = b->mask;

	b->slot = xcalloc(slots, sizeof(*b->slot));
	b->mask = slots - 1;
	for (uint32_t k = 0; old && k <= old_mask; k++) {
		uint32_t i;

		if (!old[k])
			continue;
		i = (uint32_t)name_at(b, old[k])->hash & b->mask;
		while (b->slot[i])
			i = (i + 1) & b->mask;
		b->slot[i] = old[k];
	}
	free(old);
}

static uint32_t make_name(
    struct zone_build *b, const struct dname *name, unsigned k, uint32_t parent)
{
	uint8_t at = name->offset[name->label_n - k];
	uint8_t len = (uint8_t)(name->len - at);
	uint32_t made = (uint32_t)(b->names.len / NAME_UNIT);

	if (4 * (b->name_n + 1) > 3 * b->mask)
		grow(b);
	struct name *n =
	    (void *)buffer_add(&b->names, sizeof(*n) + len, NAME_UNIT);
	*n = (struct name){ .hash = name->suffix_hash[k],
		.parent = parent,
		.name_len = len,
		.label_n = (uint8_t)k,
		.is_wildcard = len > 1 && !memcmp(name->lower + at, "\1*", 2) };
	memcpy(n->wire, name->lower + at, len);
	*find_slot(b, name, k) = made;
	b->name_n++;
	if (k > b->label_max)
		b->label_max = (uint8_t)k;
	return made;
}

static bool same_name(const struct name *n, const struct dname *name)
{
	return n->hash == name->suffix_hash[name->label_n] &&
	       n->name_len == name->len &&
	       !memcmp(n->wire, name->lower, name->len);
}

/* Where the name is, made with all that is missing above it. */
static uint32_t intern(struct zone_build *b, const struct dname *name)
{
	unsigned k = name->label_n;
	uint32_t at = b->last;

	if (same_name(name_at(b, at), name))
		return at;
	while (!(at = *find_slot(b, name, k)))
		k--;
	while (k < name->label_n)
		at = make_name(b, name, ++k, at);
	b->last = at;
	return at;
}

struct zone_build *zone_build_new(const struct dname *apex, uint64_t seed)
{
	struct zone_build *b = xcalloc(1, sizeof(*b));

	b->apex = *apex;
	dname_hash(&b->apex, seed);
	b->seed = seed;
	(void)buffer_add(&b->names, NAME_UNIT, NAME_UNIT); /* 0: none */
	(void)buffer_add(&b->records, UNIT, UNIT);
	memset(b->names.base, 0, NAME_UNIT);
	grow(b);
	b->last = make_name(b, &b->apex, b->apex.label_n, 0);
	return b;
}

void zone_build_free(struct zone_build *b)
{
	if (!b)
		return;
	free(b->names.base);
	free(b->records.base);
	free(b->slot);
	free(b->sorted);
	free(b->seen);
	free(b);
}

/* FNV-1a; in another case it is the same. */
static uint32_t sum_of(const uint8_t *rdata, size_t len)
{
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = rdata[i];

		sum ^= c >= 'A' && c <= 'Z' ? c | 0x20u : c;
		sum *= 16777619u;
	}
	return sum;
}

bool zone_build_holds(const struct zone_build *b, const struct dname *owner)
{
	return lies_in(owner, &b->apex);
}

int zone_build_add(struct zone_build *b, const struct dname *owner,
    uint16_t type, uint32_t ttl_s, const uint8_t *rdata, uint16_t rdata_len,
    uint32_t where, struct diag *reterr)
{
	char text[2][DNAME_TEXT_MAX];

	if (!lies_in(owner, &b->apex)) {
		dname_to_text(owner->lower, text[0]);
		dname_to_text(b->apex.lower, text[1]);
		return diag_set(reterr, -EINVAL,
		    "found '%s', expected a name in zone '%s'", text[0],
		    text[1]);
	}
	if (!rdata_fits(rdata_shape_of(type), rdata, rdata_len)) {
		return diag_set(reterr, -EINVAL,
		    "found data that does not fit type %u", type);
	}

	uint32_t at = (uint32_t)(b->records.len / UNIT);
	struct record *r =
	    (void *)buffer_add(&b->records, sizeof(*r) + rdata_len, UNIT);
	*r = (struct record){ .ttl_s = ttl_s,
		.where = where,
		.sum = sum_of(rdata, rdata_len),
		.type = type,
		.rdata_len = rdata_len };
	memcpy(r->rdata, rdata, rdata_len);
	struct name *n = name_at(b, intern(b, owner));
	if (n->last) {
		record_at(b, n->last)->next = at;
	} else {
		n->first = at;
	}
	n->last = at;
	return 0;
}
