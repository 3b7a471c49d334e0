// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * json_items - the items of a large JSON text one by one, and where they
 * stand, which jansson does not tell.
 *
 * Finds where items begin and end; whether one is JSON is for jansson to say
 * (json_item_load). Borrows the text. Pure but for allocation.
 */
#include "schema/base/diag.h"

#include <jansson.h>
#include <stddef.h>

struct json_item {
	const char *key; /* as it is written, without quotes; NULL: none */
	size_t key_len;
	const char *text; /* of the value, from its first octet to its last */
	size_t len;
	unsigned long line; /* of the value, from 1 */
	size_t column;
};

struct json_items {
	const char *at, *end;
	/* what was counted so far */
	const char *counted, *line_start;
	unsigned long line;
	char close; /* ']' or '}'; NUL: values side by side */
	unsigned n;
};

/* The values of a whole text, with nothing between them but blanks. */
void json_items_of_text(struct json_items *it, const char *text, size_t len);
/* Those of an item whose text begins with '[' or '{'. */
void json_items_of(struct json_items *it, const struct json_item *parent);

/*
 * 1: the next item; 0: there is none; -EINVAL: `found ..., expected ...`, and
 * ret_item says where.
 */
int json_items_next(
    struct json_items *it, struct json_item *ret_item, struct diag *reterr);

/* The value as a tree, or NULL: reterr, and item says where. */
json_t *json_item_load(struct json_item *item, struct diag *reterr);
