// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/top/top_pager.h"

#include "registrar/lib/columns.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

#define INDENT "      " /* of what is wrapped */
#define INDENT_N 6
#define WIDTH_MIN 20

static void add(
    struct top_pager *p, const char *indent, const char *text, size_t len)
{
	if (p->n == p->max) {
		p->max = p->max ? 2 * p->max : 64;
		p->lines = xreallocarray(p->lines, p->max, sizeof(char *));
	}
	p->lines[p->n++] = xasprintf("%s%.*s", indent, (int)len, text);
}

static void wrap(struct top_pager *p, const char *line, unsigned width)
{
	size_t len = columns_wrap(line, width);

	add(p, "", line, len);
	for (line += len; *line; line += len) {
		len = columns_wrap(line, width - INDENT_N);
		add(p, INDENT, line, len);
	}
}

static void clear(struct top_pager *p)
{
	for (unsigned k = 0; k < p->n; k++)
		free(p->lines[k]);
	p->n = 0;
	free(p->text);
	p->text = NULL;
}

void top_pager_set(struct top_pager *p, char *text, unsigned width)
{
	char *next = text, *line;

	clear(p);
	p->text = text;
	while ((line = strsep(&next, "\n"))) {
		if (next || *line)
			wrap(p, line, width < WIDTH_MIN ? WIDTH_MIN : width);
	}
	top_pager_move(p, 0);
}

void top_pager_release(struct top_pager *p)
{
	clear(p);
	free(p->lines);
	*p = (struct top_pager){ 0 };
}

void top_pager_move(struct top_pager *p, int by)
{
	unsigned last = p->n > p->height ? p->n - p->height : 0;

	if (by < 0 && p->first < (unsigned)-by) {
		p->first = 0;
	} else {
		p->first += (unsigned)by;
	}
	if (p->first > last)
		p->first = last;
}
