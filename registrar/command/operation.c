// SPDX-License-Identifier: BSD-2-Clause
/*
 * The write lock is taken first and the rows are read below it, so that what
 * is told as the state before is what was changed.
 */
#include "registrar/command/operation.h"

#include "registrar/command/commands.h"
#include "registrar/lib/json.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS 5000

/* Whose hands were on the keyboard, as well as can be known. */
static const char *actor_name(struct arena *a)
{
	const char *sudo = getenv("SUDO_USER");
	struct passwd entry, *found = NULL;
	char buf[1024];

	if (sudo && *sudo)
		return arena_printf(a, "command/%.200s", sudo);
	if (getpwuid_r(getuid(), &entry, buf, sizeof(buf), &found) != 0 ||
	    !found)
		return arena_printf(a, "command/%u", (unsigned)getuid());
	return arena_printf(a, "command/%.200s", found->pw_name);
}

int operation_start(struct operation *ret_op, const struct registrar_options *o,
    const char *text, struct arena *a, struct diag *reterr)
{
	*ret_op = (struct operation){
		.options = o, .arena = a, .actor = actor_name(a)
	};
	return target_parse(text, o->run.zone, a, &ret_op->target, reterr);
}

void operation_end(struct operation *op)
{
	free(op->rows);
	free(op->changes);
}

/* ---- rows -------------------------------------------------------------- */

static const char *copy(struct operation *op, const char *s)
{
	return s ? arena_strdup(op->arena, s) : NULL;
}

static void on_service(void *arg, const struct service_row *row)
{
	struct operation *op = arg;

	op->ttl_s = row->ttl_s;
	op->service_source = copy(op, row->source);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct operation *op = arg;

	if (op->target.instance && strcmp(op->target.instance, row->name) != 0)
		return;
	if (op->n == op->max) {
		op->max = op->max ? 2 * op->max : 16;
		op->rows = xreallocarray(op->rows, op->max, sizeof(*op->rows));
	}
	struct instance_row *r = &op->rows[op->n++];
	*r = *row;
	r->zone = op->target.zone;
	r->service = op->target.service;
	r->name = copy(op, row->name);
	r->address = copy(op, row->address);
	r->address6 = copy(op, row->address6);
	r->tags = copy(op, row->tags);
	r->meta = copy(op, row->meta);
	r->locality = copy(op, row->locality);
	r->source = copy(op, row->source);
	r->definition = copy(op, row->definition);
	r->reason = copy(op, row->reason);
}

static void on_done(void *arg)
{
	(void)arg;
}

static int load(struct operation *op, struct diag *reterr)
{
	const struct registry_visitor v = { .service = on_service,
		.instance = on_instance,
		.done = on_done,
		.arg = op };
	const struct target *t = &op->target;

	op->n = 0;
	int error =
	    registry_read_service(op->reg, t->zone, t->service, &v, reterr);

	if (error == -ENOENT) {
		return diag_set(reterr, -EINVAL, "no service '%s' in zone '%s'",
		    t->service, t->zone);
	}
	if (error == 0 && !op->n && t->instance) {
		return diag_set(reterr, -EINVAL,
		    "no instance '%s' of service '%s' in zone '%s'",
		    t->instance, t->service, t->zone);
	}
	return error;
}

/* ---- the transaction --------------------------------------------------- */

static int run_locked(
    struct operation *op, operation_fn fn, void *arg, struct diag *reterr)
{
	int error = op->prepare ? op->prepare(op, reterr) : 0;

	if (error == 0)
		error = load(op, reterr);
	free(op->changes);
	op->changes = xcalloc(op->n, sizeof(*op->changes));
	op->change_n = 0;
	for (unsigned k = 0; error == 0 && k < op->n; k++)
		error = fn(op, &op->rows[k], arg, reterr);
	return error;
}

int operation_run(
    struct operation *op, operation_fn fn, void *arg, struct diag *reterr)
{
	const char *path = op->options->run.registry;

	if (!op->prepare && access(path, F_OK) < 0) {
		return diag_set(reterr, -errno, "cannot open '%s': %s", path,
		    strerror(errno));
	}
	int error = registry_open(path, REGISTRY_WRITE, &op->reg, reterr);

	if (error < 0)
		return error;
	op->now_wall_ms = clock_wall_ms();
	error = registry_begin(op->reg, BUSY_MS, reterr);
	if (error == 0 && (error = run_locked(op, fn, arg, reterr)) == 0)
		error = registry_commit(op->reg, reterr);
	registry_rollback(op->reg);
	registry_close(op->reg);
	op->reg = NULL;
	return error;
}

void operation_changed(struct operation *op, const struct instance_row *row,
    const char *was, const char *now)
{
	op->changes[op->change_n++] = (struct operation_change){
		.instance = row->name, .was = was, .now = now
	};
}

int operation_note(struct operation *op, const struct instance_row *row,
    const char *text, struct diag *reterr)
{
	return registry_put_note(op->reg, row->zone, row->service, row->name,
	    op->actor, text, op->now_wall_ms, reterr);
}

/* ---- output ------------------------------------------------------------ */

static void print_json(const struct operation *op)
{
	json_t *all = json_must(json_array());

	for (unsigned k = 0; k < op->change_n; k++) {
		const struct operation_change *c = &op->changes[k];
		json_t *o = json_must(json_object());

		json_set(o, "zone", json_text(op->target.zone));
		json_set(o, "service", json_text(op->target.service));
		json_set(o, "instance", json_text(c->instance));
		json_set(o, "was", json_text(c->was));
		json_set(o, "now", json_text(c->now));
		json_array_append_new(all, o);
	}
	(void)json_dumpf(all, stdout, JSON_INDENT(2));
	(void)fputc('\n', stdout);
	json_decref(all);
}

void operation_print(const struct operation *op)
{
	if (op->options->json) {
		print_json(op);
		return;
	}
	if (!op->change_n) {
		(void)printf(
		    "%s: nothing to do: no instances\n", op->target.service);
	}
	for (unsigned k = 0; k < op->change_n; k++) {
		const struct operation_change *c = &op->changes[k];

		if (strcmp(c->was, c->now) == 0) {
			(void)printf("%s/%s: %s already\n", op->target.service,
			    c->instance, c->now);
		} else {
			(void)printf("%s/%s: %s -> %s\n", op->target.service,
			    c->instance, c->was, c->now);
		}
	}
}

int operation_exit(int error, const struct diag *why)
{
	if (error == 0)
		return EXIT_DONE;
	(void)fprintf(stderr, "registrar: %s\n", why->text);
	return error == -EINVAL ? EXIT_WRONG : EXIT_FAILED;
}
