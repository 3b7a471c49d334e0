// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/definition/definition_mesh.h"

#include "registrar/definition/definition_parts.h"
#include "schema/label.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_MAX 256
#define WORDS_MAX 64
#define TEXT_MAX 16384 /* of the column */
#define DAY_MS INT64_C(86400000)

static const char *const protocol_names[] = { "http", "tcp", "grpc", NULL };

const char *mesh_protocol_name(enum mesh_protocol p)
{
	return protocol_names[p];
}

struct raw_mesh {
	struct mesh_policy policy;
	struct conf_strings calls;
	struct conf_array allow; /* of struct raw_caller */
	int protocol;
};

struct raw_caller {
	const char *service;
	struct conf_strings methods, paths;
};

/* ---- rules of texts --------------------------------------------------- */

/* They all end up as words in a configuration of the proxy. */
static bool is_user(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-");

	return n && n <= 32 && !text[n] && *text != '-';
}

static bool is_method(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return n && n <= 32 && !text[n];
}

static bool is_path(const char *text)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-._~!$&()+,;=:@%/";
	size_t n = strspn(text, letters);

	if (*text != '/' || n > 255)
		return false;
	return !text[n] ||
	       (text[n] == '*' && !text[n + 1] && text[n - 1] == '/');
}

static bool is_retry(const char *text)
{
	static const char *const words[] = { "conn-failure", "empty-response",
		"response-timeout", "0rtt-rejected", "junk-response", "401",
		"403", "404", "408", "425", "500", "501", "502", "503", "504",
		NULL };

	for (unsigned i = 0; words[i]; i++) {
		if (!strcmp(text, words[i]))
			return true;
	}
	return false;
}

/* ---- tables ------------------------------------------------------------ */

#define AT(member) .offset = offsetof(struct raw_caller, member)
static const struct conf_field caller_fields[] = {
	{ .key = "service",
	    .kind = CONF_STRING,
	    .required = true,
	    .valid = service_ref_is_valid,
	    .expects = "the name of a service, or SERVICE.ZONE",
	    AT(service) },
	{ .key = "methods",
	    .kind = CONF_STRINGS,
	    .valid = is_method,
	    .expects = "a method such as GET",
	    AT(methods) },
	{ .key = "paths",
	    .kind = CONF_STRINGS,
	    .valid = is_path,
	    .expects = "a path such as /metrics, or /api/* for all below it",
	    AT(paths) },
	{ 0 },
};
#undef AT
static const struct conf_table caller_table = { .what = "a caller",
	.size = sizeof(struct raw_caller),
	.fields = caller_fields };

#define AT(member) .offset = offsetof(struct mesh_retry, member)
static const struct conf_field retry_fields[] = {
	{ .key = "attempts",
	    .kind = CONF_INT,
	    .high = 10,
	    .fallback = "2",
	    AT(attempts) },
	{ .key = "on",
	    .kind = CONF_STRINGS,
	    .valid = is_retry,
	    .expects = "conn-failure, empty-response, response-timeout, "
	               "junk-response or a status such as 503",
	    AT(on) },
	{ 0 },
};
#undef AT
static const struct conf_table retry_table = { .what = "'retries'",
	.fields = retry_fields };

#define AT(member) .offset = offsetof(struct mesh_timeout, member)
static const struct conf_field timeout_fields[] = {
	{ .key = "connect",
	    .kind = CONF_DURATION,
	    .low = 1,
	    .high = DAY_MS,
	    .fallback = "1s",
	    AT(connect_ms) },
	{ .key = "idle",
	    .kind = CONF_DURATION,
	    .low = 1,
	    .high = DAY_MS,
	    .fallback = "1m",
	    AT(idle_ms) },
	{ .key = "queue",
	    .kind = CONF_DURATION,
	    .low = 1,
	    .high = DAY_MS,
	    .fallback = "1s",
	    AT(queue_ms) },
	{ 0 },
};
#undef AT
static const struct conf_table timeout_table = { .what = "'timeout'",
	.fields = timeout_fields };

#define AT(member) .offset = offsetof(struct mesh_limit, member)
#define NUMBER(name, member)                                                   \
	{                                                                      \
		.key = (name), .kind = CONF_INT, .low = 1, .high = 1000000,    \
		AT(member)                                                     \
	}
static const struct conf_field limit_fields[] = {
	NUMBER("connections", connections),
	NUMBER("pending", pending),
	NUMBER("rate", rate),
	{ 0 },
};
#undef NUMBER
#undef AT
static const struct conf_table limit_table = { .what = "'limit'",
	.fields = limit_fields };

#define AT(member) .offset = offsetof(struct mesh_eject, member)
static const struct conf_field eject_fields[] = {
	{ .key = "errors",
	    .kind = CONF_INT,
	    .low = 1,
	    .high = 1000,
	    .required = true,
	    AT(errors) },
	{ .key = "retry",
	    .kind = CONF_DURATION,
	    .low = 100,
	    .high = DAY_MS,
	    .fallback = "5s",
	    AT(retry_ms) },
	{ 0 },
};
#undef AT
static const struct conf_table eject_table = { .what = "'eject'",
	.fields = eject_fields };

/* `- frontend` is short for `- {service: frontend}`. */
static int take_caller(
    struct conf_context *c, const struct conf_node *node, struct raw_caller *r)
{
	if (node->type == CONF_MAP)
		return conf_fill(c, &caller_table, node, r);
	if (node->type != CONF_SCALAR || !service_ref_is_valid(node->text)) {
		return conf_bad(c, node,
		    "found %s for 'allow', expected the name of a service, or "
		    "a map with 'service'",
		    conf_describe(c, node));
	}
	*r = (struct raw_caller){ .service = node->text };
	return 0;
}

static int take_allow(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	struct conf_array *out = at;
	int r = 0;

	(void)f;
	if (node->type != CONF_LIST || node->n > CALLS_MAX) {
		return conf_bad(c, node,
		    "found %s for 'allow', expected a list of at most %d "
		    "callers",
		    conf_describe(c, node), CALLS_MAX);
	}
	struct raw_caller *all = arena_alloc(c->arena, node->n, sizeof(*all));

	for (const struct conf_node *n = node->first; n; n = n->next) {
		if (take_caller(c, n, &all[out->n++]) < 0)
			r = -EINVAL;
	}
	out->items = all;
	return r;
}

static int finish_mesh(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	struct raw_mesh *m = base;
	const struct raw_caller *all = m->allow.items;
	const struct conf_node *at = conf_get(map, "allow");
	const struct conf_node *proxy = conf_get(map, "proxy_user");

	m->policy.protocol = (enum mesh_protocol)m->protocol;
	m->policy.is_closed = at;
	if (m->calls.n > CALLS_MAX) {
		return conf_bad(c, conf_get(map, "calls"),
		    "found %u services for 'calls', expected at most %d",
		    m->calls.n, CALLS_MAX);
	}
	for (unsigned i = 0; i < m->allow.n; i++) {
		if (all[i].methods.n > WORDS_MAX ||
		    all[i].paths.n > WORDS_MAX) {
			return conf_bad(c, at,
			    "found more than %d methods or paths of a caller "
			    "for 'allow', expected fewer",
			    WORDS_MAX);
		}
		if (m->policy.protocol == MESH_TCP &&
		    (all[i].methods.n || all[i].paths.n)) {
			return conf_bad(c, at,
			    "found 'methods' or 'paths' beside 'protocol' tcp, "
			    "expected neither: there are none in it");
		}
	}
	if (m->policy.user && !strcmp(m->policy.user, m->policy.proxy_user)) {
		return conf_bad(c, proxy ? proxy : map,
		    "found '%s' for 'user' and 'proxy_user', expected two: the "
		    "traffic of the one is taken to the other",
		    m->policy.user);
	}
	return 0;
}

#define AT(member) .offset = offsetof(struct raw_mesh, member)
static const struct conf_field fields[] = {
	{ .key = "user",
	    .kind = CONF_STRING,
	    .valid = is_user,
	    .expects = "the name of a user",
	    AT(policy.user) },
	{ .key = "proxy_user",
	    .kind = CONF_STRING,
	    .valid = is_user,
	    .expects = "the name of a user",
	    .fallback = "rollcall-proxy",
	    AT(policy.proxy_user) },
	{ .key = "port",
	    .kind = CONF_INT,
	    .low = 1,
	    .high = 65535,
	    .absent = ROW_DEFAULT,
	    AT(policy.port) },
	{ .key = "protocol",
	    .kind = CONF_ENUM,
	    .names = protocol_names,
	    AT(protocol) },
	{ .key = "base_port",
	    .kind = CONF_INT,
	    .low = 1024,
	    .high = 65000,
	    .absent = MESH_BASE_PORT,
	    AT(policy.base_port) },
	{ .key = "calls",
	    .kind = CONF_STRINGS,
	    .valid = service_ref_is_valid,
	    .expects = "the name of a service, or SERVICE.ZONE",
	    AT(calls) },
	{ .key = "allow",
	    .kind = CONF_CUSTOM,
	    .custom = take_allow,
	    .expects = "a list of callers",
	    AT(allow) },
	{ .key = "retries",
	    .kind = CONF_TABLE,
	    .table = &retry_table,
	    AT(policy.retry) },
	{ .key = "timeout",
	    .kind = CONF_TABLE,
	    .table = &timeout_table,
	    AT(policy.timeout) },
	{ .key = "limit",
	    .kind = CONF_TABLE,
	    .table = &limit_table,
	    AT(policy.limit) },
	{ .key = "eject",
	    .kind = CONF_TABLE,
	    .table = &eject_table,
	    AT(policy.eject) },
	{ 0 },
};
#undef AT
static const struct conf_table table = { .what = "'mesh'",
	.size = sizeof(struct raw_mesh),
	.fields = fields,
	.finish = finish_mesh };

/* ---- to JSON ----------------------------------------------------------- */

static bool is_number(const struct conf_node *n)
{
	size_t digits = strspn(n->text, "0123456789");

	return n->plain && digits && digits < 10 && !n->text[digits] &&
	       (*n->text != '0' || digits == 1);
}

static void write_string(FILE *out, const char *text)
{
	(void)fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
	(void)fputc('"', out);
}

/* What the table took is printable text, lists and maps. */
static void write_node( // NOLINT(misc-no-recursion): depth is CONF_MAX_DEPTH
    FILE *out, const struct conf_node *n)
{
	if (n->type == CONF_SCALAR) {
		if (is_number(n)) {
			(void)fputs(n->text, out);
		} else {
			write_string(out, n->text);
		}
		return;
	}
	(void)fputc(n->type == CONF_MAP ? '{' : '[', out);
	for (const struct conf_node *k = n->first; k; k = k->next) {
		if (n->type == CONF_MAP) {
			write_string(out, k->key->text);
			(void)fputc(':', out);
		}
		write_node(out, k);
		if (k->next)
			(void)fputc(',', out);
	}
	(void)fputc(n->type == CONF_MAP ? '}' : ']', out);
}

int take_mesh(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	struct raw_mesh raw = { 0 };
	char *text = NULL;
	size_t len = 0;

	(void)f;
	if (node->type != CONF_MAP) {
		return conf_bad(c, node, "found %s for 'mesh', expected a map",
		    conf_describe(c, node));
	}
	if (conf_fill(c, &table, node, &raw) < 0)
		return -EINVAL;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort(); /* out of memory */
	write_node(out, node);
	if (fclose(out) != 0)
		abort();
	*(const char **)at = arena_strdup(c->arena, text);
	free(text);
	if (len > TEXT_MAX) {
		return conf_bad(c, node,
		    "found %zu octets for 'mesh', expected at most %d", len,
		    TEXT_MAX);
	}
	return 0;
}

/* ---- from JSON --------------------------------------------------------- */

static void resolve(struct arena *a, const struct raw_mesh *raw,
    const char *zone, struct mesh_policy *p)
{
	const struct raw_caller *callers = raw->allow.items;
	struct required_service *calls =
	    arena_alloc(a, raw->calls.n, sizeof(*calls));
	struct mesh_caller *allow =
	    arena_alloc(a, raw->allow.n, sizeof(*allow));

	*p = raw->policy;
	for (unsigned i = 0; i < raw->calls.n; i++) {
		calls[i] = service_ref_split(a, raw->calls.items[i], zone);
	}
	for (unsigned i = 0; i < raw->allow.n; i++) {
		struct required_service s =
		    service_ref_split(a, callers[i].service, zone);

		allow[i] = (struct mesh_caller){ .zone = s.zone,
			.service = s.service,
			.methods = callers[i].methods,
			.paths = callers[i].paths };
	}
	p->calls = calls;
	p->call_n = raw->calls.n;
	p->allow = allow;
	p->allow_n = raw->allow.n;
}

int mesh_policy_parse(struct arena *a, const char *text, const char *zone,
    struct mesh_policy *ret_p, struct diag *reterr)
{
	struct diags errors = { 0 };
	struct conf_context c = {
		.file = "mesh", .arena = a, .diags = &errors
	};
	struct raw_mesh raw = { 0 };
	const struct conf_node *root;
	int r = conf_parse(&c, text, strlen(text), &root);

	if (r == 0 && root->type != CONF_MAP) {
		r = conf_bad(&c, root, "found no map, expected one");
	}
	if (r == 0)
		r = conf_fill(&c, &table, root, &raw);
	if (r < 0)
		return diag_set(reterr, r, "%s", errors.items[0].text);
	resolve(a, &raw, zone, ret_p);
	return 0;
}
