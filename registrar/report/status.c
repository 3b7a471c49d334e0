// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/report/status.h"

#include "registrar/lib/wall.h"
#include "registrar/report/target.h"
#include "registrar/report/unknown.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 500

/* ---- copies ----------------------------------------------------------- */

static const char *copy(struct status_report *r, const char *s)
{
	return s ? arena_strdup(r->arena, s) : NULL;
}

/* The next item of an array that grows. */
#define APPEND(array, n, max)                                                  \
	__extension__({                                                        \
		if ((n) == (max)) {                                            \
			(max) = (max) ? 2 * (max) : 64;                        \
			(array) =                                              \
			    xreallocarray((array), (max), sizeof(*(array)));   \
		}                                                              \
		&(array)[(n)++];                                               \
	})

static void add_service(void *arg, const struct service_row *row)
{
	struct status_report *r = arg;
	struct status_service *s =
	    APPEND(r->services, r->service_n, r->service_max);

	*s =
	    (struct status_service){ .row = *row, .instance_0 = r->instance_n };
	s->row.zone = copy(r, row->zone);
	s->row.name = copy(r, row->name);
	s->row.protocol = copy(r, row->protocol);
	s->row.port_name = copy(r, row->port_name);
	s->row.ports = copy(r, row->ports);
	s->row.mesh = copy(r, row->mesh);
	s->row.tags = copy(r, row->tags);
	s->row.meta = copy(r, row->meta);
	s->row.source = copy(r, row->source);
	s->row.node = copy(r, row->node);
	s->row.definition = copy(r, row->definition);
}

#define SOURCES_MAX 256 /* more registrars than one looks at */

static void add_source(struct status_report *r, const char *source)
{
	if (strncmp(source, "registrar/", 10) != 0 ||
	    r->source_n == SOURCES_MAX)
		return;
	for (unsigned k = r->source_n; k-- > 0;) {
		if (!strcmp(r->sources[k], source))
			return;
	}
	*APPEND(r->sources, r->source_n, r->source_max) = source;
}

static void add_instance(void *arg, const struct instance_row *row)
{
	struct status_report *r = arg;
	struct status_service *s = &r->services[r->service_n - 1];
	struct status_instance *i =
	    APPEND(r->instances, r->instance_n, r->instance_max);

	*i = (struct status_instance){ .row = *row };
	i->row.zone = s->row.zone;
	i->row.service = s->row.name;
	i->row.name = copy(r, row->name);
	i->row.address = copy(r, row->address);
	i->row.address6 = copy(r, row->address6);
	i->row.ports = copy(r, row->ports);
	i->row.tags = copy(r, row->tags);
	i->row.meta = copy(r, row->meta);
	i->row.locality = copy(r, row->locality);
	i->row.source = copy(r, row->source);
	i->row.node = copy(r, row->node);
	i->row.definition = copy(r, row->definition);
	i->row.reason = copy(r, row->reason);
	i->row.drain.text = copy(r, row->drain.text);
	struct eligible_facts f = eligible_facts(row);

	i->eligible = eligible_judge(&f, r->now_wall_ms);
	s->instance_n++;
	if (!*i->row.node) /* of another host its host says it */
		add_source(r, i->row.source);
}

static void add_check(void *arg, const struct check_row *row)
{
	struct status_report *r = arg;
	struct status_check *c = APPEND(r->checks, r->check_n, r->check_max);

	*c = (struct status_check){ .row = *row };
	c->row.zone = copy(r, row->zone);
	c->row.service = copy(r, row->service);
	c->row.instance = copy(r, row->instance);
	c->row.name = copy(r, row->name);
	c->row.kind = copy(r, row->kind);
	c->row.output = copy(r, row->output);
}

/*
 * A lease that ran out is news for as long as its row is kept where a registrar
 * runs; then it is as good as deregistered, though nobody took the row away.
 */
static bool is_long_gone(
    const struct status_report *r, const struct status_instance *i)
{
	return i->eligible.why == ELIGIBLE_EXPIRED &&
	       i->row.lease_until_wall_ms <
	           r->now_wall_ms - REGISTRY_EXPIRED_KEEP_MS;
}

static bool has_answer(const struct status_report *r, struct status_service *s)
{
	unsigned gone = 0;

	for (unsigned k = 0; k < s->instance_n; k++)
		gone += is_long_gone(r, &r->instances[s->instance_0 + k]);
	return s->eligible_n || (gone && gone == s->instance_n);
}

/* All instances of the last service are there. */
static void add_other(void *arg, const struct disagreement *d)
{
	struct status_report *r = arg;
	struct status_other *o = APPEND(r->others, r->other_n, r->other_max);

	o->said = (struct disagreement){ .zone = copy(r, d->zone),
		.service = copy(r, d->service),
		.instance = copy(r, d->instance),
		.node = copy(r, d->node),
		.source = copy(r, d->source),
		.definition = copy(r, d->definition),
		.says = copy(r, d->says) };
}

static void done(void *arg)
{
	struct status_report *r = arg;
	struct status_service *s = &r->services[r->service_n - 1];
	struct eligible_sum sum = { 0 };

	for (unsigned k = 0; k < s->instance_n; k++) {
		eligible_count(&sum, &r->instances[s->instance_0 + k].eligible);
	}
	for (unsigned k = 0; k < s->instance_n; k++) {
		struct status_instance *i = &r->instances[s->instance_0 + k];

		s->admitted_n +=
		    eligible_settle(&i->eligible, &sum, s->row.on_empty);
		s->eligible_n += eligible_is_in_addresses(&i->eligible);
		s->easing_n += i->eligible.why == ELIGIBLE_DRAINING;
	}
	s->all_n = s->instance_n;
	s->is_out = !has_answer(r, s);
}

static void add_broken(void *arg, const char *zone, const char *service,
    const char *instance, const char *why)
{
	struct status_report *r = arg;
	const struct status_service *last =
	    r->service_n ? &r->services[r->service_n - 1] : NULL;

	if (r->broken_n == r->broken_max) {
		r->broken_max = r->broken_max ? 2 * r->broken_max : 8;
		r->broken =
		    xreallocarray(r->broken, r->broken_max, sizeof(*r->broken));
	}
	r->broken[r->broken_n++] = arena_printf(r->arena,
	    "%s '%s%s%s' in zone '%s' cannot be read: %s",
	    instance ? "instance" : "service", service, instance ? "/" : "",
	    instance ? instance : "", zone, why);
	/* what could be read of it */
	if (!instance && last && !strcmp(last->row.name, service) &&
	    !strcmp(last->row.zone, zone))
		done(r);
}

/* ---- loading ---------------------------------------------------------- */

static int load_all(struct registry *reg, struct status_report *r,
    const struct registry_visitor *v, struct diag *reterr)
{
	struct registry_key after = { 0 };
	unsigned n;
	int error;

	do {
		error = registry_read_page(reg, &after, PAGE, v, &n, reterr);
		if (error < 0)
			return error;
	} while (n);
	for (unsigned i = 0; i < r->service_n; i++) {
		const char *zone = r->services[i].row.zone;
		if (i && strcmp(zone, r->services[i - 1].row.zone) == 0)
			continue;
		error =
		    registry_read_checks(reg, zone, "", add_check, r, reterr);
		if (error < 0)
			return error;
	}
	return 0;
}

static int load_one(struct registry *reg, const char *zone, const char *service,
    struct status_report *r, const struct registry_visitor *v,
    struct diag *reterr)
{
	int error = registry_read_service(reg, zone, service, v, reterr);

	if (error == -ENOENT)
		return unknown_service(reg, zone, service, error, reterr);
	if (error < 0)
		return error;
	return registry_read_checks(reg, zone, service, add_check, r, reterr);
}

/* Services lie in the order of their zones. */
static void judge_told(struct registry *reg, struct status_report *r,
    const char *path, const char *service)
{
	const char **zones =
	    arena_alloc(r->arena, r->service_n + 1u, sizeof(*zones));
	struct told_scope scope = { .sources = r->sources,
		.source_n = r->source_n,
		.zones = zones,
		.service = service };

	for (unsigned k = 0; k < r->service_n; k++) {
		const char *zone = r->services[k].row.zone;

		if (!k || strcmp(zone, r->services[k - 1].row.zone) != 0)
			zones[scope.zone_n++] = zone;
	}
	told_read(&r->told, reg, path, r->now_wall_ms, r->arena);
	told_judge(&r->told, &scope);
}

static int compare_check(
    const struct status_check *c, const struct status_instance *i)
{
	int order = strcmp(c->row.zone, i->row.zone);

	if (order == 0)
		order = strcmp(c->row.service, i->row.service);
	return order ? order : strcmp(c->row.instance, i->row.name);
}

/* Both are in the order of their keys. */
static void join_checks(struct status_report *r)
{
	unsigned c = 0;

	for (unsigned k = 0; k < r->instance_n; k++) {
		struct status_instance *i = &r->instances[k];

		while (c < r->check_n && compare_check(&r->checks[c], i) < 0)
			c++;
		i->check_0 = c;
		while (c < r->check_n && compare_check(&r->checks[c], i) == 0)
			c++;
		i->check_n = c - i->check_0;
	}
}

static const char *read_host(struct registry *reg, struct arena *a)
{
	struct host_row host;

	return registry_read_host(reg, &host, NULL) == 0
	           ? arena_strdup(a, host.name)
	           : "";
}

static int read_rows(struct registry *reg, const char *zone,
    const char *service, struct status_report *r, struct diag *reterr)
{
	const struct registry_visitor v = { .service = add_service,
		.instance = add_instance,
		.done = done,
		.arg = r,
		.broken = add_broken };
	int error = service ? load_one(reg, zone, service, r, &v, reterr)
	                    : load_all(reg, r, &v, reterr);

	return error < 0 ? error
	                 : registry_read_disagreements(
	                       reg, zone, service, add_other, r, reterr);
}

int status_read(struct registry *reg, const char *path, const char *zone,
    const char *service, int64_t now_wall_ms, struct status_report *ret_r,
    struct diag *reterr)
{
	struct status_report r = { .arena = arena_new(),
		.now_wall_ms = now_wall_ms };
	int error = read_rows(reg, zone, service, &r, reterr);

	if (error < 0) {
		status_release(&r);
		return error;
	}
	if (path)
		judge_told(reg, &r, path, service);
	r.host = read_host(reg, r.arena);
	join_checks(&r);
	*ret_r = r;
	return 0;
}

int status_load(const char *registry, const char *zone, const char *service,
    int64_t now_wall_ms, struct status_report *ret_r, struct diag *reterr)
{
	struct registry *reg;
	int error = registry_open(registry, REGISTRY_READ, &reg, reterr);

	if (error < 0)
		return error;
	error = status_read(
	    reg, registry, zone, service, now_wall_ms, ret_r, reterr);
	registry_close(reg);
	return error;
}

int status_read_page(struct registry *reg, struct registry_key *after,
    unsigned limit, int64_t now_wall_ms, struct status_report *ret_r,
    unsigned *ret_n, struct diag *reterr)
{
	struct status_report r = { .arena = arena_new(),
		.now_wall_ms = now_wall_ms };
	const struct registry_visitor v = { .service = add_service,
		.instance = add_instance,
		.done = done,
		.arg = &r,
		.broken = add_broken };
	int error = registry_read_page(reg, after, limit, &v, ret_n, reterr);

	for (unsigned k = 0; k < r.service_n && error == 0; k++) {
		const struct service_row *row = &r.services[k].row;

		error = registry_read_checks(
		    reg, row->zone, row->name, add_check, &r, reterr);
	}
	if (error < 0) {
		status_release(&r);
		return error;
	}
	r.host = "";
	join_checks(&r);
	*ret_r = r;
	return 0;
}

int status_read_instance(struct registry *reg, const char *zone,
    const char *service, const char *instance, int64_t now_wall_ms,
    struct status_report *ret_r, struct diag *reterr)
{
	struct status_report r = { .arena = arena_new(),
		.now_wall_ms = now_wall_ms };
	const struct service_row row = {
		.zone = zone, .name = service, .port = ROW_DEFAULT
	};

	add_service(&r, &row);
	int error = registry_read_instance(
	    reg, zone, service, instance, add_instance, add_check, &r, reterr);

	if (error < 0) {
		status_release(&r);
		return error;
	}
	join_checks(&r);
	*ret_r = r;
	return 0;
}

void status_release(struct status_report *r)
{
	free(r->broken);
	arena_free(r->arena);
	free(r->services);
	free(r->instances);
	free(r->checks);
	free(r->sources);
	free(r->others);
	*r = (struct status_report){ 0 };
}

/* ---- judging ---------------------------------------------------------- */

const char *status_state(const struct status_instance *i)
{
	if (i->eligible.why == ELIGIBLE_EXPIRED ||
	    i->eligible.why == ELIGIBLE_DRAINED)
		return eligible_why_name(i->eligible.why);
	return i->row.mode == MODE_ACTIVE ? health_name(i->row.health)
	                                  : mode_name(i->row.mode);
}

const char *status_drain(
    struct arena *a, const struct instance_row *row, int64_t now_wall_ms)
{
	const struct drain_row *d = &row->drain;

	switch (row->mode == MODE_DRAINING ? d->step : DRAIN_NONE) {
	case DRAIN_WAITING:
		if (d->until_wall_ms <= now_wall_ms)
			return "in no answer";
		return arena_printf(a, "in no answer in %s",
		    wall_age(a, d->until_wall_ms - now_wall_ms));
	case DRAIN_HOOK:
		return "in no answer; on_drained runs";
	case DRAIN_DONE:
		return arena_printf(a, "in no answer%s%s",
		    d->text ? "; on_drained ended well: " : "",
		    d->text ? d->text : "");
	case DRAIN_FAILED:
		return arena_printf(a, "in no answer; on_drained failed: %s",
		    d->text ? d->text : "");
	case DRAIN_NONE:
	default:
		return NULL;
	}
}

bool status_is_bad(
    const struct status_report *r, const struct status_instance *i)
{
	if (i->eligible.why == ELIGIBLE_EXPIRED)
		return !is_long_gone(r, i);
	return i->row.mode == MODE_ACTIVE &&
	       (i->row.health == HEALTH_CRITICAL ||
	           i->row.health == HEALTH_DEAD);
}

bool status_is_unhealthy(const struct status_report *r)
{
	if (r->broken_n)
		return true;
	for (unsigned k = 0; k < r->service_n; k++) {
		if (r->services[k].is_out)
			return true;
	}
	for (unsigned k = 0; k < r->instance_n; k++) {
		if (status_is_bad(r, &r->instances[k]))
			return true;
	}
	return false;
}

/* ---- what is asked for ------------------------------------------------ */

static bool is_wanted(const struct status_report *r,
    const struct status_instance *i, bool unhealthy, const char *node)
{
	if (node && !target_is_on_node(&i->row, node, r->host))
		return false;
	return !unhealthy || status_is_bad(r, i) ||
	       i->row.health != HEALTH_PASSING || i->row.mode != MODE_ACTIVE;
}

static unsigned keep_wanted(struct status_report *r, struct status_service *s,
    unsigned at, bool unhealthy, const char *node)
{
	unsigned first = s->instance_0, n = s->instance_n;

	s->instance_0 = at;
	s->instance_n = 0;
	for (unsigned k = 0; k < n; k++) {
		const struct status_instance *i = &r->instances[first + k];

		if (!is_wanted(r, i, unhealthy, node))
			continue;
		r->instances[at + s->instance_n++] = *i;
	}
	return s->instance_n;
}

void status_filter(struct status_report *r, bool unhealthy, const char *node)
{
	unsigned at = 0, kept = 0;

	if (!unhealthy && !node)
		return;
	for (unsigned k = 0; k < r->service_n; k++) {
		struct status_service s = r->services[k];
		unsigned n = keep_wanted(r, &s, at, unhealthy, node);

		if (!n && (node || !s.is_out))
			continue;
		at += n;
		r->services[kept++] = s;
	}
	r->service_n = kept;
	r->instance_n = at;
}
