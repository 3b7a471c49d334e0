// SPDX-License-Identifier: BSD-2-Clause
/*
 * Short transactions. A service comes before its instances and goes behind
 * them; what is done is forgotten once it is committed.
 */
#include "registrar/cluster/others_impl.h"
#include "schema/member.h"
#include "schema/owner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct apply {
	struct others *o;
	struct member *m;
	struct registry *r;
	struct arena *arena; /* of one record */
	int64_t now_wall_ms;
	char service[RECORD_PART_MAX]; /* put in this transaction */
	struct diag *reterr;
};

/* -EINVAL is the registry's word on a record: the next one comes. */
static int refuse(struct apply *a, const char *rest, int error)
{
	if (error != -EINVAL)
		return error;
	if (log_limit_ok(&a->o->refused, 10, 60000, a->now_wall_ms)) {
		log_warn("host '%s' says of '%s' what cannot be: %s",
		    a->m->node, rest,
		    *a->reterr->text ? a->reterr->text : "no record");
	}
	return 0;
}

static int put_service(struct apply *a, const char *rest)
{
	const char *text =
	    json_string_value(json_object_get(a->m->service, rest));
	struct service_row row;
	struct record_name name;
	int error;

	if (!text || !strcmp(a->service, rest))
		return 0;
	*a->reterr->text = '\0';
	error = record_to_service(text, a->arena, &row);
	if (error == 0)
		error = record_name_parse(rest, false, &name);
	if (error == 0) {
		row.zone = name.zone;
		row.name = name.service;
		row.node = a->m->node;
		error = registry_put_service(a->r, &row, a->reterr);
	}
	if (error == 0) {
		(void)strncpy(a->service, rest, sizeof(a->service) - 1);
		json_set(a->m->service_rows, rest, json_true());
	}
	return refuse(a, rest, error);
}

static int put_drain(struct apply *a, const struct instance_row *row)
{
	struct instance_state state;
	bool over = row->drain.until_wall_ms < a->now_wall_ms;
	struct drain_row d = row->drain;
	int error = registry_read_state(a->r, row->zone, row->service,
	    row->name, a->now_wall_ms, &state, a->reterr);

	if (error < 0 ||
	    (state.mode == MODE_DRAINING && !over && d.step == DRAIN_WAITING))
		return error;
	if (over)
		d.until_wall_ms = 1; /* long ago, on any clock */
	return registry_put_drain(a->r, row->zone, row->service, row->name, &d,
	    a->now_wall_ms, a->reterr);
}

/* What operators did here stands until its owner has been told. */
static int put_operators(struct apply *a, const struct instance_row *row)
{
	int error = registry_has_wish(
	    a->r, row->zone, row->service, row->name, a->reterr);

	if (error)
		return error < 0 ? error : 0;
	error = row->mode == MODE_DRAINING
	            ? put_drain(a, row)
	            : registry_put_mode(a->r, row->zone, row->service,
	                  row->name, row->mode, a->now_wall_ms, a->reterr);
	if (error == 0) {
		error = registry_put_weight(a->r, row->zone, row->service,
		    row->name,
		    row->is_overridden ? row->weight_override : ROW_DEFAULT,
		    a->reterr);
	}
	if (error < 0)
		return error;
	return registry_withdraw_wish(
	    a->r, row->zone, row->service, row->name, 0, a->reterr);
}

/* Health is its host's to tell where the row is. */
static int put_rest(struct apply *a, const struct instance_row *row)
{
	int error = registry_put_health(a->r, row->zone, row->service,
	    row->name, row->health, row->reason, a->now_wall_ms, a->reterr);

	if (error == 0) {
		error = registry_put_ramp(a->r, row->zone, row->service,
		    row->name, row->ramp_percent, a->reterr);
	}
	return error < 0 ? error : put_operators(a, row);
}

static int put_row(struct apply *a, struct instance_row *row)
{
	struct instance_row plain = *row;
	struct row_owner owner;
	int error = registry_read_owner(
	    a->r, row->zone, row->service, row->name, &owner, NULL);

	/* of another source there before: it has moved */
	if (error == 0 && !strcmp(owner.node, row->node) &&
	    strcmp(owner.source, row->source) != 0) {
		error = registry_withdraw_instance_at(a->r, row->zone,
		    row->service, row->name, row->node, a->reterr);
		if (error < 0)
			return error;
	}
	plain.mode = MODE_ACTIVE; /* an end of a drain is put by itself */
	error = registry_put_instance(a->r, &plain, a->reterr);
	if (error == 0) {
		error = registry_read_owner(a->r, row->zone, row->service,
		    row->name, &owner, a->reterr);
	}
	if (error == 0 && !strcmp(owner.node, row->node))
		error = put_rest(a, row);
	return error;
}

static int put_instance(struct apply *a, const char *rest, const char *text)
{
	struct instance_row row;
	struct record_name name;
	char service[RECORD_PART_MAX];
	int error = record_name_parse(rest, true, &name);

	*a->reterr->text = '\0';
	if (error == 0) {
		(void)snprintf(
		    service, sizeof(service), "%s/%s", name.zone, name.service);
		error = put_service(a, service);
	}
	if (error == 0) {
		error =
		    record_to_instance(text, a->arena, a->now_wall_ms, &row);
	}
	if (error == 0) {
		row.zone = name.zone;
		row.service = name.service;
		row.name = name.name;
		row.node = a->m->node;
		error = put_row(a, &row);
	}
	if (error == 0)
		json_set(a->m->rows, rest, json_true());
	return refuse(a, rest, error);
}

static int drop_instance(struct apply *a, const char *rest)
{
	struct record_name name;
	int error = record_name_parse(rest, true, &name);

	if (error == 0) {
		error = registry_withdraw_instance_at(a->r, name.zone,
		    name.service, name.name, a->m->node, a->reterr);
	}
	if (error == 0) {
		(void)json_object_del(a->m->rows, rest);
		/* who comes next has a health of his own */
		others_look_again(a->o, rest);
	}
	return refuse(a, rest, error);
}

static int drop_service(struct apply *a, const char *rest)
{
	struct record_name name;
	int error = record_name_parse(rest, false, &name);

	if (error == 0) {
		error = registry_withdraw_service_at(
		    a->r, name.zone, name.service, a->m->node, a->reterr);
	}
	if (error == 0)
		(void)json_object_del(a->m->service_rows, rest);
	return refuse(a, rest, error);
}

/* 1: it stays, for now. */
static int apply_key(struct apply *a, const char *key, bool services_go)
{
	const char *rest = key + 2;
	bool is_service = *key == 's';
	const char *text = json_string_value(
	    json_object_get(is_service ? a->m->service : a->m->instance, rest));

	if (text) {
		return is_service ? put_service(a, rest)
		                  : put_instance(a, rest, text);
	}
	if (!others_may_delete(a->m) || (is_service && !services_go))
		return 1;
	return is_service ? drop_service(a, rest) : drop_instance(a, rest);
}

/* A service goes after its instances. */
static int apply_member(
    struct apply *a, int64_t end_ms, int64_t (*clock_ms)(void), json_t *done)
{
	const char *key;
	json_t *v;
	int r = 0;

	*a->service = '\0';
	for (int pass = 0; pass < 2 && r >= 0; pass++) {
		json_object_foreach(a->m->dirty, key, v)
		{
			if (json_object_get(done, key))
				continue;
			arena_free(a->arena);
			a->arena = arena_new();
			r = apply_key(a, key, pass);
			if (r < 0)
				break;
			if (r == 0)
				json_set(done, key, json_true());
			if (clock_ms() >= end_ms)
				return 0;
		}
	}
	return r < 0 ? r : 0;
}

static void settle(struct member *m, json_t *done, bool committed)
{
	const char *key;
	json_t *v;

	if (!committed)
		return;
	json_object_foreach(done, key, v)
	{
		(void)json_object_del(m->dirty, key);
	}
}

static int apply_all(struct apply *a, int64_t (*clock_ms)(void), json_t **done)
{
	int64_t end_ms = clock_ms() + OTHERS_TURN_MS;
	int error = 0;
	unsigned k = 0;

	for (struct member *m = a->o->members; m && error == 0; m = m->next) {
		json_t *keys = json_must(json_object());

		json_array_append_new(*done, keys);
		k++;
		if (!others_has_work(m) || clock_ms() >= end_ms)
			continue;
		a->m = m;
		error = apply_member(a, end_ms, clock_ms, keys);
	}
	return error;
}

int others_apply(struct others *o, struct registry *r, int64_t now_wall_ms,
    int64_t (*clock_ms)(void), struct diag *reterr)
{
	struct apply a = { .o = o,
		.r = r,
		.now_wall_ms = now_wall_ms,
		.arena = arena_new(),
		.reterr = reterr };
	json_t *done = json_must(json_array());
	int error = registry_begin(r, 0, reterr);
	size_t k = 0;

	if (error == 0) {
		error = apply_all(&a, clock_ms, &done);
		if (error == 0)
			error = registry_commit(r, reterr);
		registry_rollback(r);
	}
	for (struct member *m = o->members; m; m = m->next, k++) {
		json_t *keys = json_array_get(done, k);

		if (keys)
			settle(m, keys, error == 0);
	}
	json_decref(done);
	arena_free(a.arena);
	return error;
}

/* ---- what is told ------------------------------------------------------ */

static const char *state_of(const struct member *m)
{
	static const char *const words[] = { [ALIVE] = "alive",
		[MISSING] = "gone",
		[HELD] = "held",
		[GONE] = "gone" };

	return m->dropped ? "dropped" : words[m->verdict];
}

static int put_member(struct member *m, struct registry *r, bool heard,
    int64_t now_wall_ms, struct diag *reterr)
{
	const char *state = state_of(m);
	struct member_row row = { .node = m->node,
		.state = state,
		.text = m->verdict == HELD
		            ? "gone with others at about the same time"
		            : "",
		.instance_n = (int)json_object_size(m->rows) };

	if (m->told != state)
		m->since_wall_ms = now_wall_ms;
	m->told = state;
	if (m->host && heard)
		m->heard_wall_ms = now_wall_ms;
	row.since_wall_ms = m->since_wall_ms;
	row.heard_wall_ms = m->heard_wall_ms;
	if (m->verdict == GONE && !row.instance_n &&
	    !json_object_size(m->dirty))
		return registry_withdraw_member(r, m->node, reterr);
	return registry_put_member(r, &row, reterr);
}

int others_put_members(struct others *o, struct registry *r, bool heard,
    int64_t now_wall_ms, struct diag *reterr)
{
	int error = 0;

	for (struct member *m = o->members; m && error == 0; m = m->next)
		error = put_member(m, r, heard, now_wall_ms, reterr);
	return error;
}
