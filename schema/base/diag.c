// SPDX-License-Identifier: BSD-2-Clause
#include "schema/base/diag.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int diag_set(struct diag *d, int error, const char *fmt, ...)
{
	va_list ap;

	if (!d)
		return error;
	va_start(ap, fmt);
	(void)vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
	return error;
}

int diag_prefix(struct diag *d, int error, const char *fmt, ...)
{
	struct diag old;
	va_list ap;

	if (!d)
		return error;
	old = *d;
	va_start(ap, fmt);
	(void)vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
	size_t len = strlen(d->text);
	(void)snprintf(d->text + len, sizeof(d->text) - len, ": %s", old.text);
	return error;
}

void diag_make_printable(char *text)
{
	char *to = text;

	for (const char *s = text; *s; s++) {
		unsigned char c = (unsigned char)*s;
		unsigned char next = (unsigned char)s[1];
		bool c1 = c == 0xc2 && next >= 0x80 && next < 0xa0;

		*to++ = *s;
		if (c < 0x20 || c == 0x7f || c1)
			to[-1] = '?';
		s += c1;
	}
	*to = '\0';
}
