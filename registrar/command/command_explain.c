// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar explain: reads a name as DNS has it, or a target, and finds the
 * service; which part of a name is the zone only the registry knows.
 */
#include "registrar/command/commands.h"
#include "registrar/report/explain.h"
#include "registrar/report/ports.h"
#include "registrar/report/target.h"
#include "registrar/report/unknown.h"
#include "schema/base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define HISTORY_ROWS 10000

struct question {
	struct arena *arena;
	FILE *out;
	const struct registrar_options *options;
	struct target target;
	const char *protocol;  /* of _S._P; NULL */
	const char *port_name; /* of _N._P.S; NULL */
	bool own;              /* I.S or I._S._P: the name of one instance */
	unsigned types;
	struct status_style style;
	struct status_report report;
	/* of those whose mode is not active */
	struct explain_note *notes;
	bool *closed;
	unsigned note_n;
};

/* ---- the name ---------------------------------------------------------- */

/* _S._P[.ZONE] */
static int parse_srv_name(
    struct question *q, const char *name, struct diag *reterr)
{
	const char *dot = strchr(name, '.');
	char *protocol =
	    dot && dot[1] == '_' ? arena_strdup(q->arena, dot + 2) : NULL;
	char *end = protocol ? strchr(protocol, '.') : NULL;

	if (!protocol) {
		return diag_set(reterr, -EINVAL,
		    "found '%s', expected _SERVICE._PROTOCOL", name);
	}
	if (end)
		*end = '\0';
	q->target.service =
	    arena_memdup(q->arena, name + 1, (size_t)(dot - name - 1));
	q->target.zone = end && end[1] ? end + 1 : q->options->run.zone;
	q->protocol = protocol;
	if (q->types == EXPLAIN_ALL)
		q->types = 1u << EXPLAIN_SRV;
	if (q->types == 1u << EXPLAIN_SRV)
		return 0;
	return diag_set(reterr, -EINVAL,
	    "'%s' has SRV records alone, expected type SRV, or the name "
	    "%s.%s for A and AAAA",
	    name, q->target.service, q->target.zone);
}

static int parse_type(struct question *q, const char *text, struct diag *reterr)
{
	q->types = EXPLAIN_ALL;
	if (!text)
		return 0;
	for (unsigned t = 0; t < EXPLAIN_TYPE_N; t++) {
		if (!strcasecmp(
		        text, explain_type_name((enum explain_type)t))) {
			q->types = 1u << t;
			return 0;
		}
	}
	return diag_set(
	    reterr, -EINVAL, "found type '%s', expected SRV, A or AAAA", text);
}

static int load(struct question *q, struct diag *reterr)
{
	return status_load(q->options->run.registry, q->target.zone,
	    q->target.service, clock_wall_ms(), &q->report, reterr);
}

/* I._S._P[.ZONE] */
static int parse_own_srv_name(
    struct question *q, const char *name, struct diag *reterr)
{
	const char *dot = strchr(name, '.');
	int error = parse_srv_name(q, dot + 1, reterr);

	q->target.instance = arena_memdup(q->arena, name, (size_t)(dot - name));
	q->own = true;
	return error;
}

/* I.S[.ZONE], after S[.ZONE] has been looked for in vain. */
static int load_instance(struct question *q, const char *name)
{
	const char *dot = strchr(name, '.');

	if (!dot || q->target.instance || q->protocol)
		return -ENOENT;
	int error = target_parse(
	    dot + 1, q->options->run.zone, q->arena, &q->target, NULL);

	q->target.instance = arena_memdup(q->arena, name, (size_t)(dot - name));
	q->own = true;
	return error < 0 ? -ENOENT : load(q, NULL);
}

/* The port that _S._P or _N._P.S is about. */
static int check_port(struct question *q, struct diag *reterr)
{
	const struct service_row *s = &q->report.services[0].row;
	const struct port_list l = port_list_of(q->arena, s, NULL);

	if (!q->protocol || port_list_find(&l, q->port_name, q->protocol))
		return 0;
	if (q->port_name) {
		return diag_set(reterr, -EINVAL,
		    "there is no such name: the ports of '%s' are %s", s->name,
		    port_list_text(q->arena, &l));
	}
	return diag_set(reterr, -EINVAL,
	    "there is no such name: '%s' has protocol '%s', ask _%s._%s.%s",
	    s->name, s->protocol, s->name, s->protocol, s->zone);
}

static int check_found(struct question *q, struct diag *reterr)
{
	const struct status_service *s = &q->report.services[0];
	int error = check_port(q, reterr);

	if (error < 0)
		return error;
	if (!q->target.instance)
		return 0;
	for (unsigned k = 0; k < s->instance_n; k++) {
		if (!strcmp(
		        q->report.instances[k].row.name, q->target.instance))
			return 0;
	}
	return unknown_in(
	    q->options->run.registry, &q->target, -EINVAL, reterr);
}

/* _N._P.S[.ZONE], after _S._P[.ZONE] has been looked for in vain. */
static int load_port(struct question *q, const char *name)
{
	const char *rest = strchr(name, '.');

	if (*name != '_' || !rest || !(rest = strchr(rest + 1, '.')))
		return -ENOENT;
	/* what was taken for the service is the port */
	q->port_name = q->target.service;
	int error = target_parse(
	    rest + 1, q->options->run.zone, q->arena, &q->target, NULL);

	return error < 0 || q->target.instance ? -ENOENT : load(q, NULL);
}

/* Lower case, no final dot. */
static char *fold(struct arena *a, const char *text)
{
	char *name = arena_strdup(a, text);
	size_t len = strlen(name);

	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (len > 1 && name[len - 1] == '.')
		name[len - 1] = '\0';
	return name;
}

static int find(struct question *q, const char *text, struct diag *reterr)
{
	const char *name = fold(q->arena, text);
	const char *dot = strchr(name, '.');
	int error;

	if (*name == '_') {
		error = parse_srv_name(q, name, reterr);
	} else if (dot && dot[1] == '_') {
		error = parse_own_srv_name(q, name, reterr);
	} else {
		error = target_parse(
		    name, q->options->run.zone, q->arena, &q->target, reterr);
	}
	if (error == 0)
		error = load(q, reterr);
	if (error == -ENOENT &&
	    (load_instance(q, name) == 0 || load_port(q, name) == 0))
		error = 0;
	return error;
}

/* ---- who set a mode ---------------------------------------------------- */

static bool is_note(const struct history_row *row)
{
	return row->was && row->now && !strcmp(row->was, row->now);
}

/*
 * Newest first. Who set a mode is in the first note after the transition into
 * it; later ones tell of other things, and what is before is of another time.
 */
static void on_history(void *arg, const struct history_row *row)
{
	struct question *q = arg;

	for (unsigned k = 0; k < q->note_n; k++) {
		struct explain_note *n = &q->notes[k];

		if (q->closed[k] || strcmp(n->instance, row->instance) != 0)
			continue;
		q->closed[k] = !is_note(row);
		/* how the drain went on, not who began it */
		if (q->closed[k] || !row->source ||
		    !strncmp(row->source, "registrar/", 10))
			continue;
		n->source = arena_strdup(q->arena, row->source);
		n->reason =
		    row->reason ? arena_strdup(q->arena, row->reason) : "";
	}
}

static void load_notes(struct question *q)
{
	const struct status_service *s = &q->report.services[0];
	struct registry *reg;
	unsigned n = 0;

	q->notes = arena_alloc(
	    q->arena, s->instance_n + 1, sizeof(struct explain_note));
	q->closed = arena_alloc(q->arena, s->instance_n + 1, sizeof(bool));
	for (unsigned k = 0; k < s->instance_n; k++) {
		const struct instance_row *row = &q->report.instances[k].row;

		if (row->mode != MODE_ACTIVE)
			q->notes[q->note_n++].instance = row->name;
	}
	/* without history the rest is as good as ever */
	if (q->note_n && registry_open(q->options->run.registry, REGISTRY_READ,
	                     &reg, NULL) == 0) {
		(void)registry_read_history(reg, s->row.zone, s->row.name,
		    HISTORY_ROWS, on_history, q, NULL);
		registry_close(reg);
	}
	for (unsigned k = 0; k < q->note_n; k++) {
		if (q->notes[k].source)
			q->notes[n++] = q->notes[k];
	}
	q->note_n = n;
}

/* ---- the answer -------------------------------------------------------- */

/* "i-1.web.svc.test", "i-1._web._tcp.svc.test" */
static void set_own_name(struct question *q, struct explain *e)
{
	const struct service_row *s = &e->service->row;
	unsigned k = 0;

	if (!q->own)
		return;
	while (strcmp(e->instances[k].i->row.name, q->target.instance) != 0)
		k++; /* check_found() saw it */
	e->own_types = eligible_facts(&e->instances[k].i->row).types;
	e->own_name =
	    q->protocol ? arena_printf(q->arena, "%s._%s._%s.%s",
	                      q->target.instance, s->name, q->protocol, s->zone)
	                : arena_printf(q->arena, "%s.%s.%s", q->target.instance,
	                      s->name, s->zone);
}

/* "_grpc._tcp.web.svc.test", "_kerberos._tcp.svc.test" */
static void set_port(struct question *q, struct explain *e)
{
	const struct service_row *s = &e->service->row;
	struct port_list l = port_list_of(q->arena, s, NULL);

	if (!q->protocol)
		return;
	e->port = port_list_find(&l, q->port_name, q->protocol);
	if (q->port_name) {
		e->port_owner = arena_printf(q->arena, "_%s._%s.%s.%s",
		    q->port_name, q->protocol, s->name, s->zone);
	} else if (e->port != l.items) {
		e->port_owner = arena_printf(
		    q->arena, "_%s._%s.%s", s->name, q->protocol, s->zone);
	}
}

/* Is what was asked for without an answer? */
static bool is_empty(const struct explain *e, const struct question *q)
{
	bool any = false;

	if (e->own_name)
		return !(e->own_types & q->types);
	for (unsigned k = 0; k < e->service->instance_n; k++) {
		const struct explain_instance *x = &e->instances[k];

		if (!q->target.instance ||
		    !strcmp(q->target.instance, x->i->row.name))
			any |= (x->types & q->types) != 0;
	}
	return !any;
}

/* Asked for everything: an AAAA that nobody could have is no news. */
static void narrow_types(struct question *q)
{
	unsigned own = 0;

	for (unsigned k = 0; k < q->report.instance_n; k++)
		own |= eligible_facts(&q->report.instances[k].row).types;
	if (q->types == EXPLAIN_ALL && own && !q->options->json)
		q->types = own;
}

static int explain(struct question *q)
{
	const struct registrar_options *o = q->options;
	struct explain e;

	narrow_types(q);
	load_notes(q);
	explain_service(&e, &q->report, (unsigned)o->max_answers, q->notes,
	    q->note_n, q->arena);
	set_own_name(q, &e);
	set_port(q, &e);
	if (o->json) {
		explain_print_json(q->out, &e, q->types, q->target.instance);
	} else {
		explain_print(
		    q->out, &e, &q->style, q->types, q->target.instance);
	}
	return is_empty(&e, q)           ? EXIT_UNHEALTHY
	       : q->report.told.doubtful ? EXIT_DOUBTFUL
	                                 : EXIT_DONE;
}

int explain_write(FILE *out, FILE *err, const struct registrar_options *o,
    const struct conf_strings *rest)
{
	struct arena *a = arena_new();
	struct question q = { .arena = a,
		.out = out,
		.options = o,
		.style = status_style_of(out) };
	struct diag why;
	int code = EXIT_FAILED;
	int error = parse_type(&q, rest->n > 1 ? rest->items[1] : NULL, &why);

	if (error == 0)
		error = find(&q, rest->items[0], &why);
	if (error == 0) {
		error = check_found(&q, &why);
		if (error == 0)
			code = explain(&q);
		status_release(&q.report);
	}
	if (error < 0) {
		(void)fprintf(err, "registrar: %s\n", why.text);
		/* no such service, if there is a registry to have it */
		code =
		    error == -EINVAL || (error == -ENOENT &&
		                            access(o->run.registry, F_OK) == 0)
		        ? EXIT_WRONG
		        : EXIT_FAILED;
	}
	arena_free(a);
	return code;
}

int command_explain(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	return explain_write(stdout, stderr, o, rest);
}
