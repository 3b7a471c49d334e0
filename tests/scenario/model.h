// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * model - what the row of one instance may say, by the rules alone.
 *
 * Shares no code with the registrar, and is made as differently as may be:
 * verdicts are letters in a string, states are letters, time is a double.
 * States: s starting, P passing, W warning, C critical, D dead. Verdicts:
 * '.' pass, 'w' warn, 'x' fail. Milliseconds.
 */
#include <stdbool.h>
#include <stdint.h>

enum { MODEL_CHECKS = 3, MODEL_HEARD = 512 };

/* Which checks there are, and what is needed of them. */
enum layout {
	LAYOUT_FLAT,   /* a and b */
	LAYOUT_ANY,    /* a, and b or c */
	LAYOUT_NESTED, /* a, or both b and c */
};
#define LAYOUT_N 3

struct model {
	/* what the definition says; process and damping stay as they are */
	int rise, fall;
	enum layout layout;
	bool process;
	double half_life_ms, max_ms; /* half_life_ms 0: nothing is damped */
	int suppress, reuse;
	/* what follows */
	char state[MODEL_CHECKS];
	char heard[MODEL_CHECKS][MODEL_HEARD + 1];
	char watch; /* of the process: s, P or D */
	char raw;   /* without damping */
	char row;
	unsigned rows; /* of history: each a state that it was in */
	double penalty, at_ms, saved_wall_ms;
	bool held;
	bool unsure; /* so near a limit that rounding decides */
};

/* The definition is filled in. */
void model_begin(struct model *m);
/* So many checks the layout has. */
int model_checks(const struct model *m);

/* It is so late now: what was held back may have been let go. */
void model_time(struct model *m, double now_ms, double wall_ms);
void model_verdict(
    struct model *m, int check, char verdict, double now_ms, double wall_ms);
/* The process is there, or not. */
void model_process(struct model *m, bool alive, double now_ms, double wall_ms);
void model_restart(struct model *m, double now_ms, double wall_ms);
/* The definition has another layout: no verdict. */
void model_edit(struct model *m, enum layout layout);
