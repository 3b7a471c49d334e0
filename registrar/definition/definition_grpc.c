// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_grpc - `grpc: "{address}:{port}"`, or `grpc: unix:/run/x.sock`:
 * the health service says SERVING.
 */
#include "registrar/definition/definition_parts.h"
#include "registrar/net/grpc_message.h"

#include <ctype.h>
#include <string.h>

#define UNIX "unix:"
#define PATH_MAX_LEN 107 /* octets; sun_path of unix(7) holds a NUL more */
#define AT(member) .offset = offsetof(struct check_spec, grpc.member)

static bool is_service(const char *text)
{
	return text_is_clean(text) && strlen(text) <= GRPC_SERVICE_MAX;
}

/* RFC 3986 section 3.2, without users and escapes. */
static bool is_authority(const char *text)
{
	const char *p = text;

	while (isascii((unsigned char)*p) &&
	       (isalnum((unsigned char)*p) || (*p && strchr(".-_:[]", *p))))
		p++;
	return *text && !*p && p - text <= 255;
}

static const struct conf_field fields[] = {
	{ .key = "grpc",
	    .kind = CONF_STRING,
	    .required = true,
	    .expects = "an address and port such as '{address}:{port}', or "
	               "unix:/path",
	    AT(to) },
	{ .key = "service",
	    .kind = CONF_STRING,
	    .valid = is_service,
	    .expects = "the name of a service such as 'my.pkg.Service'",
	    .fallback = "",
	    AT(service) },
	{ .key = "authority",
	    .kind = CONF_STRING,
	    .valid = is_authority,
	    .expects = "a name or address, with or without a port",
	    AT(authority) },
	{ .key = "tls",
	    .kind = CONF_CUSTOM,
	    .custom = take_tls,
	    .expects = TLS_RULE,
	    AT(tls) },
	{ 0 },
};
static const struct conf_table table = {
	.what = "a grpc check", .fields = fields, .also = &check_common_table
};

/* unix:/run/x.sock, as gRPC writes it. */
static int resolve_path(struct conf_context *c, const struct conf_node *node,
    const struct template_vars *v, struct check_grpc *g)
{
	int r = template_fill(c, node, TEMPLATE_PLAIN, g->to, v, &g->to);
	const char *path = g->to + strlen(UNIX);

	if (r < 0)
		return r;
	if (!path_is_absolute(path) || strlen(path) > PATH_MAX_LEN) {
		return conf_bad(c, node,
		    "found '%s' for 'grpc', expected unix: and an absolute "
		    "path of at most %d octets",
		    g->to, PATH_MAX_LEN);
	}
	g->path = path;
	g->address = "";
	return 0;
}

static int resolve_to(struct conf_context *c, const struct conf_node *node,
    const struct template_vars *v, struct check_grpc *g)
{
	struct endpoint e;

	if (strncmp(g->to, UNIX, strlen(UNIX)) == 0)
		return resolve_path(c, node, v, g);
	int r = resolve_endpoint(c, node, v, 0, &g->to, &e);

	g->address = e.address;
	g->port = e.port;
	return r;
}

static int resolve(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_spec *s)
{
	struct check_grpc *g = &s->grpc;
	int r = resolve_to(c, conf_get(at, "grpc"), v, g);

	if (r < 0)
		return r;
	const char *host = g->path
	                       ? "localhost"
	                       : endpoint_host(c->arena, g->to, strlen(g->to));

	bool named = g->tls.server_name;

	g->tls.alpn = "h2";
	r = resolve_tls(c, at, v, host, &g->tls);
	/* as gRPC's clients do: the name that the certificate is to have, or
	   what is connected to */
	if (!g->authority && named) {
		g->authority = g->tls.server_name;
	} else if (!g->authority) {
		g->authority = g->path ? host : g->to;
	}
	return r;
}

static bool equal(const struct check_spec *x, const struct check_spec *y)
{
	const struct check_grpc *a = &x->grpc, *b = &y->grpc;

	return strcmp(a->to, b->to) == 0 &&
	       strcmp(a->service, b->service) == 0 &&
	       strcmp(a->authority, b->authority) == 0 &&
	       tls_equal(&a->tls, &b->tls);
}

const struct check_type check_type_grpc = {
	.name = "grpc",
	.kind = CHECK_GRPC,
	.table = &table,
	.resolve = resolve,
	.equal = equal,
};
