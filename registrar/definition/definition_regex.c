// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_regex - patterns that are safe to compile and to match.
 */
#include "registrar/definition/definition_parts.h"

#include <regex.h>
#include <string.h>

#define REGEX_MAX_REPEAT 1000 /* product of all counts of one pattern */
#define REGEX_MAX_DEPTH 20

static int64_t read_number(const char **p)
{
	int64_t n = 0;

	for (; **p >= '0' && **p <= '9'; ++*p) {
		n = n * 10 + (**p - '0');
		n = n > REGEX_MAX_REPEAT ? REGEX_MAX_REPEAT + 1 : n;
	}
	return n;
}

/* The larger number of "{2,5}" at p; 1 if it is no count. */
static int64_t repeat_count(const char *p)
{
	int64_t low, high = 0;

	p++;
	low = read_number(&p);
	if (*p == ',') {
		p++;
		high = read_number(&p);
	}
	low = low > high ? low : high;
	return low > 1 ? low : 1;
}

/*
 * regcomp() unrolls counts and recurses into groups, so a short pattern can
 * ask for all memory; back references make a match take exponential time.
 */
static const char *regex_too_dear(const char *pattern)
{
	int64_t product = 1;
	int depth = 0;

	for (const char *p = pattern; *p; p++) {
		if (*p == '\\' && p[1]) {
			p++;
			if (*p >= '1' && *p <= '9')
				return "back references are not allowed";
			continue;
		}
		if (*p == '{' &&
		    (product *= repeat_count(p)) > REGEX_MAX_REPEAT)
			return "it repeats too often";
		if (*p == '(' && ++depth > REGEX_MAX_DEPTH)
			return "it has too many groups";
	}
	return NULL;
}

const char *regex_problem(struct arena *a, const char *pattern)
{
	char why[128];
	regex_t compiled;
	const char *dear = regex_too_dear(pattern);

	if (strlen(pattern) > DEFINITION_MAX_REGEX)
		return "it is too long";
	if (dear)
		return dear;
	int error = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB);

	if (error) {
		(void)regerror(error, &compiled, why, sizeof(why));
		return arena_strdup(a, why);
	}
	regfree(&compiled);
	return NULL;
}

int take_regex(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	const char *why = node->type == CONF_SCALAR
	                      ? regex_problem(c->arena, node->text)
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
