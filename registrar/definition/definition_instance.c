// SPDX-License-Identifier: BSD-2-Clause
/*
 * One instance: what its map says, and what follows from that, from its
 * service and from the defaults.
 */
#include "registrar/definition/definition_parts.h"
#include "schema/label.h"

#include <errno.h>
#include <string.h>

#define WEIGHT_DEFAULT 100

static bool is_locality(const char *text)
{
	return label_is_valid(text, LABEL_MAX);
}

/* ---- weights ---------------------------------------------------------- */

static const struct conf_field weights_fields[] = {
	{ .key = "passing",
	    .kind = CONF_INT,
	    .high = 65535,
	    .absent = ROW_DEFAULT,
	    .offset = offsetof(struct raw_weights, passing) },
	{ .key = "warning",
	    .kind = CONF_INT,
	    .high = 65535,
	    .absent = ROW_DEFAULT,
	    .offset = offsetof(struct raw_weights, warning) },
	{ 0 },
};
const struct conf_table raw_weights_table = { .what = "weights",
	.size = sizeof(struct raw_weights),
	.fields = weights_fields };

int check_weights(struct conf_context *c, const struct conf_node *map)
{
	const struct conf_node *both = conf_get(map, "weights");

	if (!both || !conf_get(map, "weight"))
		return 0;
	return conf_bad(c, both->key,
	    "found 'weights' beside 'weight', expected one of them");
}

/* ---- the table -------------------------------------------------------- */

static int finish(
    struct conf_context *c, const struct conf_node *map, void *base);

#define AT(member) .offset = offsetof(struct raw_instance, member)

static const struct conf_field fields[] = {
	{ .key = "name",
	    .kind = CONF_STRING,
	    .valid = label_is_instance,
	    .expects = LABEL_INSTANCE_RULE,
	    AT(name) },
	{ .key = "address",
	    .kind = CONF_STRING,
	    .valid = address_is_valid,
	    .expects = "the IPv4 or IPv6 address of a host, not its name",
	    AT(address) },
	{ .key = "address6",
	    .kind = CONF_STRING,
	    .valid = address_is_valid,
	    .expects = "an IPv6 address",
	    AT(address6) },
	{ .key = "port",
	    .kind = CONF_INT,
	    .low = 1,
	    .high = 65535,
	    .absent = ROW_DEFAULT,
	    AT(port) },
	{ .key = "ports",
	    .kind = CONF_CUSTOM,
	    .custom = take_port_list,
	    .expects = PORTS_RULE,
	    AT(ports) },
	{ .key = "priority", .kind = CONF_INT, .high = 65535, AT(priority) },
	{ .key = "weight",
	    .kind = CONF_INT,
	    .high = 65535,
	    .absent = ROW_DEFAULT,
	    AT(weights.passing) },
	{ .key = "weights",
	    .kind = CONF_TABLE,
	    .table = &raw_weights_table,
	    AT(weights) },
	{ .key = "locality",
	    .kind = CONF_STRING,
	    .valid = is_locality,
	    .expects = LABEL_RULE,
	    AT(locality) },
	{ .key = "tags", .kind = CONF_CUSTOM, .custom = take_tags, AT(tags) },
	{ .key = "meta", .kind = CONF_CUSTOM, .custom = take_meta, AT(meta) },
	{ .key = "process",
	    .kind = CONF_CUSTOM,
	    .custom = take_process,
	    .expects = PROCESS_RULE,
	    AT(process) },
	{ .key = "checks",
	    .kind = CONF_CUSTOM,
	    .custom = take_checks,
	    .expects = "a list of checks",
	    AT(checks) },
	{ .key = "on_drained",
	    .kind = CONF_CUSTOM,
	    .custom = take_drained,
	    .expects = DRAINED_RULE,
	    AT(drained) },
	{ 0 },
};
const struct conf_table raw_instance_table = { .what = "an instance",
	.size = sizeof(struct raw_instance),
	.fields = fields,
	.finish = finish };

static int finish(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	struct raw_instance *raw = base;
	const struct conf_node *second = conf_get(map, "address6");

	raw->node = map;
	if (second && !address_is_ipv6(raw->address6)) {
		return conf_bad(c, second,
		    "found %s for 'address6', expected an IPv6 address",
		    conf_describe(c, second));
	}
	if (second && (!raw->address || address_is_ipv6(raw->address))) {
		return conf_bad(c, second->key,
		    "found 'address6' without an IPv4 'address', expected "
		    "both or 'address' alone");
	}
	return check_weights(c, map);
}

/* ---- resolving -------------------------------------------------------- */

/*
 * "10-0-1-12-8080", "fd00--1-8080": stays the same as long as the address
 * and the port do, wherever in the file the instance stands. A label has no
 * hyphen at its ends, so "::1" is written "0::1" first. What every host has
 * needs the host: "127-0-0-1-8080-vm1".
 */
static const char *make_name(
    struct arena *a, const char *address, int port, const char *node)
{
	bool everywhere = strncmp(address, "127.", 4) == 0 ||
	                  strncmp(address, "169.254.", 8) == 0 ||
	                  strcmp(address, "::1") == 0 ||
	                  strncmp(address, "fe80:", 5) == 0;
	size_t len = strlen(address);
	const char *before = address[0] == ':' ? "0" : "";
	const char *after = address[len - 1] == ':' ? "0" : "";
	char *name =
	    port == ROW_DEFAULT
	        ? arena_printf(a, "%s%s%s", before, address, after)
	        : arena_printf(a, "%s%s%s-%d", before, address, after, port);

	for (char *p = name; *p; p++) {
		if (*p == '.' || *p == ':')
			*p = '-';
	}
	if (!node || !everywhere)
		return name;
	name = arena_printf(a, "%s-%s", name, node);
	/* the longest address and port leave 22 of a label */
	if (strlen(name) > LABEL_MAX)
		name[LABEL_MAX] = '\0';
	for (char *p = name + strlen(name) - 1; *p == '-'; p--)
		*p = '\0';
	return name;
}

/* One weight as it is written, which becomes the one that is emitted. */
static int scale_weight(struct conf_context *c, const struct raw_service *s,
    const struct raw_instance *raw, int *weight)
{
	if (*weight == ROW_DEFAULT)
		return 0;
	if (*weight > UINT16_MAX / s->weight_scale) {
		return conf_bad(c, raw->node,
		    "found an instance of weight %d with 'weight_scale: %d', "
		    "expected a weight of at most %d",
		    *weight, s->weight_scale, UINT16_MAX / s->weight_scale);
	}
	*weight *= s->weight_scale;
	return 0;
}

static int resolve_weights(struct conf_context *c, const struct raw_service *s,
    const struct raw_instance *raw, struct definition_instance *i)
{
	i->weight = raw->weights.passing;
	i->weight_warning = raw->weights.warning;
	if (i->weight == ROW_DEFAULT) {
		i->weight = s->weights.passing == ROW_DEFAULT
		                ? WEIGHT_DEFAULT
		                : s->weights.passing;
		if (i->weight_warning == ROW_DEFAULT)
			i->weight_warning = s->weights.warning;
	}
	int r = scale_weight(c, s, raw, &i->weight);

	return r < 0 ? r : scale_weight(c, s, raw, &i->weight_warning);
}

int resolve_instance(struct conf_context *c, const struct raw_service *s,
    const struct raw_instance *raw, const struct definition_defaults *defaults,
    const struct conf_pairs *more, struct definition_instance *ret_i)
{
	struct arena *a = c->arena;
	struct definition_instance i = { .priority = raw->priority,
		.locality = raw->locality,
		.tags = raw->tags ? raw->tags : "[]",
		.meta = raw->meta ? raw->meta : "{}",
		.line = raw->node->line,
		.column = raw->node->column };

	i.address = address_canonical(
	    a, raw->address ? raw->address : defaults->address);
	if (!i.address) {
		return conf_bad(c, raw->node,
		    "found '%s' as the address of this host, expected an IPv4 "
		    "or IPv6 address",
		    defaults->address);
	}
	if (raw->address6)
		i.address6 = address_canonical(a, raw->address6);
	i.port = raw->port == ROW_DEFAULT ? s->port : raw->port;
	int r = resolve_instance_ports(c, s, raw, &i);
	i.name = raw->name ? raw->name
	                   : make_name(a, i.address, i.port, defaults->node);
	if (resolve_weights(c, s, raw, &i) < 0)
		r = -EINVAL;

	const struct template_vars v = { .address = i.address,
		.name = i.name,
		.service = s->name,
		.zone = s->zone ? s->zone : defaults->zone,
		.port = i.port,
		.literal = s->literal,
		.more = more };

	if (resolve_process(c, raw->process.given ? &raw->process : &s->process,
	        &v, &i.process) < 0)
		r = -EINVAL;
	if (resolve_checks(
	        c, raw->checks.given ? &raw->checks : &s->checks, &v, &i) < 0)
		r = -EINVAL;
	if (resolve_drained(c, raw->drained.given ? &raw->drained : &s->drained,
	        &v, &i.process, &i.drained) < 0)
		r = -EINVAL;
	*ret_i = i;
	return r;
}
