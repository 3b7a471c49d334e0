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

int zoneldns_read(struct zonerdata *ret_r, const struct zoneword *w, unsigned n,
    const struct zonename *origin, struct diag *reterr)
{
	ldns_rdf *name = ldns_rdf_new_frm_data(
	    LDNS_RDF_TYPE_DNAME, origin->len, origin->wire);
	scoped_free char *line = join(w, n);
	ldns_rr *rr = NULL;
	ldns_status s = ldns_rr_new_frm_str(&rr, line, 0, name, NULL);
	int error = s == LDNS_STATUS_OK ? take_rdata(ret_r, rr) : -EINVAL;

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
	if (s == LDNS_STATUS_OK && at == 11 + r->len)
		return 0;
	return diag_set(reterr, -EINVAL, "found %zu octets that are no %s data",
	    r->len, name);
}
