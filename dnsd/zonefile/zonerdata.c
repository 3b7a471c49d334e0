// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/zonefile/zonerdata.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

enum { TTL_MAX = 0x7fffffff /* RFC 2181 section 8 */ };

/* ---- words ------------------------------------------------------------ */

static int digit_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : -1;
}

/* One octet of text, with \X and \DDD; -1: malformed. */
static int octet_of(const char **text)
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
		int c = octet_of(&text);
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
			if (value > TTL_MAX)
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
	if (sum > TTL_MAX)
		return -ERANGE;
	*ret_s = (uint32_t)sum;
	return 0;
}

static int read_number(
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

/* ---- fields of RDATA -------------------------------------------------- */

static int add_16(struct zonerdata *r, const char *text, struct diag *reterr)
{
	uint64_t v = 0;
	int error = read_number(&v, text, UINT16_MAX, reterr);

	wire_put16(r->octet + r->len, (uint16_t)v);
	r->len += 2;
	return error;
}

static int add_serial(
    struct zonerdata *r, const char *text, struct diag *reterr)
{
	uint64_t v = 0;
	int error = read_number(&v, text, UINT32_MAX, reterr);

	wire_put32(r->octet + r->len, (uint32_t)v);
	r->len += 4;
	return error;
}

static int add_time(struct zonerdata *r, const char *text, struct diag *reterr)
{
	uint32_t s = 0;

	if (zonettl_read(&s, text) < 0) {
		return diag_set(reterr, -EINVAL,
		    "found '%.100s', expected a time such as 3600 or 1h", text);
	}
	wire_put32(r->octet + r->len, s);
	r->len += 4;
	return 0;
}

static int add_name(struct zonerdata *r, const struct zoneword *w,
    const struct zonename *origin, struct diag *reterr)
{
	struct zonename n = { 0 };
	int error = zonename_read(&n, w, origin, reterr);

	if (error)
		return error;
	memcpy(r->octet + r->len, n.wire, n.len);
	r->len += n.len;
	return 0;
}

static int add_text(
    struct zonerdata *r, const struct zoneword *w, struct diag *reterr)
{
	const char *p = w->text, *end = w->text + w->len;
	uint8_t *len = r->octet + r->len++;
	unsigned n = 0;

	while (p < end) {
		int c = octet_of(&p);

		if (c < 0 || n == 255 || r->len == sizeof(r->octet) - 1) {
			return diag_set(reterr, -EINVAL,
			    "found '%.100s', expected a text of at most 255 "
			    "octets",
			    w->text);
		}
		r->octet[r->len++] = (uint8_t)c;
		n++;
	}
	*len = (uint8_t)n;
	return 0;
}

static int add_address(struct zonerdata *r, int family,
    const struct zoneword *w, struct diag *reterr)
{
	r->len = family == AF_INET ? 4 : 16;
	if (inet_pton(family, w->text, r->octet) == 1)
		return 0;
	return diag_set(reterr, -EINVAL,
	    "found '%.100s', expected an IPv%c address", w->text,
	    family == AF_INET ? '4' : '6');
}

/* ---- types ------------------------------------------------------------ */

/* What its words are: 16-bit number, name, serial, time, text, address. */
static const struct kind {
	char name[8];
	uint16_t type;
	char fields[8]; /* 'T': one text or more */
} kinds[] = {
	{ "A", TYPE_A, "4" },
	{ "AAAA", TYPE_AAAA, "6" },
	{ "NS", TYPE_NS, "n" },
	{ "CNAME", TYPE_CNAME, "n" },
	{ "PTR", TYPE_PTR, "n" },
	{ "DNAME", TYPE_DNAME, "n" },
	{ "MX", TYPE_MX, "1n" },
	{ "SRV", TYPE_SRV, "111n" },
	{ "TXT", TYPE_TXT, "T" },
	{ "SOA", TYPE_SOA, "nnstttt" },
};

uint16_t zonerdata_type(const char *text)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strcasecmp(kinds[i].name, text))
			return kinds[i].type;
	}
	return 0;
}

static int add_field(struct zonerdata *r, char field, const struct zoneword *w,
    const struct zonename *origin, struct diag *reterr)
{
	switch (field) {
	case '1':
		return add_16(r, w->text, reterr);
	case 'n':
		return add_name(r, w, origin, reterr);
	case 's':
		return add_serial(r, w->text, reterr);
	case 't':
		return add_time(r, w->text, reterr);
	case '4':
		return add_address(r, AF_INET, w, reterr);
	case '6':
		return add_address(r, AF_INET6, w, reterr);
	default:
		return add_text(r, w, reterr);
	}
}

static int hex_of(char c)
{
	if (digit_of(c) >= 0)
		return digit_of(c);
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \# LENGTH HEX..., RFC 3597 section 5 */
static int read_generic(struct zonerdata *r, const struct zoneword *w,
    unsigned n, struct diag *reterr)
{
	uint64_t len = 0;
	size_t half = 0;

	if (n < 2) {
		return diag_set(
		    reterr, -EINVAL, "found '\\#', expected a length after it");
	}
	int error =
	    read_number(&len, w[1].text, WIRE_MESSAGE_MAX - 100, reterr);
	if (error)
		return error;
	for (unsigned i = 2; i < n; i++) {
		for (const char *p = w[i].text; *p; p++, half++) {
			int v = hex_of(*p);
			uint8_t *o = r->octet + half / 2;

			if (v < 0 || half == 2 * len) {
				return diag_set(reterr, -EINVAL,
				    "found '%.100s', expected %llu octets in "
				    "hexadecimal",
				    w[i].text, (unsigned long long)len);
			}
			*o = (uint8_t)(half % 2 ? *o << 4 | v : v);
		}
	}
	r->len = len;
	if (half != 2 * len) {
		return diag_set(reterr, -EINVAL,
		    "found %zu hexadecimal digits, expected %llu", half,
		    2 * (unsigned long long)len);
	}
	return 0;
}

int zonerdata_read(struct zonerdata *ret_r, uint16_t type,
    const struct zoneword *w, unsigned n, const struct zonename *origin,
    struct diag *reterr)
{
	const struct kind *k = kinds;
	const struct kind *end = kinds + sizeof(kinds) / sizeof(*kinds);
	int error = 0;

	ret_r->len = 0;
	if (n && !strcmp(w[0].text, "\\#") && !w[0].is_quoted)
		return read_generic(ret_r, w, n, reterr);
	while (k < end && k->type != type)
		k++;
	if (k == end)
		return -EAGAIN;
	bool texts = k->fields[0] == 'T';
	size_t want = texts ? 1 : strlen(k->fields);
	if (n < want || (!texts && n > want)) {
		return diag_set(reterr, -EINVAL,
		    "found %u words of data, expected %s%zu for %s", n,
		    texts ? "at least " : "", want, k->name);
	}
	for (unsigned i = 0; i < n && !error; i++) {
		error = add_field(
		    ret_r, k->fields[texts ? 0 : i], &w[i], origin, reterr);
	}
	return error;
}
