// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/data/service.h"

static struct record_set find_records(
    const struct service *s, uint32_t table, uint16_t type)
{
	const struct service_records *all = service_at(s, table);

	for (unsigned k = 0; table && k < all->n; k++) {
		if (all->item[k].type == type) {
			return (struct record_set){ type, all->item[k].n,
				service_at(s, all->item[k].at) };
		}
	}
	return (struct record_set){ .type = type };
}

struct record_set service_records(const struct service *s, uint16_t type)
{
	return find_records(s, s->records, type);
}

struct record_set service_instance_records(
    const struct service *s, unsigned i, uint16_t type)
{
	return find_records(s, service_instance_table(s, i), type);
}

struct record_set service_sd_txt(const struct service *s, unsigned i)
{
	/* RFC 6763 section 6.1: one string, which is empty */
	static const uint8_t none[] = { 0, 1, 0 };
	struct record_set txt = { .n = 0 };

	if (s->flags & SERVICE_INSTANCE_RECORDS)
		txt = service_instance_records(s, i, TYPE_TXT);
	if (!txt.n && s->records)
		txt = service_records(s, TYPE_TXT);
	return txt.n ? txt : (struct record_set){ TYPE_TXT, 1, none };
}

const char *service_protocol(const struct service *s, unsigned *at)
{
	const struct service_ports *all = service_at(s, s->ports);

	if (!*at) {
		*at = 1; /* the first of all has this protocol */
		return s->protocol;
	}
	while (s->ports && *at < all->n) {
		const struct service_port *p = &all->item[(*at)++];

		if (p->is_first)
			return p->protocol;
	}
	return NULL;
}

const struct service_port *service_find_port(const struct service *s,
    const uint8_t *protocol, uint8_t protocol_len, const uint8_t *name,
    uint8_t name_len)
{
	const struct service_ports *all = service_at(s, s->ports);

	for (unsigned k = 0; s->ports && k < all->n; k++) {
		const struct service_port *p = &all->item[k];
		const uint8_t *own = service_at(s, p->name);

		if (protocol_is(p->protocol, protocol, protocol_len) &&
		    (!name || (p->name && *own == name_len &&
		                  !memcmp(own + 1, name, name_len))))
			return p;
	}
	return NULL;
}

bool service_has_port_name(
    const struct service *s, const uint8_t *protocol, uint8_t len)
{
	const struct service_ports *all = service_at(s, s->ports);

	for (unsigned k = 0; s->ports && k < all->n; k++) {
		if (all->item[k].name &&
		    protocol_is(all->item[k].protocol, protocol, len))
			return true;
	}
	return false;
}

static bool label_is(
    const struct service_instance *i, const uint8_t *label, uint8_t len)
{
	return i->label[0] == len && !memcmp(i->label + 1, label, len);
}

uint32_t service_index_hash(const uint8_t *label, uint8_t len)
{
	uint32_t h = 2166136261u; /* FNV-1a: short keys, rarely asked */

	for (uint8_t k = 0; k < len; k++)
		h = (h ^ label[k]) * 16777619u;
	return h;
}

/* Open addressing: the number of slots, then 1 + instance or 0 in each. */
static int find_indexed(
    const struct service *s, const uint8_t *label, uint8_t len)
{
	const uint32_t *index = service_at(s, s->index);
	uint32_t mask = index[0] - 1;
	uint32_t at = service_index_hash(label, len) & mask;

	for (; index[1 + at]; at = (at + 1) & mask) {
		unsigned i = index[1 + at] - 1;

		if (label_is(service_instance_at(s, i), label, len))
			return (int)i;
	}
	return -1;
}

int service_find_instance(
    const struct service *s, const uint8_t *label, uint8_t len)
{
	if (s->index)
		return find_indexed(s, label, len);
	for (unsigned i = 0; i < s->instance_n; i++) {
		if (label_is(service_instance_at(s, i), label, len))
			return (int)i;
	}
	return -1;
}

const struct service_subtype *service_find_subtype(
    const struct service *s, const uint8_t *label, uint8_t len)
{
	const struct service_subtypes *all = service_at(s, s->subtypes);

	for (unsigned i = 0; s->subtypes && i < all->n; i++) {
		const uint8_t *own = service_at(s, all->item[i].label);

		if (*own == len && !memcmp(own + 1, label, len))
			return &all->item[i];
	}
	return NULL;
}

int label_order(const uint8_t *a, const uint8_t *b)
{
	size_t len = *a < *b ? *a : *b;
	int order = memcmp(a + 1, b + 1, len);

	return order ? order : (int)*a - (int)*b;
}

uint32_t service_address_hash(const uint8_t *address, size_t address_len)
{
	return service_index_hash(address, (uint8_t)address_len);
}

static bool has_address(const struct service *s, unsigned i,
    const uint8_t *address, size_t address_len)
{
	const uint8_t *own = service_address_at(s, i, address_len);

	return own && !memcmp(own, address, address_len);
}

static int find_address_indexed(
    const struct service *s, const uint8_t *address, size_t address_len)
{
	const uint32_t *index = service_at(s, s->index);
	bool six = address_len != sizeof((struct service_instance *)0)->ipv4;

	index += 1 + index[0];
	uint32_t mask = index[0] - 1;
	uint32_t at = service_address_hash(address, address_len) & mask;
	for (; index[1 + at]; at = (at + 1) & mask) {
		uint32_t slot = index[1 + at] - 1;

		if ((slot & 1) == six &&
		    has_address(s, slot / 2, address, address_len))
			return (int)(slot / 2);
	}
	return -1;
}

int service_find_address(
    const struct service *s, const uint8_t *address, size_t address_len)
{
	int found = -1;

	if (s->flags & SERVICE_ADDRESS_INDEX)
		return find_address_indexed(s, address, address_len);
	for (unsigned i = 0; i < s->instance_n; i++) {
		if (has_address(s, i, address, address_len) &&
		    (found < 0 ||
		        label_order(service_instance_at(s, i)->label,
		            service_instance_at(s, (unsigned)found)->label) <
		            0))
			found = (int)i;
	}
	return found;
}
