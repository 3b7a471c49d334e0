// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_file - `file: /run/batch/state`: somebody else writes the state.
 */
#include "registrar/definition/definition_parts.h"

#include <string.h>

#define AT(member) .offset = offsetof(struct check_spec, member)

static int finish(
    struct conf_context *c, const struct conf_node *map, void *base);

static const struct conf_field fields[] = {
	{ .key = "file",
	    .kind = CONF_STRING,
	    .required = true,
	    .expects = "the absolute path of a file",
	    AT(file.path) },
	{ .key = "max_age",
	    .kind = CONF_DURATION,
	    .low = 10,
	    .high = INT64_C(31536000000),
	    AT(file.max_age_ms) },
	{ 0 },
};
static const struct conf_table table = { .what = "a file check",
	.fields = fields,
	.also = &check_look_table,
	.finish = finish };

/* Whoever writes has made up their mind: each verdict counts at once. */
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
	const struct conf_node *node = conf_get(at, "file");
	int r = template_fill(
	    c, node, TEMPLATE_PLAIN, s->file.path, v, &s->file.path);

	if (r < 0 || path_is_absolute(s->file.path))
		return r;
	return conf_bad(c, node,
	    "found '%s' for 'file', expected the absolute path of a file",
	    s->file.path);
}

static bool equal(const struct check_spec *a, const struct check_spec *b)
{
	return strcmp(a->file.path, b->file.path) == 0 &&
	       a->file.max_age_ms == b->file.max_age_ms;
}

const struct check_type check_type_file = {
	.name = "file",
	.kind = CHECK_FILE,
	.table = &table,
	.resolve = resolve,
	.equal = equal,
};
