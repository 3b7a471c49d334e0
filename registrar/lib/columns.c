// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/columns.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DOTS 3

/* The length of the sequence that c begins; 0: it begins none. */
static unsigned sequence_len(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c < 0xe0)
		return 2;
	if (c >= 0xe0 && c < 0xf0)
		return 3;
	return c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

/* The next character; what is none is one octet, U+FFFD. */
static uint32_t next_character(const char **text)
{
	static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)*text;
	unsigned len = sequence_len(*p);
	uint32_t c = len ? *p & first_bits[len] : 0;

	for (unsigned k = 1; k < len; k++) {
		if ((p[k] & 0xc0) != 0x80) {
			len = 0;
			break;
		}
		c = c << 6 | (p[k] & 0x3f);
	}
	*text += len ? len : 1;
	if (!len || c < least[len] || c > 0x10ffff ||
	    (c >= 0xd800 && c < 0xe000))
		return 0xfffd;
	return c;
}

/* Directions of writing, and what is not seen at all. */
static bool is_unseen(uint32_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0x061c ||
	       c == 0xad;
}

/* What is shown for it. */
static wchar_t shown(uint32_t c, unsigned *ret_width)
{
	int width = -1;

	if (c == '\n' || c == '\t')
		c = ' ';
	if (c != 0xfffd && !is_unseen(c))
		width = wcwidth((wchar_t)c);
	*ret_width = width < 0 ? 1 : (unsigned)width;
	return width < 0 ? L'?' : (wchar_t)c;
}

unsigned columns_of(const char *text)
{
	unsigned n = 0, width;

	while (*text) {
		(void)shown(next_character(&text), &width);
		n += width;
	}
	return n;
}

unsigned columns_fit(wchar_t *out, size_t room, const char *text, unsigned max)
{
	bool cut = columns_of(text) > max;
	unsigned left = cut && max > DOTS ? max - DOTS : max;
	unsigned used = 0, width;
	size_t n = 0;

	while (*text && n + 1 + DOTS < room) {
		wchar_t c = shown(next_character(&text), &width);

		if (used + width > left)
			break;
		out[n++] = c;
		used += width;
	}
	for (unsigned k = 0; cut && max > DOTS && k < DOTS; k++) {
		out[n++] = L'.';
		used++;
	}
	out[n] = 0;
	return used;
}

size_t columns_wrap(const char *text, unsigned max)
{
	const char *p = text, *blank = NULL;
	unsigned used = 0, width;

	while (*p) {
		const char *at = p;

		(void)shown(next_character(&p), &width);
		used += width;
		if (used > max) {
			if (blank)
				return (size_t)(blank - text);
			/* at least one, or it would never end */
			return at == text ? (size_t)(p - text)
			                  : (size_t)(at - text);
		}
		if (*at == ' ')
			blank = p;
	}
	return (size_t)(p - text);
}
