// SPDX-License-Identifier: BSD-2-Clause
/*
 * Other hosts, and what operators want of their instances; the rules are in
 * migrations/0014-cluster.sql.
 */
#include "schema/member.h"
#include "schema/stmt.h"

#include <errno.h>

static int get(struct registry *r, enum stmt_id id, const char *const *texts,
    sqlite3_stmt **ret_st, struct diag *reterr)
{
	int error = registry_get_for_write(r, id, ret_st, reterr);

	for (int i = 0; error == 0 && texts[i]; i++)
		stmt_text(*ret_st, i + 1, texts[i]);
	return error;
}

static int run(struct registry *r, enum stmt_id id, const char *const *texts,
    struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = get(r, id, texts, &st, reterr);

	return error < 0 ? error : stmt_run(r, st, reterr);
}

int registry_put_member(
    struct registry *r, const struct member_row *row, struct diag *reterr)
{
	const char *const texts[] = { row->node, row->state, row->text, NULL };
	sqlite3_stmt *st = NULL;
	int error = get(r, STMT_PUT_MEMBER, texts, &st, reterr);

	if (error < 0)
		return error;
	stmt_int(st, 4, row->since_wall_ms);
	stmt_int(st, 5, row->heard_wall_ms);
	stmt_int(st, 6, row->lease);
	stmt_int(st, 7, row->instance_n);
	return stmt_run(r, st, reterr);
}

int registry_withdraw_member(
    struct registry *r, const char *node, struct diag *reterr)
{
	const char *const texts[] = { node, NULL };

	return run(r, STMT_WITHDRAW_MEMBER, texts, reterr);
}

int registry_read_members(
    struct registry *r, registry_member_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error = stmt_get(r, STMT_MEMBERS, &st, reterr);

	if (error < 0)
		return error;
	while ((more = stmt_step(r, st, reterr)) > 0) {
		const struct member_row row = {
			.node = stmt_column_text(st, 0),
			.state = stmt_column_text(st, 1),
			.text = stmt_column_text(st, 2),
			.since_wall_ms = sqlite3_column_int64(st, 3),
			.heard_wall_ms = sqlite3_column_int64(st, 4),
			.lease = sqlite3_column_int64(st, 5),
			.instance_n = sqlite3_column_int(st, 6),
		};

		if (!row.node || !row.state || !row.text) {
			return diag_set(
			    reterr, -EUCLEAN, "found a broken row of member");
		}
		fn(arg, &row);
	}
	return more;
}

int registry_withdraw_instance_at(struct registry *r, const char *zone,
    const char *service, const char *instance, const char *node,
    struct diag *reterr)
{
	const char *const texts[] = { zone, service, instance, node, NULL };

	return run(r, STMT_UNCLAIM_INSTANCE_AT, texts, reterr);
}

int registry_withdraw_service_at(struct registry *r, const char *zone,
    const char *name, const char *node, struct diag *reterr)
{
	const char *const texts[] = { zone, name, node, NULL };

	return run(r, STMT_UNCLAIM_SERVICE_AT, texts, reterr);
}

int registry_read_own_service(struct registry *r, const char *zone,
    const char *name, registry_service_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	struct service_row row;
	int more, error = stmt_get(r, STMT_OWN_SERVICE, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, zone);
	stmt_text(st, 2, name);
	if ((more = stmt_step(r, st, reterr)) < 0)
		return more;
	if (!more) {
		return diag_set(
		    reterr, -ENOENT, "this host says nothing of '%s'", name);
	}
	if ((error = stmt_get_service(st, &row, reterr)) == 0)
		fn(arg, &row);
	return error;
}

int registry_read_wishes(
    struct registry *r, registry_wish_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error = stmt_get(r, STMT_WISHES, &st, reterr);

	if (error < 0)
		return error;
	while ((more = stmt_step(r, st, reterr)) > 0) {
		fn(arg, stmt_column_text(st, 0), stmt_column_text(st, 1),
		    stmt_column_text(st, 2), sqlite3_column_int64(st, 3));
	}
	return more;
}

int registry_has_wish(struct registry *r, const char *zone, const char *service,
    const char *instance, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int error = stmt_get(r, STMT_HAS_WISH, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	return stmt_step(r, st, reterr);
}

int registry_withdraw_wish(struct registry *r, const char *zone,
    const char *service, const char *instance, int64_t at_wall_ms,
    struct diag *reterr)
{
	const char *const texts[] = { zone, service, instance, NULL };
	sqlite3_stmt *st = NULL;
	int error = get(r, STMT_WITHDRAW_WISH, texts, &st, reterr);

	if (error < 0)
		return error;
	stmt_int(st, 4, at_wall_ms);
	return stmt_run(r, st, reterr);
}
