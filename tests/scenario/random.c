// SPDX-License-Identifier: BSD-2-Clause
/*
 * random [SEED [SEQUENCES]] - no flip that the thresholds forbid.
 *
 * Random verdicts, restarts, edits, ends of the process, steps of the wall
 * clock, waits and lost registries, played to a registrar as the scenarios
 * do, and told to a model (model.h). After each step the row must say what the
 * model says, and its history must be as long: nothing was there and gone
 * in between. A failure names its seed. SCENARIO_SEQUENCES asks for more.
 */
#include "commands.h"
#include "model.h"
#include "schema/base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SEQUENCES 10
#define STEPS 150
#define HISTORY_MAX 2000
_Static_assert(STEPS <= MODEL_HEARD, "each step is one verdict at most");

static char instance[] = "web/a", file[] = "web.yaml";
static const char *const names[MODEL_CHECKS] = { "tcp-1", "page", "more" };
static const char *const intervals[] = { "1s", "2s", "5s" };

struct game {
	struct world *w;
	struct model m;
	struct rng rng;
	bool tell; /* each step, to find out */
};

static unsigned below(struct game *g, unsigned n)
{
	return rng_below(&g->rng, n);
}

static double now(const struct game *g)
{
	return (double)g->w->now_ms;
}

static double wall(const struct game *g)
{
	return (double)world_wall_ms(g->w);
}

static void told(const struct game *g, const char *what, const char *more)
{
	if (g->tell) {
		(void)fprintf(stderr, "%d %lld: %s %s, was %c, penalty %.4f\n",
		    g->w->line, (long long)g->w->now_ms, what, more, g->m.row,
		    g->m.penalty);
	}
}

/* ---- the definition --------------------------------------------------- */

static const char *check_text(
    const struct game *g, int check, unsigned every, char *buf, size_t room)
{
	(void)snprintf(buf, room,
	    "{name: %s, tcp: \"{address}:{port}\", interval: %s, "
	    "timeout: 1s, rise: %d, fall: %d}",
	    names[check], intervals[every], g->m.rise, g->m.fall);
	return buf;
}

static void define_checks(struct game *g)
{
	unsigned every = below(g, 3);
	char a[160], b[160], c[160], line[600];

	(void)check_text(g, 0, every, a, sizeof(a));
	(void)check_text(g, 1, every, b, sizeof(b));
	(void)check_text(g, 2, every, c, sizeof(c));
	switch (g->m.layout) {
	case LAYOUT_FLAT:
		(void)snprintf(line, sizeof(line), "checks: [%s, %s]\n", a, b);
		break;
	case LAYOUT_ANY:
		(void)snprintf(line, sizeof(line),
		    "checks: [%s, any: [%s, %s]]\n", a, b, c);
		break;
	case LAYOUT_NESTED:
		(void)snprintf(line, sizeof(line),
		    "checks: [any: [%s, all: [%s, %s]]]\n", a, b, c);
		break;
	}
	world_file_add(g->w, file, line);
}

static void define(struct game *g)
{
	char line[256];

	world_file_new(g->w, file);
	world_file_add(g->w, file, "service: web\nport: 80\n");
	world_file_add(
	    g->w, file, "instances: [{name: a, address: 192.0.2.1}]\n");
	if (g->m.process) {
		world_file_add(
		    g->w, file, "process: {pidfile: /run/web.pid}\n");
	}
	if (g->m.half_life_ms > 0) {
		(void)snprintf(line, sizeof(line),
		    "damping: {half_life: %.0fms, suppress: %d, reuse: %d, "
		    "max: %.0fms}\n",
		    g->m.half_life_ms, g->m.suppress, g->m.reuse, g->m.max_ms);
		world_file_add(g->w, file, line);
	}
	define_checks(g);
}

static void load(struct game *g)
{
	static char word[] = "load";
	char *const command[] = { word, file, NULL };

	define(g);
	cmd_load(g->w, command, 2);
	world_turn(g->w);
}

/* ---- steps ------------------------------------------------------------ */

static void verdict(struct game *g)
{
	static char words[3][5] = { "pass", "warn", "fail" };
	unsigned v = below(g, 3);
	int check = (int)below(g, (unsigned)model_checks(&g->m));
	char name[16];
	char *const command[] = { words[v], instance, name, NULL };

	(void)snprintf(name, sizeof(name), "%s", names[check]);
	told(g, words[v], name);
	cmd_verdict(g->w, command, 3);
	model_time(&g->m, now(g), wall(g));
	model_verdict(&g->m, check, ".wx"[v], now(g), wall(g));
}

/* Its checks rest while it is gone. */
static void process(struct game *g, bool alive)
{
	static char words[2][6] = { "gone", "alive" };
	char *const command[] = { words[alive], instance, NULL };

	told(g, words[alive], "");
	cmd_process(g->w, command, 2);
	world_turn(g->w);
	model_process(&g->m, alive, now(g), wall(g));
}

static void restart(struct game *g)
{
	static char word[] = "restart";
	char *const command[] = { word, NULL };

	told(g, word, "");
	cmd_restart(g->w, command, 1);
	world_wait(g->w, 1); /* what was due meanwhile */
	model_restart(&g->m, now(g), wall(g));
	if (g->m.process)
		process(g, below(g, 4) != 0);
}

/* Layout and thresholds, or neither; each check goes on from where it is. */
static void edit(struct game *g)
{
	static const char *const layouts[LAYOUT_N] = { "flat", "any",
		"nested" };

	if (below(g, 2)) {
		g->m.rise = 1 + (int)below(g, 3);
		g->m.fall = 1 + (int)below(g, 3);
	}
	if (below(g, 2))
		model_edit(&g->m, (enum layout)below(g, LAYOUT_N));
	told(g, "edit to", layouts[g->m.layout]);
	load(g);
}

static void lose(struct game *g)
{
	static char word[] = "lose";
	char *const command[] = { word, NULL };

	told(g, word, "");
	cmd_lose(g->w, command, 1);
	model_time(&g->m, now(g), wall(g));
	g->m.rows = 1; /* the history is lost too */
}

static void pass_time(struct game *g)
{
	world_wait(g->w, below(g, 120000));
	told(g, "later", "");
	model_time(&g->m, now(g), wall(g));
}

static void step(struct game *g)
{
	switch (below(g, 20)) {
	case 0:
		restart(g);
		break;
	case 1:
		edit(g);
		break;
	case 2:
		g->w->wall_ahead_ms += (int64_t)below(g, 7200000) - 3600000;
		told(g, "clock", "");
		break;
	case 3:
		if (below(g, 2))
			lose(g);
		break;
	case 4:
		pass_time(g);
		break;
	case 5:
		if (g->m.process)
			process(g, below(g, 2) != 0);
		break;
	default:
		if (!g->m.process || g->m.watch == 'P')
			verdict(g);
		break;
	}
}

/* ---- is it so? -------------------------------------------------------- */

struct seen {
	unsigned rows;
	char last; /* state */
	char why[300];
};

static void on_history(void *arg, const struct history_row *row)
{
	struct seen *s = arg;

	/* gone, or a note */
	if (!row->now || (row->was && !strcmp(row->was, row->now)))
		return;
	if (!s->rows) { /* the newest first */
		(void)snprintf(s->why, sizeof(s->why), "%s",
		    row->reason ? row->reason : "");
		s->last = (char)(!strcmp(row->now, "starting")  ? 's'
		                 : !strcmp(row->now, "dead")    ? 'D'
		                 : !strcmp(row->now, "passing") ? 'P'
		                 : !strcmp(row->now, "warning") ? 'W'
		                                                : 'C');
	}
	s->rows++;
}

/* Rounding decided: what the registrar made of it holds. */
static void adopt(struct model *m, const struct seen *s)
{
	m->unsure = false;
	m->rows = s->rows;
	m->row = s->last;
	m->held = s->last == 'C' && (m->raw == 'P' || m->raw == 'W');
}

static void check(struct game *g)
{
	struct world *w = g->w;
	struct model *m = &g->m;
	struct seen seen = { 0 };

	w->line++;
	world_turn(w);
	struct registry *r = world_look(w);

	(void)registry_read_history(
	    r, "svc.test", "web", HISTORY_MAX, on_history, &seen, NULL);
	registry_close(r);
	/* nobody can tell while it is down anyway */
	if (m->unsure && (m->raw == 'P' || m->raw == 'W'))
		adopt(m, &seen);
	if (seen.last != m->row || seen.rows != m->rows) {
		world_fail(w,
		    "the row is %c after %u states, expected %c after %u "
		    "(layout %d, rise %d, fall %d, process %d, damping %d, "
		    "without it %c; checks %.3s): %s",
		    seen.last, seen.rows, m->row, m->rows, m->layout, m->rise,
		    m->fall, m->process, m->half_life_ms > 0, m->raw, m->state,
		    seen.why);
	}
}

/* ---- all of it -------------------------------------------------------- */

static void play(uint64_t seed, bool tell)
{
	struct game g = { .tell = tell };
	char name[48];

	rng_seed_fixed(&g.rng, seed);
	g.m.rise = 1 + (int)below(&g, 3);
	g.m.fall = 1 + (int)below(&g, 3);
	g.m.layout = (enum layout)below(&g, LAYOUT_N);
	g.m.process = below(&g, 3) == 0;
	if (below(&g, 2)) {
		g.m.half_life_ms = 1000 * (5 + below(&g, 120));
		g.m.reuse = 1 + (int)below(&g, 2);
		g.m.suppress = g.m.reuse + 1 + (int)below(&g, 2);
		g.m.max_ms = g.m.half_life_ms * (3 + below(&g, 3));
	}
	model_begin(&g.m);
	(void)snprintf(
	    name, sizeof(name), "seed %llu, step", (unsigned long long)seed);
	g.w = world_new(name);
	load(&g);
	if (g.m.process)
		process(&g, true);
	for (int n = 0; n < STEPS; n++) {
		step(&g);
		check(&g);
	}
	world_free(g.w);
}

int main(int argc, char **argv)
{
	const char *more = getenv("SCENARIO_SEQUENCES");
	uint64_t seed =
	    argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL);
	uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10)
	             : more   ? strtoull(more, NULL, 10)
	                      : SEQUENCES;

	(void)fprintf(stderr, "seeds %llu and on\n", (unsigned long long)seed);
	for (uint64_t k = 0; k < n; k++)
		play(seed + k, n == 1);
	return 0;
}
