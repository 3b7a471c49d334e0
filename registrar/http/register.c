// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/register.h"

#include "registrar/http/http_impl.h"
#include "registrar/http/lease.h"
#include "schema/owner.h"
#include "schema/registration.h"

#include <errno.h>
#include <string.h>

struct registration registration_of(const char *zone, const char *service,
    const char *instance, const char *address)
{
	return (struct registration){ .zone = zone,
		.service = service,
		.instance = instance,
		.address = address,
		.tags = "[]",
		.meta = "{}",
		.port = ROW_DEFAULT,
		.weight = 100,
		.weight_warning = ROW_DEFAULT,
		.health = HEALTH_PASSING,
		.own = { .zone = zone,
		    .name = service,
		    .protocol = "tcp",
		    .port = ROW_DEFAULT,
		    .ttl_s = ROW_DEFAULT,
		    .max_answers = ROW_DEFAULT,
		    .tags = "[]",
		    .meta = "{}" } };
}

static const char *note_source(struct http_request *q)
{
	return arena_printf(
	    http_arena(q), "%s at %s", http_source(q), http_peer(q));
}

/* ---- in --------------------------------------------------------------- */

static bool is_own(struct http_request *q, const struct row_owner *o)
{
	return !*o->node && !strcmp(o->source, http_source(q));
}

static int put_service(struct http_request *q, struct registry *r,
    const struct registration *what, struct diag *reterr)
{
	struct service_row row = what->own;
	struct row_owner owner;
	int error = registry_read_owner(
	    r, what->zone, what->service, NULL, &owner, reterr);

	if (error < 0 && error != -ENOENT)
		return error;
	if (error == 0 && !is_own(q, &owner)) {
		if (!http_is_anonymous(q))
			return 0; /* an instance more of what is there */
		return diag_set(reterr, -EPERM,
		    "'%s' is described by '%s': who has no token may not add "
		    "to it",
		    what->service, owner.source);
	}
	row.source = http_source(q);
	return registry_put_service(r, &row, reterr);
}

/* It is critical since its lease ran out, and begins anew. */
static int revive(struct registry *r, int64_t now_wall_ms,
    const struct registration *what, struct diag *reterr)
{
	return registry_put_health(r, what->zone, what->service, what->instance,
	    what->health, what->reason, now_wall_ms, reterr);
}

static bool is_over(
    struct registry *r, int64_t now_wall_ms, const struct registration *what)
{
	struct instance_state state;

	return registry_read_state(r, what->zone, what->service, what->instance,
	           now_wall_ms, &state, NULL) == 0 &&
	       state.expired;
}

static int check_owner(struct http_request *q, struct registry *r,
    const struct registration *what, bool *ret_new, struct diag *reterr)
{
	struct row_owner owner;
	int error = registry_read_owner(
	    r, what->zone, what->service, what->instance, &owner, reterr);

	*ret_new = error == -ENOENT;
	if (error < 0)
		return *ret_new ? 0 : error;
	if (is_own(q, &owner))
		return 0;
	return diag_set(reterr, -EEXIST,
	    "'%s/%s' is there already, written by '%s'%s%s", what->service,
	    what->instance, owner.source, *owner.node ? " of " : "",
	    owner.node);
}

/* Without checks there is nothing for a registrar to do, any more. */
static int put_registration(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, const struct registration *what, struct diag *reterr)
{
	const struct registration_row row = { .zone = what->zone,
		.service = what->service,
		.instance = what->instance,
		.source = http_source(q),
		.text = what->text,
		.updated_wall_ms = now_wall_ms };

	return registry_put_registration(r, &row, reterr);
}

int register_put(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, const struct registration *what, bool *ret_new,
    struct diag *reterr)
{
	const struct instance_row row = { .zone = what->zone,
		.service = what->service,
		.name = what->instance,
		.address = what->address,
		.address6 = what->address6,
		.port = what->port,
		.ports = what->ports,
		.priority = what->priority,
		.weight = what->weight,
		.weight_warning = what->weight_warning,
		.health = what->health,
		.lease_until_wall_ms =
		    what->lease_ms ? now_wall_ms + what->lease_ms : 0,
		.tags = what->tags,
		.meta = what->meta,
		.locality = what->locality,
		.source = http_source(q),
		.since_wall_ms = now_wall_ms,
		.reason = what->reason };
	int error = put_service(q, r, what, reterr);

	if (error == 0)
		error = check_owner(q, r, what, ret_new, reterr);
	bool over = error == 0 && !*ret_new && is_over(r, now_wall_ms, what);

	if (error == 0)
		error = registry_put_instance(r, &row, reterr);
	if (error == 0 && over)
		error = revive(r, now_wall_ms, what, reterr);
	if (error == 0)
		error = put_registration(q, r, now_wall_ms, what, reterr);
	if (error == 0 && *ret_new) {
		error = registry_put_note(r, what->zone, what->service,
		    what->instance, note_source(q), "registered", now_wall_ms,
		    reterr);
	}
	if (error == 0 && what->lease_ms) {
		leases_keep(q->http->leases, what->zone, what->service,
		    what->instance, http_source(q), what->lease_ms,
		    row.lease_until_wall_ms);
	}
	return error;
}

/* ---- out -------------------------------------------------------------- */

struct left {
	unsigned n;
	bool is_api; /* the service was made by who registers */
};

static void on_service(void *arg, const struct service_row *row)
{
	struct left *l = arg;

	l->is_api = !*row->node && !strncmp(row->source, "api/", 4);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct left *l = arg;

	(void)row;
	l->n++;
}

static void on_done(void *arg)
{
	(void)arg;
}

static int sweep(struct registry *r, const char *zone, const char *service,
    struct diag *reterr)
{
	struct left left = { 0 };
	const struct registry_visitor v = { .service = on_service,
		.instance = on_instance,
		.done = on_done,
		.arg = &left };
	int error = registry_read_service(r, zone, service, &v, reterr);

	if (error < 0 || left.n || !left.is_api)
		return error;
	return registry_withdraw_service(r, zone, service, reterr);
}

int register_withdraw(struct http_request *q, struct registry *r,
    int64_t now_wall_ms, const char *zone, const char *service,
    const char *instance, struct diag *reterr)
{
	struct row_owner owner;
	int error =
	    registry_read_owner(r, zone, service, instance, &owner, reterr);

	if (error == -ENOENT) {
		return diag_set(reterr, error, "there is no '%s/%s' in '%s'",
		    service, instance, zone);
	}
	if (error == 0 && !is_own(q, &owner)) {
		return diag_set(reterr, -EPERM,
		    "'%s/%s' was written by '%s': only that takes it out",
		    service, instance, owner.source);
	}
	if (error == 0) {
		error = registry_put_note(r, zone, service, instance,
		    note_source(q), "deregistered", now_wall_ms, reterr);
	}
	if (error == 0) {
		error = registry_withdraw_instance(
		    r, zone, service, instance, reterr);
	}
	leases_drop(q->http->leases, zone, service, instance);
	return error < 0 ? error : sweep(r, zone, service, reterr);
}

int register_renew(struct http_request *q, const char *zone,
    const char *service, const char *instance, int64_t lease_ms,
    int64_t *ret_until_wall_ms, struct diag *reterr)
{
	return leases_renew(q->http->leases, zone, service, instance,
	    http_source(q), lease_ms, ret_until_wall_ms, reterr);
}
