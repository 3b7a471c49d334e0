// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/data/reverse.h"

#include "dnsd/message/data/address_tree.h"
#include "dnsd/message/data/owner_sets.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>

enum { FAMILIES = 2, TRIES = 8, IPV4_PARTS = 4, IPV6_PARTS = 32 };

struct reverse {
	const struct catalog *catalog;
	struct address_tree *tree[FAMILIES];
	struct owner_sets sets; /* of addresses that several services have */
};

static const uint8_t address_lens[FAMILIES] = { ADDRESS_IPV4_LEN,
	ADDRESS_IPV6_LEN };

static struct address_tree *tree_of(const struct reverse *r, size_t len)
{
	return r->tree[len == ADDRESS_IPV6_LEN];
}

/* ---- names ------------------------------------------------------------ */

/* An octet as in-addr.arpa writes it (RFC 1035 section 3.5), or -1. */
static int octet_of(const uint8_t *label, uint8_t len)
{
	int value = 0;

	if (!len || len > 3 || (len > 1 && label[0] == '0'))
		return -1;
	for (uint8_t i = 0; i < len; i++) {
		if (label[i] < '0' || label[i] > '9')
			return -1;
		value = value * 10 + (label[i] - '0');
	}
	return value <= 255 ? value : -1;
}

/* Four bits as ip6.arpa writes them (RFC 3596 section 2.5), or -1. */
static int nibble_of(const uint8_t *label, uint8_t len)
{
	uint8_t c = label[0];

	if (len != 1)
		return -1;
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool put_part(struct reverse_name *n, const uint8_t *label, uint8_t len)
{
	unsigned k = n->part_n;

	if (n->address_len == ADDRESS_IPV4_LEN) {
		int octet = k < IPV4_PARTS ? octet_of(label, len) : -1;

		if (octet < 0)
			return false;
		n->address[k] = (uint8_t)octet;
	} else {
		int nibble = k < IPV6_PARTS ? nibble_of(label, len) : -1;

		if (nibble < 0)
			return false;
		n->address[k / 2] |= (uint8_t)(k % 2 ? nibble : nibble << 4);
	}
	n->part_n++;
	return true;
}

void reverse_parse(
    struct reverse_name *ret_n, const struct dname *name, uint8_t address_len)
{
	uint8_t len;
	const uint8_t *label;

	*ret_n = (struct reverse_name){ .address_len = address_len,
		.label_n = (uint8_t)(name->label_n - 2) };
	for (unsigned k = ret_n->label_n; k-- > 0;) {
		label = dname_label(name, k, &len);
		if (!put_part(ret_n, label, len))
			return;
	}
}

static bool ends_with(const struct dname *n, const char *wire, size_t len)
{
	return n->label_n >= 2 && n->len >= len &&
	       !memcmp(n->lower + n->len - len, wire, len) &&
	       n->offset[n->label_n - 2] == n->len - len;
}

uint8_t reverse_address_len(const struct dname *zone)
{
	static const char four[] = "\7in-addr\4arpa", six[] = "\3ip6\4arpa";
	struct reverse_name n;
	uint8_t len = 0;

	if (ends_with(zone, four, sizeof(four)))
		len = ADDRESS_IPV4_LEN;
	if (ends_with(zone, six, sizeof(six)))
		len = ADDRESS_IPV6_LEN;
	if (!len)
		return 0;
	reverse_parse(&n, zone, len);
	/* others, as for parts of a network in RFC 2317, are names like any */
	return n.part_n == n.label_n ? len : 0;
}

static uint8_t *put_decimal(uint8_t *p, uint8_t value)
{
	uint8_t *len = p++;

	if (value >= 100)
		*p++ = (uint8_t)('0' + value / 100);
	if (value >= 10)
		*p++ = (uint8_t)('0' + value / 10 % 10);
	*p++ = (uint8_t)('0' + value % 10);
	*len = (uint8_t)(p - len - 1);
	return p;
}

void reverse_name_of(
    struct dname *ret_name, const uint8_t *address, uint8_t address_len)
{
	static const char four[] = "\7in-addr\4arpa", six[] = "\3ip6\4arpa";
	uint8_t wire[WIRE_NAME_MAX], *p = wire;

	if (address_len == ADDRESS_IPV4_LEN) {
		for (unsigned i = ADDRESS_IPV4_LEN; i-- > 0;)
			p = put_decimal(p, address[i]);
		memcpy(p, four, sizeof(four));
		p += sizeof(four);
	} else {
		for (unsigned k = IPV6_PARTS; k-- > 0;) {
			unsigned octet = address[k / 2];

			*p++ = 1;
			*p++ = (uint8_t) "0123456789abcdef"[k % 2 ? octet & 15
			                                          : octet >> 4];
		}
		memcpy(p, six, sizeof(six));
		p += sizeof(six);
	}
	(void)dname_parse(ret_name, wire, (size_t)(p - wire), 0);
}

/* ---- readers ---------------------------------------------------------- */

/*
 * The owner that is read may have lost the address a moment ago, before its
 * block was replaced; then the next owner is there, or none.
 */
static void find_owner(const struct reverse *r, const struct reverse_name *n,
    const struct address_leaf *leaf, struct reverse_found *f)
{
	for (unsigned k = 0; k < TRIES; k++) {
		uint64_t owner = atomic_load(&leaf->owner);
		const struct service *s = catalog_by_hash(r->catalog, owner);
		int i = s ? service_find_address(s, n->address, n->address_len)
		          : -1;

		if (i >= 0) {
			f->service = s;
			f->instance = (unsigned)i;
			return;
		}
	}
}

void reverse_find(const struct reverse *r, const struct reverse_name *n,
    struct reverse_found *ret_f)
{
	unsigned part_bits = n->address_len == ADDRESS_IPV4_LEN ? 8 : 4;
	unsigned bits = part_bits * n->part_n;
	const struct address_leaf *leaf;

	unsigned match = address_tree_match(
	    tree_of(r, n->address_len), n->address, bits, &leaf);
	*ret_f = (struct reverse_found){ .encloser_n = match / part_bits };
	ret_f->exists = leaf && match == bits && n->part_n == n->label_n;
	if (!ret_f->exists || bits < 8u * n->address_len)
		return;
	find_owner(r, n, leaf, ret_f);
	if (!ret_f->service) {
		ret_f->exists = false;
		ret_f->encloser_n--;
	}
}

/* ---- control thread --------------------------------------------------- */

/* Names from the right, label by label; then the shorter one first. */
static int zone_order(const struct zone *a, const struct zone *b)
{
	unsigned i = a->name.label_n, k = b->name.label_n;

	while (a != b && i > 0 && k > 0) {
		int order = label_order(a->name.lower + a->name.offset[--i],
		    b->name.lower + b->name.offset[--k]);

		if (order)
			return order;
	}
	return (int)i - (int)k;
}

static int service_order(const void *arg, uint64_t a, uint64_t b)
{
	const struct catalog *c = arg;
	const struct service *x = catalog_by_hash(c, a);
	const struct service *y = catalog_by_hash(c, b);

	if (!x || !y)
		return x ? 1 : y ? -1 : 0;
	int order = zone_order(x->zone, y->zone);
	return order ? order : label_order(x->name, y->name);
}

struct reverse *reverse_new(const struct catalog *c, struct reclaim *rec)
{
	struct reverse *r = xcalloc(1, sizeof(*r));

	r->catalog = c;
	for (unsigned k = 0; k < FAMILIES; k++)
		r->tree[k] = address_tree_new(address_lens[k], rec);
	owner_sets_init(&r->sets, service_order, c);
	return r;
}

void reverse_free(void *reverse)
{
	struct reverse *r = reverse;

	if (!r)
		return;
	for (unsigned k = 0; k < FAMILIES; k++)
		address_tree_free(r->tree[k]);
	owner_sets_release(&r->sets);
	free(r);
}

static void set_first(struct reverse *r, struct address_leaf *leaf)
{
	uint64_t first = owner_sets_first(&r->sets, leaf->set);

	if (atomic_load(&leaf->owner) != first)
		atomic_store(&leaf->owner, first);
}

static void add_owner(
    struct reverse *r, const uint8_t *address, size_t len, uint64_t owner)
{
	struct address_leaf *leaf =
	    address_tree_add(tree_of(r, len), address, owner);

	if (!leaf)
		return;
	uint64_t first = atomic_load(&leaf->owner);
	if (!leaf->set && first == owner)
		return;
	if (!leaf->set)
		owner_sets_add(&r->sets, &leaf->set, first);
	owner_sets_add(&r->sets, &leaf->set, owner);
	set_first(r, leaf);
}

static void remove_owner(
    struct reverse *r, const uint8_t *address, size_t len, uint64_t owner)
{
	struct address_tree *t = tree_of(r, len);
	struct address_leaf *leaf = address_tree_find(t, address);

	if (!leaf)
		return;
	if (!leaf->set) {
		if (atomic_load(&leaf->owner) == owner)
			address_tree_remove(t, address);
		return;
	}
	owner_sets_remove(&r->sets, &leaf->set, owner);
	set_first(r, leaf);
	if (owner_sets_is_single(&r->sets, leaf->set)) {
		owner_sets_remove(
		    &r->sets, &leaf->set, atomic_load(&leaf->owner));
	}
}

static bool label_is_at(
    const struct service *s, unsigned i, const uint8_t *label)
{
	return i < s->instance_n &&
	       !memcmp(service_instance_at(s, i)->label, label, 1u + *label);
}

/* Instances stay in their places, or one that moves shifts others by one. */
static int place_of(
    const struct service *s, unsigned likely, const uint8_t *label)
{
	for (unsigned k = 0; k < 3; k++) {
		static const unsigned shift[] = { 0, 1, -1u };
		unsigned i = likely + shift[k];

		if (label_is_at(s, i, label))
			return (int)i;
	}
	return service_find_instance(s, label + 1, *label);
}

static bool same_address(const struct service *s, unsigned i,
    const struct service *other, unsigned k, size_t len)
{
	const uint8_t *a = service_address_at(s, i, len);
	const uint8_t *b = service_address_at(other, k, len);

	return a && b ? !memcmp(a, b, len) : a == b;
}

/* The same instances have the same addresses: no name changes. */
static bool has_same_names(const struct service *a, const struct service *b)
{
	if (a->instance_n != b->instance_n || a->ttl_s != b->ttl_s)
		return false;
	for (unsigned i = 0; i < a->instance_n; i++) {
		int k = place_of(b, i, service_instance_at(a, i)->label);

		if (k < 0)
			return false;
		for (unsigned f = 0; f < FAMILIES; f++) {
			if (!same_address(
			        a, i, b, (unsigned)k, address_lens[f]))
				return false;
		}
	}
	return true;
}

/* What other has at the place of an address of s. */
enum difference {
	SAME,
	RENAMED, /* another instance, or another TTL */
	MISSING,
};

static enum difference compare(const struct service *s, unsigned i,
    const struct service *other, const uint8_t *address, size_t len)
{
	int k = other ? service_find_address(other, address, len) : -1;

	if (k < 0)
		return MISSING;
	return other->ttl_s == s->ttl_s && label_is_at(other, (unsigned)k,
	                                       service_instance_at(s, i)->label)
	           ? SAME
	           : RENAMED;
}

/* The zone in which the address has its name answers otherwise now. */
static void note_moved(
    const struct reverse *r, const uint8_t *address, size_t len)
{
	struct dname name;

	reverse_name_of(&name, address, (uint8_t)len);
	dname_hash(&name, catalog_seed(r->catalog));
	const struct zone *z = catalog_zone(r->catalog, &name, name.label_n);
	if (z)
		((struct zone *)(uintptr_t)z)->has_moved = true;
}

static bool is_owner(const struct reverse *r, const uint8_t *address,
    size_t len, const struct service *s)
{
	const struct address_leaf *leaf =
	    address_tree_find(tree_of(r, len), address);

	return leaf && atomic_load(&leaf->owner) == s->hash;
}

/* As long as some zone of the family does not know that it has. */
static bool wants_news(const struct reverse *r, size_t len)
{
	const struct zone *const *zones;
	unsigned n = catalog_reverse_zones(r->catalog, &zones);

	for (unsigned i = 0; i < n; i++) {
		if (zones[i]->address_len == len && !zones[i]->has_moved)
			return true;
	}
	return false;
}

/*
 * Calls fn once for each address of s that other has not. Whose name changes
 * is asked while s is its owner: before it leaves, after it has entered.
 */
static void each_difference(struct reverse *r, const struct service *s,
    const struct service *other, bool enters)
{
	for (unsigned k = 0; k < FAMILIES; k++) {
		size_t len = address_lens[k];

		if (len == ADDRESS_IPV6_LEN && !s->ipv6)
			continue;
		for (unsigned i = 0; i < s->instance_n; i++) {
			const uint8_t *a = service_address_at(s, i, len);

			if (!a || service_find_address(s, a, len) != (int)i)
				continue;
			enum difference d = compare(s, i, other, a, len);
			if (d == MISSING && enters)
				add_owner(r, a, len, s->hash);
			if (d != SAME && wants_news(r, len) &&
			    is_owner(r, a, len, s))
				note_moved(r, a, len);
			if (d == MISSING && !enters)
				remove_owner(r, a, len, s->hash);
		}
	}
}

void reverse_leaving(void *r, const struct service *old, struct service *next)
{
	if (old && !(next && has_same_names(old, next)))
		each_difference(r, old, next, false);
}

void reverse_entered(void *r, const struct service *old, struct service *next)
{
	if (next && !(old && has_same_names(old, next)))
		each_difference(r, next, old, true);
}

static void enter_service(void *arg, const struct service *s)
{
	reverse_entered(arg, NULL, (struct service *)(uintptr_t)s);
}

void reverse_begin(struct catalog *c, struct reclaim *rec)
{
	struct catalog_listener l = { .leaving = reverse_leaving,
		.entered = reverse_entered,
		.release = reverse_free };
	unsigned at = 0;

	if (catalog_reverse(c))
		return;
	l.arg = reverse_new(c, rec);
	while (catalog_each_service(c, &at, enter_service, l.arg))
		;
	catalog_listen(c, &l);
	catalog_set_reverse(c, l.arg);
}

size_t reverse_n(const struct reverse *r, uint8_t address_len)
{
	return address_tree_n(tree_of(r, address_len));
}
