// SPDX-License-Identifier: BSD-2-Clause
/*
 * All there is about one instance, however many its service has.
 */
#include "schema/registry.h"
#include "schema/stmt.h"

#include <errno.h>

static int read_checks(struct registry *r, sqlite3_stmt *st,
    registry_check_fn fn, void *arg, struct diag *reterr)
{
	struct check_row row;
	int more, error;

	while ((more = stmt_step(r, st, reterr)) > 0) {
		if ((error = stmt_get_check(st, &row, reterr)) < 0)
			return error;
		fn(arg, &row);
	}
	return more;
}

int registry_read_instance(struct registry *r, const char *zone,
    const char *service, const char *instance, registry_instance_fn fn,
    registry_check_fn check_fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL, *checks = NULL;
	struct instance_row row;
	int error;

	if ((error = stmt_get(r, STMT_INSTANCE, &st, reterr)) < 0 ||
	    (error = stmt_get(r, STMT_CHECKS_OF_INSTANCE, &checks, reterr)) < 0)
		return error;
	registry_bind_instance(st, zone, service, instance);
	registry_bind_instance(checks, zone, service, instance);
	if ((error = stmt_step(r, st, reterr)) < 0)
		return error;
	if (!error) {
		return diag_set(reterr, -ENOENT,
		    "no instance '%s' of service '%s' in zone '%s'", instance,
		    service, zone);
	}
	if ((error = stmt_get_instance(st, &row, reterr)) < 0)
		return error;
	fn(arg, &row);
	return read_checks(r, checks, check_fn, arg, reterr);
}
