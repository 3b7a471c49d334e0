// SPDX-License-Identifier: BSD-2-Clause
/*
 * A service of Consul is an instance of ours: those of one name become the
 * instances of one service, with their own tags, metadata, weights and
 * checks. Checks beside the services belong to the host, so to all of them,
 * unless they name one by service_id.
 */
#include "registrar/definition/definition_consul.h"

#include "registrar/consul/consul_service.h"
#include "registrar/consul/consul_tree.h"
#include "registrar/definition/definition_consul_check.h"

#include <errno.h>
#include <string.h>

#define HEAD_LEN 1024 /* octets of a file in which HCL shows itself */

/* ---- one service ------------------------------------------------------ */

static int translate_instance(struct conf_context *c,
    const struct conf_node *raw, const struct conf_node *root,
    struct conf_node **ret_out)
{
	int r = consul_instance(c, raw, ret_out);

	return r < 0 ? r : consul_take_checks(c, raw, root, *ret_out);
}

/* The service `name` in the file to be; its instances come second. */
static struct conf_node *find_service(struct conf_context *c,
    struct conf_node *services, const struct conf_node *at, const char *name)
{
	struct conf_node *s = consul_find_name(c, name);

	if (s)
		return s;
	struct conf_node *map = consul_map(c, at);

	consul_put(c, map, "service", consul_word(c, at, name));
	consul_put(c, map, "instances", consul_list(c, at));
	consul_append(c, services, map);
	consul_put_name(c, name, services->last);
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
	    find_service(c, services, name, consul_service_label(c, name));

	consul_append(c, service->first->next, instance);
	consul_take_deregister(c, raw, root, service);
	return 0;
}

/* One, or a list of them: Consul takes both under either key. */
static int translate_services(struct conf_context *c,
    const struct conf_node *value, const struct conf_node *root,
    struct conf_node *services)
{
	bool many = value->type == CONF_LIST;
	int r = 0;

	for (const struct conf_node *n = many ? value->first : value; n;
	     n = many ? n->next : NULL) {
		if (translate_service(c, n, root, services) < 0)
			r = -EINVAL;
	}
	return r;
}

/* ---- a file ----------------------------------------------------------- */

static bool is_list_of_services(const struct conf_node *n)
{
	const struct conf_node *first = n->type == CONF_LIST ? n->first : NULL;

	return first && first->type == CONF_MAP &&
	       !conf_get(first, "service") && consul_get(first, "name");
}

bool consul_is_definition(const struct conf_node *root)
{
	if (root->type != CONF_MAP)
		return false;
	const struct conf_node *one = consul_get(root, "service");
	const struct conf_node *many = consul_get(root, "services");

	if (one && (one->type == CONF_MAP || is_list_of_services(one)))
		return true;
	if (!one && many)
		return is_list_of_services(many);
	return !one && !many &&
	       (consul_get(root, "check") || consul_get(root, "checks"));
}

int consul_translate(struct conf_context *c, const struct conf_node *root,
    const struct conf_node **ret_root)
{
	static const struct consul_rule rules[] = {
		{ .key = "service" },
		{ .key = "services" },
		{ .key = "check" },
		{ .key = "checks" },
		{ 0 },
	};
	const struct conf_node *one = consul_get(root, "service");
	const struct conf_node *many = consul_get(root, "services");
	struct conf_node *out = consul_map(c, root);
	struct conf_node *services = consul_list(c, root);
	struct consul_index index = { 0 };

	if (!one && !many) {
		return conf_bad(c, root,
		    "found checks without a service, expected 'service' or "
		    "'services' in the same file");
	}
	c->arg = &index;
	consul_index_services(c, root);
	int r = consul_apply(c, rules, "a file of Consul", root, out);

	if (one && translate_services(c, one, root, services) < 0)
		r = -EINVAL;
	if (many && translate_services(c, many, root, services) < 0)
		r = -EINVAL;
	consul_tell_strays(c, root);
	consul_index_release(&index);
	c->arg = NULL;
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
