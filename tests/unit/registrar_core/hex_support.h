// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/* Octets in hexadecimal, with blanks wherever they help to read. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline unsigned hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";

	return (unsigned)(strchr(digits, c) - digits);
}

/* How many there are; those for which there is no room are left out. */
static inline size_t hex_octets(const char *text, uint8_t *ret, size_t room)
{
	size_t len = 0;

	for (text += strspn(text, " "); *text && text[1] && len < room;
	     text += 2 + strspn(text + 2, " ")) {
		ret[len++] =
		    (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
	}
	return len;
}
