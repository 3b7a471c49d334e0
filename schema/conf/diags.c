// SPDX-License-Identifier: BSD-2-Clause
#include "schema/conf/diags.h"

#include <stdarg.h>
#include <stdio.h>

int diags_add(struct diags *d, int error, const char *fmt, ...)
{
	va_list ap;

	if (!d)
		return error;
	if (d->n == DIAGS_MAX) {
		d->more++;
		return error;
	}
	struct diag *item = &d->items[d->n++];

	va_start(ap, fmt);
	(void)vsnprintf(item->text, sizeof(item->text), fmt, ap);
	va_end(ap);
	return error;
}
