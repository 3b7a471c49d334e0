// SPDX-License-Identifier: BSD-2-Clause
/*
 * random [SEED [SEQUENCES]] - no flip that the thresholds forbid.
 *
 * Random verdicts, restarts, edits, steps of the wall clock and lost
 * registries, played to a registrar as the scenarios do, and told to a model
 * that shares no code with it: for each check the verdicts as letters since
 * the registrar began. After each step the row must say what the model says.
 * A failure names its seed. SCENARIO_SEQUENCES asks for more.
 */
#include "commands.h"
#include "schema/base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SEQUENCES 5
#define STEPS 150
#define CHECKS 2

static const char *const names[CHECKS] = { "tcp-1", "page" };
static const char *const intervals[] = { "1s", "2s", "5s" };

struct model {
	int rise, fall;
	char state[CHECKS]; /* s starting, P passing, W warning, C critical */
	char heard[CHECKS][STEPS + 1]; /* . pass, w warn, x fail */
	char whole;
};

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

/* All must have spoken for it to come in; then the worst of them counts. */
static void combine(struct model *m)
{
	static const char order[] = "PWC";
	char worst = 'P';
	bool undecided = false;

	for (int c = 0; c < CHECKS; c++) {
		if (m->state[c] == 's') {
			undecided = true;
		} else if (strchr(order, m->state[c]) > strchr(order, worst)) {
			worst = m->state[c];
		}
	}
	if (!undecided || worst == 'C')
		m->whole = worst;
}

static void hear(struct model *m, int check, char verdict)
{
	size_t len = strlen(m->heard[check]);

	m->heard[check][len] = verdict;
	m->heard[check][len + 1] = '\0';
	m->state[check] = next_state(m, m->state[check], m->heard[check]);
	combine(m);
}

static void define(struct world *w, const struct model *m, uint32_t interval)
{
	char line[256];

	world_file_new(w, "web.yaml");
	world_file_add(w, "web.yaml", "service: web\nport: 80\n");
	world_file_add(
	    w, "web.yaml", "instances: [{name: a, address: 192.0.2.1}]\n");
	world_file_add(w, "web.yaml", "checks:\n");
	for (int c = 0; c < CHECKS; c++) {
		(void)snprintf(line, sizeof(line),
		    "  - {name: %s, tcp: \"{address}:{port}\", interval: %s, "
		    "timeout: 1s, rise: %d, fall: %d}\n",
		    names[c], intervals[interval], m->rise, m->fall);
		world_file_add(w, "web.yaml", line);
	}
}

static void verdict(struct world *w, struct model *m, struct rng *rng)
{
	static char words[3][5] = { "pass", "warn", "fail" };
	static char instance[] = "web/a";
	char name[16];
	uint32_t v = rng_below(rng, 3);
	int check = (int)rng_below(rng, CHECKS);
	char *const command[] = { words[v], instance, name, NULL };

	(void)snprintf(name, sizeof(name), "%s", names[check]);
	cmd_verdict(w, command, 3);
	hear(m, check, ".wx"[v]);
}

/* Runs are not kept over a restart, and a check that is edited begins anew. */
static void step(struct world *w, struct model *m, struct rng *rng)
{
	static char load[] = "load", file[] = "web.yaml";
	char *const command[] = { load, file, NULL };

	switch (rng_below(rng, 16)) {
	case 0:
		for (int c = 0; c < CHECKS; c++)
			m->heard[c][0] = '\0';
		cmd_restart(w, command, 1);
		break;
	case 1:
		define(w, m, rng_below(rng, 3));
		cmd_load(w, command, 2);
		break;
	case 2:
		w->wall_ahead_ms += (int64_t)rng_below(rng, 7200000) - 3600000;
		break;
	case 3:
		cmd_lose(w, command, 1);
		break;
	default:
		verdict(w, m, rng);
		break;
	}
}

static void check(struct world *w, const struct model *m)
{
	static char instance[] = "web/a";
	static char words[][9] = { "starting", "passing", "warning",
		"critical" };
	char *const command[] = { instance, instance,
		words[strchr("sPWC", m->whole) - "sPWC"], NULL };

	w->line++;
	cmd_expect(w, command, 3);
}

static void play(uint64_t seed)
{
	static const char initial[CHECKS] = { 's', 's' };
	static char load[] = "load", file[] = "web.yaml";
	char *const command[] = { load, file, NULL };
	char name[32];
	struct rng rng;
	struct model m = { .whole = 's' };

	rng_seed_fixed(&rng, seed);
	memcpy(m.state, initial, sizeof(initial));
	m.rise = 1 + (int)rng_below(&rng, 3);
	m.fall = 1 + (int)rng_below(&rng, 3);
	(void)snprintf(
	    name, sizeof(name), "seed %llu, step", (unsigned long long)seed);
	struct world *w = world_new(name);

	define(w, &m, 0);
	cmd_load(w, command, 2);
	for (int n = 0; n < STEPS; n++) {
		step(w, &m, &rng);
		check(w, &m);
	}
	world_free(w);
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
		play(seed + k);
	return 0;
}
