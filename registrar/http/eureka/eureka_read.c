// SPDX-License-Identifier: BSD-2-Clause
/*
 * A delta is all there is: who applies it has what is there, and asks for all
 * of it where something has gone, for then its sum is another one.
 */
#include "registrar/consul/consul_tree.h"
#include "registrar/http/consul/consul_impl.h"
#include "registrar/http/eureka/eureka_impl.h"
#include "registrar/http/http_impl.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"
#include "schema/label.h"

#include <ctype.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 50, STATUSES = 4 };

/* In the order of the sum. */
static const char *const statuses[STATUSES] = { "DOWN", "OUT_OF_SERVICE",
	"STARTING", "UP" };

const char *eureka_service(struct http_request *q, const char *app)
{
	return consul_label(http_arena(q), app, LABEL_SERVICE_MAX);
}

/* ---- an instance -------------------------------------------------------- */

static const char *upper(struct http_request *q, const char *text)
{
	char *copy = arena_strdup(http_arena(q), text);

	for (char *p = copy; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return copy;
}

/* NULL: its lease ran out, it is not there. */
static const char *status_of(const json_t *entry)
{
	static const struct {
		const char *state, *status;
	} states[] = { { "passing", "UP" }, { "warning", "UP" },
		{ "starting", "STARTING" }, { "maintenance", "OUT_OF_SERVICE" },
		{ "draining", "OUT_OF_SERVICE" },
		{ "drained", "OUT_OF_SERVICE" }, { "expired", NULL } };
	const char *state = consul_text(entry, NULL, "_State");

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (!strcmp(states[i].state, state))
			return states[i].status;
	}
	return !strcmp(consul_text(entry, NULL, "_Reason"), "OUT_OF_SERVICE")
	           ? "OUT_OF_SERVICE"
	           : "DOWN";
}

static const char *id_of(const json_t *entry)
{
	const json_t *meta =
	    json_object_get(json_object_get(entry, "Service"), "Meta");
	const char *said =
	    json_string_value(json_object_get(meta, EUREKA_ID_KEY));

	return said ? said : consul_text(entry, NULL, "_Name");
}

static json_t *make_port(json_int_t port, bool enabled)
{
	json_t *o = json_must(json_object());

	json_set(o, "$", json_must(json_integer(port)));
	json_set(o, "@enabled", json_text(enabled ? "true" : "false"));
	return o;
}

static json_t *make_data_center(void)
{
	json_t *o = json_must(json_object());

	json_set(o, "@class",
	    json_text(
	        "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo"));
	json_set(o, "name", json_text("MyOwn"));
	return o;
}

static json_t *make_lease(void)
{
	json_t *o = json_must(json_object());

	json_set(o, "renewalIntervalInSecs", json_must(json_integer(30)));
	json_set(o, "durationInSecs", json_must(json_integer(90)));
	json_set(o, "registrationTimestamp", json_must(json_integer(0)));
	json_set(o, "lastRenewalTimestamp", json_must(json_integer(0)));
	json_set(o, "evictionTimestamp", json_must(json_integer(0)));
	json_set(o, "serviceUpTimestamp", json_must(json_integer(0)));
	return o;
}

static json_t *make_instance(
    struct http_request *q, const json_t *entry, const char *status)
{
	const json_t *service = json_object_get(entry, "Service");
	const char *address = consul_text(entry, "Service", "Address");
	const char *name = consul_text(entry, "Service", "Service");
	json_int_t port = json_integer_value(json_object_get(service, "Port"));
	json_t *meta = json_must(json_copy(json_object_get(service, "Meta")));
	json_t *o = json_must(json_object());
	const char *now =
	    arena_printf(http_arena(q), "%lld", (long long)clock_wall_ms());

	(void)json_object_del(meta, EUREKA_ID_KEY);
	json_set(o, "instanceId", json_text(id_of(entry)));
	json_set(o, "hostName", json_text(address));
	json_set(o, "app", json_text(upper(q, name)));
	json_set(o, "ipAddr", json_text(address));
	json_set(o, "status", json_text(status));
	json_set(o, "overriddenStatus", json_text("UNKNOWN"));
	json_set(o, "port", make_port(port, true));
	json_set(o, "securePort", make_port(443, false));
	json_set(o, "countryId", json_must(json_integer(1)));
	json_set(o, "dataCenterInfo", make_data_center());
	json_set(o, "leaseInfo", make_lease());
	json_set(o, "metadata", meta);
	json_set(o, "vipAddress", json_text(name));
	json_set(o, "secureVipAddress", json_text(name));
	json_set(o, "isCoordinatingDiscoveryServer", json_text("false"));
	json_set(o, "lastUpdatedTimestamp", json_text(now));
	json_set(o, "lastDirtyTimestamp", json_text(now));
	json_set(o, "actionType", json_text("ADDED"));
	return o;
}

/* NULL: nobody is there. counts: of each status. */
static json_t *make_app(struct http_request *q, const char *service,
    const json_t *entries, unsigned counts[static STATUSES])
{
	json_t *instances = json_must(json_array()), *entry;
	json_t *o = json_must(json_object());
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)entries, i, entry)
	{
		const char *status = status_of(entry);
		unsigned k = 0;

		if (!status)
			continue;
		while (strcmp(statuses[k], status) != 0)
			k++;
		counts[k]++;
		if (json_array_append_new(
		        instances, make_instance(q, entry, status)) < 0)
			abort(); /* out of memory */
	}
	json_set(o, "name", json_text(upper(q, service)));
	json_set(o, "instance", instances);
	if (json_array_size(instances))
		return o;
	json_decref(o);
	return NULL;
}

/* "DOWN_1_UP_2_" */
static const char *sum_of(
    struct arena *a, const unsigned counts[static STATUSES])
{
	const char *text = "";

	for (unsigned k = 0; k < STATUSES; k++) {
		if (counts[k]) {
			text = arena_printf(
			    a, "%s%s_%u_", text, statuses[k], counts[k]);
		}
	}
	return text;
}

/* ---- replies ------------------------------------------------------------ */

static bool wants_json(struct http_request *q)
{
	const char *accept = http_header(q, "Accept");

	return accept && strstr(accept, "json");
}

static const char *type_of(bool json)
{
	return json ? "application/json" : "application/xml";
}

static void put_text(struct evbuffer *out, const char *text)
{
	if (evbuffer_add(out, text, strlen(text)) < 0)
		abort(); /* out of memory */
}

/* Takes o over. */
static void reply(struct http_request *q, const char *name, json_t *o)
{
	if (wants_json(q)) {
		json_t *all = json_must(json_object());

		json_set(all, name, o);
		http_reply_json(q, 200, all);
		return;
	}
	struct evbuffer *out = evbuffer_new();
	if (!out)
		abort(); /* out of memory */
	eureka_xml(out, name, o);
	json_decref(o);
	size_t len = evbuffer_get_length(out);
	http_reply(q, 200, type_of(false), evbuffer_pullup(out, -1), len);
	evbuffer_free(out);
}

/* What there is of a service; NULL: the request has failed. */
static json_t *read_entries(struct http_request *q, const char *service)
{
	struct registry *r = http_registry(q);
	json_t *entries;
	struct diag why;

	if (!r || !http_require(q, ACCESS_READ, service))
		return NULL;
	int error = consul_view(q, r, service, &entries, &why);
	if (!error)
		return entries;
	http_fail_error(q, error, &why);
	return NULL;
}

static json_t *read_app(struct http_request *q, unsigned counts[STATUSES])
{
	const char *service = eureka_service(q, http_part(q, 0));
	json_t *entries = read_entries(q, service);
	json_t *app = entries ? make_app(q, service, entries, counts) : NULL;

	if (entries && !app)
		http_fail(q, 404, "path", "there is no '%.100s'", service);
	json_decref(entries);
	return app;
}

void eureka_get_app(struct http_request *q)
{
	unsigned counts[STATUSES] = { 0 };
	json_t *app = read_app(q, counts);

	if (app)
		reply(q, "application", app);
}

void eureka_get_vip(struct http_request *q)
{
	unsigned counts[STATUSES] = { 0 };
	json_t *app = read_app(q, counts);

	if (!app)
		return;
	json_t *o = json_must(json_object()), *list = json_must(json_array());
	if (json_array_append_new(list, app) < 0)
		abort(); /* out of memory */
	json_set(o, "versions__delta", json_text("1"));
	json_set(o, "apps__hashcode", json_text(sum_of(http_arena(q), counts)));
	json_set(o, "application", list);
	reply(q, "applications", o);
}

void eureka_get_instance(struct http_request *q)
{
	json_t *entries = read_entries(q, eureka_service(q, http_part(q, 0)));
	json_t *entry, *found = NULL;
	size_t i;

	if (!entries)
		return;
	json_array_foreach(entries, i, entry)
	{
		const char *status = status_of(entry);

		if (status && !found && !strcmp(id_of(entry), http_part(q, 1)))
			found = make_instance(q, entry, status);
	}
	json_decref(entries);
	if (found) {
		reply(q, "instance", found);
	} else {
		http_fail(q, 404, "path", "there is no such instance");
	}
}

/* ---- all of them, piece by piece ---------------------------------------- */

struct walk {
	struct arena *arena;
	struct registry_key after;
	unsigned counts[STATUSES];
	bool json, opened, begun;
	const char *names[PAGE];
	unsigned name_n;
	struct http_request *q;
};

static void on_service(void *arg, const struct service_row *row)
{
	struct walk *w = arg;

	if (!strcmp(row->zone, http_zone(w->q)) &&
	    http_may(w->q, ACCESS_READ, row->name)) {
		w->names[w->name_n++] =
		    arena_strdup(http_arena(w->q), row->name);
	}
}

static void on_instance(void *arg, const struct instance_row *row)
{
	(void)arg;
	(void)row;
}

static void on_done(void *arg)
{
	(void)arg;
}

static void put_app(struct walk *w, struct evbuffer *out, json_t *app)
{
	if (w->json) {
		char *text = json_dumps(app, JSON_COMPACT);

		if (!text)
			abort(); /* out of memory */
		put_text(out, w->begun ? "," : "");
		put_text(out, text);
		free(text);
	} else {
		eureka_xml(out, "application", app);
	}
	w->begun = true;
	json_decref(app);
}

static int put_page(struct walk *w, struct registry *r, struct evbuffer *out)
{
	for (unsigned i = 0; i < w->name_n; i++) {
		json_t *entries;
		int error = consul_view(w->q, r, w->names[i], &entries, NULL);

		if (error)
			return error;
		json_t *app = make_app(w->q, w->names[i], entries, w->counts);
		if (app)
			put_app(w, out, app);
		json_decref(entries);
	}
	return 0;
}

static void put_end(struct walk *w, struct evbuffer *out)
{
	const char *sum = sum_of(w->arena, w->counts);

	put_text(out, w->json ? "],\"apps__hashcode\":\"" : "<apps__hashcode>");
	put_text(out, sum);
	put_text(out, w->json ? "\"}}" : "</apps__hashcode></applications>");
}

static enum http_more more(
    struct http_request *q, struct evbuffer *out, void *state)
{
	struct walk *w = state;
	struct registry *r = feed_registry(http_feed(q), NULL);
	const struct registry_visitor v = { on_service, on_instance, on_done, w,
		registry_pass_over };
	unsigned n = 0;

	http_request_shrink(q); /* what the page before needed */
	w->q = q;
	w->name_n = 0;
	if (!r || registry_read_page(r, &w->after, PAGE, &v, &n, NULL) < 0)
		return HTTP_BREAK;
	if (!w->opened) {
		put_text(out, w->json
		                  ? "{\"applications\":{\"versions__delta\":"
		                    "\"1\",\"application\":["
		                  : "<applications><versions__delta>1"
		                    "</versions__delta>");
	}
	w->opened = true;
	if (put_page(w, r, out) < 0)
		return HTTP_BREAK;
	if (!n) {
		put_end(w, out);
		return HTTP_ENOUGH;
	}
	/* others have their turn, though there is nothing to say */
	put_text(out, "\n");
	return HTTP_MORE;
}

static void free_walk(void *state)
{
	struct walk *w = state;

	arena_free(w->arena);
	free(w);
}

void eureka_get_apps(struct http_request *q)
{
	static const struct http_stream_ops ops = { .more = more,
		.free = free_walk };
	bool json = wants_json(q);

	if (!http_registry(q))
		return;
	struct walk *w = xcalloc(1, sizeof(*w));
	w->arena = arena_new();
	w->json = json;
	http_stream(q, 200, type_of(json), &ops, w);
}
