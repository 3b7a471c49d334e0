// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_regex - patterns that are safe to compile and to match.
 */
#include "registrar/definition/definition_parts.h"
#include "registrar/lib/match.h"

#include <string.h>

const char *regex_problem(struct arena *a, const char *pattern, bool groups)
{
	struct match *m;
	struct diag why;

	if (match_new(pattern, groups, &m, &why) < 0)
		return arena_strdup(a, why.text);
	match_free(m);
	return NULL;
}

int take_regex(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	const char *why = node->type == CONF_SCALAR
	                      ? regex_problem(c->arena, node->text, false)
	                      : "it is no word";

	if (why) {
		return conf_bad(c, node,
		    "found %s for '%s', expected a POSIX extended regular "
		    "expression (%s)",
		    conf_describe(c, node), f->key, why);
	}
	*(const char **)at = node->text;
	return 0;
}

bool regex_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}
