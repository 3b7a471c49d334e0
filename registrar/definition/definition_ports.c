// SPDX-License-Identifier: BSD-2-Clause
/*
 * The ports of a service: `{http: 8080, grpc: 9090}`, or a list of maps where
 * their protocols differ or they have no names. The same of an instance says
 * other numbers for some of them.
 */
#include "registrar/definition/definition_parts.h"
#include "schema/label.h"

#include <errno.h>
#include <string.h>

#define PORT_MAX 65535

/* ---- what is written -------------------------------------------------- */

bool protocol_is_valid(const char *text)
{
	return label_is_service(text) && strlen(text) <= 15;
}

static int finish(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	struct raw_port *raw = base;

	(void)c;
	raw->node = map;
	return 0;
}

#define AT(member) .offset = offsetof(struct raw_port, member)

static const struct conf_field fields[] = {
	{ .key = "name",
	    .kind = CONF_STRING,
	    .valid = label_is_service,
	    .expects = LABEL_SERVICE_RULE,
	    AT(row.name) },
	{ .key = "port",
	    .kind = CONF_INT,
	    .required = true,
	    .low = 1,
	    .high = PORT_MAX,
	    AT(row.port) },
	{ .key = "protocol",
	    .kind = CONF_STRING,
	    .valid = protocol_is_valid,
	    .expects = PROTOCOL_RULE,
	    AT(row.protocol) },
	{ 0 },
};
static const struct conf_table port_table = { .what = "a port",
	.size = sizeof(struct raw_port),
	.fields = fields,
	.finish = finish };

static int take_list(
    struct conf_context *c, const struct conf_node *node, struct raw_ports *p)
{
	static const struct conf_field list = {
		.key = "ports", .kind = CONF_TABLES, .table = &port_table
	};
	struct conf_array all = { 0 };
	int r = conf_take(c, &list, node, &all);

	p->items = all.items;
	p->n = all.n;
	return r;
}

static int take_map(
    struct conf_context *c, const struct conf_node *node, struct raw_ports *p)
{
	int r = 0;

	p->items = arena_alloc(c->arena, node->n, sizeof(*p->items));
	for (const struct conf_node *k = node->first; k; k = k->next) {
		const struct conf_field number = { .key = k->key->text,
			.kind = CONF_INT,
			.low = 1,
			.high = PORT_MAX };
		struct raw_port *raw = &p->items[p->n++];

		*raw = (struct raw_port){ .node = k->key,
			.row.name = k->key->text };
		if (!label_is_service(raw->row.name)) {
			r = conf_bad(c, k->key,
			    "found %s as the name of a port, "
			    "expected " LABEL_SERVICE_RULE,
			    conf_describe(c, k->key));
		} else if (conf_take(c, &number, k, &raw->row.port) < 0) {
			r = -EINVAL;
		}
	}
	return r;
}

int take_port_list(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	struct raw_ports *p = at;

	(void)f;
	p->node = node;
	if (node->type == CONF_MAP)
		return take_map(c, node, p);
	if (node->type == CONF_LIST)
		return take_list(c, node, p);
	return conf_bad(c, node, "found %s for 'ports', expected " PORTS_RULE,
	    conf_describe(c, node));
}

/* ---- of a service ----------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool has_port(
    const struct raw_port *p, const char *name, const char *protocol)
{
	return same_text(p->row.name, name) &&
	       (!protocol || !strcmp(p->row.protocol, protocol));
}

/* Against those before it. */
static int check_port(
    struct conf_context *c, const struct raw_ports *p, unsigned i)
{
	const struct port_row *row = &p->items[i].row;

	for (unsigned k = 0; k < i; k++) {
		if (strcmp(p->items[k].row.protocol, row->protocol) != 0)
			continue;
		if (!row->name) {
			return conf_bad(c, p->items[i].node,
			    "found a port without a name after another of "
			    "protocol '%s', expected it to have one",
			    row->protocol);
		}
		if (has_port(&p->items[k], row->name, NULL)) {
			return conf_bad(c, p->items[i].node,
			    "found port '%s' of protocol '%s' a second time, "
			    "expected it once (first in line %u)",
			    row->name, row->protocol, p->items[k].node->line);
		}
	}
	return 0;
}

int finish_ports(
    struct conf_context *c, const struct conf_node *map, struct raw_service *s)
{
	struct raw_ports *p = &s->ports;
	int r = 0;

	if (!p->node)
		return 0;
	if (conf_get(map, "port")) {
		return conf_bad(c, p->node->key,
		    "found 'ports' beside 'port', expected one of them");
	}
	if (!p->n || p->n > PORTS_MAX) {
		return conf_bad(c, p->node, "found %u ports, expected 1 to %d",
		    p->n, PORTS_MAX);
	}
	for (unsigned i = 0; i < p->n; i++) {
		if (!p->items[i].row.protocol)
			p->items[i].row.protocol = s->protocol;
		if (check_port(c, p, i) < 0)
			r = -EINVAL;
	}
	s->port = p->items[0].row.port;
	s->protocol = p->items[0].row.protocol;
	return r;
}

static const char *text_of(
    struct arena *a, const struct raw_port *items, unsigned n)
{
	struct port_row *rows = arena_alloc(a, n + 1, sizeof(*rows));

	for (unsigned i = 0; i < n; i++)
		rows[i] = items[i].row;
	return registry_ports_text(a, rows, n);
}

void resolve_ports(struct conf_context *c, const struct raw_service *raw,
    struct definition_service *s)
{
	const struct raw_ports *p = &raw->ports;

	if (!p->n)
		return;
	s->port_name = p->items[0].row.name;
	s->ports = text_of(c->arena, p->items + 1, p->n - 1);
}

/* ---- of an instance --------------------------------------------------- */

/* What an instance has put together so far. */
struct numbers {
	struct raw_port items[PORTS_MAX];
	unsigned n;
	bool first; /* its own number of the first port is there */
};

static int take_number(struct conf_context *c, struct numbers *all,
    const struct raw_port *said, const struct raw_port *of, int *port)
{
	bool is_twice = port && all->first;

	for (unsigned k = 0; !port && k < all->n; k++) {
		is_twice |=
		    has_port(&all->items[k], of->row.name, of->row.protocol);
	}
	if (is_twice) {
		return conf_bad(c, said->node,
		    "found the number of port '%s' a second time, expected "
		    "it once",
		    of->row.name ? of->row.name : of->row.protocol);
	}
	if (port) {
		all->first = true;
		*port = said->row.port;
	} else {
		all->items[all->n] = *of;
		all->items[all->n++].row.port = said->row.port;
	}
	return 0;
}

static const char *known_ports(
    struct conf_context *c, const struct raw_ports *p)
{
	const char *text = "";

	for (unsigned i = 0; i < p->n; i++) {
		const struct port_row *row = &p->items[i].row;

		text = arena_printf(c->arena, "%s%s%s/%s", text, i ? ", " : "",
		    row->name ? row->name : "", row->protocol);
	}
	return text;
}

static int take_said(struct conf_context *c, const struct raw_ports *p,
    struct numbers *all, const struct raw_port *said, int *port)
{
	bool found = false;

	for (unsigned k = 0; k < p->n; k++) {
		const struct raw_port *of = &p->items[k];

		if (!has_port(of, said->row.name, said->row.protocol))
			continue;
		found = true;
		if (take_number(c, all, said, of, k ? NULL : port) < 0)
			return -EINVAL;
	}
	if (found)
		return 0;
	if (!p->n) {
		return conf_bad(c, said->node,
		    "found 'ports' of an instance, expected its service to "
		    "have 'ports', or 'port' alone");
	}
	return conf_bad(c, said->node,
	    "found %s%s%s, expected a port of its service: %s",
	    said->row.name ? "port '" : "a port without a name",
	    said->row.name ? said->row.name : "", said->row.name ? "'" : "",
	    known_ports(c, p));
}

int resolve_instance_ports(struct conf_context *c, const struct raw_service *s,
    const struct raw_instance *raw, struct definition_instance *i)
{
	struct numbers all = { .first = raw->port != ROW_DEFAULT };
	int r = 0;

	for (unsigned k = 0; k < raw->ports.n; k++) {
		if (take_said(
		        c, &s->ports, &all, &raw->ports.items[k], &i->port) < 0)
			r = -EINVAL;
	}
	i->ports = text_of(c->arena, all.items, all.n);
	return r;
}
