// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/zone.h"

#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

enum { SOA_FIXED_LEN = 20 }; /* serial .. minimum, RFC 1035 section 3.3.13 */

struct zone *zone_new(const struct dname *name, uint64_t hash_seed)
{
	struct zone *z = xcalloc(1, sizeof(*z));

	z->name = *name;
	dname_hash(&z->name, hash_seed);
	z->hash = z->name.suffix_hash[z->name.label_n];
	z->hash_seed = hash_seed;
	return z;
}

void zone_free(struct zone *z)
{
	for (unsigned i = 0; z && i < ZONE_BUCKETS; i++) {
		for (struct node *n = z->bucket[i], *next; n; n = next) {
			next = n->next;
			for (struct rrset *s = n->rrsets, *t; s; s = t) {
				t = s->next;
				free(s->records);
				free(s);
			}
			free(n);
		}
	}
	free(z);
}

static struct node *find_node(
    const struct zone *z, uint64_t hash, const uint8_t *name, uint8_t name_len)
{
	struct node *n = z->bucket[hash % ZONE_BUCKETS];

	while (n && (n->hash != hash || n->name_len != name_len ||
	                memcmp(n->name, name, name_len) != 0))
		n = n->next;
	return n;
}

const struct node *zone_find(
    const struct zone *z, uint64_t hash, const uint8_t *name, uint8_t name_len)
{
	return find_node(z, hash, name, name_len);
}

const struct rrset *node_rrset(const struct node *n, uint16_t type)
{
	const struct rrset *s = n->rrsets;

	while (s && s->type != type)
		s = s->next;
	return s;
}

/* The node of the last `label_n` labels of owner, made if need be. */
static struct node *make_node(
    struct zone *z, const struct dname *owner, unsigned label_n)
{
	uint8_t at = owner->offset[owner->label_n - label_n];
	uint64_t hash = owner->suffix_hash[label_n];
	uint8_t len = (uint8_t)(owner->len - at);
	struct node *n = find_node(z, hash, owner->lower + at, len);

	if (n)
		return n;
	n = xcalloc(1, sizeof(*n) + len);
	n->hash = hash;
	n->name_len = len;
	memcpy(n->name, owner->lower + at, len);
	n->next = z->bucket[hash % ZONE_BUCKETS];
	z->bucket[hash % ZONE_BUCKETS] = n;
	return n;
}

/* Where in the name at rdata the zone's name begins; -1: nowhere. */
static int tail_of(const struct zone *z, const uint8_t *name, size_t len)
{
	size_t at = 0;

	while (at < len && name[at] && len - at > z->name.len)
		at += 1u + name[at];
	if (len - at == z->name.len &&
	    !memcmp(name + at, z->name.lower, z->name.len))
		return (int)at;
	return -1;
}

static size_t name_len(const uint8_t *name)
{
	size_t at = 0;

	while (name[at])
		at += 1u + name[at];
	return at + 1;
}

/* Only types of RFC 1035 may be compressed (RFC 3597 section 4). */
static void find_tails(const struct zone *z, uint16_t type, struct rr *r)
{
	size_t at = type == TYPE_MX ? 2 : 0;
	unsigned names = 0;

	if (type == TYPE_NS || type == TYPE_CNAME || type == TYPE_PTR ||
	    type == TYPE_MX) {
		names = 1;
	} else if (type == TYPE_SOA) {
		names = 2;
	}
	while (names-- > 0) {
		size_t len = name_len(r->rdata + at);
		int tail = tail_of(z, r->rdata + at, len);

		if (tail >= 0)
			r->tail[r->tail_n++] = (uint16_t)(at + (size_t)tail);
		at += len;
	}
}

static struct rrset *make_rrset(struct node *n, uint16_t type, uint32_t ttl_s)
{
	struct rrset **at = &n->rrsets;

	while (*at && (*at)->type != type)
		at = &(*at)->next;
	if (!*at) {
		*at = xcalloc(1, sizeof(**at));
		(*at)->type = type;
		(*at)->ttl_s = ttl_s;
	}
	if (ttl_s < (*at)->ttl_s)
		(*at)->ttl_s = ttl_s;
	return *at;
}

void zone_add(struct zone *z, const struct dname *owner, uint16_t type,
    uint32_t ttl_s, const uint8_t *rdata, uint16_t rdata_len)
{
	struct node *n = make_node(z, owner, z->name.label_n);

	/* the empty non-terminals above it exist too, RFC 4592 section 2.2.2 */
	for (unsigned k = z->name.label_n + 1u; k <= owner->label_n; k++)
		n = make_node(z, owner, k);

	struct rrset *s = make_rrset(n, type, ttl_s);
	uint32_t len =
	    (uint32_t)sizeof(struct rr) + rdata_len + (rdata_len & 1u);
	if (s->len + len > s->room) {
		s->room = 2 * s->room + len;
		s->records = xreallocarray(s->records, 1, s->room);
	}
	struct rr *r = (struct rr *)(void *)((uint8_t *)s->records + s->len);
	memset(r, 0, sizeof(*r));
	r->rdata_len = rdata_len;
	memcpy(r->rdata, rdata, rdata_len);
	find_tails(z, type, r);
	s->len += len;
	s->rr_n++;

	if (type == TYPE_SOA && n->hash == z->hash) {
		z->soa = s;
		z->negative_ttl_s = wire_get32(rdata + rdata_len - 4);
		if (ttl_s < z->negative_ttl_s) /* RFC 2308 section 5 */
			z->negative_ttl_s = ttl_s;
	}
}

static bool same_protocol(
    const struct zone_protocol *p, const uint8_t *label, uint8_t len)
{
	return len < sizeof(p->label) && !memcmp(p->label, label, len) &&
	       !p->label[len];
}

bool zone_has_protocol(
    const struct zone *z, const uint8_t *label, uint8_t label_len)
{
	unsigned n = atomic_load(&z->protocol_n);

	for (unsigned i = 0; i < n; i++) {
		if (same_protocol(&z->protocol[i], label, label_len))
			return atomic_load(&z->protocol[i].service_n) > 0;
	}
	return false;
}

bool zone_count_protocol(struct zone *z, const char label[16], int change)
{
	unsigned n = atomic_load(&z->protocol_n);
	unsigned i = 0;

	while (i < n && memcmp(z->protocol[i].label, label, 16) != 0)
		i++;
	if (i == ZONE_PROTOCOLS_MAX)
		return false;
	if (i == n) {
		memcpy(z->protocol[i].label, label, 16);
		atomic_store(&z->protocol_n, n + 1);
	}
	atomic_fetch_add(&z->protocol[i].service_n, (unsigned)change);
	return true;
}
