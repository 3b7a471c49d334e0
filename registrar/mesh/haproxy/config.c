// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/mesh/haproxy/config.h"

#include "registrar/mesh/rules.h"

#include <inttypes.h>
#include <string.h>

#define WEIGHT_MAX 256 /* of HAProxy */

const char *config_backend(struct arena *a, const struct mesh_service *to)
{
	return arena_printf(a, "%s_%s.%s",
	    mesh_protocol_name(to->policy.protocol), to->name, to->zone);
}

int config_weight(const struct mesh_service *s, const struct mesh_instance *i)
{
	int top = WEIGHT_MAX;

	for (unsigned k = 0; k < s->n; k++) {
		if (s->instances[k].weight > top)
			top = s->instances[k].weight;
	}
	int w = (int)((int64_t)i->weight * WEIGHT_MAX / top);

	return !w && i->weight ? 1 : w;
}

const char *config_server_words(
    struct arena *a, const struct config *c, const struct mesh_service *to)
{
	const struct mesh_policy *p = &to->policy;
	const char *text = arena_printf(a,
	    "ssl crt %s/%s.pem ca-file %s/%s.roots verify required "
	    "verifyhost %s.%s sni str(%s.%s)",
	    c->dir, c->name, c->dir, c->name, to->name, to->zone, to->name,
	    to->zone);

	if (p->protocol != MESH_TCP)
		text = arena_printf(a, "%s alpn h2,http/1.1", text);
	if (p->limit.connections) {
		text = arena_printf(
		    a, "%s maxconn %d", text, p->limit.connections);
	}
	if (p->limit.pending) {
		text =
		    arena_printf(a, "%s maxqueue %d", text, p->limit.pending);
	}
	return text;
}

/* The URI of the subject's alternative names as DER has it, in hex. */
static void write_identity(const struct mesh_service *s, FILE *out)
{
	char uri[512];
	int len = snprintf(
	    uri, sizeof(uri), "spiffe://%s/service/%s", s->zone, s->name);

	(void)fputs(len < 128 ? "86" : "8681", out);
	(void)fprintf(out, "%02X", (unsigned)len & 0xff);
	for (int i = 0; i < len; i++)
		(void)fprintf(out, "%02X", (unsigned char)uri[i]);
}

/* ---- lists ------------------------------------------------------------- */

typedef void (*callee_fn)(
    const struct config *c, struct mesh_service *to, FILE *out);

static void each_callee(const struct config *c, callee_fn fn, FILE *out)
{
	const struct mesh_policy *p = &c->service->policy;

	for (unsigned i = 0; i < p->call_n; i++) {
		struct mesh_service *to = mesh_model_find(
		    c->model, p->calls[i].zone, p->calls[i].service);

		if (to && to->in_mesh && !to->broken)
			fn(c, to, out);
	}
}

static void write_destination(
    const struct config *c, struct mesh_service *to, FILE *out)
{
	struct arena *a = arena_new();
	const char *backend = config_backend(a, to);

	(void)c;
	for (unsigned i = 0; i < to->n; i++) {
		const struct mesh_instance *x = &to->instances[i];

		(void)fprintf(out, "%s:%d %s\n", x->address, x->port, backend);
		if (x->address6) {
			(void)fprintf(
			    out, "%s:%d %s\n", x->address6, x->port, backend);
		}
	}
	arena_free(a);
}

void config_write_destinations(const struct config *c, FILE *out)
{
	each_callee(c, write_destination, out);
}

struct callers {
	const struct config *c;
	FILE *out;
};

static void write_caller(void *arg, struct mesh_service *from)
{
	const struct callers *x = arg;
	const struct mesh_caller *caller;

	if (!mesh_rule_lets_in(mesh_rule_find(from, x->c->service, &caller)))
		return;
	write_identity(from, x->out);
	(void)fputc('\n', x->out);
}

void config_write_callers(const struct config *c, FILE *out)
{
	struct callers x = { c, out };

	mesh_model_each(c->model, write_caller, &x);
}

void config_write_ports(const struct config *c, FILE *out)
{
	const struct mesh_service *s = c->service;

	for (unsigned i = 0; i < s->n; i++) {
		bool seen = false;

		for (unsigned k = 0; k < i; k++)
			seen |= s->instances[k].port == s->instances[i].port;
		if (!seen)
			(void)fprintf(out, "%d\n", s->instances[i].port);
	}
}

/* ---- the file ---------------------------------------------------------- */

static void write_global(const struct config *c, FILE *out)
{
	const struct mesh_service *s = c->service;

	(void)fprintf(out,
	    "# The sidecar of %s.%s, for HAProxy 2.6. Written by `registrar\n"
	    "# mesh`, which changes what can be changed over the socket below\n"
	    "# while it runs, and keeps this file as it then is, so that a\n"
	    "# sidecar that starts is right at once. Edits are lost.\n\n"
	    "global\n"
	    "    user %s\n"
	    "    log stderr format raw local0\n"
	    "    stats socket unix@%s/%s.sock mode 600 level admin\n"
	    "    stats timeout 1d\n"
	    "    # no session outlives what its certificate was checked by\n"
	    "    tune.ssl.cachesize 0\n"
	    "    ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets\n"
	    "    ssl-default-server-options ssl-min-ver TLSv1.3\n\n"
	    "defaults\n"
	    "    mode http\n"
	    "    log global\n"
	    "    timeout connect 1s\n"
	    "    timeout client 1m\n"
	    "    timeout server 1m\n",
	    s->name, s->zone, s->policy.proxy_user, c->dir, c->name);
}

static void write_outbound(const struct config *c, FILE *out)
{
	int port = c->service->policy.base_port + MESH_OUTBOUND;

	(void)fprintf(out,
	    "\n# Calls of the application come here, redirected by nftables;\n"
	    "# where they were meant to go says which service they are for.\n"
	    "frontend outbound\n"
	    "    mode tcp\n"
	    "    bind 127.0.0.1:%d\n"
	    "    bind [::1]:%d\n"
	    "    tcp-request connection set-var(sess.port) dst_port\n"
	    "    tcp-request connection set-var(sess.to) "
	    "dst,concat(:,sess.port)\n"
	    "    tcp-request connection set-var(sess.backend) "
	    "var(sess.to),map(%s/%s.destinations,nowhere)\n"
	    "    tcp-request inspect-delay 5s\n"
	    "    tcp-request content switch-mode http proto h2 "
	    "if { var(sess.backend) -m beg grpc_ }\n"
	    "    tcp-request content switch-mode http "
	    "if { var(sess.backend) -m beg http_ }\n"
	    "    tcp-request content switch-mode http "
	    "if { var(sess.backend) -m str nowhere }\n"
	    "    log-format \"outbound to=%%[var(sess.to)] backend=%%b "
	    "instance=%%s status=%%ST end=%%ts ms=%%Tt\"\n"
	    "    use_backend %%[var(sess.backend)]\n"
	    "\n# Not an address of a service that `calls` names.\n"
	    "backend nowhere\n"
	    "    http-request deny deny_status 403\n",
	    port, port, c->dir, c->name);
}

static void write_retries(const struct mesh_policy *p, FILE *out)
{
	(void)fprintf(out, "    retries %d\n", p->retry.attempts);
	if (p->protocol == MESH_TCP)
		return;
	(void)fputs("    option redispatch 1\n"
	            "    retry-on conn-failure",
	    out);
	for (unsigned i = 0; i < p->retry.on.n; i++) {
		if (strcmp(p->retry.on.items[i], "conn-failure") != 0)
			(void)fprintf(out, " %s", p->retry.on.items[i]);
	}
	(void)fputs("\n    http-request disable-l7-retry unless METH_GET or "
	            "{ method HEAD OPTIONS PUT DELETE }\n",
	    out);
}

static void write_backend(
    const struct config *c, struct mesh_service *to, FILE *out)
{
	const struct mesh_policy *p = &to->policy;
	struct arena *a = arena_new();

	(void)fprintf(out,
	    "\nbackend %s\n"
	    "    mode %s\n"
	    "    balance random\n"
	    "    timeout connect %" PRId64 "\n"
	    "    timeout server %" PRId64 "\n"
	    "    timeout queue %" PRId64 "\n",
	    config_backend(a, to), p->protocol == MESH_TCP ? "tcp" : "http",
	    p->timeout.connect_ms, p->timeout.idle_ms, p->timeout.queue_ms);
	if (p->protocol != MESH_TCP)
		(void)fputs("    http-reuse always\n", out);
	write_retries(p, out);
	(void)fprintf(
	    out, "    # servers: %s\n", config_server_words(a, c, to));
	arena_free(a);
}

static void write_servers(
    const struct config *c, struct mesh_service *to, FILE *out)
{
	struct arena *a = arena_new();
	const char *words = config_server_words(a, c, to);

	write_backend(c, to, out);
	for (unsigned i = 0; i < to->n; i++) {
		const struct mesh_instance *x = &to->instances[i];

		(void)fprintf(out, "    server %s %s:%d %s weight %d%s\n",
		    x->name, x->address, x->port, words, config_weight(to, x),
		    x->gets_calls ? "" : " disabled");
	}
	arena_free(a);
}

/* A caller whose `allow` says more than its name. */
static void write_caller_rules(
    const struct config *c, const struct mesh_caller *caller, FILE *out)
{
	const struct mesh_service *from =
	    mesh_model_find(c->model, caller->zone, caller->service);

	if (!from || (!caller->methods.n && !caller->paths.n))
		return;
	(void)fprintf(out, "    acl from_%s.%s ssl_c_der,hex -m sub ",
	    from->name, from->zone);
	write_identity(from, out);
	(void)fputc('\n', out);
	if (caller->methods.n) {
		(void)fputs("    http-request set-var(txn.rule) "
		            "str(method-not-in-allow) if ",
		    out);
		(void)fprintf(
		    out, "from_%s.%s !{ method", from->name, from->zone);
		for (unsigned i = 0; i < caller->methods.n; i++)
			(void)fprintf(out, " %s", caller->methods.items[i]);
		(void)fputs(" }\n", out);
	}
	for (unsigned i = 0; i < caller->paths.n; i++) {
		const char *path = caller->paths.items[i];
		size_t len = strlen(path);
		bool below = path[len - 1] == '*';

		(void)fprintf(out, "    acl path_%s.%s path %s %.*s\n",
		    from->name, from->zone, below ? "-m beg" : "-m str",
		    (int)(below ? len - 1 : len), path);
	}
	if (caller->paths.n) {
		(void)fprintf(out,
		    "    http-request set-var(txn.rule) "
		    "str(path-not-in-allow) if from_%s.%s !path_%s.%s\n",
		    from->name, from->zone, from->name, from->zone);
	}
}

/* One for each family: a socket for both does not tell where it was redirected
 * from. */
static void write_bind(const struct config *c, const char *address, FILE *out)
{
	const struct mesh_policy *p = &c->service->policy;

	(void)fprintf(out,
	    "    bind %s:%d%s ssl crt %s/%s.pem ca-file %s/%s.roots "
	    "verify required%s\n",
	    address, p->base_port + MESH_INBOUND,
	    *address == ':' ? " v6only" : "", c->dir, c->name, c->dir, c->name,
	    p->protocol == MESH_TCP ? "" : " alpn h2,http/1.1");
}

static void write_inbound(const struct config *c, FILE *out)
{
	const struct mesh_policy *p = &c->service->policy;
	bool tcp = p->protocol == MESH_TCP;

	(void)fprintf(out,
	    "\n# Calls of others come here: mutual TLS, then who it is.\n"
	    "frontend inbound\n"
	    "    mode %s\n",
	    tcp ? "tcp" : "http");
	write_bind(c, "0.0.0.0", out);
	write_bind(c, "::", out);
	(void)fprintf(out,
	    "    tcp-request connection reject unless { dst_port -f "
	    "%s/%s.ports }\n"
	    "    acl listed ssl_c_der,hex -m sub -f %s/%s.callers\n",
	    c->dir, c->name, c->dir, c->name);
	if (tcp) {
		(void)fputs("    tcp-request inspect-delay 5s\n"
		            "    tcp-request content set-var(txn.rule) "
		            "str(caller-not-in-allow) unless listed\n"
		            "    tcp-request content reject unless listed\n"
		            "    log-format \"inbound caller=%[ssl_c_s_dn(cn)] "
		            "from=%ci rule=%[var(txn.rule)] end=%ts ms=%Tt\"\n",
		    out);
		return;
	}
	(void)fputs("    http-request set-var(txn.rule) "
	            "str(caller-not-in-allow) unless listed\n",
	    out);
	for (unsigned i = 0; i < p->allow_n; i++)
		write_caller_rules(c, &p->allow[i], out);
	(void)fputs("    http-request deny deny_status 403 "
	            "if { var(txn.rule) -m found }\n",
	    out);
	if (p->limit.rate) {
		(void)fprintf(out,
		    "    # requests a second of one caller\n"
		    "    stick-table type string len 64 size 10k expire 10s "
		    "store http_req_rate(1s)\n"
		    "    http-request track-sc0 ssl_c_s_dn(cn)\n"
		    "    http-request set-var(txn.rule) str(limit) if "
		    "{ sc_http_req_rate(0) gt %d }\n"
		    "    http-request deny deny_status 429 if "
		    "{ var(txn.rule) -m str limit }\n",
		    p->limit.rate);
	}
	(void)fputs(
	    "    http-request set-var(txn.trace) req.hdr(traceparent)\n"
	    "    log-format \"inbound caller=%[ssl_c_s_dn(cn)] from=%ci "
	    "rule=%[var(txn.rule)] trace=%[var(txn.trace)] status=%ST "
	    "ms=%Tt %HM %HP\"\n",
	    out);
}

static void write_application(const struct config *c, FILE *out)
{
	const struct mesh_policy *p = &c->service->policy;

	(void)fprintf(out,
	    "    default_backend application\n"
	    "\n# In clear, on loopback, at the port that was asked for.\n"
	    "backend application\n"
	    "    mode %s\n"
	    "    server application 127.0.0.1%s\n"
	    "\n# For Prometheus, and for who looks.\n"
	    "frontend metrics\n"
	    "    bind 127.0.0.1:%d\n"
	    "    http-request use-service prometheus-exporter if "
	    "{ path /metrics }\n"
	    "    http-request deny deny_status 404\n",
	    p->protocol == MESH_TCP ? "tcp" : "http",
	    p->protocol == MESH_GRPC ? " proto h2" : "",
	    p->base_port + MESH_METRICS);
}

void config_write(const struct config *c, bool without_servers, FILE *out)
{
	write_global(c, out);
	write_outbound(c, out);
	each_callee(c, without_servers ? write_backend : write_servers, out);
	write_inbound(c, out);
	write_application(c, out);
}
