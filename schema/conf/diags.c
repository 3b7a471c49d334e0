// SPDX-License-Identifier: BSD-2-Clause
#include "schema/conf/diags.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int diags_add(struct diags *d, int error, const char *fmt, ...)
{
	struct diag item;
	va_list ap;

	if (!d)
		return error;
	va_start(ap, fmt);
	(void)vsnprintf(item.text, sizeof(item.text), fmt, ap);
	va_end(ap);
	diag_make_printable(item.text);
	for (unsigned i = 0; i < d->n; i++) {
		if (strcmp(d->items[i].text, item.text) == 0)
			return error;
	}
	if (d->n == DIAGS_MAX) {
		d->more++;
	} else {
		d->items[d->n++] = item;
	}
	return error;
}
