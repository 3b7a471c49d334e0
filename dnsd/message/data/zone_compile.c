// SPDX-License-Identifier: BSD-2-Clause
/*
 * One pass over the names, parents first, writes the nodes and hands down
 * from parent to child which cut or DNAME governs it. Addresses of names in
 * RDATA are found at the end, when every node has its place.
 */
#include "dnsd/message/data/zone_build_impl.h"
#include "dnsd/message/data/zone_image.h"
#include "dnsd/message/wire/rdata.h"

#include <errno.h>
#include <stdlib.h>

/* ---- one node --------------------------------------------------------- */

static void write_rr(struct zone_build *b, const struct record *r, bool target)
{
	size_t len = (target ? 4u : 0u) + 2u + r->rdata_len;
	uint8_t *p = buffer_add(&b->out, len, 1);

	if (target)
		memset(p, 0, 4);
	p = wire_put16(p + (target ? 4 : 0), r->rdata_len);
	memcpy(p, r->rdata, r->rdata_len);
}

static bool is_same(const struct record *a, const struct record *b)
{
	return a->sum == b->sum && a->rdata_len == b->rdata_len &&
	       rdata_equal(
	           rdata_shape_of(a->type), a->rdata, b->rdata, b->rdata_len);
}

static bool is_there(const struct record *const *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_same(r[i], r[n]))
			return true;
	}
	return false;
}

/* Room to note n records in, of which none is. */
static void forget(struct zone_build *b, size_t n)
{
	size_t room = 64;

	while (room < 2 * n)
		room *= 2;
	if (room != b->seen_room) {
		free(b->seen);
		b->seen = xcalloc(room, sizeof(*b->seen));
		b->seen_room = room;
		return;
	}
	memset(b->seen, 0, room * sizeof(*b->seen));
}

/* Is a record like r[i] noted? If not, it is now. */
static bool note(
    struct zone_build *b, const struct record *const *r, uint32_t i)
{
	size_t k = r[i]->sum & (b->seen_room - 1);

	for (; b->seen[k]; k = (k + 1) & (b->seen_room - 1)) {
		if (is_same(r[b->seen[k] - 1], r[i]))
			return true;
	}
	b->seen[k] = i + 1;
	return false;
}

static struct rrset *rrset_in(const struct zone_build *b, size_t at)
{
	return (void *)(b->out.base + at);
}

enum { FEW = 16 /* records that are compared with each other */ };

/* The n records of one type, each once. */
static void write_rrset(
    struct zone_build *b, const struct record *const *r, size_t n)
{
	const struct rdata_shape *shape = rdata_shape_of(r[0]->type);
	struct rrset s = {
		.type = r[0]->type,
		.ttl_s = r[0]->ttl_s,
		.name_at = shape->name_at,
		.name_n = shape->name_n,
		.compressible = shape->compressible,
		.has_targets = shape->additional,
	};
	size_t start = b->out.len;

	if (n > FEW)
		forget(b, n);
	(void)buffer_add(&b->out, sizeof(s), 1);
	for (size_t i = 0; i < n; i++) {
		if (r[i]->ttl_s < s.ttl_s)
			s.ttl_s = r[i]->ttl_s;
		if (n > FEW ? note(b, r, (uint32_t)i) : is_there(r, i))
			continue;
		write_rr(b, r[i], s.has_targets);
		s.rr_n++;
	}
	s.len = (uint32_t)(b->out.len - start - sizeof(s));
	b->rr_n += s.rr_n;
	memcpy(rrset_in(b, start), &s, sizeof(s));
	(void)buffer_add(&b->out, -b->out.len & (UNIT - 1), 1);
}

static int by_type(const void *a, const void *b)
{
	const struct record *const *x = a, *const *y = b;

	if ((*x)->type != (*y)->type)
		return (*x)->type < (*y)->type ? -1 : 1;
	return *x < *y ? -1 : *x > *y; /* as they came */
}

/* The records of a name, sorted by type. */
static size_t sort_records(struct zone_build *b, const struct name *n)
{
	bool sorted = true;
	size_t k = 0;

	for (uint32_t at = n->first; at; at = record_at(b, at)->next) {
		if (k == b->sorted_room) {
			b->sorted_room = 2 * k + 64;
			b->sorted = xreallocarray(
			    b->sorted, b->sorted_room, sizeof(struct record *));
		}
		b->sorted[k] = record_at(b, at);
		sorted &= !k || b->sorted[k - 1]->type <= b->sorted[k]->type;
		k++;
	}
	if (!sorted)
		qsort(b->sorted, k, sizeof(struct record *), by_type);
	return k;
}

static size_t run_of(const struct record *const *r, size_t n)
{
	size_t i = 1;

	while (i < n && r[i]->type == r[0]->type)
		i++;
	return i;
}

/* Records of DNSSEC stand beside CNAME: RFC 4035 section 2.5. */
static bool is_beside_cname(uint16_t type)
{
	return type == TYPE_CNAME || type == TYPE_RRSIG || type == TYPE_NSEC;
}

/* Does CNAME stand at the name, among all of its records? */
static bool is_alias(const struct record *const *r, size_t all)
{
	for (size_t i = 0; i < all && r[i]->type <= TYPE_CNAME; i++) {
		if (r[i]->type == TYPE_CNAME)
			return true;
	}
	return false;
}

/* May the n records of one type stand at a name, which may be an alias? */
static int check_rrset(const struct record *const *r, size_t n, bool alias,
    uint32_t *ret_where, struct diag *reterr)
{
	uint16_t type = r[0]->type;
	bool single =
	    type == TYPE_CNAME || type == TYPE_DNAME || type == TYPE_SOA;

	*ret_where = r[n - 1]->where;
	for (size_t i = 1; single && i < n; i++) {
		if (!is_there(r, i)) {
			return diag_set(reterr, -EINVAL,
			    "found a second record of type %s, expected one "
			    "at a name",
			    type == TYPE_CNAME   ? "CNAME"
			    : type == TYPE_DNAME ? "DNAME"
			                         : "SOA");
		}
	}
	if (alias && !is_beside_cname(type)) {
		return diag_set(reterr, -EINVAL,
		    "found CNAME and other data at one name, expected CNAME "
		    "alone");
	}
	if (n > UINT16_MAX) {
		return diag_set(reterr, -EINVAL,
		    "found %zu records of one name and type, expected at "
		    "most 65535",
		    n);
	}
	return 0;
}

/* What may stand at the apex alone; flags: of the types before it. */
static int check_below_apex(uint16_t type, unsigned flags, struct diag *reterr)
{
	if (type == TYPE_SOA) {
		return diag_set(reterr, -EINVAL,
		    "found SOA below the apex, expected one at the apex");
	}
	if (type == TYPE_DNAME && flags & NODE_CUT) { /* RFC 6672 2.3 */
		return diag_set(reterr, -EINVAL,
		    "found DNAME beside NS below the apex, expected one of "
		    "them");
	}
	return 0;
}

static struct node *node_in(const struct zone_build *b, uint32_t at)
{
	return (void *)(b->out.base + (size_t)at * UNIT);
}

/* What the node passes on to those below it. */
static void govern(struct zone_build *b, struct name *n, unsigned flags)
{
	struct node *node = node_in(b, n->node_at);

	if (!n->parent)
		flags &= ~(unsigned)NODE_CUT; /* NS of the zone itself */
	if (flags & NODE_CUT)
		flags &= ~(unsigned)NODE_DNAME;
	node->flags = (uint8_t)flags;
	if (flags) {
		node->governor_at = n->node_at;
		b->has_special = true;
	}
	if (!n->parent)
		return;
	struct node *parent = node_in(b, name_at(b, n->parent)->node_at);
	if (parent->governor_at)
		node->governor_at = parent->governor_at;
	if (n->is_wildcard) {
		parent->wildcard_at = n->node_at;
		b->has_special = true;
	}
}

static int write_node(struct zone_build *b, struct name *n, uint32_t *ret_where,
    struct diag *reterr)
{
	size_t left = sort_records(b, n);
	unsigned flags = 0;
	struct node node = { .name_len = n->name_len };

	if (b->out.len / UNIT > UINT32_MAX)
		return diag_set(reterr, -EFBIG, "found more than 16 GB");
	bool alias = is_alias((const void *)b->sorted, left);
	n->node_at = (uint32_t)(b->out.len / UNIT);
	uint8_t *p = buffer_add(&b->out, sizeof(node) + n->name_len, UNIT);
	memcpy(p, &node, sizeof(node));
	memcpy(p + sizeof(node), n->wire, n->name_len);
	for (const struct record *const *r = (const void *)b->sorted; left;) {
		size_t run = run_of(r, left);
		int error = check_rrset(r, run, alias, ret_where, reterr);

		if (!error && n->parent)
			error = check_below_apex(r[0]->type, flags, reterr);
		if (error)
			return error;
		write_rrset(b, r, run);
		if (r[0]->type == TYPE_NS)
			flags |= NODE_CUT;
		if (r[0]->type == TYPE_DNAME)
			flags |= NODE_DNAME;
		node.rrset_n++;
		r += run;
		left -= run;
	}
	node_in(b, n->node_at)->rrset_n = node.rrset_n;
	govern(b, n, flags);
	return 0;
}

static size_t name_size(const struct name *n)
{
	size_t len = sizeof(*n) + n->name_len;

	return (len + NAME_UNIT - 1) & ~(size_t)(NAME_UNIT - 1);
}

static int write_nodes(
    struct zone_build *b, uint32_t *ret_where, struct diag *reterr)
{
	int error = 0;

	for (size_t at = NAME_UNIT; at < b->names.len && !error;) {
		struct name *n = (void *)(b->names.base + at);

		error = write_node(b, n, ret_where, reterr);
		at += name_size(n);
	}
	return error;
}

/* ---- the whole -------------------------------------------------------- */

static void fill_slots(const struct zone_build *b, struct zone_image *m)
{
	for (size_t at = NAME_UNIT; at < b->names.len;) {
		const struct name *n = (const void *)(b->names.base + at);
		uint32_t i = (uint32_t)n->hash & m->mask;

		while (m->slot[i])
			i = (i + 1) & m->mask;
		m->slot[i] = n->hash >> 32 << 32 | n->node_at;
		at += name_size(n);
	}
}

static bool has_address(const struct node *n)
{
	return node_rrset(n, TYPE_A) || node_rrset(n, TYPE_AAAA);
}

/* The node whose addresses a name of the zone has; also by a wildcard. */
static uint32_t find_target(
    const struct zone_image *m, const struct dname *name)
{
	unsigned label_n;

	const struct node *n = zone_image_find(
	    m, name->suffix_hash[name->label_n], name->lower, name->len);
	if (!n) {
		n = zone_image_encloser(m, name, &label_n);
		n = n->governor_at ? NULL : zone_image_node(m, n->wildcard_at);
	}
	if (!n || !has_address(n))
		return TARGET_NONE;
	return (uint32_t)(((const uint8_t *)n - (const uint8_t *)m) / UNIT);
}

/* A target "." in ServiceMode is the owner, RFC 9460 section 2.5.2. */
static bool target_of(struct dname *ret_name, const struct rrset *s,
    const struct rr *rr, const struct node *owner)
{
	bool svcb = s->type == TYPE_SVCB || s->type == TYPE_HTTPS;

	if (svcb && wire_get16(rr->rdata) && !rr->rdata[s->name_at]) {
		return dname_parse(ret_name, owner->name, owner->name_len, 0) >
		       0;
	}
	return dname_parse(ret_name, rr->rdata, rr->rdata_len, s->name_at) > 0;
}

static bool is_seen(const uint64_t *seen, unsigned n, uint64_t hash)
{
	for (unsigned i = 0; i < n; i++) {
		if (seen[i] == hash)
			return true;
	}
	return false;
}

/* Names are the same if their hash is: at worst an address is left out. */
static void resolve_rrset(const struct zone_build *b, struct zone_image *m,
    const struct node *owner, struct rrset *s)
{
	uint64_t seen[TARGETS_MAX];
	uint8_t *at = s->records;
	unsigned seen_n = 0;
	struct dname name;
	struct rr rr;

	for (unsigned i = 0; i < s->rr_n; i++) {
		uint32_t target = TARGET_SKIP;
		size_t len = (size_t)(rr_read(s, at, &rr) - at);

		if (seen_n < TARGETS_MAX && target_of(&name, s, &rr, owner) &&
		    lies_in(&name, &b->apex)) {
			dname_hash(&name, b->seed);
			uint64_t hash = name.suffix_hash[name.label_n];

			if (!is_seen(seen, seen_n, hash)) {
				target = find_target(m, &name);
				seen[seen_n++] = hash;
			}
		}
		memcpy(at, &target, sizeof(target));
		at += len;
	}
}

static void resolve_targets(const struct zone_build *b, struct zone_image *m)
{
	for (uint32_t i = 0; i <= m->mask; i++) {
		if (!m->slot[i])
			continue;
		const struct node *n = zone_image_at(m, (uint32_t)m->slot[i]);
		uintptr_t s = (uintptr_t)node_first(n);

		for (unsigned k = 0; k < n->rrset_n; k++) {
			if (((const struct rrset *)s)->has_targets)
				resolve_rrset(b, m, n, (struct rrset *)s);
			s = (uintptr_t)rrset_next((const struct rrset *)s);
		}
	}
}

/* Where the apex's name begins in the name at `at`; UINT16_MAX: nowhere. */
static uint16_t tail_of(
    const struct zone_build *b, const struct rr *rr, size_t at, size_t len)
{
	struct dname name;
	size_t tail;

	if (!dname_parse(&name, rr->rdata, rr->rdata_len, at) ||
	    !lies_in(&name, &b->apex))
		return UINT16_MAX;
	tail = at + len - b->apex.len;
	return (uint16_t)tail;
}

static void take_soa(
    const struct zone_build *b, struct zone_image *m, const struct rrset *s)
{
	struct rr rr = rrset_only(s);
	const uint8_t *fixed = rr.rdata + rr.rdata_len - 20;
	size_t mname = wire_name_len(rr.rdata, rr.rdata_len);
	size_t rname = (size_t)rr.rdata_len - 20 - mname;

	m->soa_at =
	    (uint32_t)(((const uint8_t *)s - (const uint8_t *)m) / UNIT);
	m->serial = wire_get32(fixed);
	m->negative_ttl_s = wire_get32(fixed + 16);
	if (s->ttl_s < m->negative_ttl_s)
		m->negative_ttl_s = s->ttl_s;
	m->soa_tail[0] = tail_of(b, &rr, 0, mname);
	m->soa_tail[1] = tail_of(b, &rr, mname, rname);
}

static int check_apex(
    const struct zone_build *b, struct zone_image *m, struct diag *reterr)
{
	const struct node *apex = zone_image_apex(m);
	const struct rrset *soa = node_rrset(apex, TYPE_SOA);
	char text[DNAME_TEXT_MAX];

	dname_to_text(b->apex.lower, text);
	if (!soa) {
		return diag_set(reterr, -EINVAL,
		    "found no SOA record of '%s', expected one", text);
	}
	if (!node_rrset(apex, TYPE_NS)) {
		return diag_set(reterr, -EINVAL,
		    "found no NS record of '%s', expected at least one", text);
	}
	take_soa(b, m, soa);
	return 0;
}

/* The head of the image and its empty slots, at most two thirds used. */
static void begin_image(struct zone_build *b)
{
	uint32_t slots = 64;

	while (2 * (uint64_t)slots < 3 * (uint64_t)b->name_n)
		slots *= 2;
	size_t len = sizeof(struct zone_image) + slots * sizeof(uint64_t);
	b->out = (struct buffer){ 0 };
	b->rr_n = 0;
	b->has_special = false;
	struct zone_image *m = (void *)buffer_add(&b->out, len, UNIT);
	memset(m, 0, len);
	m->mask = slots - 1;
}

int zone_build_image(struct zone_build *b, struct zone_image **ret_image,
    uint32_t *ret_where, struct diag *reterr)
{
	*ret_where = 0;
	begin_image(b);
	int error = write_nodes(b, ret_where, reterr);
	if (error) {
		free(b->out.base);
		return error;
	}
	struct zone_image *m = xreallocarray(b->out.base, 1, b->out.len);
	m->len = b->out.len;
	m->node_n = b->name_n;
	m->rr_n = b->rr_n;
	m->label_min = b->apex.label_n;
	m->label_max = b->label_max;
	m->has_special = b->has_special;
	m->is_deep = m->has_special || m->label_max > m->label_min + 1;
	m->apex_at = name_at(b, 1)->node_at;
	fill_slots(b, m);
	*ret_where = 0;
	error = check_apex(b, m, reterr);
	if (error) {
		free(m);
		return error;
	}
	resolve_targets(b, m);
	m->digest = zone_image_digest(m);
	*ret_image = m;
	return 0;
}
