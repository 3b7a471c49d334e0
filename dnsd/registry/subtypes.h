// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * subtypes - tags of a service and of its instances, to the part of its block
 * that DNS-SD's subtypes are answered from (service.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct service;

enum {
	SUBTYPES_MAX = 256, /* different tags of one service */
	/* Tags of all instances of a service together: 70 MB while it loads. */
	SUBTYPE_ENTRIES_MAX = 1 << 20,
	SUBTYPE_LABEL_MAX = 62,
	SUBTYPES_EVERYBODY = -1, /* a tag of the service itself */
};

struct subtype_entry {
	char label[SUBTYPE_LABEL_MAX + 1];
	int32_t owner; /* an instance, in the order they came; or everybody */
};

struct subtypes {
	struct subtype_entry *entry;
	uint16_t *place; /* of an instance in the block */
	size_t n, room, place_room;
	unsigned dropped_n;
};

/* Zero is empty. */
void subtypes_release(struct subtypes *t);
void subtypes_reset(struct subtypes *t);
/* A tag that is no label has no name in DNS and is passed over. */
void subtypes_add(struct subtypes *t, const char *tag, int32_t owner);

/*
 * In this order: octets of the part, sorting the entries; where each instance
 * went; the part at s->subtypes, if there is one.
 */
size_t subtypes_len(struct subtypes *t);
void subtypes_place(struct subtypes *t, unsigned owner, unsigned place);
void subtypes_fill(const struct subtypes *t, struct service *s);
