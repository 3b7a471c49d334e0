// SPDX-License-Identifier: BSD-2-Clause
/*
 * A service of Consul is an instance of ours: those of one name become the
 * instances of one service, with their own tags, metadata, weights and
 * checks. Checks beside the services belong to the host, so to all of them,
 * unless they name one by service_id.
 */
#include "registrar/definition/definition_consul.h"

#include "registrar/definition/definition_consul_check.h"
#include "registrar/definition/definition_consul_tree.h"
#include "schema/label.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define TXT_MAX_LEN 255 /* of key=value: definition_text.c */
#define HEAD_LEN 1024   /* octets of a file in which HCL shows itself */

/* ---- values of a service ---------------------------------------------- */

static bool is_true(const struct conf_node *n)
{
	return n->type == CONF_SCALAR && strcmp(n->text, "true") == 0;
}

static int take_id(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	const char *label = consul_label(c, value->text, LABEL_MAX);
	/* nothing is left: let the rule for names say what is wrong */
	struct conf_node *name =
	    consul_word(c, value, *label ? label : value->text);

	name->key = value->key;
	consul_put(c, out, "name", name);
	return 0;
}

/* "" is the address of the agent, as if it were not there. */
static int take_address(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	if (value->type != CONF_SCALAR || *value->text)
		consul_put(c, out, "address", value);
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
		consul_put(c, weights, "passing", consul_word(c, value, "1"));
	if (!conf_get(weights, "warning"))
		consul_put(c, weights, "warning", consul_word(c, value, "1"));
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

/* Names, checks and weights are seen to by translate_service(). */
static int take_nothing(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	(void)c;
	(void)value;
	(void)out;
	return 0;
}

// clang-format off
static const struct consul_rule service_rules[] = {
	{ .key = "name", .take = take_nothing },
	{ .key = "id", .take = take_id },
	{ .key = "address", .take = take_address },
	{ .key = "port", .take = take_port },
	{ .key = "tags", .take = take_tags },
	{ .key = "meta", .take = take_meta },
	{ .key = "weights", .take = take_weights },
	{ .key = "taggedaddresses", .take = take_tagged_addresses },
	{ .key = "enabletagoverride", .take = take_override },
	{ .key = "check", .take = take_nothing },
	{ .key = "checks", .take = take_nothing },
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

static int translate_instance(struct conf_context *c,
    const struct conf_node *raw, const struct conf_node *root,
    struct conf_node **ret_out)
{
	struct conf_node *out = consul_map(c, raw);
	int r = consul_apply(c, service_rules, "a service of Consul", raw, out);

	if (r == 0 && !conf_get(out, "weights"))
		r = take_weights(c, consul_map(c, raw), out);
	if (r == 0)
		r = consul_take_checks(c, raw, root, out);
	settle_addresses(c, raw, out);
	*ret_out = out;
	return r;
}

/* What DNS will call it; told when it is more than another case. */
static const char *service_label(
    struct conf_context *c, const struct conf_node *name)
{
	const char *label = consul_label(c, name->text, LABEL_SERVICE_MAX);

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

/* The service `name` in the file to be; its instances come second. */
static struct conf_node *find_service(struct conf_context *c,
    struct conf_node *services, const struct conf_node *at, const char *name)
{
	struct conf_node *s;

	for (s = services->first; s; s = s->next) {
		if (strcmp(s->first->text, name) == 0)
			return s;
	}
	struct conf_node *map = consul_map(c, at);

	consul_put(c, map, "service", consul_word(c, at, name));
	consul_put(c, map, "instances", consul_list(c, at));
	consul_append(c, services, map);
	return services->last;
}

static int translate_service(struct conf_context *c,
    const struct conf_node *raw, const struct conf_node *root,
    struct conf_node *services)
{
	const struct conf_node *name;
	struct conf_node *instance;

	if (raw->type != CONF_MAP) {
		return conf_bad(c, raw,
		    "found %s, expected a service of Consul as a map",
		    conf_describe(c, raw));
	}
	name = consul_get(raw, "name");
	if (!name || name->type != CONF_SCALAR) {
		return conf_bad(c, raw,
		    "found a service of Consul without 'name', expected the "
		    "name of a service");
	}
	int r = translate_instance(c, raw, root, &instance);

	if (r < 0)
		return r;
	struct conf_node *service =
	    find_service(c, services, name, service_label(c, name));

	consul_append(c, service->first->next, instance);
	consul_take_deregister(c, raw, root, service);
	return 0;
}

/* ---- a file ----------------------------------------------------------- */

bool consul_is_definition(const struct conf_node *root)
{
	if (root->type != CONF_MAP)
		return false;
	const struct conf_node *one = consul_get(root, "service");
	const struct conf_node *many = consul_get(root, "services");

	if (one && one->type == CONF_MAP)
		return true;
	if (!one && many && many->type == CONF_LIST) {
		const struct conf_node *first = many->first;

		return first && first->type == CONF_MAP &&
		       !conf_get(first, "service") && consul_get(first, "name");
	}
	return !one && !many && consul_get(root, "check");
}

int consul_translate(struct conf_context *c, const struct conf_node *root,
    const struct conf_node **ret_root)
{
	static const struct consul_rule rules[] = {
		{ .key = "service", .take = take_nothing },
		{ .key = "services", .take = take_nothing },
		{ .key = "check", .take = take_nothing },
		{ .key = "checks", .take = take_nothing },
		{ 0 },
	};
	const struct conf_node *one = consul_get(root, "service");
	const struct conf_node *many = consul_get(root, "services");
	struct conf_node *out = consul_map(c, root);
	struct conf_node *services = consul_list(c, root);

	if (!one && !many) {
		return conf_bad(c, root,
		    "found checks without a service, expected 'service' or "
		    "'services' in the same file");
	}
	int r = consul_apply(c, rules, "a file of Consul", root, out);

	if (one && translate_service(c, one, root, services) < 0)
		r = -EINVAL;
	for (const struct conf_node *n = many ? many->first : NULL; n;
	     n = n->next) {
		if (translate_service(c, n, root, services) < 0)
			r = -EINVAL;
	}
	consul_tell_strays(c, root);
	consul_put(c, out, "services", services);
	*ret_root = out;
	return r;
}

/* Behind blank lines and comments. */
static const char *skip_comments(const char *text)
{
	for (;;) {
		text += strspn(text, " \t\r\n");
		if (*text != '#' && strncmp(text, "//", 2) != 0)
			return text;
		text += strcspn(text, "\n");
	}
}

/* `service {`, `service "web" {`, `services = [` are no YAML. */
static bool looks_like_hcl(const char *text)
{
	static const char *const words[] = { "services", "service", "checks",
		"check" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t len = strlen(words[i]);

		if (strncmp(text, words[i], len) != 0)
			continue;
		text += len;
		text += strspn(text, " \t");
		if (*text == '"')
			text += 1 + strcspn(text + 1, "\"\n");
		text += strspn(text, "\" \t");
		return *text == '{' || *text == '=';
	}
	return false;
}

int consul_refuse_hcl(struct conf_context *c, const char *text, size_t len)
{
	static const struct conf_node start = { .line = 1, .column = 1 };
	const char *end = strrchr(c->file, '.');
	char head[HEAD_LEN + 1] = "";

	memcpy(head, text, len < HEAD_LEN ? len : HEAD_LEN);
	if ((!end || strcmp(end, ".hcl") != 0) &&
	    !looks_like_hcl(skip_comments(head)))
		return 0;
	return conf_bad(c, &start,
	    "found HCL, expected YAML or JSON: of Consul's two languages only "
	    "JSON is read");
}
