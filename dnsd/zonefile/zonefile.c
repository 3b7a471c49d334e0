// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/data/zone_build.h"
#include "dnsd/message/data/zone_image.h"
#include "dnsd/zonefile/zonefile_impl.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/zone/zonegenerate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	INCLUDES_MAX = 10, /* one in another */
	FILES_MAX = 255,   /* of one zone */
};

void zonefile_release(struct zonefile *z)
{
	stamps_release(&z->stamps);
	zone_image_free(z->image);
	*z = (struct zonefile){ 0 };
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
	f->l->default_ttl_s = zonettl_capped(s);
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

/* The type's place in the entry: behind TTL and class. */
static int find_type(struct reading *f, unsigned *ret_i, struct diag *reterr)
{
	int64_t ttl_s = TTL_UNKNOWN;
	unsigned i = 3;
	int error = zonefile_ttl_class(&f->entry, &i, &ttl_s, reterr);

	*ret_i = i;
	return error;
}

/* One record that $GENERATE made; it stands in the line of that. */
static int read_made(
    struct reading *f, struct zonegenerate *g, struct diag *reterr)
{
	const struct zoneentry line = f->entry;
	struct zoneentry made = { 0 };
	struct zonescan scan;

	zonescan_init(&scan, g->text, g->len);
	int error = zonescan_next(&scan, &made, reterr);
	if (!error) {
		error = diag_set(
		    reterr, -EINVAL, "found an empty record by $GENERATE");
	}
	if (error > 0) {
		made.line = line.line;
		f->entry = made;
		error = zonefile_record(f, reterr);
		f->entry = line;
	}
	zoneentry_release(&made);
	return error;
}

static int read_generate(struct reading *f, struct diag *reterr)
{
	struct zonegenerate g = { 0 };
	unsigned type = 0;
	int error = f->entry.n < 5 ? 0 : find_type(f, &type, reterr);

	if (error)
		return error;
	if (f->entry.n < 5 || type + 1 >= f->entry.n) {
		return diag_set(reterr, -EINVAL,
		    "found %u words, expected $GENERATE RANGE OWNER TYPE DATA",
		    f->entry.n);
	}
	error = zonegenerate_begin(&g, &f->entry, type + 1, reterr);
	while (!error && (error = zonegenerate_next(&g, reterr)) > 0)
		error = read_made(f, &g, reterr);
	zonegenerate_release(&g);
	return error;
}

static const struct directive {
	const char *name;
	int (*read)(struct reading *f, struct diag *reterr);
} directives[] = {
	{ "$ORIGIN", read_origin },
	{ "$TTL", read_ttl },
	{ "$INCLUDE", read_include },
	{ "$GENERATE", read_generate },
};

static int read_entry(struct reading *f, struct diag *reterr)
{
	const struct zoneword *w = &f->entry.word[0];

	if (!f->entry.has_owner || w->is_quoted || w->text[0] != '$')
		return zonefile_record(f, reterr);
	for (size_t i = 0; i < sizeof(directives) / sizeof(*directives); i++) {
		if (!strcasecmp(w->text, directives[i].name))
			return directives[i].read(f, reterr);
	}
	return diag_set(reterr, -EINVAL,
	    "found '%.100s', expected $ORIGIN, $TTL, $INCLUDE or $GENERATE",
	    w->text);
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

/*
 * The text of the file noted last; owner: of the last record before, NULL:
 * there is none.
 */
static int read_octets(struct loading *l, char *text, size_t len,
    const struct zonename *origin, const struct dname *owner, unsigned depth,
    struct diag *reterr)
{
	struct reading *f = xcalloc(1, sizeof(*f));

	f->l = l;
	f->file = l->z->stamps.n - 1;
	f->depth = depth;
	f->origin = *origin;
	f->has_owner = owner;
	if (owner)
		f->owner = *owner;
	zonescan_init(&f->scan, text, len);
	int error = read_text(f, reterr);
	zoneentry_release(&f->entry);
	free(f);
	return error;
}

static int read_path(struct loading *l, const char *path,
    const struct zonename *origin, const struct dname *owner, unsigned depth,
    struct diag *reterr)
{
	struct zonestamp *stamp = stamps_add(&l->z->stamps, path);
	scoped_free char *text = NULL;
	size_t len = 0;
	int error = stamp_read(
	    l->dir_fd, stamp, STAMP_LEN_MAX - l->octets, &text, &len, reterr);

	if (error)
		return error;
	l->octets += len;
	return read_octets(l, text, len, origin, owner, depth, reterr);
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
	struct zoneword w = { .text = text, .len = (uint32_t)len };
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

static struct loading *begin(int dir_fd, uint64_t seed, struct zonefile *z)
{
	struct loading *l = xcalloc(1, sizeof(*l));

	*z = (struct zonefile){ 0 };
	l->dir_fd = dir_fd;
	l->seed = seed;
	l->z = z;
	l->default_ttl_s = l->last_ttl_s = TTL_UNKNOWN;
	return l;
}

/* error: what reading ended with. */
static int end(
    struct loading *l, const char *file, int error, struct diag *reterr)
{
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

int zonefile_load(int dir_fd, const char *file, uint64_t seed,
    struct zonefile *ret_z, struct diag *reterr)
{
	struct loading *l = begin(dir_fd, seed, ret_z);
	int error = origin_of(file, &l->file_origin, reterr);

	if (error) {
		stamp_note(dir_fd, stamps_add(&ret_z->stamps, file));
	} else {
		error = read_path(l, file, &l->file_origin, NULL, 0, reterr);
	}
	return end(l, file, error, reterr);
}

int zonefile_read(const char *file, char *text, size_t len, uint64_t seed,
    struct zonefile *ret_z, struct diag *reterr)
{
	struct loading *l = begin(-1, seed, ret_z);
	int error = origin_of(file, &l->file_origin, reterr);

	(void)stamps_add(&ret_z->stamps, file);
	if (!error) {
		error =
		    read_octets(l, text, len, &l->file_origin, NULL, 0, reterr);
	}
	return end(l, file, error, reterr);
}
