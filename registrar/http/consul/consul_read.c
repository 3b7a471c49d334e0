// SPDX-License-Identifier: BSD-2-Clause
/* What is asked about one service. */
#include "registrar/http/consul/consul_impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* As DNS has it: names of Consul's know upper case. */
static const char *service_of(struct http_request *q)
{
	char *name = arena_strdup(http_arena(q), http_part(q, 0));

	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

static bool has_tag(const json_t *entry, const char *tag)
{
	const json_t *tags = json_object_get(
	                 json_object_get(entry, "Service"), "Tags"),
	             *one;
	size_t i;

	json_array_foreach(tags, i, one)
	{
		if (!strcmp(json_string_value(one), tag))
			return true;
	}
	return false;
}

/* "key:value" of the node's metadata */
static bool has_node_meta(const json_t *entry, const char *pair)
{
	const json_t *meta =
	    json_object_get(json_object_get(entry, "Node"), "Meta");
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)meta, key, value)
	{
		size_t len = strlen(key);

		if (!strncmp(pair, key, len) && pair[len] == ':' &&
		    !strcmp(pair + len + 1, json_string_value(value)))
			return true;
	}
	return false;
}

static bool is_wanted(struct http_request *q, const json_t *entry, bool passing)
{
	const char *text;

	if (passing && strcmp(consul_status(entry), "passing") != 0)
		return false;
	for (unsigned k = 0; (text = http_param_nth(q, "tag", k)); k++) {
		if (*text && !has_tag(entry, text))
			return false;
	}
	for (unsigned k = 0; (text = http_param_nth(q, "node-meta", k)); k++) {
		if (!has_node_meta(entry, text))
			return false;
	}
	return true;
}

/* Those of a node first: of this one, or of the one that is named. */
static json_t *sort_by_node(json_t *list, const char *near)
{
	json_t *sorted = json_must(json_array()), *entry;
	size_t i;

	for (int turn = 0; turn < 2; turn++) {
		json_array_foreach(list, i, entry)
		{
			bool is_near =
			    !strcmp(near, "_agent")
			        ? json_is_true(json_object_get(entry, "_Mine"))
			        : !strcmp(
			              consul_text(entry, "Node", "Node"), near);

			if (is_near == (turn == 0) &&
			    json_array_append(sorted, entry) < 0)
				abort(); /* out of memory */
		}
	}
	json_decref(list);
	return sorted;
}

/*
 * The instances that are asked for; NULL: held, or failed. passing: what it is
 * when it is not said.
 */
static json_t *read_entries(struct http_request *q)
{
	const char *service = service_of(q);
	const char *near = http_param(q, "near");
	bool passing = http_flag(q, "passing");
	json_t *list;
	struct diag why;

	if (!http_require(q, ACCESS_READ, service) || consul_waits(q, service))
		return NULL;
	struct registry *r = http_registry(q);
	if (!r)
		return NULL;
	int error = consul_view(q, r, service, &list, &why);
	if (error) {
		http_fail_error(q, error, &why);
		return NULL;
	}
	for (size_t i = 0; i < json_array_size(list);) {
		if (is_wanted(q, json_array_get(list, i), passing)) {
			i++;
		} else {
			(void)json_array_remove(list, i);
		}
	}
	return near && *near ? sort_by_node(list, near) : list;
}

static void reply(struct http_request *q, json_t *list)
{
	if (consul_filter(q, list)) {
		http_reply_json(q, 200, list);
	} else {
		json_decref(list);
	}
}

void consul_get_health_service(struct http_request *q)
{
	static const char *const own[] = { "_Mine", "_Name", "_State",
		"_Reason" };
	json_t *list = read_entries(q), *entry;
	size_t i;

	if (!list)
		return;
	json_array_foreach(list, i, entry)
	{
		for (size_t k = 0; k < sizeof(own) / sizeof(*own); k++)
			(void)json_object_del(entry, own[k]);
	}
	reply(q, list);
}

void consul_get_catalog_service(struct http_request *q)
{
	json_t *list = read_entries(q), *entry;
	json_t *out = json_must(json_array());
	size_t i;

	json_array_foreach(list, i, entry)
	{
		if (json_array_append_new(out, consul_catalog_entry(entry)) < 0)
			abort(); /* out of memory */
	}
	if (list) {
		reply(q, out);
	} else {
		json_decref(out);
	}
	json_decref(list);
}

void consul_get_health_checks(struct http_request *q)
{
	json_t *list = read_entries(q), *entry, *check;
	json_t *out = json_must(json_array());
	size_t i, k;

	json_array_foreach(list, i, entry)
	{
		json_array_foreach(json_object_get(entry, "Checks"), k, check)
		{
			if (*consul_text(check, NULL, "ServiceID") &&
			    json_array_append(out, check) < 0)
				abort(); /* out of memory */
		}
	}
	if (list) {
		reply(q, out);
	} else {
		json_decref(out);
	}
	json_decref(list);
}

/* One word for all instances, and its status. */
void consul_get_agent_health_name(struct http_request *q)
{
	json_t *list = read_entries(q), *entry;
	json_t *out = json_must(json_array());
	const char *worst = "passing";
	size_t i;

	if (!list) {
		json_decref(out);
		return;
	}
	json_array_foreach(list, i, entry)
	{
		json_t *one = json_must(json_object());
		const char *status = consul_status(entry);

		if (!strcmp(status, "critical") || !strcmp(worst, "passing"))
			worst = status;
		json_set(one, "AggregatedStatus", json_text(status));
		json_set(one, "Service", consul_agent_entry(entry));
		json_set(one, "Checks",
		    json_incref(json_object_get(entry, "Checks")));
		if (json_array_append_new(out, one) < 0)
			abort(); /* out of memory */
	}
	if (!json_array_size(list))
		worst = "critical";
	const char *format = http_param(q, "format");
	int status = !json_array_size(list)      ? 404
	             : !strcmp(worst, "passing") ? 200
	             : !strcmp(worst, "warning") ? 429
	                                         : 503;
	if (format && !strcmp(format, "text")) {
		http_reply(q, status, "text/plain; charset=utf-8", worst,
		    strlen(worst));
		json_decref(out);
	} else {
		http_reply_json(q, status, out);
	}
	json_decref(list);
}
