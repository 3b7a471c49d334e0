// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar top: on a terminal live, else a table.
 */
#include "registrar/command/commands.h"
#include "registrar/top/top.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void explain(void *arg, const char *target, FILE *out)
{
	const char *items[] = { target, NULL };
	const struct conf_strings rest = { items, 1 };

	(void)explain_write(out, out, arg, &rest);
}

static void history(void *arg, const char *target, FILE *out)
{
	const char *items[] = { target, NULL };
	const struct conf_strings rest = { items, 1 };

	(void)history_write(out, out, arg, &rest);
}

/* It is as if we had not caught it, only the terminal is in order. */
static int end_by(int number)
{
	sigset_t one;

	(void)signal(number, SIG_DFL);
	(void)raise(number);
	(void)sigemptyset(&one);
	(void)sigaddset(&one, number);
	(void)sigprocmask(SIG_UNBLOCK, &one, NULL);
	return EXIT_FAILED;
}

int command_top(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct registrar_options plain = *o;
	const char *no_colour = getenv("NO_COLOR");
	const struct top_config c = { .registry = o->run.registry,
		.zone = o->run.zone,
		.filter = rest->n ? rest->items[0] : "",
		.colour = !(no_colour && *no_colour),
		.explain = explain,
		.history = history,
		.arg = &plain };
	int number = 0, error;
	struct diag why;

	plain.json = false;
	if (o->once || !isatty(STDOUT_FILENO)) {
		error = top_table(stdout, &c, &why);
	} else {
		error = top_screen(&c, &number, &why);
	}
	if (error < 0) {
		(void)fprintf(stderr, "registrar: %s\n", why.text);
		return EXIT_FAILED;
	}
	return number ? end_by(number) : EXIT_DONE;
}
