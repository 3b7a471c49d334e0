// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar register, deregister: rows that no definition names.
 *
 * They have the source "command" and no checks: passing until somebody says
 * otherwise, or until their lease runs out.
 */
#include "registrar/command/commands.h"
#include "registrar/command/operation.h"
#include "registrar/report/ports.h"
#include "schema/eligible.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SOURCE "command"

/* Of the row that has the name already. */
struct census {
	const char *instance;
	struct arena *arena;
	const char *source, *address, *definition;
	unsigned n;
	struct service_row service;
};

static const char *copy(struct census *c, const char *text)
{
	return text ? arena_strdup(c->arena, text) : NULL;
}

static void on_service(void *arg, const struct service_row *row)
{
	struct census *c = arg;

	if (!c->arena)
		return;
	c->service = *row;
	c->service.protocol = arena_strdup(c->arena, row->protocol);
	c->service.port_name = copy(c, row->port_name);
	c->service.ports = copy(c, row->ports);
	c->service.mesh = copy(c, row->mesh);
	c->service.tags = arena_strdup(c->arena, row->tags);
	c->service.meta = arena_strdup(c->arena, row->meta);
	c->service.source = arena_strdup(c->arena, row->source);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct census *c = arg;

	c->n++;
	if (!c->instance || strcmp(c->instance, row->name) != 0)
		return;
	c->source = arena_strdup(c->arena, row->source);
	c->address = arena_strdup(c->arena, row->address);
	c->definition =
	    arena_strdup(c->arena, row->definition ? row->definition : "");
}

static void on_done(void *arg)
{
	(void)arg;
}

/* -EUCLEAN: not all of it can be read, so nobody can say that it is empty. */
static int count(struct operation *op, const char *zone, const char *service,
    struct census *c, struct diag *reterr)
{
	const struct registry_visitor v = { .service = on_service,
		.instance = on_instance,
		.done = on_done,
		.arg = c };

	return registry_read_service(op->reg, zone, service, &v, reterr);
}

bool operation_is_defined(const struct instance_row *row)
{
	return strncmp(row->source, "registrar/", 10) == 0;
}

/* ---- register ---------------------------------------------------------- */

static bool may_take(const struct operation *op)
{
	return op->options->force || op->options->take_over;
}

static int check_source(
    struct operation *op, const char *source, struct diag *reterr)
{
	registry_on_others(op->reg, OTHERS_TAKE, op->actor);
	if (!source || !strcmp(source, SOURCE) || may_take(op))
		return 0;
	return diag_set(reterr, -EINVAL,
	    "'%s/%s' is there already, written by '%s'; expected --take-over "
	    "to take it over",
	    op->targets[0].service, op->targets[0].instance, source);
}

/*
 * Of a service that is there: others live by its protocol and TTL, too. The
 * TTL of one that register made is register's.
 */
static int check_service(
    struct operation *op, const struct census *c, struct diag *reterr)
{
	const struct registrar_options *o = op->options;
	struct service_row row = c->service;
	struct port_list ports = port_list_of(op->arena, &row, NULL);
	bool same_protocol =
	    !o->protocol || port_list_find(&ports, NULL, o->protocol);
	bool same_ttl =
	    o->service_ttl_s == ROW_DEFAULT || o->service_ttl_s == row.ttl_s;

	if (same_protocol && same_ttl)
		return 0;
	if (!same_protocol && !o->take_over) {
		return diag_set(reterr, -EINVAL,
		    "service '%s' is %s, as '%s' describes it; expected "
		    "--protocol %s, or --take-over to describe it otherwise",
		    op->targets[0].service, row.protocol, row.source,
		    row.protocol);
	}
	if (!same_ttl && !o->take_over && strcmp(row.source, SOURCE) != 0) {
		return diag_set(reterr, -EINVAL,
		    "service '%s' has %s, as '%s' describes it; expected no "
		    "--ttl, or --take-over to describe it otherwise",
		    op->targets[0].service,
		    row.ttl_s == ROW_DEFAULT
		        ? "no TTL of its own"
		        : arena_printf(op->arena, "a TTL of %d s", row.ttl_s),
		    row.source);
	}
	row.zone = op->targets[0].zone;
	row.name = op->targets[0].service;
	if (!same_protocol)
		row.protocol = o->protocol;
	if (!same_ttl)
		row.ttl_s = o->service_ttl_s;
	row.source = SOURCE;
	row.definition = NULL;
	row.node = NULL;
	return registry_put_service(op->reg, &row, reterr);
}

/* JSON of all that --meta says; valid. */
static const char *said_meta(const struct operation *op)
{
	const struct conf_strings *all = &op->options->meta;
	struct conf_pairs pairs = { .n = all->n };

	pairs.items = arena_alloc(op->arena, all->n + 1, sizeof(*pairs.items));
	for (unsigned i = 0; i < all->n; i++) {
		const char *text = all->items[i], *equals = strchr(text, '=');

		pairs.items[i] = (struct conf_pair){
			arena_memdup(op->arena, text, (size_t)(equals - text)),
			equals + 1
		};
	}
	return conf_pairs_json(op->arena, &pairs);
}

static const char *protocol_of(const struct operation *op)
{
	return op->options->protocol ? op->options->protocol : "tcp";
}

/* All that --port says; valid. */
static struct port_row *said_ports(const struct operation *op)
{
	const struct conf_strings *all = &op->options->ports;
	struct port_row *rows =
	    arena_alloc(op->arena, all->n + 1, sizeof(*rows));

	for (unsigned k = 0; k < all->n; k++) {
		struct port_arg *p = arena_alloc(op->arena, 1, sizeof(*p));

		(void)port_arg_parse(all->items[k], p);
		rows[k] = (struct port_row){ *p->name ? p->name : NULL,
			*p->protocol ? p->protocol : protocol_of(op), p->port };
	}
	return rows;
}

static int put_service(
    struct operation *op, struct census *c, struct diag *reterr)
{
	const struct port_row *ports = said_ports(op);
	unsigned n = op->options->ports.n;
	const struct service_row row = { .zone = op->targets[0].zone,
		.name = op->targets[0].service,
		.protocol = n ? ports[0].protocol : protocol_of(op),
		.port = ROW_DEFAULT,
		.port_name = n ? ports[0].name : NULL,
		.ports =
		    n ? registry_ports_text(op->arena, ports + 1, n - 1) : NULL,
		.ttl_s = op->options->service_ttl_s,
		.max_answers = ROW_DEFAULT,
		.on_empty = ON_EMPTY_NODATA,
		.tags = "[]",
		.meta = "{}",
		.source = SOURCE };

	c->service = row;
	return registry_put_service(op->reg, &row, reterr);
}

/* The numbers of --port, each for a port that the service has. */
static int take_ports(struct operation *op, const struct census *c,
    struct instance_row *row, struct diag *reterr)
{
	const struct conf_strings *all = &op->options->ports;
	const struct port_list l = port_list_of(op->arena, &c->service, NULL);
	struct port_row own[PORTS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < all->n; i++) {
		struct port_arg p;
		bool found = false;

		(void)port_arg_parse(all->items[i], &p);
		for (unsigned k = 0; k < l.n; k++) {
			if (!port_arg_is(&p, &l, k))
				continue;
			found = true;
			if (!k) {
				row->port = p.port;
			} else if (l.items[k].port != p.port && n < PORTS_MAX) {
				own[n] = l.items[k];
				own[n++].port = p.port;
			}
		}
		if (!found) {
			return diag_set(reterr, -EINVAL,
			    "found '%s' for --port, expected a port of '%s': "
			    "%s",
			    all->items[i], op->targets[0].service,
			    port_list_text(op->arena, &l));
		}
	}
	row->ports = registry_ports_text(op->arena, own, n);
	return 0;
}

static int put_instance(
    struct operation *op, const struct census *c, struct diag *reterr)
{
	const struct registrar_options *o = op->options;
	struct instance_row row = { .zone = op->targets[0].zone,
		.service = op->targets[0].service,
		.name = op->targets[0].instance,
		.address = o->run.address,
		.address6 = o->address6,
		.port = ROW_DEFAULT,
		.priority = o->priority,
		.weight = o->weight,
		.weight_warning = ROW_DEFAULT,
		.health = HEALTH_PASSING,
		.mode = MODE_ACTIVE,
		.lease_until_wall_ms =
		    o->lease_ms ? op->now_wall_ms + o->lease_ms : 0,
		.tags = conf_strings_json(op->arena, &o->tags),
		.meta = said_meta(op),
		.source = SOURCE,
		.since_wall_ms = op->now_wall_ms };
	int error = take_ports(op, c, &row, reterr);

	return error < 0 ? error : registry_put_instance(op->reg, &row, reterr);
}

/* Its checks go on where the definition says that it is. */
static void remark_address(struct operation *op, const struct census *c)
{
	if (!c->source || strncmp(c->source, "registrar/", 10) != 0 ||
	    !strcmp(c->address, op->options->run.address))
		return;
	op->remark = arena_printf(op->arena,
	    "'%s/%s': its checks look at %s, as '%s' says",
	    op->targets[0].service, op->targets[0].instance, c->address,
	    c->definition);
}

static int prepare(struct operation *op, struct diag *reterr)
{
	struct census c = { .instance = op->targets[0].instance,
		.arena = op->arena };
	int error =
	    count(op, op->targets[0].zone, op->targets[0].service, &c, reterr);

	if (error == -ENOENT) {
		error = put_service(op, &c, reterr);
	} else if (error == 0) {
		error = check_service(op, &c, reterr);
	}
	if (error == 0)
		error = check_source(op, c.source, reterr);
	op->is_new = !c.source;
	remark_address(op, &c);
	return error < 0 ? error : put_instance(op, &c, reterr);
}

static int report(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr)
{
	const char *state = row->mode == MODE_ACTIVE ? health_name(row->health)
	                                             : mode_name(row->mode);

	(void)arg;
	operation_changed(op, row, op->is_new ? "new" : state,
	    op->is_new ? state : "registered again");
	if (!op->is_new && row->lease_until_wall_ms)
		return 0; /* a renewal: many of them say nothing new */
	return operation_note(op, row, "registered", reterr);
}

/* What the operator may not expect. */
static void print_remarks(const struct operation *op)
{
	if (op->remark)
		(void)fprintf(stderr, "registrar: %s\n", op->remark);
	if (!op->options->ports.n && op->services[0].port == ROW_DEFAULT) {
		(void)fprintf(stderr,
		    "registrar: '%s/%s' has no port, and neither has its "
		    "service: clients of SRV cannot use it; see --port\n",
		    op->targets[0].service, op->targets[0].instance);
	}
}

int command_register(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct arena *a = arena_new();
	struct operation op;
	struct diag why;
	int error = operation_start(&op, o, rest->items, rest->n, a, &why);

	if (error == 0 && !op.targets[0].instance) {
		error = diag_set(&why, -EINVAL,
		    "found '%s', expected SERVICE/INSTANCE", rest->items[0]);
	}
	op.prepare = prepare;
	if (error == 0)
		error = operation_run(&op, report, NULL, &why);
	if (error == 0) {
		operation_print(&op);
		print_remarks(&op);
	}
	operation_end(&op);
	arena_free(a);
	return operation_exit(error, &why);
}

/* ---- deregister -------------------------------------------------------- */

/* A service that we made goes with its last instance. */
static int sweep(
    struct operation *op, const struct instance_row *row, struct diag *reterr)
{
	struct census c = { .n = 0 };
	int error;

	if (strcmp(operation_service(op, row)->source, SOURCE) != 0)
		return 0;
	error = count(op, row->zone, row->service, &c, reterr);
	if (error < 0 || c.n)
		return error;
	return registry_withdraw_service_of(
	    op->reg, row->zone, row->service, SOURCE, reterr);
}

int operation_may_withdraw(
    struct operation *op, const struct instance_row *row, struct diag *reterr)
{
	if (!operation_is_defined(row) || may_take(op))
		return 0;
	return diag_set(reterr, -EINVAL,
	    "'%s/%s' is named by a definition of '%s'%s%s, which would bring "
	    "it back: remove it there, or use `registrar maintenance`; "
	    "--take-over withdraws it all the same",
	    row->service, row->name, row->source, row->definition ? ", " : "",
	    row->definition ? row->definition : "");
}

/* Rows of one service lie together, unless it is named twice. */
static bool is_last(const struct operation *op, const struct instance_row *row)
{
	const struct instance_row *next = row + 1;

	return next == op->rows + op->n ||
	       strcmp(next->service, row->service) != 0 ||
	       strcmp(next->zone, row->zone) != 0;
}

int operation_withdraw(struct operation *op, const struct instance_row *row,
    void *arg, struct diag *reterr)
{
	const char *reason = op->options->reason;
	int error = operation_may_withdraw(op, row, reterr);

	(void)arg;
	if (error < 0)
		return error;
	error = operation_note(op, row,
	    arena_printf(op->arena, "deregistered%s%s", reason ? ": " : "",
	        reason ? reason : ""),
	    reterr);
	if (error == 0) {
		error = registry_withdraw_instance(
		    op->reg, row->zone, row->service, row->name, reterr);
	}
	struct eligible_facts f = eligible_facts(row);
	struct eligible e = eligible_judge(&f, op->now_wall_ms);

	operation_changed(op, row,
	    e.why == ELIGIBLE_EXPIRED  ? eligible_why_name(e.why)
	    : row->mode == MODE_ACTIVE ? health_name(row->health)
	                               : mode_name(row->mode),
	    "gone");
	return error < 0 || !is_last(op, row) ? error : sweep(op, row, reterr);
}

int command_deregister(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct arena *a = arena_new();
	struct operation op;
	struct diag why;
	int error = operation_start(&op, o, rest->items, rest->n, a, &why);

	if (error == 0)
		error = operation_run(&op, operation_withdraw, NULL, &why);
	if (error == 0)
		operation_print(&op);
	operation_end(&op);
	arena_free(a);
	return operation_exit(error, &why);
}
