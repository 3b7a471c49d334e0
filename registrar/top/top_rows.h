// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * top_rows - the texts of the lines, for a terminal and for a plain table.
 *
 * Texts are in the arena, and as the registry has them: whoever shows them
 * sees to it that they steer nothing.
 */
#include "registrar/top/top_model.h"

enum top_tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_QUIET };
enum top_tone top_tone_of(enum top_state s);

enum top_column { TOP_NAME, TOP_STATE, TOP_WEIGHT, TOP_SINCE, TOP_DETAIL };
#define TOP_COLUMN_N 5
extern const char *const top_titles[TOP_COLUMN_N];

struct top_row {
	const char *cells[TOP_COLUMN_N];
	enum top_tone tone; /* of the state */
};

/* Reads what checks said; if that cannot be had, the rest is told. */
void top_row_read(const struct top_model *m, const struct top_entry *e,
    int64_t now_wall_ms, struct arena *a, struct top_row *ret_row);

/* The head: "2 services", ", 7 instances", ": 1 dead", ", 1 ..." one by one. */
typedef void (*top_part_fn)(void *arg, enum top_tone tone, const char *text);
void top_head_each(
    const struct top_model *m, struct arena *a, top_part_fn fn, void *arg);

/* "07:12:03  web/a  passing -> dead: pid 12 ended" */
const char *top_recent_text(
    const struct top_model *m, const struct history_row *r, struct arena *a);
