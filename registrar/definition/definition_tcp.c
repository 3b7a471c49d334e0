// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_tcp - `tcp: "{address}:{port}"`: a connection is enough, or a
 * handshake, or an answer.
 */
#include "registrar/definition/definition_parts.h"

#include <string.h>

#define AT(member) .offset = offsetof(struct check_spec, tcp.member)

static const struct conf_field fields[] = {
	{ .key = "tcp",
	    .kind = CONF_STRING,
	    .required = true,
	    .expects = "an address and port such as '{address}:{port}'",
	    AT(to) },
	{ .key = "send",
	    .kind = CONF_CUSTOM,
	    .custom = take_payload,
	    .expects = PAYLOAD_RULE,
	    AT(send) },
	{ .key = "expect",
	    .kind = CONF_CUSTOM,
	    .custom = take_regex,
	    .expects = "a POSIX extended regular expression",
	    AT(expect) },
	{ .key = "tls",
	    .kind = CONF_CUSTOM,
	    .custom = take_tls,
	    .expects = TLS_RULE,
	    AT(tls) },
	{ 0 },
};
static const struct conf_table table = {
	.what = "a tcp check", .fields = fields, .also = &check_common_table
};

static int resolve(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_spec *s)
{
	struct check_tcp *t = &s->tcp;
	struct endpoint e;
	int r = resolve_endpoint(c, conf_get(at, "tcp"), v, 0, &t->to, &e);

	t->address = e.address;
	t->port = e.port;
	if (r < 0)
		return r;
	return resolve_tls(
	    c, at, v, endpoint_host(c->arena, t->to, strlen(t->to)), &t->tls);
}

static bool equal(const struct check_spec *x, const struct check_spec *y)
{
	const struct check_tcp *a = &x->tcp, *b = &y->tcp;

	return strcmp(a->to, b->to) == 0 && payload_equal(&a->send, &b->send) &&
	       regex_equal(a->expect, b->expect) && tls_equal(&a->tls, &b->tls);
}

const struct check_type check_type_tcp = {
	.name = "tcp",
	.kind = CHECK_TCP,
	.table = &table,
	.resolve = resolve,
	.equal = equal,
};
