// SPDX-License-Identifier: BSD-2-Clause
/*
 * Questions about states, which read less than whole rows.
 */
#include "schema/eligible.h"
#include "schema/registry.h"
#include "schema/stmt.h"

#include <errno.h>

static int get_facts(
    sqlite3_stmt *st, struct eligible_facts *ret_f, struct diag *reterr)
{
	const char *health = stmt_column_text(st, 0);
	const char *mode = stmt_column_text(st, 1);
	struct eligible_facts f = {
		.types = ELIGIBLE_SRV, /* of what family nobody asks here */
		.lease_until_wall_ms = sqlite3_column_int64(st, 2),
		.drain_until_wall_ms = sqlite3_column_int64(st, 3),
	};

	if (!health || !mode || health_parse(health, &f.health) < 0 ||
	    mode_parse(mode, &f.mode) < 0) {
		return diag_set(reterr, -EUCLEAN,
		    "found an instance whose state is none that is known");
	}
	*ret_f = f;
	return 0;
}

int registry_tally(struct registry *r, const char *zone, const char *service,
    int64_t now_wall_ms, struct service_tally *ret_tally, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	struct service_tally t = { 0 };
	struct eligible_facts f;
	int more, error = stmt_get(r, STMT_FACTS, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, zone);
	stmt_text(st, 2, service);
	while ((more = stmt_step(r, st, reterr)) > 0) {
		if ((error = get_facts(st, &f, reterr)) < 0)
			return error;
		struct eligible e = eligible_judge(&f, now_wall_ms);

		t.n++;
		t.passing += e.why == ELIGIBLE_PASSING;
		t.warning += e.why == ELIGIBLE_WARNING;
		t.starting += e.why == ELIGIBLE_STARTING && e.spare_types;
	}
	if (more == 0)
		*ret_tally = t;
	return more;
}

int registry_has_eligible(struct registry *r, const char *zone,
    const char *service, int64_t now_wall_ms, bool *ret_any,
    struct diag *reterr)
{
	struct service_tally t;
	int error = registry_tally(r, zone, service, now_wall_ms, &t, reterr);

	if (error == 0)
		*ret_any = t.passing || t.warning;
	return error;
}

int registry_read_state(struct registry *r, const char *zone,
    const char *service, const char *instance, int64_t now_wall_ms,
    struct instance_state *ret_state, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	struct eligible_facts f;
	int more, error = stmt_get(r, STMT_FACTS_OF, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, zone);
	stmt_text(st, 2, service);
	stmt_text(st, 3, instance);
	if ((more = stmt_step(r, st, reterr)) < 0)
		return more;
	if (!more) {
		return diag_set(
		    reterr, -ENOENT, "no instance '%s/%s'", service, instance);
	}
	if ((error = get_facts(st, &f, reterr)) < 0)
		return error;
	*ret_state = (struct instance_state){ .health = f.health,
		.mode = f.mode,
		.expired =
		    eligible_judge(&f, now_wall_ms).why == ELIGIBLE_EXPIRED };
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
