// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * top_pager - a text of several lines to scroll through, wrapped.
 *
 * Plain data: who draws it asks for its lines.
 */
#include <stddef.h>

struct top_pager {
	char *text;   /* owned; lines end with 0 */
	char **lines; /* owned; into text, or indented copies of parts of it */
	unsigned n, max;
	unsigned first; /* that is shown */
	unsigned height;
};

/* Another text for lines of `width` columns; consumes it. */
void top_pager_set(struct top_pager *p, char *text, unsigned width);
void top_pager_release(struct top_pager *p);

/* By so many lines, up if negative; stays within the text. */
void top_pager_move(struct top_pager *p, int by);
