// SPDX-License-Identifier: BSD-2-Clause
/*
 * Folding works on eight octets at once. It may run over length octets: they
 * are at most 63, below 'A'.
 *
 * The hash is a multiply-and-fold over eight octets a step, keyed at start:
 * names in the tables come from the registry, but a client chooses what is
 * looked up and must not know which slots are crowded.
 */
#include "dnsd/message/wire/dname.h"

#include <stdio.h>
#include <string.h>

#define ONES 0x0101010101010101u

static uint64_t fold8(uint64_t x)
{
	uint64_t low = x & (0x7f * ONES);
	uint64_t above_z = low + (0x7f - 'Z') * ONES;
	uint64_t from_a = low + (0x80 - 'A') * ONES;
	uint64_t ascii = ~x & (0x80 * ONES);

	return x | ((ascii & (from_a ^ above_z)) >> 2);
}

static void fold(uint8_t *lower, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t x;

		memcpy(&x, lower + i, sizeof(x));
		x = fold8(x);
		memcpy(lower + i, &x, sizeof(x));
	}
}

size_t dname_parse(
    struct dname *ret_name, const uint8_t *msg, size_t msg_len, size_t at)
{
	size_t room = at < msg_len ? msg_len - at : 0;
	const uint8_t *name = msg + at;
	unsigned label_n = 0;
	size_t i = 0;

	if (room > WIRE_NAME_MAX)
		room = WIRE_NAME_MAX;
	for (;;) {
		if (i >= room)
			return 0;
		ret_name->offset[label_n] = (uint8_t)i;
		if (!name[i])
			break;
		if (name[i] > WIRE_LABEL_MAX)
			return 0;
		label_n++;
		i += 1u + name[i];
	}
	i++;
	ret_name->len = (uint8_t)i;
	ret_name->label_n = (uint8_t)label_n;
	memcpy(ret_name->lower, name, i);
	fold(ret_name->lower, i);
	return i;
}

static inline uint64_t fold_product(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t dname_hash_label(
    uint64_t seed, uint64_t suffix, const uint8_t *label, size_t len)
{
	uint64_t h = suffix ^ (len * 0xa0761d6478bd642fu);
	uint64_t x;

	for (; len > 8; len -= 8, label += 8) {
		memcpy(&x, label, sizeof(x));
		h = fold_product(h ^ x, 0xe7037ed1a0b428dbu);
	}
	memcpy(&x, label, sizeof(x));
	x <<= 64 - 8 * len; /* len is 1 to 8: drops what is not the label */
	return fold_product(h ^ x, 0x8ebc6af09c88c6e3u ^ seed);
}

void dname_hash(struct dname *name, uint64_t seed)
{
	uint64_t h = seed;

	name->suffix_hash[0] = h;
	for (unsigned i = name->label_n; i-- > 0;) {
		const uint8_t *p = name->lower + name->offset[i];

		h = dname_hash_label(seed, h, p + 1, *p);
		name->suffix_hash[name->label_n - i] = h;
	}
}

/* One octet of presentation format; -1: malformed. */
static int unescape(const char **text)
{
	const char *p = *text;

	if (*p != '\\') {
		*text = p + 1;
		return (unsigned char)*p;
	}
	p++;
	if (*p < '0' || *p > '9') {
		*text = p + (*p != '\0');
		return *p ? (unsigned char)*p : -1;
	}
	int value = 0;
	for (int i = 0; i < 3; i++, p++) {
		if (*p < '0' || *p > '9')
			return -1;
		value = value * 10 + (*p - '0');
	}
	*text = p;
	return value <= 255 ? value : -1;
}

size_t dname_expand(const uint8_t *msg, size_t msg_len, size_t at,
    uint8_t ret_name[WIRE_NAME_MAX], size_t *ret_len)
{
	size_t start = at, limit = at, taken = 0, len = 0;

	for (;;) {
		if (at >= msg_len)
			return 0;
		uint8_t n = msg[at];
		if (n >= 0xc0) {
			if (at + 2 > msg_len)
				return 0;
			taken = taken ? taken : at + 2 - start;
			at = wire_get16(msg + at) & 0x3fffU;
			if (at >= limit)
				return 0;
			limit = at;
			continue;
		}
		if (n > WIRE_LABEL_MAX || at + 1 + n > msg_len ||
		    len + 1 + n > WIRE_NAME_MAX - (n ? 1U : 0U))
			return 0;
		memcpy(ret_name + len, msg + at, 1U + n);
		len += 1U + n;
		at += 1U + n;
		if (!n)
			break;
	}
	*ret_len = len;
	return taken ? taken : at - start;
}

bool dname_from_text(struct dname *ret_name, const char *text)
{
	uint8_t wire[WIRE_NAME_MAX];
	size_t len = 1, label = 0; /* label: its length octet */

	if (!strcmp(text, "."))
		text = "";
	wire[0] = 0;
	while (*text) {
		if (*text == '.') {
			if (!wire[label] || len >= sizeof(wire))
				return false;
			label = len++;
			wire[label] = 0;
			text++;
			continue;
		}
		int c = unescape(&text);
		if (c < 0 || len >= sizeof(wire) ||
		    wire[label] == WIRE_LABEL_MAX)
			return false;
		wire[len++] = (uint8_t)c;
		wire[label]++;
	}
	if (wire[label]) { /* no final dot */
		if (len >= sizeof(wire))
			return false;
		wire[len++] = 0;
	}
	return dname_parse(ret_name, wire, len, 0) > 0;
}

void dname_to_text(const uint8_t *wire, char ret_text[DNAME_TEXT_MAX])
{
	char *out = ret_text;

	if (!*wire)
		*out++ = '.';
	while (*wire) {
		for (unsigned n = *wire++; n > 0; n--, wire++) {
			uint8_t c = *wire;

			if (c <= ' ' || c >= 0x7f) {
				/* at most 999: three digits by its type */
				*out++ = '\\';
				*out++ = (char)('0' + c / 100);
				*out++ = (char)('0' + c / 10 % 10);
				*out++ = (char)('0' + c % 10);
				continue;
			}
			if (strchr(".\\\"();@$", c))
				*out++ = '\\';
			*out++ = (char)c;
		}
		*out++ = '.';
	}
	*out = '\0';
}
