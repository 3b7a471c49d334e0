// SPDX-License-Identifier: BSD-2-Clause
/*
 * Why not ldns alone: it reads no $INCLUDE, and says neither what it found nor
 * what it expected. Words and the types that fill large zones are read here
 * (zonescan.c, zonerdata.c); a million A records take a third of ldns's time.
 * The other types go to ldns one record at a time.
 */
#include "dnsd/zonefile.h"

#include "dnsd/rdata.h"
#include "dnsd/zone_build.h"
#include "dnsd/zone_image.h"
#include "dnsd/zoneldns.h"
#include "dnsd/zonerdata.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	INCLUDES_MAX = 10, /* one in another */
	FILES_MAX = 255,   /* of one zone */
	LINE_BITS = 24,    /* of `where`, the number of the file above */
	TTL_UNKNOWN = -1,
};

struct loading {
	int dir_fd;
	uint64_t seed;
	struct zonefile *z;
	struct zone_build *build; /* NULL: before the first record */
	struct zonename file_origin;
	int64_t default_ttl_s; /* $TTL */
	int64_t last_ttl_s;
	bool has_place; /* the text of the error names file and line */
	struct zonerdata rdata;
};

/* What one file has of its own. */
struct reading {
	struct loading *l;
	unsigned file; /* its stamp */
	unsigned depth;
	struct zonename origin;
	struct dname owner; /* of the last record */
	bool has_owner;
	struct zoneentry entry;
	struct zonescan scan;
};

void zonefile_release(struct zonefile *z)
{
	stamps_release(&z->stamps);
	zone_image_free(z->image);
	*z = (struct zonefile){ 0 };
}

/* ---- one record ------------------------------------------------------- */

static uint16_t type_of(const char *text)
{
	uint16_t type = zonerdata_type(text);

	return type ? type : zoneldns_type(text);
}

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

	if (error == -EAGAIN)
		return zoneldns_read(r, w, n, &f->origin, reterr);
	if (!error && n > 1 && !strcmp(w[1].text, "\\#"))
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
	if (l->last_ttl_s == TTL_UNKNOWN && type == TYPE_SOA)
		l->last_ttl_s = wire_get32(l->rdata.octet + l->rdata.len - 4);
	if (l->last_ttl_s == TTL_UNKNOWN) {
		return diag_set(reterr, -EINVAL,
		    "found no TTL, expected one here or in $TTL before");
	}
	*ret_ttl_s = (uint32_t)l->last_ttl_s;
	return 0;
}

/* TTL and class in any order; *i is the word after them. */
static int read_ttl_class(
    struct reading *f, unsigned *i, int64_t *ret_ttl_s, struct diag *reterr)
{
	const struct zoneentry *e = &f->entry;
	bool has_class = false;

	for (; *i < e->n && !e->word[*i].is_quoted; ++*i) {
		const char *text = e->word[*i].text;
		uint32_t ttl_s = 0;
		int error = *ret_ttl_s == TTL_UNKNOWN
		                ? zonettl_read(&ttl_s, text)
		                : -EINVAL;

		if (error == -ERANGE) {
			return diag_set(reterr, -EINVAL,
			    "found TTL %.30s, expected at most 2147483647",
			    text);
		}
		if (!error) {
			*ret_ttl_s = ttl_s;
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

static int read_record(struct reading *f, struct diag *reterr)
{
	struct loading *l = f->l;
	const struct zoneentry *e = &f->entry;
	unsigned i = e->has_owner ? 1 : 0;
	int64_t ttl_s = TTL_UNKNOWN;
	uint32_t used_s;
	int error = read_owner(f, reterr);

	if (!error)
		error = read_ttl_class(f, &i, &ttl_s, reterr);
	if (error)
		return error;
	if (i == e->n) {
		return diag_set(reterr, -EINVAL,
		    "found the end of the entry, expected a type");
	}
	uint16_t type = type_of(e->word[i].text);
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
	return zone_build_add(l->build, &f->owner, type, used_s, l->rdata.octet,
	    (uint16_t)l->rdata.len, f->file << LINE_BITS | e->line, reterr);
}

/* ---- directives ------------------------------------------------------- */

static int read_path(struct loading *l, const char *path,
    const struct zonename *origin, const struct dname *owner, unsigned depth,
    struct diag *reterr);

static int read_include(struct reading *f, struct diag *reterr)
{
	const struct zoneentry *e = &f->entry;
	struct zonename origin = f->origin;

	if (e->n < 2 || e->n > 3) {
		return diag_set(reterr, -EINVAL,
		    "found %u words, expected $INCLUDE FILE [ORIGIN]", e->n);
	}
	int error =
	    e->n == 3 ? zonename_read(&origin, &e->word[2], &f->origin, reterr)
	              : 0;
	if (error)
		return error;
	if (f->depth == INCLUDES_MAX || f->l->z->stamps.n == FILES_MAX) {
		return diag_set(reterr, -EINVAL,
		    "found an include in an include, expected at most %d of "
		    "them",
		    INCLUDES_MAX);
	}
	return read_path(f->l, e->word[1].text, &origin,
	    f->has_owner ? &f->owner : NULL, f->depth + 1, reterr);
}

static int read_ttl(struct reading *f, struct diag *reterr)
{
	uint32_t s;

	if (f->entry.n != 2 || zonettl_read(&s, f->entry.word[1].text) < 0) {
		return diag_set(reterr, -EINVAL,
		    "found '%.100s', expected $TTL and a time such as 3600 or "
		    "1h",
		    f->entry.word[f->entry.n - 1].text);
	}
	f->l->default_ttl_s = s;
	return 0;
}

static int read_origin(struct reading *f, struct diag *reterr)
{
	struct zonename n;

	if (f->entry.n != 2) {
		return diag_set(reterr, -EINVAL,
		    "found %u words, expected $ORIGIN NAME", f->entry.n);
	}
	int error = zonename_read(&n, &f->entry.word[1], &f->origin, reterr);
	if (!error)
		f->origin = n;
	return error;
}

static int read_entry(struct reading *f, struct diag *reterr)
{
	const struct zoneword *w = &f->entry.word[0];

	if (!f->entry.has_owner || w->is_quoted || w->text[0] != '$')
		return read_record(f, reterr);
	if (!strcasecmp(w->text, "$ORIGIN"))
		return read_origin(f, reterr);
	if (!strcasecmp(w->text, "$TTL"))
		return read_ttl(f, reterr);
	if (!strcasecmp(w->text, "$INCLUDE"))
		return read_include(f, reterr);
	return diag_set(reterr, -EINVAL,
	    "found '%.100s', expected $ORIGIN, $TTL or $INCLUDE", w->text);
}

/* ---- the whole -------------------------------------------------------- */

static int read_text(struct reading *f, struct diag *reterr)
{
	struct loading *l = f->l;
	int error;

	while ((error = zonescan_next(&f->scan, &f->entry, reterr)) > 0) {
		error = read_entry(f, reterr);
		if (error)
			break;
	}
	if (error < 0 && !l->has_place) {
		diag_prefix(reterr, error, "%s:%u",
		    l->z->stamps.file[f->file].path, f->entry.line);
		l->has_place = true;
	}
	return error < 0 ? error : 0;
}

/* owner: of the last record before, NULL: there is none. */
static int read_path(struct loading *l, const char *path,
    const struct zonename *origin, const struct dname *owner, unsigned depth,
    struct diag *reterr)
{
	struct zonestamp *stamp = stamps_add(&l->z->stamps, path);
	scoped_free char *text = NULL;
	struct reading *f;
	size_t len = 0;
	int error = stamp_read(l->dir_fd, stamp, &text, &len, reterr);

	if (error)
		return error;
	f = xcalloc(1, sizeof(*f));
	f->l = l;
	f->file = l->z->stamps.n - 1;
	f->depth = depth;
	f->origin = *origin;
	f->has_owner = owner;
	if (owner)
		f->owner = *owner;
	zonescan_init(&f->scan, text, len);
	error = read_text(f, reterr);
	zoneentry_release(&f->entry);
	free(f);
	return error;
}

static int origin_of(
    const char *file, struct zonename *ret_origin, struct diag *reterr)
{
	static const char suffix[] = ".zone";
	static const struct zonename root = { .len = 1 };
	scoped_free char *text = xstrdup(file);
	size_t len = strlen(text);

	if (len > sizeof(suffix) - 1)
		len -= sizeof(suffix) - 1;
	text[len] = '\0';
	struct zoneword w = { text, (uint32_t)len, false };
	int error = zonename_read(ret_origin, &w, &root, reterr);
	return error ? diag_prefix(reterr, error, "%s", file) : 0;
}

static int make_image(struct loading *l, struct diag *reterr)
{
	uint32_t where = 0;
	int error = zone_build_image(l->build, &l->z->image, &where, reterr);
	uint32_t line = where & ((1u << LINE_BITS) - 1);

	if (error) {
		diag_prefix(reterr, error, "%s:%u",
		    l->z->stamps.file[where >> LINE_BITS].path,
		    line ? line : 1);
	}
	return error;
}

int zonefile_load(int dir_fd, const char *file, uint64_t seed,
    struct zonefile *ret_z, struct diag *reterr)
{
	struct loading *l = xcalloc(1, sizeof(*l));

	*ret_z = (struct zonefile){ 0 };
	l->dir_fd = dir_fd;
	l->seed = seed;
	l->z = ret_z;
	l->default_ttl_s = l->last_ttl_s = TTL_UNKNOWN;
	int error = origin_of(file, &l->file_origin, reterr);
	if (error) {
		(void)stamps_add(&ret_z->stamps, file);
	} else {
		error = read_path(l, file, &l->file_origin, NULL, 0, reterr);
	}
	if (!error && !l->build) {
		error = diag_set(reterr, -EINVAL,
		    "%s:1: found no records, expected SOA and NS", file);
	}
	if (!error)
		error = make_image(l, reterr);
	zone_build_free(l->build);
	free(l);
	return error;
}
