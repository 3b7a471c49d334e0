// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * diags - all that is wrong with one text, not only the first of it.
 *
 * Each entry is a whole line, `file:line:column: found X, expected Y`. What
 * comes after DIAGS_MAX is only counted: a binary file by mistake in the
 * directory must not fill the log. The same line is kept once: a check that
 * a thousand instances share is wrong once.
 */
#include "schema/base/diag.h"

#include <stddef.h>

#define DIAGS_MAX 20

struct diags {
	unsigned n;                   /* entries below */
	unsigned more;                /* that found no room */
	struct diag items[DIAGS_MAX]; /* in the order they were found */
};

/* Empty; the rest of it is large, and left as it is. */
static inline void diags_init(struct diags *d)
{
	d->n = d->more = 0;
}

/* Accepts d == NULL; returns `error`, a negative errno. */
int diags_add(struct diags *d, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
