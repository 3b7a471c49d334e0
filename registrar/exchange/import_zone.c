// SPDX-License-Identifier: BSD-2-Clause
/*
 * SRV records name services and instances, the addresses of their targets
 * may stand anywhere in the file: all of it is read first.
 */
#include "registrar/exchange/import_zone_impl.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/zone/zonegenerate.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct address {
	const char *name, *text;
	bool v6, used;
};

struct zone {
	struct import *im;
	const char *suffix; /* ".svc.internal." */
	struct srv *srvs;
	struct address *addresses;
	size_t srv_n, srv_max, address_n, address_max;
	unsigned long others_n; /* of other types */
	unsigned long line;
	/* the text that is read: $GENERATE was replaced by what it makes */
	char *text;
	size_t len, room;
	unsigned long *lines; /* of each of its lines, the one of the file */
	size_t line_n, line_max;
};

/* ---- $GENERATE --------------------------------------------------------- */

static void add_line(
    struct zone *z, const char *text, size_t len, unsigned long line)
{
	if (!z->text || z->len + len + 2 > z->room) {
		z->room = 2 * (z->len + len) + 4096;
		z->text = xreallocarray(z->text, 1, z->room);
	}
	memcpy(z->text + z->len, text, len);
	z->len += len;
	z->text[z->len++] = '\n';
	z->text[z->len] = '\0';
	if (!z->lines || z->line_n == z->line_max) {
		z->line_max = z->line_max ? 2 * z->line_max : 256;
		z->lines =
		    xreallocarray(z->lines, z->line_max, sizeof(*z->lines));
	}
	z->lines[z->line_n++] = line;
}

/* Which word is the first of the data: behind the type; 0: there is none. */
static unsigned find_data(const struct zoneentry *e)
{
	for (unsigned i = 3; i < e->n; i++) {
		const char *word = e->word[i].text;

		if (strcasecmp(word, "IN") != 0 && (*word < '0' || *word > '9'))
			return i + 1 < e->n ? i + 1 : 0;
	}
	return 0;
}

static void generate(
    struct zone *z, const char *text, size_t len, unsigned long line)
{
	struct zonescan scan;
	struct zoneentry e = { 0 };
	struct zonegenerate g = { 0 };
	struct diag why = { "found no record behind $GENERATE, expected a "
		            "range, an owner, a type and data" };
	scoped_free char *copy = xmalloc(len + 1);

	memcpy(copy, text, len);
	zonescan_init(&scan, copy, len);
	int r = zonescan_next(&scan, &e, &why);
	unsigned data = r > 0 ? find_data(&e) : 0;

	if (r > 0)
		r = data ? zonegenerate_begin(&g, &e, data, &why) : -EINVAL;
	while (r >= 0 && (r = zonegenerate_next(&g, &why)) > 0)
		add_line(z, g.text, g.len, line);
	if (r < 0) {
		import_refuse(z->im, (struct import_place){ .line = line },
		    "%s", why.text);
	}
	zonegenerate_release(&g);
	zoneentry_release(&e);
}

static void expand(struct zone *z, const char *text, size_t len)
{
	static const char word[] = "$GENERATE";
	const char *end = text + len;

	for (unsigned long line = 1; text < end; line++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((stop ? stop : end) - text);

		if (n > strlen(word) && strchr(" \t", text[strlen(word)]) &&
		    !strncasecmp(text, word, strlen(word))) {
			generate(z, text, n, line);
		} else {
			add_line(z, text, n, line);
		}
		text += n + 1;
	}
}

/* The line of the file that one of the text came from. */
static struct import_place place_of(const struct zone *z)
{
	size_t n = z->line ? z->line : 1;

	if (n > z->line_n)
		n = z->line_n;
	return (
	    struct import_place){ .line = n && z->lines ? z->lines[n - 1] : 1 };
}

/* ---- reading ----------------------------------------------------------- */

/* Lower case, as master files have it; in the arena. */
static const char *text_of(struct import *im, const ldns_rdf *f)
{
	scoped_free char *text = ldns_rdf2str(f);
	char *copy = arena_strdup(im->arena, text ? text : "");

	for (char *p = copy; *p; p++)
		*p = import_lower(*p);
	return copy;
}

#define GROW(array, n, max)                                                    \
	do {                                                                   \
		if ((n) == (max)) {                                            \
			(max) = (max) ? 2 * (max) : 64;                        \
			(array) =                                              \
			    xreallocarray((array), (max), sizeof(*(array)));   \
		}                                                              \
	} while (0)

static void add_srv(struct zone *z, const ldns_rr *rr)
{
	GROW(z->srvs, z->srv_n, z->srv_max);
	z->srvs[z->srv_n++] = (struct srv){
		.at = place_of(z),
		.owner = text_of(z->im, ldns_rr_owner(rr)),
		.priority = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0)),
		.weight = ldns_rdf2native_int16(ldns_rr_rdf(rr, 1)),
		.port = ldns_rdf2native_int16(ldns_rr_rdf(rr, 2)),
		.target = text_of(z->im, ldns_rr_rdf(rr, 3)),
		.ttl_s = (int)(ldns_rr_ttl(rr) & INT32_MAX),
	};
}

static void add_address(struct zone *z, const ldns_rr *rr)
{
	const char *text = text_of(z->im, ldns_rr_rdf(rr, 0));

	GROW(z->addresses, z->address_n, z->address_max);
	z->addresses[z->address_n++] = (struct address){
		.name = text_of(z->im, ldns_rr_owner(rr)),
		.text = import_address(z->im, text),
		.v6 = ldns_rr_get_type(rr) == LDNS_RR_TYPE_AAAA,
	};
}

static void add_record(struct zone *z, const ldns_rr *rr)
{
	ldns_rr_type type = ldns_rr_get_type(rr);

	if (type == LDNS_RR_TYPE_SRV && ldns_rr_rd_count(rr) == 4) {
		add_srv(z, rr);
	} else if ((type == LDNS_RR_TYPE_A || type == LDNS_RR_TYPE_AAAA) &&
	           ldns_rr_rd_count(rr) == 1) {
		add_address(z, rr);
	} else {
		z->others_n++;
	}
}

static void read_entry(struct zone *z, FILE *f, uint32_t *ttl_s,
    ldns_rdf **origin, ldns_rdf **owner)
{
	int lines = (int)z->line; /* that were read whole */
	ldns_rr *rr = NULL;
	ldns_status s =
	    ldns_rr_new_frm_fp_l(&rr, f, ttl_s, origin, owner, &lines);

	/* the last line may have no end */
	z->line += (unsigned long)lines == z->line;
	z->line = lines > (int)z->line ? (unsigned long)lines : z->line;
	const struct import_place at = place_of(z);

	if (s == LDNS_STATUS_OK) {
		add_record(z, rr);
		ldns_rr_free(rr);
	} else if (s == LDNS_STATUS_SYNTAX_INCLUDE_ERR_NOTIMPL ||
	           s == LDNS_STATUS_SYNTAX_INCLUDE) {
		import_left_out(z->im, at, "$INCLUDE: import that file, too");
	} else if (s != LDNS_STATUS_SYNTAX_TTL &&
	           s != LDNS_STATUS_SYNTAX_ORIGIN &&
	           s != LDNS_STATUS_SYNTAX_EMPTY) {
		import_refuse(z->im, at, "found no record (%s), expected one",
		    ldns_get_errorstr_by_id(s));
	}
}

static void read_records(struct zone *z, FILE *f)
{
	ldns_rdf *origin = ldns_dname_new_frm_str(z->im->config->zone);
	ldns_rdf *owner = origin ? ldns_rdf_clone(origin) : NULL;
	uint32_t ttl_s = 0;

	while (!feof(f) && !import_is_over(z->im))
		read_entry(z, f, &ttl_s, &origin, &owner);
	ldns_rdf_deep_free(origin);
	ldns_rdf_deep_free(owner);
}

/* ---- names ------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct address *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (int)x->v6 - (int)y->v6;
}

/* The first of its addresses, or NULL. */
static struct address *find_addresses(const struct zone *z, const char *name)
{
	size_t low = 0, high = z->address_n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(z->addresses[mid].name, name) < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low < z->address_n && !strcmp(z->addresses[low].name, name)
	           ? &z->addresses[low]
	           : NULL;
}

/*
 * "_web._tcp.svc.internal." to web and tcp, "_grpc._tcp.web.svc.internal." to
 * grpc as well.
 */
static bool take_owner(const struct zone *z, struct srv *s)
{
	size_t len = strlen(s->owner), suffix = strlen(z->suffix);
	const char *end = s->owner + len - suffix;

	if (len <= suffix || strcmp(end, z->suffix) != 0)
		return false;
	char *name = arena_memdup(z->im->arena, s->owner, len - suffix);
	char *dot = strchr(name, '.');

	if (!dot || *name != '_' || dot[1] != '_')
		return false;
	char *rest = strchr(dot + 1, '.');

	*dot = '\0';
	if (rest)
		*rest = '\0';
	s->protocol = dot + 2;
	s->service = rest ? rest + 1 : name + 1;
	s->port_name = rest ? name + 1 : NULL;
	return label_is_service(s->service) && label_is_service(s->protocol) &&
	       (!rest || label_is_service(s->port_name));
}

/* The first label of the target, as it is in our own zones. */
static const char *make_name(
    struct zone *z, const struct srv *s, const char *service)
{
	struct import *im = z->im;
	size_t len = strcspn(s->target, ".");
	const char *first =
	    import_label(im, arena_memdup(im->arena, s->target, len));
	const char *const names[] = {
		first,
		import_label(
		    im, arena_printf(im->arena, "%s-%d", first, s->port)),
		import_label(im, s->target),
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (label_is_instance(names[i]) &&
		    !import_claim(im, service, names[i], s->at))
			return names[i];
	}
	return NULL;
}

/* ---- records to instances ---------------------------------------------- */

static void take_addresses(struct zone *z, const struct srv *s,
    struct address *a, struct import_line *l)
{
	const struct address *end = z->addresses + z->address_n;

	for (; a < end && strcmp(a->name, s->target) == 0; a++) {
		a->used = true;
		if (!l->address) {
			l->address = a->text;
		} else if (a->v6 && !strchr(l->address, ':') && !l->address6) {
			l->address6 = a->text;
		} else {
			import_left_out(z->im, s->at,
			    "address %s of %s: expected one of each family",
			    a->text, a->name);
		}
	}
}

/* The further ports of the service, with the numbers of the instance. */
static char *make_ports(
    struct zone *z, const struct srv *s, const struct port_sets *sets)
{
	struct port_row rows[PORTS_MAX];

	if (sets->n < 2)
		return NULL;
	for (size_t k = 1; k < sets->n; k++) {
		rows[k - 1] = (struct port_row){ sets->items[k].name,
			sets->items[k].protocol, s->others[k] };
	}
	return xstrdup(
	    registry_ports_text(z->im->arena, rows, (unsigned)(sets->n - 1)));
}

static void put_srv(
    struct zone *z, const struct srv *s, const struct port_sets *sets)
{
	struct import_line l = import_blank();
	struct address *a = find_addresses(z, s->target);

	if (!a) {
		import_left_out(z->im, s->at,
		    "SRV %s: target %s has no address in this file", s->owner,
		    s->target);
		return;
	}
	take_addresses(z, s, a, &l);
	l.service = s->service;
	if (!(l.id = make_name(z, s, l.service))) {
		import_left_out(z->im, s->at,
		    "SRV %s: target %s makes no instance: another has its "
		    "name, or it is no label",
		    s->owner, s->target);
		return;
	}
	l.protocol = s->protocol;
	l.port_name = sets->items[0].name;
	l.ports = make_ports(z, s, sets);
	l.port = s->port ? s->port : ROW_DEFAULT;
	l.priority = s->priority;
	l.weight = s->weight;
	l.ttl_s = s->ttl_s;
	if (strcmp(l.service, z->im->service) == 0)
		l.ttl_s = z->im->ttl_s; /* an RRset has one TTL */
	import_put(z->im, &l, s->at);
}

/* By service; its ports without names first, as they come. */
static int by_service(const void *a, const void *b)
{
	const struct srv *x = a, *y = b;
	int order = strcmp(x->service, y->service);

	if (!order)
		order = (x->port_name != NULL) - (y->port_name != NULL);
	if (!order)
		order = x->at.line < y->at.line ? -1 : x->at.line > y->at.line;
	return order;
}

/* n records of one service. */
static void put_service(struct zone *z, struct srv *srvs, size_t n)
{
	struct port_sets sets;

	port_sets_make(&sets, z->im, srvs, n);
	for (size_t i = 0; i < n && !import_is_over(z->im); i++) {
		if (srvs[i].is_first)
			put_srv(z, &srvs[i], &sets);
	}
	port_sets_release(&sets);
}

/* Those that name a service, one service after another. */
static void put_services(struct zone *z)
{
	size_t n = 0;

	for (size_t i = 0; i < z->srv_n; i++) {
		struct srv *s = &z->srvs[i];

		if (take_owner(z, s)) {
			z->srvs[n++] = *s;
			continue;
		}
		import_left_out(z->im, s->at,
		    "SRV %s: expected _SERVICE._PROTOCOL%s or "
		    "_PORT._PROTOCOL.SERVICE%s",
		    s->owner, z->suffix, z->suffix);
	}
	if (n)
		qsort(z->srvs, n, sizeof(*z->srvs), by_service);
	for (size_t i = 0, k; i < n && !import_is_over(z->im); i = k) {
		for (k = i + 1;
		     k < n && !strcmp(z->srvs[k].service, z->srvs[i].service);)
			k++;
		put_service(z, z->srvs + i, k - i);
	}
}

/* What is no service: of that only numbers are told. */
static void tell_rest(struct zone *z)
{
	const struct import_place end = place_of(z);
	unsigned long n = 0;

	for (size_t i = 0; i < z->address_n; i++)
		n += !z->addresses[i].used;
	if (n) {
		import_left_out(z->im, end,
		    "%lu address%s: no SRV record below %s names %s", n,
		    n == 1 ? "" : "es", z->im->config->zone,
		    n == 1 ? "it" : "them");
	}
	if (z->others_n) {
		import_left_out(z->im, end,
		    "%lu record%s of other types: expected SRV, A and AAAA",
		    z->others_n, z->others_n == 1 ? "" : "s");
	}
}

/* Without a name of the format: nearly any text is a zone file of a kind. */
static void refuse_guess(struct import *im)
{
	const struct diags *d = &im->result.left_out;

	for (unsigned i = 0; i < d->n; i++)
		(void)diags_add(im->errors, -EINVAL, "%s", d->items[i].text);
	import_bad(im, (struct import_place){ 1, 0 },
	    "found no SRV record in what was taken for a zone file, expected "
	    "some below %s; see --format",
	    im->config->zone);
}

void import_zone(struct import *im, char *text, size_t len)
{
	struct zone z = { .im = im,
		.suffix = arena_printf(im->arena, ".%s.", im->config->zone) };
	expand(&z, text, len);
	FILE *f = fmemopen(z.text, z.len ? z.len : 1, "r");

	if (!f)
		abort(); /* out of memory */
	read_records(&z, f);
	(void)fclose(f);
	if (z.address_n) {
		qsort(z.addresses, z.address_n, sizeof(*z.addresses), by_name);
	}
	put_services(&z);
	if (!im->error)
		tell_rest(&z);
	if (!im->error && !z.srv_n && im->config->format == FORMAT_AUTO)
		refuse_guess(im);
	free(z.srvs);
	free(z.addresses);
	free(z.text);
	free(z.lines);
}
