// SPDX-License-Identifier: BSD-2-Clause
#include "schema/mesh.h"
#include "schema/stmt.h"

#include <errno.h>

int registry_put_mesh_certificate(struct registry *r,
    const struct mesh_certificate_row *row, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int i = 0;
	int error =
	    registry_get_for_write(r, STMT_PUT_MESH_CERTIFICATE, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, ++i, row->serial);
	stmt_text(st, ++i, row->zone);
	stmt_text(st, ++i, row->service);
	stmt_text(st, ++i, row->instance);
	stmt_text(st, ++i, row->asked_by);
	sqlite3_bind_int64(st, ++i, row->issued_wall_ms);
	sqlite3_bind_int64(st, ++i, row->until_wall_ms);
	return stmt_run(r, st, reterr);
}

int registry_read_mesh_certificates(struct registry *r, unsigned limit,
    registry_mesh_certificate_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error = stmt_get(r, STMT_MESH_CERTIFICATES, &st, reterr);

	if (error < 0)
		return error;
	sqlite3_bind_int64(st, 1, limit);
	while ((more = stmt_step(r, st, reterr)) > 0) {
		const struct mesh_certificate_row row = {
			.serial = stmt_column_text(st, 0),
			.zone = stmt_column_text(st, 1),
			.service = stmt_column_text(st, 2),
			.instance = stmt_column_text(st, 3),
			.asked_by = stmt_column_text(st, 4),
			.issued_wall_ms = sqlite3_column_int64(st, 5),
			.until_wall_ms = sqlite3_column_int64(st, 6),
		};

		if (row.serial && row.zone && row.service && row.instance &&
		    row.asked_by)
			fn(arg, &row);
	}
	return more;
}

int registry_prune_mesh_certificates(struct registry *r, int64_t before_wall_ms,
    unsigned limit, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(
	    r, STMT_PRUNE_MESH_CERTIFICATES, &st, reterr);

	if (error < 0)
		return error;
	sqlite3_bind_int64(st, 1, before_wall_ms);
	sqlite3_bind_int64(st, 2, limit);
	return stmt_run(r, st, reterr);
}

int registry_put_mesh_revoked(struct registry *r, const char *zone,
    const char *service, const char *who, const char *reason,
    int64_t now_wall_ms, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error =
	    registry_get_for_write(r, STMT_PUT_MESH_REVOKED, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, zone);
	stmt_text(st, 2, service);
	stmt_text(st, 3, who);
	stmt_text(st, 4, reason);
	sqlite3_bind_int64(st, 5, now_wall_ms);
	return stmt_run(r, st, reterr);
}

int registry_withdraw_mesh_revoked(struct registry *r, const char *zone,
    const char *service, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error =
	    registry_get_for_write(r, STMT_WITHDRAW_MESH_REVOKED, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, zone);
	stmt_text(st, 2, service);
	error = stmt_run(r, st, reterr);
	if (error == 0 && sqlite3_changes(r->db) == 0) {
		return diag_set(reterr, -ENOENT,
		    "service '%s' of zone '%s' is not revoked", service, zone);
	}
	return error;
}

int registry_is_mesh_revoked(struct registry *r, const char *zone,
    const char *service, bool *ret_is, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error = stmt_get(r, STMT_MESH_REVOKED, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, zone);
	stmt_text(st, 2, service);
	if ((more = stmt_step(r, st, reterr)) < 0)
		return more;
	*ret_is = more;
	return 0;
}
