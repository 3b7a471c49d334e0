// SPDX-License-Identifier: BSD-2-Clause
/*
 * What keys do. Whoever has not moved yet looks at the first line, whatever
 * comes there; a selected instance stays selected wherever it goes.
 */
#include "registrar/top/top_screen.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>

#define KEY_ESCAPE 27
#define KEY_DELETE_ASCII 127

/* ---- the selection ---------------------------------------------------- */

static void scroll_to_cursor(struct top_screen *s)
{
	unsigned height = top_list_height(s), n = s->model.shown_n;

	if (s->cursor >= n)
		s->cursor = n ? n - 1 : 0;
	if (s->cursor < s->first)
		s->first = s->cursor;
	if (s->cursor >= s->first + height)
		s->first = s->cursor - height + 1;
	if (s->first + height > n)
		s->first = n > height ? n - height : 0;
}

void top_follow_selected(struct top_screen *s)
{
	const struct top_model *m = &s->model;
	char name[sizeof(s->selected)];

	if (!*s->selected)
		s->cursor = 0;
	for (unsigned k = 0; *s->selected && k < m->shown_n; k++) {
		if (!strcmp(top_entry_name(m, m->shown[k], name, sizeof(name)),
		        s->selected)) {
			s->cursor = k;
			break;
		}
	}
	scroll_to_cursor(s);
}

static void move_cursor(struct top_screen *s, int by)
{
	const struct top_model *m = &s->model;

	if (by < 0 && s->cursor < (unsigned)-by) {
		s->cursor = 0;
	} else {
		s->cursor += (unsigned)by;
	}
	scroll_to_cursor(s);
	s->selected[0] = '\0';
	if (s->cursor && m->shown_n) {
		(void)top_entry_name(
		    m, m->shown[s->cursor], s->selected, sizeof(s->selected));
	}
}

/* ---- what is asked for ------------------------------------------------ */

static void arrange(struct top_screen *s)
{
	top_model_arrange(&s->model);
	s->first = 0;
	s->selected[0] = '\0';
	top_follow_selected(s);
}

static void type(struct top_screen *s, unsigned key, bool is_code)
{
	char *filter = s->model.filter;
	size_t len = strlen(filter);

	if ((is_code && key == KEY_ENTER) || key == '\n' || key == '\r') {
		s->typing = false;
		return;
	}
	if (!is_code && key == KEY_ESCAPE) {
		memcpy(filter, s->filter_was, sizeof(s->filter_was));
		s->typing = false;
	} else if ((is_code && key == KEY_BACKSPACE) || key == '\b' ||
	           key == KEY_DELETE_ASCII) {
		if (!len)
			return;
		filter[len - 1] = '\0';
	} else if (!is_code && key == ('u' & 0x1f)) {
		filter[0] = '\0';
	} else if (!is_code && key >= ' ' && key < KEY_DELETE_ASCII &&
	           len + 1 < TOP_FILTER_MAX) {
		filter[len] = (char)key;
		filter[len + 1] = '\0';
	}
	arrange(s);
}

static const char help[] =
    "q            quit, or back to the list\n"
    "arrows j k   one line\n"
    "PgUp PgDn    one page; space, too\n"
    "Home End g G the first, the last\n"
    "/            show only what has this in its name or state;\n"
    "             escape in the list shows all again\n"
    "s            sort: worst first, name, newest first, weight\n"
    "e enter      explain: why is it in answers, or why not\n"
    "h            history of the instance\n"
    "?            this page\n"
    "\n"
    "Lines above the list say what casts doubt on it: a registrar that is\n"
    "not heard any more, a definition that is refused, a zone that no dnsd\n"
    "here serves. WEIGHT is the weight in force, 57/300 while it grows.\n";

void top_fill_pager(struct top_screen *s)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort(); /* out of memory */
	switch (s->view) {
	case VIEW_HELP:
		(void)fputs(help, out);
		break;
	case VIEW_HISTORY:
		s->config->history(s->config->arg, s->target, out);
		break;
	case VIEW_EXPLAIN:
	case VIEW_LIST:
	default:
		s->config->explain(s->config->arg, s->target, out);
	}
	(void)fclose(out);
	top_pager_set(&s->pager, text, s->columns);
}

static void open_pager(struct top_screen *s, enum top_view view)
{
	const struct top_model *m = &s->model;

	if (s->view != VIEW_LIST && view != VIEW_HELP && !*s->target)
		return; /* of help: nothing is selected */
	if (s->view == VIEW_LIST && view == VIEW_HELP) {
		s->target[0] = '\0';
	} else if (s->view == VIEW_LIST) {
		if (!m->shown_n)
			return;
		const struct top_entry *e = m->shown[s->cursor];

		(void)snprintf(s->target, sizeof(s->target), "%s.%s/%s",
		    e->service->name, e->service->zone, e->name);
	}
	s->view = view;
	s->pager.first = 0;
	top_fill_pager(s);
}

static void move_view(struct top_screen *s, int by)
{
	if (s->view == VIEW_LIST) {
		move_cursor(s, by);
	} else {
		top_pager_move(&s->pager, by);
	}
}

/* ---- keys ------------------------------------------------------------- */

static void scroll_key(struct top_screen *s, unsigned key)
{
	int page =
	    (int)(s->view == VIEW_LIST ? top_list_height(s) : s->pager.height);

	switch (key) {
	case KEY_UP:
		move_view(s, -1);
		return;
	case KEY_DOWN:
		move_view(s, 1);
		return;
	case KEY_PPAGE:
		move_view(s, -page);
		return;
	case KEY_NPAGE:
		move_view(s, page);
		return;
	case KEY_HOME:
		move_view(s, -(int)(s->model.shown_n + s->pager.n));
		return;
	case KEY_END:
		move_view(s, (int)(s->model.shown_n + s->pager.n));
		return;
	case KEY_ENTER:
		open_pager(s, VIEW_EXPLAIN);
		return;
	default:
		return;
	}
}

static void leave(struct top_screen *s)
{
	if (s->view == VIEW_LIST) {
		s->done = true;
	} else {
		s->view = VIEW_LIST;
	}
}

static void list_key(struct top_screen *s, unsigned key)
{
	switch (key) {
	case '/':
		memcpy(s->filter_was, s->model.filter, sizeof(s->filter_was));
		s->typing = true;
		return;
	case 's':
		s->model.sort =
		    (enum top_sort)((s->model.sort + 1) % TOP_SORT_N);
		arrange(s);
		return;
	case KEY_ESCAPE:
		s->model.filter[0] = '\0';
		arrange(s);
		return;
	default:
		return;
	}
}

static void plain_key(struct top_screen *s, unsigned key)
{
	switch (key) {
	case 'q':
		leave(s);
		return;
	case 'j':
		move_view(s, 1);
		return;
	case 'k':
		move_view(s, -1);
		return;
	case 'g':
		scroll_key(s, KEY_HOME);
		return;
	case 'G':
		scroll_key(s, KEY_END);
		return;
	case ' ':
		scroll_key(s, KEY_NPAGE);
		return;
	case 'e':
	case '\n':
	case '\r':
		open_pager(s, VIEW_EXPLAIN);
		return;
	case 'h':
		open_pager(s, VIEW_HISTORY);
		return;
	case '?':
		open_pager(s, VIEW_HELP);
		return;
	default:
		break;
	}
	if (s->view == VIEW_LIST) {
		list_key(s, key);
	} else if (key == KEY_ESCAPE) {
		leave(s);
	}
}

void top_key(struct top_screen *s, unsigned key, bool is_code)
{
	if (s->typing) {
		type(s, key, is_code);
	} else if (is_code) {
		scroll_key(s, key);
	} else {
		plain_key(s, key);
	}
}
