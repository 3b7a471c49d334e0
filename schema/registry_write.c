// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writing. SQLite may roll a transaction back by itself (disk full, I/O
 * error); what follows would then be committed row by row. So each write
 * first makes sure that the transaction it belongs to is still there.
 */
#include "schema/owner.h"
#include "schema/stmt.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define REASON_MAX 1024 /* instance.reason */
#define OUTPUT_MAX 4096 /* check_result.output */

/* ---- transactions ----------------------------------------------------- */

int registry_begin(struct registry *r, int busy_ms, struct diag *reterr)
{
	assert(r->txn == TXN_NONE);
	sqlite3_busy_timeout(r->db, busy_ms);
	int error = stmt_exec(r, STMT_BEGIN_WRITE, reterr);
	sqlite3_busy_timeout(r->db, r->busy_ms);
	if (error < 0)
		return error;
	r->txn = TXN_WRITE;
	/* a newer program may have migrated it a moment ago */
	if ((error = registry_check_version(r, reterr)) < 0)
		registry_rollback(r);
	return error;
}

/* The transaction is SQLite's to lose, but ours to end. */
static int check_txn(struct registry *r, struct diag *reterr)
{
	if (r->txn == TXN_WRITE && sqlite3_get_autocommit(r->db)) {
		return diag_set(reterr, -EIO,
		    "the transaction was rolled back by an earlier error");
	}
	return 0;
}

int registry_commit(struct registry *r, struct diag *reterr)
{
	assert(r->txn == TXN_WRITE);
	int error = check_txn(r, reterr);

	if (error == 0)
		error = stmt_exec(r, STMT_COMMIT, reterr);
	if (error == 0) {
		r->txn = TXN_NONE;
	} else {
		registry_rollback(r);
	}
	return error;
}

void registry_rollback(struct registry *r)
{
	if (r->txn != TXN_WRITE)
		return;
	r->txn = TXN_NONE;
	if (!sqlite3_get_autocommit(r->db))
		(void)stmt_exec(r, STMT_ROLLBACK, NULL);
}

int registry_get_for_write(struct registry *r, enum stmt_id id,
    sqlite3_stmt **ret_st, struct diag *reterr)
{
	int error = check_txn(r, reterr);

	if (error == 0 && r->txn != TXN_WRITE)
		error = registry_check_version(r, reterr);
	return error < 0 ? error : stmt_get(r, id, ret_st, reterr);
}

/* ---- services and instances ------------------------------------------- */

static int run_service(struct registry *r, enum stmt_id id,
    const struct service_row *row, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int i = 0;
	int error = registry_get_for_write(r, id, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, ++i, row->zone);
	stmt_text(st, ++i, row->name);
	stmt_text(st, ++i, row->protocol);
	stmt_int_or_default(st, ++i, row->port);
	stmt_int_or_default(st, ++i, row->ttl_s);
	stmt_int_or_default(st, ++i, row->max_answers);
	stmt_text(st, ++i, on_empty_name(row->on_empty));
	stmt_text(st, ++i, row->tags);
	stmt_text(st, ++i, row->meta);
	stmt_text(st, ++i, row->source);
	stmt_text(st, ++i, row->definition);
	stmt_text(st, ++i, row->node);
	stmt_text(st, ++i, row->port_name);
	stmt_text(st, ++i, row->ports);
	stmt_text(st, ++i, row->mesh);
	return stmt_run(r, st, reterr);
}

static bool is_of(
    const struct row_owner *o, const char *node, const char *source)
{
	return !strcmp(o->node, node ? node : "") && !strcmp(o->source, source);
}

int registry_put_service(
    struct registry *r, const struct service_row *row, struct diag *reterr)
{
	struct row_owner owner;
	int error = run_service(r, STMT_PUT_SERVICE, row, reterr);

	if (error < 0 || sqlite3_changes(r->db) > 0)
		return error;
	/* equal, or of another owner */
	error =
	    registry_read_owner(r, row->zone, row->name, NULL, &owner, reterr);
	if (error < 0 || is_of(&owner, row->node, row->source))
		return error;
	return run_service(r, STMT_CLAIM_SERVICE, row, reterr);
}

int registry_put_service_also(
    struct registry *r, const struct service_row *row, struct diag *reterr)
{
	return run_service(r, STMT_ALSO_SERVICE, row, reterr);
}

int registry_clear_service_also(
    struct registry *r, const struct service_row *row, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_CLEAR_ALSO, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, row->zone);
	stmt_text(st, 2, row->name);
	stmt_text(st, 3, row->source);
	stmt_text(st, 4, row->definition);
	return stmt_run(r, st, reterr);
}

/* From parameter i + 1 on; returns the last. */
static int bind_instance(
    sqlite3_stmt *st, int i, const struct instance_row *row)
{
	stmt_text(st, ++i, row->zone);
	stmt_text(st, ++i, row->service);
	stmt_text(st, ++i, row->name);
	stmt_text(st, ++i, row->address);
	stmt_text(st, ++i, row->address6);
	stmt_int_or_default(st, ++i, row->port);
	stmt_int(st, ++i, row->priority);
	stmt_int(st, ++i, row->weight);
	stmt_int_or_default(st, ++i, row->weight_warning);
	stmt_text(st, ++i, health_name(row->health));
	stmt_text(st, ++i, mode_name(row->mode));
	stmt_int(st, ++i, row->lease_until_wall_ms);
	stmt_text(st, ++i, row->tags);
	stmt_text(st, ++i, row->meta);
	stmt_text(st, ++i, row->locality);
	stmt_text(st, ++i, row->source);
	stmt_text(st, ++i, row->definition);
	stmt_int(st, ++i, row->since_wall_ms);
	stmt_text_cut(st, ++i, row->reason, REASON_MAX);
	stmt_text(st, ++i, row->node);
	stmt_text(st, ++i, row->ports);
	return i;
}

/* The row that is there was left as it is: say what its owner does not. */
static int claim_unless_owned(
    struct registry *r, const struct instance_row *row, struct diag *reterr)
{
	struct row_owner owner;
	sqlite3_stmt *st = NULL;
	int error = registry_read_owner(
	    r, row->zone, row->service, row->name, &owner, reterr);

	if (error < 0 || is_of(&owner, row->node, row->source))
		return error;
	if (r->on_others == OTHERS_REFUSE) {
		return diag_set(reterr, -EINVAL,
		    "instance '%s/%s' belongs to '%s%s%s', expected "
		    "--take-over to take it over",
		    row->service, row->name, owner.source,
		    *owner.node ? " of " : "", owner.node);
	}
	if (r->on_others == OTHERS_TAKE) {
		error = registry_take_over(r, row->zone, row->service,
		    row->name, row->source, r->who, row->since_wall_ms, reterr);
		return error < 0 ? error
		                 : registry_put_instance(r, row, reterr);
	}
	error = registry_get_for_write(r, STMT_CLAIM_INSTANCE, &st, reterr);
	if (error < 0)
		return error;
	(void)bind_instance(st, 0, row);
	return stmt_run(r, st, reterr);
}

int registry_put_instance(
    struct registry *r, const struct instance_row *row, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_INSTANCE, &st, reterr);

	if (error < 0)
		return error;
	(void)bind_instance(st, 0, row);
	error = stmt_run(r, st, reterr);
	if (error < 0 || sqlite3_changes(r->db) > 0)
		return error;
	return claim_unless_owned(r, row, reterr);
}

static int put_batch(
    struct registry *r, const struct instance_row *rows, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_INSTANCES, &st, reterr);

	if (error < 0)
		return error;
	for (int k = 0, i = 0; k < STMT_BATCH; k++)
		i = bind_instance(st, i, &rows[k]);
	error = stmt_run(r, st, reterr);
	if (error < 0 || sqlite3_changes(r->db) == STMT_BATCH)
		return error;
	for (int k = 0; k < STMT_BATCH && error == 0; k++)
		error = claim_unless_owned(r, &rows[k], reterr);
	return error;
}

int registry_put_instances(struct registry *r, const struct instance_row *rows,
    unsigned n, unsigned *ret_done, struct diag *reterr)
{
	unsigned done = 0;
	int error = 0;

	for (; n - done >= STMT_BATCH; done += STMT_BATCH) {
		/* refused as a whole: one by one it shows which */
		if ((error = put_batch(r, rows + done, NULL)) < 0)
			break;
	}
	for (; done < n; done++) {
		error = registry_put_instance(r, rows + done, reterr);
		if (error < 0)
			break;
	}
	*ret_done = done;
	return error;
}

void registry_bind_instance(sqlite3_stmt *st, const char *zone,
    const char *service, const char *instance)
{
	stmt_text(st, 1, zone);
	stmt_text(st, 2, service);
	stmt_text(st, 3, instance);
}

static int no_instance(const char *zone, const char *service,
    const char *instance, struct diag *reterr)
{
	return diag_set(reterr, -ENOENT,
	    "no instance '%s' of service '%s' in zone '%s'", instance, service,
	    zone);
}

int registry_find_instance(struct registry *r, const char *zone,
    const char *service, const char *instance, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int error = stmt_get(r, STMT_INSTANCE_EXISTS, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	int found = stmt_step(r, st, reterr);
	if (found == 0)
		return no_instance(zone, service, instance, reterr);
	return found < 0 ? found : 0;
}

int registry_run_update(struct registry *r, sqlite3_stmt *st, const char *zone,
    const char *service, const char *instance, struct diag *reterr)
{
	int error = stmt_run(r, st, reterr);

	if (error < 0)
		return error;
	if (sqlite3_changes(r->db) > 0)
		return 0;
	return registry_find_instance(r, zone, service, instance, reterr);
}

int registry_put_health(struct registry *r, const char *zone,
    const char *service, const char *instance, enum health h,
    const char *reason, int64_t now_wall_ms, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_HEALTH, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	stmt_text(st, 4, health_name(h));
	stmt_text_cut(st, 5, reason, REASON_MAX);
	stmt_int(st, 6, now_wall_ms);
	return registry_run_update(r, st, zone, service, instance, reterr);
}

int registry_put_mode(struct registry *r, const char *zone, const char *service,
    const char *instance, enum mode m, int64_t now_wall_ms, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_MODE, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	stmt_text(st, 4, mode_name(m));
	stmt_int(st, 5, now_wall_ms);
	return registry_run_update(r, st, zone, service, instance, reterr);
}

int registry_put_weight(struct registry *r, const char *zone,
    const char *service, const char *instance, int weight, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_WEIGHT, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	stmt_int_or_default(st, 4, weight);
	return registry_run_update(r, st, zone, service, instance, reterr);
}

int registry_put_lease(struct registry *r, const char *zone,
    const char *service, const char *instance, int64_t until_wall_ms,
    struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_LEASE, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	stmt_int(st, 4, until_wall_ms);
	return registry_run_update(r, st, zone, service, instance, reterr);
}

int registry_put_ramp(struct registry *r, const char *zone, const char *service,
    const char *instance, int percent, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_RAMP, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	stmt_int(st, 4, percent);
	return registry_run_update(r, st, zone, service, instance, reterr);
}

int registry_put_damping(struct registry *r, const char *zone,
    const char *service, const char *instance, const struct damping_row *d,
    struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_DAMPING, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	stmt_int(st, 4, d->penalty);
	stmt_int(st, 5, d->at_wall_ms);
	stmt_int(st, 6, d->until_wall_ms);
	return registry_run_update(r, st, zone, service, instance, reterr);
}

int registry_put_note(struct registry *r, const char *zone, const char *service,
    const char *instance, const char *source, const char *reason,
    int64_t now_wall_ms, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_NOTE, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	stmt_text(st, 4, source);
	stmt_text_cut(st, 5, reason, REASON_MAX);
	stmt_int(st, 6, now_wall_ms);
	if ((error = stmt_run(r, st, reterr)) < 0)
		return error;
	if (sqlite3_changes(r->db) > 0)
		return 0;
	return no_instance(zone, service, instance, reterr);
}

int registry_withdraw_service(
    struct registry *r, const char *zone, const char *name, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error =
	    registry_get_for_write(r, STMT_WITHDRAW_SERVICE, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, zone);
	stmt_text(st, 2, name);
	if ((error = stmt_run(r, st, reterr)) < 0)
		return error;
	if (sqlite3_changes(r->db) > 0)
		return 0;
	return diag_set(
	    reterr, -ENOENT, "no service '%s' in zone '%s'", name, zone);
}

int registry_withdraw_instance(struct registry *r, const char *zone,
    const char *service, const char *instance, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error =
	    registry_get_for_write(r, STMT_WITHDRAW_INSTANCE, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	if ((error = stmt_run(r, st, reterr)) < 0)
		return error;
	if (sqlite3_changes(r->db) > 0)
		return 0;
	return no_instance(zone, service, instance, reterr);
}

/* ---- checks ----------------------------------------------------------- */

int registry_put_check(
    struct registry *r, const struct check_row *row, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_CHECK, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, row->zone, row->service, row->instance);
	stmt_text(st, 4, row->name);
	stmt_text(st, 5, row->kind);
	stmt_text(st, 6, health_name(row->status));
	stmt_text_cut(st, 7, row->output, OUTPUT_MAX);
	stmt_int(st, 8, row->since_wall_ms);
	stmt_int(st, 9, row->checked_wall_ms);
	return stmt_run(r, st, reterr);
}

int registry_withdraw_check(struct registry *r, const char *zone,
    const char *service, const char *instance, const char *name,
    struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_WITHDRAW_CHECK, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	stmt_text(st, 4, name);
	if ((error = stmt_run(r, st, reterr)) < 0)
		return error;
	if (sqlite3_changes(r->db) > 0)
		return 0;
	return diag_set(reterr, -ENOENT,
	    "no check '%s' of instance '%s' of service '%s' in zone '%s'", name,
	    instance, service, zone);
}
