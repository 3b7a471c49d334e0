// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a registry has come to, and by which changes. An unfinished SELECT holds
 * its snapshot: that of the bounds holds that of the changes.
 */
#include "schema/registry.h"
#include "schema/stmt.h"

#include <errno.h>
#include <string.h>

int registry_check_version(struct registry *r, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int error;

	if ((error = stmt_get(r, STMT_VERSION, &st, reterr)) < 0 ||
	    (error = stmt_step(r, st, reterr)) < 0)
		return error;
	int version = sqlite3_column_int(st, 0);
	if (version == r->version)
		return 0;
	return diag_set(reterr, -ESTALE,
	    "the schema is of version %d now and was of %d", version,
	    r->version);
}

/* Most often the two are the same. */
static int find_past(struct registry *r, const struct registry_mark *past,
    const struct registry_mark *now, bool *ret_holds)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error;

	if (past->revision == 0 || past->revision == now->revision) {
		*ret_holds = past->revision == 0 || past->token == now->token;
		return 0;
	}
	if ((error = stmt_get(r, STMT_TOKEN, &st, NULL)) < 0)
		return error;
	stmt_int(st, 1, past->revision);
	if ((more = stmt_step(r, st, NULL)) < 0)
		return more;
	*ret_holds = more && sqlite3_column_int64(st, 0) == past->token;
	return 0;
}

int registry_read_mark(struct registry *r, const struct registry_mark *past,
    struct registry_mark *ret_now, bool *ret_holds)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error;

	if (registry_is_outdated(r))
		return -ESTALE;
	if ((error = stmt_get(r, STMT_MARK, &st, NULL)) < 0)
		return error;
	if ((more = stmt_step(r, st, NULL)) < 0)
		return more;
	/* another registry may have been copied into the same file */
	const char *id = more ? stmt_column_text(st, 2) : NULL;
	if (!id || strcmp(id, r->id) != 0)
		return -ESTALE;
	/* NULL, so 0, if there is none */
	*ret_now = (struct registry_mark){ sqlite3_column_int64(st, 0),
		sqlite3_column_int64(st, 1) };
	return find_past(r, past, ret_now, ret_holds);
}

int registry_revision(struct registry *r, int64_t *ret_revision)
{
	const struct registry_mark none = { 0 };
	struct registry_mark now;
	bool holds;
	int error = registry_read_mark(r, &none, &now, &holds);

	if (error == 0)
		*ret_revision = now.revision;
	return error;
}

static int check_bounds(
    sqlite3_stmt *bounds, int64_t since, struct diag *reterr)
{
	int64_t oldest = sqlite3_column_int64(bounds, 0);
	int64_t newest = sqlite3_column_int64(bounds, 1);

	if (since > newest) {
		return diag_set(reterr, -ESTALE,
		    "revision went back from %lld to %lld", (long long)since,
		    (long long)newest);
	}
	if (since < oldest - 1) {
		return diag_set(reterr, -ESTALE,
		    "changes after revision %lld are no longer kept, only "
		    "those from %lld on",
		    (long long)since, (long long)oldest);
	}
	return 0;
}

int registry_changes_from(
    struct registry *r, int64_t *ret_since, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *bounds = NULL;
	int error;

	if ((error = stmt_get(r, STMT_CHANGE_BOUNDS, &bounds, reterr)) < 0 ||
	    (error = stmt_step(r, bounds, reterr)) < 0)
		return error;
	int64_t oldest = sqlite3_column_int64(bounds, 0);

	*ret_since = oldest > 0 ? oldest - 1 : 0;
	return 0;
}

int registry_changes(struct registry *r, int64_t since, unsigned limit,
    registry_change_fn fn, void *arg, int64_t *ret_revision,
    struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *bounds = NULL, *st = NULL;
	int64_t last = since;
	int more, error;

	if ((error = stmt_get(r, STMT_CHANGE_BOUNDS, &bounds, reterr)) < 0 ||
	    (error = stmt_get(r, STMT_CHANGES, &st, reterr)) < 0 ||
	    (error = stmt_step(r, bounds, reterr)) < 0 ||
	    (error = check_bounds(bounds, since, reterr)) < 0)
		return error;
	stmt_int(st, 1, since);
	stmt_int(st, 2, limit);
	while ((more = stmt_step(r, st, reterr)) > 0) {
		const char *zone = stmt_column_text(st, 1);
		const char *service = stmt_column_text(st, 2);

		if (!zone || !service) {
			return diag_set(reterr, -EUCLEAN,
			    "found a row of table change that its rules "
			    "forbid");
		}
		last = sqlite3_column_int64(st, 0);
		fn(arg, last, zone, service);
	}
	if (more < 0)
		return more;
	*ret_revision = last;
	return 0;
}
