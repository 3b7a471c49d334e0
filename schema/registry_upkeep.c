// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a registrar writes about itself, and what keeps the file small.
 */
#include "schema/fault.h"
#include "schema/registrar_end.h"
#include "schema/registry.h"
#include "schema/stmt.h"

#include <errno.h>

/* octets; the rules of the columns count characters */
#define REGISTRAR_ERROR_MAX 1024
#define REFUSED_MESSAGE_MAX 4096

int registry_put_registrar(
    struct registry *r, const struct registrar_row *row, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_REGISTRAR, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, row->name);
	stmt_int(st, 2, row->pid);
	stmt_text(st, 3, row->version);
	stmt_int(st, 4, row->heartbeat_wall_ms);
	stmt_text_cut(st, 5, row->last_error, REGISTRAR_ERROR_MAX);
	stmt_int(st, 6, row->last_error_wall_ms);
	return stmt_run(r, st, reterr);
}

int registry_end_registrar(
    struct registry *r, const char *name, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_END_REGISTRAR, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, name);
	return stmt_run(r, st, reterr);
}

int registry_read_registrars(struct registry *r, registry_registrar_fn fn,
    void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error = stmt_get(r, STMT_REGISTRARS, &st, reterr);

	if (error < 0)
		return error;
	while ((more = stmt_step(r, st, reterr)) > 0) {
		const struct registrar_row row = {
			.name = stmt_column_text(st, 0),
			.pid = sqlite3_column_int(st, 1),
			.version = stmt_column_text(st, 2),
			.started_wall_ms = sqlite3_column_int64(st, 3),
			.heartbeat_wall_ms = sqlite3_column_int64(st, 4),
			.last_error = stmt_column_text(st, 5),
			.last_error_wall_ms = sqlite3_column_int64(st, 6),
		};

		if (row.name && row.version && row.last_error)
			fn(arg, &row);
	}
	return more;
}

/* ---- definitions ------------------------------------------------------ */

int registry_put_refused(
    struct registry *r, const struct refused_row *row, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_REFUSED, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, row->source);
	stmt_text(st, 2, row->file);
	stmt_text_cut(st, 3, row->message, REFUSED_MESSAGE_MAX);
	stmt_text(st, 4, row->services);
	stmt_int(st, 5, row->since_wall_ms);
	return stmt_run(r, st, reterr);
}

int registry_withdraw_refused(struct registry *r, const char *source,
    const char *file, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(
	    r, file ? STMT_WITHDRAW_REFUSED : STMT_CLEAR_REFUSED, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, source);
	if (file)
		stmt_text(st, 2, file);
	return stmt_run(r, st, reterr);
}

int registry_read_refused(
    struct registry *r, registry_refused_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error = stmt_get(r, STMT_REFUSED, &st, reterr);

	if (error < 0)
		return error;
	while ((more = stmt_step(r, st, reterr)) > 0) {
		const struct refused_row row = {
			.source = stmt_column_text(st, 0),
			.file = stmt_column_text(st, 1),
			.message = stmt_column_text(st, 2),
			.services = stmt_column_text(st, 3),
			.since_wall_ms = sqlite3_column_int64(st, 4),
		};

		if (row.source && row.file && row.message && row.services)
			fn(arg, &row);
	}
	return more;
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

/* RETURNING gives rows only after all of them are deleted. */
int registry_prune_expired(struct registry *r, const char *source,
    int64_t before_wall_ms, unsigned limit, unsigned *ret_n,
    struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	sqlite3_stmt *empty = NULL;
	int error = registry_get_for_write(r, STMT_PRUNE_EXPIRED, &st, reterr);
	unsigned n = 0;
	int more;

	if (error < 0 || (error = registry_get_for_write(
	                      r, STMT_PRUNE_EMPTY, &empty, reterr)) < 0)
		return error;
	stmt_text(st, 1, source);
	stmt_int(st, 2, before_wall_ms);
	stmt_int(st, 3, limit);
	while ((more = stmt_step(r, st, reterr)) > 0) {
		stmt_text(empty, 1, source);
		stmt_text(empty, 2, stmt_column_text(st, 0));
		stmt_text(empty, 3, stmt_column_text(st, 1));
		if ((error = stmt_run(r, empty, reterr)) < 0)
			return error;
		n++;
	}
	if (more == 0)
		*ret_n = n;
	return more;
}

int registry_checkpoint(struct registry *r, struct diag *reterr)
{
	fault_enter();
	int rc = sqlite3_wal_checkpoint_v2(
	    r->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	fault_leave();

	return rc == SQLITE_OK ? 0 : stmt_error(r->db, rc, reterr);
}
