// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar watch: run a program, or write files, when what DNS says changes.
 */
#include "registrar/command/commands.h"
#include "registrar/watch/watcher.h"

#include <errno.h>

int command_watch(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct arena *a = arena_new();
	struct target *services =
	    arena_alloc(a, rest->n + 1, sizeof(*services));
	const struct watch_config c = { .registry = o->run.registry,
		.zone = o->run.zone,
		.services = services,
		.service_n = rest->n,
		.exec = o->watch.exec,
		.templates = &o->watch.templates,
		.reload = o->watch.reload,
		.settle_ms = o->watch.settle_ms,
		.once = o->once };
	struct diag why;
	int error = 0;

	log_setup("registrar", o->run.log_level, o->run.log_format);
	if (!c.exec == !c.templates->n || (c.reload && !c.templates->n)) {
		error = diag_set(&why, -EINVAL,
		    "expected --exec, or --template with or without --reload");
	}
	for (unsigned i = 0; i < rest->n && !error; i++) {
		error = target_parse(
		    rest->items[i], o->run.zone, a, &services[i], &why);
		if (!error && services[i].instance) {
			error = diag_set(&why, -EINVAL,
			    "found '%s', expected SERVICE", rest->items[i]);
		}
	}
	if (!error)
		error = watch_services(&c, &why);
	if (error)
		(void)fprintf(stderr, "registrar: %s\n", why.text);
	arena_free(a);
	return error == -EINVAL ? EXIT_WRONG : error ? EXIT_FAILED : EXIT_DONE;
}
