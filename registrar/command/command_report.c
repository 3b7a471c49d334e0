// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar pass, warn, fail: a report on a ttl check.
 *
 * The report is a write to the row of the check, which the registrar that
 * runs looks at some times in each ttl; it is not asked, and may be down.
 */
#include "registrar/command/commands.h"
#include "registrar/command/operation.h"
#include "registrar/definition/definition.h"
#include "registrar/lib/printable.h"
#include "registrar/probe/probe.h"
#include "registrar/report/target.h"
#include "schema/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Which row it is about; found is filled from the registry. */
struct report {
	struct target target;
	const char *check; /* NULL: the only one */
	/* found */
	unsigned n;
	char name[256];
	enum health status;
	int64_t since_wall_ms;
};

static void on_check(void *arg, const struct check_row *row)
{
	struct report *r = arg;

	if (strcmp(row->instance, r->target.instance) != 0 ||
	    strcmp(row->kind, check_kind_name(CHECK_TTL)) != 0 ||
	    (r->check && strcmp(row->name, r->check) != 0))
		return;
	r->n++;
	(void)snprintf(r->name, sizeof(r->name), "%s", row->name);
	r->status = row->status;
	r->since_wall_ms = row->since_wall_ms;
}

static int find_check(
    struct report *r, struct registry *reg, struct diag *reterr)
{
	int error = registry_read_checks(
	    reg, r->target.zone, r->target.service, on_check, r, reterr);

	if (error < 0)
		return error;
	if (r->n == 1)
		return 0;
	if (r->n) {
		return diag_set(reterr, -EINVAL,
		    "'%s/%s' has %u ttl checks, expected the name of one",
		    r->target.service, r->target.instance, r->n);
	}
	return diag_set(reterr, -EINVAL,
	    "found no ttl check%s%s of '%s/%s' in zone '%s'",
	    r->check ? " " : "", r->check ? r->check : "", r->target.service,
	    r->target.instance, r->target.zone);
}

int operation_report(struct registry *reg, const struct target *t,
    const char *check, enum health status, const char *note,
    int64_t now_wall_ms, struct diag *reterr)
{
	struct report r = { .target = *t, .check = check };
	char output[PROBE_DETAIL_MAX];

	printable_copy(output, sizeof(output), note, strlen(note));
	int error = find_check(&r, reg, reterr);

	if (error < 0)
		return error;
	const struct check_row row = { .zone = t->zone,
		.service = t->service,
		.instance = t->instance,
		.name = r.name,
		.kind = check_kind_name(CHECK_TTL),
		.status = status,
		.output = output,
		.since_wall_ms =
		    status == r.status ? r.since_wall_ms : now_wall_ms,
		.checked_wall_ms = now_wall_ms };

	return registry_put_check(reg, &row, reterr);
}

static int write_report(const struct target *t, const char *check,
    const char *path, enum health status, const char *note, struct diag *reterr)
{
	struct registry *reg;

	/* only the registrar makes one */
	if (access(path, F_OK) < 0) {
		return diag_set(reterr, -errno, "cannot open '%s': %s", path,
		    strerror(errno));
	}
	int error = registry_open(path, REGISTRY_WRITE, &reg, reterr);

	if (error < 0)
		return error;
	error = operation_report(
	    reg, t, check, status, note, clock_wall_ms(), reterr);
	registry_close(reg);
	return error;
}

static int report(const struct registrar_options *o,
    const struct conf_strings *rest, enum health status)
{
	struct arena *a = arena_new();
	const char *check = rest->n > 1 ? rest->items[1] : NULL;
	struct target t;
	struct diag why;
	int error =
	    target_parse_instance(rest->items[0], o->run.zone, a, &t, &why);

	if (error == 0) {
		error = write_report(&t, check, o->run.registry, status,
		    o->note ? o->note : "", &why);
	}
	arena_free(a);
	if (error == 0)
		return EXIT_DONE;
	(void)fprintf(stderr, "registrar: %s\n", why.text);
	return error == -EINVAL ? EXIT_WRONG : EXIT_FAILED;
}

int command_pass(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	return report(o, rest, HEALTH_PASSING);
}

int command_warn(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	return report(o, rest, HEALTH_WARNING);
}

int command_fail(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	return report(o, rest, HEALTH_CRITICAL);
}
