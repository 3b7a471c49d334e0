// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * top_screen - private to top_screen.c and top_draw.c: what is on the screen.
 */
#include "registrar/top/top.h"
#include "registrar/top/top_pager.h"
#include "registrar/top/top_rows.h"

enum top_view { VIEW_LIST, VIEW_EXPLAIN, VIEW_HISTORY, VIEW_HELP };

struct top_screen {
	const struct top_config *config;
	struct top_model model;
	int64_t now_wall_ms; /* of what is drawn */
	unsigned rows, columns;
	/* the list: the first line, and which one is selected */
	unsigned first, cursor;
	char selected[256]; /* top_entry_name(); "": always the first */
	/* a filter that is being typed; the one of before for escape */
	bool typing;
	char filter_was[TOP_FILTER_MAX];
	enum top_view view;
	struct top_pager pager;
	char target[320]; /* of the pager: SERVICE.ZONE/INSTANCE */
	bool colour;
	bool done;
};

/* ---- top_draw.c ------------------------------------------------------- */

/* The lines that the list has; at least 1. */
unsigned top_list_height(const struct top_screen *s);
void top_draw(struct top_screen *s);
void top_draw_colours(void);

/* ---- top_keys.c ------------------------------------------------------- */

/* key: of get_wch(); is_code: it is a KEY_... */
void top_key(struct top_screen *s, unsigned key, bool is_code);
/* The selection is an instance, not a line: find it where it is now. */
void top_follow_selected(struct top_screen *s);
/* The text of the pager anew, at the line where it is. */
void top_fill_pager(struct top_screen *s);
