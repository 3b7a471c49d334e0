// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/zonefile/zonetext.h"

#include <errno.h>
#include <string.h>

enum { TTL_MAX = 0x7fffffff /* RFC 2181 section 8 */ };

static int digit_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : -1;
}

int zonetext_octet(const char **text)
{
	const char *p = *text;
	int value = 0;

	if (*p != '\\') {
		*text = p + 1;
		return (unsigned char)*p;
	}
	p++;
	if (digit_of(*p) < 0) {
		*text = p + (*p != '\0');
		return *p ? (unsigned char)*p : -1;
	}
	for (int i = 0; i < 3; i++, p++) {
		if (digit_of(*p) < 0)
			return -1;
		value = 10 * value + digit_of(*p);
	}
	*text = p;
	return value <= 255 ? value : -1;
}

static int not_a_name(const struct zoneword *w, struct diag *reterr)
{
	return diag_set(
	    reterr, -EINVAL, "found '%.100s', expected a domain name", w->text);
}

/* Labels of the text; true: it ends in a dot. -EINVAL: malformed. */
static int read_labels(struct zonename *n, const char *text)
{
	size_t label = 0, len = 1;

	for (;;) {
		if (!*text || *text == '.') {
			bool dot = *text == '.';

			n->wire[label] = (uint8_t)(len - label - 1);
			if (!n->wire[label])
				return -EINVAL;
			if (!*text || !text[1]) {
				n->len = len;
				return dot;
			}
			label = len++;
			text++;
			continue;
		}
		int c = zonetext_octet(&text);
		if (c < 0 || len >= WIRE_NAME_MAX - 1 ||
		    len - label > WIRE_LABEL_MAX)
			return -EINVAL;
		n->wire[len++] = (uint8_t)c;
	}
}

int zonename_read(struct zonename *ret_name, const struct zoneword *w,
    const struct zonename *origin, struct diag *reterr)
{
	int whole;

	if (w->len == 1 && w->text[0] == '@' && !w->is_quoted) {
		*ret_name = *origin;
		return 0;
	}
	if (w->len == 1 && w->text[0] == '.') {
		ret_name->len = 1;
		ret_name->wire[0] = 0;
		return 0;
	}
	whole = read_labels(ret_name, w->text);
	if (whole < 0)
		return not_a_name(w, reterr);
	size_t tail = whole ? 1 : origin->len;
	if (ret_name->len + tail > WIRE_NAME_MAX) {
		return diag_set(reterr, -EINVAL,
		    "found '%.100s', expected a name of at most 255 octets",
		    w->text);
	}
	if (whole) {
		ret_name->wire[ret_name->len] = 0;
	} else {
		memcpy(
		    ret_name->wire + ret_name->len, origin->wire, origin->len);
	}
	ret_name->len += tail;
	return 0;
}

int zonettl_read(uint32_t *ret_s, const char *text)
{
	static const struct {
		char unit;
		uint32_t s;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 604800 } };
	uint64_t sum = 0, value = 0;

	if (digit_of(*text) < 0)
		return -EINVAL;
	for (; *text; text++) {
		size_t k = 0;

		if (digit_of(*text) >= 0) {
			value = 10 * value + (uint64_t)digit_of(*text);
			if (value > UINT32_MAX)
				return -ERANGE;
			continue;
		}
		while (k < 5 && units[k].unit != (*text | 0x20))
			k++;
		if (k == 5)
			return -EINVAL;
		sum += value * units[k].s;
		value = 0;
	}
	sum += value;
	if (sum > UINT32_MAX)
		return -ERANGE;
	*ret_s = (uint32_t)sum;
	return 0;
}

uint32_t zonettl_capped(uint32_t s)
{
	return s > TTL_MAX ? TTL_MAX : s;
}

int zonenumber_read(
    uint64_t *ret_v, const char *text, uint64_t max, struct diag *reterr)
{
	const char *p = text;
	uint64_t v = 0;

	for (; digit_of(*p) >= 0 && v <= max; p++)
		v = 10 * v + (uint64_t)digit_of(*p);
	if (*p || p == text || v > max) {
		return diag_set(reterr, -EINVAL,
		    "found '%.100s', expected a number from 0 to %llu", text,
		    (unsigned long long)max);
	}
	*ret_v = v;
	return 0;
}

int zonetext_hex(char c)
{
	if (digit_of(c) >= 0)
		return digit_of(c);
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int base64_of(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                             "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool zonebase64_add(struct zonebase64 *b, char c, uint8_t **at)
{
	int v = base64_of(c);

	if (c == '=') {
		b->pad++;
		b->n++;
		return b->pad <= 2 && b->n % 4 != 1 && b->n % 4 != 2;
	}
	if (v < 0 || b->pad)
		return false;
	b->bits = b->bits << 6 | (uint32_t)v;
	if (b->n++ % 4) {
		unsigned left = 6 - 2 * ((b->n - 1) % 4);

		*(*at)++ = (uint8_t)(b->bits >> left);
	}
	return true;
}

bool zonebase64_ends(const struct zonebase64 *b)
{
	return b->n % 4 == 0;
}
