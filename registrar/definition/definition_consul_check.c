// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/definition/definition_consul_check.h"

#include "registrar/definition/definition_consul_tree.h"
#include "registrar/definition/definition_parts.h"
#include "schema/label.h"

#include <errno.h>
#include <string.h>

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

static int take_name(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	const char *label = consul_label(c, value->text, LABEL_MAX);
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
	{ "h2ping", NULL },
	{ "osservice", NULL },
	{ "aliasnode", NULL },
	{ "script", NULL },
	{ "args", "exec" },
	{ "scriptargs", "exec" },
	{ "http", "http" },
	{ "tcp", "tcp" },
	{ "ttl", "ttl" },
	{ "udp", "udp" },
	{ "grpc", "grpc" },
	{ "aliasservice", "alias" },
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
	{ .key = "deregistercriticalserviceafter",
	  .why = "a critical instance stays, and is in no answer" },
	{ .key = "args", .take = take_args },
	{ .key = "scriptargs", .take = take_args },
	{ .key = "http", .as = "http" },
	{ .key = "method", .as = "method" },
	{ .key = "header", .take = take_header },
	{ .key = "disableredirects", .take = take_redirects },
	{ .key = "tcp", .as = "tcp" },
	{ .key = "ttl", .as = "ttl" },
	{ .key = "udp", .as = "udp" },
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

/* What the kind takes of out; Consul lets keys of other kinds stand. */
static struct conf_node *weed(struct conf_context *c,
    const struct check_type *type, const struct conf_node *out,
    const struct conf_node *list)
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
			    "found '%s' in a check of kind '%s', ignored: it "
			    "means nothing there",
			    key, type->name);
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

static int translate_check(
    struct conf_context *c, const struct conf_node *raw, struct conf_node *list)
{
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
		out = weed(c, type, out, list);
		put_defaults(c, type, out);
	}
	consul_append(c, list, out);
	return 0;
}

/* ---- all checks of an instance ---------------------------------------- */

/* The id that checks name it by; NULL: it is no service at all. */
static const char *id_of(const struct conf_node *service)
{
	if (service->type != CONF_MAP)
		return NULL;
	const struct conf_node *id = consul_get(service, "id");
	const struct conf_node *name = consul_get(service, "name");

	return id ? id->text : name ? name->text : NULL;
}

static bool is_for(const struct conf_node *check, const char *id)
{
	const struct conf_node *service =
	    check->type == CONF_MAP ? consul_get(check, "serviceid") : NULL;

	return !service || (id && strcmp(service->text, id) == 0);
}

/* value: a check, a list of them, or NULL. */
static int translate_checks(struct conf_context *c,
    const struct conf_node *value, const char *id, struct conf_node *list)
{
	bool many = value && value->type == CONF_LIST;
	int r = 0;

	for (const struct conf_node *n = many ? value->first : value; n;
	     n = many ? n->next : NULL) {
		if (is_for(n, id) && translate_check(c, n, list) < 0)
			r = -EINVAL;
	}
	return r;
}

int consul_take_checks(struct conf_context *c, const struct conf_node *raw,
    const struct conf_node *root, struct conf_node *out)
{
	static const char *const keys[] = { "check", "checks" };
	struct conf_node *list = consul_list(c, raw);
	const char *id = id_of(raw);
	int r = 0;

	for (size_t i = 0; i < 2; i++) {
		if (translate_checks(c, consul_get(raw, keys[i]), id, list) <
		        0 ||
		    translate_checks(c, consul_get(root, keys[i]), id, list) <
		        0)
			r = -EINVAL;
	}
	if (list->n)
		consul_put(c, out, "checks", list);
	return r;
}

/* ---- checks of services that are not here ----------------------------- */

static bool has_service(const struct conf_node *root, const char *id)
{
	const struct conf_node *one = consul_get(root, "service");
	const struct conf_node *many = consul_get(root, "services");
	const char *other = one ? id_of(one) : NULL;

	if (other && strcmp(other, id) == 0)
		return true;
	for (const struct conf_node *n = many ? many->first : NULL; n;
	     n = n->next) {
		other = id_of(n);
		if (other && strcmp(other, id) == 0)
			return true;
	}
	return false;
}

static void tell_stray(struct conf_context *c, const struct conf_node *root,
    const struct conf_node *check)
{
	const struct conf_node *service =
	    check->type == CONF_MAP ? consul_get(check, "serviceid") : NULL;

	if (service && !has_service(root, service->text)) {
		conf_warn(c, service,
		    "found %s for '%s', ignored with the whole check: the "
		    "file has no such service",
		    conf_describe(c, service), service->key->text);
	}
}

void consul_tell_strays(struct conf_context *c, const struct conf_node *root)
{
	const struct conf_node *one = consul_get(root, "check");
	const struct conf_node *many = consul_get(root, "checks");

	if (one)
		tell_stray(c, root, one);
	for (const struct conf_node *n = many ? many->first : NULL; n;
	     n = n->next)
		tell_stray(c, root, n);
}
