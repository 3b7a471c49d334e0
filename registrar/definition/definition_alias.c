// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_alias - `alias: db.svc.internal/i-1`: the state of another.
 */
#include "registrar/definition/definition_parts.h"
#include "schema/label.h"

#include <string.h>

#define ALIAS_RULE "SERVICE[.ZONE] or SERVICE[.ZONE]/INSTANCE"
#define AT(member) .offset = offsetof(struct check_spec, member)

static int finish(
    struct conf_context *c, const struct conf_node *map, void *base);

static const struct conf_field fields[] = {
	{ .key = "alias",
	    .kind = CONF_STRING,
	    .required = true,
	    .expects = ALIAS_RULE,
	    AT(alias.to) },
	{ 0 },
};
static const struct conf_table table = { .what = "an alias check",
	.fields = fields,
	.also = &check_look_table,
	.finish = finish };

/* The other one's thresholds have been passed already. */
static int finish(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	struct check_spec *s = base;

	(void)c;
	(void)map;
	s->rise = 1;
	s->fall = 1;
	return 0;
}

static int resolve(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_spec *s)
{
	const struct conf_node *node = conf_get(at, "alias");
	struct check_alias *a = &s->alias;
	int r = template_fill(c, node, TEMPLATE_PLAIN, a->to, v, &a->to);

	if (r < 0)
		return r;
	size_t len = strcspn(a->to, "/");
	const char *service = arena_memdup(c->arena, a->to, len);
	const char *instance = a->to[len] ? a->to + len + 1 : NULL;

	if (!service_ref_is_valid(service) ||
	    (instance && !label_is_instance(instance))) {
		return conf_bad(c, node,
		    "found '%s' for 'alias', expected " ALIAS_RULE, a->to);
	}
	const struct required_service other =
	    service_ref_split(c->arena, service, v->zone);

	a->zone = other.zone;
	a->service = other.service;
	a->instance = instance;
	a->line = node->line;
	a->column = node->column;
	return 0;
}

static bool equal(const struct check_spec *x, const struct check_spec *y)
{
	const struct check_alias *a = &x->alias, *b = &y->alias;

	return strcmp(a->to, b->to) == 0 && strcmp(a->zone, b->zone) == 0;
}

const struct check_type check_type_alias = {
	.name = "alias",
	.kind = CHECK_ALIAS,
	.table = &table,
	.resolve = resolve,
	.equal = equal,
};
