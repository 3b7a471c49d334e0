// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who may be in is in the report (schema/eligible.h); here are the words for
 * it, and the order in which dnsd draws: by priority, and weight 0 after the
 * others of its priority.
 */
#include "registrar/report/explain.h"

#include "registrar/lib/wall.h"

#include <stdlib.h>
#include <string.h>

static const char *const type_names[EXPLAIN_TYPE_N] = {
	[EXPLAIN_SRV] = "SRV",
	[EXPLAIN_A] = "A",
	[EXPLAIN_AAAA] = "AAAA",
};

const char *explain_type_name(enum explain_type t)
{
	return type_names[t];
}

static void add(struct explain_instance *x, const char *code, const char *text)
{
	if (x->reason_n == EXPLAIN_REASON_MAX)
		return;
	x->reasons[x->reason_n++] =
	    (struct explain_reason){ .code = code, .text = text };
}

/* ---- one instance ------------------------------------------------------ */

/* "critical for 3m12s, since 2026-11-23 07:12:03 UTC" */
static const char *lasting(
    const struct explain *e, const struct instance_row *row, const char *state)
{
	return arena_printf(e->arena, "%s for %s, since %s", state,
	    wall_since(e->arena, e->report->now_wall_ms, row->since_wall_ms),
	    wall_text(e->arena, row->since_wall_ms));
}

/* What the checks that speak against it said last. */
static void add_checks(struct explain *e, struct explain_instance *x)
{
	unsigned before = x->reason_n;

	for (unsigned k = 0; k < x->i->check_n; k++) {
		const struct check_row *c =
		    &e->report->checks[x->i->check_0 + k].row;

		if (c->status == HEALTH_PASSING)
			continue;
		add(x, "check",
		    arena_printf(e->arena, "check %s: %s: %s (for %s)", c->name,
		        health_name(c->status),
		        c->output && *c->output ? c->output : "no output",
		        wall_since(e->arena, e->report->now_wall_ms,
		            c->since_wall_ms)));
	}
	if (x->reason_n == before && x->i->row.reason && *x->i->row.reason)
		add(x, "reason", x->i->row.reason);
}

/* It is critical, but may be so by its flapping alone. */
static void judge_damping(struct explain *e, struct explain_instance *x)
{
	const struct damping_row *d = &x->i->row.damping;

	if (!d->until_wall_ms)
		return;
	add(x, "damped",
	    arena_printf(e->arena,
	        "it flaps: held back until %s, if it stays calm",
	        wall_text(e->arena, d->until_wall_ms)));
}

static void judge_health(struct explain *e, struct explain_instance *x)
{
	static const char *const meanings[HEALTH_N] = {
		[HEALTH_STARTING] = ": its checks have not passed yet",
		[HEALTH_PASSING] = "",
		[HEALTH_WARNING] = "",
		[HEALTH_CRITICAL] = "",
		[HEALTH_DEAD] = ": its process is gone",
	};
	const struct instance_row *row = &x->i->row;
	const char *state = health_name(row->health);

	if (row->health == HEALTH_PASSING)
		return;
	add(x, state,
	    arena_printf(e->arena, "%s%s", lasting(e, row, state),
	        meanings[row->health]));
	judge_damping(e, x);
	add_checks(e, x);
}

static void judge_drain(struct explain *e, struct explain_instance *x)
{
	const struct drain_row *d = &x->i->row.drain;
	int64_t now = e->report->now_wall_ms;

	if (!d->until_wall_ms)
		return;
	add(x, "drain", status_drain(e->arena, &x->i->row, now));
	if (d->deadline_wall_ms > now) {
		add(x, "deadline",
		    arena_printf(e->arena, "its deadline is in %s",
		        wall_age(e->arena, d->deadline_wall_ms - now)));
	}
}

static void judge_mode(
    struct explain *e, struct explain_instance *x, const struct explain_note *n)
{
	const struct instance_row *row = &x->i->row;
	bool drained = eligible_is_drained(row, e->report->now_wall_ms);
	const char *state = drained ? "drained" : mode_name(row->mode);
	bool eases = row->mode == MODE_DRAINING && !drained;

	if (row->mode == MODE_ACTIVE)
		return;
	add(x, state,
	    arena_printf(e->arena, "%s%s, %s",
	        lasting(e, row, mode_name(row->mode)),
	        eases ? ": weight 0 in SRV, in no A or AAAA" : ": in no answer",
	        "until `registrar resume`"));
	judge_drain(e, x);
	if (n) {
		add(x, "note",
		    arena_printf(e->arena, "set by %s%s%s", n->source,
		        *n->reason ? ": " : "", n->reason));
	}
}

static void judge_lease(struct explain *e, struct explain_instance *x)
{
	int64_t until = x->i->row.lease_until_wall_ms;
	int64_t now = e->report->now_wall_ms;

	if (!until)
		return;
	if (x->i->eligible.why != ELIGIBLE_EXPIRED) {
		add(x, "lease",
		    arena_printf(e->arena, "its lease ends in %s",
		        wall_age(e->arena, until - now)));
		return;
	}
	add(x, "expired",
	    arena_printf(e->arena,
	        "its lease ran out %s ago, at %s: whoever registered it (%s) "
	        "has not renewed it",
	        wall_since(e->arena, now, until), wall_text(e->arena, until),
	        x->i->row.source));
}

/* Whose word it is, and of when. */
static void judge_host(struct explain *e, struct explain_instance *x)
{
	const char *node = x->i->row.node;
	const char *heard = told_host_heard(&e->report->told, node);

	if (!*node)
		return;
	add(x, "host",
	    arena_printf(e->arena, "it is what host %s says%s%s", node,
	        heard ? ", which was there " : "", heard ? heard : ""));
}

static void judge(
    struct explain *e, struct explain_instance *x, const struct explain_note *n)
{
	const struct instance_row *row = &x->i->row;

	x->types = x->i->eligible.types;
	x->weight = eligible_weight(row);
	judge_host(e, x);
	judge_lease(e, x);
	judge_mode(e, x, n);
	judge_health(e, x);
	if (x->i->eligible.why == ELIGIBLE_ADMITTED) {
		add(x, "on_empty",
		    "answered all the same: nobody is healthy, and on_empty is "
		    "all");
	}
}

/* ---- all of them ------------------------------------------------------- */

static int by_rank(const void *a, const void *b)
{
	const struct explain_instance *const *x = a, *const *y = b;
	int px = (*x)->i->row.priority, py = (*y)->i->row.priority;

	if (px != py)
		return px < py ? -1 : 1;
	return (int)((*x)->weight == 0) - (int)((*y)->weight == 0);
}

static void count_ahead(
    struct explain *e, struct explain_instance **order, enum explain_type t)
{
	unsigned bit = 1u << t, before = 0;

	for (unsigned k = 0; k < e->service->instance_n; k++) {
		if (k && by_rank(&order[k - 1], &order[k]) != 0)
			before = e->n[t];
		order[k]->ahead[t] = before;
		e->n[t] += order[k]->types & bit ? 1 : 0;
	}
}

static void rank(struct explain *e)
{
	unsigned n = e->service->instance_n;
	struct explain_instance **order =
	    arena_alloc(e->arena, n + 1, sizeof(struct explain_instance *));

	for (unsigned k = 0; k < n; k++)
		order[k] = &e->instances[k];
	qsort(order, n, sizeof(struct explain_instance *), by_rank);
	for (unsigned t = 0; t < EXPLAIN_TYPE_N; t++)
		count_ahead(e, order, (enum explain_type)t);
}

/* ---- what else there is to know of one that is in ----------------------- */

/* Addresses in a datagram; opt: octets of it that are none. */
static unsigned fitting(
    const struct explain *e, enum explain_type t, size_t octets, size_t opt)
{
	const struct service_row *s = &e->service->row;
	size_t header = 12, question = strlen(s->name) + strlen(s->zone) + 7;
	size_t record = t == EXPLAIN_A ? 16 : 28;

	return (unsigned)((octets - header - question - opt) / record);
}

/* How many of them there are depends on the client alone. */
static void add_size(
    struct explain *e, struct explain_instance *x, enum explain_type t)
{
	unsigned plain = fitting(e, t, 512, 0);
	unsigned large = fitting(e, t, 1232, 11), n = e->n[t];
	bool is_large = n > large;

	if (n <= plain)
		return;
	add(x, "size",
	    arena_printf(e->arena,
	        "not in every %s answer by UDP%s: %u of %u fit into %s, "
	        "drawn by weight, the same ones for a client's network "
	        "for a minute",
	        type_names[t], e->max_answers ? "" : ", where TC says so",
	        is_large ? large : plain, n,
	        is_large ? "1232 octets"
	                 : "the 512 octets of clients without EDNS"));
}

static void add_limit(
    struct explain *e, struct explain_instance *x, enum explain_type t)
{
	unsigned max = e->max_answers;

	if (!(x->types & 1u << t))
		return;
	if (!max || e->n[t] <= max) {
		add_size(e, x, t);
		return;
	}
	if (x->ahead[t] >= max) {
		x->types &= ~(1u << t);
		add(x, "beyond",
		    arena_printf(e->arena,
		        "in no %s answer: %u others come before it, by "
		        "priority or weight, and an answer holds %u "
		        "(max_answers)",
		        type_names[t], x->ahead[t], max));
		return;
	}
	add(x, "sampled",
	    arena_printf(e->arena,
	        "not in every %s answer: each holds %u of %u, drawn by weight "
	        "(max_answers)",
	        type_names[t], max, e->n[t]));
}

static void remark(struct explain *e, struct explain_instance *x)
{
	const struct instance_row *row = &x->i->row;
	bool draining = row->mode == MODE_DRAINING;

	if (!x->types)
		return;
	if (row->port == ROW_DEFAULT && e->service->row.port == ROW_DEFAULT) {
		add(x, "port",
		    "no port is known: SRV says 0, clients cannot use it");
	}
	if (row->ramp_percent && !draining) {
		add(x, "slow_start",
		    arena_printf(e->arena,
		        "it starts slowly: %d %% of its weight so far",
		        row->ramp_percent));
	}
	if (!x->weight && !draining) {
		add(x, "weight",
		    "weight 0: comes after all others of its priority");
	}
	if (x->ahead[EXPLAIN_SRV] && x->weight) {
		add(x, "priority",
		    arena_printf(e->arena,
		        "priority %d: clients use it once the %u before it "
		        "fail",
		        row->priority, x->ahead[EXPLAIN_SRV]));
	}
	for (unsigned t = EXPLAIN_A; t < EXPLAIN_TYPE_N; t++)
		add_limit(e, x, (enum explain_type)t);
}

static const struct explain_note *find_note(
    const struct explain_note *notes, unsigned n, const char *instance)
{
	for (unsigned k = 0; k < n; k++) {
		if (strcmp(notes[k].instance, instance) == 0)
			return &notes[k];
	}
	return NULL;
}

void explain_service(struct explain *ret_e, const struct status_report *report,
    unsigned max_answers, const struct explain_note *notes, unsigned note_n,
    struct arena *a)
{
	const struct status_service *s = &report->services[0];
	struct explain e = { .report = report, .service = s, .arena = a };

	e.max_answers = s->row.max_answers == ROW_DEFAULT
	                    ? max_answers
	                    : (unsigned)s->row.max_answers;
	e.instances =
	    arena_alloc(a, s->instance_n + 1, sizeof(struct explain_instance));
	for (unsigned k = 0; k < s->instance_n; k++) {
		e.instances[k].i = &report->instances[s->instance_0 + k];
		judge(&e, &e.instances[k],
		    find_note(notes, note_n, e.instances[k].i->row.name));
	}
	rank(&e);
	for (unsigned k = 0; k < s->instance_n; k++)
		remark(&e, &e.instances[k]);
	*ret_e = e;
}

const char *explain_empty(const struct explain *e, enum explain_type t)
{
	if (e->service->row.on_empty == ON_EMPTY_NXDOMAIN && !e->n[EXPLAIN_SRV])
		return "NXDOMAIN: the name does not exist (on_empty: nxdomain)";
	if (e->service->row.on_empty == ON_EMPTY_ALL && !e->n[EXPLAIN_SRV]) {
		return "no records (NODATA): on_empty is all, but none is left "
		       "that is not dead, expired, draining or in maintenance";
	}
	if (t != EXPLAIN_SRV && e->n[EXPLAIN_SRV])
		return "no records (NODATA)";
	return "no records (NODATA, on_empty: nodata)";
}
