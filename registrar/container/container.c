// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/container/container.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NETWORKS_MAX 64
#define TEXT_MAX 4096 /* octets of a label, of a name */

static void drop_json(json_t **j)
{
	json_decref(*j);
}
#define scoped_json __attribute__((cleanup(drop_json)))

/* ---- small things ----------------------------------------------------- */

/* It becomes part of a path that is asked for. */
static bool is_id(const char *text)
{
	size_t len = strspn(text, "0123456789abcdef");

	return len >= 12 && len <= CONTAINER_ID_MAX && !text[len];
}

/* A text of the object; "" if it is none, or too long to be one. */
static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text && strlen(text) <= TEXT_MAX ? text : "";
}

static const char *copy(struct arena *a, const char *text)
{
	return arena_strdup(a, text);
}

/* For people and logs: what does not print is gone. */
static const char *copy_clean(struct arena *a, const char *text)
{
	char *clean = arena_strdup(a, text);

	for (char *p = clean; *p; p++) {
		if (*p < 0x20 || *p > 0x7e)
			*p = '_';
	}
	return clean;
}

/* NULL: it is none, or that of nobody. */
static const char *address_of(struct arena *a, const json_t *o, const char *key)
{
	const char *text = text_of(o, key);
	char raw[16], canonical[INET6_ADDRSTRLEN];
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, raw) != 1 ||
	    !inet_ntop(family, raw, canonical, sizeof(canonical)))
		return NULL;
	return copy(a, canonical);
}

/* RFC 3339: "2026-11-26T20:01:02.123456789Z", or with "+01:00". */
static int64_t parse_time(const char *text)
{
	struct tm tm = { 0 };
	const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t ms = 0, offset_s = 0;

	if (!p || tm.tm_year < 70)
		return 0;
	if (*p == '.') {
		int64_t scale = 100;

		for (p++; isdigit((unsigned char)*p); p++, scale /= 10)
			ms += scale * (*p - '0');
	}
	if (*p == '+' || *p == '-') {
		int64_t sign = *p == '-' ? -1 : 1;
		char *end;
		long hours = strtol(p + 1, &end, 10);
		long minutes = *end == ':' ? strtol(end + 1, NULL, 10) : 0;

		if (hours < 0 || hours > 24 || minutes < 0 || minutes > 59)
			return 0;
		offset_s = sign * (hours * 3600 + minutes * 60);
	}
	return ((int64_t)timegm(&tm) - offset_s) * 1000 + ms;
}

/* ---- labels ----------------------------------------------------------- */

static void take_labels(struct container *c, json_t *labels)
{
	const char *key;
	json_t *value;
	size_t room = json_object_size(labels);

	if (room > CONTAINER_LABELS_MAX)
		room = CONTAINER_LABELS_MAX;
	c->labels.items = arena_alloc(c->arena, room, sizeof(*c->labels.items));
	json_object_foreach(labels, key, value)
	{
		const char *text = json_string_value(value);

		if (!text || c->labels.n == room || strlen(text) > TEXT_MAX ||
		    strlen(key) > TEXT_MAX)
			continue;
		c->labels.items[c->labels.n++] =
		    (struct conf_pair){ copy(c->arena, key),
			    copy(c->arena, text) };
	}
}

const char *container_label(const struct container *c, const char *key)
{
	for (unsigned n = 0; n < c->labels.n; n++) {
		if (!strcmp(c->labels.items[n].key, key))
			return c->labels.items[n].value;
	}
	return NULL;
}

/* ---- ports ------------------------------------------------------------ */

/* "80/tcp" */
static bool parse_port(const char *text, struct container_port *p)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (!isdigit((unsigned char)*text) || port < 1 || port > 65535)
		return false;
	*p = (struct container_port){ .port = (int)port,
		.udp = !strcmp(end, "/udp"),
		.host_address = "" };
	return p->udp || !strcmp(end, "/tcp");
}

/* [{"HostIp": "0.0.0.0", "HostPort": "8080"}, ...]: the first that is one. */
static void take_binding(
    struct container *c, struct container_port *p, const json_t *bindings)
{
	for (size_t n = 0; n < json_array_size(bindings); n++) {
		const json_t *b = json_array_get(bindings, n);
		const char *address = address_of(c->arena, b, "HostIp");
		long port = strtol(text_of(b, "HostPort"), NULL, 10);

		if (port < 1 || port > 65535)
			continue;
		p->host_port = (int)port;
		if (address && strcmp(address, "0.0.0.0") != 0 &&
		    strcmp(address, "::") != 0)
			p->host_address = address;
		return;
	}
}

static int by_port(const void *a, const void *b)
{
	const struct container_port *x = a, *y = b;

	return x->udp != y->udp ? x->udp - y->udp : x->port - y->port;
}

static bool has_port(const struct container_port *all, unsigned n,
    const struct container_port *p)
{
	for (unsigned k = 0; k < n; k++) {
		if (all[k].port == p->port && all[k].udp == p->udp)
			return true;
	}
	return false;
}

static void add_ports(
    struct container *c, struct container_port *all, json_t *ports)
{
	const char *key;
	json_t *value;
	struct container_port p;

	json_object_foreach(ports, key, value)
	{
		if (c->port_n == CONTAINER_PORTS_MAX || !parse_port(key, &p) ||
		    has_port(all, c->port_n, &p))
			continue;
		take_binding(c, &p, value);
		all[c->port_n++] = p;
	}
}

/* Published ones first: the others say no more than that they are there. */
static void take_ports(struct container *c, json_t *published, json_t *exposed)
{
	struct container_port *all =
	    arena_alloc(c->arena, CONTAINER_PORTS_MAX, sizeof(*all));

	add_ports(c, all, published);
	add_ports(c, all, exposed);
	if (c->port_n)
		qsort(all, c->port_n, sizeof(*all), by_port);
	c->ports = all;
}

/* ---- networks --------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct container_network *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void take_networks(struct container *c, json_t *networks)
{
	struct container_network *all =
	    arena_alloc(c->arena, NETWORKS_MAX, sizeof(*all));
	const char *key;
	json_t *value;

	json_object_foreach(networks, key, value)
	{
		if (c->network_n == NETWORKS_MAX || strlen(key) > TEXT_MAX)
			continue;
		all[c->network_n++] = (struct container_network){
			.name = copy(c->arena, key),
			.address = address_of(c->arena, value, "IPAddress"),
			.address6 =
			    address_of(c->arena, value, "GlobalIPv6Address"),
		};
	}
	if (c->network_n)
		qsort(all, c->network_n, sizeof(*all), by_name);
	c->networks = all;
}

/* ---- inspect ---------------------------------------------------------- */

static void take_state(struct container *c, const json_t *state)
{
	json_int_t pid = json_integer_value(json_object_get(state, "Pid"));

	c->running = json_is_true(json_object_get(state, "Running"));
	if (c->running && pid > 0 && pid <= INT32_MAX)
		c->pid = (pid_t)pid;
	c->started_wall_ms = parse_time(text_of(state, "StartedAt"));
}

int container_parse(const char *text, size_t len, struct container **ret_c)
{
	scoped_json json_t *root = json_loadb(text, len, 0, NULL);
	const json_t *config = json_object_get(root, "Config");
	const json_t *network = json_object_get(root, "NetworkSettings");
	const json_t *host = json_object_get(root, "HostConfig");
	const char *id = text_of(root, "Id"), *name = text_of(root, "Name");

	if (!is_id(id) || !json_is_object(json_object_get(root, "State")))
		return -EINVAL;
	struct arena *a = arena_new();
	struct container *c = arena_alloc(a, 1, sizeof(*c));

	c->arena = a;
	c->id = copy(a, id);
	c->name = copy_clean(a, name + (*name == '/'));
	c->image = copy_clean(a, text_of(config, "Image"));
	c->host_network = !strcmp(text_of(host, "NetworkMode"), "host");
	take_state(c, json_object_get(root, "State"));
	take_labels(c, json_object_get(config, "Labels"));
	take_ports(c, json_object_get(network, "Ports"),
	    json_object_get(config, "ExposedPorts"));
	take_networks(c, json_object_get(network, "Networks"));
	*ret_c = c;
	return 0;
}

void container_free(struct container *c)
{
	if (c)
		arena_free(c->arena);
}

/* ---- list and events -------------------------------------------------- */

int container_list_parse(
    const char *text, size_t len, container_list_fn fn, void *arg)
{
	scoped_json json_t *root = json_loadb(text, len, 0, NULL);

	if (!json_is_array(root))
		return -EINVAL;
	for (size_t n = 0; n < json_array_size(root); n++) {
		const json_t *c = json_array_get(root, n);
		const char *id = text_of(c, "Id");

		if (is_id(id))
			fn(arg, id, !strcmp(text_of(c, "State"), "running"));
	}
	return 0;
}

/* What happens in it and with its files, but does not change it. */
static bool is_same(const char *action)
{
	static const char *const starts[] = { "exec", "attach", "detach", "top",
		"resize", "copy", "export", "commit", "archive", "extract",
		"checkpoint", "prune" };

	for (size_t n = 0; n < sizeof(starts) / sizeof(starts[0]); n++) {
		if (!strncmp(action, starts[n], strlen(starts[n])))
			return true;
	}
	return false;
}

static enum container_event_kind kind_of(const char *action)
{
	if (!strcmp(action, "die") || !strcmp(action, "died"))
		return CONTAINER_ENDED;
	if (!strcmp(action, "destroy") || !strcmp(action, "remove"))
		return CONTAINER_REMOVED;
	return is_same(action) ? CONTAINER_SAME : CONTAINER_CHANGED;
}

/* Of networks, in the words of the engine, what joins and leaves them. */
int container_event_parse(
    const char *text, size_t len, struct container_event *ret_e)
{
	scoped_json json_t *root = json_loadb(text, len, 0, NULL);
	const json_t *actor = json_object_get(root, "Actor");
	const char *type = text_of(root, "Type");
	const char *id = text_of(actor, "ID");
	struct container_event e = { .kind = CONTAINER_SAME };

	if (!json_is_object(root))
		return -EINVAL;
	if (!strcmp(type, "network")) {
		id = text_of(json_object_get(actor, "Attributes"), "container");
		e.kind = CONTAINER_CHANGED;
	} else if (!strcmp(type, "container")) {
		e.kind = kind_of(text_of(root, "Action"));
	}
	if (!is_id(id)) {
		e.kind = CONTAINER_SAME;
	} else {
		memcpy(e.id, id, strlen(id) + 1);
	}
	*ret_e = e;
	return 0;
}

/* ---- where to reach it ------------------------------------------------ */

static const struct container_port *choose_port(
    const struct container *c, const struct container_choice *choice)
{
	const struct container_port *only_exposed = NULL;

	for (unsigned n = 0; n < c->port_n; n++) {
		const struct container_port *p = &c->ports[n];

		if (p->udp != choice->udp ||
		    (choice->port && choice->port != p->port))
			continue;
		if (p->host_port || choice->network)
			return p;
		if (!only_exposed)
			only_exposed = p;
	}
	return only_exposed;
}

static const char *choose_address(
    const struct container *c, const char *network)
{
	for (unsigned n = 0; n < c->network_n; n++) {
		const struct container_network *w = &c->networks[n];

		if (network && strcmp(network, w->name) != 0)
			continue;
		if (w->address || w->address6)
			return w->address ? w->address : w->address6;
	}
	return NULL;
}

int container_place(const struct container *c,
    const struct container_choice *choice, struct container_place *ret_p,
    const char **ret_why)
{
	const struct container_port *p = choose_port(c, choice);
	int port = p ? p->port : choice->port;

	bool own = choice->network && !c->host_network;

	if (!port && !own) {
		*ret_why = "it exposes no port";
		return -ENOENT;
	}
	if (own) {
		const char *address = choose_address(c, choice->network_name);

		if (!address) {
			*ret_why = "it has no address in that network";
			return -ENOENT;
		}
		*ret_p = (struct container_place){ address, port };
		return 0;
	}
	/* in the host's network nothing is published: it is there */
	if (c->host_network) {
		*ret_p = (struct container_place){ NULL, port };
		return 0;
	}
	if (!p || !p->host_port) {
		*ret_why = "its port is not published";
		return -ENOENT;
	}
	*ret_p =
	    (struct container_place){ *p->host_address ? p->host_address : NULL,
		    p->host_port };
	return 0;
}
