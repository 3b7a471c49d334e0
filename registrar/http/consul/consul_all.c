// SPDX-License-Identifier: BSD-2-Clause
/* What is asked about all services. */
#include "registrar/http/consul/consul_impl.h"

#include <stdlib.h>
#include <string.h>

static void append(json_t *list, json_t *value)
{
	if (json_array_append_new(list, value) < 0)
		abort(); /* out of memory */
}

static bool is_mine(const json_t *entry)
{
	return json_is_true(json_object_get(entry, "_Mine"));
}

/* ---- catalog/services --------------------------------------------------- */

static void add_names(
    void *state, const char *service, const json_t *entries, json_t *into)
{
	json_t *tags = json_must(json_array()), *entry, *tag, *has;
	size_t i, k, m;

	(void)state;
	json_array_foreach((json_t *)(uintptr_t)entries, i, entry)
	{
		json_array_foreach(
		    json_object_get(json_object_get(entry, "Service"), "Tags"),
		    k, tag)
		{
			bool there = false;

			json_array_foreach(tags, m, has)
			{
				there |= json_equal(has, tag);
			}
			if (!there)
				append(tags, json_incref(tag));
		}
	}
	json_set(into, service, tags);
}

void consul_get_services(struct http_request *q)
{
	static const struct consul_walker walker = { .map = true,
		.add_all = add_names };

	if (!consul_waits_for_names(q))
		consul_walk(q, &walker, "");
}

/* ---- nodes -------------------------------------------------------------- */

static void add_node(void *state, const json_t *entry, json_t *into)
{
	json_t *seen = consul_walk_memory(state);
	const char *name = consul_text(entry, "Node", "Node");

	if (json_object_get(seen, name))
		return;
	json_set(seen, name, json_true());
	append(into, json_incref(json_object_get(entry, "Node")));
}

void consul_get_nodes(struct http_request *q)
{
	static const struct consul_walker walker = { .add = add_node };

	if (!consul_waits(q, NULL))
		consul_walk(q, &walker, "");
}

static bool is_of_node(void *state, const json_t *entry)
{
	return !strcmp(
	    consul_text(entry, "Node", "Node"), consul_walk_text(state));
}

/* The node stays in mind, and its services in a map, until the end. */
static void add_of_node(void *state, const json_t *entry, json_t *into)
{
	json_t *memory = consul_walk_memory(state);

	(void)into;
	if (!is_of_node(state, entry))
		return;
	if (!json_object_get(memory, "Services")) {
		json_set(memory, "Node",
		    json_incref(json_object_get(entry, "Node")));
		json_set(memory, "Services", json_must(json_object()));
	}
	json_set(json_object_get(memory, "Services"),
	    consul_text(entry, "Service", "ID"),
	    json_incref(json_object_get(entry, "Service")));
}

static void end_node(void *state, json_t *into)
{
	json_t *memory = consul_walk_memory(state), *value;
	const char *key;

	json_object_foreach(memory, key, value)
	{
		json_set(into, key, json_incref(value));
	}
}

void consul_get_node(struct http_request *q)
{
	static const struct consul_walker walker = {
		.map = true, .add = add_of_node, .end = end_node
	};

	if (!consul_waits(q, NULL))
		consul_walk(q, &walker, http_part(q, 0));
}

static void end_node_services(void *state, json_t *into)
{
	json_t *memory = consul_walk_memory(state), *value;
	json_t *list = json_must(json_array());
	const char *key;

	json_object_foreach(json_object_get(memory, "Services"), key, value)
	{
		append(list, json_incref(value));
	}
	if (json_object_get(memory, "Node")) {
		json_set(
		    into, "Node", json_incref(json_object_get(memory, "Node")));
	}
	json_set(into, "Services", list);
}

void consul_get_node_services(struct http_request *q)
{
	static const struct consul_walker walker = {
		.map = true, .add = add_of_node, .end = end_node_services
	};

	if (!consul_waits(q, NULL))
		consul_walk(q, &walker, http_part(q, 0));
}

/* ---- checks ------------------------------------------------------------- */

/* The check of a node is told once. */
static bool is_first(void *state, const json_t *check)
{
	json_t *seen = consul_walk_memory(state);
	const char *node = consul_text(check, NULL, "Node");

	if (*consul_text(check, NULL, "ServiceID"))
		return true;
	if (json_object_get(seen, node))
		return false;
	json_set(seen, node, json_true());
	return true;
}

static void add_checks(void *state, const json_t *entry, json_t *into)
{
	const char *state_name = consul_walk_text(state);
	json_t *check;
	size_t i;

	json_array_foreach(json_object_get(entry, "Checks"), i, check)
	{
		if ((!strcmp(state_name, "any") ||
		        !strcmp(
		            state_name, consul_text(check, NULL, "Status"))) &&
		    is_first(state, check))
			append(into, json_incref(check));
	}
}

void consul_get_health_state(struct http_request *q)
{
	static const char *const states[] = { "any", "passing", "warning",
		"critical", NULL };
	static const struct consul_walker walker = { .add = add_checks };
	unsigned k = 0;

	while (states[k] && strcmp(states[k], http_part(q, 0)) != 0)
		k++;
	if (!states[k]) {
		http_fail(q, 400, "path",
		    "Invalid state, expected any, passing, warning or "
		    "critical");
		return;
	}
	if (!consul_waits(q, NULL))
		consul_walk(q, &walker, states[k]);
}

static void add_checks_of_node(void *state, const json_t *entry, json_t *into)
{
	json_t *check;
	size_t i;

	if (!is_of_node(state, entry))
		return;
	json_array_foreach(json_object_get(entry, "Checks"), i, check)
	{
		if (is_first(state, check))
			append(into, json_incref(check));
	}
}

void consul_get_health_node(struct http_request *q)
{
	static const struct consul_walker walker = { .add =
		                                         add_checks_of_node };

	if (!consul_waits(q, NULL))
		consul_walk(q, &walker, http_part(q, 0));
}

/* ---- of this host ------------------------------------------------------- */

static void add_mine(void *state, const json_t *entry, json_t *into)
{
	(void)state;
	if (is_mine(entry)) {
		json_set(into, consul_text(entry, "Service", "ID"),
		    consul_agent_entry(entry));
	}
}

void consul_get_agent_services(struct http_request *q)
{
	static const struct consul_walker walker = { .map = true,
		.add = add_mine };

	if (!consul_is_elsewhere(q))
		consul_walk(q, &walker, "");
}

static void add_my_checks(void *state, const json_t *entry, json_t *into)
{
	json_t *check;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(entry, "Checks"), i, check)
	{
		if (is_mine(entry) && *consul_text(check, NULL, "ServiceID")) {
			json_set(into, consul_text(check, NULL, "CheckID"),
			    json_incref(check));
		}
	}
}

void consul_get_agent_checks(struct http_request *q)
{
	static const struct consul_walker walker = { .map = true,
		.add = add_my_checks };

	if (!consul_is_elsewhere(q))
		consul_walk(q, &walker, "");
}
