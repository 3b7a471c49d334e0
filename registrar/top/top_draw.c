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

#define LINE_MAX_WIDE 1024
#define NAME_MIN 16
#define DETAIL_MIN 20
/* of what is no instance: neither the selected line nor the title of all */
#define TITLE_ATTR (A_BOLD | A_UNDERLINE)

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

/* Counts take a second line where one is too short, doubts one each. */
struct head {
	const struct top_screen *s;
	unsigned x, y;
	unsigned first; /* of its lines on the screen */
	bool draws;     /* else it only measures */
};

#define INDENT 2

static void put_part(void *arg, enum top_tone tone, const char *text)
{
	struct head *h = arg;
	unsigned width = columns_of(text);

	if (h->x > INDENT && h->x + width > h->s->columns && !h->y) {
		h->y++;
		h->x = INDENT;
		text += strspn(text, ", ");
	}
	if (h->draws) {
		(void)put(h->s, h->first + h->y, h->x, UINT32_MAX,
		    tone_attr(h->s, tone), text);
	}
	h->x += width;
}

static unsigned counts_height(const struct top_screen *s)
{
	struct head h = { .s = s };
	struct arena *a = arena_new();

	top_head_each(&s->model, a, put_part, &h);
	arena_free(a);
	return h.y + 1;
}

/* Lines of doubt that are shown; one of them says how many are not. */
static unsigned doubts_height(const struct top_screen *s)
{
	unsigned max = s->rows >= 40 ? 8 : s->rows >= 20 ? 3 : 1;
	unsigned n = 0;

	for (unsigned k = 0; k < s->model.told.line_n; k++)
		n += s->model.told.lines[k].code != TOLD_DNSD_UNKNOWN;
	return n < max ? n : max;
}

/* Doubts, counts, what is asked for, titles. */
static unsigned head_height(const struct top_screen *s)
{
	return doubts_height(s) + counts_height(s) + 2;
}

static unsigned draw_doubts(const struct top_screen *s, struct arena *a)
{
	const struct told *t = &s->model.told;
	unsigned height = doubts_height(s), y = 0;

	for (unsigned k = 0; k < t->line_n && y < height; k++) {
		if (t->lines[k].code == TOLD_DNSD_UNKNOWN)
			continue;
		bool last = y + 1 == height && k + 1 < t->line_n;

		(void)put(s, y++, 0, UINT32_MAX, tone_attr(s, TONE_BAD),
		    last ? arena_printf(a, "%s (%u more)", t->lines[k].text,
		               t->line_n - k - 1)
		         : t->lines[k].text);
	}
	return y;
}

static const char *asked_text(const struct top_screen *s, struct arena *a)
{
	const struct top_model *m = &s->model;
	bool unknown = false;

	for (unsigned k = 0; k < m->told.line_n; k++)
		unknown |= m->told.lines[k].code == TOLD_DNSD_UNKNOWN;
	return arena_printf(a, "%u shown, %s%s%s%s", m->shown_n,
	    top_sort_name(m->sort), *m->filter ? ", filter: " : "", m->filter,
	    unknown ? ", dnsd unknown" : "");
}

static void draw_clock(const struct top_screen *s, const struct head *h)
{
	time_t now_s = (time_t)(s->now_wall_ms / 1000);
	char clock[32] = "";
	struct tm tm;

	if (gmtime_r(&now_s, &tm))
		(void)strftime(clock, sizeof(clock), "%H:%M:%S UTC", &tm);
	if (h->x + strlen(clock) + 2 <= s->columns) {
		(void)put(s, h->first + h->y,
		    s->columns - (unsigned)strlen(clock), UINT32_MAX, A_NORMAL,
		    clock);
	}
}

static void draw_head(const struct top_screen *s, struct arena *a)
{
	const struct top_model *m = &s->model;
	struct head h = { .s = s, .first = draw_doubts(s, a), .draws = true };

	top_head_each(m, a, put_part, &h);
	draw_clock(s, &h);
	unsigned y = h.first + h.y + 1;

	if (*m->trouble) {
		(void)put(s, y, 0, UINT32_MAX, tone_attr(s, TONE_BAD),
		    arena_printf(a, "NOT UP TO DATE: %s", m->trouble));
		return;
	}
	(void)put(s, y, 0, UINT32_MAX, A_NORMAL, asked_text(s, a));
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
	unsigned others = head_height(s) + foot_height(s) + 1;

	return s->rows > others ? s->rows - others : 1;
}

/* As wide as what is seen; names, if the rest has room beside them. */
static void measure(const struct top_screen *s, const struct top_row *rows,
    unsigned n, unsigned width[TOP_COLUMN_N])
{
	unsigned rest = DETAIL_MIN;

	for (unsigned c = 0; c < TOP_DETAIL; c++) {
		width[c] = c == TOP_NAME ? NAME_MIN : columns_of(top_titles[c]);
		for (unsigned k = 0; k < n; k++) {
			unsigned w = columns_of(rows[k].cells[c]);

			width[c] = w > width[c] ? w : width[c];
		}
		rest += c == TOP_NAME ? 0 : width[c] + 2;
	}
	if (width[TOP_NAME] + 2 + rest <= s->columns)
		return;
	width[TOP_NAME] =
	    s->columns > rest + 2 + NAME_MIN ? s->columns - rest - 2 : NAME_MIN;
}

static void put_cells(const struct top_screen *s, unsigned y,
    const unsigned *widths, const char *const *cells, attr_t line, attr_t state)
{
	unsigned x = 0;

	for (unsigned k = 0; k < TOP_COLUMN_N; k++) {
		unsigned width = widths[k];
		unsigned used = columns_of(cells[k]);
		bool right = k == TOP_WEIGHT || k == TOP_SINCE;
		unsigned pad = right && used < width ? width - used : 0;

		(void)put(s, y, x + pad, k == TOP_DETAIL ? UINT32_MAX : width,
		    k == TOP_STATE ? state : line, cells[k]);
		x += width + 2;
	}
}

/* A whole line of it. */
static void draw_title(const struct top_screen *s, unsigned y)
{
	(void)mvhline((int)y, 0, ' ' | TITLE_ATTR, (int)s->columns);
}

static void draw_rows(const struct top_screen *s, struct arena *a)
{
	const struct top_model *m = &s->model;
	unsigned height = top_list_height(s), n = 0, head = head_height(s);
	unsigned width[TOP_COLUMN_N] = { 0 };
	struct top_row *rows = arena_alloc(a, height, sizeof(*rows));

	while (n < height && s->first + n < m->shown_n) {
		top_row_read(
		    m, m->shown[s->first + n], s->now_wall_ms, a, &rows[n]);
		n++;
	}
	measure(s, rows, n, width);
	draw_title(s, head - 1);
	put_cells(s, head - 1, width, top_titles, TITLE_ATTR, TITLE_ATTR);
	for (unsigned k = 0; k < n; k++) {
		bool here = s->first + k == s->cursor;
		attr_t line = here ? A_REVERSE : A_NORMAL;

		if (here) {
			(void)mvhline((int)(head + k), 0, ' ' | A_REVERSE,
			    (int)s->columns);
		}
		put_cells(s, head + k, width, rows[k].cells, line,
		    line | tone_attr(s, rows[k].tone));
	}
	if (!m->shown_n) {
		(void)put(s, head, 0, UINT32_MAX, A_NORMAL,
		    m->n ? "nothing matches the filter" : "no instances");
	}
}

static void draw_foot(const struct top_screen *s, struct arena *a)
{
	unsigned height = foot_height(s);
	unsigned y = s->rows - 1 - height;

	if (height) {
		draw_title(s, y);
		(void)put(s, y, 0, UINT32_MAX, TITLE_ATTR, "RECENT");
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
	          "arrows PgUp PgDn  ? help"
	        : "q back  e explain  h history  arrows j k PgUp PgDn";

	if (s->typing) {
		keys = arena_printf(
		    a, "/%s_   enter: keep  escape: drop", s->model.filter);
	}
	(void)put(s, s->rows - 1, 0, UINT32_MAX, A_DIM, keys);
}

static void draw_pager(struct top_screen *s, struct arena *a)
{
	static const char *const titles[] = {
		[VIEW_LIST] = "",
		[VIEW_EXPLAIN] = "EXPLAIN ",
		[VIEW_HISTORY] = "HISTORY ",
		[VIEW_HELP] = "KEYS",
	};

	draw_title(s, 0);
	(void)put(s, 0, 0, UINT32_MAX, TITLE_ATTR,
	    arena_printf(a, "%s%s", titles[s->view], s->target));
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
