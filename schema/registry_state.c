// SPDX-License-Identifier: BSD-2-Clause
/*
 * Questions about states, which read less than whole rows.
 */
#include "schema/registry.h"
#include "schema/stmt.h"

#include <errno.h>

int registry_has_eligible(struct registry *r, const char *zone,
    const char *service, int64_t now_wall_ms, bool *ret_any,
    struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int error = stmt_get(r, STMT_HAS_ELIGIBLE, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, zone);
	stmt_text(st, 2, service);
	stmt_int(st, 3, now_wall_ms);
	if ((error = stmt_step(r, st, reterr)) < 0)
		return error;
	*ret_any = sqlite3_column_int(st, 0) != 0;
	return 0;
}

int registry_tally(struct registry *r, const char *zone, const char *service,
    int64_t now_wall_ms, struct service_tally *ret_tally, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int error = stmt_get(r, STMT_TALLY, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, zone);
	stmt_text(st, 2, service);
	stmt_int(st, 3, now_wall_ms);
	if ((error = stmt_step(r, st, reterr)) < 0)
		return error;
	*ret_tally = (struct service_tally){
		.n = (unsigned)sqlite3_column_int(st, 0),
		.passing = (unsigned)sqlite3_column_int(st, 1),
		.warning = (unsigned)sqlite3_column_int(st, 2),
		.starting = (unsigned)sqlite3_column_int(st, 3),
	};
	return 0;
}

int registry_read_state(struct registry *r, const char *zone,
    const char *service, const char *instance, int64_t now_wall_ms,
    struct instance_state *ret_state, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	struct instance_state state;
	int more, error = stmt_get(r, STMT_STATE, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, zone);
	stmt_text(st, 2, service);
	stmt_text(st, 3, instance);
	stmt_int(st, 4, now_wall_ms);
	if ((more = stmt_step(r, st, reterr)) < 0)
		return more;
	if (!more) {
		return diag_set(
		    reterr, -ENOENT, "no instance '%s/%s'", service, instance);
	}
	if (health_parse(stmt_column_text(st, 0), &state.health) < 0 ||
	    mode_parse(stmt_column_text(st, 1), &state.mode) < 0) {
		return diag_set(reterr, -EUCLEAN,
		    "'%s/%s' has no state that is known", service, instance);
	}
	state.expired = sqlite3_column_int(st, 2) != 0;
	*ret_state = state;
	return 0;
}

int registry_read_names(
    struct registry *r, registry_name_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error = stmt_get(r, STMT_NAMES, &st, reterr);

	if (error < 0)
		return error;
	while ((more = stmt_step(r, st, reterr)) > 0)
		fn(arg, stmt_column_text(st, 0), stmt_column_text(st, 1));
	return more;
}
