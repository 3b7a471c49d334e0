// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/printable.h"

#include "schema/base/utf8.h"

#include <stdbool.h>
#include <string.h>

void printable_copy(char *buf, size_t len, const char *text, size_t text_len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t used = 0;

	for (size_t i = 0; i < text_len;) {
		size_t n = utf8_len(text + i, text_len - i);
		bool c1 = n == 2 && s[i] == 0xc2 && s[i + 1] < 0xa0;
		bool keep = (n > 1 && !c1) || s[i] == '\n' || s[i] == '\t' ||
		            (n == 1 && s[i] >= 0x20 && s[i] != 0x7f);

		n = n ? n : 1;
		if (used + n >= len)
			break;
		if (keep) {
			memcpy(buf + used, s + i, n);
		} else {
			buf[used] = '?';
		}
		used += keep ? n : 1;
		i += n;
	}
	while (used && strchr(" \t\n", buf[used - 1]))
		used--;
	buf[used] = '\0';
}
