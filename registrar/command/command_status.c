// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar status: reads the registry, whoever runs or does not.
 */
#include "registrar/command/commands.h"
#include "registrar/report/status.h"
#include "schema/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80

/* Colour and cutting are for people: in a pipe, all of it and plain. */
static struct status_style make_style(void)
{
	const char *no_colour = getenv("NO_COLOR"); /* https://no-color.org */
	const char *term = getenv("TERM");
	struct winsize size = { 0 };

	if (!isatty(STDOUT_FILENO))
		return (struct status_style){ 0 };
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		size.ws_col = WIDTH_DEFAULT;
	return (struct status_style){
		.colour = !(no_colour && *no_colour) && term &&
		          strcmp(term, "dumb") != 0,
		.width = size.ws_col,
	};
}

int command_status(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	const char *service = rest->n ? rest->items[0] : NULL;
	const char *zone = o->run.zone;
	const char *dot = service ? strchr(service, '.') : NULL;
	struct arena *a = arena_new();
	struct status_report report;
	struct diag why;
	int code = EXIT_FAILED;

	if (service && strchr(service, '/')) {
		(void)fprintf(stderr,
		    "registrar: found '%s', expected SERVICE: `registrar "
		    "explain %s` tells of one instance\n",
		    service, service);
		arena_free(a);
		return EXIT_WRONG;
	}
	if (dot) { /* "payment.svc.internal" */
		zone = dot + 1;
		service = arena_memdup(a, service, (size_t)(dot - service));
	}
	int r = status_load(
	    o->run.registry, zone, service, clock_wall_ms(), &report, &why);

	if (r < 0) {
		(void)fprintf(stderr, "registrar: %s\n", why.text);
		/* no such service, if there is a registry to have it */
		code = r == -ENOENT && service &&
		               access(o->run.registry, F_OK) == 0
		           ? EXIT_WRONG
		           : EXIT_FAILED;
	} else {
		const struct status_style style = make_style();

		if (o->json) {
			status_print_json(stdout, &report);
		} else {
			status_print(stdout, &report, &style);
		}
		code =
		    status_is_unhealthy(&report) ? EXIT_UNHEALTHY : EXIT_DONE;
		status_release(&report);
	}
	arena_free(a);
	return code;
}
