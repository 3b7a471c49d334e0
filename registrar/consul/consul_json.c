// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/consul/consul_json.h"

#include "registrar/consul/consul_tree.h"

#include <stdint.h>

static struct conf_node *scalar(
    struct conf_context *c, const struct conf_node *at, const json_t *value)
{
	struct conf_node *n = consul_word(c, at, "");

	n->plain = true;
	switch (json_typeof(value)) {
	case JSON_STRING:
		n->plain = false;
		n->text = arena_strdup(c->arena, json_string_value(value));
		break;
	case JSON_INTEGER:
		n->text = arena_printf(c->arena, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
		break;
	case JSON_REAL:
		n->text =
		    arena_printf(c->arena, "%.17g", json_real_value(value));
		break;
	case JSON_TRUE:
		n->text = "true";
		break;
	case JSON_FALSE:
		n->text = "false";
		break;
	case JSON_NULL:
	case JSON_OBJECT:
	case JSON_ARRAY:
	default:
		n->text = "null";
		break;
	}
	return n;
}

/* NOLINTNEXTLINE(misc-no-recursion): jansson bounds the depth */
static struct conf_node *node_of(
    struct conf_context *c, const struct conf_node *at, const json_t *value)
{
	json_t *v = (json_t *)(uintptr_t)value, *item;
	struct conf_node *n;
	const char *key;
	size_t i;

	if (json_is_array(v)) {
		n = consul_list(c, at);
		json_array_foreach(v, i, item)
		{
			consul_append(c, n, node_of(c, at, item));
		}
		return n;
	}
	if (!json_is_object(v))
		return scalar(c, at, v);
	n = consul_map(c, at);
	json_object_foreach(v, key, item)
	{
		consul_put(
		    c, n, arena_strdup(c->arena, key), node_of(c, at, item));
	}
	return n;
}

const struct conf_node *consul_from_json(
    struct conf_context *c, const json_t *value, unsigned line, unsigned column)
{
	const struct conf_node at = { .line = line, .column = column };

	return node_of(c, &at, value);
}
