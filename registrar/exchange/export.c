// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/exchange/export.h"

#include "registrar/lib/json.h"
#include "registrar/report/ports.h"

#include <string.h>

struct exporter {
	FILE *f;
	const struct status_report *r;
	struct export_config *c;
	json_t *ids; /* Consul: how many instances have the name */
	unsigned n;  /* written so far */
};

typedef void (*export_fn)(struct exporter *x, const struct status_service *s,
    const struct status_instance *i);

static int port_of(
    const struct status_service *s, const struct status_instance *i)
{
	return i->row.port == ROW_DEFAULT ? s->row.port : i->row.port;
}

static void set_number(json_t *o, const char *key, int n)
{
	if (n != ROW_DEFAULT)
		json_set(o, key, json_integer(n));
}

static void set_text(json_t *o, const char *key, const char *text)
{
	if (text)
		json_set(o, key, json_text(text));
}

/* All but the first, with the numbers of the instance. */
static void set_ports(
    json_t *o, const struct status_service *s, const struct status_instance *i)
{
	struct arena *a = arena_new();
	struct port_list l = port_list_of(a, &s->row, &i->row);

	l.items++;
	l.n--;
	if (l.n)
		json_set(o, "ports", port_list_json(&l));
	arena_free(a);
}

/* But for "[]" and "{}". */
static void set_nested(json_t *o, const char *key, const char *text)
{
	if (strlen(text) > 2)
		json_set(o, key, json_nested(text));
}

static void put_json(struct exporter *x, json_t *o)
{
	(void)json_dumpf(o, x->f, JSON_COMPACT);
	json_decref(o);
}

/* ---- lines ------------------------------------------------------------- */

static void put_line(struct exporter *x, const struct status_service *s,
    const struct status_instance *i)
{
	json_t *o = json_must(json_object());

	json_set(o, "service", json_text(s->row.name));
	json_set(o, "id", json_text(i->row.name));
	json_set(o, "address", json_text(i->row.address));
	set_text(o, "address6", i->row.address6);
	set_number(o, "port", port_of(s, i));
	json_set(o, "weight", json_integer(i->row.weight));
	set_number(o, "weight_warning", i->row.weight_warning);
	json_set(o, "priority", json_integer(i->row.priority));
	set_text(o, "locality", i->row.locality);
	set_nested(o, "tags", i->row.tags);
	set_nested(o, "meta", i->row.meta);
	if (strcmp(s->row.protocol, "tcp") != 0)
		json_set(o, "protocol", json_text(s->row.protocol));
	set_text(o, "port_name", s->row.port_name);
	if (s->row.ports)
		set_ports(o, s, i);
	set_number(o, "ttl", s->row.ttl_s);
	put_json(x, o);
	(void)fputc('\n', x->f);
}

/* ---- Consul ------------------------------------------------------------ */

/* IDs are one name space: the service's name goes before where it must. */
static json_t *make_id(struct exporter *x, const struct status_service *s,
    const struct status_instance *i)
{
	const json_t *n = json_object_get(x->ids, i->row.name);

	if (json_integer_value(n) < 2)
		return json_text(i->row.name);
	return json_must(json_sprintf("%s-%s", s->row.name, i->row.name));
}

static json_t *make_weights(const struct instance_row *row)
{
	json_t *o = json_must(json_object());
	int passing = instance_row_passing_weight(row);
	int warning =
	    row->weight_warning == ROW_DEFAULT ? passing : row->weight_warning;

	/* Consul has none below 1 */
	json_set(o, "passing", json_integer(passing ? passing : 1));
	json_set(o, "warning", json_integer(warning));
	return o;
}

static void put_consul(struct exporter *x, const struct status_service *s,
    const struct status_instance *i)
{
	json_t *o = json_must(json_object());

	json_set(o, "name", json_text(s->row.name));
	json_set(o, "id", make_id(x, s, i));
	json_set(o, "address", json_text(i->row.address));
	if (i->row.address6) {
		json_t *lan = json_must(json_object());
		json_t *tagged = json_must(json_object());

		json_set(lan, "address", json_text(i->row.address6));
		set_number(lan, "port", port_of(s, i));
		json_set(tagged, "lan_ipv6", lan);
		json_set(o, "tagged_addresses", tagged);
	}
	set_number(o, "port", port_of(s, i));
	set_nested(o, "tags", i->row.tags);
	set_nested(o, "meta", i->row.meta);
	json_set(o, "weights", make_weights(&i->row));
	(void)fputs(x->n ? ",\n" : "\n", x->f);
	put_json(x, o);
}

static void count_id(struct exporter *x, const struct status_service *s,
    const struct status_instance *i)
{
	const json_t *n = json_object_get(x->ids, i->row.name);

	(void)s;
	json_set(x->ids, i->row.name, json_integer(json_integer_value(n) + 1));
}

/* ---- SkyDNS ------------------------------------------------------------ */

/* "/internal/svc" of "svc.internal" */
static void put_path(FILE *f, const char *zone)
{
	size_t end = strlen(zone);

	while (end) {
		size_t start = end;

		while (start && zone[start - 1] != '.')
			start--;
		(void)fprintf(f, "/%.*s", (int)(end - start), zone + start);
		end = start ? start - 1 : 0;
	}
}

/* What `etcdctl get --prefix /skydns` prints: the key, then the value. */
static void put_skydns(struct exporter *x, const struct status_service *s,
    const struct status_instance *i)
{
	const char *meta = i->row.meta;
	json_t *o = json_must(json_object());
	json_t *pairs = json_nested(meta);
	const char *key = json_object_iter_key(json_object_iter(pairs));

	(void)fputs("/skydns", x->f);
	put_path(x->f, s->row.zone);
	(void)fprintf(x->f, "/%s/%s\n", s->row.name, i->row.name);
	json_set(o, "host", json_text(i->row.address));
	set_number(o, "port", port_of(s, i));
	json_set(o, "priority", json_integer(i->row.priority));
	json_set(
	    o, "weight", json_integer(instance_row_passing_weight(&i->row)));
	set_number(o, "ttl", s->row.ttl_s);
	if (key) { /* it has room for one TXT record */
		const char *value =
		    json_string_value(json_object_get(pairs, key));

		json_set(o, "text", json_sprintf("%s=%s", key, value));
	}
	put_json(x, o);
	(void)fputc('\n', x->f);
	json_decref(pairs);
}

/* ---- all of them ------------------------------------------------------- */

static void each(struct exporter *x, export_fn fn)
{
	for (unsigned k = 0; k < x->r->service_n; k++) {
		const struct status_service *s = &x->r->services[k];

		if (strcmp(s->row.zone, x->c->zone) != 0)
			continue;
		for (unsigned n = 0; n < s->instance_n; n++) {
			const struct status_instance *i =
			    &x->r->instances[s->instance_0 + n];

			if (i->eligible.why == ELIGIBLE_EXPIRED)
				continue;
			fn(x, s, i);
			x->n++;
		}
	}
}

static void print_consul(struct exporter *x)
{
	x->ids = json_must(json_object());
	each(x, count_id);
	x->n = 0;
	(void)fputs("{\"services\":[", x->f);
	each(x, put_consul);
	(void)fputs("\n]}\n", x->f);
	json_decref(x->ids);
}

static void count_left_out(
    const struct status_report *r, struct export_config *c)
{
	for (unsigned n = 0; n < r->instance_n; n++) {
		const struct status_instance *i = &r->instances[n];

		if (i->eligible.why == ELIGIBLE_EXPIRED &&
		    strcmp(i->row.zone, c->zone) == 0)
			c->left_out_n++;
	}
}

/* Of Consul and SkyDNS a service has one port. */
static void count_ports(const struct status_report *r, struct export_config *c)
{
	if (c->format != FORMAT_CONSUL && c->format != FORMAT_SKYDNS)
		return;
	for (unsigned k = 0; k < r->service_n; k++) {
		const struct service_row *s = &r->services[k].row;

		c->port_cut_n += s->ports && !strcmp(s->zone, c->zone);
	}
}

void export_print(
    FILE *f, const struct status_report *r, struct export_config *c)
{
	struct exporter x = { .f = f, .r = r, .c = c };

	count_left_out(r, c);
	count_ports(r, c);
	switch (c->format) {
	case FORMAT_CONSUL:
		print_consul(&x);
		break;
	case FORMAT_SKYDNS:
		each(&x, put_skydns);
		break;
	case FORMAT_ZONE:
		export_print_zone(f, r, c);
		break;
	case FORMAT_AUTO:
	case FORMAT_LINES:
	default:
		each(&x, put_line);
		break;
	}
}
