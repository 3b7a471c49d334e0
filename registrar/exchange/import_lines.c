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

	if (error == 0) {
		/* the column of a rule that only the database knows */
		at.column = 1;
		import_put(im, &l, at);
		return;
	}
	import_flush(im); /* problems in the order of the lines */
	import_bad(im, at, "%s", why.text);
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
