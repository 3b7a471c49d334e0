// SPDX-License-Identifier: BSD-2-Clause
/*
 * Instances that register themselves.
 */
#include "registrar/http/api/api_impl.h"
#include "registrar/http/fields.h"
#include "registrar/http/register.h"
#include "registrar/lib/json.h"
#include "registrar/report/status.h"
#include "schema/base/clock.h"
#include "schema/conf/units.h"
#include "schema/label.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#define LEASE_MIN_MS 1000
#define LEASE_MAX_MS (7 * 86400000LL)

/* What a body says. */
struct body {
	struct registration what;
	json_t *service, *checks;
};

static bool is_address(const char *text)
{
	return label_is_ipv4(text) || label_is_ipv6(text);
}

static bool is_label(const char *text)
{
	return label_is_valid(text, LABEL_MAX);
}

static bool is_protocol(const char *text)
{
	return label_is_service(text) && strlen(text) <= 15;
}

#define AT(member) offsetof(struct body, what.member)
static const struct field instance_fields[] = {
	{ .name = "address",
	    .kind = FIELD_TEXT,
	    .offset = AT(address),
	    .valid = is_address,
	    .expects = ADDRESS_RULE },
	{ .name = "address6",
	    .kind = FIELD_TEXT,
	    .offset = AT(address6),
	    .valid = label_is_ipv6,
	    .expects = "an IPv6 address in lower case" },
	{ .name = "port",
	    .kind = FIELD_INT,
	    .offset = AT(port),
	    .low = 1,
	    .high = 65535 },
	{ .name = "priority",
	    .kind = FIELD_INT,
	    .offset = AT(priority),
	    .low = 0,
	    .high = 65535 },
	{ .name = "weight",
	    .kind = FIELD_INT,
	    .offset = AT(weight),
	    .low = 0,
	    .high = 65535 },
	{ .name = "weight_warning",
	    .kind = FIELD_INT,
	    .offset = AT(weight_warning),
	    .low = 0,
	    .high = 65535 },
	{ .name = "tags", .kind = FIELD_TAGS, .offset = AT(tags) },
	{ .name = "meta", .kind = FIELD_META, .offset = AT(meta) },
	{ .name = "locality",
	    .kind = FIELD_TEXT,
	    .offset = AT(locality),
	    .valid = is_label,
	    .expects = LABEL_RULE },
	{ .name = "lease",
	    .kind = FIELD_DURATION,
	    .offset = AT(lease_ms),
	    .low = LEASE_MIN_MS,
	    .high = LEASE_MAX_MS },
	{ .name = "checks",
	    .kind = FIELD_JSON,
	    .offset = offsetof(struct body, checks) },
	{ .name = "service",
	    .kind = FIELD_JSON,
	    .offset = offsetof(struct body, service) },
	{ 0 },
};
static const struct field service_fields[] = {
	{ .name = "protocol",
	    .kind = FIELD_TEXT,
	    .offset = AT(own.protocol),
	    .valid = is_protocol,
	    .expects = "1..15 of a-z 0-9 '-', no '-' at either end" },
	{ .name = "port",
	    .kind = FIELD_INT,
	    .offset = AT(own.port),
	    .low = 1,
	    .high = 65535 },
	{ .name = "port_name",
	    .kind = FIELD_TEXT,
	    .offset = AT(own.port_name),
	    .valid = is_protocol,
	    .expects = "1..15 of a-z 0-9 '-', no '-' at either end" },
	{ .name = "ttl_s",
	    .kind = FIELD_INT,
	    .offset = AT(own.ttl_s),
	    .low = 0,
	    .high = INT32_MAX },
	{ .name = "max_answers",
	    .kind = FIELD_INT,
	    .offset = AT(own.max_answers),
	    .low = 0,
	    .high = 65535 },
	{ .name = "tags", .kind = FIELD_TAGS, .offset = AT(own.tags) },
	{ .name = "meta", .kind = FIELD_META, .offset = AT(own.meta) },
	{ 0 },
};
#undef AT

/* ---- in --------------------------------------------------------------- */

struct put {
	struct body body;
	bool is_new;
	json_t *made;
};

static json_t *read_back(
    struct http_request *q, const struct registration *what)
{
	struct registry *r = http_registry(q);
	struct status_report report;
	json_t *o;

	if (!r || status_read_instance(r, what->zone, what->service,
	              what->instance, clock_wall_ms(), &report, NULL) < 0)
		return NULL;
	o = status_instance_json(&report, &report.instances[0]);
	status_release(&report);
	return o;
}

static int put(struct http_request *q, struct registry *r, int64_t now_wall_ms,
    void *arg, struct diag *reterr)
{
	struct put *p = arg;

	return register_put(
	    q, r, now_wall_ms, &p->body.what, &p->is_new, reterr);
}

static void was_put(
    struct http_request *q, int error, const struct diag *why, void *arg)
{
	struct put *p = arg;
	json_t *o;

	if (error < 0) {
		http_fail_error(q, error, why);
		return;
	}
	o = read_back(q, &p->body.what);
	if (o) {
		http_reply_json(q, p->is_new ? 201 : 200, o);
	} else {
		http_fail(q, 404, NULL, "it is gone again");
	}
}

static bool check_names(struct http_request *q, const struct target *t)
{
	if (!label_is_service(t->service)) {
		http_fail(
		    q, 422, "path: service", "expected %s", LABEL_SERVICE_RULE);
	} else if (!label_is_instance(t->instance)) {
		http_fail(q, 422, "path: instance", "expected %s",
		    LABEL_INSTANCE_RULE);
	} else if (!label_is_zone(t->zone)) {
		http_fail(q, 422, "path: zone", "expected %s", ZONE_RULE);
	} else {
		return true;
	}
	return false;
}

/* Of who asks from elsewhere it is his; from here that of this host. */
static const char *own_address(struct http_request *q)
{
	const char *peer = http_peer(q);

	if (is_address(peer) && strncmp(peer, "127.", 4) != 0 &&
	    strcmp(peer, "::1") != 0)
		return peer;
	return http_address(q);
}

void api_put_instance(struct http_request *q)
{
	struct put *p = arena_alloc(http_arena(q), 1, sizeof(*p));
	struct target t;

	if (!api_target(q, &t) || !check_names(q, &t) ||
	    !http_require(q, ACCESS_WRITE, t.service))
		return;
	json_t *o = http_body_json(q);

	p->body.what =
	    registration_of(t.zone, t.service, t.instance, own_address(q));
	if (!o || !fields_read(q, o, "", instance_fields, &p->body))
		return;
	if (p->body.service && !fields_read(q, p->body.service, "service.",
	                           service_fields, &p->body))
		return;
	if (p->body.checks &&
	    !register_set_checks(q, &p->body.what, p->body.checks))
		return;
	http_write(q, put, was_put, p);
}

/* ---- renewed ---------------------------------------------------------- */

static const struct field renew_fields[] = {
	{ .name = "lease",
	    .kind = FIELD_DURATION,
	    .offset = 0,
	    .low = LEASE_MIN_MS,
	    .high = LEASE_MAX_MS },
	{ 0 },
};

void api_renew_instance(struct http_request *q)
{
	int64_t lease_ms = 0, until_wall_ms;
	struct target t;
	struct diag why;
	size_t len;

	if (!api_target(q, &t) || !http_require(q, ACCESS_WRITE, t.service))
		return;
	(void)http_body(q, &len);
	if (len) {
		json_t *body = http_body_json(q);

		if (!body || !fields_read(q, body, "", renew_fields, &lease_ms))
			return;
	}
	int error = register_renew(
	    q, t.zone, t.service, t.instance, lease_ms, &until_wall_ms, &why);

	if (error < 0) {
		http_fail_error(q, error, &why);
		return;
	}
	json_t *o = json_must(json_object());

	json_set(o, "lease_until_wall_ms", json_integer(until_wall_ms));
	http_reply_json(q, 200, o);
}

/* ---- out -------------------------------------------------------------- */

static int withdraw(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, void *arg, struct diag *reterr)
{
	const struct target *t = arg;

	return register_withdraw(
	    q, r, now_wall_ms, t->zone, t->service, t->instance, reterr);
}

static void was_withdrawn(
    struct http_request *q, int error, const struct diag *why, void *arg)
{
	(void)arg;
	if (error < 0) {
		http_fail_error(q, error, why);
	} else {
		http_reply(q, 204, NULL, "", 0);
	}
}

void api_delete_instance(struct http_request *q)
{
	struct target *t = arena_alloc(http_arena(q), 1, sizeof(*t));

	if (api_target(q, t) && http_require(q, ACCESS_WRITE, t->service))
		http_write(q, withdraw, was_withdrawn, t);
}
