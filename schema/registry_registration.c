// SPDX-License-Identifier: BSD-2-Clause
#include "schema/registration.h"
#include "schema/stmt.h"

#include <errno.h>
#include <sqlite3.h>

int registry_put_registration(
    struct registry *r, const struct registration_row *row, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error =
	    registry_get_for_write(r, STMT_PUT_REGISTRATION, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, row->zone);
	stmt_text(st, 2, row->service);
	stmt_text(st, 3, row->instance);
	stmt_text(st, 4, row->source);
	stmt_text(st, 5, row->text);
	stmt_int(st, 6, row->updated_wall_ms);
	return stmt_run(r, st, reterr);
}

int registry_read_registrations(struct registry *r, int64_t since,
    unsigned limit, registry_registration_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more = stmt_get(r, STMT_REGISTRATIONS, &st, reterr);

	if (more < 0)
		return more;
	stmt_int(st, 1, since);
	stmt_int(st, 2, limit);
	while ((more = stmt_step(r, st, reterr)) > 0) {
		const struct registration_row row = {
			.number = sqlite3_column_int64(st, 0),
			.zone = stmt_column_text(st, 1),
			.service = stmt_column_text(st, 2),
			.instance = stmt_column_text(st, 3),
			.source = stmt_column_text(st, 4),
			.text = stmt_column_text(st, 5),
			.updated_wall_ms = sqlite3_column_int64(st, 6)
		};

		if (row.zone && row.service && row.instance && row.source)
			fn(arg, &row);
	}
	return more;
}

int registry_prune_registrations(struct registry *r, int64_t before_wall_ms,
    unsigned limit, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error =
	    registry_get_for_write(r, STMT_PRUNE_REGISTRATIONS, &st, reterr);

	if (error < 0)
		return error;
	stmt_int(st, 1, before_wall_ms);
	stmt_int(st, 2, limit);
	return stmt_run(r, st, reterr);
}

int registry_read_ended(struct registry *r, int64_t after_wall_ms,
    int64_t until_wall_ms, unsigned limit, registry_ended_fn fn, void *arg,
    struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more = stmt_get(r, STMT_ENDED_LEASES, &st, reterr);

	if (more < 0)
		return more;
	stmt_int(st, 1, after_wall_ms);
	stmt_int(st, 2, until_wall_ms);
	stmt_int(st, 3, limit);
	while ((more = stmt_step(r, st, reterr)) > 0) {
		const char *zone = stmt_column_text(st, 0);
		const char *service = stmt_column_text(st, 1);
		const char *instance = stmt_column_text(st, 2);

		if (zone && service && instance)
			fn(arg, zone, service, instance);
	}
	return more;
}
