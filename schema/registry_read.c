// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading. An unfinished SELECT holds its snapshot, so a function that needs
 * two of them to see one moment starts the first, runs the second inside it
 * and resets both: no BEGIN, and nothing stays open between calls.
 */
#include "schema/registry.h"
#include "schema/stmt.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* A required column that is NULL, or an unknown word: not written by us. */
static int row_broken(const char *table, struct diag *reterr)
{
	(void)diag_set(reterr, -EUCLEAN,
	    "found a row of table %s that its rules forbid", table);
	return -EUCLEAN;
}

static int get_service(
    sqlite3_stmt *st, struct service_row *ret_row, struct diag *reterr)
{
	const char *on_empty = stmt_column_text(st, 6);
	struct service_row row = {
		.zone = stmt_column_text(st, 0),
		.name = stmt_column_text(st, 1),
		.protocol = stmt_column_text(st, 2),
		.port = stmt_column_int_or_default(st, 3),
		.ttl_s = stmt_column_int_or_default(st, 4),
		.max_answers = stmt_column_int_or_default(st, 5),
		.tags = stmt_column_text(st, 7),
		.meta = stmt_column_text(st, 8),
		.source = stmt_column_text(st, 9),
		.definition = stmt_column_text(st, 10),
	};

	if (!row.zone || !row.name || !row.protocol || !on_empty || !row.tags ||
	    !row.meta || !row.source ||
	    on_empty_parse(on_empty, &row.on_empty) < 0)
		return row_broken("service", reterr);
	*ret_row = row;
	return 0;
}

int stmt_get_instance(
    sqlite3_stmt *st, struct instance_row *ret_row, struct diag *reterr)
{
	const char *health = stmt_column_text(st, 9);
	const char *mode = stmt_column_text(st, 10);
	struct instance_row row = {
		.zone = stmt_column_text(st, 0),
		.service = stmt_column_text(st, 1),
		.name = stmt_column_text(st, 2),
		.address = stmt_column_text(st, 3),
		.address6 = stmt_column_text(st, 4),
		.port = stmt_column_int_or_default(st, 5),
		.priority = sqlite3_column_int(st, 6),
		.weight = sqlite3_column_int(st, 7),
		.weight_warning = stmt_column_int_or_default(st, 8),
		.lease_until_wall_ms = sqlite3_column_int64(st, 11),
		.tags = stmt_column_text(st, 12),
		.meta = stmt_column_text(st, 13),
		.locality = stmt_column_text(st, 14),
		.source = stmt_column_text(st, 15),
		.definition = stmt_column_text(st, 16),
		.since_wall_ms = sqlite3_column_int64(st, 17),
		.reason = stmt_column_text(st, 18),
		.ramp_percent = sqlite3_column_int(st, 19),
		.damping = { .penalty = sqlite3_column_int64(st, 20),
		    .at_wall_ms = sqlite3_column_int64(st, 21),
		    .until_wall_ms = sqlite3_column_int64(st, 22) },
	};

	if (!row.zone || !row.service || !row.name || !row.address || !health ||
	    !mode || !row.tags || !row.meta || !row.source ||
	    health_parse(health, &row.health) < 0 ||
	    mode_parse(mode, &row.mode) < 0 ||
	    stmt_column_drain(st, 23, &row.drain, NULL) < 0)
		return row_broken("instance", reterr);
	*ret_row = row;
	return 0;
}

/* ---- services and instances ------------------------------------------- */

int registry_read_service(struct registry *r, const char *zone,
    const char *name, const struct registry_visitor *v, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *service = NULL, *instances = NULL;
	struct service_row srow;
	struct instance_row irow;
	int more, error;

	if ((error = stmt_get(r, STMT_SERVICE, &service, reterr)) < 0 ||
	    (error = stmt_get(r, STMT_SERVICE_INSTANCES, &instances, reterr)) <
	        0)
		return error;
	stmt_text(service, 1, zone);
	stmt_text(service, 2, name);
	if ((more = stmt_step(r, service, reterr)) < 0)
		return more;
	if (!more) {
		return diag_set(reterr, -ENOENT, "no service '%s' in zone '%s'",
		    name, zone);
	}
	if ((error = get_service(service, &srow, reterr)) < 0)
		return error;
	v->service(v->arg, &srow);

	stmt_text(instances, 1, zone);
	stmt_text(instances, 2, name);
	while ((more = stmt_step(r, instances, reterr)) > 0) {
		if ((error = stmt_get_instance(instances, &irow, reterr)) < 0)
			return error;
		v->instance(v->arg, &irow);
	}
	if (more < 0)
		return more;
	v->done(v->arg);
	return 0;
}

/* Both streams of a page are in the order of (zone, service). */
static int key_compare(
    const struct instance_row *i, const struct service_row *s)
{
	int order = strcmp(i->zone, s->zone);

	return order ? order : strcmp(i->service, s->name);
}

/* The instance a page has read but not yet given out. */
struct ahead {
	sqlite3_stmt *st;
	struct instance_row row;
	bool valid;
};

static int ahead_next(struct registry *r, struct ahead *a, struct diag *reterr)
{
	int more = stmt_step(r, a->st, reterr);

	a->valid = false;
	if (more <= 0)
		return more;
	int error = stmt_get_instance(a->st, &a->row, reterr);
	a->valid = error == 0;
	return error;
}

static int visit_instances(struct registry *r, struct ahead *a,
    const struct service_row *service, const struct registry_visitor *v,
    struct diag *reterr)
{
	while (a->valid) {
		int order = key_compare(&a->row, service);
		int error;

		if (order > 0)
			break;
		if (order == 0)
			v->instance(v->arg, &a->row);
		if ((error = ahead_next(r, a, reterr)) < 0)
			return error;
	}
	return 0;
}

int registry_read_page(struct registry *r, const char *zone, const char *name,
    unsigned limit, const struct registry_visitor *v, unsigned *ret_n,
    struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *services = NULL, *instances = NULL;
	struct service_row row;
	unsigned n = 0;
	int more, error;

	if ((error = stmt_get(r, STMT_PAGE_SERVICES, &services, reterr)) < 0 ||
	    (error = stmt_get(r, STMT_PAGE_INSTANCES, &instances, reterr)) < 0)
		return error;
	stmt_text(services, 1, zone);
	stmt_text(services, 2, name);
	stmt_int(services, 3, limit);
	stmt_text(instances, 1, zone);
	stmt_text(instances, 2, name);

	if ((more = stmt_step(r, services, reterr)) < 0)
		return more;
	struct ahead a = { .st = instances };
	if (more && (error = ahead_next(r, &a, reterr)) < 0)
		return error;
	while (more > 0) {
		if ((error = get_service(services, &row, reterr)) < 0)
			return error;
		v->service(v->arg, &row);
		if ((error = visit_instances(r, &a, &row, v, reterr)) < 0)
			return error;
		v->done(v->arg);
		n++;
		more = stmt_step(r, services, reterr);
	}
	if (more < 0)
		return more;
	*ret_n = n;
	return 0;
}

/* ---- one moment for several reads ------------------------------------- */

int registry_read_begin(struct registry *r, struct diag *reterr)
{
	int64_t revision;
	int error;

	assert(r->txn == TXN_NONE);
	if ((error = stmt_exec(r, STMT_BEGIN, reterr)) < 0)
		return error;
	r->txn = TXN_READ;
	/* BEGIN alone does not choose the moment, the first read does */
	if ((error = registry_revision(r, &revision)) < 0) {
		registry_read_end(r);
		return diag_set(reterr, error, "cannot read the revision: %s",
		    strerror(-error));
	}
	return 0;
}

void registry_read_end(struct registry *r)
{
	if (r->txn != TXN_READ)
		return;
	r->txn = TXN_NONE;
	if (!sqlite3_get_autocommit(r->db))
		(void)stmt_exec(r, STMT_ROLLBACK, NULL);
}

/* ---- the rest --------------------------------------------------------- */

int stmt_get_check(
    sqlite3_stmt *st, struct check_row *ret_row, struct diag *reterr)
{
	const char *status = stmt_column_text(st, 5);
	struct check_row row = {
		.zone = stmt_column_text(st, 0),
		.service = stmt_column_text(st, 1),
		.instance = stmt_column_text(st, 2),
		.name = stmt_column_text(st, 3),
		.kind = stmt_column_text(st, 4),
		.output = stmt_column_text(st, 6),
		.since_wall_ms = sqlite3_column_int64(st, 7),
		.checked_wall_ms = sqlite3_column_int64(st, 8),
	};

	if (!row.zone || !row.service || !row.instance || !row.name ||
	    !row.kind || !status || !row.output ||
	    health_parse(status, &row.status) < 0)
		return row_broken("check_result", reterr);
	*ret_row = row;
	return 0;
}

int registry_read_checks(struct registry *r, const char *zone,
    const char *service, registry_check_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	struct check_row row;
	int more, error;

	error = stmt_get(
	    r, *service ? STMT_CHECKS_OF_SERVICE : STMT_CHECKS, &st, reterr);
	if (error < 0)
		return error;
	stmt_text(st, 1, zone);
	if (*service)
		stmt_text(st, 2, service);
	while ((more = stmt_step(r, st, reterr)) > 0) {
		if ((error = stmt_get_check(st, &row, reterr)) < 0)
			return error;
		fn(arg, &row);
	}
	return more;
}

int registry_read_check(struct registry *r, const char *zone,
    const char *service, const char *instance, const char *name,
    registry_check_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	struct check_row row;
	int more, error;

	if ((error = stmt_get(r, STMT_CHECK, &st, reterr)) < 0)
		return error;
	stmt_text(st, 1, zone);
	stmt_text(st, 2, service);
	stmt_text(st, 3, instance);
	stmt_text(st, 4, name);
	if ((more = stmt_step(r, st, reterr)) < 0)
		return more;
	if (!more) {
		return diag_set(reterr, -ENOENT,
		    "no check '%s' of instance '%s' of service '%s'", name,
		    instance, service);
	}
	if ((error = stmt_get_check(st, &row, reterr)) < 0)
		return error;
	fn(arg, &row);
	return 0;
}

int registry_read_history(struct registry *r, const char *zone,
    const char *service, unsigned limit, registry_history_fn fn, void *arg,
    struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int i = 0, more, error;

	error = stmt_get(r,
	    service ? STMT_HISTORY_OF_SERVICE
	    : zone  ? STMT_HISTORY
	            : STMT_HISTORY_OF_ALL,
	    &st, reterr);
	if (error < 0)
		return error;
	if (zone)
		stmt_text(st, ++i, zone);
	if (service)
		stmt_text(st, ++i, service);
	stmt_int(st, ++i, limit);
	while ((more = stmt_step(r, st, reterr)) > 0) {
		struct history_row row = {
			.id = sqlite3_column_int64(st, 0),
			.at_wall_ms = sqlite3_column_int64(st, 1),
			.zone = stmt_column_text(st, 2),
			.service = stmt_column_text(st, 3),
			.instance = stmt_column_text(st, 4),
			.was = stmt_column_text(st, 5),
			.now = stmt_column_text(st, 6),
			.source = stmt_column_text(st, 7),
			.reason = stmt_column_text(st, 8),
		};

		if (!row.zone || !row.service || !row.instance)
			return row_broken("history", reterr);
		fn(arg, &row);
	}
	return more;
}

int registry_read_definitions(struct registry *r, const char *source,
    registry_definition_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	int more, error;

	if ((error = stmt_get(r, STMT_DEFINITIONS, &st, reterr)) < 0)
		return error;
	stmt_text(st, 1, source);
	while ((more = stmt_step(r, st, reterr)) > 0) {
		const char *file = stmt_column_text(st, 0);
		const char *text = stmt_column_text(st, 1);

		if (!file || !text)
			return row_broken("definition", reterr);
		fn(arg, file, text);
	}
	return more;
}
