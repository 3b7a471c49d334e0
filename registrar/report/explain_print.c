// SPDX-License-Identifier: BSD-2-Clause
/*
 * A line says how many are in; then a paragraph for each instance, those that
 * are out first, since they are what is asked about.
 */
#include "registrar/lib/json.h"
#include "registrar/report/explain.h"
#include "registrar/report/ports.h"

#include <string.h>

/* "SRV and A": joined by a word */
static const char *types_text(struct arena *a, unsigned types, const char *word)
{
	const char *text = "";

	for (unsigned t = 0; t < EXPLAIN_TYPE_N; t++) {
		if (!(types & 1u << t))
			continue;
		bool last = !(types >> (t + 1));

		text = arena_printf(a, "%s%s%s", text,
		    !*text ? ""
		    : last ? word
		           : ", ",
		    explain_type_name((enum explain_type)t));
	}
	return text;
}

/* "in SRV and A, not AAAA" */
static const char *parts_text(struct arena *a, unsigned in, unsigned out)
{
	return arena_printf(a, "    in %s, not %s", types_text(a, in, " and "),
	    types_text(a, out, " or "));
}

/* Where it is printed, and how. */
struct page {
	FILE *f;
	const struct status_style *style;
};

/* With its number of the port that is asked about. */
static int port_of(const struct explain *e, const struct instance_row *row)
{
	const struct port_list l =
	    port_list_of(e->arena, &e->service->row, row);

	return e->port
	           ? port_list_find(&l, e->port->name, e->port->protocol)->port
	           : l.items[0].port;
}

static void put_line(const struct page *p, const char *text)
{
	status_put_wrapped(
	    p->f, p->style, (unsigned)strspn(text, " ") + 4, text);
}

/* In green, in red: is it in? */
static void put_toned_line(const struct page *p, bool good, const char *text)
{
	bool on = p->style->colour;

	(void)fputs(!on ? "" : good ? "\033[32m" : "\033[1;31m", p->f);
	put_line(p, text);
	(void)fputs(on ? "\033[0m" : "", p->f);
}

/* As far as is known. */
static bool is_served(const struct explain *e)
{
	return told_served(&e->report->told, e->service->row.zone) !=
	       TOLD_NOT_SERVED;
}

static void print_instance(const struct page *p, const struct explain *e,
    const struct explain_instance *x, unsigned types)
{
	const struct instance_row *row = &x->i->row;
	unsigned in = x->types & types;

	(void)fputc('\n', p->f);
	put_toned_line(p, in != 0,
	    arena_printf(e->arena, "%s %s  %s  weight %d%s",
	        !in            ? "OUT"
	        : is_served(e) ? "in "
	                       : "(in)",
	        row->name, status_address_port(e->arena, row, port_of(e, row)),
	        x->weight,
	        row->priority
	            ? arena_printf(e->arena, " priority %d", row->priority)
	            : ""));
	if (in && in != types) {
		put_line(p, parts_text(e->arena, in, types & ~in));
	}
	for (unsigned k = 0; k < x->reason_n; k++) {
		put_line(
		    p, arena_printf(e->arena, "    %s", x->reasons[k].text));
	}
	if (!in && x->types) {
		put_line(p, parts_text(e->arena, x->types, types));
	}
}

static bool is_asked(const struct explain_instance *x, const char *instance)
{
	return !instance || strcmp(instance, x->i->row.name) == 0;
}

/* Why the name that was asked for has nothing of it; NULL: it has. */
static const char *empty_text(const struct explain *e, enum explain_type t)
{
	if (e->own_name)
		return e->own_types & 1u << t ? NULL : "no records (NODATA)";
	return e->n[t] ? NULL : explain_empty(e, t);
}

/* Then comes what the service's name would have of it. */
static void print_own_head(
    const struct page *p, const struct explain *e, unsigned types)
{
	for (unsigned t = 0; t < EXPLAIN_TYPE_N; t++) {
		if (!(types & 1u << t))
			continue;
		const char *empty = empty_text(e, (enum explain_type)t);

		put_line(p,
		    arena_printf(e->arena, "%s %s: %s", e->own_name,
		        explain_type_name((enum explain_type)t),
		        empty ? empty
		              : "resolves whatever its health, mode or lease"));
	}
	(void)fputc('\n', p->f);
	put_line(p, arena_printf(e->arena, "in answers of %s.%s:",
	                e->service->row.name, e->service->row.zone));
}

static void print_head(
    const struct page *p, const struct explain *e, unsigned types)
{
	const struct service_row *s = &e->service->row;
	const char *unserved = is_served(e) ? "" : "not answered here; ";
	const char *owner =
	    e->port_owner ? e->port_owner
	                  : arena_printf(e->arena, "%s.%s", s->name, s->zone);

	for (unsigned t = 0; t < EXPLAIN_TYPE_N; t++) {
		if (!(types & 1u << t))
			continue;
		put_line(p,
		    arena_printf(e->arena, "%s %s: %s%u of %u instances%s%s",
		        owner, explain_type_name((enum explain_type)t),
		        unserved, e->n[t], e->service->instance_n,
		        e->n[t] ? "" : ": ",
		        e->n[t] ? "" : explain_empty(e, (enum explain_type)t)));
	}
}

void explain_print(FILE *f, const struct explain *e,
    const struct status_style *style, unsigned types, const char *instance)
{
	const struct page p = { f, style };

	status_print_told(f, &e->report->told, style);
	if (e->own_name) {
		print_own_head(&p, e, types);
	} else {
		print_head(&p, e, types);
	}
	status_print_others(
	    f, e->arena, e->report, e->service, "does not count: ");
	for (int in = 0; in < 2; in++) {
		for (unsigned k = 0; k < e->service->instance_n; k++) {
			const struct explain_instance *x = &e->instances[k];

			if (is_asked(x, instance) &&
			    ((x->types & types) != 0) == in)
				print_instance(&p, e, x, types);
		}
	}
}

static json_t *instance_json(
    const struct explain *e, const struct explain_instance *x, unsigned types)
{
	json_t *o = json_must(json_object()), *all = json_must(json_array());
	const struct instance_row *row = &x->i->row;

	json_set(o, "name", json_text(row->name));
	json_set(o, "in", status_types_json(x->types & types));
	json_set(o, "why", json_text(eligible_why_name(x->i->eligible.why)));
	json_set(o, "state", json_text(status_state(x->i)));
	json_set(o, "since_wall_ms", json_integer(row->since_wall_ms));
	json_set(o, "port", json_number(port_of(e, row)));
	json_set(o, "priority", json_integer(row->priority));
	json_set(o, "weight", json_integer(x->weight));
	for (unsigned k = 0; k < x->reason_n; k++) {
		json_t *r = json_must(json_object());

		json_set(r, "code", json_text(x->reasons[k].code));
		json_set(r, "text", json_text(x->reasons[k].text));
		json_array_append_new(all, r);
	}
	json_set(o, "reasons", all);
	return o;
}

void explain_print_json(
    FILE *f, const struct explain *e, unsigned types, const char *instance)
{
	json_t *o = json_must(json_object()), *all = json_must(json_array());
	json_t *answers = json_must(json_object());
	const struct service_row *s = &e->service->row;

	json_set(o, "now_wall_ms", json_integer(e->report->now_wall_ms));
	json_set(o, "zone", json_text(s->zone));
	json_set(o, "service", json_text(s->name));
	json_set(o, "protocol", json_text(s->protocol));
	const struct port_list ports = port_list_of(e->arena, s, NULL);

	json_set(o, "ports", port_list_json(&ports));
	json_set(o, "on_empty", json_text(on_empty_name(s->on_empty)));
	json_set(o, "max_answers",
	    e->max_answers < UINT16_MAX ? json_integer(e->max_answers)
	                                : json_must(json_null()));
	json_set(o, "own_name", json_text(e->own_name));
	json_set(o, "served", status_served_json(&e->report->told, s->zone));
	json_t *told = status_told_json(&e->report->told);

	(void)json_object_update(o, told);
	json_decref(told);
	for (unsigned t = 0; t < EXPLAIN_TYPE_N; t++) {
		enum explain_type type = (enum explain_type)t;
		json_t *one = json_must(json_object());

		if (!(types & 1u << t)) {
			json_decref(one);
			continue;
		}
		bool own = e->own_types & 1u << t;

		json_set(one, "instances_n",
		    json_integer(e->own_name ? own : e->n[t]));
		json_set(one, "empty", json_text(empty_text(e, type)));
		json_set(answers, explain_type_name(type), one);
	}
	json_set(o, "answers", answers);
	for (unsigned k = 0; k < e->service->instance_n; k++) {
		if (is_asked(&e->instances[k], instance)) {
			json_array_append_new(
			    all, instance_json(e, &e->instances[k], types));
		}
	}
	json_set(o, "instances", all);
	(void)json_dumpf(o, f, JSON_INDENT(2));
	(void)fputc('\n', f);
	json_decref(o);
}
