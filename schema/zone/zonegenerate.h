// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zonegenerate - many records from one line, as BIND has it:
 *
 *	$GENERATE START-STOP[/STEP] OWNER [TTL] [CLASS] TYPE DATA...
 *
 * In OWNER and DATA `$` is the number, `$$` a dollar sign, and
 * `${OFFSET[,WIDTH[,BASE]]}` the number and OFFSET, with zeros up to WIDTH
 * characters, in BASE d, o, x, X, or n, N: hexadecimal digits from the last
 * one on with dots between them, as ip6.arpa wants them. What follows a
 * backslash is left alone. DATA that is one quoted text is what is inside the
 * quotes. Any one thread.
 */
#include "schema/zone/zonescan.h"

enum { ZONEGENERATE_MAX = 65536 /* records of one line */ };

struct zonegenerate {
	const struct zoneentry *entry; /* the line; borrowed */
	uint32_t at, stop, step;
	unsigned left;
	unsigned data; /* index of the first word of DATA */
	char *text;    /* of the record made last */
	size_t len, room;
};

/*
 * e begins with $GENERATE. data: which of its words is the first of DATA,
 * from 4 on. -EINVAL: the range. Release it in either case.
 */
int zonegenerate_begin(struct zonegenerate *ret_g, const struct zoneentry *e,
    unsigned data, struct diag *reterr);
void zonegenerate_release(struct zonegenerate *g);

/*
 * The next record as a line of its own, g->len octets of g->text and room for
 * one more. 1: there is one, 0: that was all, -EINVAL: a `${` that is wrong.
 */
int zonegenerate_next(struct zonegenerate *g, struct diag *reterr);
