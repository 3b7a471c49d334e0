// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_ttl - `ttl: 30s`: somebody reports at least so often.
 */
#include "registrar/definition/definition_parts.h"

static int finish(
    struct conf_context *c, const struct conf_node *map, void *base);

static const struct conf_field fields[] = {
	{ .key = "ttl",
	    .kind = CONF_DURATION,
	    .low = 10,
	    .high = INT64_C(365) * 86400000,
	    .required = true,
	    .offset = offsetof(struct check_spec, ttl.ttl_ms) },
	{ 0 },
};
static const struct conf_table table = {
	.what = "a ttl check", .fields = fields, .finish = finish
};

/* Whoever reports has made up their mind: each verdict counts at once. */
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

static bool equal(const struct check_spec *a, const struct check_spec *b)
{
	return a->ttl.ttl_ms == b->ttl.ttl_ms;
}

const struct check_type check_type_ttl = {
	.name = "ttl",
	.kind = CHECK_TTL,
	.table = &table,
	.equal = equal,
};
