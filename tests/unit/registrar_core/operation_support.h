// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * operation_support - a registry file with rows, for the commands of an
 * operator. fx_setup and fx_teardown are cmocka's: *state is a struct fx.
 */
#include "registrar/command/commands.h"
#include "schema/owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* cmocka.h needs these before it */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define ZONE "svc.test"

struct fx {
	char dir[64], path[96], out[96];
	struct registrar_options options;
	struct arena *arena;
	struct instance_row seen; /* by fx_look */
};

static inline struct registry *fx_open(struct fx *f)
{
	struct registry *r;

	assert_int_equal(0, registry_open(f->path, REGISTRY_WRITE, &r, NULL));
	return r;
}

static inline void fx_put_service(struct fx *f, const struct service_row *more)
{
	struct registry *r = fx_open(f);
	struct service_row row = *more;

	row.zone = row.zone ? row.zone : ZONE;
	row.protocol = "tcp";
	row.port = row.port ? row.port : ROW_DEFAULT;
	row.ttl_s = row.ttl_s ? row.ttl_s : ROW_DEFAULT;
	row.max_answers = row.max_answers ? row.max_answers : ROW_DEFAULT;
	row.tags = "[]";
	row.meta = "{}";
	row.source = row.source ? row.source : "sql";
	assert_int_equal(0, registry_put_service(r, &row, NULL));
	registry_close(r);
}

/* 0 and NULL in more are the defaults; passing is HEALTH_PASSING. */
static inline void fx_put_instance(
    struct fx *f, const struct instance_row *more)
{
	struct registry *r = fx_open(f);
	struct instance_row row = *more;
	struct diag e;

	row.zone = row.zone ? row.zone : ZONE;
	row.service = row.service ? row.service : "web";
	row.address = row.address ? row.address : "192.0.2.1";
	row.port = row.port ? row.port : ROW_DEFAULT;
	row.weight_warning =
	    row.weight_warning ? row.weight_warning : ROW_DEFAULT;
	row.tags = "[]";
	row.meta = "{}";
	row.source = row.source ? row.source : "sql";
	/* whoever had it: there may be none yet */
	(void)registry_take_over(
	    r, row.zone, row.service, row.name, row.source, "test", 1, NULL);
	if (registry_put_instance(r, &row, &e) < 0 ||
	    registry_put_ramp(
	        r, row.zone, row.service, row.name, row.ramp_percent, &e) < 0 ||
	    registry_put_damping(
	        r, row.zone, row.service, row.name, &row.damping, &e) < 0)
		fail_msg("%s", e.text);
	if (row.drain.until_wall_ms &&
	    registry_put_drain(r, row.zone, row.service, row.name, &row.drain,
	        row.since_wall_ms, &e) < 0)
		fail_msg("%s", e.text);
	registry_close(r);
}

static inline void fx_keep(void *arg, const struct instance_row *row)
{
	struct fx *f = arg;

	if (strcmp(f->seen.name, row->name) == 0) {
		f->seen = *row;
		f->seen.name = arena_strdup(f->arena, row->name);
		f->seen.address = arena_strdup(f->arena, row->address);
		f->seen.source = arena_strdup(f->arena, row->source);
		f->seen.drain.text = NULL;
	}
}

static inline void fx_skip(void *arg, const struct service_row *row)
{
	(void)arg;
	(void)row;
}

static inline void fx_done(void *arg)
{
	(void)arg;
}

/* The row of web/name; its address is NULL if there is none. */
static inline const struct instance_row *fx_look(struct fx *f, const char *name)
{
	const struct registry_visitor v = { .service = fx_skip,
		.instance = fx_keep,
		.done = fx_done,
		.arg = f };
	struct registry *r = fx_open(f);

	f->seen = (struct instance_row){ .name = name };
	(void)registry_read_service(r, ZONE, "web", &v, NULL);
	registry_close(r);
	return &f->seen;
}

typedef int (*command_fn)(
    const struct registrar_options *o, const struct conf_strings *rest);

/* The exit code; what it printed is in *ret_out (in the arena). */
static inline int fx_run(struct fx *f, command_fn fn, const char *one,
    const char *two, const char **ret_out)
{
	const char *items[] = { one, two, NULL };
	const struct conf_strings rest = { items, one ? two ? 2 : 1 : 0 };
	char text[65536];

	(void)fflush(stdout);
	int saved = dup(STDOUT_FILENO);
	FILE *file = fopen(f->out, "w+");

	assert_non_null(file);
	assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
	int code = fn(&f->options, &rest);

	(void)fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	(void)close(saved);
	rewind(file);
	size_t n = fread(text, 1, sizeof(text) - 1, file);

	text[n] = '\0';
	(void)fclose(file);
	if (ret_out)
		*ret_out = arena_strdup(f->arena, text);
	return code;
}

static inline void fx_expect_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static inline int fx_setup(void **state)
{
	struct fx *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/operation-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/registry.db", f->dir);
	(void)snprintf(f->out, sizeof(f->out), "%s/out", f->dir);
	f->arena = arena_new();
	f->options.run.registry = f->path;
	f->options.run.zone = ZONE;
	f->options.ttl_ms = 100;
	f->options.service_ttl_s = ROW_DEFAULT;
	fx_put_service(f, &(const struct service_row){ .name = "web" });
	*state = f;
	return 0;
}

static inline int fx_teardown(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	struct fx *f = *state;

	for (size_t n = 0; n < sizeof(ends) / sizeof(ends[0]); n++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s%s", f->path, ends[n]);
		(void)unlink(path);
	}
	(void)unlink(f->out);
	(void)rmdir(f->dir);
	arena_free(f->arena);
	free(f);
	return 0;
}
