// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a registrar writes about itself, and what keeps the file small.
 */
#include "schema/fault.h"
#include "schema/registry.h"
#include "schema/stmt.h"

#include <errno.h>

int registry_put_registrar(struct registry *r, const char *name, int pid,
    const char *version, int64_t now_wall_ms, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_REGISTRAR, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, name);
	stmt_int(st, 2, pid);
	stmt_text(st, 3, version);
	stmt_int(st, 4, now_wall_ms);
	return stmt_run(r, st, reterr);
}

int registry_put_definition(struct registry *r, const char *source,
    const char *file, const char *text, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_DEFINITION, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, source);
	stmt_text(st, 2, file);
	stmt_text(st, 3, text);
	return stmt_run(r, st, reterr);
}

int registry_withdraw_definition(struct registry *r, const char *source,
    const char *file, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error =
	    registry_get_for_write(r, STMT_WITHDRAW_DEFINITION, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, source);
	stmt_text(st, 2, file);
	if ((error = stmt_run(r, st, reterr)) < 0)
		return error;
	if (sqlite3_changes(r->db) > 0)
		return 0;
	return diag_set(
	    reterr, -ENOENT, "no definition '%s' of '%s'", file, source);
}

/* ---- upkeep ----------------------------------------------------------- */

int registry_prune_history(struct registry *r, int64_t now_wall_ms,
    int64_t keep_ms, unsigned limit, unsigned *ret_n, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PRUNE_HISTORY, &st, reterr);

	if (error < 0)
		return error;
	stmt_int(st, 1, now_wall_ms - keep_ms);
	stmt_int(st, 2, limit);
	if ((error = stmt_run(r, st, reterr)) < 0)
		return error;
	*ret_n = (unsigned)sqlite3_changes(r->db);
	return 0;
}

int registry_checkpoint(struct registry *r, struct diag *reterr)
{
	fault_enter();
	int rc = sqlite3_wal_checkpoint_v2(
	    r->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	fault_leave();

	return rc == SQLITE_OK ? 0 : stmt_error(r->db, rc, reterr);
}
