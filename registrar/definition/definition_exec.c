// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_exec - `exec: [/path/program, argument ...]`: no shell, no PATH.
 */
#include "registrar/definition/definition_parts.h"
#include "registrar/exec/runner_message.h"

#include <errno.h>
#include <string.h>

#define ARGS_MAX 64
#define ENV_MAX 64

/* ---- env -------------------------------------------------------------- */

static bool is_variable(const char *text)
{
	static const char all[] = "0123456789"
	                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                          "abcdefghijklmnopqrstuvwxyz_";
	size_t len = strspn(text, all);

	return len && !text[len] && (*text < '0' || *text > '9') &&
	       len <= DEFINITION_MAX_TEXT;
}

static int take_env(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	static const struct conf_field pairs = { .key = "env",
		.kind = CONF_PAIRS,
		.valid = text_is_clean,
		.expects = "a map of variables to words without control "
		           "characters",
		.hidden = true };
	int r = conf_take(c, &pairs, node, at);

	(void)f;
	if (r < 0)
		return r;
	if (node->n > ENV_MAX) {
		return conf_bad(c, node,
		    "found %u variables for 'env', expected at most %d",
		    node->n, ENV_MAX);
	}
	for (const struct conf_node *n = node->first; n; n = n->next) {
		if (!is_variable(n->key->text)) {
			r = conf_bad(c, n->key,
			    "found key %s in 'env', expected the name of a "
			    "variable",
			    conf_describe(c, n->key));
		}
	}
	return r;
}

/* ---- the table -------------------------------------------------------- */

/* A name, or a number; who it is is known where the program runs. */
static bool is_account(const char *text)
{
	return *text && *text != '-' && strlen(text) <= 255 &&
	       !strpbrk(text, " \t:/") && text_is_clean(text);
}

#define AT(member) .offset = offsetof(struct check_spec, exec.member)

static const struct conf_field limits_fields[] = {
	{ .key = "cpu",
	    .kind = CONF_SECONDS,
	    .low = 1,
	    .high = 86400,
	    .offset = offsetof(struct exec_limits, cpu_s) },
	{ .key = "memory",
	    .kind = CONF_INT,
	    .low = 1,
	    .high = 1048576,
	    .unit = "MiB",
	    .fallback = "1024MiB",
	    .expects = "from 1MiB to 1048576MiB",
	    .offset = offsetof(struct exec_limits, memory_mib) },
	{ .key = "files",
	    .kind = CONF_INT,
	    .low = 8,
	    .high = 1048576,
	    .fallback = "1024",
	    .offset = offsetof(struct exec_limits, files) },
	{ 0 },
};
static const struct conf_table limits_table = { .what = "limits",
	.size = sizeof(struct exec_limits),
	.fields = limits_fields };

static const struct conf_field fields[] = {
	{ .key = "exec",
	    .kind = CONF_STRINGS,
	    .required = true,
	    .expects = "a list of a program and its arguments",
	    AT(argv) },
	{ .key = "user",
	    .kind = CONF_STRING,
	    .valid = is_account,
	    .expects = "the name or number of a user",
	    AT(user) },
	{ .key = "group",
	    .kind = CONF_STRING,
	    .valid = is_account,
	    .expects = "the name or number of a group",
	    AT(group) },
	{ .key = "dir",
	    .kind = CONF_STRING,
	    .valid = path_is_absolute,
	    .expects = "the absolute path of a directory",
	    .fallback = "/",
	    AT(dir) },
	{ .key = "env",
	    .kind = CONF_CUSTOM,
	    .custom = take_env,
	    .expects = "a map of variables to words",
	    AT(env) },
	{ .key = "limits",
	    .kind = CONF_TABLE,
	    .table = &limits_table,
	    AT(limits) },
	{ 0 },
};
/* All but the first. */
const struct conf_table exec_how_table = { .fields = fields + 1 };

static int finish(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	return exec_check_argv(c, map, base);
}

static const struct conf_table table = { .what = "an exec check",
	.fields = fields,
	.also = &check_common_table,
	.finish = finish };

int exec_check_argv(struct conf_context *c, const struct conf_node *map,
    const struct check_spec *s)
{
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

/* ---- templates -------------------------------------------------------- */

/* What is too long for a request must not first be seen when it is made. */
static int check_length(struct conf_context *c, const struct conf_node *node,
    const struct check_exec *e)
{
	size_t len = 0;

	for (unsigned i = 0; i < e->argv.n; i++)
		len += strlen(e->argv.items[i]) + 1;
	for (unsigned i = 0; i < e->env.n; i++)
		len += strlen(e->env.items[i].value) + 1;
	if (len <= RUN_MESSAGE_MAX / 2)
		return 0;
	return conf_bad(c, node,
	    "found %zu octets of arguments and environment, expected at most "
	    "%d",
	    len, RUN_MESSAGE_MAX / 2);
}

static int fill_env(struct conf_context *c, const struct conf_node *map,
    const struct template_vars *v, struct conf_pairs *env)
{
	struct conf_pairs filled = { .n = env->n };

	filled.items =
	    arena_alloc(c->arena, filled.n + 1, sizeof(*filled.items));
	for (unsigned i = 0; i < filled.n; i++) {
		filled.items[i].key = env->items[i].key;
		int r = template_fill(c, map, TEMPLATE_PLAIN,
		    env->items[i].value, v, &filled.items[i].value);
		if (r < 0)
			return r;
	}
	*env = filled;
	return 0;
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
	s->exec.line = node->first->line;
	s->exec.column = node->first->column;
	int r = fill_env(c, at, v, &s->exec.env);

	return r < 0 ? r : check_length(c, node, &s->exec);
}

/* ---- equality --------------------------------------------------------- */

static bool env_equal(const struct conf_pairs *a, const struct conf_pairs *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++) {
		if (strcmp(a->items[i].key, b->items[i].key) != 0 ||
		    strcmp(a->items[i].value, b->items[i].value) != 0)
			return false;
	}
	return true;
}

static bool equal(const struct check_spec *x, const struct check_spec *y)
{
	const struct check_exec *a = &x->exec, *b = &y->exec;

	if (a->argv.n != b->argv.n)
		return false;
	for (unsigned i = 0; i < a->argv.n; i++) {
		if (strcmp(a->argv.items[i], b->argv.items[i]) != 0)
			return false;
	}
	return text_equal(a->user, b->user) && text_equal(a->group, b->group) &&
	       text_equal(a->dir, b->dir) && env_equal(&a->env, &b->env) &&
	       a->limits.cpu_s == b->limits.cpu_s &&
	       a->limits.memory_mib == b->limits.memory_mib &&
	       a->limits.files == b->limits.files;
}

const struct check_type check_type_exec = {
	.name = "exec",
	.kind = CHECK_EXEC,
	.table = &table,
	.resolve = resolve,
	.equal = equal,
};
