// SPDX-License-Identifier: BSD-2-Clause
#include "schema/stmt.h"
#include "schema/token.h"

#include <errno.h>
#include <sqlite3.h>

int registry_put_token(
    struct registry *r, const struct token_row *row, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_ACCESS, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, row->id);
	stmt_text(st, 2, row->hash);
	stmt_text(st, 3, row->rules);
	stmt_text(st, 4, row->note);
	stmt_int(st, 5, row->created_wall_ms);
	stmt_int(st, 6, row->expires_wall_ms);
	return stmt_run(r, st, reterr);
}

int registry_withdraw_token(
    struct registry *r, const char *id, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error =
	    registry_get_for_write(r, STMT_WITHDRAW_ACCESS, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, id);
	error = stmt_run(r, st, reterr);
	if (error == 0 && sqlite3_changes(r->db) == 0)
		return diag_set(reterr, -ENOENT, "there is no token '%s'", id);
	return error;
}

static struct token_row row_of(sqlite3_stmt *st)
{
	return (struct token_row){ .id = stmt_column_text(st, 0),
		.hash = stmt_column_text(st, 1),
		.rules = stmt_column_text(st, 2),
		.note = stmt_column_text(st, 3),
		.created_wall_ms = sqlite3_column_int64(st, 4),
		.expires_wall_ms = sqlite3_column_int64(st, 5) };
}

static bool is_whole(const struct token_row *row)
{
	return row->id && row->hash && row->rules && row->note;
}

int registry_read_token(struct registry *r, const char *id,
    registry_token_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more = stmt_get(r, STMT_ACCESS, &st, reterr);

	if (more < 0)
		return more;
	stmt_text(st, 1, id);
	more = stmt_step(r, st, reterr);
	if (more < 0)
		return more;
	if (!more)
		return diag_set(reterr, -ENOENT, "there is no token '%s'", id);
	const struct token_row row = row_of(st);

	if (is_whole(&row))
		fn(arg, &row);
	return 0;
}

int registry_read_tokens(
    struct registry *r, registry_token_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more = stmt_get(r, STMT_ACCESSES, &st, reterr);

	if (more < 0)
		return more;
	while ((more = stmt_step(r, st, reterr)) > 0) {
		const struct token_row row = row_of(st);

		if (is_whole(&row))
			fn(arg, &row);
	}
	return more;
}
