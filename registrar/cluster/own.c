// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/cluster/own.h"

#include "registrar/cluster/etcd_json.h"
#include "registrar/lib/json.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"
#include "schema/eligible.h"

#include <stdlib.h>
#include <string.h>

/* Objects: KEY -> value, or KEY -> true, unless it says otherwise. */
struct own {
	struct arena *arena;
	const char *prefix; /* of our keys: "/rollcall/v1/node/N/" */
	const char *address, *address6;
	json_t *services; /* "ZONE/SERVICE" -> { KEY: value } */
	json_t *due;      /* "ZONE/SERVICE" -> wall ms */
	json_t *claims;   /* "ZONE/SERVICE" -> true */
	json_t *lost;     /* "ZONE/SERVICE/NAME" -> true */
	json_t *kept;     /* the same: on a loopback address */
	json_t *wanted, *sent;
	json_t *out;    /* differs, or may */
	json_t *flying; /* on its way: KEY -> value, or null where it goes */
	json_t *unseen; /* services that have not come; NULL: not all come */
	/* the service that is coming */
	char *at;
	json_t *fresh;
	struct service_row row; /* texts in row_arena */
	struct arena *row_arena;
	bool has_own, is_own;
	int64_t due_ms;
};

static json_t *new_object(void)
{
	return json_must(json_object());
}

struct own *own_new(const char *node, const char *address, const char *address6)
{
	struct own *o = xcalloc(1, sizeof(*o));

	o->arena = arena_new();
	o->row_arena = arena_new();
	o->prefix = arena_printf(
	    o->arena, "%s%s/", RECORD_NODES, record_node(o->arena, node));
	o->address = address;
	o->address6 = address6;
	o->services = new_object();
	o->due = new_object();
	o->claims = new_object();
	o->lost = new_object();
	o->kept = new_object();
	o->wanted = new_object();
	o->sent = new_object();
	o->out = new_object();
	o->flying = new_object();
	return o;
}

void own_free(struct own *o)
{
	if (!o)
		return;
	json_decref(o->services);
	json_decref(o->due);
	json_decref(o->claims);
	json_decref(o->lost);
	json_decref(o->kept);
	json_decref(o->wanted);
	json_decref(o->sent);
	json_decref(o->out);
	json_decref(o->flying);
	json_decref(o->unseen);
	json_decref(o->fresh);
	free(o->at);
	arena_free(o->row_arena);
	arena_free(o->arena);
	free(o);
}

/* ---- what is wanted ---------------------------------------------------- */

static void touch(struct own *o, const char *key)
{
	json_set(o->out, key, json_true());
}

static bool is_record(const struct own *o, const char *key)
{
	return !strncmp(key, o->prefix, strlen(o->prefix));
}

/* "ZONE/SERVICE/NAME" of the key of an instance; else NULL. */
static const char *instance_rest(const struct own *o, const char *key)
{
	static const char kind[] = "instance/";
	const char *at = key + strlen(o->prefix);

	if (!is_record(o, key) || strncmp(at, kind, sizeof(kind) - 1) != 0)
		return NULL;
	return at + sizeof(kind) - 1;
}

/* The keys of a service are these from now on. Takes fresh over. */
static void take(struct own *o, const char *at, json_t *fresh)
{
	json_t *was = json_object_get(o->services, at), *v;
	const char *key;

	json_object_foreach(was, key, v)
	{
		const char *rest = instance_rest(o, key);

		if (json_object_get(fresh, key))
			continue;
		(void)json_object_del(o->wanted, key);
		touch(o, key);
		if (rest)
			json_set(o->lost, rest, json_true());
	}
	json_object_foreach(fresh, key, v)
	{
		if (json_equal(v, json_object_get(o->wanted, key)))
			continue;
		(void)json_object_set(o->wanted, key, v);
		touch(o, key);
	}
	if (json_object_size(fresh)) {
		json_set(o->services, at, fresh);
	} else {
		(void)json_object_del(o->services, at);
		json_decref(fresh);
	}
}

static char *name_of(const char *zone, const char *service)
{
	return xasprintf("%s/%s", zone, service);
}

void own_all_begin(struct own *o)
{
	const char *at;
	json_t *v;

	json_decref(o->unseen);
	o->unseen = new_object();
	json_object_foreach(o->services, at, v)
	{
		json_set(o->unseen, at, json_true());
	}
}

void own_all_end(struct own *o)
{
	const char *at;
	json_t *v, *unseen = o->unseen;

	o->unseen = NULL;
	json_object_foreach(unseen, at, v)
	{
		take(o, at, new_object());
	}
	json_decref(unseen);
}

static const char *copy(struct own *o, const char *s)
{
	return s ? arena_strdup(o->row_arena, s) : NULL;
}

void own_service(struct own *o, const struct service_row *row)
{
	arena_free(o->row_arena);
	o->row_arena = arena_new();
	o->row = *row;
	o->row.zone = copy(o, row->zone);
	o->row.name = copy(o, row->name);
	o->row.protocol = copy(o, row->protocol);
	o->row.port_name = copy(o, row->port_name);
	o->row.ports = copy(o, row->ports);
	o->row.tags = copy(o, row->tags);
	o->row.meta = copy(o, row->meta);
	o->row.source = copy(o, row->source);
	o->row.definition = copy(o, row->definition);
	o->row.node = copy(o, row->node);
	free(o->at);
	o->at = name_of(row->zone, row->name);
	json_decref(o->fresh);
	o->fresh = new_object();
	o->has_own = false;
	o->is_own = !*row->node;
	o->due_ms = 0;
}

static bool is_loopback(const char *address)
{
	return !strncmp(address, "127.", 4) || !strcmp(address, "::1");
}

/* NULL: there is none for others. */
static const char *outside(const struct own *o, const char *address)
{
	const char *other =
	    address && strchr(address, ':') ? o->address6 : o->address;

	return address && is_loopback(address) ? other : address;
}

/* false: it stays here. */
static bool make_outside(
    struct own *o, const struct instance_row *row, struct instance_row *ret)
{
	const char *address = outside(o, row->address);
	const char *address6 = outside(o, row->address6);
	char *rest = xasprintf("%s/%s", o->at, row->name);
	bool is_new = !json_object_get(o->kept, rest);

	*ret = *row;
	ret->address = address ? address : address6;
	ret->address6 = address ? address6 : NULL;
	if (ret->address) {
		(void)json_object_del(o->kept, rest);
	} else {
		json_set(o->kept, rest, json_true());
		if (is_new) {
			log_warn("'%s/%s' is on %s, which means another host "
			         "everywhere else: other hosts are not told "
			         "of it without cluster_address",
			    row->service, row->name, row->address);
		}
	}
	free(rest);
	return ret->address;
}

static void put(struct own *o, const char *kind, const char *name, char *value)
{
	char *key = xasprintf("%s%s/%s%s%s", o->prefix, kind, o->at,
	    name ? "/" : "", name ? name : "");

	json_set(o->fresh, key, json_text(value));
	free(value);
	free(key);
}

void own_instance(
    struct own *o, const struct instance_row *row, int64_t now_wall_ms)
{
	struct instance_row r;
	struct eligible_facts facts = eligible_facts(row);
	struct eligible e = eligible_judge(&facts, now_wall_ms);

	if (e.until_wall_ms && (!o->due_ms || e.until_wall_ms < o->due_ms))
		o->due_ms = e.until_wall_ms;
	/* the end of a lease does not travel: the key goes with it */
	if (e.why == ELIGIBLE_EXPIRED || !make_outside(o, row, &r))
		return;
	if (!o->has_own && !o->is_own)
		o->row.source = copy(o, row->source);
	o->has_own = true;
	put(o, "instance", row->name, record_of_instance(&r, now_wall_ms));
	if (e.why == ELIGIBLE_PASSING || e.why == ELIGIBLE_WARNING)
		record_skydns(o->fresh, &o->row, &r);
}

void own_service_end(struct own *o)
{
	if (o->due_ms) {
		json_set(o->due, o->at, json_must(json_integer(o->due_ms)));
	} else {
		(void)json_object_del(o->due, o->at);
	}
	if (o->has_own && !o->is_own)
		json_set(o->claims, o->at, json_true());
	if (o->has_own || o->is_own)
		put(o, "service", NULL, record_of_service(&o->row));
	if (o->unseen)
		(void)json_object_del(o->unseen, o->at);
	take(o, o->at, o->fresh);
	o->fresh = NULL;
}

void own_gone(struct own *o, const char *zone, const char *service)
{
	char *at = name_of(zone, service);

	(void)json_object_del(o->due, at);
	take(o, at, new_object());
	free(at);
}

void own_claim(struct own *o, const struct service_row *row)
{
	char *at = name_of(row->zone, row->name);
	char *key = xasprintf("%sservice/%s", o->prefix, at);
	json_t *keys = json_object_get(o->services, at);
	char *text = record_of_service(row);
	json_t *value = json_text(text);

	if (keys && !json_equal(value, json_object_get(keys, key))) {
		(void)json_object_set(keys, key, value);
		(void)json_object_set(o->wanted, key, value);
		touch(o, key);
	}
	json_decref(value);
	free(text);
	free(key);
	free(at);
}

static void each_service(json_t *names,
    void (*fn)(void *arg, const char *zone, const char *service), void *arg)
{
	struct record_name name;
	const char *at;
	json_t *v;

	json_object_foreach(names, at, v)
	{
		if (record_name_parse(at, false, &name) == 0)
			fn(arg, name.zone, name.service);
	}
}

void own_each_claim(struct own *o,
    void (*fn)(void *arg, const char *zone, const char *service), void *arg)
{
	json_t *claims = o->claims;

	o->claims = new_object();
	each_service(claims, fn, arg);
	json_decref(claims);
}

void own_each_lost(
    struct own *o, void (*fn)(void *arg, const char *rest), void *arg)
{
	const char *rest;
	json_t *v;

	json_object_foreach(o->lost, rest, v)
	{
		fn(arg, rest);
	}
	(void)json_object_clear(o->lost);
}

int64_t own_due_wall_ms(const struct own *o)
{
	int64_t due_ms = -1;
	const char *at;
	json_t *v;

	json_object_foreach(o->due, at, v)
	{
		if (due_ms < 0 || json_integer_value(v) < due_ms)
			due_ms = json_integer_value(v);
	}
	return due_ms;
}

void own_each_due(struct own *o, int64_t now_wall_ms,
    void (*fn)(void *arg, const char *zone, const char *service), void *arg)
{
	json_t *names = new_object(), *v;
	const char *at;

	json_object_foreach(o->due, at, v)
	{
		if (json_integer_value(v) <= now_wall_ms)
			json_set(names, at, json_true());
	}
	json_object_foreach(names, at, v)
	{
		(void)json_object_del(o->due, at);
	}
	each_service(names, fn, arg);
	json_decref(names);
}

/* ---- what etcd has ----------------------------------------------------- */

void own_seen(struct own *o, const char *key, const char *value)
{
	if (!instance_rest(o, key) &&
	    strncmp(key + strlen(o->prefix), "service/", 8) != 0)
		return; /* of the host: not ours to put */
	if (value) {
		json_set(o->sent, key, json_text(value));
		return;
	}
	(void)json_object_del(o->sent, key);
	/* somebody took it away; or we did, while it is wanted again */
	if (json_object_get(o->wanted, key) && !json_object_get(o->flying, key))
		touch(o, key);
}

void own_seen_all(struct own *o)
{
	const char *key;
	json_t *v;

	json_object_foreach(o->sent, key, v)
	{
		if (!json_equal(v, json_object_get(o->wanted, key)))
			touch(o, key);
	}
	json_object_foreach(o->wanted, key, v)
	{
		if (!json_equal(v, json_object_get(o->sent, key)))
			touch(o, key);
	}
}

void own_hangs(struct own *o, const char *key)
{
	if (is_record(o, key) || json_object_get(o->wanted, key))
		return;
	json_set(o->sent, key, json_text(""));
	touch(o, key);
}

void own_lost_all(struct own *o)
{
	const char *key;
	json_t *v;

	(void)json_object_clear(o->sent);
	(void)json_object_clear(o->flying);
	(void)json_object_clear(o->out);
	json_object_foreach(o->wanted, key, v)
	{
		touch(o, key);
	}
}

void own_extra(struct own *o, const char *key, const char *text)
{
	if (text) {
		json_set(o->wanted, key, json_text(text));
	} else {
		(void)json_object_del(o->wanted, key);
		json_set(o->sent, key, json_text(""));
	}
	touch(o, key);
}

bool own_wants(const struct own *o, const char *key)
{
	return json_object_get(o->wanted, key);
}

void own_extra_gone(struct own *o, const char *key)
{
	(void)json_object_del(o->wanted, key);
	(void)json_object_del(o->sent, key);
	(void)json_object_del(o->out, key);
}

bool own_has_more(const struct own *o)
{
	return json_object_size(o->out) || json_object_size(o->flying);
}

static bool add_operation(
    struct own *o, json_t *ops, const char *key, int64_t lease)
{
	json_t *want = json_object_get(o->wanted, key);
	json_t *has = json_object_get(o->sent, key);

	if (want ? json_equal(want, has) : !has && is_record(o, key))
		return false;
	if (want) {
		json_array_append_new(
		    ops, etcd_put_op(key, json_string_value(want), lease));
	} else if (!strncmp(key, RECORD_WISHES, strlen(RECORD_WISHES))) {
		json_array_append_new(ops, etcd_delete_op(key));
	} else {
		json_array_append_new(ops, etcd_delete_own_op(key, lease));
	}
	json_set(o->flying, key, want ? json_incref(want) : json_null());
	return true;
}

json_t *own_batch(struct own *o, int64_t lease)
{
	json_t *ops = json_must(json_array()), *v, *looked = new_object();
	const char *key;
	unsigned n = 0;

	json_object_foreach(o->out, key, v)
	{
		json_set(looked, key, json_true());
		n += add_operation(o, ops, key, lease);
		if (n == OWN_BATCH)
			break;
	}
	json_object_foreach(looked, key, v)
	{
		(void)json_object_del(o->out, key);
	}
	json_decref(looked);
	return ops;
}

void own_batch_done(struct own *o, bool done)
{
	const char *key;
	json_t *v;

	json_object_foreach(o->flying, key, v)
	{
		if (!done) {
			touch(o, key);
		} else if (json_is_null(v)) {
			(void)json_object_del(o->sent, key);
		} else {
			(void)json_object_set(o->sent, key, v);
		}
		if (done && !json_equal(json_is_null(v) ? NULL : v,
		                json_object_get(o->wanted, key)))
			touch(o, key);
	}
	(void)json_object_clear(o->flying);
}

unsigned own_instance_n(const struct own *o)
{
	const char *key;
	unsigned n = 0;
	json_t *v;

	json_object_foreach(o->wanted, key, v) n +=
	    instance_rest(o, key) != NULL;
	return n;
}

unsigned own_kept_n(const struct own *o)
{
	return (unsigned)json_object_size(o->kept);
}
