// SPDX-License-Identifier: BSD-2-Clause
/*
 * The list from above: counts, what is asked for, titles, instances, what
 * happened lately, keys. Everything goes through put(), which cuts it to what
 * is left of the line and makes it harmless.
 */
#include "registrar/lib/columns.h"
#include "registrar/top/top_screen.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEAD 3 /* lines */
#define LINE_MAX_WIDE 1024
#define NAME_MIN 16
#define DETAIL_MIN 20

static const unsigned widths[TOP_COLUMN_N] = { NAME_MIN, 11, 9, 6, 0 };

static attr_t tone_attr(const struct top_screen *s, enum top_tone t)
{
	attr_t bold = t == TONE_BAD ? A_BOLD : A_NORMAL;

	if (!s->colour)
		return bold;
	return bold | (attr_t)COLOR_PAIR(t);
}

void top_draw_colours(void)
{
	(void)use_default_colors();
	(void)init_pair(TONE_GOOD, COLOR_GREEN, -1);
	(void)init_pair(TONE_WARN, COLOR_YELLOW, -1);
	(void)init_pair(TONE_BAD, COLOR_RED, -1);
	(void)init_pair(TONE_QUIET, COLOR_CYAN, -1);
}

/* From column x on, at most max columns; where it ended. */
static unsigned put(const struct top_screen *s, unsigned y, unsigned x,
    unsigned max, attr_t attr, const char *text)
{
	wchar_t line[LINE_MAX_WIDE];

	if (y >= s->rows || x >= s->columns)
		return x;
	if (max > s->columns - x)
		max = s->columns - x;
	unsigned used = columns_fit(line, LINE_MAX_WIDE, text, max);

	(void)attrset((int)attr);
	(void)mvaddwstr((int)y, (int)x, line);
	(void)attrset((int)A_NORMAL);
	return x + used;
}

struct head {
	const struct top_screen *s;
	unsigned x;
};

static void put_part(void *arg, enum top_tone tone, const char *text)
{
	struct head *h = arg;

	h->x = put(h->s, 0, h->x, UINT32_MAX, tone_attr(h->s, tone), text);
}

static void draw_head(const struct top_screen *s, struct arena *a)
{
	const struct top_model *m = &s->model;
	time_t now_s = (time_t)(s->now_wall_ms / 1000);
	struct head h = { .s = s };
	char clock[32] = "";
	struct tm tm;

	top_head_each(m, a, put_part, &h);
	if (gmtime_r(&now_s, &tm))
		(void)strftime(clock, sizeof(clock), "%H:%M:%S UTC", &tm);
	if (h.x + strlen(clock) + 2 <= s->columns) {
		(void)put(s, 0, s->columns - (unsigned)strlen(clock),
		    UINT32_MAX, A_NORMAL, clock);
	}
	if (*m->trouble) {
		(void)put(s, 1, 0, UINT32_MAX, tone_attr(s, TONE_BAD),
		    arena_printf(a, "NOT UP TO DATE: %s", m->trouble));
		return;
	}
	(void)put(s, 1, 0, UINT32_MAX, A_NORMAL,
	    arena_printf(a, "%u shown, %s%s%s", m->shown_n,
	        top_sort_name(m->sort), *m->filter ? ", filter: " : "",
	        m->filter));
}

/* ---- the list --------------------------------------------------------- */

static unsigned foot_height(const struct top_screen *s)
{
	unsigned want = s->rows >= 40   ? TOP_RECENT_MAX
	                : s->rows >= 20 ? 5
	                : s->rows >= 14 ? 3
	                                : 0;

	if (want > s->model.recent_n)
		want = s->model.recent_n;
	return want ? want + 1 : 0;
}

unsigned top_list_height(const struct top_screen *s)
{
	unsigned others = HEAD + foot_height(s) + 1;

	return s->rows > others ? s->rows - others : 1;
}

/* As wide as the names that are seen, if the rest has room beside it. */
static unsigned name_width(
    const struct top_screen *s, const struct top_row *rows, unsigned n)
{
	unsigned rest = DETAIL_MIN, width = NAME_MIN;

	for (unsigned k = TOP_STATE; k < TOP_DETAIL; k++)
		rest += widths[k] + 2;
	for (unsigned k = 0; k < n; k++) {
		unsigned w = columns_of(rows[k].cells[TOP_NAME]);

		width = w > width ? w : width;
	}
	if (width + 2 + rest <= s->columns)
		return width;
	return s->columns > rest + 2 + NAME_MIN ? s->columns - rest - 2
	                                        : NAME_MIN;
}

static void put_cells(const struct top_screen *s, unsigned y, unsigned name,
    const char *const *cells, attr_t line, attr_t state)
{
	unsigned x = 0;

	for (unsigned k = 0; k < TOP_COLUMN_N; k++) {
		unsigned width = k == TOP_NAME ? name : widths[k];
		unsigned used = columns_of(cells[k]);
		bool right = k == TOP_WEIGHT || k == TOP_SINCE;
		unsigned pad = right && used < width ? width - used : 0;

		(void)put(s, y, x + pad, k == TOP_DETAIL ? UINT32_MAX : width,
		    k == TOP_STATE ? state : line, cells[k]);
		x += width + 2;
	}
}

static void draw_rows(const struct top_screen *s, struct arena *a)
{
	const struct top_model *m = &s->model;
	unsigned height = top_list_height(s), n = 0;
	struct top_row *rows = arena_alloc(a, height, sizeof(*rows));

	while (n < height && s->first + n < m->shown_n) {
		top_row_read(
		    m, m->shown[s->first + n], s->now_wall_ms, a, &rows[n]);
		n++;
	}
	unsigned name = name_width(s, rows, n);

	(void)attrset((int)A_REVERSE);
	(void)mvhline(2, 0, ' ' | A_REVERSE, (int)s->columns);
	put_cells(s, 2, name, top_titles, A_REVERSE, A_REVERSE);
	for (unsigned k = 0; k < n; k++) {
		bool here = s->first + k == s->cursor;
		attr_t line = here ? A_REVERSE : A_NORMAL;

		if (here) {
			(void)mvhline((int)(HEAD + k), 0, ' ' | A_REVERSE,
			    (int)s->columns);
		}
		put_cells(s, HEAD + k, name, rows[k].cells, line,
		    line | tone_attr(s, rows[k].tone));
	}
	if (!m->shown_n) {
		(void)put(s, HEAD, 0, UINT32_MAX, A_NORMAL,
		    m->n ? "nothing matches the filter" : "no instances");
	}
}

static void draw_foot(const struct top_screen *s, struct arena *a)
{
	unsigned height = foot_height(s);
	unsigned y = s->rows - 1 - height;

	if (height) {
		(void)mvhline((int)y, 0, ' ' | A_REVERSE, (int)s->columns);
		(void)put(s, y, 0, UINT32_MAX, A_REVERSE, "RECENT");
	}
	for (unsigned k = 0; k + 1 < height; k++) {
		(void)put(s, y + 1 + k, 0, UINT32_MAX, A_NORMAL,
		    top_recent_text(&s->model, &s->model.recent[k], a));
	}
}

static void draw_keys(const struct top_screen *s, struct arena *a)
{
	const char *keys =
	    s->view == VIEW_LIST
	        ? "q quit  / filter  s sort  e explain  h history  "
	          "arrows j k PgUp PgDn"
	        : "q back  e explain  h history  arrows j k PgUp PgDn";

	if (s->typing) {
		keys = arena_printf(
		    a, "/%s_   enter: keep  escape: drop", s->model.filter);
	}
	(void)put(s, s->rows - 1, 0, UINT32_MAX, A_DIM, keys);
}

static void draw_pager(struct top_screen *s, struct arena *a)
{
	(void)mvhline(0, 0, ' ' | A_REVERSE, (int)s->columns);
	(void)put(s, 0, 0, UINT32_MAX, A_REVERSE,
	    arena_printf(a, "%s %s",
	        s->view == VIEW_EXPLAIN ? "EXPLAIN" : "HISTORY", s->target));
	s->pager.height = s->rows > 2 ? s->rows - 2 : 1;
	top_pager_move(&s->pager, 0);
	for (unsigned k = 0;
	     k < s->pager.height && s->pager.first + k < s->pager.n; k++) {
		(void)put(s, 1 + k, 0, UINT32_MAX, A_NORMAL,
		    s->pager.lines[s->pager.first + k]);
	}
}

void top_draw(struct top_screen *s)
{
	struct arena *a = arena_new();

	(void)erase();
	if (s->view == VIEW_LIST) {
		draw_head(s, a);
		draw_rows(s, a);
		draw_foot(s, a);
	} else {
		draw_pager(s, a);
	}
	draw_keys(s, a);
	(void)refresh();
	arena_free(a);
}
