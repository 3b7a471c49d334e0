// SPDX-License-Identifier: BSD-2-Clause
/*
 * Nothing is copied: the fields of a record point into the buffer that its
 * line was read into, and there is a buffer for each record of a batch.
 */
#include "registrar/exchange/import_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct line {
	char *text; /* of getline() */
	size_t room;
};

static void take(struct import *im, char *text, size_t len, unsigned long n)
{
	struct import_place at = { .line = n, .column = 1 };
	struct import_line l;
	struct diag why;

	if (strspn(text, " \t\r") == len)
		return;
	int error = import_line_parse(text, len, &l, &at.column, &why);

	unsigned long other =
	    error == 0 ? import_claim(im, l.service, l.id, at) : 0;

	if (error == 0 && !other) {
		/* the column of a rule that only the database knows */
		at.column = 1;
		import_put(im, &l, at);
		return;
	}
	import_flush(im); /* problems in the order of the lines */
	if (error < 0) {
		import_refuse(im, at, "%s", why.text);
		return;
	}
	at.column = l.column[IMPORT_ID];
	import_refuse(im, at,
	    "found '%s/%s' a second time, expected it once (first in line %lu)",
	    l.service, l.id, other);
	import_line_release(&l);
}

void import_lines(struct import *im, FILE *f, char *head, size_t head_len,
    unsigned long head_line)
{
	struct line lines[IMPORT_BATCH] = { { .text = head,
	    .room = head ? head_len + 1 : 0 } };
	unsigned long n = head_line;
	ssize_t len = 0;

	if (head)
		take(im, head, head_len, n);
	while (!import_is_over(im)) {
		struct line *l = &lines[im->pending_n];

		if ((len = getline(&l->text, &l->room, f)) < 0)
			break;
		if (len > 0 && l->text[len - 1] == '\n')
			l->text[--len] = '\0';
		take(im, l->text, (size_t)len, ++n);
	}
	int error = errno;

	if (len < 0 && ferror(f)) {
		im->error = diags_add(im->errors, -error,
		    "cannot read '%s': %s", im->file, strerror(error));
	}
	import_flush(im);
	for (size_t i = 0; i < IMPORT_BATCH; i++)
		free(lines[i].text);
}
