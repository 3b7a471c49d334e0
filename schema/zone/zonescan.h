// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zonescan - the text of a master file, cut into entries and words (RFC 1035
 * section 5.1): comments, parentheses, quotes and escapes.
 *
 * Words are NUL-terminated where they lie; escapes are left in them.
 */
#include "schema/base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zoneword {
	char *text;
	uint32_t len;
	bool is_quoted; /* the quotes are not in the text */
	bool is_joined; /* nothing stands between it and the word before */
};

/* A record or a directive. */
struct zoneentry {
	uint32_t line;  /* where it begins, from 1 */
	bool has_owner; /* it begins at the left edge */
	unsigned n;
	struct zoneword *word; /* n of them */
	unsigned room;
};

struct zonescan {
	char *at, *end; /* *end may be written */
	uint32_t line;
};

/* text: len octets and one more; borrowed and written to. */
void zonescan_init(struct zonescan *s, char *text, size_t len);

/*
 * The next entry, which holds until the one after. 1: there is one, 0: that
 * was all, -EINVAL: quotes or parentheses; e->line says where.
 */
int zonescan_next(struct zonescan *s, struct zoneentry *e, struct diag *reterr);
void zoneentry_release(struct zoneentry *e);
