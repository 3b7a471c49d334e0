// SPDX-License-Identifier: BSD-2-Clause
/*
 * run FILE.scn - what the registrar makes of files, verdicts and time.
 *
 * Everything is real but the clock, the probes and the processes: those do
 * as the scenario says. README.md has the words that it may use.
 */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *word;
	int words_n; /* at least */
	void (*fn)(struct world *w, char *const *words, int n);
} commands[] = {
	{ "load", 2, cmd_load },
	{ "remove", 2, cmd_remove },
	{ "rename", 3, cmd_rename },
	{ "restart", 1, cmd_restart },
	{ "alive", 2, cmd_process },
	{ "gone", 2, cmd_process },
	{ "unknown", 2, cmd_process },
	{ "pass", 3, cmd_verdict },
	{ "warn", 3, cmd_verdict },
	{ "fail", 3, cmd_verdict },
	{ "early", 4, cmd_early },
	{ "hang", 3, cmd_hang },
	{ "report", 4, cmd_report },
	{ "wait", 2, cmd_wait },
	{ "lock", 1, cmd_lock },
	{ "unlock", 1, cmd_unlock },
	{ "lose", 1, cmd_lose },
	{ "expect", 3, cmd_expect },
	{ "history", 2, cmd_history },
	{ "resting", 3, cmd_resting },
	{ "step", 2, cmd_step },
	{ "mode", 3, cmd_mode },
	{ "is", 3, cmd_is },
	{ "ramp", 3, cmd_ramp },
	{ "ports", 3, cmd_ports },
	{ "drain", 3, cmd_drain },
	{ "drained", 3, cmd_step_of },
	{ "signals", 2, cmd_signals },
};

#define WORDS_MAX 64

static void run_line(struct world *w, char *line)
{
	char *words[WORDS_MAX] = { NULL }, *save = NULL;
	int n = 0;

	for (char *at = strtok_r(line, " \t\n", &save); at && n < WORDS_MAX;
	     at = strtok_r(NULL, " \t\n", &save))
		words[n++] = at;
	if (!n)
		return;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].word, words[0]) != 0)
			continue;
		if (n < commands[i].words_n)
			world_fail(w, "'%s' needs more words", words[0]);
		commands[i].fn(w, words, n);
		world_turn(w);
		return;
	}
	world_fail(w, "'%s' is no command", words[0]);
}

/* `file NAME`, then its lines, each behind a tab. */
static void run_file(struct world *w, FILE *in)
{
	char line[1024], name[256] = "";

	while (fgets(line, sizeof(line), in)) {
		w->line++;
		if (line[0] == '\t') {
			world_file_add(w, name, line + 1);
			continue;
		}
		size_t blank = strspn(line, " \n");

		if (line[blank] == '#' || !line[blank])
			continue;
		if (sscanf(line, "file %255s", name) == 1) {
			world_file_new(w, name);
		} else {
			run_line(w, line);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		(void)fprintf(stderr, "usage: run FILE.scn\n");
		return 2;
	}
	FILE *in = fopen(argv[1], "re");

	if (!in) {
		(void)fprintf(
		    stderr, "cannot open '%s': %s\n", argv[1], strerror(errno));
		return 2;
	}
	struct world *w = world_new(argv[1]);

	run_file(w, in);
	world_free(w);
	(void)fclose(in);
	return 0;
}
