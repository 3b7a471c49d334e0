// SPDX-License-Identifier: BSD-2-Clause
/*
 * Instances are gathered in a working array, sorted so that those in answers
 * come first by priority, and laid out in one block (service.h). The registry
 * has checked every value; what cannot be answered here is left out, counted
 * and logged by the caller, never guessed.
 */
#include "dnsd/registry/compile.h"

#include "dnsd/message/data/service.h"
#include "dnsd/message/data/zone.h"
#include "dnsd/registry/index.h"
#include "dnsd/registry/ports.h"
#include "dnsd/registry/records.h"
#include "dnsd/registry/subtypes.h"
#include "schema/base/xalloc.h"
#include "schema/eligible.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	TXT_MAX = 8192, /* octets of a record */
	TXT_STRING_MAX = 255,
};

struct draft {
	uint8_t ipv4[4], ipv6[16];
	unsigned seq; /* in the order of names */
	uint8_t flags;
	struct eligible eligible;
	uint16_t priority, weight, port;
	uint8_t label_len;
	char label[WIRE_LABEL_MAX];
	struct owner_records records;
	struct owner_ports ports;
};

struct compiler {
	const struct zone *zone;
	int64_t now_wall_ms, next_expiry_wall_ms, changed_wall_ms;
	char name[WIRE_LABEL_MAX + 1];
	char protocol[16];
	bool bad, index_addresses;
	size_t room; /* octets left for what stands before _S._P.Z */
	int port;
	uint32_t ttl_s;
	uint16_t max_answers;
	enum on_empty on_empty;
	struct eligible_sum sum;
	struct draft *draft;
	unsigned draft_n, draft_room, dropped_n, dropped_pair_n;
	struct records records;
	struct owner_records own; /* of the service itself */
	struct subtypes subtypes;
	struct ports ports;
};

struct compiler *compiler_new(void)
{
	return xcalloc(1, sizeof(struct compiler));
}

void compiler_free(struct compiler *c)
{
	if (!c)
		return;
	free(c->draft);
	records_release(&c->records);
	subtypes_release(&c->subtypes);
	ports_release(&c->ports);
	free(c);
}

static uint16_t or_default(int value, uint16_t otherwise)
{
	return value == ROW_DEFAULT ? otherwise : (uint16_t)value;
}

/* An instance has two octets at least in its name, I._S._P.Z. */
static void limit_room(struct compiler *c, size_t protocol_len)
{
	size_t taken =
	    2u + strlen(c->name) + 2u + protocol_len + c->zone->name.len;

	if (taken + 2u > WIRE_NAME_MAX) {
		c->bad = true;
	} else if (WIRE_NAME_MAX - taken < c->room) {
		c->room = WIRE_NAME_MAX - taken;
	}
}

/* _N._P.S.Z; such a name without room is nothing to ask for. */
static bool port_name_fits(const struct compiler *c, const struct port_row *row)
{
	return !row->name || 2u + strlen(row->name) + 2u +
	                             strlen(row->protocol) + 1u +
	                             strlen(c->name) + c->zone->name.len <=
	                         WIRE_NAME_MAX;
}

void compile_begin(struct compiler *c, const struct zone *zone,
    const struct service_row *row, int64_t now_wall_ms)
{
	size_t name_len = strlen(row->name);
	size_t protocol_len = strlen(row->protocol);

	c->zone = zone;
	c->now_wall_ms = now_wall_ms;
	c->next_expiry_wall_ms = 0;
	c->changed_wall_ms = 0;
	c->bad = !name_len || name_len > WIRE_LABEL_MAX - 1 ||
	         protocol_len >= sizeof(c->protocol);
	c->room = WIRE_NAME_MAX;
	memset(c->name, 0, sizeof(c->name));
	memset(c->protocol, 0, sizeof(c->protocol));
	if (!c->bad) {
		memcpy(c->name, row->name, name_len);
		memcpy(c->protocol, row->protocol, protocol_len);
		limit_room(c, protocol_len);
	}
	c->port = row->port == ROW_DEFAULT ? 0 : row->port;
	c->ttl_s =
	    row->ttl_s == ROW_DEFAULT ? zone->ttl_s : (uint32_t)row->ttl_s;
	c->max_answers = or_default(row->max_answers, zone->max_answers);
	c->on_empty = row->on_empty;
	c->index_addresses = false;
	c->sum = (struct eligible_sum){ 0 };
	c->draft_n = 0;
	c->dropped_n = 0;
	c->dropped_pair_n = 0;
	records_reset(&c->records);
	c->own = (struct owner_records){ 0 };
	subtypes_reset(&c->subtypes);
	ports_reset(&c->ports, row);
}

void compile_port(struct compiler *c, const struct port_row *row)
{
	if (row->port < 1 || row->port > UINT16_MAX)
		return;
	if (c->draft_n) {
		ports_override(&c->ports, &c->draft[c->draft_n - 1].ports, row);
		return;
	}
	if (!port_name_fits(c, row))
		return;
	limit_room(c, strlen(row->protocol));
	ports_add(&c->ports, row);
}

void compile_index_addresses(struct compiler *c)
{
	c->index_addresses = true;
}

static bool parse_addresses(struct draft *d, const struct instance_row *row)
{
	if (inet_pton(AF_INET, row->address, d->ipv4) == 1) {
		d->flags = INSTANCE_IPV4;
	} else if (inet_pton(AF_INET6, row->address, d->ipv6) == 1) {
		d->flags = INSTANCE_IPV6;
	} else {
		return false;
	}
	if (row->address6) {
		if (inet_pton(AF_INET6, row->address6, d->ipv6) != 1)
			return false;
		d->flags |= INSTANCE_IPV6;
	}
	return true;
}

/*
 * When to look at an expired lease again: a renewal that was written before
 * the end and committed after it counts as no change, so nothing would tell.
 * Twice as late each time.
 */
static int64_t after_expiry(int64_t now_wall_ms, int64_t until_wall_ms)
{
	enum { SOONEST_MS = 100, LATEST_MS = 3600000 };

	if (until_wall_ms < now_wall_ms - LATEST_MS)
		return now_wall_ms + LATEST_MS;
	int64_t late_ms = now_wall_ms - until_wall_ms;

	return now_wall_ms + (late_ms < SOONEST_MS ? SOONEST_MS : late_ms);
}

static void look_again(struct compiler *c, int64_t at_wall_ms)
{
	if (!c->next_expiry_wall_ms || at_wall_ms < c->next_expiry_wall_ms)
		c->next_expiry_wall_ms = at_wall_ms;
}

static void judge(
    struct compiler *c, struct draft *d, const struct instance_row *row)
{
	struct eligible_facts f = eligible_facts(row);

	d->eligible = eligible_judge(&f, c->now_wall_ms);
	d->weight = (uint16_t)eligible_weight(row);
	if (row->mode == MODE_DRAINING)
		d->flags |= INSTANCE_DRAINING;
	if (d->eligible.why == ELIGIBLE_EXPIRED) {
		look_again(
		    c, after_expiry(c->now_wall_ms, row->lease_until_wall_ms));
	} else if (d->eligible.until_wall_ms) {
		look_again(c, d->eligible.until_wall_ms);
	}
	eligible_count(&c->sum, &d->eligible);
}

static bool is_in(const struct draft *d)
{
	return d->eligible.types & ELIGIBLE_SRV;
}

bool compile_add(struct compiler *c, const struct instance_row *row)
{
	size_t label_len = strlen(row->name);

	if (c->draft_n == SERVICE_INSTANCES_MAX || !label_len ||
	    label_len > WIRE_LABEL_MAX || 1 + label_len > c->room) {
		c->dropped_n++;
		return false;
	}
	if (c->draft_n == c->draft_room) {
		c->draft_room = c->draft_room ? 2 * c->draft_room : 64;
		c->draft =
		    xreallocarray(c->draft, c->draft_room, sizeof(*c->draft));
	}
	struct draft *d = &c->draft[c->draft_n];
	*d = (struct draft){ 0 };
	if (!parse_addresses(d, row)) {
		c->dropped_n++;
		return false;
	}
	d->seq = c->draft_n++;
	d->label_len = (uint8_t)label_len;
	memcpy(d->label, row->name, label_len);
	d->priority = (uint16_t)row->priority;
	d->port = or_default(row->port, (uint16_t)c->port);
	judge(c, d, row);
	if (row->since_wall_ms > c->changed_wall_ms)
		c->changed_wall_ms = row->since_wall_ms;
	return true;
}

void compile_tag(struct compiler *c, const char *tag)
{
	if (1 + 1 + strlen(tag) + 5 > c->room) /* _T._sub */
		return;
	subtypes_add(&c->subtypes, tag,
	    c->draft_n ? (int32_t)c->draft_n - 1 : SUBTYPES_EVERYBODY);
}

static struct owner_records *owner_of(struct compiler *c)
{
	return c->draft_n ? &c->draft[c->draft_n - 1].records : &c->own;
}

void compile_record(
    struct compiler *c, uint16_t type, const uint8_t *rdata, size_t len)
{
	records_add(&c->records, owner_of(c), type, rdata, len);
}

void compile_meta(struct compiler *c, const char *key, const char *value)
{
	size_t key_len = strlen(key), value_len = strlen(value);
	size_t len = key_len + 1 + value_len; /* RFC 1464: key=value */
	uint8_t string[1 + TXT_STRING_MAX];

	if (len > TXT_STRING_MAX) {
		c->dropped_pair_n++;
		return;
	}
	string[0] = (uint8_t)len;
	memcpy(string + 1, key, key_len);
	string[1 + key_len] = '=';
	memcpy(string + 1 + key_len + 1, value, value_len);
	if (!records_extend(
	        &c->records, owner_of(c), TYPE_TXT, string, 1 + len, TXT_MAX))
		c->dropped_pair_n++;
}

/* Eligible first, by priority; else as they came, in the order of names. */
static int by_rank(const void *a, const void *b)
{
	const struct draft *x = a, *y = b;

	if (is_in(x) != is_in(y))
		return is_in(x) ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

/* What the block holds and where; filled before it is allocated. */
struct layout {
	unsigned eligible_n, group_n, index_slots, address_n, address_slots;
	size_t stride, size;
	size_t records_len; /* of the instances */
	size_t ports_len;
	bool any_ipv6;
};

static uint32_t reserve(struct layout *l, size_t align, size_t len)
{
	size_t at = (l->size + align - 1) & ~(align - 1);

	l->size = at + len;
	return (uint32_t)at;
}

/* Octets rounded up, so that the next part may begin there. */
static size_t aligned_len(struct compiler *c, const struct owner_records *o)
{
	return (records_len(&c->records, o) + 3) & ~(size_t)3;
}

/* A table of the service is there if any of its instances has one. */
static size_t own_records_len(struct compiler *c)
{
	size_t len = aligned_len(c, &c->own);

	return len ? len : sizeof(struct service_records);
}

static void measure(struct compiler *c, struct layout *l)
{
	size_t label_max = 0;

	for (unsigned i = 0; i < c->draft_n; i++) {
		const struct draft *d = &c->draft[i];

		if (d->label_len > label_max)
			label_max = d->label_len;
		l->address_n += !!(d->flags & INSTANCE_IPV4);
		l->address_n += !!(d->flags & INSTANCE_IPV6);
		if (d->flags & INSTANCE_IPV6)
			l->any_ipv6 = true;
		l->records_len += aligned_len(c, &d->records);
		if (!is_in(d))
			continue;
		l->eligible_n++;
		if (!i || d->priority != d[-1].priority)
			l->group_n++;
	}
	l->ports_len = ports_len(&c->ports, c->draft_n);
	l->stride = sizeof(struct service_instance) + 1 + label_max;
	l->stride = (l->stride + 1) & ~(size_t)1;
	if (c->draft_n <= SERVICE_LINEAR_MAX)
		return;
	l->index_slots = index_slots(c->draft_n);
	if (c->index_addresses)
		l->address_slots = index_slots(l->address_n);
}

/* A length octet, then the label; then the zone's name. */
static size_t put_name(const struct compiler *c, uint8_t *ret_name)
{
	size_t len = strlen(c->name);

	ret_name[0] = (uint8_t)len;
	memcpy(ret_name + 1, c->name, len);
	memcpy(ret_name + 1 + len, c->zone->name.lower, c->zone->name.len);
	return 1 + len + c->zone->name.len;
}

static struct service *allocate(struct compiler *c, struct layout *l)
{
	uint8_t name[WIRE_NAME_MAX + 8] = { 0 };
	size_t name_len = put_name(c, name);
	struct service h = { .zone = c->zone, .ttl_s = c->ttl_s };

	l->size = offsetof(struct service, name) + name_len;
	h.name_len = (uint8_t)name_len;
	h.hash = dname_hash_label(
	    c->zone->hash_seed, c->zone->hash, name + 1, name[0]);
	h.instance_n = (uint16_t)c->draft_n;
	h.eligible_n = (uint16_t)l->eligible_n;
	h.group_n = (uint16_t)l->group_n;
	h.stride = (uint16_t)l->stride;
	h.max_answers = c->max_answers ? c->max_answers : UINT16_MAX;
	/* what makes no difference is left out, so that it counts as none */
	if (c->on_empty == ON_EMPTY_NXDOMAIN && !l->eligible_n)
		h.flags = SERVICE_NX_WHEN_EMPTY;
	if (!c->max_answers)
		h.flags |= SERVICE_ALL_ADDRESSES;
	memcpy(h.protocol, c->protocol, sizeof(h.protocol));
	h.groups = reserve(l, 4, l->group_n * sizeof(struct service_group));
	h.instances = reserve(l, 2, c->draft_n * l->stride);
	if (l->any_ipv6)
		h.ipv6 = reserve(l, 1, c->draft_n * (size_t)16);
	if (l->eligible_n > SERVICE_LINEAR_MAX)
		h.cumulative = reserve(l, 4, l->eligible_n * sizeof(uint32_t));
	if (l->index_slots) {
		h.index =
		    reserve(l, 4, (1 + l->index_slots) * sizeof(uint32_t));
	}
	if (l->address_slots) {
		h.flags |= SERVICE_ADDRESS_INDEX;
		(void)reserve(l, 4, (1 + l->address_slots) * sizeof(uint32_t));
	}
	if (l->ports_len)
		h.ports = reserve(l, 4, l->ports_len);
	if (c->subtypes.n)
		h.subtypes = reserve(l, 4, subtypes_len(&c->subtypes));
	if (l->records_len) {
		h.flags |= SERVICE_INSTANCE_RECORDS;
		(void)reserve(l, 4, c->draft_n * sizeof(uint32_t));
	}
	if (l->records_len || c->own.n) {
		h.records = reserve(l, 4, own_records_len(c));
		(void)reserve(l, 4, l->records_len);
	}
	h.size = (uint32_t)(l->size + SERVICE_SLACK);

	struct service *s = xcalloc(1, h.size);
	*s = h;
	memcpy(s->name, name, name_len);
	return s;
}

/* Those of the service, behind them those of each instance. */
static void fill_records(struct compiler *c, struct service *s)
{
	uint32_t *at = (uint32_t *)(void *)((uint8_t *)s + s->records);
	uint32_t next = s->records + (uint32_t)own_records_len(c);

	if (c->own.n)
		records_fill(&c->records, &c->own, s, s->records);
	if (!(s->flags & SERVICE_INSTANCE_RECORDS))
		return;
	at -= c->draft_n;
	for (unsigned i = 0; i < c->draft_n; i++) {
		const struct owner_records *o = &c->draft[i].records;

		if (!o->n)
			continue;
		at[i] = next;
		records_fill(&c->records, o, s, next);
		next += (uint32_t)aligned_len(c, o);
	}
}

static void fill_instance(struct service *s, unsigned i, const struct draft *d)
{
	struct service_instance *in =
	    (struct service_instance *)(uintptr_t)service_instance_at(s, i);
	uint8_t *p = in->srv;

	memcpy(in->ipv4, d->ipv4, sizeof(in->ipv4));
	in->flags = d->flags;
	p = wire_put16(p, (uint16_t)(6 + 1 + d->label_len + s->name_len));
	p = wire_put16(p, d->priority);
	p = wire_put16(p, d->weight);
	wire_put16(p, d->port);
	in->label[0] = d->label_len;
	memcpy(in->label + 1, d->label, d->label_len);
	if (s->ipv6)
		memcpy((uint8_t *)s + s->ipv6 + 16 * (size_t)i, d->ipv6, 16);
	s->ipv4_n += d->eligible.types & ELIGIBLE_A ? 1 : 0;
	s->ipv6_n += d->eligible.types & ELIGIBLE_AAAA ? 1 : 0;
}

int compile_finish(
    struct compiler *c, struct compile_result *ret, struct diag *reterr)
{
	struct layout l = { 0 };

	if (c->bad) {
		return diag_set(reterr, -EINVAL,
		    "found a name or protocol too long for DNS, expected at "
		    "most 255 octets in all and 15 for the protocol");
	}
	memset(ret->why_n, 0, sizeof(ret->why_n));
	for (unsigned i = 0; i < c->draft_n; i++) {
		struct eligible *e = &c->draft[i].eligible;

		(void)eligible_settle(e, &c->sum, c->on_empty);
		ret->why_n[e->why]++;
	}
	ret->changed_wall_ms = c->changed_wall_ms;
	if (c->draft_n)
		qsort(c->draft, c->draft_n, sizeof(*c->draft), by_rank);
	measure(c, &l);
	struct service *s = allocate(c, &l);
	if (s->ports)
		ports_fill(&c->ports, s);
	for (unsigned i = 0; i < c->draft_n; i++) {
		fill_instance(s, i, &c->draft[i]);
		ports_fill_instance(&c->ports, &c->draft[i].ports, s, i);
		subtypes_place(&c->subtypes, c->draft[i].seq, i);
	}
	index_groups(s);
	fill_records(c, s);
	subtypes_fill(&c->subtypes, s);
	if (l.index_slots)
		index_labels(s, l.index_slots);
	if (l.address_slots)
		index_addresses(s, l.address_slots);
	ret->service = s;
	ret->next_expiry_wall_ms = c->next_expiry_wall_ms;
	ret->dropped_n = c->dropped_n;
	ret->dropped_pair_n = c->dropped_pair_n;
	ret->dropped_tag_n = c->subtypes.dropped_n;
	return 0;
}
