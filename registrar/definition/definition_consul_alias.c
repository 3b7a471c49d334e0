// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which service a check means: by id, which is by default the name.
 */
#include "registrar/consul/consul_tree.h"
#include "registrar/definition/definition_consul_check.h"
#include "schema/label.h"

#include <search.h>
#include <stdint.h>
#include <stdlib.h>
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

/* ---- which service has an id, or a name ------------------------------- */

/* A service of the file, or of the file to be: the first one of its key. */
struct known {
	const char *key;
	struct conf_node *node;
};

static int by_key(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return strcmp(x->key, y->key);
}

/* The first one of that key that was put, this one perhaps. */
static struct conf_node *put(struct conf_context *c, void **tree,
    const char *key, struct conf_node *node)
{
	struct known *k = arena_alloc(c->arena, 1, sizeof(*k));

	*k = (struct known){ .key = key, .node = node };
	struct known *const *found = tsearch(k, tree, by_key);

	if (!found)
		abort(); /* out of memory */
	return (*found)->node;
}

static struct conf_node *find(void *const *tree, const char *key)
{
	const struct known probe = { .key = key };
	struct known *const *found = tfind(&probe, tree, by_key);

	return found ? (*found)->node : NULL;
}

static void keep(void *item)
{
	(void)item; /* it is in the arena */
}

void consul_index_services(struct conf_context *c, const struct conf_node *root)
{
	static const char *const keys[] = { "service", "services" };
	struct consul_index *index = c->arg;

	for (size_t i = 0; i < 2; i++) {
		const struct conf_node *value = consul_get(root, keys[i]);
		bool many = value && value->type == CONF_LIST;

		for (const struct conf_node *n = many ? value->first : value; n;
		     n = many ? n->next : NULL) {
			const char *id = consul_id_of(n);

			/* only read */
			if (id) {
				(void)put(c, &index->ids, id,
				    (struct conf_node *)(uintptr_t)n);
			}
		}
	}
}

const struct conf_node *consul_find_service(
    const struct conf_context *c, const char *id)
{
	const struct consul_index *index = c->arg;

	return find(&index->ids, id);
}

struct conf_node *consul_find_name(
    const struct conf_context *c, const char *name)
{
	const struct consul_index *index = c->arg;

	return find(&index->names, name);
}

void consul_put_name(
    struct conf_context *c, const char *name, struct conf_node *service)
{
	struct consul_index *index = c->arg;

	(void)put(c, &index->names, name, service);
}

void consul_index_release(struct consul_index *index)
{
	tdestroy(index->ids, keep);
	tdestroy(index->names, keep);
}

/*
 * An id is that of an instance. One that is not in the file is most likely
 * what it is by default, the name of the service; so is one that is not
 * written, whose instance has a name of address and port.
 */
void consul_put_alias(
    struct conf_context *c, const struct conf_node *raw, struct conf_node *out)
{
	const struct conf_node *value = consul_get(raw, "aliasservice");

	if (!value || consul_is_empty(value))
		return;
	const struct conf_node *other = consul_find_service(c, value->text);
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
