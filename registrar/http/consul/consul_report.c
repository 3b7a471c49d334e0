// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reports on ttl checks. One that says what was said before extends the lease
 * alone, and is written with others; all else is a transaction.
 */
#include "registrar/command/operation.h"
#include "registrar/http/consul/consul_impl.h"
#include "registrar/http/register.h"
#include "schema/base/clock.h"
#include "schema/eligible.h"
#include "schema/owner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKS_MAX = 64 };

struct known {
	const char *name;
	enum health status;
};

struct report {
	struct consul_found found;
	unsigned number; /* of the check, from 1; 0: the only one */
	enum health status;
	const char *output;
	/* as they are in the registry */
	struct arena *arena;
	struct known checks[CHECKS_MAX];
	unsigned check_n;
	struct instance_row row;
	bool expired;
	int64_t now_wall_ms;
};

void consul_ignore_check(void *arg, const struct check_row *row)
{
	(void)arg;
	(void)row;
}

static void on_check(void *arg, const struct check_row *row)
{
	struct report *x = arg;

	if (x->check_n < CHECKS_MAX) {
		x->checks[x->check_n++] =
		    (struct known){ arena_strdup(x->arena, row->name),
			    row->status };
	}
}

static const char *keep(struct report *x, const char *text)
{
	return text ? arena_strdup(x->arena, text) : NULL;
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct report *x = arg;
	struct eligible_facts facts = eligible_facts(row);

	x->row = *row;
	x->row.zone = keep(x, row->zone);
	x->row.service = keep(x, row->service);
	x->row.name = keep(x, row->name);
	x->row.address = keep(x, row->address);
	x->row.address6 = keep(x, row->address6);
	x->row.ports = keep(x, row->ports);
	x->row.tags = keep(x, row->tags);
	x->row.meta = keep(x, row->meta);
	x->row.locality = keep(x, row->locality);
	x->row.source = keep(x, row->source);
	x->row.definition = keep(x, row->definition);
	x->row.reason = keep(x, row->reason);
	x->row.drain.text = keep(x, row->drain.text);
	x->row.node = keep(x, row->node);
	x->expired =
	    eligible_judge(&facts, x->now_wall_ms).why == ELIGIBLE_EXPIRED;
}

static int read_known(struct http_request *q, struct registry *r,
    struct report *x, struct diag *reterr)
{
	x->check_n = 0;
	x->arena = http_arena(q);
	int error = registry_read_instance(r, http_zone(q), x->found.service,
	    x->found.instance, on_instance, on_check, x, reterr);
	unsigned k = x->number ? x->number - 1 : 0;

	if (!error &&
	    (k >= x->check_n || strncmp(x->checks[k].name, "ttl-", 4) != 0)) {
		return diag_set(reterr, -ENOENT,
		    "Unknown check, or it is none with a TTL of this API");
	}
	return error;
}

/* "ttl-10000ms" */
static int64_t ttl_of(const char *name)
{
	int64_t ms = strtoll(name + strlen("ttl-"), NULL, 10);

	return ms > 0 ? ms : 1000;
}

static enum health worst(const struct report *x)
{
	enum health h = HEALTH_PASSING;

	for (unsigned i = 0; i < x->check_n; i++) {
		if (x->checks[i].status == HEALTH_CRITICAL ||
		    h == HEALTH_PASSING)
			h = x->checks[i].status;
	}
	return h;
}

static int write_report(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, void *arg, struct diag *reterr)
{
	struct report *x = arg;

	x->now_wall_ms = now_wall_ms;
	int error = read_known(q, r, x, reterr);
	if (error)
		return error;
	if (strcmp(x->row.source, http_source(q)) != 0) {
		return diag_set(reterr, -EPERM,
		    "it was registered by '%s': only that reports on it",
		    x->row.source);
	}
	struct known *check = &x->checks[x->number ? x->number - 1 : 0];
	const struct check_row row = { .zone = x->row.zone,
		.service = x->row.service,
		.instance = x->row.name,
		.name = check->name,
		.kind = "ttl",
		.status = x->status,
		.output = x->output,
		.since_wall_ms = now_wall_ms,
		.checked_wall_ms = now_wall_ms };
	check->status = x->status;
	error = registry_put_check(r, &row, reterr);
	x->row.lease_until_wall_ms = now_wall_ms + ttl_of(check->name);
	if (!error)
		error = registry_put_instance(r, &x->row, reterr);
	return error
	           ? error
	           : registry_put_health(r, x->row.zone, x->row.service,
	                 x->row.name, worst(x), x->output, now_wall_ms, reterr);
}

/* "service:ID" or "service:ID:2"; false: the request has failed. */
static bool find_check(
    struct http_request *q, const char *check, struct report *x)
{
	static const char before[] = "service:";
	char *id;
	char *colon;

	if (strncmp(check, before, sizeof(before) - 1) != 0) {
		http_fail(q, 404, NULL,
		    "Unknown check ID \"%.128s\". Ensure that the check ID is "
		    "passed, not the check name.",
		    check);
		return false;
	}
	id = arena_strdup(http_arena(q), check + sizeof(before) - 1);
	colon = strrchr(id, ':');
	if (colon && colon[1] && strlen(colon + 1) <= 2 &&
	    strspn(colon + 1, "0123456789") == strlen(colon + 1)) {
		x->number = (unsigned)strtoul(colon + 1, NULL, 10);
		*colon = '\0';
	}
	if (!consul_find(q, id, &x->found))
		return false;
	json_decref(x->found.entry);
	return http_require(q, ACCESS_WRITE, x->found.service);
}

/* Nothing is new but that it lives. */
static bool renews(struct http_request *q, struct report *x)
{
	struct registry *r = http_registry(q);
	int64_t until;

	x->now_wall_ms = clock_wall_ms();
	return r && read_known(q, r, x, NULL) == 0 && x->check_n == 1 &&
	       !x->expired && x->checks[0].status == x->status &&
	       x->row.health == x->status &&
	       !strcmp(x->row.reason ? x->row.reason : "", x->output) &&
	       register_renew(q, http_zone(q), x->found.service,
	           x->found.instance, ttl_of(x->checks[0].name), &until,
	           NULL) == 0;
}

static void report(
    struct http_request *q, enum health status, const char *output)
{
	struct report *x = arena_alloc(http_arena(q), 1, sizeof(*x));

	memset(x, 0, sizeof(*x));
	x->status = status;
	x->output = output ? output : "";
	if (!find_check(q, http_part(q, 0), x))
		return;
	if (renews(q, x)) {
		consul_was_written(q, 0, NULL, NULL);
	} else {
		http_write(q, write_report, consul_was_written, x);
	}
}

void consul_put_pass(struct http_request *q)
{
	report(q, HEALTH_PASSING, http_param(q, "note"));
}

void consul_put_warn(struct http_request *q)
{
	report(q, HEALTH_WARNING, http_param(q, "note"));
}

void consul_put_fail(struct http_request *q)
{
	report(q, HEALTH_CRITICAL, http_param(q, "note"));
}

/* {"Status": "passing", "Output": "..."} */
void consul_put_update(struct http_request *q)
{
	json_t *body = http_body_json(q);
	const char *status, *output;
	enum health h;

	if (!body)
		return;
	status = json_string_value(json_object_get(body, "Status"));
	output = json_string_value(json_object_get(body, "Output"));
	if (!status || health_parse(status, &h) < 0 ||
	    (h != HEALTH_PASSING && h != HEALTH_WARNING &&
	        h != HEALTH_CRITICAL)) {
		http_fail(q, 400, "body",
		    "Invalid check status, expected passing, warning or "
		    "critical");
		return;
	}
	report(q, h, output);
}

/* ---- maintenance -------------------------------------------------------- */

struct maintenance {
	struct consul_found found;
	struct registrar_options options;
	struct operation op;
	bool enable;
};

static int maintain(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, void *arg, struct diag *reterr)
{
	struct maintenance *m = arg;
	struct arena *a = http_arena(q);
	const char *text = arena_printf(
	    a, "%s.%s/%s", m->found.service, http_zone(q), m->found.instance);
	int error = operation_start(&m->op, &m->options, &text, 1, a, reterr);

	m->op.actor = arena_printf(a, "%s at %s", http_source(q), http_peer(q));
	if (error == 0) {
		error = operation_run_in(&m->op, r, now_wall_ms,
		    m->enable ? operation_maintain : operation_resume, NULL,
		    reterr);
	}
	operation_end(&m->op);
	return error;
}

void consul_put_maintenance(struct http_request *q)
{
	struct maintenance *m = arena_alloc(http_arena(q), 1, sizeof(*m));
	const char *enable = http_param(q, "enable");

	memset(m, 0, sizeof(*m));
	m->options.run.registry = http_registry_path(q);
	m->options.run.zone = http_zone(q);
	m->options.reason = http_param(q, "reason");
	m->options.force = true; /* Consul does not mind the last one */
	m->enable = http_flag(q, "enable");
	if (!enable) {
		http_fail(q, 400, "query: enable",
		    "Missing value for enable, expected true or false");
		return;
	}
	if (!consul_find(q, http_part(q, 0), &m->found))
		return;
	json_decref(m->found.entry);
	if (http_require(q, ACCESS_OPERATE, m->found.service))
		http_write(q, maintain, consul_was_written, m);
}
