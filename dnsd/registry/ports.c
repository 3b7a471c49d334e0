// SPDX-License-Identifier: BSD-2-Clause
/*
 * The part is the table, then for each port but the first the numbers of all
 * instances, then the names.
 */
#include "dnsd/registry/ports.h"

#include "dnsd/message/data/service.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBER_LEN = 2 };

void ports_release(struct ports *p)
{
	free(p->other);
	*p = (struct ports){ 0 };
}

static bool take(struct port_entry *e, const struct port_row *row)
{
	size_t protocol_len = strlen(row->protocol);
	size_t name_len = row->name ? strlen(row->name) : 0;

	if (protocol_len >= sizeof(e->protocol) || name_len >= sizeof(e->name))
		return false;
	*e = (struct port_entry){ .number = (uint16_t)row->port };
	memcpy(e->protocol, row->protocol, protocol_len);
	if (name_len)
		memcpy(e->name, row->name, name_len);
	return true;
}

void ports_reset(struct ports *p, const struct service_row *row)
{
	const struct port_row first = { row->port_name, row->protocol, 0 };

	p->other_n = 0;
	p->n = take(&p->item[0], &first) ? 1 : 0;
}

void ports_add(struct ports *p, const struct port_row *row)
{
	if (p->n && p->n < PORTS_MAX && take(&p->item[p->n], row))
		p->n++;
}

void ports_override(
    struct ports *p, struct owner_ports *o, const struct port_row *row)
{
	const char *name = row->name ? row->name : "";
	unsigned k = 1;

	while (k < p->n && (strcmp(p->item[k].name, name) != 0 ||
	                       strcmp(p->item[k].protocol, row->protocol) != 0))
		k++;
	if (k >= p->n)
		return;
	if (p->other_n == p->other_room) {
		p->other_room = 2 * p->other_room + 16;
		p->other =
		    xreallocarray(p->other, p->other_room, sizeof(*p->other));
	}
	if (!o->n++)
		o->first = (uint32_t)p->other_n;
	p->other[p->other_n++] =
	    (struct port_override){ (uint16_t)k, (uint16_t)row->port };
}

size_t ports_len(const struct ports *p, unsigned instance_n)
{
	size_t len = sizeof(struct service_ports);

	if (p->n < 1 || (p->n == 1 && !*p->item[0].name))
		return 0;
	for (unsigned k = 0; k < p->n; k++) {
		len += sizeof(struct service_port);
		if (*p->item[k].name)
			len += 2 + strlen(p->item[k].name);
	}
	return len + (p->n - 1) * (size_t)instance_n * NUMBER_LEN;
}

static bool is_first(const struct ports *p, unsigned k)
{
	for (unsigned i = 0; i < k; i++) {
		if (!strcmp(p->item[i].protocol, p->item[k].protocol))
			return false;
	}
	return true;
}

static uint32_t put_name(uint8_t *at, const char *name)
{
	size_t len = strlen(name);

	at[0] = (uint8_t)(1 + len);
	at[1] = '_';
	memcpy(at + 2, name, len);
	return (uint32_t)(2 + len);
}

void ports_fill(const struct ports *p, struct service *s)
{
	uint8_t *base = (uint8_t *)s;
	struct service_ports *all = (void *)(base + s->ports);
	uint32_t at = (uint32_t)(s->ports + sizeof(*all) +
	                         p->n * sizeof(struct service_port));

	all->n = p->n;
	for (unsigned k = 0; k < p->n; k++) {
		struct service_port *item = &all->item[k];

		memcpy(item->protocol, p->item[k].protocol,
		    sizeof(item->protocol));
		item->is_first = is_first(p, k);
		if (!k)
			continue;
		item->numbers = at;
		for (unsigned i = 0; i < s->instance_n; i++, at += NUMBER_LEN)
			wire_put16(base + at, p->item[k].number);
	}
	for (unsigned k = 0; k < p->n; k++) {
		if (!*p->item[k].name)
			continue;
		all->item[k].name = at;
		at += put_name(base + at, p->item[k].name);
	}
}

void ports_fill_instance(const struct ports *p, const struct owner_ports *o,
    struct service *s, unsigned place)
{
	const struct service_ports *all = service_at(s, s->ports);

	for (size_t k = 0; k < o->n; k++) {
		const struct port_override *other = &p->other[o->first + k];

		wire_put16((uint8_t *)s + all->item[other->port].numbers +
		               (size_t)place * NUMBER_LEN,
		    other->number);
	}
}
