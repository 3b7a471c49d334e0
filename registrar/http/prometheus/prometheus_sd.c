// SPDX-License-Identifier: BSD-2-Clause
/*
 * Targets as http_sd wants them, one group an instance, whatever its health: a
 * label tells it. ?service=S once or more, else all; ?passing: in answers.
 */
#include "registrar/http/consul/consul_impl.h"
#include "registrar/http/prometheus/prometheus_impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define BEFORE "__meta_rollcall_"

/* A name of a label, of whatever a key is. */
static void set_meta(json_t *labels, const char *key, json_t *value)
{
	char name[512];
	size_t len =
	    (size_t)snprintf(name, sizeof(name), BEFORE "meta_%.400s", key);

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]))
			name[i] = '_';
	}
	json_set(labels, name, json_incref(value));
}

/* ",v1,eu,": a regular expression for one of them is ".*,v1,.*" */
static json_t *join(const json_t *tags)
{
	char text[4096] = ",";
	size_t len = 1, i;
	const json_t *tag;

	json_array_foreach(tags, i, tag)
	{
		int n = snprintf(text + len, sizeof(text) - len, "%s,",
		    json_string_value(tag));

		if (n < 0 || (size_t)n >= sizeof(text) - len)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	return json_text(len > 1 ? text : "");
}

static json_t *make_target(const json_t *entry)
{
	const json_t *service = json_object_get(entry, "Service");
	const char *address = consul_text(entry, "Service", "Address");
	json_t *o = json_must(json_object());
	json_t *targets = json_must(json_array());
	json_t *labels = json_must(json_object());
	json_t *value;
	const char *key;

	if (json_array_append_new(targets,
	        json_must(json_sprintf(
	            strchr(address, ':') ? "[%s]:%d" : "%s:%d", address,
	            (int)json_integer_value(
	                json_object_get(service, "Port"))))) < 0)
		abort(); /* out of memory */
	json_set(labels, BEFORE "service",
	    json_text(consul_text(entry, "Service", "Service")));
	json_set(labels, BEFORE "instance",
	    json_text(consul_text(entry, NULL, "_Name")));
	json_set(labels, BEFORE "address", json_text(address));
	json_set(labels, BEFORE "node",
	    json_text(consul_text(entry, "Node", "Node")));
	json_set(labels, BEFORE "health", json_text(consul_status(entry)));
	json_set(labels, BEFORE "locality",
	    json_text(consul_text(
	        json_object_get(entry, "Node"), "Meta", "locality")));
	json_set(labels, BEFORE "tags", join(json_object_get(service, "Tags")));
	json_object_foreach(json_object_get(service, "Meta"), key, value)
	{
		set_meta(labels, key, value);
	}
	json_set(o, "targets", targets);
	json_set(o, "labels", labels);
	return o;
}

static bool is_wanted(const json_t *entry, bool passing)
{
	return !passing || strcmp(consul_status(entry), "critical") != 0;
}

static void add(void *state, const json_t *entry, json_t *into)
{
	if (is_wanted(entry, *consul_walk_text(state)) &&
	    json_array_append_new(into, make_target(entry)) < 0)
		abort(); /* out of memory */
}

/* False: the request has failed. */
static bool add_service(
    struct http_request *q, const char *service, json_t *into)
{
	struct registry *r = http_registry(q);
	json_t *list, *entry;
	struct diag why;
	size_t i;

	if (!r || !http_require(q, ACCESS_READ, service))
		return false;
	int error = consul_view(q, r, service, &list, &why);
	if (error) {
		http_fail_error(q, error, &why);
		return false;
	}
	json_array_foreach(list, i, entry)
	{
		if (is_wanted(entry, http_flag(q, "passing")) &&
		    json_array_append_new(into, make_target(entry)) < 0)
			abort(); /* out of memory */
	}
	json_decref(list);
	return true;
}

void prometheus_get_targets(struct http_request *q)
{
	static const struct consul_walker walker = { .add = add };
	const char *service;

	if (!http_param(q, "service")) {
		consul_walk(q, &walker, http_flag(q, "passing") ? "1" : "");
		return;
	}
	json_t *list = json_must(json_array());
	for (unsigned k = 0; (service = http_param_nth(q, "service", k)); k++) {
		if (!add_service(q, service, list)) {
			json_decref(list);
			return;
		}
	}
	http_reply_json(q, 200, list);
}
