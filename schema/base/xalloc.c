// SPDX-License-Identifier: BSD-2-Clause
#include "schema/base/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
	if (!p) {
		static const char text[] = "out of memory\n";

		(void)fwrite(text, 1, sizeof(text) - 1, stderr);
		abort();
	}
	return p;
}

void *xmalloc(size_t len)
{
	return must(malloc(len ? len : 1));
}

void *xcalloc(size_t n, size_t len)
{
	return must(calloc(n ? n : 1, len ? len : 1));
}

void *xreallocarray(void *p, size_t n, size_t len)
{
	return must(reallocarray(p, n ? n : 1, len ? len : 1));
}

char *xstrdup(const char *s)
{
	return must(strdup(s));
}

char *xasprintf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return must(n < 0 ? NULL : text);
}
