// SPDX-License-Identifier: BSD-2-Clause
/*
 * Whose a row is, and what becomes of it when that changes. The rules are
 * triggers: migrations/0008-owners.sql.
 */
#include "schema/owner.h"
#include "schema/stmt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void copy_text(char out[static OWNER_MAX], sqlite3_stmt *st, int column)
{
	const char *text = stmt_column_text(st, column);

	(void)snprintf(out, OWNER_MAX, "%s", text ? text : "");
}

int registry_read_owner(struct registry *r, const char *zone,
    const char *service, const char *instance, struct row_owner *ret_owner,
    struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error;

	error = stmt_get(r,
	    instance ? STMT_OWNER_OF_INSTANCE : STMT_OWNER_OF_SERVICE, &st,
	    reterr);
	if (error < 0)
		return error;
	stmt_text(st, 1, zone);
	stmt_text(st, 2, service);
	if (instance)
		stmt_text(st, 3, instance);
	if ((more = stmt_step(r, st, reterr)) < 0)
		return more;
	if (!more) {
		return diag_set(reterr, -ENOENT, "no %s '%s%s%s' in zone '%s'",
		    instance ? "instance" : "service", service,
		    instance ? "/" : "", instance ? instance : "", zone);
	}
	copy_text(ret_owner->node, st, 0);
	copy_text(ret_owner->source, st, 1);
	ret_owner->is_taken = sqlite3_column_int(st, 2);
	return 0;
}

void registry_on_others(
    struct registry *r, enum on_others what, const char *who)
{
	r->on_others = what;
	r->who = who;
}

int registry_take_over(struct registry *r, const char *zone,
    const char *service, const char *instance, const char *source,
    const char *who, int64_t now_wall_ms, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_TAKE_OVER, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance ? instance : "");
	stmt_text(st, 4, source);
	stmt_text(st, 5, who);
	stmt_int(st, 6, now_wall_ms);
	return stmt_run(r, st, reterr);
}

/* ---- withdrawing ------------------------------------------------------ */

static int says_nothing(const char *source, const char *service,
    const char *instance, struct diag *reterr)
{
	return diag_set(reterr, -ENOENT, "'%s' has nothing of '%s%s%s'", source,
	    service, instance ? "/" : "", instance ? instance : "");
}

/* Is there anything of this source, the row or not? */
static int has_claim(struct registry *r, const char *zone, const char *service,
    const char *instance, const char *source, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	struct row_owner owner = { 0 };
	int error =
	    registry_read_owner(r, zone, service, instance, &owner, reterr);

	if (error < 0 || (!*owner.node && !strcmp(owner.source, source)))
		return error;
	if ((error = stmt_get(r, STMT_HAS_CLAIM, &st, reterr)) < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	stmt_text(st, 4, source);
	if ((error = stmt_step(r, st, reterr)) < 0)
		return error;
	return error ? 0 : says_nothing(source, service, instance, reterr);
}

static int run_on_instance(struct registry *r, enum stmt_id id,
    const char *zone, const char *service, const char *instance,
    const char *source, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, id, &st, reterr);

	if (error < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	stmt_text(st, 4, source);
	return stmt_run(r, st, reterr);
}

int registry_withdraw_instance_of(struct registry *r, const char *zone,
    const char *service, const char *instance, const char *source,
    struct diag *reterr)
{
	int error = run_on_instance(r, STMT_WITHDRAW_INSTANCE_OF, zone, service,
	    instance, source, reterr);

	if (error < 0 || sqlite3_changes(r->db) > 0)
		return error;
	error = has_claim(r, zone, service, instance, source, reterr);
	if (error < 0)
		return error;
	return run_on_instance(
	    r, STMT_UNCLAIM_INSTANCE, zone, service, instance, source, reterr);
}

int registry_withdraw_service_of(struct registry *r, const char *zone,
    const char *name, const char *source, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error =
	    registry_get_for_write(r, STMT_UNCLAIM_SERVICE, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, zone);
	stmt_text(st, 2, name);
	stmt_text(st, 3, source);
	return stmt_run(r, st, reterr);
}

/* ---- a source that is called otherwise now ---------------------------- */

static int rename_in(struct registry *r, enum stmt_id id, const char *from,
    const char *to, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, id, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, from);
	if (id != STMT_RESOURCE_REST && id != STMT_RESOURCE_REFUSED)
		stmt_text(st, 2, to);
	return stmt_run(r, st, reterr);
}

static int rename_all(struct registry *r, const char *from, const char *to,
    unsigned *ret_n, struct diag *reterr)
{
	int error;

	if ((error = rename_in(r, STMT_RESOURCE_SERVICES, from, to, reterr)) <
	        0 ||
	    (error = rename_in(
	         r, STMT_RESOURCE_SERVICE_OTHERS, from, to, reterr)) < 0 ||
	    (error = rename_in(
	         r, STMT_RESOURCE_INSTANCE_OTHERS, from, to, reterr)) < 0 ||
	    (error = rename_in(r, STMT_RESOURCE_INSTANCES, from, to, reterr)) <
	        0)
		return error;
	*ret_n = (unsigned)sqlite3_changes(r->db);
	if ((error = rename_in(
	         r, STMT_RESOURCE_DEFINITIONS, from, to, reterr)) < 0)
		return error;
	if ((error = rename_in(r, STMT_RESOURCE_REST, from, to, reterr)) < 0)
		return error;
	/* what is refused now, the new one says itself */
	return rename_in(r, STMT_RESOURCE_REFUSED, from, to, reterr);
}

int registry_adopt(struct registry *r, const char *from, const char *to,
    unsigned *ret_n, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_OWNER_OPEN, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, "adopted");
	if ((error = stmt_run(r, st, reterr)) < 0 ||
	    (error = rename_all(r, from, to, ret_n, reterr)) < 0)
		return error;
	if ((error = registry_get_for_write(r, STMT_OWNER_CLOSE, &st, reterr)) <
	    0)
		return error;
	return stmt_run(r, st, reterr);
}

/* ---- what is said otherwise ------------------------------------------- */

int registry_read_disagreements(struct registry *r, const char *zone,
    const char *service, registry_disagreement_fn fn, void *arg,
    struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error;

	error = stmt_get(r,
	    service ? STMT_DISAGREEMENTS_OF : STMT_DISAGREEMENTS, &st, reterr);
	if (error < 0)
		return error;
	if (service) {
		stmt_text(st, 1, zone);
		stmt_text(st, 2, service);
	}
	while ((more = stmt_step(r, st, reterr)) > 0) {
		const struct disagreement d = {
			.zone = stmt_column_text(st, 0),
			.service = stmt_column_text(st, 1),
			.instance = stmt_column_text(st, 2),
			.node = stmt_column_text(st, 3),
			.source = stmt_column_text(st, 4),
			.definition = stmt_column_text(st, 5),
			.says = stmt_column_text(st, 6),
		};

		fn(arg, &d);
	}
	return more;
}

int registry_read_claims_of(struct registry *r, const char *source,
    registry_claim_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error = stmt_get(r, STMT_CLAIMS_OF, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, source);
	while ((more = stmt_step(r, st, reterr)) > 0) {
		fn(arg, stmt_column_text(st, 0), stmt_column_text(st, 1),
		    stmt_column_text(st, 2), stmt_column_text(st, 3));
	}
	return more;
}

/* ---- this host -------------------------------------------------------- */

int registry_read_host(
    struct registry *r, struct host_row *ret_host, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error = stmt_get(r, STMT_HOST, &st, reterr);

	if (error < 0)
		return error;
	if ((more = stmt_step(r, st, reterr)) < 0)
		return more;
	if (!more)
		return diag_set(reterr, -EUCLEAN, "table host is empty");
	const char *names = stmt_column_text(st, 1);

	copy_text(ret_host->name, st, 0);
	ret_host->plain_names = names && !strcmp(names, "address");
	return 0;
}

int registry_put_host(struct registry *r, const char *name, struct diag *reterr)
{
	sqlite3_stmt *st = NULL;
	int error = registry_get_for_write(r, STMT_PUT_HOST, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, name);
	return stmt_run(r, st, reterr);
}
