// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which service a check means: by id, which is by default the name.
 */
#include "registrar/consul/consul_tree.h"
#include "registrar/definition/definition_consul_check.h"
#include "schema/label.h"

#include <string.h>

const char *consul_id_of(const struct conf_node *service)
{
	if (service->type != CONF_MAP)
		return NULL;
	const struct conf_node *id = consul_get(service, "id");
	const struct conf_node *name = consul_get(service, "name");

	if (id && consul_is_empty(id))
		id = NULL;
	return id ? id->text : name ? name->text : NULL;
}

const struct conf_node *consul_find_service(
    const struct conf_node *root, const char *id)
{
	static const char *const keys[] = { "service", "services" };

	for (size_t i = 0; i < 2; i++) {
		const struct conf_node *value = consul_get(root, keys[i]);
		bool many = value && value->type == CONF_LIST;

		for (const struct conf_node *n = many ? value->first : value; n;
		     n = many ? n->next : NULL) {
			const char *other = consul_id_of(n);

			if (other && strcmp(other, id) == 0)
				return n;
		}
	}
	return NULL;
}

/*
 * An id is that of an instance. One that is not in the file is most likely
 * what it is by default, the name of the service; so is one that is not
 * written, whose instance has a name of address and port.
 */
void consul_put_alias(struct conf_context *c, const struct conf_node *raw,
    const struct conf_node *root, struct conf_node *out)
{
	const struct conf_node *value = consul_get(raw, "aliasservice");

	if (!value || consul_is_empty(value))
		return;
	const struct conf_node *other = consul_find_service(root, value->text);
	const struct conf_node *name = other ? consul_get(other, "name") : NULL;
	const char *text = consul_label(
	    c->arena, name ? name->text : value->text, LABEL_SERVICE_MAX);

	const struct conf_node *id = other ? consul_get(other, "id") : NULL;

	if (name && id && !consul_is_empty(id)) {
		text = arena_printf(c->arena, "%s/%s", text,
		    consul_label(c->arena, value->text, LABEL_MAX));
	} else if (!name && *text) {
		conf_warn(c, value,
		    "found %s for 'alias_service', taken as the service '%s': "
		    "the file has none of that id",
		    conf_describe(c, value), text);
	}
	struct conf_node *alias =
	    consul_word(c, value, *text ? text : value->text);

	alias->key = value->key;
	consul_put(c, out, "alias", alias);
}
