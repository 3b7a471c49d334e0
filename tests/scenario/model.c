// SPDX-License-Identifier: BSD-2-Clause
#include "model.h"

#include <math.h>
#include <string.h>

#define UNSURE 0.004 /* flaps: the registrar counts in thousandths */
#define UNSURE_MS 3

/* ---- states ----------------------------------------------------------- */

static int rank(char state)
{
	return (int)(strchr("PWsCD", state) - "PWsCD");
}

static char worse(char a, char b)
{
	return (char)(rank(a) > rank(b) ? a : b);
}

static char better(char a, char b)
{
	return (char)(rank(a) < rank(b) ? a : b);
}

static bool is_up(char state)
{
	return state == 'P' || state == 'W';
}

static bool is_bad(char state)
{
	return state == 'C' || state == 'D';
}

/* ---- one check -------------------------------------------------------- */

/* The last n are all among these. */
static bool ends_with(const char *heard, int n, const char *these)
{
	size_t len = strlen(heard);

	return len >= (size_t)n && strspn(heard + len - n, these) == (size_t)n;
}

static char next_state(const struct model *m, char was, const char *heard)
{
	if (was == 's' && !ends_with(heard, 1, "x"))
		return ends_with(heard, 1, ".") ? 'P' : 'W';
	if (was != 'C' && ends_with(heard, m->fall, "x"))
		return 'C';
	if (was == 'P' && ends_with(heard, m->fall, "xw"))
		return 'W';
	if ((was == 'C' || was == 'W') && ends_with(heard, m->rise, "."))
		return 'P';
	if (was == 'C' && ends_with(heard, m->rise, ".w"))
		return 'W';
	return was;
}

static void forget_check(struct model *m, int check)
{
	m->state[check] = 's';
	m->heard[check][0] = '\0';
}

/* ---- damping ---------------------------------------------------------- */

static double penalty_now(const struct model *m, double now_ms)
{
	return m->penalty * exp2(-(now_ms - m->at_ms) / m->half_life_ms);
}

/* It went down. */
static void flap(struct model *m, double now_ms, double wall_ms)
{
	if (m->half_life_ms <= 0)
		return;
	double most = m->reuse * exp2(m->max_ms / m->half_life_ms);

	m->penalty = fmin(penalty_now(m, now_ms) + 1, most);
	m->at_ms = now_ms;
	m->saved_wall_ms = wall_ms;
	m->held |= m->penalty > m->suppress;
	m->unsure |= fabs(m->penalty - m->suppress) < UNSURE;
}

/* ---- the instance ----------------------------------------------------- */

static char checks_say(const struct model *m, bool *ret_undecided)
{
	const char *s = m->state;
	char one = s[0], other = s[1];

	if (m->layout == LAYOUT_ANY) {
		other = better(s[1], s[2]);
	} else if (m->layout != LAYOUT_FLAT) {
		other = worse(s[1], s[2]);
	}

	if (m->layout == LAYOUT_NESTED) {
		one = better(one, other);
		other = one;
	}
	*ret_undecided = one == 's' || other == 's';
	if (one == 's')
		one = 'P';
	return (char)(other == 's' ? one : worse(one, other));
}

static void show(struct model *m)
{
	char row = m->raw;

	if (m->held && is_up(row))
		row = 'C';

	m->rows += row != m->row;
	m->row = row;
}

/* All must have spoken for it to come in; then the worst of them counts. */
static void judge(struct model *m, char was, double now_ms, double wall_ms)
{
	bool undecided;
	char raw_was = m->raw;
	char worst = checks_say(m, &undecided);

	if (m->process && m->watch == 's') {
		undecided = true;
	} else if (m->process) {
		worst = worse(worst, m->watch);
	}
	m->raw = (char)(undecided ? worse(worst, was) : worst);
	if (is_up(raw_was) && is_bad(m->raw))
		flap(m, now_ms, wall_ms);
	show(m);
}

void model_begin(struct model *m)
{
	for (int c = 0; c < MODEL_CHECKS; c++)
		forget_check(m, c);
	m->watch = m->raw = m->row = 's';
	m->rows = 1;
}

int model_checks(const struct model *m)
{
	return m->layout == LAYOUT_FLAT ? 2 : 3;
}

void model_time(struct model *m, double now_ms, double wall_ms)
{
	if (!m->held)
		return;
	double left_ms =
	    log2(m->penalty / m->reuse) * m->half_life_ms - (now_ms - m->at_ms);

	m->unsure |= fabs(left_ms) < UNSURE_MS + m->half_life_ms * UNSURE;
	if (left_ms > 0)
		return;
	m->held = false;
	/* as of when it was let go */
	m->penalty = penalty_now(m, now_ms + left_ms);
	m->at_ms = now_ms + left_ms;
	m->saved_wall_ms = wall_ms + left_ms;
	/* after a restart only the checks know what was behind it */
	judge(m, m->raw, now_ms, wall_ms);
}

void model_verdict(
    struct model *m, int check, char verdict, double now_ms, double wall_ms)
{
	char *heard = m->heard[check];
	size_t len = strlen(heard);

	heard[len] = verdict;
	heard[len + 1] = '\0';
	m->state[check] = next_state(m, m->state[check], heard);
	judge(m, m->raw, now_ms, wall_ms);
}

void model_process(struct model *m, bool alive, double now_ms, double wall_ms)
{
	char was = m->raw;

	if (alive && was == 'D') {
		for (int c = 0; c < MODEL_CHECKS; c++)
			forget_check(m, c);
		was = 's';
	}
	m->watch = alive ? 'P' : 'D';
	judge(m, was, now_ms, wall_ms);
}

/*
 * Runs are not kept. A check that is not in a list is taken to be no worse
 * than its instance was. How much it flapped goes by the wall clock, which
 * may have stepped: back is no time at all.
 */
void model_restart(struct model *m, double now_ms, double wall_ms)
{
	int flat = m->layout == LAYOUT_FLAT  ? 2
	           : m->layout == LAYOUT_ANY ? 1
	                                     : 0;

	for (int c = 0; c < MODEL_CHECKS; c++)
		m->heard[c][0] = '\0';
	for (int c = 0; c < flat && m->row != 's' && m->row != 'D'; c++) {
		if (m->state[c] != 's')
			m->state[c] = better(m->state[c], m->row);
	}
	m->raw = m->row;
	m->at_ms = now_ms - fmax(0, wall_ms - m->saved_wall_ms);
	model_time(m, now_ms, wall_ms);
}

void model_edit(struct model *m, enum layout layout)
{
	m->layout = layout;
	for (int c = model_checks(m); c < MODEL_CHECKS; c++)
		forget_check(m, c);
}
