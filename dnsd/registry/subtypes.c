// SPDX-License-Identifier: BSD-2-Clause
/*
 * Entries are sorted by label, those of everybody first, so that the entries
 * of one tag are neighbours. The part is the table, then for each tag the
 * numbers of its members, then the labels.
 */
#include "dnsd/registry/subtypes.h"

#include "dnsd/message/data/service.h"
#include "schema/base/xalloc.h"
#include "schema/label.h"

#include <stdlib.h>
#include <string.h>

void subtypes_release(struct subtypes *t)
{
	free(t->entry);
	free(t->place);
	*t = (struct subtypes){ 0 };
}

void subtypes_reset(struct subtypes *t)
{
	t->n = 0;
	t->dropped_n = 0;
}

void subtypes_add(struct subtypes *t, const char *tag, int32_t owner)
{
	if (!label_is_valid(tag, SUBTYPE_LABEL_MAX))
		return;
	if (t->n == SUBTYPE_ENTRIES_MAX) {
		t->dropped_n++;
		return;
	}
	if (t->n == t->room) {
		t->room = 2 * t->room + 16;
		t->entry = xreallocarray(t->entry, t->room, sizeof(*t->entry));
	}
	struct subtype_entry *e = &t->entry[t->n++];
	*e = (struct subtype_entry){ .owner = owner };
	memcpy(e->label, tag, strlen(tag));
}

static int by_label(const void *a, const void *b)
{
	const struct subtype_entry *x = a, *y = b;
	int order = strcmp(x->label, y->label);

	if (order)
		return order;
	return x->owner < y->owner ? -1 : x->owner > y->owner;
}

/* Entries of the tag of entry i. */
static size_t same_n(const struct subtypes *t, size_t i)
{
	size_t n = 1;

	while (
	    i + n < t->n && !strcmp(t->entry[i].label, t->entry[i + n].label))
		n++;
	return n;
}

size_t subtypes_len(struct subtypes *t)
{
	size_t len = sizeof(struct service_subtypes);
	unsigned tag_n = 0;

	qsort(t->entry, t->n, sizeof(*t->entry), by_label);
	for (size_t i = 0, n; i < t->n; i += n) {
		n = same_n(t, i);
		if (tag_n == SUBTYPES_MAX) {
			t->dropped_n += (unsigned)(t->n - i);
			t->n = i;
			break;
		}
		tag_n++;
		len += sizeof(struct service_subtype) + n * sizeof(uint16_t) +
		       2 + strlen(t->entry[i].label);
	}
	return len;
}

void subtypes_place(struct subtypes *t, unsigned owner, unsigned place)
{
	if (!t->n)
		return;
	if (owner >= t->place_room) {
		t->place_room = 2 * (size_t)owner + 64;
		t->place =
		    xreallocarray(t->place, t->place_room, sizeof(*t->place));
	}
	t->place[owner] = (uint16_t)place;
}

/* Those of n entries that may be in an answer; returns how many. */
static uint32_t put_members(const struct subtypes *t,
    const struct subtype_entry *e, size_t n, const struct service *s,
    uint16_t *ret_members)
{
	uint32_t member_n = 0;

	for (size_t k = 0; k < n; k++) {
		uint16_t place = t->place[e[k].owner];

		/* a tag that is there twice counts once */
		if (place < s->eligible_n &&
		    (!k || e[k].owner != e[k - 1].owner))
			ret_members[member_n++] = place;
	}
	return member_n;
}

static void put_label(uint8_t *p, const char *label)
{
	size_t len = strlen(label);

	p[0] = (uint8_t)(1 + len);
	p[1] = '_';
	memcpy(p + 2, label, len);
}

void subtypes_fill(const struct subtypes *t, struct service *s)
{
	uint8_t *base = (uint8_t *)s;
	struct service_subtypes *all = (void *)(base + s->subtypes);
	uint32_t tag_n = 0;

	if (!t->n)
		return;
	for (size_t i = 0; i < t->n; i += same_n(t, i))
		tag_n++;
	uint32_t members =
	    (uint32_t)(s->subtypes + sizeof(*all) + tag_n * sizeof(*all->item));
	uint32_t label = members + (uint32_t)(t->n * sizeof(uint16_t));
	all->n = tag_n;
	struct service_subtype *item = all->item;
	for (size_t i = 0, n; i < t->n; i += n, item++) {
		const struct subtype_entry *e = &t->entry[i];

		n = same_n(t, i);
		item->label = label;
		put_label(base + label, e->label);
		label += 2 + (uint32_t)strlen(e->label);
		item->n = s->eligible_n;
		if (e->owner == SUBTYPES_EVERYBODY)
			continue;
		item->members = members;
		item->n = put_members(
		    t, e, n, s, (uint16_t *)(void *)(base + members));
		members += item->n * (uint32_t)sizeof(uint16_t);
	}
}
