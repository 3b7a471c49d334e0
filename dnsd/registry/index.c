// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/registry/index.h"

#include "dnsd/message/data/service.h"

#include <string.h>

enum { IPV4_LEN = 4, IPV6_LEN = 16 };

static uint16_t priority_of(const struct service_instance *in)
{
	return wire_get16(in->srv + 2);
}

void index_groups(struct service *s)
{
	struct service_group *g =
	    (struct service_group *)(void *)((uint8_t *)s + s->groups);
	uint32_t *cumulative =
	    (uint32_t *)(void *)((uint8_t *)s + s->cumulative);

	for (unsigned i = 0; i < s->eligible_n; i++) {
		const struct service_instance *in = service_instance_at(s, i);

		if (i && priority_of(in) !=
		             priority_of(service_instance_at(s, i - 1)))
			g++;
		if (!g->n)
			g->first = (uint16_t)i;
		g->n++;
		g->total += instance_weight(in);
		if (s->cumulative)
			cumulative[i] = g->total;
	}
}

unsigned index_slots(unsigned n)
{
	unsigned slots = 256;

	while (slots < 2 * n)
		slots *= 2;
	return slots;
}

void index_labels(struct service *s, unsigned slots)
{
	uint32_t *index = (uint32_t *)(void *)((uint8_t *)s + s->index);

	index[0] = slots;
	for (unsigned i = 0; i < s->instance_n; i++) {
		const uint8_t *label = service_instance_at(s, i)->label;
		uint32_t at = service_index_hash(label + 1, label[0]);

		while (index[1 + (at &= slots - 1)])
			at++;
		index[1 + at] = i + 1;
	}
}

static bool is_first(const struct service *s, unsigned i, unsigned other)
{
	return label_order(service_instance_at(s, i)->label,
	           service_instance_at(s, other)->label) < 0;
}

/* Each address once, with the first instance that has it. */
static void index_address(
    const struct service *s, uint32_t *index, unsigned i, size_t len)
{
	const uint8_t *address = service_address_at(s, i, len);
	uint32_t mask = index[0] - 1;

	if (!address)
		return;
	uint32_t slot = 2 * i + (len == IPV6_LEN);
	uint32_t at = service_address_hash(address, len) & mask;
	for (; index[1 + at]; at = (at + 1) & mask) {
		uint32_t there = index[1 + at] - 1;

		if ((there ^ slot) & 1 ||
		    memcmp(service_address_at(s, there / 2, len), address,
		        len) != 0)
			continue;
		if (is_first(s, i, there / 2))
			index[1 + at] = 1 + slot;
		return;
	}
	index[1 + at] = 1 + slot;
}

void index_addresses(struct service *s, unsigned slots)
{
	uint32_t *index = (uint32_t *)(void *)((uint8_t *)s + s->index);

	index += 1 + index[0];
	index[0] = slots;
	for (unsigned i = 0; i < s->instance_n; i++) {
		index_address(s, index, i, IPV4_LEN);
		index_address(s, index, i, IPV6_LEN);
	}
}
