// SPDX-License-Identifier: BSD-2-Clause
/*
 * for_each: one map of a file that becomes an instance for each thing that is
 * found. The map is kept as a tree, see definition_made.c; here is what it
 * says about what to look for, and whether it can become an instance at all.
 */
#include "registrar/definition/definition_parts.h"
#include "registrar/lib/match.h"
#include "registrar/lib/sockets.h"

#include <errno.h>
#include <string.h>

#define EACH_RULE "a map with one of process, listening, container"
#define EACH_PROCESS_RULE "a map with one of exe, cmdline"
#define LISTENING_RULE                                                         \
	"PORT, FROM-TO, or a list of these; with ADDRESS: before it, for "     \
	"UDP with /udp behind it"
#define GROUP_MAX 9 /* {1} to {9} */

/* ---- what to look for ------------------------------------------------- */

static bool is_ports(const char *text)
{
	struct socket_spec s;

	return socket_spec_parse(text, &s) == 0;
}

static int take_ports(
    struct conf_context *c, const struct conf_node *node, struct each_spec *e)
{
	static const struct conf_field ports = { .key = "listening",
		.kind = CONF_STRINGS,
		.valid = is_ports,
		.expects = LISTENING_RULE };

	e->kind = EACH_LISTENING;
	return conf_take(c, &ports, node, &e->ports);
}

static int take_process_each(
    struct conf_context *c, const struct conf_node *node, struct each_spec *e)
{
	static const struct conf_field process = { .key = "process",
		.kind = CONF_CUSTOM,
		.custom = take_process,
		.expects = EACH_PROCESS_RULE };
	static const struct template_vars none = { .port = ROW_DEFAULT,
		.literal = true };
	struct raw_process raw = { .given = false };
	int r = conf_take(c, &process, node, &raw);

	e->kind = EACH_PROCESS;
	if (r < 0)
		return r;
	if (raw.spec.kind != PROCESS_EXE && raw.spec.kind != PROCESS_CMDLINE) {
		return conf_bad(c, raw.node,
		    "found %s for 'process' of 'for_each', expected " EACH_PROCESS_RULE,
		    conf_describe(c, node->first ? node->first->key : node));
	}
	return resolve_process(c, &raw, &none, &e->process);
}

static int take_container_each(
    struct conf_context *c, const struct conf_node *node, struct each_spec *e)
{
	e->kind = EACH_CONTAINER;
	return take_container(c, node, &e->container);
}

static const struct {
	const char *key;
	int (*take)(struct conf_context *c, const struct conf_node *node,
	    struct each_spec *e);
} kinds[] = {
	{ "process", take_process_each },
	{ "listening", take_ports },
	{ "container", take_container_each },
};

static int take_kind(
    struct conf_context *c, const struct conf_node *node, struct each_spec *e)
{
	if (node->type != CONF_MAP || node->n != 1) {
		return conf_bad(c, node,
		    "found %s for 'for_each', expected " EACH_RULE,
		    node->n > 1 ? "several keys" : conf_describe(c, node));
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(kinds[i].key, node->first->key->text))
			return kinds[i].take(c, node->first, e);
	}
	return conf_bad(c, node->first->key,
	    "found key %s in 'for_each', expected " EACH_RULE,
	    conf_describe(c, node->first->key));
}

bool each_spec_equal(const struct each_spec *a, const struct each_spec *b)
{
	if (a->kind != b->kind || a->needs_port != b->needs_port ||
	    a->uses_groups != b->uses_groups || a->ports.n != b->ports.n)
		return false;
	for (unsigned i = 0; i < a->ports.n; i++) {
		if (strcmp(a->ports.items[i], b->ports.items[i]) != 0)
			return false;
	}
	if (a->kind == EACH_CONTAINER)
		return container_filter_equal(&a->container, &b->container);
	return a->kind != EACH_PROCESS ||
	       process_spec_equal(&a->process, &b->process);
}

/* ---- a list of instances, some of them for_each ----------------------- */

static bool is_port(const char *text)
{
	return strstr(text, "{port}") != NULL;
}

static bool is_group(const char *text)
{
	for (const char *p = strchr(text, '{'); p; p = strchr(p + 1, '{')) {
		if (p[1] >= '1' && p[1] <= '9' && p[2] == '}')
			return true;
	}
	return false;
}

static bool node_says(const struct conf_node *n, bool (*is)(const char *text))
{
	bool says = is(n->text);

	for (const struct conf_node *k = n->first; k && !says; k = k->next)
		says = node_says(k, is);
	return says;
}

/* In what is filled in here: elsewhere {port} is that of the instance. */
static bool map_says(const struct conf_node *map, bool (*is)(const char *text))
{
	bool says = false;

	for (const struct conf_node *k = map->first; k && !says; k = k->next)
		says = !each_is_deferred(k) && node_says(k, is);
	return says;
}

/* Which part of what matches falls to a group is to be as POSIX has it. */
static int check_groups(struct conf_context *c, const struct conf_node *node,
    const struct each_spec *e)
{
	const char *pattern = e->process.what;
	const char *why = NULL;

	if (e->uses_groups && e->process.kind == PROCESS_CMDLINE)
		why = regex_problem(c->arena, pattern, true);
	return why ? conf_bad(c, node,
	                 "found '%s' for 'cmdline' beside {1}, expected a "
	                 "POSIX extended regular expression (%s)",
	                 pattern, why)
	           : 0;
}

int take_instances(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	static const struct conf_field list = { .key = "instances",
		.kind = CONF_TABLES,
		.table = &raw_instance_table };
	struct raw_instances *raw = at;
	struct conf_node plain = *node;
	struct each_spec *each;
	int r = 0;

	(void)f;
	if (node->type != CONF_LIST)
		return conf_take(c, &list, node, &raw->plain);
	plain.first = plain.last = NULL;
	plain.n = 0;
	raw->each.items = each = arena_alloc(c->arena, node->n, sizeof(*each));
	for (const struct conf_node *n = node->first; n; n = n->next) {
		const struct conf_node *what =
		    n->type == CONF_MAP ? conf_get(n, "for_each") : NULL;
		struct conf_node *copy = each_copy_node(c->arena, n);

		if (!what) {
			each_append(&plain, copy);
			continue;
		}
		each->map = n;
		each->line = n->line;
		each->column = n->column;
		if (take_kind(c, what, each) < 0)
			r = -EINVAL;
		each->needs_port = map_says(n, is_port);
		each->uses_groups = map_says(n, is_group);
		if (check_groups(c, what, each) < 0)
			r = -EINVAL;
		each++;
		raw->each.n++;
	}
	return conf_take(c, &list, &plain, &raw->plain) < 0 ? -EINVAL : r;
}

/* ---- is it right at all? ---------------------------------------------- */

static unsigned group_n(const struct each_spec *e)
{
	struct match *m;

	if (e->process.kind != PROCESS_CMDLINE ||
	    match_new(e->process.what, false, &m, NULL) < 0)
		return 0;
	unsigned n = match_group_n(m);

	match_free(m);
	return n < GROUP_MAX ? n : GROUP_MAX;
}

static const struct conf_pair samples[] = { { "pid", "1" }, { "exe", "x" },
	{ "1", "1" }, { "2", "1" }, { "3", "1" }, { "4", "1" }, { "5", "1" },
	{ "6", "1" }, { "7", "1" }, { "8", "1" }, { "9", "1" } };
static const struct conf_pair container_samples[] = { { "container", "x" },
	{ "id", "x" }, { "image", "x" }, { LABEL_VARS, "1" } };

/* Sets all but the port; items has room for all. */
static void set_sample(const struct each_spec *e, struct each_found *found)
{
	struct conf_pairs *vars = &found->vars;

	switch (e->kind) {
	case EACH_PROCESS:
		found->name = "x-1";
		found->process = (struct process_spec){ PROCESS_PID, "1 1" };
		vars->n = 2 + group_n(e);
		memcpy(vars->items, samples, vars->n * sizeof(*samples));
		break;
	case EACH_CONTAINER:
		found->name = "x";
		found->process =
		    (struct process_spec){ PROCESS_CONTAINER, "x" };
		vars->n = 4;
		memcpy(
		    vars->items, container_samples, sizeof(container_samples));
		break;
	case EACH_LISTENING:
		found->process =
		    (struct process_spec){ PROCESS_LISTENING, "1" };
		break;
	}
}

/* With variables that stand for something, as far as that goes. */
static int try_sample(struct conf_context *c, struct each_spec *e)
{
	struct conf_pair items[16];
	struct each_found found = { .port = ROW_DEFAULT,
		.vars = { .items = items } };
	struct definition_instance *sample =
	    arena_alloc(c->arena, 1, sizeof(*sample));

	set_sample(e, &found);
	if (e->kind != EACH_PROCESS)
		found.port = 1;
	if (e->kind != EACH_PROCESS || e->needs_port)
		items[found.vars.n++] = (struct conf_pair){ "port", "1" };
	e->sample = sample;
	return each_make(c, e, &found, true, sample);
}

int resolve_each(struct conf_context *c, const struct raw_service *raw,
    const struct definition_defaults *defaults, struct definition_service *s)
{
	struct each_spec *each = raw->instances.each.items;
	struct definition_defaults *own;
	struct raw_service *kept;
	int r = 0;

	s->each = each;
	s->each_n = raw->instances.each.n;
	if (!s->each_n)
		return 0;
	kept = arena_alloc(c->arena, 1, sizeof(*kept));
	*kept = *raw;
	own = arena_alloc(c->arena, 1, sizeof(*own));
	own->zone = arena_strdup(c->arena, defaults->zone);
	own->address = arena_strdup(c->arena, defaults->address);
	own->node =
	    defaults->node ? arena_strdup(c->arena, defaults->node) : NULL;
	for (unsigned i = 0; i < s->each_n; i++) {
		each[i].service = kept;
		each[i].defaults = own;
		/* else it has one of its own, and may do without theirs */
		each[i].needs_port |= each[i].kind == EACH_CONTAINER &&
		                      raw->port == ROW_DEFAULT &&
		                      !conf_get(each[i].map, "port");
		if (try_sample(c, &each[i]) < 0)
			r = -EINVAL;
	}
	return r;
}
