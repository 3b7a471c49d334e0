// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_tcp - `tcp: "{address}:{port}"`: a connection is enough.
 */
#include "registrar/definition/definition_parts.h"

#include <string.h>

static const struct conf_field fields[] = {
	{ .key = "tcp",
	    .kind = CONF_STRING,
	    .required = true,
	    .expects = "an address and port such as '{address}:{port}'",
	    .offset = offsetof(struct check_spec, tcp.to) },
	{ 0 },
};
static const struct conf_table table = {
	.what = "a tcp check", .fields = fields, .also = &check_common_table
};

static int resolve(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_spec *s)
{
	const struct conf_node *node = conf_get(at, "tcp");
	struct endpoint e;
	int r = template_fill(c, node, TEMPLATE_URL, s->tcp.to, v, &s->tcp.to);

	if (r < 0)
		return r;
	r = endpoint_parse(c->arena, s->tcp.to, strlen(s->tcp.to), &e);
	if (r < 0 || !e.port) {
		return conf_bad(c, node,
		    "found '%s' for 'tcp', expected a numeric address (IPv6 "
		    "in brackets) or localhost, ':' and a port",
		    s->tcp.to);
	}
	s->tcp.address = e.address;
	s->tcp.port = e.port;
	return 0;
}

static bool equal(const struct check_spec *a, const struct check_spec *b)
{
	return strcmp(a->tcp.to, b->tcp.to) == 0;
}

const struct check_type check_type_tcp = {
	.name = "tcp",
	.kind = CHECK_TCP,
	.table = &table,
	.resolve = resolve,
	.equal = equal,
};
