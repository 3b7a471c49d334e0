// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which instance has an ID. Most IDs begin with the name of their service;
 * others are looked for by the name that was made of them.
 */
#include "registrar/consul/consul_tree.h"
#include "registrar/http/consul/consul_impl.h"
#include "schema/label.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SERVICES_MAX = 20000 }; /* looked through for it */

struct names {
	struct arena *arena;
	const char *zone, **name;
	unsigned n;
};

static void on_name(void *arg, const char *zone, const char *service)
{
	struct names *names = arg;

	if (!strcmp(zone, names->zone) && names->n < SERVICES_MAX)
		names->name[names->n++] = arena_strdup(names->arena, service);
}

/* -ENOENT: none of the service has it. */
static int find_in(struct http_request *q, struct registry *r,
    const char *service, const char *id, struct consul_found *ret_f,
    struct diag *reterr)
{
	json_t *list, *entry;
	size_t i;
	int error = consul_view(q, r, service, &list, reterr);

	if (error)
		return error;
	error = -ENOENT;
	json_array_foreach(list, i, entry)
	{
		if (error == -ENOENT &&
		    !strcmp(consul_text(entry, "Service", "ID"), id)) {
			ret_f->service = arena_strdup(http_arena(q), service);
			ret_f->instance = arena_strdup(
			    http_arena(q), consul_text(entry, NULL, "_Name"));
			ret_f->entry = json_incref(entry);
			error = 0;
		}
	}
	json_decref(list);
	return error;
}

/* By what it begins with: all up to each '-', and the whole of it. */
static int find_by_prefix(struct http_request *q, struct registry *r,
    const char *id, struct consul_found *ret_f, struct diag *reterr)
{
	char *service = arena_strdup(http_arena(q), id);
	size_t len = strlen(id);

	for (char *p = service; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (; len; len--) {
		if (id[len] && id[len] != '-')
			continue;
		service[len] = '\0';
		int error = find_in(q, r, service, id, ret_f, reterr);
		if (error != -ENOENT)
			return error;
	}
	return -ENOENT;
}

static int find_anywhere(struct http_request *q, struct registry *r,
    const char *id, struct consul_found *ret_f, struct diag *reterr)
{
	struct names names = { .arena = http_arena(q), .zone = http_zone(q) };
	const char *label = consul_label(names.arena, id, LABEL_MAX);

	names.name =
	    arena_alloc(names.arena, SERVICES_MAX, sizeof(*names.name));
	int error = registry_read_names(r, on_name, &names, reterr);
	for (unsigned i = 0; i < names.n && !error; i++) {
		if (registry_find_instance(
		        r, names.zone, names.name[i], label, NULL) < 0)
			continue;
		error = find_in(q, r, names.name[i], id, ret_f, reterr);
		if (!error)
			return 0;
		error = error == -ENOENT ? 0 : error;
	}
	return error ? error : -ENOENT;
}

bool consul_find(
    struct http_request *q, const char *id, struct consul_found *ret_f)
{
	struct registry *r = http_registry(q);
	struct diag why;

	if (!r)
		return false;
	int error = find_by_prefix(q, r, id, ret_f, &why);
	if (error == -ENOENT)
		error = find_anywhere(q, r, id, ret_f, &why);
	if (error == -ENOENT) {
		http_fail(q, 404, NULL,
		    "Unknown service ID \"%.128s\". Ensure that the service "
		    "ID is passed, not the service name.",
		    id);
	} else if (error) {
		http_fail_error(q, error, &why);
	}
	return !error;
}

/* ---- one of them -------------------------------------------------------- */

/* 64 bits of it, as the hash of an answer. */
static const char *hash_of(struct http_request *q, const json_t *o)
{
	uint64_t h = 14695981039346656037U;
	char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);

	if (!text)
		abort(); /* out of memory */
	for (const char *p = text; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211U;
	free(text);
	return arena_printf(http_arena(q), "%016llx", (unsigned long long)h);
}

/* Waits by hash, not by index: for ?hash, until it is another. */
void consul_get_agent_service(struct http_request *q)
{
	const char *known = http_param(q, "hash");
	const char *wait = http_param(q, "wait");
	int64_t wait_ms = 300000;
	struct consul_found f;

	if (wait && *wait && !consul_duration(wait, &wait_ms)) {
		http_fail(q, 400, "query: wait", "Invalid wait time");
		return;
	}
	if (consul_is_elsewhere(q) || !consul_find(q, http_part(q, 0), &f))
		return;
	json_t *o = consul_agent_entry(f.entry);
	const char *service = f.service;

	json_decref(f.entry);
	if (!http_require(q, ACCESS_READ, service)) {
		json_decref(o);
		return;
	}
	(void)json_object_del(o, "ModifyIndex");
	const char *hash = hash_of(q, o);
	if (known && !strcmp(known, hash) && !http_is_over(q)) {
		json_decref(o);
		http_hold(q, http_zone(q), service,
		    wait_ms > 600000 ? 600000 : wait_ms);
		return;
	}
	json_set(o, "ContentHash", json_text(hash));
	http_set_header(q, "X-Consul-ContentHash", hash);
	http_reply_json(q, 200, o);
}

void consul_get_agent_health_id(struct http_request *q)
{
	struct consul_found f;

	if (!consul_find(q, http_part(q, 0), &f))
		return;
	const char *status = consul_status(f.entry);
	int code = !strcmp(status, "passing")   ? 200
	           : !strcmp(status, "warning") ? 429
	                                        : 503;
	const char *format = http_param(q, "format");

	if (format && !strcmp(format, "text")) {
		http_reply(q, code, "text/plain; charset=utf-8", status,
		    strlen(status));
	} else {
		json_t *o = json_must(json_object());

		json_set(o, "AggregatedStatus", json_text(status));
		json_set(o, "Service", consul_agent_entry(f.entry));
		json_set(o, "Checks",
		    json_incref(json_object_get(f.entry, "Checks")));
		http_reply_json(q, code, o);
	}
	json_decref(f.entry);
}
