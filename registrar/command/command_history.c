// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar history: what happened to instances, and how they were at a time.
 *
 * A state at a time is the last one written before it; where history reaches
 * back less far, the one that the oldest row found; where there is no row,
 * the present one. Order is that of ids: clocks may have been set back.
 */
#include "registrar/command/commands.h"
#include "registrar/lib/json.h"
#include "registrar/lib/wall.h"
#include "registrar/report/status.h"
#include "registrar/report/target.h"
#include "registrar/report/unknown.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct past {
	FILE *out;
	const struct registrar_options *options;
	struct arena *arena;
	struct target target;              /* service NULL: all of the zone */
	int64_t since_wall_ms, at_wall_ms; /* 0: not asked */
	struct history_row *rows;          /* owned */
	unsigned n, max;
};

#define ID_PRESENT INT64_MAX /* of the row that is there now */

/* ---- reading ----------------------------------------------------------- */

static const char *copy(struct past *p, const char *s)
{
	return s ? arena_strdup(p->arena, s) : NULL;
}

static void on_row(void *arg, const struct history_row *row)
{
	struct past *p = arg;

	if (p->target.instance &&
	    strcmp(p->target.instance, row->instance) != 0)
		return;
	if (row->at_wall_ms < p->since_wall_ms ||
	    (!p->at_wall_ms && p->n >= (unsigned)p->options->limit))
		return;
	if (p->n == p->max) {
		p->max = p->max ? 2 * p->max : 64;
		p->rows = xreallocarray(p->rows, p->max, sizeof(*p->rows));
	}
	p->rows[p->n++] = (struct history_row){
		.id = row->id,
		.at_wall_ms = row->at_wall_ms,
		.zone = p->target.zone,
		.service = copy(p, row->service),
		.instance = copy(p, row->instance),
		.was = copy(p, row->was),
		.now = copy(p, row->now),
		.source = copy(p, row->source),
		.reason = copy(p, row->reason),
	};
}

static void add_present(struct past *p, const struct status_report *report)
{
	for (unsigned k = 0; k < report->instance_n; k++) {
		const struct instance_row *i = &report->instances[k].row;
		const char *state = i->mode == MODE_ACTIVE
		                        ? health_name(i->health)
		                        : mode_name(i->mode);
		const struct history_row row = { .id = ID_PRESENT,
			.at_wall_ms = INT64_MAX,
			.service = i->service,
			.instance = i->name,
			.was = state,
			.now = state,
			.source = i->source };

		if (strcmp(i->zone, p->target.zone) == 0)
			on_row(p, &row);
	}
}

/* -ENOENT if a service was asked for that is in neither. */
static int load(struct past *p, struct diag *reterr)
{
	const struct registrar_options *o = p->options;
	bool narrow = p->target.instance || p->since_wall_ms || p->at_wall_ms;
	struct status_report report;
	struct registry *reg;
	int error = registry_open(o->run.registry, REGISTRY_READ, &reg, reterr);

	if (error < 0)
		return error;
	error = registry_read_history(reg, p->target.zone, p->target.service,
	    narrow ? UINT_MAX : (unsigned)o->limit, on_row, p, reterr);
	registry_close(reg);
	if (error < 0 || (p->n && !p->at_wall_ms))
		return error;
	error = status_load(o->run.registry, p->target.zone, p->target.service,
	    clock_wall_ms(), &report, reterr);
	if (error == 0) {
		unsigned before = p->n;

		add_present(p, &report);
		status_release(&report);
		/* neither now nor ever */
		if (!p->n && p->target.instance && !p->since_wall_ms) {
			return unknown_in(
			    o->run.registry, &p->target, -EINVAL, reterr);
		}
		if (!p->at_wall_ms)
			p->n = before;
	} else if (error == -ENOENT && p->n) {
		error = 0; /* it is gone, but was there */
	}
	return error;
}

/* ---- at a time --------------------------------------------------------- */

static int by_instance(const void *a, const void *b)
{
	const struct history_row *x = a, *y = b;
	int order = strcmp(x->service, y->service);

	if (order == 0)
		order = strcmp(x->instance, y->instance);
	if (order)
		return order;
	return x->id < y->id ? -1 : x->id > y->id;
}

static bool is_same(const struct history_row *a, const struct history_row *b)
{
	return !strcmp(a->service, b->service) &&
	       !strcmp(a->instance, b->instance);
}

/* Of the n rows of one instance, oldest first; now is NULL if it was not. */
static struct history_row state_at(
    const struct history_row *rows, unsigned n, int64_t at_wall_ms)
{
	struct history_row found = rows[0];
	bool before = false;

	for (unsigned k = 0; k < n; k++) {
		bool is_note = rows[k].was && rows[k].now &&
		               !strcmp(rows[k].was, rows[k].now);

		if (rows[k].at_wall_ms > at_wall_ms || (before && is_note))
			continue;
		found = rows[k];
		before = true;
	}
	if (!before) {
		found.now = found.was;
		found.at_wall_ms = 0; /* unknown */
		found.reason = NULL;
	}
	return found;
}

/* Leaves one row for each instance that was there, with its state in now. */
static void reduce(struct past *p)
{
	unsigned kept = 0, end;

	if (p->n)
		qsort(p->rows, p->n, sizeof(*p->rows), by_instance);
	for (unsigned k = 0; k < p->n; k = end) {
		for (end = k + 1;
		     end < p->n && is_same(&p->rows[k], &p->rows[end]); end++)
			;
		struct history_row row =
		    state_at(&p->rows[k], end - k, p->at_wall_ms);

		if (row.now)
			p->rows[kept++] = row;
	}
	p->n = kept;
}

/* ---- output ------------------------------------------------------------ */

static const char *row_text(struct past *p, const struct history_row *r)
{
	struct arena *a = p->arena;
	const char *reason =
	    r->reason && *r->reason ? arena_printf(a, ": %s", r->reason) : "";

	if (p->at_wall_ms) {
		return arena_printf(a, "%s/%s  %s%s%s%s", r->service,
		    r->instance, r->now, r->at_wall_ms ? " since " : "",
		    r->at_wall_ms ? wall_text(a, r->at_wall_ms) : "", reason);
	}
	const char *head = arena_printf(a, "%s  %s/%s",
	    wall_text(a, r->at_wall_ms), r->service, r->instance);

	if (!r->was || !r->now) {
		return arena_printf(a, "%s  %s %s%s", head,
		    r->was ? "gone, was" : "new,",
		    r->was   ? r->was
		    : r->now ? r->now
		             : "",
		    reason);
	}
	if (strcmp(r->was, r->now) == 0) {
		return arena_printf(a, "%s  %s, by %s%s", head, r->now,
		    r->source ? r->source : "", reason);
	}
	return arena_printf(a, "%s  %s -> %s%s", head, r->was, r->now, reason);
}

static json_t *row_json(const struct history_row *r)
{
	json_t *o = json_must(json_object());

	json_set(o, "at_wall_ms",
	    r->at_wall_ms ? json_integer(r->at_wall_ms) : json_null());
	json_set(o, "zone", json_text(r->zone));
	json_set(o, "service", json_text(r->service));
	json_set(o, "instance", json_text(r->instance));
	json_set(o, "was", json_text(r->was));
	json_set(o, "now", json_text(r->now));
	json_set(o, "source", json_text(r->source));
	json_set(o, "reason", json_text(r->reason));
	return o;
}

/* By what it became; notes stay plain. */
static const char *colour_of(
    const struct status_style *style, const struct history_row *r)
{
	const char *now = r->now ? r->now : "";

	if (!style->colour || (r->was && !strcmp(r->was, now)))
		return "";
	if (!strcmp(now, "passing"))
		return "\033[32m";
	if (!strcmp(now, "warning"))
		return "\033[33m";
	return !strcmp(now, "critical") || !strcmp(now, "dead") ? "\033[1;31m"
	                                                        : "";
}

static void print(struct past *p)
{
	const struct status_style style = status_style_of(p->out);

	if (p->options->json) {
		json_t *all = json_must(json_array());

		for (unsigned k = 0; k < p->n; k++)
			json_array_append_new(all, row_json(&p->rows[k]));
		(void)json_dumpf(all, p->out, JSON_INDENT(2));
		(void)fputc('\n', p->out);
		json_decref(all);
		return;
	}
	for (unsigned k = 0; k < p->n; k++) {
		(void)fputs(colour_of(&style, &p->rows[k]), p->out);
		status_put_wrapped(p->out, &style, 4, row_text(p, &p->rows[k]));
		(void)fputs(style.colour ? "\033[0m" : "", p->out);
	}
}

/* ---- the command ------------------------------------------------------- */

static int parse_time(const char *flag, const char *text, int64_t *ret_wall_ms,
    struct diag *reterr)
{
	*ret_wall_ms = 0;
	if (!text || wall_parse(text, clock_wall_ms(), ret_wall_ms) == 0)
		return 0;
	return diag_set(reterr, -EINVAL, "found '%s' for %s, expected %s", text,
	    flag, WALL_RULE);
}

int history_write(FILE *out, FILE *err, const struct registrar_options *o,
    const struct conf_strings *rest)
{
	struct past p = { .out = out, .options = o, .arena = arena_new() };
	struct diag why;
	int code = EXIT_DONE;
	int error = parse_time("--since", o->since, &p.since_wall_ms, &why);

	p.target.zone = o->run.zone;
	if (error == 0)
		error = parse_time("--at", o->at, &p.at_wall_ms, &why);
	if (error == 0 && rest->n) {
		error = target_parse(
		    rest->items[0], o->run.zone, p.arena, &p.target, &why);
	}
	if (error == 0)
		error = load(&p, &why);
	if (error == 0) {
		if (p.at_wall_ms)
			reduce(&p);
		print(&p);
	} else {
		(void)fprintf(err, "registrar: %s\n", why.text);
		code =
		    error == -EINVAL || (error == -ENOENT && rest->n &&
		                            access(o->run.registry, F_OK) == 0)
		        ? EXIT_WRONG
		        : EXIT_FAILED;
	}
	free(p.rows);
	arena_free(p.arena);
	return code;
}

int command_history(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	return history_write(stdout, stderr, o, rest);
}
