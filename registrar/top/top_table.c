// SPDX-License-Identifier: BSD-2-Clause
/*
 * The plain table: everything once, as wide as it takes, for a pipe or a
 * terminal that can do nothing.
 */
#include "registrar/lib/columns.h"
#include "registrar/report/status.h"
#include "registrar/top/top.h"
#include "registrar/top/top_rows.h"
#include "schema/base/clock.h"

#include <errno.h>

struct table {
	FILE *out;
	const struct top_model *m;
	int64_t now_wall_ms;
	unsigned width[TOP_COLUMN_N];
};

static void put_part(void *arg, enum top_tone tone, const char *text)
{
	(void)tone;
	status_put_safe(arg, text, 0);
}

static void put_line(const struct table *t, const char *const *cells)
{
	for (unsigned k = 0; k < TOP_DETAIL; k++) {
		int pad = (int)(t->width[k] - columns_of(cells[k]));
		bool right = k == TOP_WEIGHT || k == TOP_SINCE;

		(void)fprintf(t->out, "%*s", right ? pad : 0, "");
		status_put_safe(t->out, cells[k], 0);
		(void)fprintf(t->out, "%*s  ", right ? 0 : pad, "");
	}
	status_put_safe(t->out, cells[TOP_DETAIL], 0);
	(void)fputc('\n', t->out);
}

/* Twice: all to measure them, all to print them; none is kept. */
static void each_row(struct table *t, bool print)
{
	for (unsigned k = 0; k < t->m->shown_n; k++) {
		struct arena *a = arena_new();
		struct top_row row;

		top_row_read(t->m, t->m->shown[k], t->now_wall_ms, a, &row);
		for (unsigned c = 0; !print && c < TOP_DETAIL; c++) {
			unsigned n = columns_of(row.cells[c]);

			t->width[c] = n > t->width[c] ? n : t->width[c];
		}
		if (print)
			put_line(t, row.cells);
		arena_free(a);
	}
}

static void print(FILE *out, const struct top_model *m, int64_t now_wall_ms)
{
	struct table t = { .out = out, .m = m, .now_wall_ms = now_wall_ms };
	struct arena *a = arena_new();

	status_print_told(out, &m->told, &(struct status_style){ 0 });
	top_head_each(m, a, put_part, out);
	(void)fputc('\n', out);
	if (m->shown_n) {
		for (unsigned k = 0; k < TOP_DETAIL; k++)
			t.width[k] = columns_of(top_titles[k]);
		each_row(&t, false);
		put_line(&t, top_titles);
		each_row(&t, true);
	}
	for (unsigned k = 0; k < m->recent_n; k++) {
		(void)fputs(k ? "" : "RECENT\n", out);
		status_put_safe(out, top_recent_text(m, &m->recent[k], a), 0);
		(void)fputc('\n', out);
	}
	arena_free(a);
}

int top_table(FILE *out, const struct top_config *c, struct diag *reterr)
{
	int64_t now_wall_ms = clock_wall_ms();
	struct top_model m;
	int error = 0;

	top_model_init(&m, c->registry, c->zone);
	(void)snprintf(m.filter, sizeof(m.filter), "%s", c->filter);
	(void)top_model_refresh(&m);
	if (*m.trouble) {
		error = diag_set(reterr, -EIO, "%s", m.trouble);
	} else {
		top_model_tell(&m, now_wall_ms);
		(void)top_model_judge(&m, now_wall_ms);
		top_model_arrange(&m);
		print(out, &m, now_wall_ms);
	}
	top_model_release(&m);
	return error;
}
