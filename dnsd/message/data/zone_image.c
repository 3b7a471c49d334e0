// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/data/zone_image.h"

#include "dnsd/message/wire/siphash.h"

#include <stdlib.h>

const struct rrset *node_first(const struct node *n)
{
	size_t len = sizeof(*n) + n->name_len;

	return (const void *)((const uint8_t *)n + ((len + 3) & ~(size_t)3));
}

const struct rrset *rrset_next(const struct rrset *s)
{
	size_t len = sizeof(*s) + s->len;

	return (const void *)((const uint8_t *)s + ((len + 3) & ~(size_t)3));
}

const struct rrset *node_rrset(const struct node *n, uint16_t type)
{
	const struct rrset *s = node_first(n);

	for (unsigned i = 0; i < n->rrset_n; i++, s = rrset_next(s)) {
		if (s->type == type)
			return s;
	}
	return NULL;
}

void zone_image_prefetch_node(const struct zone_image *m, uint64_t hash)
{
	uint64_t v = m->slot[(uint32_t)hash & m->mask];

	if (!v)
		return;
	const uint8_t *n = zone_image_at(m, (uint32_t)v);
	__builtin_prefetch(n);
	__builtin_prefetch(n + 64);
}

const struct node *zone_image_encloser(
    const struct zone_image *m, const struct dname *name, unsigned *ret_label_n)
{
	unsigned k = name->label_n - 1u;

	for (k = k < m->label_max ? k : m->label_max; k > m->label_min; k--) {
		uint8_t at = name->offset[name->label_n - k];
		const struct node *n = zone_image_find(m, name->suffix_hash[k],
		    name->lower + at, (uint8_t)(name->len - at));

		if (n) {
			*ret_label_n = k;
			return n;
		}
	}
	*ret_label_n = m->label_min;
	return zone_image_apex(m);
}

/* A sum, so that the order of names in the table does not matter. */
static uint64_t digest_rrset(const struct rrset *s, uint64_t owner)
{
	static const uint8_t key[SIPHASH_KEY_LEN] = "records of zones";
	const uint8_t *at = s->records;
	uint64_t sum = 0;
	struct rr rr;

	for (unsigned i = 0; i < s->rr_n; i++) {
		uint64_t head[4] = { owner, s->type, s->ttl_s };

		at = rr_read(s, at, &rr);
		head[3] = siphash(key, rr.rdata, rr.rdata_len);
		sum += siphash(key, (const uint8_t *)head, sizeof(head));
	}
	return sum;
}

uint64_t zone_image_digest(const struct zone_image *m)
{
	static const uint8_t key[SIPHASH_KEY_LEN] = "names of records";
	uint64_t sum = 0;

	for (uint32_t i = 0; i <= m->mask; i++) {
		if (!m->slot[i])
			continue;
		const struct node *n = zone_image_at(m, (uint32_t)m->slot[i]);
		uint64_t owner = siphash(key, n->name, n->name_len);
		const struct rrset *s = node_first(n);

		for (unsigned k = 0; k < n->rrset_n; k++) {
			sum += digest_rrset(s, owner);
			s = rrset_next(s);
		}
	}
	return sum;
}

void zone_image_free(void *image)
{
	free(image);
}
