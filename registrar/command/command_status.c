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
#include <unistd.h>

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

	if (r < 0 && o->nagios) {
		/* of plugins the first line of standard output counts */
		(void)printf("ROLLCALL UNKNOWN - %s\n", why.text);
		code = NAGIOS_UNKNOWN;
	} else if (r < 0) {
		(void)fprintf(stderr, "registrar: %s\n", why.text);
		/* no such service, if there is a registry to have it */
		code = r == -ENOENT && service &&
		               access(o->run.registry, F_OK) == 0
		           ? EXIT_WRONG
		           : EXIT_FAILED;
	} else {
		const struct status_style style = status_style_of(stdout);

		status_filter(&report, o->unhealthy, o->node);
		code = status_is_unhealthy(&report) ? EXIT_UNHEALTHY
		       : report.told.doubtful       ? EXIT_DOUBTFUL
		                                    : EXIT_DONE;
		if (o->nagios) {
			code = status_print_nagios(stdout, &report);
		} else if (o->json) {
			status_print_json(stdout, &report);
		} else {
			status_print(stdout, &report, &style);
		}
		status_release(&report);
	}
	arena_free(a);
	return code;
}
