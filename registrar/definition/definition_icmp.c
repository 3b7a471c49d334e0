// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_icmp - `icmp: "{address}"`: an echo comes back.
 */
#include "registrar/definition/definition_parts.h"

#include <string.h>

static const struct conf_field fields[] = {
	{ .key = "icmp",
	    .kind = CONF_STRING,
	    .required = true,
	    .expects = "an address such as '{address}'",
	    .offset = offsetof(struct check_spec, icmp.address) },
	{ 0 },
};
static const struct conf_table table = {
	.what = "an icmp check", .fields = fields, .also = &check_common_table
};

static int resolve(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_spec *s)
{
	const struct conf_node *node = conf_get(at, "icmp");
	const char *text = s->icmp.address;
	int r = template_fill(c, node, TEMPLATE_PLAIN, text, v, &text);

	if (r < 0)
		return r;
	if (strcmp(text, "localhost") == 0)
		text = "127.0.0.1";
	s->icmp.address = address_canonical(c->arena, text);
	if (s->icmp.address)
		return 0;
	return conf_bad(c, node,
	    "found '%s' for 'icmp', expected a numeric address or localhost",
	    text);
}

static bool equal(const struct check_spec *a, const struct check_spec *b)
{
	return strcmp(a->icmp.address, b->icmp.address) == 0;
}

const struct check_type check_type_icmp = {
	.name = "icmp",
	.kind = CHECK_ICMP,
	.table = &table,
	.resolve = resolve,
	.equal = equal,
};
