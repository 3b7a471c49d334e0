// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/report/ports.h"

#include "registrar/lib/json.h"
#include "schema/conf/units.h"

#include <string.h>

/* Those of a column; n of them behind the m that are there. */
static unsigned add(
    struct arena *a, struct port_row *items, unsigned m, const char *column)
{
	json_t *all = column ? json_nested(column) : NULL, *one;
	unsigned n = m;
	size_t k;

	json_array_foreach(all, k, one)
	{
		const char *name =
		    json_string_value(json_object_get(one, "name"));
		const char *protocol =
		    json_string_value(json_object_get(one, "protocol"));

		if (n == PORTS_MAX)
			break;
		items[n++] = (struct port_row){
			.name = name ? arena_strdup(a, name) : NULL,
			.protocol =
			    arena_strdup(a, protocol ? protocol : "tcp"),
			.port = (int)json_integer_value(
			    json_object_get(one, "port")),
		};
	}
	json_decref(all);
	return n;
}

static bool is_same(
    const struct port_row *p, const char *name, const char *protocol)
{
	return !strcmp(p->protocol, protocol) &&
	       (p->name && name ? !strcmp(p->name, name) : p->name == name);
}

struct port_list port_list_of(
    struct arena *a, const struct service_row *s, const struct instance_row *i)
{
	struct port_list l = { .n = 1 };
	struct port_row other[PORTS_MAX];
	unsigned other_n = add(a, other, 0, i ? i->ports : NULL);

	l.items = arena_alloc(a, s->ports ? PORTS_MAX : 1, sizeof(*l.items));
	l.items[0] = (struct port_row){ .name = s->port_name,
		.protocol = s->protocol,
		.port = i && i->port != ROW_DEFAULT ? i->port : s->port };
	l.n = add(a, l.items, 1, s->ports);
	for (unsigned k = 1; k < l.n; k++) {
		for (unsigned o = 0; o < other_n; o++) {
			if (is_same(
			        &l.items[k], other[o].name, other[o].protocol))
				l.items[k].port = other[o].port;
		}
	}
	return l;
}

const struct port_row *port_list_find(
    const struct port_list *l, const char *name, const char *protocol)
{
	for (unsigned k = 0; k < l->n; k++) {
		const struct port_row *p = &l->items[k];

		if (name ? is_same(p, name, protocol)
		         : !strcmp(p->protocol, protocol))
			return p;
	}
	return NULL;
}

const char *port_text(struct arena *a, const struct port_row *p)
{
	const char *name = p->name ? p->name : "";
	const char *blank = p->name ? " " : "";

	if (p->port == ROW_DEFAULT)
		return arena_printf(a, "%s%s%s", name, blank, p->protocol);
	return arena_printf(a, "%s%s%d/%s", name, blank, p->port, p->protocol);
}

const char *port_list_text(struct arena *a, const struct port_list *l)
{
	const char *text = "";

	if (l->n == 1 && !l->items[0].name)
		return l->items[0].protocol;
	for (unsigned k = 0; k < l->n; k++) {
		text = arena_printf(a, "%s%s%s", text, k ? ", " : "",
		    port_text(a, &l->items[k]));
	}
	return text;
}

json_t *port_list_json(const struct port_list *l)
{
	json_t *all = json_must(json_array());

	for (unsigned k = 0; k < l->n; k++) {
		json_t *o = json_must(json_object());

		if (l->items[k].name)
			json_set(o, "name", json_text(l->items[k].name));
		if (l->items[k].port != ROW_DEFAULT)
			json_set(o, "port", json_integer(l->items[k].port));
		json_set(o, "protocol", json_text(l->items[k].protocol));
		json_array_append_new(all, o);
	}
	return all;
}

/* ---- of a command line ------------------------------------------------- */

/* A label of at most size - 1 octets. */
static bool take_label(char *to, size_t size, const char *from, size_t len)
{
	if (len >= size)
		return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return label_is_service(to);
}

bool port_arg_parse(const char *text, struct port_arg *ret_p)
{
	const char *equals = strchr(text, '=');
	const char *number = equals ? equals + 1 : text;
	const char *slash = strchr(number, '/');
	size_t len = slash ? (size_t)(slash - number) : strlen(number);
	struct port_arg p = { .port = 0 };
	char digits[8];
	int64_t port;

	if ((equals && !take_label(p.name, sizeof(p.name), text,
	                   (size_t)(equals - text))) ||
	    (slash && !take_label(p.protocol, sizeof(p.protocol), slash + 1,
	                  strlen(slash + 1))) ||
	    len >= sizeof(digits))
		return false;
	memcpy(digits, number, len);
	digits[len] = '\0';
	if (units_int(digits, NULL, &port) < 0 || port < 1 || port > 65535)
		return false;
	p.port = (int)port;
	*ret_p = p;
	return true;
}

bool port_arg_is_valid(const char *text)
{
	struct port_arg p;

	return port_arg_parse(text, &p);
}

bool port_arg_is(
    const struct port_arg *p, const struct port_list *l, unsigned k)
{
	const struct port_row *of = &l->items[k];

	if (!*p->name && !*p->protocol)
		return k == 0;
	return !strcmp(of->name ? of->name : "", p->name) &&
	       (!*p->protocol || !strcmp(of->protocol, p->protocol));
}
