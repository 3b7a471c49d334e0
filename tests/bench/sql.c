// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bench/sql.h"

#include <stdio.h>
#include <stdlib.h>

static void expect(sqlite3 *db, int rc, int expected)
{
	if (rc == expected)
		return;
	(void)fprintf(stderr, "%s\n", sqlite3_errmsg(db));
	exit(EXIT_FAILURE);
}

sqlite3 *sql_open(const char *path)
{
	sqlite3 *db;
	int rc = sqlite3_open(path, &db);

	expect(db, rc, SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	expect(db,
	    sqlite3_exec(db,
	        "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536", NULL,
	        NULL, NULL),
	    SQLITE_OK);
	return db;
}

sqlite3_stmt *sql_prepare(sqlite3 *db, const char *text)
{
	sqlite3_stmt *st;

	expect(db, sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
	return st;
}

void sql_text(sqlite3_stmt *st, int i, const char *text)
{
	expect(sqlite3_db_handle(st),
	    sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC), SQLITE_OK);
}

void sql_int(sqlite3_stmt *st, int i, sqlite3_int64 value)
{
	expect(
	    sqlite3_db_handle(st), sqlite3_bind_int64(st, i, value), SQLITE_OK);
}

void sql_run(sqlite3_stmt *st)
{
	expect(sqlite3_db_handle(st), sqlite3_step(st), SQLITE_DONE);
	sqlite3_reset(st);
}

sqlite3_int64 sql_number(sqlite3 *db, const char *text)
{
	sqlite3_stmt *st = sql_prepare(db, text);

	expect(db, sqlite3_step(st), SQLITE_ROW);
	sqlite3_int64 value = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return value;
}
