// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * support - a registry in a directory of its own, and rows to put into it.
 *
 * fx_setup and fx_teardown are cmocka's: *state is a struct fx. The file is
 * not opened: tests do that. fx_sql is what the sqlite3 shell would do, on a
 * connection of its own: foreign keys off, trusted schema on.
 */
#include "schema/registry.h"

#include <sqlite3.h>
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

#define Z "svc.internal"

struct fx {
	char dir[64];
	char path[96];
	struct registry *r; /* closed at the end, may be NULL */
	struct diag err;
};

static inline int fx_setup(void **state)
{
	struct fx *f = calloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/schema-test-XXXXXX");
	if (!mkdtemp(f->dir)) {
		free(f);
		return -1;
	}
	(void)snprintf(f->path, sizeof(f->path), "%s/registry.db", f->dir);
	*state = f;
	return 0;
}

/* The file and what SQLite has beside it. */
static inline void fx_remove(const struct fx *f)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	char path[128];

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", f->path, ends[i]);
		(void)unlink(path);
	}
}

static inline int fx_teardown(void **state)
{
	struct fx *f = *state;

	registry_close(f->r);
	fx_remove(f);
	int r = rmdir(f->dir);
	free(f);
	return r;
}

static inline struct registry *fx_open(
    struct fx *f, enum registry_access access)
{
	struct registry *r = NULL;
	int error = registry_open(f->path, access, &r, &f->err);

	if (error < 0)
		fail_msg("%d: %s", error, f->err.text);
	return r;
}

/* SQLITE_OK, or SQLite's code with its message in f->err. */
static inline int fx_try_sql(struct fx *f, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 2000);
	sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	(void)diag_set(&f->err, 0, "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
	return rc;
}

static inline void fx_sql(struct fx *f, const char *sql)
{
	if (fx_try_sql(f, sql) != SQLITE_OK)
		fail_msg("%s\n%s", sql, f->err.text);
}

/* The one number that a query gives. */
static inline int64_t fx_number(struct fx *f, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *st;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 2000);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		fail_msg("%s\n%s", sql, sqlite3_errmsg(db));
	int64_t n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static inline int64_t fx_revision(struct registry *r)
{
	int64_t revision = -1;

	assert_int_equal(registry_revision(r, &revision), 0);
	return revision;
}

static inline void fx_expect_ok(const struct fx *f, int error, const char *call)
{
	if (error != 0)
		fail_msg("%s: %d: %s", call, error, f->err.text);
}

#define fx_ok(f, call) fx_expect_ok(f, call, #call)

static inline struct service_row fx_service(const char *name)
{
	return (struct service_row){
		.zone = Z,
		.name = name,
		.protocol = "tcp",
		.port = 80,
		.ttl_s = ROW_DEFAULT,
		.max_answers = ROW_DEFAULT,
		.on_empty = ON_EMPTY_NODATA,
		.tags = "[]",
		.meta = "{}",
		.source = "registrar/test",
	};
}

static inline struct instance_row fx_instance(
    const char *service, const char *name)
{
	return (struct instance_row){
		.zone = Z,
		.service = service,
		.name = name,
		.address = "192.0.2.1",
		.port = 8080,
		.weight = 100,
		.weight_warning = ROW_DEFAULT,
		.health = HEALTH_PASSING,
		.mode = MODE_ACTIVE,
		.tags = "[]",
		.meta = "{}",
		.source = "registrar/test",
		.since_wall_ms = 1000000,
	};
}

static inline int fx_put_registrar(struct fx *f, int pid, int64_t beat_wall_ms)
{
	const struct registrar_row row = { .name = "h",
		.pid = pid,
		.version = "1.0",
		.heartbeat_wall_ms = beat_wall_ms,
		.last_error = "" };

	return registry_put_registrar(f->r, &row, &f->err);
}
