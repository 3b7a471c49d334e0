// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/service.h"

const uint8_t *service_txt(const struct service *s)
{
	return s->txt ? service_at(s, s->txt) : NULL;
}

/* instance_txt: an offset for each instance, 0 where it has no TXT. */
const uint8_t *service_instance_txt(const struct service *s, unsigned i)
{
	const uint32_t *offset = service_at(s, s->instance_txt);

	if (!s->instance_txt || !offset[i])
		return NULL;
	return service_at(s, offset[i]);
}

const uint8_t *service_sd_txt(const struct service *s, unsigned i)
{
	/* RFC 6763 section 6.1: one string, which is empty */
	static const uint8_t none[3 + SERVICE_SLACK] = { 0, 1, 0 };
	const uint8_t *txt = service_instance_txt(s, i);

	if (!txt)
		txt = service_txt(s);
	return txt ? txt : none;
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
