// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/zonefile/zoneldns.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <string.h>

static const char head[] = ". 0 IN ";
enum { HEAD_LEN = sizeof(head) - 1 };

uint16_t zoneldns_type(const char *text)
{
	return (uint16_t)ldns_get_rr_type_by_name(text);
}

int zoneldns_algorithm(const char *text)
{
	const ldns_lookup_table *a = ldns_lookup_by_name(ldns_algorithms, text);

	return a ? a->id : -1;
}

/* ---- what ldns does not look at --------------------------------------- */

/*
 * Numbers that wrap: the octets of each word's, '-' for what is none. Types
 * from the word on that is 'y'.
 */
static const struct bounds {
	uint16_t type;
	char words[12];
} bounds[] = {
	{ LDNS_RR_TYPE_RRSIG, "y1-4--2" }, /* the types are one */
	{ LDNS_RR_TYPE_SIG, "-1-4--2" },
	{ LDNS_RR_TYPE_NSEC3, "112--y" },
	{ LDNS_RR_TYPE_CERT, "221" },
	{ LDNS_RR_TYPE_HIP, "1" },
	{ LDNS_RR_TYPE_NID, "2" },
	{ LDNS_RR_TYPE_L32, "2" },
	{ LDNS_RR_TYPE_L64, "2" },
};

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* Mnemonics of algorithms and times like 1h are ldns's to read. */
static int check_number(const char *text, char octets, struct diag *reterr)
{
	uint64_t v;

	if (!is_number(text))
		return 0;
	return zonenumber_read(
	    &v, text, (1ull << 8 * (octets - '0')) - 1, reterr);
}

static int check_type(const char *text, struct diag *reterr)
{
	if (zonerdata_type(text))
		return 0;
	return diag_set(
	    reterr, -EINVAL, "found '%.100s', expected a type of record", text);
}

/* w: the data alone. */
static int check_words(
    uint16_t type, const struct zoneword *w, unsigned n, struct diag *reterr)
{
	const char *words = "";
	int error = 0;

	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		if (bounds[i].type == type)
			words = bounds[i].words;
	}
	for (unsigned i = 0; i < n && *words && !error; i++) {
		if (*words == 'y') {
			error = check_type(w[i].text, reterr);
		} else if (*words != '-') {
			error = check_number(w[i].text, *words, reterr);
		}
		/* the last 'y' stands for all that are left */
		words += words[0] != 'y' || words[1];
	}
	return error;
}

/* Minutes and seconds of LOC are below 60, RFC 1876 section 3. */
static int check_sexagesimal(
    const struct zoneword *w, unsigned n, struct diag *reterr)
{
	unsigned part = 0;

	for (unsigned i = 0; i < n; i++) {
		if (strchr("NSEWnsew", w[i].text[0])) {
			part = 0;
			continue;
		}
		if (part++ && part <= 3 && strtod(w[i].text, NULL) >= 60 &&
		    strspn(w[i].text, "0123456789.") == w[i].len) {
			return diag_set(reterr, -EINVAL,
			    "found '%.100s', expected minutes or seconds below "
			    "60",
			    w[i].text);
		}
	}
	return 0;
}

/* Thousandths of a second of arc from 2^31, RFC 1876 section 2. */
static bool is_arc(uint32_t v, unsigned degrees_max)
{
	uint32_t middle = 1u << 31;
	uint32_t arc = v > middle ? v - middle : middle - v;

	return arc <= degrees_max * 3600u * 1000u;
}

static bool fits_loc(const struct zonerdata *r)
{
	return r->len == 16 && is_arc(wire_get32(r->octet + 4), 90) &&
	       is_arc(wire_get32(r->octet + 8), 180);
}

/* Family, prefix, and octets of which there are no more than it has. */
static bool fits_apl(const struct zonerdata *r)
{
	for (size_t i = 0; i < r->len;) {
		if (r->len - i < 4)
			return false;
		uint16_t family = wire_get16(r->octet + i);
		unsigned octets = r->octet[i + 3] & 0x7f;
		unsigned most = family == 1 ? 4 : family == 2 ? 16 : 0;

		if (octets > most || r->octet[i + 2] > 8 * most)
			return false;
		i += 4 + octets;
	}
	return true;
}

static bool fits(const struct zonerdata *r, uint16_t type)
{
	switch (type) {
	case LDNS_RR_TYPE_LOC:
		return fits_loc(r);
	case LDNS_RR_TYPE_APL:
		return fits_apl(r);
	default:
		return true;
	}
}

/* ---- ldns ------------------------------------------------------------- */

static void append(char **at, const char *text, size_t len)
{
	memcpy(*at, text, len);
	*at += len;
}

/* ". 0 IN TYPE WORD...", as the words were written. */
static char *join(const struct zoneword *w, unsigned n)
{
	size_t room = HEAD_LEN + 1;

	for (unsigned i = 0; i < n; i++)
		room += w[i].len + 3u;
	char *line = xmalloc(room);
	char *at = line;
	append(&at, head, HEAD_LEN);
	for (unsigned i = 0; i < n; i++) {
		if (w[i].is_quoted)
			append(&at, "\"", 1);
		append(&at, w[i].text, w[i].len);
		if (w[i].is_quoted)
			append(&at, "\"", 1);
		append(&at, " ", 1);
	}
	at[-1] = '\0';
	return line;
}

static int take_rdata(struct zonerdata *r, const ldns_rr *rr)
{
	r->len = 0;
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *f = ldns_rr_rdf(rr, i);

		if (r->len + ldns_rdf_size(f) > sizeof(r->octet))
			return -EINVAL;
		memcpy(r->octet + r->len, ldns_rdf_data(f), ldns_rdf_size(f));
		r->len += ldns_rdf_size(f);
	}
	return 0;
}

int zoneldns_read(struct zonerdata *ret_r, uint16_t type,
    const struct zoneword *w, unsigned n, const struct zonename *origin,
    struct diag *reterr)
{
	int error = check_words(type, w + 1, n - 1, reterr);

	if (!error && type == LDNS_RR_TYPE_LOC)
		error = check_sexagesimal(w + 1, n - 1, reterr);
	if (error)
		return error;
	ldns_rdf *name = ldns_rdf_new_frm_data(
	    LDNS_RDF_TYPE_DNAME, origin->len, origin->wire);
	scoped_free char *line = join(w, n);
	ldns_rr *rr = NULL;
	ldns_status s = ldns_rr_new_frm_str(&rr, line, 0, name, NULL);
	error = s == LDNS_STATUS_OK ? take_rdata(ret_r, rr) : -EINVAL;

	if (error) {
		diag_set(reterr, error, "found '%.200s', expected %s data (%s)",
		    line + HEAD_LEN, w[0].text, ldns_get_errorstr_by_id(s));
	}
	ldns_rr_free(rr);
	ldns_rdf_deep_free(name);
	return error;
}

int zoneldns_check(const struct zonerdata *r, uint16_t type, const char *name,
    struct diag *reterr)
{
	scoped_free uint8_t *wire = xmalloc(11 + r->len);
	uint8_t *p = wire;
	size_t at = 0;
	ldns_rr *rr = NULL;

	*p++ = 0;
	p = wire_put16(p, type);
	p = wire_put16(p, CLASS_IN);
	p = wire_put32(p, 0);
	p = wire_put16(p, (uint16_t)r->len);
	memcpy(p, r->octet, r->len);
	ldns_status s =
	    ldns_wire2rr(&rr, wire, 11 + r->len, &at, LDNS_SECTION_ANSWER);
	ldns_rr_free(rr);
	if (s == LDNS_STATUS_OK && at == 11 + r->len && fits(r, type))
		return 0;
	return diag_set(reterr, -EINVAL, "found %zu octets that are no %s data",
	    r->len, name);
}
