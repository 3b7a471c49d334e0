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

#define KEY_MAX REGISTRY_KEY_MAX

/* A required column that is NULL, or an unknown word: not written by us. */
static int row_broken(const char *table, struct diag *reterr)
{
	(void)diag_set(reterr, -EUCLEAN,
	    "found a row of table %s that its rules forbid", table);
	return -EUCLEAN;
}

int stmt_get_service(
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
		.node = stmt_column_text(st, 11),
		.port_name = stmt_column_text(st, 12),
		.ports = stmt_column_text(st, 13),
		.mesh = stmt_column_text(st, 14),
	};

	if (!row.zone || !row.name || !row.protocol || !on_empty || !row.tags ||
	    !row.meta || !row.source || !row.node ||
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
		.node = stmt_column_text(st, 19),
		.ports = stmt_column_text(st, 20),
		.ramp_percent = sqlite3_column_int(st, 21),
		.damping = { .penalty = sqlite3_column_int64(st, 22),
		    .at_wall_ms = sqlite3_column_int64(st, 23),
		    .until_wall_ms = sqlite3_column_int64(st, 24) },
		.is_overridden = sqlite3_column_type(st, 29) != SQLITE_NULL,
		.weight_override = sqlite3_column_int(st, 29),
	};

	if (!row.zone || !row.service || !row.name || !row.address || !health ||
	    !mode || !row.tags || !row.meta || !row.source || !row.node ||
	    health_parse(health, &row.health) < 0 ||
	    mode_parse(mode, &row.mode) < 0 ||
	    stmt_column_drain(st, 25, &row.drain, NULL) < 0)
		return row_broken("instance", reterr);
	*ret_row = row;
	return 0;
}

/* ---- services and instances ------------------------------------------- */

int registry_read_service_row(struct registry *r, const char *zone,
    const char *name, registry_service_fn fn, void *arg, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	struct service_row row;
	int more, error = stmt_get(r, STMT_SERVICE, &st, reterr);

	if (error < 0)
		return error;
	stmt_text(st, 1, zone);
	stmt_text(st, 2, name);
	if ((more = stmt_step(r, st, reterr)) < 0)
		return more;
	if (!more) {
		return diag_set(reterr, -ENOENT, "no service '%s' in zone '%s'",
		    name, zone);
	}
	if ((error = stmt_get_service(st, &row, reterr)) == 0)
		fn(arg, &row);
	return error;
}

/*
 * The rows of a service on their way to a visitor. What breaks the rules is
 * told instead of its `done`, or instead of a row.
 */
struct visit {
	const struct registry_visitor *v;
	char zone[KEY_MAX], name[KEY_MAX]; /* of the service */
	char last[KEY_MAX];                /* its last instance, or "" */
	const char *doubt;                 /* NULL: none */
};

static const char forbidden[] = "its rules forbid what it says";
static const char disorder[] = "its rows are not in their order";
static const char orphaned[] = "instances of it are there, its row is not";

static void copy_key(char *to, const char *from)
{
	size_t len = strnlen(from, KEY_MAX - 1);

	memcpy(to, from, len);
	to[len] = '\0';
}

void registry_pass_over(void *arg, const char *zone, const char *service,
    const char *instance, const char *why)
{
	(void)arg;
	(void)zone;
	(void)service;
	(void)instance;
	(void)why;
}

static int tell_broken(const struct registry_visitor *v, const char *zone,
    const char *service, const char *instance, const char *why,
    struct diag *reterr)
{
	if (v->broken) {
		v->broken(v->arg, zone, service, instance, why);
		return 0;
	}
	return diag_set(reterr, -EUCLEAN, "%s '%s%s%s': %s",
	    instance ? "instance" : "service", service, instance ? "/" : "",
	    instance ? instance : "", why);
}

/* st: at a row of the service, or of the one that was looked for. */
static void visit_begin(struct visit *x, sqlite3_stmt *st)
{
	const char *zone = stmt_column_text(st, 0);
	const char *name = stmt_column_text(st, 1);
	struct service_row row;

	copy_key(x->zone, zone ? zone : "");
	copy_key(x->name, name ? name : "");
	x->last[0] = '\0';
	x->doubt = NULL;
	if (stmt_get_service(st, &row, NULL) == 0) {
		x->v->service(x->v->arg, &row);
	} else {
		x->doubt = forbidden;
	}
}

/* st: at an instance of it. */
static int visit_instance(
    struct visit *x, sqlite3_stmt *st, struct diag *reterr)
{
	const char *name = stmt_column_text(st, 2);
	struct instance_row row;

	if (!name || strcmp(name, x->last) <= 0) {
		x->doubt = disorder;
		return 0;
	}
	copy_key(x->last, name);
	if (x->doubt)
		return 0;
	if (stmt_get_instance(st, &row, NULL) == 0) {
		x->v->instance(x->v->arg, &row);
		return 0;
	}
	return tell_broken(x->v, x->zone, x->name, x->last, forbidden, reterr);
}

static int visit_end(struct visit *x, struct diag *reterr)
{
	if (x->doubt) {
		return tell_broken(
		    x->v, x->zone, x->name, NULL, x->doubt, reterr);
	}
	x->v->done(x->v->arg);
	return 0;
}

/* There is no row of the service: has it instances? */
static int find_orphans(struct registry *r, sqlite3_stmt *instances,
    const char *zone, const char *name, const struct registry_visitor *v,
    struct diag *reterr)
{
	int more = stmt_step(r, instances, reterr);

	if (more < 0)
		return more;
	if (more)
		return tell_broken(v, zone, name, NULL, orphaned, reterr);
	return diag_set(
	    reterr, -ENOENT, "no service '%s' in zone '%s'", name, zone);
}

int registry_read_service(struct registry *r, const char *zone,
    const char *name, const struct registry_visitor *v, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *service = NULL, *instances = NULL;
	struct visit x = { .v = v };
	int more, error;

	if ((error = stmt_get(r, STMT_SERVICE, &service, reterr)) < 0 ||
	    (error = stmt_get(r, STMT_SERVICE_INSTANCES, &instances, reterr)) <
	        0)
		return error;
	stmt_text(service, 1, zone);
	stmt_text(service, 2, name);
	stmt_text(instances, 1, zone);
	stmt_text(instances, 2, name);
	if ((more = stmt_step(r, service, reterr)) < 0)
		return more;
	if (!more)
		return find_orphans(r, instances, zone, name, v, reterr);
	visit_begin(&x, service);
	while ((more = stmt_step(r, instances, reterr)) > 0) {
		if ((error = visit_instance(&x, instances, reterr)) < 0)
			return error;
	}
	return more < 0 ? more : visit_end(&x, reterr);
}

/*
 * A page: services and instances are two streams in the order of (zone,
 * service), merged. Keys are not to be trusted: one flipped bit, and a row is
 * taken for one of another service, or hides all that come after it. So what
 * is in doubt is told of the services around it, and the merge goes on behind
 * it. A key that has become less than where its page begins SQLite does not
 * give us; that goes unseen from the second page on.
 */
struct page {
	struct registry *r;
	sqlite3_stmt *services, *instances;
	bool has_service, has_instance; /* they stand at a row */
	bool has_doubt;                 /* about the next service */
	struct visit x;
};

static int compare_keys(const char *zone_a, const char *name_a,
    const char *zone_b, const char *name_b)
{
	int order = strcmp(zone_a, zone_b);

	return order ? order : strcmp(name_a, name_b);
}

static const char *text_of(sqlite3_stmt *st, int i)
{
	const char *text = stmt_column_text(st, i);

	return text ? text : "";
}

/* Of the next instance to the service being visited. */
static int order_of_instance(const struct page *p)
{
	return compare_keys(text_of(p->instances, 0), text_of(p->instances, 1),
	    p->x.zone, p->x.name);
}

static int next_instance(struct page *p, struct diag *reterr)
{
	int more = stmt_step(p->r, p->instances, reterr);

	p->has_instance = more > 0;
	return more < 0 ? more : 0;
}

/* 1: it stands where it is looked for, and before the one after it. */
static int is_in_place(struct page *p, struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *st = NULL;
	char key[3][KEY_MAX];
	int error = stmt_get(p->r, STMT_PEEK_INSTANCES, &st, reterr);

	if (error < 0)
		return error;
	for (int i = 0; i < 3; i++) {
		copy_key(key[i], text_of(p->instances, i));
		stmt_text(st, i + 1, key[i]);
	}
	for (int n = 0; n < 2; n++) {
		int more = stmt_step(p->r, st, reterr);

		if (more <= 0)
			return more < 0 ? more : n > 0;
		int order = compare_keys(
		    text_of(st, 0), text_of(st, 1), key[0], key[1]);
		if (!order)
			order = strcmp(text_of(st, 2), key[2]);
		if (n ? order <= 0 : order != 0)
			return 0;
	}
	return 1;
}

/*
 * The service has no instances any more, it seems: the next one is of a later
 * service. 1: it is, 0: it is out of place.
 */
static int is_later(struct page *p, struct diag *reterr)
{
	if (!p->has_service) /* there is no later one */
		return 0;
	int order =
	    compare_keys(text_of(p->instances, 0), text_of(p->instances, 1),
	        text_of(p->services, 0), text_of(p->services, 1));
	/* between the two: its service has no row */
	return order > 0 ? is_in_place(p, reterr) : order == 0;
}

/* The instance is of none of the services around it. */
static int pass_over(struct page *p, struct diag *reterr)
{
	int error = tell_broken(p->x.v, text_of(p->instances, 0),
	    text_of(p->instances, 1), NULL, orphaned, reterr);

	p->x.doubt = disorder;
	p->has_doubt = true;
	return error < 0 ? error : next_instance(p, reterr);
}

/* services: at the one after this. */
static int visit_page_instances(struct page *p, struct diag *reterr)
{
	int error = 0;

	while (p->has_instance && error == 0) {
		int order = order_of_instance(p);

		if (order > 0 && (error = is_later(p, reterr)) != 0)
			return error < 0 ? error : 0;
		if (order != 0) {
			error = pass_over(p, reterr);
			continue;
		}
		error = visit_instance(&p->x, p->instances, reterr);
		if (error == 0)
			error = next_instance(p, reterr);
	}
	return error;
}

static int visit_page_service(struct page *p, struct diag *reterr)
{
	char zone[KEY_MAX], name[KEY_MAX];
	int more, error;

	copy_key(zone, p->x.zone);
	copy_key(name, p->x.name);
	visit_begin(&p->x, p->services);
	if (compare_keys(p->x.zone, p->x.name, zone, name) <= 0 || p->has_doubt)
		p->x.doubt = disorder;
	p->has_doubt = false;
	if ((more = stmt_step(p->r, p->services, reterr)) < 0)
		return more;
	p->has_service = more > 0;
	if ((error = visit_page_instances(p, reterr)) < 0)
		return error;
	return visit_end(&p->x, reterr);
}

int registry_read_page(struct registry *r, struct registry_key *after,
    unsigned limit, const struct registry_visitor *v, unsigned *ret_n,
    struct diag *reterr)
{
	scoped_stmt sqlite3_stmt *services = NULL, *instances = NULL;
	unsigned n = 0;
	int more, error;

	if ((error = stmt_get(r, STMT_PAGE_SERVICES, &services, reterr)) < 0 ||
	    (error = stmt_get(r, STMT_PAGE_INSTANCES, &instances, reterr)) < 0)
		return error;
	stmt_text(services, 1, after->zone);
	stmt_text(services, 2, after->name);
	/* one more, to know what comes after the last */
	stmt_int(services, 3, (int64_t)limit + 1);
	stmt_text(instances, 1, after->zone);
	stmt_text(instances, 2, after->name);

	struct page p = {
		.r = r, .services = services, .instances = instances, .x.v = v
	};
	copy_key(p.x.zone, after->zone);
	copy_key(p.x.name, after->name);
	if ((more = stmt_step(r, services, reterr)) < 0)
		return more;
	p.has_service = more > 0;
	if (more && (error = next_instance(&p, reterr)) < 0)
		return error;
	while (p.has_service && n < limit) {
		if ((error = visit_page_service(&p, reterr)) < 0)
			return error;
		n++;
	}
	copy_key(after->zone, p.x.zone);
	copy_key(after->name, p.x.name);
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
	if ((error = registry_check_version(r, NULL)) < 0 ||
	    (error = registry_revision(r, &revision)) < 0) {
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
	/* one that breaks the rules is no reason to keep the others back */
	while ((more = stmt_step(r, st, reterr)) > 0) {
		if (stmt_get_check(st, &row, NULL) == 0)
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
