// SPDX-License-Identifier: BSD-2-Clause
/*
 * The part of an owner is its table, then its records, those of one type
 * together. There are few, so they are sorted by insertion.
 */
#include "dnsd/registry/records.h"

#include "dnsd/message/data/service.h"
#include "schema/base/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void records_release(struct records *r)
{
	free(r->entry);
	free(r->data);
	*r = (struct records){ 0 };
}

void records_reset(struct records *r)
{
	r->n = 0;
	r->data_len = 0;
}

static void append(struct records *r, const uint8_t *octets, size_t len)
{
	if (r->data_len + len > r->data_room) {
		r->data_room = 2 * (r->data_len + len) + 512;
		r->data = xreallocarray(r->data, 1, r->data_room);
	}
	if (len)
		memcpy(r->data + r->data_len, octets, len);
	r->data_len += len;
}

void records_add(struct records *r, struct owner_records *o, uint16_t type,
    const uint8_t *rdata, size_t len)
{
	if (r->n == r->room) {
		r->room = 2 * r->room + 16;
		r->entry = xreallocarray(r->entry, r->room, sizeof(*r->entry));
	}
	assert(r->entry);
	if (!o->n)
		o->first = (uint32_t)r->n;
	o->n++;
	r->entry[r->n++] = (struct record_entry){
		.at = r->data_len, .type = type, .len = (uint16_t)len
	};
	append(r, rdata, len);
}

bool records_extend(struct records *r, struct owner_records *o, uint16_t type,
    const uint8_t *rdata, size_t len, size_t max)
{
	struct record_entry *last = o->n ? &r->entry[r->n - 1] : NULL;

	if (!last || last->type != type) {
		if (len > max)
			return false;
		records_add(r, o, type, rdata, len);
		return true;
	}
	if (last->len + len > max)
		return false;
	last->len = (uint16_t)(last->len + len);
	append(r, rdata, len);
	return true;
}

/* Those of one type side by side, as they came. Returns how many types. */
static uint32_t sort(struct record_entry *e, size_t n)
{
	uint32_t type_n = 0;

	for (size_t i = 0; i < n; i++) {
		struct record_entry one = e[i];
		size_t k = i;

		for (; k && e[k - 1].type > one.type; k--)
			e[k] = e[k - 1];
		e[k] = one;
	}
	for (size_t i = 0; i < n; i++)
		type_n += !i || e[i].type != e[i - 1].type;
	return type_n;
}

static size_t table_len(uint32_t type_n)
{
	return sizeof(struct service_records) +
	       type_n * sizeof(struct service_record);
}

size_t records_len(struct records *r, const struct owner_records *o)
{
	struct record_entry *e;
	size_t len;

	if (!o->n)
		return 0;
	e = r->entry + o->first;
	len = table_len(sort(e, o->n));
	for (size_t i = 0; i < o->n; i++)
		len += 2u + e[i].len;
	return len;
}

void records_fill(const struct records *r, const struct owner_records *o,
    struct service *s, uint32_t at)
{
	uint8_t *base = (uint8_t *)s, *p;
	struct service_records *all = (void *)(base + at);
	const struct record_entry *e = r->entry + o->first;
	struct service_record *item = all->item;

	all->n = 0;
	for (size_t i = 0; i < o->n; i++)
		all->n += !i || e[i].type != e[i - 1].type;
	p = base + at + table_len(all->n);
	for (size_t i = 0; i < o->n; i++) {
		if (i && e[i].type != e[i - 1].type)
			item++;
		if (!item->n) {
			item->type = e[i].type;
			item->at = (uint32_t)(p - base);
		}
		item->n++;
		p = wire_put16(p, e[i].len);
		if (e[i].len)
			memcpy(p, r->data + e[i].at, e[i].len);
		p += e[i].len;
	}
}
