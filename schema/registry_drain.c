// SPDX-License-Identifier: BSD-2-Clause
/*
 * What operators set, and how far a drain has come. A drain is known by the
 * time of its end: one that was resumed and begun anew is another one, and
 * whoever was at work on the first must not say anything of the second.
 */
#include "schema/registry.h"
#include "schema/stmt.h"

#include <errno.h>

#define TEXT_MAX 1024 /* instance.drain_text */

int stmt_column_drain(
    sqlite3_stmt *st, int i, struct drain_row *ret_d, struct diag *reterr)
{
	const char *step = stmt_column_text(st, i);
	struct drain_row d = {
		.until_wall_ms = sqlite3_column_int64(st, i + 1),
		.deadline_wall_ms = sqlite3_column_int64(st, i + 2),
		.text = stmt_column_text(st, i + 3),
	};

	if (!step || drain_step_parse(step, &d.step) < 0) {
		return diag_set(reterr, -EUCLEAN,
		    "found an instance with no step of a drain that is known");
	}
	*ret_d = d;
	return 0;
}

int registry_read_modes(
    struct registry *r, registry_mode_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error = stmt_get(r, STMT_MODES, &st, reterr);

	if (error < 0)
		return error;
	while ((more = stmt_step(r, st, reterr)) > 0) {
		struct drain_row drain;
		enum mode m;

		if (mode_parse(stmt_column_text(st, 7), &m) < 0) {
			return diag_set(reterr, -EUCLEAN,
			    "an instance has no mode that is known");
		}
		if ((error = stmt_column_drain(st, 3, &drain, reterr)) < 0)
			return error;
		fn(arg, stmt_column_text(st, 0), stmt_column_text(st, 1),
		    stmt_column_text(st, 2), m, &drain);
	}
	return more;
}

int registry_read_drains(struct registry *r, const char *source,
    registry_drain_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error = stmt_get(r, STMT_DRAINS, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, source);
	while ((more = stmt_step(r, st, reterr)) > 0) {
		struct drain_row drain;

		if ((error = stmt_column_drain(st, 3, &drain, reterr)) < 0)
			return error;
		fn(arg, stmt_column_text(st, 0), stmt_column_text(st, 1),
		    stmt_column_text(st, 2), &drain);
	}
	return more;
}

int registry_read_heartbeat(struct registry *r, const char *registrar,
    int64_t *ret_wall_ms, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int found, error = stmt_get(r, STMT_HEARTBEAT, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, registrar);
	if ((found = stmt_step(r, st, reterr)) < 0)
		return found;
	if (!found) {
		return diag_set(
		    reterr, -ENOENT, "no registrar '%s'", registrar);
	}
	*ret_wall_ms = sqlite3_column_int64(st, 0);
	return 0;
}

int registry_put_drain(struct registry *r, const char *zone,
    const char *service, const char *instance, const struct drain_row *d,
    int64_t now_wall_ms, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_DRAIN, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	stmt_text(st, 4, drain_step_name(d->step));
	stmt_int(st, 5, d->until_wall_ms);
	stmt_int(st, 6, d->deadline_wall_ms);
	stmt_text_cut(st, 7, d->text, TEXT_MAX);
	stmt_int(st, 8, now_wall_ms);
	return registry_run_update(r, st, zone, service, instance, reterr);
}

int registry_step_drain(struct registry *r, const char *zone,
    const char *service, const char *instance, const struct drain_row *d,
    struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_STEP_DRAIN, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	stmt_text(st, 4, drain_step_name(d->step));
	stmt_int(st, 5, d->until_wall_ms);
	stmt_text_cut(st, 6, d->text, TEXT_MAX);
	if ((error = stmt_run(r, st, reterr)) < 0)
		return error;
	if (sqlite3_changes(r->db) > 0)
		return 0;
	return diag_set(reterr, -ENOENT,
	    "no such drain of instance '%s' of service '%s' in zone '%s'",
	    instance, service, zone);
}
