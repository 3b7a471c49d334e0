// SPDX-License-Identifier: BSD-2-Clause
/*
 * The table: a line for each service, below it one for each instance, whose
 * columns are aligned over all services. The last column, what the checks
 * said, takes what is left of the line.
 */
#include "registrar/lib/columns.h"
#include "registrar/lib/wall.h"
#include "registrar/report/ports.h"
#include "registrar/report/status.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum column { COL_NAME, COL_ADDRESS, COL_WEIGHT, COL_STATE, COL_AGE, COL_N };

static const char *const titles[COL_N] = { "INSTANCE", "ADDRESS", "WEIGHT",
	"STATE", "SINCE" };
#define DETAIL_TITLE "LAST CHECK"
#define DETAIL_MIN 20 /* columns, however narrow the terminal */

enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_QUIET, TONE_HEAD };

static const char *const sgr[] = {
	[TONE_PLAIN] = "",
	[TONE_GOOD] = "\033[32m",
	[TONE_WARN] = "\033[33m",
	[TONE_BAD] = "\033[1;31m",
	[TONE_QUIET] = "\033[36m",
	[TONE_HEAD] = "\033[1m",
};

/* Of those of a service that are asked first: who is in SRV, at the top. */
struct weighed {
	const struct status_service *of;
	int priority;
	int64_t sum; /* of their weights; 0: they are alike, or not all known */
};

struct printer {
	FILE *f;
	const struct status_report *r;
	const struct status_style *style;
	unsigned width[COL_N];
	struct arena *arena; /* of the texts of one line */
	struct weighed weighed;
};

/* ---- style ------------------------------------------------------------ */

#define WIDTH_DEFAULT 80
#define WRAP_MIN 10 /* a line of less is of no use */

/* Colour and cutting are for people: in a pipe, all of it and plain. */
struct status_style status_style_of(FILE *f)
{
	const char *no_colour = getenv("NO_COLOR"); /* https://no-color.org */
	const char *term = getenv("TERM");
	struct winsize size = { 0 };

	if (fileno(f) < 0 || !isatty(fileno(f)))
		return (struct status_style){ 0 };
	if (ioctl(fileno(f), TIOCGWINSZ, &size) < 0 || !size.ws_col)
		size.ws_col = WIDTH_DEFAULT;
	return (struct status_style){
		.colour = !(no_colour && *no_colour) && term &&
		          strcmp(term, "dumb") != 0,
		.width = size.ws_col,
	};
}

void status_put_wrapped(FILE *f, const struct status_style *style,
    unsigned indent, const char *text)
{
	unsigned width =
	    style->width > indent + 2 * WRAP_MIN ? style->width : UINT32_MAX;
	unsigned before = 0;

	do {
		size_t n = columns_wrap(text, width - before);
		scoped_free char *line = strndup(text, n);

		if (!line)
			abort(); /* out of memory */
		(void)fprintf(f, "%*s", (int)before, "");
		status_put_safe(f, line, 0);
		(void)fputc('\n', f);
		text += n;
		text += strspn(text, " ");
		before = indent;
	} while (*text);
}

/* ---- texts ------------------------------------------------------------ */

const char *status_address(struct arena *a, const struct status_service *s,
    const struct instance_row *i)
{
	const char *text = status_address_port(
	    a, i, i->port == ROW_DEFAULT ? s->row.port : i->port);

	if (!i->ports)
		return text;
	const struct port_list of = port_list_of(a, &s->row, NULL);
	const struct port_list own = port_list_of(a, &s->row, i);
	for (unsigned k = 1; k < own.n; k++) {
		if (own.items[k].port != of.items[k].port) {
			text = arena_printf(
			    a, "%s %s", text, port_text(a, &own.items[k]));
		}
	}
	return text;
}

const char *status_address_port(
    struct arena *a, const struct instance_row *i, int port)
{
	const char *second =
	    i->address6 ? arena_printf(a, " +%s", i->address6) : "";

	if (port == ROW_DEFAULT)
		return arena_printf(a, "%s%s", i->address, second);
	if (strchr(i->address, ':'))
		return arena_printf(a, "[%s]:%d%s", i->address, port, second);
	return arena_printf(a, "%s:%d%s", i->address, port, second);
}

/* The weight in force; others of the row only where they differ. */
const char *status_weight(struct arena *a, const struct instance_row *i)
{
	int now = eligible_weight(i), full = eligible_full_weight(i);
	const char *text = now == full ? arena_printf(a, "%d", now)
	                               : arena_printf(a, "%d/%d", now, full);

	return i->priority ? arena_printf(a, "%s p%d", text, i->priority)
	                   : text;
}

/* The check that says most: the worst, of equals the first. */
static const char *checks_detail(struct arena *a, const struct status_report *r,
    const struct status_instance *i)
{
	const struct check_row *worst = NULL;

	for (unsigned k = 0; k < i->check_n; k++) {
		const struct check_row *c = &r->checks[i->check_0 + k].row;

		if (!worst ||
		    (c->status > worst->status && c->status != HEALTH_STARTING))
			worst = c;
	}
	/* its checks are not what speaks against it */
	if (worst && worst->status == HEALTH_PASSING && i->row.reason &&
	    i->row.health != HEALTH_PASSING)
		return i->row.reason;
	if (worst && worst->output && *worst->output)
		return arena_printf(a, "%s: %s", worst->name, worst->output);
	const char *reason = i->row.reason ? i->row.reason : "";

	if (!*i->row.node)
		return reason;
	return arena_printf(
	    a, "host %s%s%s", i->row.node, *reason ? ": " : "", reason);
}

const char *status_detail(struct arena *a, const struct status_report *r,
    const struct status_instance *i)
{
	const char *drain = status_drain(a, &i->row, r->now_wall_ms);
	const struct instance_row *row = &i->row;

	if (drain)
		return drain;
	const char *checks = checks_detail(a, r, i);

	/* an operator's weight: what will be when it is given back */
	if (!row->is_overridden || row->weight == row->weight_override)
		return checks;
	return arena_printf(a, "%s says weight %d%s%s",
	    strncmp(row->source, "registrar/", 10) == 0 ? "definition"
	                                                : row->source,
	    row->weight, *checks ? "; " : "", checks);
}

static enum tone tone_of(const struct status_instance *i)
{
	if (i->eligible.why == ELIGIBLE_EXPIRED)
		return TONE_BAD;
	if (i->row.drain.step == DRAIN_FAILED)
		return TONE_BAD;
	if (i->row.mode != MODE_ACTIVE)
		return TONE_QUIET;
	switch (i->row.health) {
	case HEALTH_PASSING:
		return TONE_GOOD;
	case HEALTH_WARNING:
		return TONE_WARN;
	case HEALTH_CRITICAL:
	case HEALTH_DEAD:
		return TONE_BAD;
	case HEALTH_STARTING:
	default:
		return TONE_QUIET;
	}
}

/* ---- output ----------------------------------------------------------- */

/* Columns that a terminal needs: UTF-8 sequences count as one. */
static unsigned columns(const char *s)
{
	unsigned n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void status_put_safe(FILE *f, const char *s, unsigned max)
{
	bool cut = max && columns(s) > max;
	unsigned left = cut ? max - 3 : UINT32_MAX;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		unsigned char next = (unsigned char)s[1];

		if ((c & 0xc0) != 0x80 && !left--)
			break;
		if (c < 0x20 || c == 0x7f) {
			(void)fputc(c == '\n' || c == '\t' ? ' ' : '?', f);
		} else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
			(void)fputc('?', f); /* C1, CSI among them */
			s++;
		} else {
			(void)fputc(c, f);
		}
	}
	(void)fputs(cut ? "..." : "", f);
}

static void put_toned(const struct printer *p, enum tone t, const char *s)
{
	bool on = p->style->colour && t != TONE_PLAIN;

	(void)fputs(on ? sgr[t] : "", p->f);
	status_put_safe(p->f, s, 0);
	(void)fputs(on ? "\033[0m" : "", p->f);
}

static void put_cells(const struct printer *p, const char *const cells[COL_N],
    enum tone tone_of_state)
{
	(void)fputs("  ", p->f);
	for (unsigned k = 0; k < COL_N; k++) {
		unsigned pad = p->width[k] - columns(cells[k]);
		bool right = k == COL_WEIGHT || k == COL_AGE;

		(void)fprintf(p->f, "%*s", right ? (int)pad : 0, "");
		put_toned(
		    p, k == COL_STATE ? tone_of_state : TONE_PLAIN, cells[k]);
		(void)fprintf(p->f, "%*s  ", right ? 0 : (int)pad, "");
	}
}

static unsigned detail_width(const struct printer *p)
{
	unsigned used = 2;

	for (unsigned k = 0; k < COL_N; k++)
		used += p->width[k] + 2;
	if (!p->style->width)
		return 0;
	return p->style->width > used + DETAIL_MIN ? p->style->width - used
	                                           : DETAIL_MIN;
}

/* One that drains is there for those who have nobody else. */
static bool is_chosen(const struct status_instance *i)
{
	return i->eligible.types & ELIGIBLE_SRV &&
	       i->eligible.why != ELIGIBLE_DRAINING;
}

static void weigh(struct weighed *w, const struct status_report *r,
    const struct status_service *s)
{
	int64_t low = INT64_MAX, high = 0;

	*w = (struct weighed){ .of = s, .priority = INT_MAX };
	if (s->instance_n < s->all_n)
		return;
	for (unsigned k = 0; k < s->instance_n; k++) {
		const struct status_instance *i =
		    &r->instances[s->instance_0 + k];
		int64_t weight = eligible_weight(&i->row);

		if (!is_chosen(i) || i->row.priority > w->priority)
			continue;
		if (i->row.priority < w->priority) {
			w->priority = i->row.priority;
			w->sum = high = 0;
			low = INT64_MAX;
		}
		w->sum += weight;
		low = weight < low ? weight : low;
		high = weight > high ? weight : high;
	}
	if (low == high)
		w->sum = 0;
}

/* With its share of the answers, where weights make a difference. */
static const char *weight_cell(struct printer *p,
    const struct status_service *s, const struct status_instance *i)
{
	const char *text = status_weight(p->arena, &i->row);
	struct weighed *w = &p->weighed;

	if (w->of != s)
		weigh(w, p->r, s);
	if (!w->sum || !is_chosen(i) || i->row.priority != w->priority)
		return text;
	int64_t weight = eligible_weight(&i->row);

	return arena_printf(p->arena, "%s %lld%%", text,
	    (long long)((200 * weight + w->sum) / (2 * w->sum)));
}

static void fill_cells(struct printer *p, const struct status_service *s,
    const struct status_instance *i, const char *cells[COL_N])
{
	cells[COL_NAME] = i->row.name;
	cells[COL_ADDRESS] = status_address(p->arena, s, &i->row);
	cells[COL_WEIGHT] = weight_cell(p, s, i);
	cells[COL_STATE] = status_state(i);
	cells[COL_AGE] =
	    wall_since(p->arena, p->r->now_wall_ms, i->row.since_wall_ms);
}

/* ---- services --------------------------------------------------------- */

static void print_heading(struct printer *p, const struct status_service *s)
{
	const char *name =
	    arena_printf(p->arena, "%s.%s", s->row.name, s->row.zone);
	enum tone t = s->eligible_n == s->all_n ? TONE_GOOD : TONE_WARN;

	put_toned(p, TONE_HEAD, name);
	const struct port_list ports = port_list_of(p->arena, &s->row, NULL);

	(void)fputs(" (", p->f);
	status_put_safe(p->f, port_list_text(p->arena, &ports), 0);
	(void)fputs(")  ", p->f);
	if (s->admitted_n) {
		put_toned(p, TONE_BAD,
		    arena_printf(p->arena,
		        "%u of %u in answers, though none is healthy: %s",
		        s->eligible_n, s->all_n,
		        on_empty_name(s->row.on_empty)));
	} else if (s->eligible_n) {
		put_toned(p, t,
		    arena_printf(p->arena, "%u of %u in answers", s->eligible_n,
		        s->all_n));
	} else if (s->easing_n) {
		put_toned(p, TONE_BAD,
		    arena_printf(p->arena,
		        "NONE of %u in answers but SRV, which has %u "
		        "with weight 0",
		        s->all_n, s->easing_n));
	} else {
		put_toned(p, TONE_BAD,
		    arena_printf(p->arena, "NONE of %u in answers: %s",
		        s->all_n, on_empty_name(s->row.on_empty)));
	}
	(void)fputc('\n', p->f);
}

static void print_instance(struct printer *p, const struct status_service *s,
    const struct status_instance *i)
{
	const char *cells[COL_N];

	fill_cells(p, s, i, cells);
	put_cells(p, cells, tone_of(i));
	status_put_safe(
	    p->f, status_detail(p->arena, p->r, i), detail_width(p));
	(void)fputc('\n', p->f);
}

/* Texts of one service are dropped before the next: there may be many. */
static void each_service(struct printer *p,
    void (*fn)(struct printer *p, const struct status_service *s))
{
	for (unsigned k = 0; k < p->r->service_n; k++) {
		p->arena = arena_new();
		fn(p, &p->r->services[k]);
		arena_free(p->arena);
	}
}

static void measure_service(struct printer *p, const struct status_service *s)
{
	for (unsigned k = 0; k < s->instance_n; k++) {
		const char *cells[COL_N];

		fill_cells(p, s, &p->r->instances[s->instance_0 + k], cells);
		for (unsigned c = 0; c < COL_N; c++) {
			unsigned n = columns(cells[c]);

			p->width[c] = n > p->width[c] ? n : p->width[c];
		}
	}
}

const char *status_other(struct arena *a, const struct status_other *o)
{
	const struct disagreement *d = &o->said;

	return arena_printf(a, "%s%s%s%s%s%s%s: %s", d->instance,
	    *d->instance ? ": " : "", d->source, *d->node ? " of " : "",
	    d->node, *d->definition ? ", " : "", d->definition, d->says);
}

void status_print_others(FILE *f, struct arena *a,
    const struct status_report *r, const struct status_service *s,
    const char *before)
{
	for (unsigned k = 0; k < r->other_n; k++) {
		const struct disagreement *d = &r->others[k].said;

		if (strcmp(d->service, s->row.name) != 0 ||
		    strcmp(d->zone, s->row.zone) != 0)
			continue;
		(void)fputs(before, f);
		status_put_safe(f, status_other(a, &r->others[k]), 0);
		(void)fputc('\n', f);
	}
}

static void print_service(struct printer *p, const struct status_service *s)
{
	print_heading(p, s);
	status_print_others(p->f, p->arena, p->r, s, "  does not count: ");
	for (unsigned k = 0; k < s->instance_n; k++)
		print_instance(p, s, &p->r->instances[s->instance_0 + k]);
}

/* "3 services, 7 instances: 5 passing, 2 critical" */
static void print_summary(const struct printer *p)
{
	static const char *const states[] = { "passing", "warning", "critical",
		"dead", "starting", "draining", "drained", "maintenance",
		"expired" };
	const struct status_report *r = p->r;
	const char *before = ": ";

	(void)fprintf(p->f, "%u service%s, %u instance%s", r->service_n,
	    r->service_n == 1 ? "" : "s", r->instance_n,
	    r->instance_n == 1 ? "" : "s");
	for (size_t k = 0; k < sizeof(states) / sizeof(*states); k++) {
		unsigned n = 0;

		for (unsigned i = 0; i < r->instance_n; i++)
			n += !strcmp(status_state(&r->instances[i]), states[k]);
		if (n) {
			(void)fprintf(p->f, "%s%u %s", before, n, states[k]);
			before = ", ";
		}
	}
	(void)fputc('\n', p->f);
}

void status_print_told(
    FILE *f, const struct told *t, const struct status_style *style)
{
	const struct printer p = { .f = f, .style = style };

	for (unsigned k = 0; k < t->line_n; k++) {
		bool doubt = t->lines[k].code != TOLD_DNSD_UNKNOWN;

		put_toned(&p, doubt ? TONE_BAD : TONE_QUIET, t->lines[k].text);
		(void)fputc('\n', f);
	}
}

void status_print(
    FILE *f, const struct status_report *r, const struct status_style *style)
{
	struct printer p = { .f = f, .r = r, .style = style };

	status_print_told(f, &r->told, style);
	for (unsigned k = 0; k < COL_N; k++)
		p.width[k] = columns(titles[k]);
	each_service(&p, measure_service);
	if (r->instance_n) {
		put_cells(&p, titles, TONE_PLAIN);
		(void)fputs(DETAIL_TITLE "\n", f);
	}
	each_service(&p, print_service);
	for (unsigned k = 0; k < r->broken_n; k++) {
		status_put_safe(f, r->broken[k], 0);
		(void)fputc('\n', f);
	}
	print_summary(&p);
}
