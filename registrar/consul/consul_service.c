// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/consul/consul_service.h"

#include "registrar/consul/consul_tree.h"
#include "schema/label.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define TXT_MAX_LEN 255 /* of key=value: definition_text.c */

/* ---- values of a service ---------------------------------------------- */

static bool is_true(const struct conf_node *n)
{
	return n->type == CONF_SCALAR && strcmp(n->text, "true") == 0;
}

/* "" is as if it were not there: Consul's clients write so. */
static int take_id(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	if (value->type == CONF_SCALAR && !*value->text)
		return 0;
	const char *label = consul_label(c->arena, value->text, LABEL_MAX);
	/* nothing is left: let the rule for names say what is wrong */
	struct conf_node *name =
	    consul_word(c, value, *label ? label : value->text);

	name->key = value->key;
	consul_put(c, out, "name", name);
	return 0;
}

/*
 * "" is the address of the agent, as if it were not there. The one name that
 * is the same everywhere is what Consul's tutorials have.
 */
static int take_address(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	bool word = value->type == CONF_SCALAR;

	if (word && strcasecmp(value->text, "localhost") == 0) {
		struct conf_node *here = consul_word(c, value, "127.0.0.1");

		here->key = value->key;
		consul_put(c, out, "address", here);
	} else if (!word || *value->text) {
		consul_put(c, out, "address", value);
	}
	return 0;
}

/* 0 is no port. */
static int take_port(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	if (value->type != CONF_SCALAR || strcmp(value->text, "0") != 0)
		consul_put(c, out, "port", value);
	return 0;
}

/* Consul keeps a tag that stands twice; here it means no more than once. */
static int take_tags(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	struct conf_node *tags = consul_list(c, value);

	if (value->type != CONF_LIST) {
		consul_put(c, out, "tags", value);
		return 0;
	}
	for (const struct conf_node *n = value->first; n; n = n->next) {
		const struct conf_node *k = tags->first;

		while (k && (k->type != CONF_SCALAR ||
		                strcmp(k->text, n->text) != 0))
			k = k->next;
		if (!k && (n->type != CONF_SCALAR || *n->text))
			consul_append(c, tags, n);
	}
	tags->key = value->key;
	consul_put(c, out, "tags", tags);
	return 0;
}

/* Consul's values may be longer than a string of a TXT record. */
static int take_meta(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	struct conf_node *meta = consul_map(c, value);

	if (value->type != CONF_MAP) {
		consul_put(c, out, "meta", value);
		return 0;
	}
	for (const struct conf_node *n = value->first; n; n = n->next) {
		size_t len = strlen(n->key->text) + 1 + strlen(n->text);

		if (conf_is_null(n)) { /* a map of strings: "" to Consul */
			struct conf_node *empty = consul_word(c, n, "");

			empty->key = n->key;
			consul_put(c, meta, n->key->text, empty);
			continue;
		}
		if (len <= TXT_MAX_LEN) {
			consul_put(c, meta, n->key->text, n);
			continue;
		}
		conf_warn(c, n->key,
		    "found %s in 'meta' with %zu octets of key=value, "
		    "ignored: a TXT record holds %d",
		    conf_describe(c, n->key), len, TXT_MAX_LEN);
	}
	meta->key = value->key;
	consul_put(c, out, "meta", meta);
	return 0;
}

/* As a number is written. */
static struct conf_node *make_one(
    struct conf_context *c, const struct conf_node *at)
{
	struct conf_node *one = consul_word(c, at, "1");

	one->plain = true;
	return one;
}

static int take_weights(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	static const struct consul_rule rules[] = {
		{ .key = "passing", .as = "passing" },
		{ .key = "warning", .as = "warning" },
		{ 0 },
	};
	struct conf_node *weights = consul_map(c, value);
	int r = consul_apply(c, rules, "'weights' of Consul", value, weights);

	/* Consul's defaults, so that its files agree with each other */
	if (!conf_get(weights, "passing"))
		consul_put(c, weights, "passing", make_one(c, value));
	if (!conf_get(weights, "warning"))
		consul_put(c, weights, "warning", make_one(c, value));
	weights->key = value->key;
	consul_put(c, out, "weights", weights);
	return r;
}

/* {lan_ipv6: {address: ..., port: ...}}: a host with two addresses. */
static int take_tagged_addresses(struct conf_context *c,
    const struct conf_node *value, struct conf_node *out)
{
	static const struct {
		const char *key, *as;
	} used[] = { { "lanipv4", "lan_ipv4" }, { "lanipv6", "address6" } };

	if (value->type != CONF_MAP) {
		return conf_bad(c, value,
		    "found %s for 'tagged_addresses', expected a map",
		    conf_describe(c, value));
	}
	for (const struct conf_node *n = value->first; n; n = n->next) {
		const struct conf_node *address = consul_get(n, "address");
		bool known = false;

		for (size_t i = 0; i < 2; i++) {
			if (!address ||
			    !consul_key_is(n->key->text, used[i].key))
				continue;
			known = true;
			consul_put(c, out, used[i].as, address);
		}
		/* those that Consul makes up itself when asked for them */
		known = known || consul_key_is(n->key->text, "lan");
		if (!known) {
			conf_warn(c, n->key,
			    "found %s in 'tagged_addresses', ignored: an "
			    "instance has one IPv4 and one IPv6 address",
			    conf_describe(c, n->key));
		}
	}
	return 0;
}

static int take_override(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	(void)out;
	if (is_true(value)) {
		conf_warn(c, value->key,
		    "found 'enable_tag_override', ignored: tags are those of "
		    "the definition");
	}
	return 0;
}

// clang-format off
static const struct consul_rule service_rules[] = {
	{ .key = "name" }, /* whoever asks sees to these */
	{ .key = "id", .take = take_id },
	{ .key = "address", .take = take_address },
	{ .key = "port", .take = take_port },
	{ .key = "tags", .take = take_tags },
	{ .key = "meta", .take = take_meta },
	{ .key = "weights", .take = take_weights },
	{ .key = "taggedaddresses", .take = take_tagged_addresses },
	{ .key = "enabletagoverride", .take = take_override },
	{ .key = "check" },
	{ .key = "checks" },
	{ .key = "notes" },
	{ .key = "token", .why = "Rollcall has no ACL tokens" },
	{ .key = "kind", .why = "there is no service mesh" },
	{ .key = "proxy", .why = "there is no service mesh" },
	{ .key = "connect", .why = "there is no service mesh" },
	{ .key = "socketpath", .why = "an instance has an address" },
	{ 0 },
};
// clang-format on

/* ---- one service ------------------------------------------------------ */

/*
 * lan_ipv4 is the address of an instance that has no other, and address6
 * stands beside an IPv4 address alone.
 */
static void settle_addresses(
    struct conf_context *c, const struct conf_node *raw, struct conf_node *out)
{
	struct conf_node *kept = consul_map(c, raw);
	const struct conf_node *own = conf_get(out, "address");
	const struct conf_node *lan = conf_get(out, "lan_ipv4");
	const struct conf_node *second = conf_get(out, "address6");
	const struct conf_node *address = own ? own : lan ? lan : second;
	bool alone = second && strchr(address->text, ':');

	for (const struct conf_node *n = out->first; n; n = n->next) {
		if (n != lan && (n != second || !alone))
			consul_put(c, kept, n->key->text, n);
	}
	if (address && !own)
		consul_put(c, kept, "address", address);
	*out = *kept;
}

const char *consul_service_label(
    struct conf_context *c, const struct conf_node *name)
{
	const char *label =
	    consul_label(c->arena, name->text, LABEL_SERVICE_MAX);

	if (!*label)
		return name->text; /* its rule will say so */
	if (strcasecmp(label, name->text) != 0) {
		conf_warn(c, name,
		    "found %s as the name of a service, taken as '%s': "
		    "expected " LABEL_SERVICE_RULE,
		    conf_describe(c, name), label);
	}
	return label;
}

int consul_instance(struct conf_context *c, const struct conf_node *service,
    struct conf_node **ret_out)
{
	struct conf_node *out = consul_map(c, service);
	int r =
	    consul_apply(c, service_rules, "a service of Consul", service, out);

	if (r == 0 && !conf_get(out, "weights"))
		r = take_weights(c, consul_map(c, service), out);
	settle_addresses(c, service, out);
	*ret_out = out;
	return r;
}

/* ---- answers of the API ----------------------------------------------- */

/* How each shape spells what a definition has; folded. NULL: it has none. */
static const struct {
	const char *as; /* in a definition */
	const char *catalog, *agent;
} spellings[] = {
	{ "name", "servicename", "service" },
	{ "id", "serviceid", "id" },
	{ "address", "serviceaddress", "address" },
	{ "port", "serviceport", "port" },
	{ "tags", "servicetags", "tags" },
	{ "meta", "servicemeta", "meta" },
	{ "weights", "serviceweights", "weights" },
};

static const char *text_of(const struct conf_node *map, const char *key)
{
	const struct conf_node *n =
	    map && map->type == CONF_MAP ? consul_get(map, key) : NULL;

	return n && n->type == CONF_SCALAR ? n->text : "";
}

/* Those that definitions may have; the others Consul makes up itself. */
static void copy_tagged(
    struct conf_context *c, const struct conf_node *from, struct conf_node *out)
{
	static const char *const keys[] = { "lanipv4", "lanipv6" };
	struct conf_node *tagged;

	if (!from || from->type != CONF_MAP)
		return;
	tagged = consul_map(c, from);
	for (size_t i = 0; i < 2; i++) {
		const struct conf_node *n = consul_get(from, keys[i]);

		if (n)
			consul_put(c, tagged, keys[i], n);
	}
	tagged->key = from->key;
	consul_put(c, out, "tagged_addresses", tagged);
}

/* A map as a definition has it, of what is known of an answer. */
static struct conf_node *respell(
    struct conf_context *c, const struct conf_node *from, bool catalog)
{
	struct conf_node *out = consul_map(c, from);

	for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++) {
		const struct conf_node *n = consul_get(
		    from, catalog ? spellings[i].catalog : spellings[i].agent);

		if (n)
			consul_put(c, out, spellings[i].as, n);
	}
	copy_tagged(c,
	    consul_get(
	        from, catalog ? "servicetaggedaddresses" : "taggedaddresses"),
	    out);
	return out;
}

static enum consul_shape shape_of(const struct conf_node *raw)
{
	const struct conf_node *service = consul_get(raw, "service");

	if (consul_get(raw, "servicename"))
		return CONSUL_CATALOG;
	if (service && service->type == CONF_MAP)
		return CONSUL_HEALTH;
	return service ? CONSUL_AGENT : CONSUL_DEFINITION;
}

void consul_entry_read(struct conf_context *c, const struct conf_node *raw,
    struct consul_entry *ret_e)
{
	enum consul_shape shape = shape_of(raw);
	const struct conf_node *node = consul_get(raw, "node");
	const struct conf_node *inner =
	    shape == CONSUL_HEALTH ? consul_get(raw, "service") : raw;
	bool catalog = shape == CONSUL_CATALOG;

	*ret_e = (struct consul_entry){ .shape = shape,
		.service = raw,
		.checks = consul_get(raw, "checks"),
		.node = text_of(raw, "node"),
		.node_address = "",
		.kind = text_of(inner, catalog ? "servicekind" : "kind") };
	if (shape == CONSUL_DEFINITION && !ret_e->checks)
		ret_e->checks = consul_get(raw, "check");
	if (node && node->type == CONF_MAP) {
		ret_e->node = text_of(node, "node");
		ret_e->node_address = text_of(node, "address");
	} else if (catalog) {
		ret_e->node_address = text_of(raw, "address");
	}
	if (shape != CONSUL_DEFINITION)
		ret_e->service = respell(c, inner, catalog);
}
