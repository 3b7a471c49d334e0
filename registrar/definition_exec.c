// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_exec - `exec: [/path/program, argument ...]`: no shell, no PATH.
 */
#include "registrar/definition_parts.h"

#include <errno.h>
#include <string.h>

#define ARGS_MAX 64

static const struct conf_field fields[] = {
	{ .key = "exec",
	    .kind = CONF_STRINGS,
	    .required = true,
	    .expects = "a list of a program and its arguments",
	    .offset = offsetof(struct check_spec, exec.argv) },
	{ 0 },
};
static int finish(
    struct conf_context *c, const struct conf_node *map, void *base);

static const struct conf_table table = { .what = "an exec check",
	.fields = fields,
	.also = &check_common_table,
	.finish = finish };

static int finish(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	const struct check_spec *s = base;
	const struct conf_node *node = conf_get(map, "exec");
	unsigned n = s->exec.argv.n;

	if (node->type != CONF_LIST || n < 1 || n > ARGS_MAX) {
		return conf_bad(c, node,
		    "found %s for 'exec', expected a list of 1..%d words, a "
		    "program and its arguments",
		    conf_describe(c, node), ARGS_MAX);
	}
	if (path_is_absolute(s->exec.argv.items[0]))
		return 0;
	return conf_bad(c, node->first,
	    "found %s for 'exec', expected the absolute path of a program",
	    conf_describe(c, node->first));
}

static int resolve(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_spec *s)
{
	const struct conf_node *node = conf_get(at, "exec");
	struct conf_strings filled = { .n = s->exec.argv.n };

	filled.items =
	    arena_alloc(c->arena, filled.n + 1, sizeof(*filled.items));
	for (unsigned i = 0; i < filled.n; i++) {
		int r = template_fill(c, node, TEMPLATE_PLAIN,
		    s->exec.argv.items[i], v, &filled.items[i]);
		if (r < 0)
			return r;
	}
	s->exec.argv = filled;
	return 0;
}

static bool equal(const struct check_spec *a, const struct check_spec *b)
{
	if (a->exec.argv.n != b->exec.argv.n)
		return false;
	for (unsigned i = 0; i < a->exec.argv.n; i++) {
		if (strcmp(a->exec.argv.items[i], b->exec.argv.items[i]) != 0)
			return false;
	}
	return true;
}

const struct check_type check_type_exec = {
	.name = "exec",
	.kind = CHECK_EXEC,
	.table = &table,
	.resolve = resolve,
	.equal = equal,
};
