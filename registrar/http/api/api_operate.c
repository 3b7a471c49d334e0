// SPDX-License-Identifier: BSD-2-Clause
/*
 * What operators do, as the commands do it; and reports on ttl checks.
 */
#include "registrar/command/operation.h"
#include "registrar/http/api/api_impl.h"
#include "registrar/http/fields.h"
#include "registrar/lib/json.h"
#include "registrar/probe/probe.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define TTL_MS 5000 /* of services that name none */

static const struct {
	const char *name;
	operation_fn fn;
} operations[] = {
	{ "drain", operation_drain },
	{ "resume", operation_resume },
	{ "maintenance", operation_maintain },
	{ "weight", operation_weight },
};
#define OPERATION_N (sizeof(operations) / sizeof(*operations))

struct operate {
	struct registrar_options options;
	struct target target;
	operation_fn fn;
	int weight;
	struct operation op;
	json_t *done;
};

#define AT(member) offsetof(struct operate, member)
static const struct field operate_fields[] = {
	{ .name = "reason", .kind = FIELD_TEXT, .offset = AT(options.reason) },
	{ .name = "force", .kind = FIELD_BOOL, .offset = AT(options.force) },
	{ .name = "deadline",
	    .kind = FIELD_DURATION,
	    .offset = AT(options.deadline_ms),
	    .low = 1000,
	    .high = 86400000 },
	{ .name = "weight",
	    .kind = FIELD_INT,
	    .offset = AT(weight),
	    .low = 0,
	    .high = 65535 },
	{ 0 },
};

static int is_there(
    struct registry *r, const struct target *t, struct diag *reterr)
{
	struct row_owner owner;
	int error = registry_read_owner(
	    r, t->zone, t->service, t->instance, &owner, NULL);

	return error == -ENOENT
	           ? diag_set(reterr, error, "there is no '%s%s%s' in '%s'",
	                 t->service, t->instance ? "/" : "",
	                 t->instance ? t->instance : "", t->zone)
	           : 0;
}

static int operate(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, void *arg, struct diag *reterr)
{
	struct operate *x = arg;
	struct arena *a = http_arena(q);
	const char *text = arena_printf(a, "%s.%s%s%s", x->target.service,
	    x->target.zone, x->target.instance ? "/" : "",
	    x->target.instance ? x->target.instance : "");
	int error = is_there(r, &x->target, reterr);

	if (error < 0)
		return error;
	error = operation_start(&x->op, &x->options, &text, 1, a, reterr);
	x->op.actor = arena_printf(a, "%s at %s", http_source(q), http_peer(q));
	if (error == 0) {
		error = operation_run_in(
		    &x->op, r, now_wall_ms, x->fn, &x->weight, reterr);
	}
	if (error == 0)
		x->done = operation_json(&x->op);
	operation_end(&x->op);
	return error;
}

static void was_operated(
    struct http_request *q, int error, const struct diag *why, void *arg)
{
	struct operate *x = arg;

	if (error == 0) {
		http_reply_json(q, 200, x->done);
		return;
	}
	json_decref(x->done);
	/* it is the state that speaks against it, not the words */
	if (error == -EINVAL) {
		http_fail(q, 409, "force", "%s", why->text);
	} else {
		http_fail_error(q, error, why);
	}
}

static bool find_operation(
    struct http_request *q, const char *name, struct operate *x)
{
	for (size_t k = 0; k < OPERATION_N; k++) {
		if (!strcmp(operations[k].name, name)) {
			x->fn = operations[k].fn;
			return true;
		}
	}
	http_fail(q, 404, "path",
	    "there is no operation '%.100s', expected drain, resume, "
	    "maintenance or weight",
	    name);
	return false;
}

static void post(struct http_request *q, const char *name, bool instance)
{
	struct operate *x = arena_alloc(http_arena(q), 1, sizeof(*x));
	size_t len;

	x->weight = ROW_DEFAULT;
	x->options.run.registry = http_registry_path(q);
	x->options.run.zone = http_zone(q);
	x->options.ttl_ms = TTL_MS;
	if (!find_operation(q, name, x) || !api_target(q, &x->target))
		return;
	if (!instance)
		x->target.instance = NULL;
	if (!http_require(q, ACCESS_OPERATE, x->target.service))
		return;
	(void)http_body(q, &len);
	if (len) {
		json_t *o = http_body_json(q);

		if (!o || !fields_read(q, o, "", operate_fields, x))
			return;
	}
	http_write(q, operate, was_operated, x);
}

void api_post_instance(struct http_request *q)
{
	post(q, http_part(q, 2), true);
}

void api_post_service(struct http_request *q)
{
	post(q, http_part(q, 1), false);
}

/* ---- reports ---------------------------------------------------------- */

struct report {
	struct target target;
	const char *check, *word, *output;
	enum health status;
};

static bool is_status(const char *text)
{
	enum health h;

	return health_parse(text, &h) == 0 &&
	       (h == HEALTH_PASSING || h == HEALTH_WARNING ||
	           h == HEALTH_CRITICAL);
}

static const struct field report_fields[] = {
	{ .name = "status",
	    .kind = FIELD_TEXT,
	    .offset = offsetof(struct report, word),
	    .valid = is_status,
	    .expects = "passing, warning or critical",
	    .required = true },
	{ .name = "output",
	    .kind = FIELD_TEXT,
	    .offset = offsetof(struct report, output) },
	{ 0 },
};

static int report(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, void *arg, struct diag *reterr)
{
	struct report *x = arg;
	int error = is_there(r, &x->target, reterr);

	(void)q;
	return error < 0 ? error
	                 : operation_report(r, &x->target, x->check, x->status,
	                       x->output, now_wall_ms, reterr);
}

static void was_reported(
    struct http_request *q, int error, const struct diag *why, void *arg)
{
	(void)arg;
	if (error == 0) {
		http_reply(q, 204, NULL, "", 0);
	} else if (error == -EINVAL) {
		http_fail(q, 404, "path", "%s", why->text);
	} else {
		http_fail_error(q, error, why);
	}
}

void api_put_check(struct http_request *q)
{
	struct report *x = arena_alloc(http_arena(q), 1, sizeof(*x));

	x->output = "";
	if (!api_target(q, &x->target) ||
	    !http_require(q, ACCESS_WRITE, x->target.service))
		return;
	json_t *o = http_body_json(q);

	if (!o || !fields_read(q, o, "", report_fields, x))
		return;
	(void)health_parse(x->word, &x->status);
	x->check = http_part(q, 2);
	http_write(q, report, was_reported, x);
}
