// SPDX-License-Identifier: BSD-2-Clause
/*
 * The write lock is taken first and the rows are read below it, so that what
 * is told as the state before is what was changed.
 */
#include "registrar/command/operation.h"

#include "registrar/command/commands.h"
#include "registrar/lib/json.h"
#include "registrar/report/status.h"
#include "registrar/report/unknown.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"
#include "schema/eligible.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 100

#define BUSY_MS 5000

const char *operation_actor(struct arena *a)
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

/* ---- what is on a node ------------------------------------------------- */

struct search {
	struct operation *op;
	char *zone, *service; /* of the rows that are visited; in the arena */
	unsigned max;
	bool found; /* something of that service */
};

static void search_service(void *arg, const struct service_row *row)
{
	struct search *x = arg;

	x->zone = arena_strdup(x->op->arena, row->zone);
	x->service = arena_strdup(x->op->arena, row->name);
	x->found = false;
}

static void search_instance(void *arg, const struct instance_row *row)
{
	struct search *x = arg;
	struct operation *op = x->op;

	if (x->found ||
	    !target_is_on_node(row, op->options->node, op->host.name))
		return;
	x->found = true;
	if (op->target_n == x->max) {
		struct target *more =
		    arena_alloc(op->arena, 2u * x->max + 16, sizeof(*more));

		if (op->target_n) {
			memcpy(more, op->targets, op->target_n * sizeof(*more));
		}
		op->targets = more;
		x->max = 2 * x->max + 16;
	}
	op->targets[op->target_n++] =
	    (struct target){ .zone = x->zone, .service = x->service };
}

static void search_done(void *arg)
{
	(void)arg;
}

#define SEARCH_PAGE 500

static int search_all(
    struct search *x, struct registry *reg, struct diag *reterr)
{
	const struct registry_visitor v = { .service = search_service,
		.instance = search_instance,
		.done = search_done,
		.arg = x,
		.broken = registry_pass_over };
	struct registry_key after = { 0 };
	unsigned n;
	int error;

	do {
		error = registry_read_page(
		    reg, &after, SEARCH_PAGE, &v, &n, reterr);
	} while (error == 0 && n);
	return error;
}

static int find_on_node(struct operation *op, struct diag *reterr)
{
	const struct registrar_options *o = op->options;
	struct search x = { .op = op };
	struct registry *reg;

	if (!o->node) {
		return diag_set(reterr, -EINVAL,
		    "found nothing, expected SERVICE/INSTANCE or --node");
	}
	int error = registry_open(o->run.registry, REGISTRY_READ, &reg, reterr);

	if (error < 0)
		return error;
	error = registry_read_host(reg, &op->host, reterr);
	if (error == 0)
		error = search_all(&x, reg, reterr);
	registry_close(reg);
	if (error == 0 && !op->target_n) {
		return diag_set(reterr, -EINVAL,
		    "found no instance on node '%s', expected the name of a "
		    "host or registrar that has some",
		    o->node);
	}
	return error;
}

int operation_start(struct operation *ret_op, const struct registrar_options *o,
    const char *const *texts, unsigned n, struct arena *a, struct diag *reterr)
{
	struct operation op = { .options = o,
		.arena = a,
		.target_n = n,
		.actor = operation_actor(a) };
	int error = 0;

	if (!n) {
		error = find_on_node(&op, reterr);
	} else {
		op.targets = arena_alloc(a, n, sizeof(*op.targets));
	}
	for (unsigned k = 0; k < n && error == 0; k++) {
		error = target_parse(
		    texts[k], o->run.zone, a, &op.targets[k], reterr);
	}
	op.services = arena_alloc(a, op.target_n + 1u, sizeof(*op.services));
	*ret_op = op;
	return error;
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

	op->services[op->loading] = (struct operation_service){
		.target = &op->targets[op->loading],
		.ttl_s = row->ttl_s,
		.port = row->port,
		.source = copy(op, row->source),
	};
}

static bool names(const struct target *t, const struct instance_row *row)
{
	return !strcmp(t->service, row->service) &&
	       !strcmp(t->zone, row->zone) &&
	       (!t->instance || !strcmp(t->instance, row->name));
}

static bool is_named(const struct operation *op, const struct instance_row *row)
{
	const char *node = op->options->node;

	if (node && !target_is_on_node(row, node, op->host.name))
		return false;
	for (unsigned k = 0; k < op->target_n; k++) {
		if (names(&op->targets[k], row))
			return true;
	}
	return false;
}

/* The entry of the first target that is of its service. */
static struct operation_service *first_of(
    const struct operation *op, const struct instance_row *row)
{
	unsigned k = 0;

	while (strcmp(op->targets[k].service, row->service) != 0 ||
	       strcmp(op->targets[k].zone, row->zone) != 0)
		k++;
	return &op->services[k];
}

/* Who is in answers, as far as each alone decides it. */
static void census(struct operation *op, const struct instance_row *row)
{
	struct operation_service *s = first_of(op, row);
	struct eligible_facts f = eligible_facts(row);
	struct eligible e = eligible_judge(&f, clock_wall_ms());

	if (s != &op->services[op->loading] || !eligible_is_in_addresses(&e))
		return;
	if (is_named(op, row)) {
		s->named_n++;
	} else {
		s->left_n++;
	}
}

int operation_may_empty(const struct operation *op,
    const struct instance_row *row, struct diag *reterr)
{
	const struct operation_service *s = first_of(op, row);

	if (op->options->force || !s->named_n || s->left_n)
		return 0;
	return diag_set(reterr, -EINVAL,
	    "without %s of '%s' nothing of it is left in answers: --force does "
	    "it all the same",
	    s->named_n == 1 ? "this last instance" : "these last instances",
	    row->service);
}

/* Is it asked for, and was it not before? */
static bool is_next(const struct operation *op, const struct instance_row *row)
{
	const char *node = op->options->node;

	if (node && !target_is_on_node(row, node, op->host.name))
		return false;
	for (unsigned k = 0; k < op->loading; k++) {
		if (names(&op->targets[k], row))
			return false;
	}
	return names(&op->targets[op->loading], row);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct operation *op = arg;
	const struct target *t = &op->targets[op->loading];

	census(op, row);
	if (!is_next(op, row))
		return;
	if (op->n == op->max) {
		op->max = op->max ? 2 * op->max : 16;
		op->rows = xreallocarray(op->rows, op->max, sizeof(*op->rows));
	}
	struct instance_row *r = &op->rows[op->n++];
	*r = *row;
	r->zone = t->zone;
	r->service = t->service;
	r->name = copy(op, row->name);
	r->address = copy(op, row->address);
	r->address6 = copy(op, row->address6);
	r->tags = copy(op, row->tags);
	r->meta = copy(op, row->meta);
	r->locality = copy(op, row->locality);
	r->ports = copy(op, row->ports);
	r->source = copy(op, row->source);
	r->node = copy(op, row->node);
	r->definition = copy(op, row->definition);
	r->reason = copy(op, row->reason);
	r->drain.text = copy(op, row->drain.text);
}

static void on_done(void *arg)
{
	(void)arg;
}

static int load_target(
    struct operation *op, unsigned which, struct diag *reterr)
{
	const struct registry_visitor v = { .service = on_service,
		.instance = on_instance,
		.done = on_done,
		.arg = op,
		.broken = registry_pass_over };
	const struct target *t = &op->targets[which];

	op->loading = which;
	int error =
	    registry_read_service(op->reg, t->zone, t->service, &v, reterr);

	if (error == -ENOENT) {
		return unknown_service(
		    op->reg, t->zone, t->service, -EINVAL, reterr);
	}
	if (error == 0 && t->instance) {
		error = registry_find_instance(
		    op->reg, t->zone, t->service, t->instance, reterr);
	}
	if (error == -ENOENT)
		return unknown_instance(op->reg, t, -EINVAL, reterr);
	return error;
}

static int load(struct operation *op, struct diag *reterr)
{
	int error = 0;

	op->n = 0;
	for (unsigned k = 0; k < op->target_n && error == 0; k++)
		error = load_target(op, k, reterr);
	return error;
}

const struct operation_service *operation_service(
    const struct operation *op, const struct instance_row *row)
{
	unsigned k = 0;

	while (!names(&op->targets[k], row))
		k++;
	return &op->services[k];
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

int operation_run_in(struct operation *op, struct registry *reg,
    int64_t now_wall_ms, operation_fn fn, void *arg, struct diag *reterr)
{
	op->reg = reg;
	op->now_wall_ms = now_wall_ms;
	int error = registry_read_host(reg, &op->host, reterr);

	if (error == 0)
		error = run_locked(op, fn, arg, reterr);
	op->reg = NULL;
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
	if (error == -EBUSY) {
		(void)diag_set(reterr, error,
		    "registry '%s' is locked: another program has kept it so "
		    "for %d s; nothing was changed",
		    path, BUSY_MS / 1000);
	}
	if (error == 0)
		error = registry_read_host(op->reg, &op->host, reterr);
	if (error == 0 && (error = run_locked(op, fn, arg, reterr)) == 0)
		error = registry_commit(op->reg, reterr);
	registry_rollback(op->reg);
	registry_close(op->reg);
	op->reg = NULL;
	return error;
}

static int look_at(
    struct operation *op, operation_fn fn, void *arg, struct diag *reterr)
{
	int error = 0;

	op->n = 0;
	for (unsigned k = 0; k < op->target_n && error == 0; k++) {
		error = load_target(op, k, reterr);
		if (error == -EINVAL) /* gone, since it was there */
			error = 0;
	}
	for (unsigned k = 0; error == 0 && k < op->n; k++)
		error = fn(op, &op->rows[k], arg, reterr);
	return error;
}

int operation_look(
    struct operation *op, operation_fn fn, void *arg, struct diag *reterr)
{
	int error = registry_open(
	    op->options->run.registry, REGISTRY_READ, &op->reg, reterr);

	if (error < 0)
		return error;
	op->now_wall_ms = clock_wall_ms();
	error = look_at(op, fn, arg, reterr);
	registry_close(op->reg);
	op->reg = NULL;
	return error;
}

struct operation_change *operation_changed(struct operation *op,
    const struct instance_row *row, const char *was, const char *now)
{
	struct operation_change *c = &op->changes[op->change_n++];

	*c = (struct operation_change){ .zone = row->zone,
		.service = row->service,
		.instance = row->name,
		.was = was,
		.now = now };
	return c;
}

bool operation_is_of(
    const struct operation_change *c, const struct instance_row *row)
{
	return !strcmp(c->instance, row->name) &&
	       !strcmp(c->service, row->service) && !strcmp(c->zone, row->zone);
}

void operation_pause(unsigned row_n)
{
	int64_t ms = LOOK_MS + row_n / 10;
	struct timespec left = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

int operation_note(struct operation *op, const struct instance_row *row,
    const char *text, struct diag *reterr)
{
	return registry_put_note(op->reg, row->zone, row->service, row->name,
	    op->actor, text, op->now_wall_ms, reterr);
}

/* ---- output ------------------------------------------------------------ */

json_t *operation_json(const struct operation *op)
{
	json_t *all = json_must(json_array());

	for (unsigned k = 0; k < op->change_n; k++) {
		const struct operation_change *c = &op->changes[k];
		json_t *o = json_must(json_object());

		json_set(o, "zone", json_text(c->zone));
		json_set(o, "service", json_text(c->service));
		json_set(o, "instance", json_text(c->instance));
		json_set(o, "was", json_text(c->was));
		json_set(o, "now", json_text(c->now));
		if (c->text)
			json_set(o, "text", json_text(c->text));
		json_array_append_new(all, o);
	}
	return all;
}

static void print_json(const struct operation *op)
{
	json_t *all = operation_json(op);

	(void)json_dumpf(all, stdout, JSON_INDENT(2));
	(void)fputc('\n', stdout);
	json_decref(all);
}

static void print_change(
    const struct operation *op, const struct operation_change *c)
{
	bool home = strcmp(c->zone, op->options->run.zone) == 0;
	bool same = strcmp(c->was, c->now) == 0;

	(void)printf("%s%s%s/%s: ", c->service, home ? "" : ".",
	    home ? "" : c->zone, c->instance);
	if (same && c->same) {
		(void)fputs(c->same, stdout);
	} else if (same) {
		(void)printf("%s already", c->now);
	} else {
		(void)printf("%s -> %s", c->was, c->now);
	}
	if (c->text) {
		(void)fputs(": ", stdout);
		status_put_safe(stdout, c->text, 0);
	}
	(void)fputc('\n', stdout);
}

void operation_print(const struct operation *op)
{
	if (op->options->json) {
		print_json(op);
		return;
	}
	if (!op->change_n && op->target_n) {
		(void)printf("%s: nothing to do: no instances\n",
		    op->targets[0].service);
	}
	for (unsigned k = 0; k < op->change_n; k++) {
		if (!op->changes[k].told)
			print_change(op, &op->changes[k]);
	}
}

int operation_exit(int error, const struct diag *why)
{
	if (error == 0)
		return EXIT_DONE;
	/* the rules of the database say themselves what is expected */
	static const char rule[] = "CHECK constraint failed: ";
	const char *text = why->text;

	if (strncmp(text, rule, sizeof(rule) - 1) == 0)
		text += sizeof(rule) - 1;
	(void)fprintf(stderr, "registrar: %s\n", text);
	return error == -EINVAL ? EXIT_WRONG : EXIT_FAILED;
}
