// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_h2ping - `h2ping: "{address}:{port}"`: HTTP/2's PING is answered.
 */
#include "registrar/definition/definition_parts.h"

#include <string.h>

#define AT(member) .offset = offsetof(struct check_spec, h2ping.member)

static const struct conf_field fields[] = {
	{ .key = "h2ping",
	    .kind = CONF_STRING,
	    .required = true,
	    .expects = "an address and port such as '{address}:{port}'",
	    AT(to) },
	{ .key = "tls",
	    .kind = CONF_CUSTOM,
	    .custom = take_tls,
	    .expects = TLS_RULE,
	    AT(tls) },
	{ 0 },
};
static const struct conf_table table = {
	.what = "an h2ping check", .fields = fields, .also = &check_common_table
};

static int resolve(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_spec *s)
{
	struct check_h2ping *h = &s->h2ping;
	struct endpoint e;
	int r = resolve_endpoint(c, conf_get(at, "h2ping"), v, 0, &h->to, &e);

	if (r < 0)
		return r;
	h->address = e.address;
	h->port = e.port;
	h->tls.alpn = "h2";
	return resolve_tls(
	    c, at, v, endpoint_host(c->arena, h->to, strlen(h->to)), &h->tls);
}

static bool equal(const struct check_spec *x, const struct check_spec *y)
{
	const struct check_h2ping *a = &x->h2ping, *b = &y->h2ping;

	return strcmp(a->to, b->to) == 0 && tls_equal(&a->tls, &b->tls);
}

const struct check_type check_type_h2ping = {
	.name = "h2ping",
	.kind = CHECK_H2PING,
	.table = &table,
	.resolve = resolve,
	.equal = equal,
};
