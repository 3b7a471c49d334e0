// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/data/service_rr.h"

#include "dnsd/message/data/zone.h"

#include <string.h>

/* A name in the making: never longer than compile.c lets it be, and slack. */
struct name {
	uint16_t len;
	uint8_t wire[WIRE_NAME_MAX + WIRE_LABEL_MAX];
};

struct walk {
	const struct service *s;
	service_rr_fn fn;
	void *arg;
	struct name browsed; /* _S._P.Z */
	/* Of SRV: two octets for each instance; NULL: their first port. */
	const uint8_t *ports;
};

static void add(struct name *n, const void *octets, size_t len)
{
	memcpy(n->wire + n->len, octets, len);
	n->len = (uint16_t)(n->len + len);
}

/* `_` and the label. */
static void add_underscored(struct name *n, const void *label, size_t len)
{
	n->wire[n->len++] = (uint8_t)(len + 1);
	n->wire[n->len++] = '_';
	add(n, label, len);
}

static struct name browsed_name(
    const struct service *s, const char protocol[16])
{
	struct name n = { 0 };
	uint8_t len;
	const uint8_t *label = service_label(s, &len);

	add_underscored(&n, label, len);
	add_underscored(&n, protocol, strnlen(protocol, sizeof(s->protocol)));
	add(&n, s->zone->name.lower, s->zone->name.len);
	return n;
}

static struct name service_name(const struct service *s)
{
	struct name n = { 0 };

	add(&n, s->name, s->name_len);
	return n;
}

/* The label of an instance before a name. */
static struct name below(
    const struct service_instance *in, const struct name *parent)
{
	struct name n = { 0 };

	add(&n, in->label, 1u + in->label[0]);
	add(&n, parent->wire, parent->len);
	return n;
}

static void give(const struct walk *w, const struct name *owner, uint16_t type,
    const uint8_t *rdata, size_t len)
{
	const struct service_rr rr = { owner->wire, owner->len, type,
		(uint16_t)len, w->s->ttl_s, rdata };

	w->fn(w->arg, &rr);
}

static void give_set(const struct walk *w, const struct name *owner,
    const struct record_set *set)
{
	const uint8_t *at = set->at;

	for (unsigned k = 0; k < set->n; k++) {
		size_t len = wire_get16(at);

		give(w, owner, set->type, at + 2, len);
		at += 2 + len;
	}
}

/* A table of records by type, or 0. */
static void give_table(
    const struct walk *w, const struct name *owner, uint32_t at)
{
	const struct service_records *all = service_at(w->s, at);

	for (unsigned k = 0; at && k < all->n; k++) {
		const struct record_set set = { all->item[k].type,
			all->item[k].n, service_at(w->s, all->item[k].at) };

		give_set(w, owner, &set);
	}
}

static void give_addresses(
    const struct walk *w, const struct name *owner, unsigned i)
{
	const struct service_instance *in = service_instance_at(w->s, i);

	if (in->flags & INSTANCE_IPV4)
		give(w, owner, TYPE_A, in->ipv4, sizeof(in->ipv4));
	if (in->flags & INSTANCE_IPV6)
		give(w, owner, TYPE_AAAA, service_ipv6_at(w->s, i), 16);
}

static void give_srv(const struct walk *w, const struct name *owner, unsigned i)
{
	const struct service_instance *in = service_instance_at(w->s, i);
	uint8_t rdata[6 + sizeof(((struct name *)0)->wire)];
	const struct name name = service_name(w->s);
	const struct name target = below(in, &name);

	memcpy(rdata, in->srv + 2, 6); /* RDLENGTH stands before */
	if (w->ports)
		memcpy(rdata + 4, w->ports + 2 * (size_t)i, 2);
	memcpy(rdata + 6, target.wire, target.len);
	give(w, owner, TYPE_SRV, rdata, 6u + target.len);
}

static void give_ptr(const struct walk *w, const struct name *owner, unsigned i)
{
	const struct name to = below(service_instance_at(w->s, i), &w->browsed);

	give(w, owner, TYPE_PTR, to.wire, to.len);
}

/* S.Z, and I.S.Z whatever its health. */
static void give_own(const struct walk *w)
{
	const struct service *s = w->s;
	const struct name name = service_name(s);

	for (unsigned i = 0; i < s->instance_n; i++) {
		const struct service_instance *in = service_instance_at(s, i);
		const struct name own = below(in, &name);

		if (i < s->eligible_n) {
			if (!(in->flags & INSTANCE_DRAINING))
				give_addresses(w, &name, i);
			give_srv(w, &name, i);
		}
		give_addresses(w, &own, i);
		give_srv(w, &own, i);
		give_table(w, &own, service_instance_table(s, i));
	}
	give_table(w, &name, s->records);
}

/* _T._sub._S._P.Z */
static void give_subtype(const struct walk *w, const struct service_subtype *t)
{
	const uint8_t *label = service_at(w->s, t->label);
	const uint16_t *members = service_at(w->s, t->members);
	struct name owner = { 0 };

	add(&owner, label, 1u + *label);
	add_underscored(&owner, "sub", 3);
	add(&owner, w->browsed.wire, w->browsed.len);
	for (unsigned k = 0; k < t->n; k++)
		give_ptr(w, &owner, t->members ? members[k] : k);
}

/* _S._P.Z and what is below it, of the protocol of w. */
static void give_browsed(const struct walk *w)
{
	const struct service *s = w->s;
	const struct service_subtypes *tags = service_at(s, s->subtypes);

	for (unsigned i = 0; i < s->instance_n; i++) {
		const struct name own =
		    below(service_instance_at(s, i), &w->browsed);
		const struct record_set txt = service_sd_txt(s, i);

		if (i < s->eligible_n) {
			give_srv(w, &w->browsed, i);
			give_ptr(w, &w->browsed, i);
		}
		give_srv(w, &own, i);
		give_set(w, &own, &txt);
	}
	for (unsigned k = 0; s->subtypes && k < tags->n; k++)
		give_subtype(w, &tags->item[k]);
}

/* _N._P.S.Z */
static void give_port(const struct walk *w, const struct service_port *p)
{
	const struct service *s = w->s;
	const uint8_t *label = service_at(s, p->name);
	struct name owner = { 0 };

	add(&owner, label, 1u + *label);
	add_underscored(
	    &owner, p->protocol, strnlen(p->protocol, sizeof(p->protocol)));
	add(&owner, s->name, s->name_len);
	for (unsigned i = 0; i < s->eligible_n; i++)
		give_srv(w, &owner, i);
}

static void give_type(const struct walk *w)
{
	const struct zone *z = w->s->zone;
	struct name owner = { 0 };

	add_underscored(&owner, "services", 8);
	add_underscored(&owner, "dns-sd", 6);
	add_underscored(&owner, "udp", 3);
	add(&owner, z->name.lower, z->name.len);
	const struct service_rr rr = { owner.wire, owner.len, TYPE_PTR,
		w->browsed.len, z->ttl_s, w->browsed.wire };
	w->fn(w->arg, &rr);
}

/* Each protocol, by its first port. */
static void give_ports(
    struct walk *w, void (*give_protocol)(const struct walk *))
{
	const struct service *s = w->s;
	const struct service_ports *all = service_at(s, s->ports);

	w->browsed = browsed_name(s, s->protocol);
	w->ports = NULL;
	give_protocol(w);
	for (unsigned k = 1; s->ports && k < all->n; k++) {
		if (!all->item[k].is_first)
			continue;
		w->browsed = browsed_name(s, all->item[k].protocol);
		w->ports = service_port_numbers(s, &all->item[k]);
		give_protocol(w);
	}
}

void service_each_rr(const struct service *s, service_rr_fn fn, void *arg)
{
	const struct service_ports *all = service_at(s, s->ports);
	struct walk w = { .s = s, .fn = fn, .arg = arg };

	give_own(&w);
	give_ports(&w, give_browsed);
	for (unsigned k = 0; s->ports && k < all->n; k++) {
		w.ports = service_port_numbers(s, &all->item[k]);
		if (all->item[k].name)
			give_port(&w, &all->item[k]);
	}
	give_ports(&w, give_type);
}
