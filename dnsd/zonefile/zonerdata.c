// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/zonefile/zonerdata.h"

#include "dnsd/zonefile/zoneldns.h"
#include "dnsd/zonefile/zonesvcb.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

/* ---- fields: of one word ---------------------------------------------- */

static int add_number(
    struct zonerdata *r, const char *text, unsigned octets, struct diag *reterr)
{
	uint64_t v = 0;
	int error = zonenumber_read(&v, text, (1ull << 8 * octets) - 1, reterr);

	for (unsigned i = octets; i; i--)
		r->octet[r->len++] = (uint8_t)(v >> 8 * (i - 1));
	return error;
}

/* Of a key: its number or its mnemonic (RFC 4034 appendix A.1). */
static int add_algorithm(
    struct zonerdata *r, const char *text, struct diag *reterr)
{
	int algorithm = zoneldns_algorithm(text);

	if (algorithm < 0)
		return add_number(r, text, 1, reterr);
	r->octet[r->len++] = (uint8_t)algorithm;
	return 0;
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

static int too_long(struct diag *reterr)
{
	return diag_set(reterr, -EINVAL,
	    "found more than %d octets of data, expected a record that an "
	    "answer has room for",
	    WIRE_MESSAGE_MAX);
}

/* The octets of a word, at most max. */
static int add_octets(struct zonerdata *r, const struct zoneword *w, size_t max,
    struct diag *reterr)
{
	const char *p = w->text, *end = w->text + w->len;
	size_t start = r->len;

	while (p < end) {
		int c = zonetext_octet(&p);

		if (c < 0) {
			return diag_set(reterr, -EINVAL,
			    "found '%.100s', expected \\ with a character or "
			    "with a number of three digits to 255",
			    w->text);
		}
		if (r->len - start == max) {
			return diag_set(reterr, -EINVAL,
			    "found '%.100s', expected a text of at most %zu "
			    "octets",
			    w->text, max);
		}
		if (r->len == sizeof(r->octet) - 1)
			return too_long(reterr);
		r->octet[r->len++] = (uint8_t)c;
	}
	return 0;
}

static int add_text(
    struct zonerdata *r, const struct zoneword *w, struct diag *reterr)
{
	size_t at = r->len++;

	if (at >= sizeof(r->octet) - 1) {
		r->len = at;
		return too_long(reterr);
	}
	int error = add_octets(r, w, 255, reterr);
	r->octet[at] = (uint8_t)(r->len - at - 1);
	return error;
}

/* Of CAA: letters and digits, RFC 8659 section 4.1. */
static int add_tag(
    struct zonerdata *r, const struct zoneword *w, struct diag *reterr)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
	                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	if (!w->len || strspn(w->text, allowed) != w->len) {
		return diag_set(reterr, -EINVAL,
		    "found '%.100s', expected a tag of letters and digits",
		    w->text);
	}
	return add_text(r, w, reterr);
}

static int add_address(struct zonerdata *r, int family,
    const struct zoneword *w, struct diag *reterr)
{
	if (inet_pton(family, w->text, r->octet + r->len) != 1) {
		return diag_set(reterr, -EINVAL,
		    "found '%.100s', expected an IPv%c address", w->text,
		    family == AF_INET ? '4' : '6');
	}
	r->len += family == AF_INET ? 4 : 16;
	return 0;
}

/* Of IPSECKEY, RFC 4025 section 2.5: its kind is the second octet. */
static int add_gateway(struct zonerdata *r, const struct zoneword *w,
    const struct zonename *origin, struct diag *reterr)
{
	switch (r->octet[1]) {
	case 0:
		if (!strcmp(w->text, "."))
			return 0;
		return diag_set(reterr, -EINVAL,
		    "found '%.100s', expected '.': there is no gateway",
		    w->text);
	case 1:
		return add_address(r, AF_INET, w, reterr);
	case 2:
		return add_address(r, AF_INET6, w, reterr);
	case 3:
		return add_name(r, w, origin, reterr);
	default:
		return diag_set(reterr, -EINVAL,
		    "found kind %u of a gateway, expected 0 to 3", r->octet[1]);
	}
}

/* Of NSEC3PARAM: hexadecimal, or '-' for none. */
static int add_salt(
    struct zonerdata *r, const struct zoneword *w, struct diag *reterr)
{
	size_t at = r->len++, half = 0;

	for (const char *p = w->text; strcmp(w->text, "-") != 0 && *p; p++) {
		int v = zonetext_hex(*p);
		uint8_t *o = r->octet + at + 1 + half / 2;

		if (v < 0 || half == 510)
			break;
		*o = (uint8_t)(half++ % 2 ? *o << 4 | v : v);
	}
	r->octet[at] = (uint8_t)(half / 2);
	r->len += half / 2;
	if (half % 2 || (half != w->len && strcmp(w->text, "-") != 0)) {
		return diag_set(reterr, -EINVAL,
		    "found '%.100s', expected a salt in hexadecimal, or '-'",
		    w->text);
	}
	return 0;
}

/* ---- fields: of all words that are left ------------------------------- */

static int add_hex(struct zonerdata *r, const struct zoneword *w, unsigned n,
    struct diag *reterr)
{
	size_t half = 0;

	for (unsigned i = 0; i < n; i++) {
		for (const char *p = w[i].text; *p; p++, half++) {
			int v = zonetext_hex(*p);
			uint8_t *o = r->octet + r->len + half / 2;

			if (v < 0 || o == r->octet + sizeof(r->octet)) {
				return diag_set(reterr, -EINVAL,
				    "found '%.100s', expected hexadecimal",
				    w[i].text);
			}
			*o = (uint8_t)(half % 2 ? *o << 4 | v : v);
		}
	}
	r->len += half / 2;
	if (!half || half % 2) {
		return diag_set(reterr, -EINVAL,
		    "found %zu hexadecimal digits, expected two for each octet",
		    half);
	}
	return 0;
}

static int add_base64(struct zonerdata *r, const struct zoneword *w, unsigned n,
    struct diag *reterr)
{
	uint8_t *at = r->octet + r->len;
	struct zonebase64 b = { 0 };

	for (unsigned i = 0; i < n; i++) {
		for (const char *p = w[i].text; *p; p++) {
			if (at == r->octet + sizeof(r->octet) ||
			    !zonebase64_add(&b, *p, &at)) {
				return diag_set(reterr, -EINVAL,
				    "found '%.100s', expected base 64",
				    w[i].text);
			}
		}
	}
	r->len = (size_t)(at - r->octet);
	if (!zonebase64_ends(&b)) {
		return diag_set(reterr, -EINVAL,
		    "found %u digits of base 64, expected four for each three "
		    "octets",
		    b.n);
	}
	return 0;
}

/* Of NSEC and CSYNC: a bitmap of types, RFC 4034 section 4.1.2. */
static int add_types(struct zonerdata *r, const struct zoneword *w, unsigned n,
    struct diag *reterr)
{
	uint8_t map[256][32] = { 0 };

	for (unsigned i = 0; i < n; i++) {
		uint16_t type = zonerdata_type(w[i].text);

		if (!type) {
			return diag_set(reterr, -EINVAL,
			    "found '%.100s', expected a type of record",
			    w[i].text);
		}
		map[type >> 8][(type & 255) / 8] |= (uint8_t)(0x80 >> type % 8);
	}
	for (unsigned k = 0; k < 256; k++) {
		unsigned len = 32;

		while (len && !map[k][len - 1])
			len--;
		if (!len)
			continue;
		r->octet[r->len++] = (uint8_t)k;
		r->octet[r->len++] = (uint8_t)len;
		memcpy(r->octet + r->len, map[k], len);
		r->len += len;
	}
	return 0;
}

static int add_texts(struct zonerdata *r, const struct zoneword *w, unsigned n,
    struct diag *reterr)
{
	int error = 0;

	for (unsigned i = 0; i < n && !error; i++)
		error = add_text(r, &w[i], reterr);
	return error;
}

static int add_params(struct zonerdata *r, const struct zoneword *w, unsigned n,
    struct diag *reterr)
{
	size_t len = 0;
	int error = zonesvcb_read(
	    r->octet + r->len, sizeof(r->octet) - r->len, w, n, &len, reterr);

	r->len += len;
	return error;
}

/* ---- types ------------------------------------------------------------ */

/*
 * What words are: numbers of 8, 16 and 32 bits '1', '2', '3', 'a' algorithm,
 * 'n' name, 't' time, '4' and '6' address, 'q' text with its length, 'c' tag,
 * 'u' text without a length, 'g' gateway, 's' salt. Of all that are left: 'T'
 * texts, 'x' hexadecimal, 'b' base 64, 'B' the same or nothing, 'y' types, 'v'
 * parameters of SVCB. zonefits.c goes by the same letters.
 */
static const struct kind {
	char name[12];
	uint16_t type;
	char fields[8];
} kinds[] = {
	{ "A", TYPE_A, "4" },
	{ "AAAA", TYPE_AAAA, "6" },
	{ "NS", TYPE_NS, "n" },
	{ "CNAME", TYPE_CNAME, "n" },
	{ "PTR", TYPE_PTR, "n" },
	{ "DNAME", TYPE_DNAME, "n" },
	{ "MX", TYPE_MX, "2n" },
	{ "SRV", TYPE_SRV, "222n" },
	{ "TXT", TYPE_TXT, "T" },
	{ "SOA", TYPE_SOA, "nn3tttt" },
	{ "MB", TYPE_MB, "n" },
	{ "MG", TYPE_MG, "n" },
	{ "MR", TYPE_MR, "n" },
	{ "HINFO", TYPE_HINFO, "qq" },
	{ "MINFO", TYPE_MINFO, "nn" },
	{ "RP", TYPE_RP, "nn" },
	{ "AFSDB", TYPE_AFSDB, "2n" },
	{ "RT", TYPE_RT, "2n" },
	{ "NSAP-PTR", 23, "n" }, /* RFC 1348 */
	{ "KEY", 25, "21ab" },   /* RFC 3445 */
	{ "PX", TYPE_PX, "2nn" },
	{ "NAPTR", 35, "22qqqn" }, /* RFC 3403 */
	{ "KX", TYPE_KX, "2n" },
	{ "DS", TYPE_DS, "2a1x" },
	{ "SSHFP", 44, "11x" },      /* RFC 4255 */
	{ "IPSECKEY", 45, "111gB" }, /* RFC 4025 */
	{ "NSEC", TYPE_NSEC, "ny" },
	{ "DNSKEY", 48, "21ab" },     /* RFC 4034 */
	{ "DHCID", 49, "b" },         /* RFC 4701 */
	{ "NSEC3PARAM", 51, "112s" }, /* RFC 5155 */
	{ "TLSA", 52, "111x" },       /* RFC 6698 */
	{ "SMIMEA", 53, "111x" },     /* RFC 8162 */
	{ "CDS", 59, "2a1x" },        /* RFC 7344 */
	{ "CDNSKEY", 60, "21ab" },
	{ "OPENPGPKEY", 61, "b" }, /* RFC 7929 */
	{ "CSYNC", 62, "32y" },    /* RFC 7477 */
	{ "ZONEMD", 63, "311x" },  /* RFC 8976 */
	{ "SVCB", TYPE_SVCB, "2nv" },
	{ "HTTPS", TYPE_HTTPS, "2nv" },
	{ "SPF", 99, "T" },    /* RFC 7208 */
	{ "LP", 107, "2n" },   /* RFC 6742 */
	{ "URI", 256, "22u" }, /* RFC 7553 */
	{ "CAA", 257, "1cu" }, /* RFC 8659 */
	{ "DLV", 32769, "2a1x" },
};

static const struct kind *kind_of(uint16_t type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (kinds[i].type == type)
			return &kinds[i];
	}
	return NULL;
}

uint16_t zonerdata_type(const char *text)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strcasecmp(kinds[i].name, text))
			return kinds[i].type;
	}
	return zoneldns_type(text);
}

static bool takes_rest(char field)
{
	return strchr("TxbByv", field) != NULL;
}

static int add_rest(struct zonerdata *r, char field, const struct zoneword *w,
    unsigned n, struct diag *reterr)
{
	switch (field) {
	case 'T':
		return add_texts(r, w, n, reterr);
	case 'x':
		return add_hex(r, w, n, reterr);
	case 'b':
	case 'B':
		return add_base64(r, w, n, reterr);
	case 'y':
		return add_types(r, w, n, reterr);
	default:
		return add_params(r, w, n, reterr);
	}
}

static int add_field(struct zonerdata *r, char field, const struct zoneword *w,
    const struct zonename *origin, struct diag *reterr)
{
	switch (field) {
	case '1':
		return add_number(r, w->text, 1, reterr);
	case '2':
		return add_number(r, w->text, 2, reterr);
	case '3':
		return add_number(r, w->text, 4, reterr);
	case 'a':
		return add_algorithm(r, w->text, reterr);
	case 'n':
		return add_name(r, w, origin, reterr);
	case 't':
		return add_time(r, w->text, reterr);
	case '4':
		return add_address(r, AF_INET, w, reterr);
	case '6':
		return add_address(r, AF_INET6, w, reterr);
	case 'q':
		return add_text(r, w, reterr);
	case 'c':
		return add_tag(r, w, reterr);
	case 'u':
		return add_octets(r, w, UINT16_MAX, reterr);
	case 'g':
		return add_gateway(r, w, origin, reterr);
	default:
		return add_salt(r, w, reterr);
	}
}

/* The last field may be one of any number of words. */
static int add_fields(struct zonerdata *r, const struct kind *k,
    const struct zoneword *w, unsigned n, const struct zonename *origin,
    struct diag *reterr)
{
	unsigned want = (unsigned)strlen(k->fields);
	char last = k->fields[want - 1];
	bool open = takes_rest(last);
	unsigned least = open && strchr("Byv", last) ? want - 1 : want;
	int error = 0;

	if (n < least || (!open && n > want)) {
		return diag_set(reterr, -EINVAL,
		    "found %u words of data, expected %s%u for %s", n,
		    open ? "at least " : "", least, k->name);
	}
	for (unsigned i = 0; i < want - open && !error; i++)
		error = add_field(r, k->fields[i], &w[i], origin, reterr);
	if (open && !error)
		error = add_rest(r, last, w + want - 1, n - (want - 1), reterr);
	return error;
}

/* \# LENGTH HEX..., RFC 3597 section 5 */
static int read_generic(struct zonerdata *r, const struct zoneword *w,
    unsigned n, struct diag *reterr)
{
	uint64_t len = 0;

	if (n < 2) {
		return diag_set(
		    reterr, -EINVAL, "found '\\#', expected a length after it");
	}
	int error =
	    zonenumber_read(&len, w[1].text, WIRE_MESSAGE_MAX - 100, reterr);
	if (!error && n > 2)
		error = add_hex(r, w + 2, n - 2, reterr);
	if (!error && r->len != len) {
		error = diag_set(reterr, -EINVAL,
		    "found %zu octets in hexadecimal, expected %llu", r->len,
		    (unsigned long long)len);
	}
	return error;
}

static int refuse_octets(
    const struct zonerdata *r, const char *name, struct diag *reterr)
{
	return diag_set(reterr, -EINVAL, "found %zu octets that are no %s data",
	    r->len, name);
}

/* The digest of a DS has the length of its kind. */
static int check_digest(
    const struct zonerdata *r, const struct kind *k, struct diag *reterr)
{
	static const uint8_t len[] = { 0, 20, 32, 32, 48 };
	uint8_t kind = r->octet[3];

	if (strcmp(k->fields, "2a1x") != 0 || kind >= sizeof(len) ||
	    !len[kind] || r->len == 4u + len[kind])
		return 0;
	return diag_set(reterr, -EINVAL,
	    "found a digest of %zu octets, expected %u for kind %u", r->len - 4,
	    len[kind], kind);
}

int zonerdata_read(struct zonerdata *ret_r, uint16_t type,
    const struct zoneword *w, unsigned n, const struct zonename *origin,
    struct diag *reterr)
{
	const struct kind *k = kind_of(type);
	bool is_generic = n && !strcmp(w[0].text, "\\#") && !w[0].is_quoted;
	int error = 0;

	ret_r->len = 0;
	if (is_generic) {
		error = read_generic(ret_r, w, n, reterr);
	} else if (k) {
		error = add_fields(ret_r, k, w, n, origin, reterr);
	} else {
		return -EAGAIN;
	}
	if (error || !k)
		return error;
	/* what is written in words may be wrong as a whole, too */
	if (!zonerdata_fits(k->fields, ret_r->octet, ret_r->len))
		return refuse_octets(ret_r, k->name, reterr);
	return check_digest(ret_r, k, reterr);
}
