// SPDX-License-Identifier: BSD-2-Clause
/*
 * The records of a zone as a master file. Which instances are in which answer
 * is explain.h's to say; the names are those of design and
 * dnsd/registry/compile.c.
 */
#include "registrar/exchange/export.h"
#include "registrar/lib/json.h"
#include "registrar/report/explain.h"
#include "registrar/report/ports.h"

#include <string.h>

/* The timers of dnsd/zonefile/apex.c. */
#define SOA_TIMERS "3600 600 86400"
#define NEGATIVE_TTL_S 2
#define STRING_MAX 255

struct zonefile {
	FILE *f;
	struct arena *arena;
	const struct export_config *c;
};

/* "owner ttl type ", in columns */
static void put_head(
    const struct zonefile *z, const char *owner, int ttl_s, const char *type)
{
	unsigned ttl = ttl_s == ROW_DEFAULT ? z->c->ttl_s : (unsigned)ttl_s;

	(void)fprintf(z->f, "%-23s %5u %-4s ", owner, ttl, type);
}

static void put_record(const struct zonefile *z, const char *owner, int ttl_s,
    const char *type, const char *data)
{
	put_head(z, owner, ttl_s, type);
	(void)fprintf(z->f, "%s\n", data);
}

/* A character string in quotes, RFC 1035 section 5.1. */
static void put_string(FILE *f, const char *s)
{
	(void)fputc('"', f);
	for (unsigned n = 0; n < STRING_MAX && s[n]; n++) {
		unsigned char c = (unsigned char)s[n];

		if (c == '"' || c == '\\') {
			(void)fprintf(f, "\\%c", c);
		} else if (c < ' ' || c > '~') {
			(void)fprintf(f, "\\%03u", c);
		} else {
			(void)fputc(c, f);
		}
	}
	(void)fputc('"', f);
}

/* RFC 1464 */
static void put_meta(
    const struct zonefile *z, const char *owner, int ttl_s, const char *meta)
{
	json_t *pairs = json_nested(meta), *value;
	const char *key;

	if (json_object_size(pairs)) {
		put_head(z, owner, ttl_s, "TXT");
		json_object_foreach(pairs, key, value)
		{
			put_string(z->f, arena_printf(z->arena, "%s=%s", key,
			                     json_string_value(value)));
			(void)fputc(' ', z->f);
		}
		(void)fputc('\n', z->f);
	}
	json_decref(pairs);
}

static void put_addresses(const struct zonefile *z, const char *owner,
    int ttl_s, const struct instance_row *row, unsigned types)
{
	bool v6 = strchr(row->address, ':');

	if (!v6 && types & 1u << EXPLAIN_A)
		put_record(z, owner, ttl_s, "A", row->address);
	if (v6 && types & 1u << EXPLAIN_AAAA)
		put_record(z, owner, ttl_s, "AAAA", row->address);
	if (row->address6 && types & 1u << EXPLAIN_AAAA)
		put_record(z, owner, ttl_s, "AAAA", row->address6);
}

/* _S._P of the first port of each protocol, _N._P.S of each with a name. */
static void put_srv(const struct zonefile *z, const struct status_service *s,
    const struct explain_instance *x, const char *target)
{
	const struct port_list l = port_list_of(z->arena, &s->row, &x->i->row);

	for (unsigned k = 0; k < l.n; k++) {
		const struct port_row *p = &l.items[k];
		const char *data = arena_printf(z->arena, "%d %d %d %s",
		    x->i->row.priority, x->weight,
		    p->port == ROW_DEFAULT ? 0 : p->port, target);

		if (port_list_find(&l, NULL, p->protocol) == p) {
			put_record(z,
			    arena_printf(
			        z->arena, "_%s._%s", s->row.name, p->protocol),
			    s->row.ttl_s, "SRV", data);
		}
		if (p->name) {
			put_record(z,
			    arena_printf(z->arena, "_%s._%s.%s", p->name,
			        p->protocol, s->row.name),
			    s->row.ttl_s, "SRV", data);
		}
	}
}

static void put_instance(const struct zonefile *z,
    const struct status_service *s, const struct explain_instance *x)
{
	const struct instance_row *row = &x->i->row;
	const char *owner =
	    arena_printf(z->arena, "%s.%s", row->name, s->row.name);

	if (x->types & 1u << EXPLAIN_SRV)
		put_srv(z, s, x, owner);
	put_addresses(z, s->row.name, s->row.ttl_s, row, x->types);
	/* whatever its health: a target must resolve */
	put_addresses(z, owner, s->row.ttl_s, row, EXPLAIN_ALL);
	put_meta(z, owner, s->row.ttl_s, row->meta);
}

static void put_service(struct zonefile *z, const struct status_report *r,
    const struct status_service *s)
{
	struct status_service alone = *s;
	struct status_report one = *r;
	struct explain e;

	z->arena = arena_new();
	alone.row.max_answers = 0; /* a server has all of them */
	one.services = &alone;
	one.service_n = 1;
	explain_service(&e, &one, 0, NULL, 0, z->arena);
	(void)fprintf(z->f, "\n; %s\n", s->row.name);
	put_meta(z, s->row.name, s->row.ttl_s, s->row.meta);
	for (unsigned k = 0; k < s->instance_n; k++)
		put_instance(z, s, &e.instances[k]);
	arena_free(z->arena);
}

void export_print_zone(
    FILE *f, const struct status_report *r, struct export_config *c)
{
	struct zonefile z = { .f = f, .c = c };

	(void)fprintf(f,
	    "; What dnsd answers, at revision %lld. SOA and NS are to be "
	    "edited.\n"
	    "$ORIGIN %s.\n$TTL %u\n"
	    "@ 3600 SOA ns1 hostmaster %u " SOA_TIMERS " %d\n"
	    "@ 3600 NS ns1\n",
	    (long long)c->revision, c->zone, c->ttl_s, (uint32_t)c->revision,
	    NEGATIVE_TTL_S);
	for (unsigned k = 0; k < r->service_n; k++) {
		if (strcmp(r->services[k].row.zone, c->zone) == 0)
			put_service(&z, r, &r->services[k]);
	}
}
