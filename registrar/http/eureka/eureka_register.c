// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/consul/consul_tree.h"
#include "registrar/http/eureka/eureka_impl.h"
#include "registrar/http/register.h"
#include "schema/base/scoped.h"
#include "schema/label.h"
#include "schema/owner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LEASE_S = 90, LEASE_MAX_S = 604800 };

struct put {
	struct registration what;
	enum health health;
	const char *reason;
	bool is_new;
};

/* ---- a body ------------------------------------------------------------- */

static const char *text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text && *text ? text : NULL;
}

/* Numbers come as such, as text, and as {"$": 8080}. */
static bool number_at(const json_t *o, const char *key, long low, long high,
    long fallback, long *ret_n)
{
	const json_t *value = json_object_get(o, key);
	char *end = NULL;

	if (json_is_object(value))
		value = json_object_get(value, "$");
	*ret_n = fallback;
	if (!value || json_is_null(value))
		return true;
	if (json_is_integer(value)) {
		json_int_t n = json_integer_value(value);

		*ret_n = n < low || n > high ? low - 1 : (long)n;
	} else if (json_is_string(value)) {
		*ret_n = strtol(json_string_value(value), &end, 10);
	}
	return (!end || !*end) && *ret_n >= low && *ret_n <= high;
}

static bool take_status(const json_t *o, struct put *p)
{
	static const struct {
		const char *status;
		enum health health;
		const char *reason;
	} known[] = { { "UP", HEALTH_PASSING, "UP" },
		{ "DOWN", HEALTH_CRITICAL, "DOWN" },
		{ "STARTING", HEALTH_STARTING, "STARTING" },
		{ "UNKNOWN", HEALTH_STARTING, "UNKNOWN" },
		{ "OUT_OF_SERVICE", HEALTH_CRITICAL, "OUT_OF_SERVICE" } };
	const char *status = json_string_value(o);

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!strcmp(status ? status : "UP", known[i].status)) {
			p->health = known[i].health;
			p->reason = known[i].reason;
			return true;
		}
	}
	return false;
}

static const char *dump(struct http_request *q, json_t *o)
{
	scoped_free char *text = json_dumps(o, JSON_COMPACT);

	if (!text)
		abort(); /* out of memory */
	json_decref(o);
	return arena_strdup(http_arena(q), text);
}

/* Words alone; "@class" and its like are none. */
static const char *take_meta(
    struct http_request *q, const json_t *from, const char *id)
{
	json_t *map = json_must(json_object()), *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)from, key, value)
	{
		if (*key != '@' && json_is_string(value))
			json_set(map, key, json_incref(value));
	}
	if (id)
		json_set(map, EUREKA_ID_KEY, json_text(id));
	return dump(q, map);
}

static bool is_address(const char *text)
{
	return label_is_ipv4(text) || label_is_ipv6(text);
}

static bool read_instance(
    struct http_request *q, const json_t *o, struct put *p)
{
	const char *id = text_at(o, "instanceId");
	const char *address = text_at(o, "ipAddr");
	long port, lease_s;

	if (!id)
		id = text_at(o, "hostName");
	if (!id || !address || !is_address(address)) {
		http_fail(q, 400,
		    !id ? "instance.instanceId" : "instance.ipAddr",
		    "expected an ID, and a numeric address in ipAddr");
		return false;
	}
	const char *name = consul_label(http_arena(q), id, LABEL_MAX);
	const char *service = eureka_service(q, http_part(q, 0));
	if (!label_is_service(service) || !label_is_instance(name) ||
	    !number_at(o, "port", 0, 65535, 0, &port) ||
	    !number_at(json_object_get(o, "leaseInfo"), "durationInSecs", 1,
	        LEASE_MAX_S, LEASE_S, &lease_s) ||
	    !take_status(json_object_get(o, "status"), p)) {
		http_fail(q, 400, "instance",
		    "expected names of letters, digits and '-', a port, a "
		    "lease of 1 s to 7 days, and a status");
		return false;
	}
	p->what = registration_of(http_zone(q), service, name, address);
	p->what.port = port ? (int)port : ROW_DEFAULT;
	p->what.lease_ms = lease_s * 1000;
	p->what.health = p->health;
	p->what.reason = p->reason;
	p->what.meta = take_meta(q, json_object_get(o, "metadata"),
	    strcmp(id, name) != 0 ? id : NULL);
	return true;
}

/* ---- in ----------------------------------------------------------------- */

static int put(struct http_request *q, struct registry *r, int64_t now_wall_ms,
    void *arg, struct diag *reterr)
{
	struct put *p = arg;
	int error =
	    register_put(q, r, now_wall_ms, &p->what, &p->is_new, reterr);

	return error || p->is_new
	           ? error
	           : registry_put_health(r, p->what.zone, p->what.service,
	                 p->what.instance, p->health, p->reason, now_wall_ms,
	                 reterr);
}

static void was_put(
    struct http_request *q, int error, const struct diag *why, void *arg)
{
	(void)arg;
	if (error == 0) {
		http_reply(q, 204, NULL, "", 0);
	} else {
		http_fail_error(q, error, why);
	}
}

static void was_done(
    struct http_request *q, int error, const struct diag *why, void *arg)
{
	(void)arg;
	if (error == 0) {
		http_reply(q, 200, NULL, "", 0);
	} else {
		http_fail_error(q, error, why);
	}
}

void eureka_post(struct http_request *q)
{
	struct put *p = arena_alloc(http_arena(q), 1, sizeof(*p));
	json_t *body = http_body_json(q);
	const json_t *instance = json_object_get(body, "instance");

	memset(p, 0, sizeof(*p));
	if (!body)
		return;
	if (!json_is_object(instance)) {
		http_fail(q, 400, "instance", "expected an object");
	} else if (read_instance(q, instance, p) &&
	           http_require(q, ACCESS_WRITE, p->what.service)) {
		http_write(q, put, was_put, p);
	}
}

/* ---- renewed, and out --------------------------------------------------- */

/* False: the request has failed. */
static bool find(struct http_request *q, struct put *p)
{
	memset(p, 0, sizeof(*p));
	p->what.zone = http_zone(q);
	p->what.service = eureka_service(q, http_part(q, 0));
	p->what.instance =
	    consul_label(http_arena(q), http_part(q, 1), LABEL_MAX);
	return http_require(q, ACCESS_WRITE, p->what.service);
}

/* 404 has it register again. */
void eureka_put(struct http_request *q)
{
	struct put p;
	struct diag why;
	int64_t until;

	if (!find(q, &p))
		return;
	int error = register_renew(
	    q, p.what.zone, p.what.service, p.what.instance, 0, &until, &why);
	was_done(q, error, &why, NULL);
}

static int withdraw(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, void *arg, struct diag *reterr)
{
	const struct put *p = arg;

	return register_withdraw(q, r, now_wall_ms, p->what.zone,
	    p->what.service, p->what.instance, reterr);
}

void eureka_delete(struct http_request *q)
{
	struct put *p = arena_alloc(http_arena(q), 1, sizeof(*p));

	if (find(q, p))
		http_write(q, withdraw, was_done, p);
}

static int put_status(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, void *arg, struct diag *reterr)
{
	const struct put *p = arg;
	struct row_owner owner;
	int error = registry_read_owner(
	    r, p->what.zone, p->what.service, p->what.instance, &owner, reterr);

	if (!error && strcmp(owner.source, http_source(q)) != 0) {
		return diag_set(reterr, -EPERM,
		    "it was written by '%s': only that says how it does",
		    owner.source);
	}
	return error ? error
	             : registry_put_health(r, p->what.zone, p->what.service,
	                   p->what.instance, p->health, p->reason, now_wall_ms,
	                   reterr);
}

static void set_status(struct http_request *q, const char *status)
{
	struct put *p = arena_alloc(http_arena(q), 1, sizeof(*p));
	json_t *word = json_text(status);

	if (find(q, p)) {
		if (take_status(word, p)) {
			http_write(q, put_status, was_done, p);
		} else {
			http_fail(q, 400, "query: value",
			    "expected UP, DOWN, STARTING, OUT_OF_SERVICE or "
			    "UNKNOWN");
		}
	}
	json_decref(word);
}

void eureka_put_status(struct http_request *q)
{
	const char *status = http_param(q, "value");

	set_status(q, status ? status : "");
}

void eureka_delete_status(struct http_request *q)
{
	const char *status = http_param(q, "value");

	set_status(q, status && *status ? status : "UP");
}
