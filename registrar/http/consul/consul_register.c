// SPDX-License-Identifier: BSD-2-Clause
/*
 * Services that register themselves. A ttl check is a lease: an instance whose
 * report is late is out of answers by itself. Its check has the time in its
 * name, "ttl-10s", so that it outlives us.
 */
#include "registrar/consul/consul_json.h"
#include "registrar/consul/consul_service.h"
#include "registrar/consul/consul_tree.h"
#include "registrar/http/consul/consul_impl.h"
#include "registrar/http/register.h"
#include "schema/base/scoped.h"
#include "schema/label.h"
#include "schema/owner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKS_MAX = 16, TTL_MIN_MS = 1000, TTL_MAX_MS = 604800000 };

struct check {
	const char *name;
	enum health status;
};

struct put {
	struct registration what;
	struct check checks[CHECKS_MAX];
	unsigned check_n;
	bool is_new;
};

struct reading {
	struct http_request *q;
	struct conf_context c;
	struct diags diags;
	struct put *put;
	json_t *run; /* checks that a registrar is to run, as in a definition */
};

static bool fail(struct reading *r)
{
	http_fail(r->q, 400, "body", "%s",
	    r->diags.n ? r->diags.items[0].text
	               : "found something else than a service");
	return false;
}

static bool is_absent(const struct conf_node *n)
{
	return !n || consul_is_empty(n);
}

/* ---- checks ------------------------------------------------------------- */

static bool take_status(
    struct http_request *q, const struct conf_node *n, enum health *ret_status)
{
	static const struct {
		const char *name;
		enum health health;
	} states[] = { { "passing", HEALTH_PASSING },
		{ "warning", HEALTH_WARNING },
		{ "critical", HEALTH_CRITICAL } };

	*ret_status = HEALTH_CRITICAL;
	if (is_absent(n))
		return true;
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (!strcmp(n->text, states[i].name)) {
			*ret_status = states[i].health;
			return true;
		}
	}
	http_fail(q, 400, "body",
	    "Invalid check status, expected passing, warning or critical");
	return false;
}

/* "10s" as it is written here; false: the request has failed. */
static bool take_time(struct reading *r, const struct conf_node *n,
    const char *key, json_t *check)
{
	const struct conf_node *value = consul_get(n, key);
	int64_t ms;

	if (is_absent(value))
		return true;
	if (!consul_duration(value->text, &ms) || ms < 1) {
		http_fail(r->q, 400, "body",
		    "Check validation failed: %s is no duration", key);
		return false;
	}
	json_set(check, key,
	    json_text(arena_printf(r->c.arena, "%lldms", (long long)ms)));
	return true;
}

static void take_count(
    const struct conf_node *n, const char *key, const char *as, json_t *check)
{
	const struct conf_node *value = consul_get(n, key);
	long count = is_absent(value) ? 0 : strtol(value->text, NULL, 10);

	if (count > 1 && count < 1000)
		json_set(check, as, json_must(json_integer(count)));
}

/* One that somebody has to run: {"http": ..., "interval": "10s"}. */
static bool take_run_check(struct reading *r, const struct conf_node *n)
{
	static const char *const kinds[] = { "http", "tcp", "grpc", "h2ping",
		"udp" };
	json_t *check = json_must(json_object());
	const struct conf_node *method = consul_get(n, "method");
	size_t k = 0;

	while (k < sizeof(kinds) / sizeof(*kinds) &&
	       is_absent(consul_get(n, kinds[k])))
		k++;
	if (k == sizeof(kinds) / sizeof(*kinds) || r->put->check_n) {
		json_decref(check);
		http_fail(r->q, 501, "body",
		    "Rollcall takes checks by ttl over this API, or by http, "
		    "tcp, udp, grpc and h2ping; others stand in a definition");
		return false;
	}
	/* gRPC's service stands behind a slash */
	char *target = arena_strdup(r->c.arena, consul_get(n, kinds[k])->text);
	char *slash = k == 2 ? strchr(target, '/') : NULL;
	if (slash) {
		*slash = '\0';
		json_set(check, "service", json_text(slash + 1));
	}
	json_set(check, kinds[k], json_text(target));
	if (!k && !is_absent(method))
		json_set(check, "method", json_text(method->text));
	take_count(n, "successbeforepassing", "rise", check);
	take_count(n, "failuresbeforecritical", "fall", check);
	if (json_array_append(r->run, check) < 0)
		abort(); /* out of memory */
	bool taken = take_time(r, n, "interval", check) &&
	             take_time(r, n, "timeout", check);
	json_decref(check);
	return taken;
}

static bool take_check(struct reading *r, const struct conf_node *n)
{
	struct put *p = r->put;
	const struct conf_node *ttl;
	int64_t ms = 0;

	if (is_absent(n))
		return true;
	if (n->type != CONF_MAP)
		return fail(r);
	ttl = consul_get(n, "ttl");
	if (is_absent(ttl))
		return take_run_check(r, n);
	if (json_array_size(r->run)) {
		http_fail(r->q, 501, "body",
		    "Rollcall takes checks by ttl, or others, not both");
		return false;
	}
	if (!consul_duration(ttl->text, &ms) || ms < TTL_MIN_MS ||
	    ms > TTL_MAX_MS || p->check_n == CHECKS_MAX) {
		http_fail(r->q, 400, "body",
		    "Check validation failed: expected at most 16 checks with "
		    "a TTL of 1s to 168h");
		return false;
	}
	struct check *check = &p->checks[p->check_n++];
	check->name =
	    p->check_n == 1
	        ? arena_printf(r->c.arena, "ttl-%lldms", (long long)ms)
	        : arena_printf(
	              r->c.arena, "ttl-%lldms-%u", (long long)ms, p->check_n);
	if (!p->what.lease_ms || ms < p->what.lease_ms)
		p->what.lease_ms = ms;
	return take_status(r->q, consul_get(n, "status"), &check->status);
}

static bool take_checks(struct reading *r, const struct conf_node *service)
{
	const struct conf_node *one = consul_get(service, "check");
	const struct conf_node *list = consul_get(service, "checks");

	if (one && !take_check(r, one))
		return false;
	for (const struct conf_node *n = list ? list->first : NULL; n;
	     n = n->next) {
		if (!take_check(r, n))
			return false;
	}
	return true;
}

/* ---- the service -------------------------------------------------------- */

static bool take_number(
    const struct conf_node *map, const char *key, int *ret_n)
{
	const struct conf_node *n = map ? conf_get(map, key) : NULL;
	char *end;

	if (!n || !*n->text)
		return true;
	long number = strtol(n->text, &end, 10);
	if (*end || number < 0 || number > 65535)
		return false;
	*ret_n = (int)number;
	return true;
}

static const char *dump(struct reading *r, json_t *o)
{
	scoped_free char *text = json_dumps(o, JSON_COMPACT);

	if (!text)
		abort(); /* out of memory */
	json_decref(o);
	return arena_strdup(r->c.arena, text);
}

/* False: the ones that the registry does not take. */
static bool take_words(
    struct reading *r, const struct conf_node *values, const char *id)
{
	const struct conf_node *tags = conf_get(values, "tags");
	const struct conf_node *meta = conf_get(values, "meta");
	json_t *list = json_must(json_array());
	json_t *map = json_must(json_object());

	for (const struct conf_node *n = tags ? tags->first : NULL; n;
	     n = n->next) {
		if (json_array_append_new(list, json_text(n->text)) < 0)
			abort(); /* out of memory */
	}
	for (const struct conf_node *n = meta ? meta->first : NULL; n;
	     n = n->next)
		json_set(map, n->key->text, json_text(n->text));
	if (id)
		json_set(map, CONSUL_ID_KEY, json_text(id));
	r->put->what.tags = dump(r, list);
	r->put->what.meta = dump(r, map);
	return true;
}

static bool is_address(const char *text)
{
	return label_is_ipv4(text) || label_is_ipv6(text);
}

static const char *own_address(struct http_request *q)
{
	const char *peer = http_peer(q);

	return is_address(peer) && strncmp(peer, "127.", 4) != 0 &&
	               strcmp(peer, "::1") != 0
	           ? peer
	           : http_address(q);
}

static const char *text_at(const struct conf_node *map, const char *key)
{
	const struct conf_node *n = conf_get(map, key);

	return n && *n->text ? n->text : NULL;
}

/* The ID as it was said, if that is not what one would make of the names. */
static const char *odd_id(const char *id, const char *service, const char *name)
{
	size_t len = strlen(service);

	if (strcmp(id, name) != 0)
		return id;
	return !strncmp(name, service, len) && (!name[len] || name[len] == '-')
	           ? NULL
	           : id;
}

static bool take_values(struct reading *r, const char *service, const char *id,
    const struct conf_node *values)
{
	struct registration *what = &r->put->what;
	const char *name = consul_label(r->c.arena, id, LABEL_MAX);
	const char *address = text_at(values, "address");
	const struct conf_node *weights = conf_get(values, "weights");

	if (!label_is_service(service) || !label_is_instance(name)) {
		http_fail(r->q, 400, "body",
		    "Invalid service name or ID, expected letters, digits and "
		    "'-'");
		return false;
	}
	*what =
	    registration_of(http_zone(r->q), arena_strdup(r->c.arena, service),
	        name, address ? address : own_address(r->q));
	what->address6 = text_at(values, "address6");
	if (!is_address(what->address) ||
	    !take_number(values, "port", &what->port) ||
	    !take_number(weights, "passing", &what->weight) ||
	    !take_number(weights, "warning", &what->weight_warning)) {
		http_fail(r->q, 400, "body",
		    "expected a numeric address in Address, and ports and "
		    "weights of 0 to 65535");
		return false;
	}
	if (!what->port)
		what->port = ROW_DEFAULT;
	return take_words(r, values, odd_id(id, service, name));
}

static bool read_service(struct reading *r, const json_t *body)
{
	const struct conf_node *root = consul_from_json(&r->c, body, 1, 1);
	struct consul_entry entry;
	struct conf_node *values;

	if (!root || root->type != CONF_MAP)
		return fail(r);
	consul_entry_read(&r->c, root, &entry);
	const struct conf_node *name = consul_get(root, "name");
	const struct conf_node *id = consul_get(root, "id");
	if (is_absent(name) || *entry.kind) {
		http_fail(r->q, *entry.kind ? 501 : 400, "body",
		    *entry.kind ? "Rollcall has no proxies of Connect"
		                : "Missing service name");
		return false;
	}
	if (consul_instance(&r->c, root, &values) < 0)
		return fail(r);
	return take_values(r, consul_service_label(&r->c, name),
	           is_absent(id) ? name->text : id->text, values) &&
	       take_checks(r, root) &&
	       (!json_array_size(r->run) ||
	           register_set_checks(r->q, &r->put->what, r->run));
}

/* ---- in ----------------------------------------------------------------- */

static enum health worst(const struct put *p)
{
	enum health h = HEALTH_PASSING;

	for (unsigned i = 0; i < p->check_n; i++) {
		if (p->checks[i].status == HEALTH_CRITICAL ||
		    h == HEALTH_PASSING)
			h = p->checks[i].status;
	}
	return h;
}

/* Those of before that it has no more go. */
struct old_checks {
	struct arena *arena;
	const char *name[CHECKS_MAX * 4];
	unsigned n;
};

static void on_old_check(void *arg, const struct check_row *row)
{
	struct old_checks *old = arg;

	if (!strncmp(row->name, "ttl-", 4) && old->n < CHECKS_MAX * 4)
		old->name[old->n++] = arena_strdup(old->arena, row->name);
}

static void on_old(void *arg, const struct instance_row *row)
{
	(void)arg;
	(void)row;
}

static bool is_kept(const struct put *p, const char *name)
{
	for (unsigned i = 0; i < p->check_n; i++) {
		if (!strcmp(p->checks[i].name, name))
			return true;
	}
	return false;
}

static int put_checks(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, const struct put *p, struct diag *reterr)
{
	const struct registration *what = &p->what;
	struct old_checks old = { .arena = http_arena(q) };
	int error = registry_read_instance(r, what->zone, what->service,
	    what->instance, on_old, on_old_check, &old, reterr);

	for (unsigned i = 0; i < old.n && !error; i++) {
		if (!is_kept(p, old.name[i])) {
			error = registry_withdraw_check(r, what->zone,
			    what->service, what->instance, old.name[i], reterr);
		}
	}
	for (unsigned i = 0; i < p->check_n && !error; i++) {
		const struct check_row row = { .zone = what->zone,
			.service = what->service,
			.instance = what->instance,
			.name = p->checks[i].name,
			.kind = "ttl",
			.status = p->checks[i].status,
			.output = "TTL expires unless it is reported",
			.since_wall_ms = now_wall_ms,
			.checked_wall_ms = now_wall_ms };

		if (p->is_new ||
		    registry_read_check(r, row.zone, row.service, row.instance,
		        row.name, consul_ignore_check, NULL, NULL) < 0)
			error = registry_put_check(r, &row, reterr);
	}
	return error;
}

static int put(struct http_request *q, struct registry *r, int64_t now_wall_ms,
    void *arg, struct diag *reterr)
{
	struct put *p = arg;

	if (p->check_n) {
		p->what.health = worst(p);
		p->what.reason = "no report on its ttl check yet";
	}
	int error =
	    register_put(q, r, now_wall_ms, &p->what, &p->is_new, reterr);
	return error ? error : put_checks(q, r, now_wall_ms, p, reterr);
}

void consul_was_written(
    struct http_request *q, int error, const struct diag *why, void *arg)
{
	(void)arg;
	if (error == 0) {
		http_reply(q, 200, "application/json", "", 0);
	} else {
		http_fail_error(q, error, why);
	}
}

void consul_put_register(struct http_request *q)
{
	struct put *p = arena_alloc(http_arena(q), 1, sizeof(*p));
	struct reading r = { .q = q,
		.c = { .file = "body", .arena = http_arena(q) },
		.put = p };
	json_t *body = http_body_json(q);

	memset(p, 0, sizeof(*p));
	r.c.diags = &r.diags;
	r.run = json_must(json_array());
	if (body && read_service(&r, body) &&
	    http_require(q, ACCESS_WRITE, p->what.service))
		http_write(q, put, consul_was_written, p);
	p->what.checks = NULL; /* what is written is text by now */
	json_decref(r.run);
}

/* ---- out ---------------------------------------------------------------- */

static int withdraw(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, void *arg, struct diag *reterr)
{
	const struct consul_found *f = arg;

	return register_withdraw(
	    q, r, now_wall_ms, http_zone(q), f->service, f->instance, reterr);
}

void consul_put_deregister(struct http_request *q)
{
	struct consul_found *f = arena_alloc(http_arena(q), 1, sizeof(*f));

	if (!consul_find(q, http_part(q, 0), f))
		return;
	json_decref(f->entry);
	if (http_require(q, ACCESS_WRITE, f->service))
		http_write(q, withdraw, consul_was_written, f);
}
