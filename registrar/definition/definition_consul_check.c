// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/definition/definition_consul_check.h"

#include "registrar/consul/consul_tree.h"
#include "registrar/definition/definition_parts.h"
#include "schema/conf/units.h"
#include "schema/label.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* ---- values ----------------------------------------------------------- */

/* A program without a path is looked for, as Consul does; no shell. */
static int take_args(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	struct conf_node *argv = consul_list(c, value);
	const struct conf_node *first = value->first;

	if (first && first->type == CONF_SCALAR && *first->text != '/' &&
	    *first->text != '-' && !strchr(first->text, '='))
		consul_append(c, argv, consul_word(c, first, "/usr/bin/env"));
	for (const struct conf_node *n = first; n; n = n->next)
		consul_append(c, argv, n);
	argv->key = value->key;
	consul_put(c, out, "exec", value->type == CONF_LIST ? argv : value);
	return 0;
}

/* {"Accept": ["a", "b"]}: several values are one, RFC 9110 5.3. */
static int take_header(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	struct conf_node *headers = consul_map(c, value);

	if (value->type != CONF_MAP) {
		return conf_bad(c, value,
		    "found %s for 'header', expected a map of names to lists "
		    "of words",
		    conf_describe(c, value));
	}
	for (const struct conf_node *n = value->first; n; n = n->next) {
		const char *text = n->text;
		const struct conf_node *v = n->first;

		for (; v; v = v->next) {
			text = arena_printf(c->arena, "%s%s%s", text,
			    v == n->first ? "" : ", ", v->text);
		}
		struct conf_node *word = consul_word(c, n, text);

		word->key = n->key;
		consul_put(c, headers, n->key->text, word);
	}
	headers->key = value->key;
	consul_put(c, out, "headers", headers);
	return 0;
}

/* 0 and 1 are the same: the first one counts. */
static int take_count(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out, const char *as)
{
	struct conf_node *one = consul_word(c, value, "1");
	bool zero = value->type == CONF_SCALAR && !strcmp(value->text, "0");

	one->key = value->key;
	consul_put(c, out, as, zero ? one : value);
	return 0;
}

static int take_rise(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	return take_count(c, value, out, "rise");
}

static int take_fall(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	return take_count(c, value, out, "fall");
}

/* What Consul's check would be before it has run: here, not eligible. */
static int take_status(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	(void)out;
	if (strcmp(value->text, "critical") != 0) {
		conf_warn(c, value->key,
		    "found %s for 'status', ignored: an instance is not "
		    "eligible before its first verdict",
		    conf_describe(c, value));
	}
	return 0;
}

/* Redirects are never followed. */
static int take_redirects(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	(void)out;
	if (strcmp(value->text, "true") != 0) {
		conf_warn(c, value->key,
		    "found %s for 'disable_redirects', ignored: redirects are "
		    "not followed",
		    conf_describe(c, value));
	}
	return 0;
}

/* Literally: nothing in it is an escape. */
static int take_body(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	char *text = arena_alloc(c->arena, 2 * strlen(value->text) + 1, 1);
	struct conf_node *send = consul_word(c, value, text);

	for (const char *p = value->text; *p; p++) {
		if (*p == '\\')
			*text++ = '\\';
		*text++ = *p;
	}
	send->type = value->type; /* a list is no body: its rule will say so */
	send->key = value->key;
	if (value->type != CONF_SCALAR || *value->text)
		consul_put(c, out, "send", send);
	return 0;
}

/* "host:port/service" */
static int take_grpc(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	size_t len = strcspn(value->text, "/");
	struct conf_node *to =
	    consul_word(c, value, arena_memdup(c->arena, value->text, len));
	struct conf_node *service =
	    consul_word(c, value, value->text + len + (value->text[len] != 0));

	to->key = service->key = value->key;
	to->type = value->type; /* a list is none: its rule will say so */
	consul_put(c, out, "grpc", to);
	if (*service->text)
		consul_put(c, out, "service", service);
	return 0;
}

/* What put_tls(), consul_put_alias() and consul_take_deregister() look at. */
static int take_later(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	(void)c;
	(void)value;
	(void)out;
	return 0;
}

static int take_name(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	const char *label = consul_label(c->arena, value->text, LABEL_MAX);
	struct conf_node *name = consul_word(c, value, label);

	if (!*label || conf_get(out, "name"))
		return 0;
	name->key = value->key;
	consul_put(c, out, "name", name);
	return 0;
}

/* ---- kinds ------------------------------------------------------------ */

/* The kind is the first of these that is there. */
static const struct kind {
	const char *key;    /* of Consul, folded */
	const char *native; /* NULL: there is none */
} kinds[] = {
	{ "dockercontainerid", NULL },
	{ "script", NULL },
	{ "args", "exec" },
	{ "scriptargs", "exec" },
	{ "http", "http" },
	{ "tcp", "tcp" },
	{ "ttl", "ttl" },
	{ "udp", "udp" },
	{ "grpc", "grpc" },
	{ "h2ping", "h2ping" },
	{ "aliasservice", "alias" },
	{ "aliasnode", NULL },
};

// clang-format off
static const struct consul_rule rules[] = {
	{ .key = "id", .take = take_name },
	{ .key = "checkid", .take = take_name },
	{ .key = "name", .take = take_name },
	{ .key = "notes" },
	{ .key = "serviceid" },
	{ .key = "interval", .as = "interval" },
	{ .key = "timeout", .as = "timeout" },
	{ .key = "successbeforepassing", .take = take_rise },
	{ .key = "failuresbeforecritical", .take = take_fall },
	{ .key = "failuresbeforewarning",
	  .why = "a check that fails too seldom to be critical is passing" },
	{ .key = "status", .take = take_status },
	{ .key = "token", .why = "Rollcall has no ACL tokens" },
	{ .key = "outputmaxsize", .why = "4095 octets are kept" },
	{ .key = "deregistercriticalserviceafter", .take = take_later },
	{ .key = "args", .take = take_args },
	{ .key = "scriptargs", .take = take_args },
	{ .key = "http", .as = "http" },
	{ .key = "method", .as = "method" },
	{ .key = "header", .take = take_header },
	{ .key = "body", .take = take_body },
	{ .key = "disableredirects", .take = take_redirects },
	{ .key = "tcp", .as = "tcp" },
	{ .key = "ttl", .as = "ttl" },
	{ .key = "udp", .as = "udp" },
	{ .key = "grpc", .take = take_grpc },
	{ .key = "h2ping", .as = "h2ping" },
	{ .key = "aliasservice", .take = take_later },
	{ .key = "aliasnode", .why = "the registry knows no nodes" },
	{ .key = "tlsservername", .take = take_later },
	{ .key = "tlsskipverify", .take = take_later },
	{ .key = "tcpusetls", .take = take_later },
	{ .key = "grpcusetls", .take = take_later },
	{ .key = "h2pingusetls", .take = take_later },
	{ 0 },
};
// clang-format on

static const struct kind *find_kind(const struct conf_node *raw)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (consul_get(raw, kinds[i].key))
			return &kinds[i];
	}
	return NULL;
}

/* ---- TLS -------------------------------------------------------------- */

static bool is_true(const struct conf_node *n)
{
	return n && n->type == CONF_SCALAR && strcmp(n->text, "true") == 0;
}

/* Told; Consul lets keys of other kinds stand. */
static void tell_without_tls(struct conf_context *c, const struct kind *kind,
    const struct conf_node *raw)
{
	const char *const keys[] = { "tlsservername", "tlsskipverify",
		"tcpusetls", "grpcusetls", "h2pingusetls" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const struct conf_node *n = consul_get(raw, keys[i]);
		bool set = i == 0 ? n && *n->text : is_true(n);

		if (set) {
			conf_warn(c, n->key,
			    "found %s in a check of kind '%s', ignored: %s",
			    conf_describe(c, n->key), kind->native,
			    i < 2 ? "the check has no TLS"
			          : "it means nothing there");
		}
	}
}

/* https://, or the key of the kind that asks for it. */
static bool wants_tls(const struct kind *kind, const struct conf_node *raw,
    const struct conf_node *out)
{
	const struct conf_node *url = conf_get(out, "http");
	const struct conf_node *ping = consul_get(raw, "h2pingusetls");

	if (strcmp(kind->key, "tcp") == 0)
		return is_true(consul_get(raw, "tcpusetls"));
	if (strcmp(kind->key, "grpc") == 0)
		return is_true(consul_get(raw, "grpcusetls"));
	if (strcmp(kind->key, "h2ping") == 0)
		return !ping || is_true(ping); /* as Consul does */
	return url && strncasecmp(url->text, "https://", 8) == 0;
}

static void put_tls(struct conf_context *c, const struct kind *kind,
    const struct conf_node *raw, struct conf_node *out)
{
	const struct conf_node *name = consul_get(raw, "tlsservername");
	struct conf_node *tls = consul_map(c, raw);

	if (!wants_tls(kind, raw, out)) {
		tell_without_tls(c, kind, raw);
		return;
	}
	if (name && (name->type != CONF_SCALAR || *name->text))
		consul_put(c, tls, "name", name);
	if (is_true(consul_get(raw, "tlsskipverify"))) {
		consul_put(c, tls, "verify", consul_word(c, raw, "false"));
	}
	consul_put(c, out, "tls", tls);
}

/* ---- one check -------------------------------------------------------- */

/* A name that another check of the instance has gives way to the default. */
static bool is_twin(const struct conf_node *list, const struct conf_node *name)
{
	if (strcmp(name->text, "process") == 0)
		return true; /* the process watch reports under it */
	for (const struct conf_node *n = list->first; n; n = n->next) {
		const struct conf_node *other = conf_get(n, "name");

		if (other && strcmp(other->text, name->text) == 0)
			return true;
	}
	return false;
}

/* The key of raw that n came from, as it is written. */
static const struct conf_node *written(
    const struct conf_node *raw, const struct conf_node *n)
{
	for (const struct conf_node *k = raw->first; k; k = k->next) {
		if (k->key->line == n->key->line &&
		    k->key->column == n->key->column)
			return k->key;
	}
	return n->key;
}

/* What the kind takes of out; Consul lets keys of other kinds stand. */
static struct conf_node *weed(struct conf_context *c,
    const struct check_type *type, const struct conf_node *raw,
    const struct conf_node *out, const struct conf_node *list)
{
	struct conf_node *kept = consul_map(c, out);

	for (const struct conf_node *n = out->first; n; n = n->next) {
		const char *key = n->key->text;
		bool name = strcmp(key, "name") == 0;

		if (name && is_twin(list, n))
			continue;
		if (name || conf_find(type->table, key) ||
		    check_type_find(key)) {
			consul_put(c, kept, key, n);
		} else {
			conf_warn(c, n->key,
			    "found %s in a check of kind '%s', ignored: it "
			    "means nothing there",
			    conf_describe(c, written(raw, n)), type->name);
		}
	}
	return kept;
}

static void put_defaults(struct conf_context *c, const struct check_type *type,
    struct conf_node *out)
{
	const struct {
		const char *key, *text;
	} all[] = {
		{ "timeout", type->kind == CHECK_EXEC ? "30s" : "10s" },
		{ "rise", "1" }, { "fall", "1" },
		{ "silence", "passing" }, /* udp: no answer is none needed */
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (!conf_find(type->table, all[i].key) ||
		    conf_get(out, all[i].key))
			continue;
		consul_put(
		    c, out, all[i].key, consul_word(c, out, all[i].text));
	}
}

/*
 * Consul's clients write all fields, with zero for those that they do not
 * set: such a key is as if it were not there.
 */
static bool is_zero(const struct conf_node *n)
{
	static const char *const durations[] = { "interval", "timeout", "ttl",
		"deregistercriticalserviceafter" };
	int64_t ms = -1;

	if (consul_is_empty(n))
		return true;
	if (n->type != CONF_SCALAR ||
	    (strcmp(n->text, "0") != 0 &&
	        (units_duration(n->text, &ms) < 0 || ms != 0)))
		return false;
	for (size_t i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
		if (consul_key_is(n->key->text, durations[i]))
			return true;
	}
	return false;
}

static const struct conf_node *without_zeros(
    struct conf_context *c, const struct conf_node *raw)
{
	struct conf_node *kept = consul_map(c, raw);

	for (const struct conf_node *n = raw->first; n; n = n->next) {
		if (!is_zero(n))
			consul_put(c, kept, n->key->text, n);
	}
	return kept;
}

int consul_translate_check(
    struct conf_context *c, const struct conf_node *raw, struct conf_node *list)
{
	if (raw->type == CONF_MAP) {
		raw = without_zeros(c, raw);
		if (!raw->n)
			return 0; /* "check": {} is none */
	}
	const struct kind *kind = raw->type == CONF_MAP ? find_kind(raw) : NULL;
	const struct check_type *type =
	    kind && kind->native ? check_type_find(kind->native) : NULL;
	struct conf_node *out = consul_map(c, raw);

	if (kind && !type) {
		const struct conf_node *key = consul_get(raw, kind->key)->key;

		conf_warn(c, key,
		    "found %s in a check of Consul, ignored with the whole "
		    "check: there are none of its kind",
		    conf_describe(c, key));
		return 0;
	}
	int r = consul_apply(c, rules, "a check of Consul", raw, out);

	if (r < 0)
		return r;
	if (type) { /* else its absence is an error */
		consul_put_alias(c, raw, out);
		out = weed(c, type, raw, out, list);
		put_tls(c, kind, raw, out);
		put_defaults(c, type, out);
	}
	consul_append(c, list, out);
	return 0;
}
