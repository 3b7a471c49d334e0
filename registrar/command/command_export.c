// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar export: the registry as text, whoever runs or does not.
 */
#include "registrar/command/commands.h"
#include "registrar/exchange/export.h"
#include "registrar/report/target.h"
#include "schema/base/clock.h"

#include <errno.h>
#include <string.h>

static int load(const struct registrar_options *o, const struct target *t,
    struct status_report *ret_r, int64_t *ret_revision, struct diag *reterr)
{
	struct registry *reg;
	int error = registry_open(o->run.registry, REGISTRY_READ, &reg, reterr);

	if (error < 0)
		return error;
	error = registry_revision(reg, ret_revision);
	registry_close(reg);
	if (error < 0) {
		return diag_set(reterr, error, "cannot read '%s': %s",
		    o->run.registry, strerror(-error));
	}
	error = status_load(o->run.registry, t->zone, t->service,
	    clock_wall_ms(), ret_r, reterr);
	/* the registry is there, so it is the service that is not */
	return error == -ENOENT ? -EINVAL : error;
}

static int print(const struct registrar_options *o,
    const struct status_report *r, struct export_config *c)
{
	c->format = o->format;
	c->ttl_s = (unsigned)(o->ttl_ms / 1000);
	export_print(stdout, r, c);
	if (c->left_out_n) {
		(void)fprintf(stderr,
		    "registrar: left out: %u instance%s whose lease ran out\n",
		    c->left_out_n, c->left_out_n == 1 ? "" : "s");
	}
	if (c->port_cut_n) {
		(void)fprintf(stderr,
		    "registrar: left out: all but the first port of %u "
		    "service%s: this format has one\n",
		    c->port_cut_n, c->port_cut_n == 1 ? "" : "s");
	}
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	(void)fprintf(stderr, "registrar: cannot write: %s\n", strerror(errno));
	return EXIT_FAILED;
}

int command_export(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct arena *a = arena_new();
	struct target t = { .zone = o->run.zone };
	struct export_config c = { 0 };
	struct status_report r;
	struct diag why;
	int code = EXIT_WRONG, error = 0;

	if (rest->n)
		error = target_parse(rest->items[0], o->run.zone, a, &t, &why);
	if (error == 0 && t.instance) {
		error = diag_set(&why, -EINVAL, "found '%s', expected SERVICE",
		    rest->items[0]);
	}
	if (error == 0)
		error = load(o, &t, &r, &c.revision, &why);
	if (error == 0) {
		c.zone = t.zone;
		code = print(o, &r, &c);
		status_release(&r);
	} else {
		(void)fprintf(stderr, "registrar: %s\n", why.text);
		code = error == -EINVAL ? EXIT_WRONG : EXIT_FAILED;
	}
	arena_free(a);
	return code;
}
