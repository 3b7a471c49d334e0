// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar wait: until a service, or one instance, is in answers.
 *
 * For pipelines: the registry, the service and its definition may all be yet
 * to come. States count only while the registrar that wrote them is heard.
 */
#include "registrar/command/commands.h"
#include "registrar/report/status.h"
#include "registrar/report/target.h"
#include "schema/base/clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define LOOK_MS 100

struct waiting {
	const struct registrar_options *options;
	struct arena *arena;
	struct target target;
};

static bool is_in(
    const struct status_report *r, const struct status_instance *i)
{
	return eligible_is_in_addresses(&i->eligible) &&
	       i->eligible.why != ELIGIBLE_ADMITTED &&
	       (*i->row.node || told_is_heard(&r->told, i->row.source));
}

static bool is_met(const struct waiting *w, const struct status_report *r)
{
	for (unsigned k = 0; k < r->instance_n; k++) {
		const struct status_instance *i = &r->instances[k];

		if ((!w->target.instance ||
		        !strcmp(i->row.name, w->target.instance)) &&
		    is_in(r, i))
			return true;
	}
	return false;
}

static void pause_ms(int64_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* What it looked like in the end, as status and explain would say. */
static void tell(const struct waiting *w, const struct status_report *r)
{
	const struct status_style style = { 0 };

	status_print_told(stderr, &r->told, &style);
	for (unsigned k = 0; k < r->instance_n; k++) {
		const struct status_instance *i = &r->instances[k];

		if (w->target.instance &&
		    strcmp(i->row.name, w->target.instance) != 0)
			continue;
		(void)fprintf(stderr, "%s/%s is %s: ", i->row.service,
		    i->row.name, status_state(i));
		status_put_safe(stderr, status_detail(w->arena, r, i), 0);
		(void)fputc('\n', stderr);
	}
}

static int give_up(const struct waiting *w, const char *text, int r,
    const struct status_report *report, const struct diag *why)
{
	(void)fprintf(stderr,
	    "registrar: '%s' is not in answers after %lld s%s%s\n", text,
	    (long long)(w->options->timeout_ms / 1000), r < 0 ? ": " : "",
	    r < 0 ? why->text : "");
	if (r == 0)
		tell(w, report);
	return EXIT_UNHEALTHY;
}

static int wait_for(const struct waiting *w, const char *text)
{
	int64_t end_ms = clock_mono_ms() + w->options->timeout_ms;

	for (;;) {
		struct status_report report;
		struct diag why;
		int r = status_load(w->options->run.registry, w->target.zone,
		    w->target.service, clock_wall_ms(), &report, &why);
		bool met = r == 0 && is_met(w, &report);
		bool over = !met && clock_mono_ms() >= end_ms;
		int code =
		    over ? give_up(w, text, r, &report, &why) : EXIT_DONE;

		if (r == 0)
			status_release(&report);
		if (met || over)
			return code;
		pause_ms(LOOK_MS);
	}
}

int command_wait(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct waiting w = { .options = o, .arena = arena_new() };
	struct diag why;
	int code = EXIT_WRONG;

	if (target_parse(
	        rest->items[0], o->run.zone, w.arena, &w.target, &why) < 0) {
		(void)fprintf(stderr, "registrar: %s\n", why.text);
	} else {
		code = wait_for(&w, rest->items[0]);
	}
	arena_free(w.arena);
	return code;
}
