// SPDX-License-Identifier: BSD-2-Clause
/*
 * Why not ldns alone: it reads no $INCLUDE, and says neither what it found nor
 * what it expected. Words and the types that fill large zones are read here
 * (zonescan.c, zonerdata.c); a million A records take a third of ldns's time.
 * The other types go to ldns one record at a time.
 */
#include "dnsd/message/data/zone_build.h"
#include "dnsd/message/wire/rdata.h"
#include "dnsd/zonefile/zonefile_impl.h"
#include "dnsd/zonefile/zoneldns.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Types that no zone holds: OPT and the questions of RFC 6895 section 3.1. */
static bool is_meta(uint16_t type)
{
	return type == 0 || type == TYPE_OPT || (type >= 128 && type <= 255);
}

/* w: the type and its data. */
static int read_rdata(struct reading *f, uint16_t type,
    const struct zoneword *w, unsigned n, struct diag *reterr)
{
	struct zonerdata *r = &f->l->rdata;
	int error = zonerdata_read(r, type, w + 1, n - 1, &f->origin, reterr);

	bool is_generic = n > 1 && !strcmp(w[1].text, "\\#");

	/* ldns takes such octets in place of any field, and looks at none */
	if (error == -EAGAIN) {
		error = zoneldns_read(r, type, w, n, &f->origin, reterr);
		is_generic = true;
	}
	if (!error && is_generic)
		error = zoneldns_check(r, type, w[0].text, reterr);
	return error;
}

/* The first record decides which zone this is. */
static void begin_zone(struct reading *f, uint16_t type)
{
	struct loading *l = f->l;

	if (type == TYPE_SOA) {
		l->z->apex = f->owner;
	} else {
		(void)dname_parse(
		    &l->z->apex, l->file_origin.wire, l->file_origin.len, 0);
	}
	dname_hash(&l->z->apex, l->seed);
	l->build = zone_build_new(&l->z->apex, l->seed);
}

/* Of a record that has none: the last one's, $TTL, or the SOA's minimum. */
static int find_ttl(
    struct loading *l, uint16_t type, uint32_t *ret_ttl_s, struct diag *reterr)
{
	if (l->default_ttl_s != TTL_UNKNOWN) {
		*ret_ttl_s = (uint32_t)l->default_ttl_s;
		return 0;
	}
	if (l->last_ttl_s == TTL_UNKNOWN && type == TYPE_SOA) {
		l->last_ttl_s = zonettl_capped(
		    wire_get32(l->rdata.octet + l->rdata.len - 4));
	}
	if (l->last_ttl_s == TTL_UNKNOWN) {
		return diag_set(reterr, -EINVAL,
		    "found no TTL, expected one here or in $TTL before");
	}
	*ret_ttl_s = (uint32_t)l->last_ttl_s;
	return 0;
}

int zonefile_ttl_class(const struct zoneentry *e, unsigned *i,
    int64_t *ret_ttl_s, struct diag *reterr)
{
	bool has_class = false;

	for (; *i < e->n && !e->word[*i].is_quoted; ++*i) {
		const char *text = e->word[*i].text;
		uint32_t ttl_s = 0;
		int error = *ret_ttl_s == TTL_UNKNOWN
		                ? zonettl_read(&ttl_s, text)
		                : -EINVAL;

		if (error == -ERANGE) {
			return diag_set(reterr, -EINVAL,
			    "found TTL %.30s, expected at most 4294967295",
			    text);
		}
		if (!error) {
			*ret_ttl_s = zonettl_capped(ttl_s);
		} else if (!has_class && (!strcasecmp(text, "IN") ||
		                             !strcasecmp(text, "CLASS1"))) {
			has_class = true;
		} else if (!has_class && (!strcasecmp(text, "CH") ||
		                             !strcasecmp(text, "HS") ||
		                             !strncasecmp(text, "CLASS", 5))) {
			return diag_set(reterr, -EINVAL,
			    "found class %.30s, expected IN", text);
		} else {
			return 0;
		}
	}
	return 0;
}

static int read_owner(struct reading *f, struct diag *reterr)
{
	struct zonename n;

	if (!f->entry.has_owner) {
		if (f->has_owner)
			return 0;
		return diag_set(reterr, -EINVAL,
		    "found a blank, expected the name of the first record");
	}
	int error = zonename_read(&n, &f->entry.word[0], &f->origin, reterr);
	if (error)
		return error;
	(void)dname_parse(&f->owner, n.wire, n.len, 0);
	dname_hash(&f->owner, f->l->seed);
	f->has_owner = true;
	return 0;
}

/* File and line in one number; lines beyond what fits count as the last. */
static uint32_t where_of(const struct reading *f)
{
	uint32_t last = (1u << LINE_BITS) - 1;
	uint32_t line = f->entry.line < last ? f->entry.line : last;

	return f->file << LINE_BITS | line;
}

/* Of a name outside the zone: as BIND and Knot do. */
static void leave_out(struct reading *f)
{
	struct zonefile_notes *n = &f->l->z->notes;
	char owner[DNAME_TEXT_MAX];

	if (n->outside_n++)
		return;
	dname_to_text(f->owner.lower, owner);
	(void)diag_set(&n->outside, 0, "%s:%u: found '%.100s'",
	    f->l->z->stamps.file[f->file].path, f->entry.line, owner);
}

int zonefile_record(struct reading *f, struct diag *reterr)
{
	struct loading *l = f->l;
	const struct zoneentry *e = &f->entry;
	unsigned i = e->has_owner ? 1 : 0;
	int64_t ttl_s = TTL_UNKNOWN;
	uint32_t used_s;
	int error = read_owner(f, reterr);

	if (!error)
		error = zonefile_ttl_class(e, &i, &ttl_s, reterr);
	if (error)
		return error;
	if (i == e->n) {
		return diag_set(reterr, -EINVAL,
		    "found the end of the entry, expected a type");
	}
	uint16_t type = zonerdata_type(e->word[i].text);
	if (is_meta(type)) {
		return diag_set(reterr, -EINVAL,
		    "found '%.100s', expected a type of record",
		    e->word[i].text);
	}
	error = read_rdata(f, type, e->word + i, e->n - i, reterr);
	if (error)
		return error;
	used_s = (uint32_t)ttl_s;
	if (ttl_s == TTL_UNKNOWN)
		error = find_ttl(l, type, &used_s, reterr);
	if (error)
		return error;
	l->last_ttl_s = used_s;
	if (!l->build)
		begin_zone(f, type);
	l->z->notes.is_signed |= type == TYPE_RRSIG;
	if (!zone_build_holds(l->build, &f->owner)) {
		leave_out(f);
		return 0;
	}
	return zone_build_add(l->build, &f->owner, type, used_s, l->rdata.octet,
	    (uint16_t)l->rdata.len, where_of(f), reterr);
}
