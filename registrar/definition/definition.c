// SPDX-License-Identifier: BSD-2-Clause
/*
 * A file in three steps: its text to a tree (conf_parse), the tree to raw
 * structs by the tables, raw structs to services with their instances. The
 * third runs only when the first two found nothing wrong.
 */
#include "registrar/definition/definition_consul.h"
#include "registrar/definition/definition_loop.h"
#include "registrar/definition/definition_parts.h"
#include "schema/label.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define TTL_MAX_S 604800

struct raw_file {
	struct conf_array services; /* of struct raw_service */
};

/* ---- the tables ------------------------------------------------------- */

static int finish_service(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	struct raw_service *s = base;

	const struct conf_node *list = conf_get(map, "instances");

	s->node = map;
	if (finish_ports(c, map, s) < 0)
		return -EINVAL;
	if (list && !s->instances.plain.n && !s->instances.each.n) {
		return conf_bad(c, list,
		    "found an empty list for 'instances', expected at least "
		    "one, or no 'instances' for one on this host");
	}
	if (!list && s->port == ROW_DEFAULT && !s->process.given) {
		return conf_bad(c, map,
		    "found a service without 'instances', 'port', 'ports' and "
		    "'process', expected at least one of them");
	}
	return check_weights(c, map);
}

/* In the order of enum on_empty. */
static const char *const on_empty_names[] = { "nodata", "nxdomain", "all",
	NULL };

#define AT(member) .offset = offsetof(struct raw_service, member)

static const struct conf_field service_fields[] = {
	{ .key = "service",
	    .kind = CONF_STRING,
	    .required = true,
	    .valid = label_is_service,
	    .expects = LABEL_SERVICE_RULE,
	    AT(name) },
	{ .key = "zone",
	    .kind = CONF_STRING,
	    .valid = label_is_zone,
	    .expects = ZONE_RULE,
	    AT(zone) },
	{ .key = "protocol",
	    .kind = CONF_STRING,
	    .valid = protocol_is_valid,
	    .expects = PROTOCOL_RULE,
	    .fallback = "tcp",
	    AT(protocol) },
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
	{ .key = "ttl",
	    .kind = CONF_SECONDS,
	    .high = TTL_MAX_S,
	    .absent = ROW_DEFAULT,
	    AT(ttl_s) },
	{ .key = "max_answers",
	    .kind = CONF_INT,
	    .low = 1,
	    .high = 65535,
	    .word = "all",
	    .absent = ROW_DEFAULT,
	    AT(max_answers) },
	{ .key = "on_empty",
	    .kind = CONF_ENUM,
	    .names = on_empty_names,
	    AT(on_empty) },
	{ .key = "tags", .kind = CONF_CUSTOM, .custom = take_tags, AT(tags) },
	{ .key = "meta", .kind = CONF_CUSTOM, .custom = take_meta, AT(meta) },
	{ .key = "weight",
	    .kind = CONF_INT,
	    .high = 65535,
	    .absent = ROW_DEFAULT,
	    AT(weights.passing) },
	{ .key = "weights",
	    .kind = CONF_TABLE,
	    .table = &raw_weights_table,
	    AT(weights) },
	{ .key = "weight_scale",
	    .kind = CONF_INT,
	    .low = 1,
	    .high = 65535,
	    .absent = 1,
	    AT(weight_scale) },
	{ .key = "instances",
	    .kind = CONF_CUSTOM,
	    .custom = take_instances,
	    .expects = "a list of maps, each an instance",
	    AT(instances) },
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
	{ .key = "mesh",
	    .kind = CONF_CUSTOM,
	    .custom = take_mesh,
	    .expects = "a map",
	    AT(mesh) },
	{ 0 },
};
static const struct conf_table service_table = { .what = "a service",
	.size = sizeof(struct raw_service),
	.fields = service_fields,
	.also = &raw_policy_table,
	.finish = finish_service };

static const struct conf_field file_fields[] = {
	{ .key = "services",
	    .kind = CONF_TABLES,
	    .table = &service_table,
	    .required = true,
	    .offset = offsetof(struct raw_file, services) },
	{ 0 },
};
static const struct conf_table file_table = {
	.what = "a file with 'services'",
	.size = sizeof(struct raw_file),
	.fields = file_fields,
};

/* ---- no name twice ---------------------------------------------------- */

struct seen {
	const char *name;
	unsigned line;
};

static int by_name(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void keep(void *item)
{
	(void)item; /* it lives in the arena */
}

/* True if `name` is new; else *ret_line is where it was first. */
static bool see(struct arena *a, void **tree, const char *name, unsigned line,
    unsigned *ret_line)
{
	struct seen *item = arena_alloc(a, 1, sizeof(*item));

	*item = (struct seen){ .name = name, .line = line };
	struct seen *const *found = tsearch(item, tree, by_name);

	if (!found)
		abort(); /* out of memory */
	*ret_line = (*found)->line;
	return *found == item;
}

static int check_instance_names(
    struct conf_context *c, const struct definition_service *s)
{
	void *tree = NULL;
	unsigned first;
	int r = 0;

	for (unsigned k = 0; k < s->instance_n; k++) {
		const struct definition_instance *i = &s->instances[k];
		const struct conf_node at = { .line = i->line,
			.column = i->column };

		if (!label_fits(i->name, s->name, s->protocol, s->zone)) {
			r = conf_bad(c, &at,
			    "found instance '%s' of a service and zone with "
			    "long names, expected " LABELS_RULE,
			    i->name);
		}
		if (!see(c->arena, &tree, i->name, i->line, &first)) {
			r = conf_bad(c, &at,
			    "found instance '%s' a second time, expected it "
			    "once (first in line %u)",
			    i->name, first);
		}
	}
	tdestroy(tree, keep);
	return r;
}

static int check_service_names(
    struct conf_context *c, const struct definition *d)
{
	void *tree = NULL;
	unsigned first;
	int r = 0;

	for (unsigned k = 0; k < d->service_n; k++) {
		const struct definition_service *s = &d->services[k];
		const struct conf_node at = { .line = s->line,
			.column = s->column };
		const char *name =
		    arena_printf(c->arena, "%s.%s", s->name, s->zone);

		if (!see(c->arena, &tree, name, s->line, &first)) {
			r = conf_bad(c, &at,
			    "found service '%s' a second time, expected it "
			    "once (first in line %u)",
			    s->name, first);
		}
	}
	tdestroy(tree, keep);
	return r;
}

/* ---- raw to resolved -------------------------------------------------- */

static int resolve_instances(struct conf_context *c,
    const struct raw_service *raw, const struct definition_defaults *defaults,
    struct definition_service *s)
{
	/* a service without instances runs once, on this host */
	struct raw_instance self = { .node = raw->node,
		.port = ROW_DEFAULT,
		.weights = { ROW_DEFAULT, ROW_DEFAULT } };
	bool given = raw->instances.plain.n || raw->instances.each.n;
	const struct raw_instance *all =
	    given ? raw->instances.plain.items : &self;
	unsigned n = given ? raw->instances.plain.n : 1;
	struct definition_instance *out =
	    arena_alloc(c->arena, n, sizeof(*out));
	int r = 0;

	for (unsigned i = 0; i < n; i++) {
		if (resolve_instance(c, raw, &all[i], defaults, NULL, &out[i]) <
		    0)
			r = -EINVAL;
	}
	s->instances = out;
	s->instance_n = n;
	if (resolve_each(c, raw, defaults, s) < 0)
		r = -EINVAL;
	return r < 0 ? r : check_instance_names(c, s);
}

static int resolve_service(struct conf_context *c,
    const struct raw_service *raw, const struct definition_defaults *defaults,
    struct definition_service *ret_s)
{
	*ret_s = (struct definition_service){
		.zone = arena_strdup(
		    c->arena, raw->zone ? raw->zone : defaults->zone),
		.name = raw->name,
		.protocol = raw->protocol,
		.port = raw->port,
		.ttl_s = raw->ttl_s,
		.max_answers = raw->max_answers,
		.on_empty = (enum on_empty)raw->on_empty,
		.tags = raw->tags ? raw->tags : "[]",
		.meta = raw->meta ? raw->meta : "{}",
		.mesh = raw->mesh,
		.line = raw->node->line,
		.column = raw->node->column,
	};
	int r = resolve_policy(
	    c, &raw->policy, raw->node, ret_s->zone, &ret_s->policy);

	resolve_ports(c, raw, ret_s);
	return resolve_instances(c, raw, defaults, ret_s) < 0 ? -EINVAL : r;
}

static int resolve_file(struct conf_context *c, const struct raw_service *raw,
    unsigned n, const struct definition_defaults *defaults,
    struct definition *d)
{
	struct definition_service *out = arena_alloc(c->arena, n, sizeof(*out));
	unsigned total = 0;
	int r = 0;

	for (unsigned i = 0; i < n; i++)
		total += raw[i].instances.plain.n;
	if (total > DEFINITION_MAX_INSTANCES) {
		return conf_bad(c, raw[0].node,
		    "found %u instances in a file, expected at most %d", total,
		    DEFINITION_MAX_INSTANCES);
	}
	for (unsigned i = 0; i < n; i++) {
		if (resolve_service(c, &raw[i], defaults, &out[i]) < 0)
			r = -EINVAL;
	}
	d->services = out;
	d->service_n = n;
	return r < 0 ? r : check_service_names(c, d);
}

/* Its names and arguments may hold braces that are no templates. */
static void set_literal(struct conf_array *services)
{
	struct raw_service *all = services->items;

	for (unsigned i = 0; i < services->n; i++)
		all[i].literal = true;
}

/* One service at the top, or `services:` and a list of them. */
static int read_root(struct conf_context *c, const struct conf_node *root,
    const struct definition_defaults *defaults, struct definition *d)
{
	bool consul = consul_is_definition(root);

	if (consul && consul_translate(c, root, &root) < 0)
		return -EINVAL;
	bool many = root->type == CONF_MAP && conf_get(root, "services");
	struct raw_file file = { 0 };
	struct raw_service one = { 0 };
	int r = many ? conf_fill(c, &file_table, root, &file)
	             : conf_fill(c, &service_table, root, &one);

	if (r < 0)
		return r;
	if (!many)
		return resolve_file(c, &one, 1, defaults, d);
	if (!file.services.n) /* as tools write it that have none */
		return 0;
	if (consul)
		set_literal(&file.services);
	return resolve_file(
	    c, file.services.items, file.services.n, defaults, d);
}

int definition_parse(const char *file, const char *text, size_t len,
    const struct definition_defaults *defaults, struct definition **ret_d,
    struct diags *reterr)
{
	struct diags warnings;
	struct arena *a = arena_new();
	struct definition *d = arena_alloc(a, 1, sizeof(*d));
	struct conf_context c = {
		.arena = a, .diags = reterr, .warnings = &warnings
	};
	const struct conf_node *root;

	diags_init(&warnings);
	c.file = d->file = arena_strdup(a, file);
	d->arena = a;
	int r = consul_refuse_hcl(&c, text, len);

	if (r == 0)
		r = conf_parse(&c, text, len, &root);
	if (r == 0)
		r = read_root(&c, root, defaults, d);
	if (r == 0 && definition_has_loop(d, reterr))
		r = -EINVAL;
	if (r < 0) {
		arena_free(a);
		return r;
	}
	if (warnings.n) { /* seldom, and large */
		struct diags *kept = arena_alloc(a, 1, sizeof(*kept));

		*kept = warnings;
		d->warnings = kept;
	}
	*ret_d = d;
	return 0;
}

void definition_free(struct definition *d)
{
	if (d)
		arena_free(d->arena);
}
