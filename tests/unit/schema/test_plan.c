// SPDX-License-Identifier: BSD-2-Clause
/*
 * No statement on the path of a change walks a table, nor does any trigger
 * that it sets off: EXPLAIN QUERY PLAN must not say SCAN.
 */
#include "schema/stmt.h"
#include "tests/unit/schema/support.h"

/*
 * What may be walked: a row's own JSON, and rows that are made of nothing; what
 * a subquery reads of tables is told on lines of its own.
 */
static bool is_scan(const char *detail)
{
	return !strncmp(detail, "SCAN ", 5) &&
	       !strstr(detail, " VIRTUAL TABLE ") && /* json_each() */
	       strcmp(detail, "SCAN CONSTANT ROW") != 0 &&
	       !strstr(detail, "CONSTANT ROWS") &&
	       strncmp(detail, "SCAN (subquery-", 15) != 0 &&
	       /* a handful, read whole by who looks at states */
	       strcmp(detail, "SCAN registrar") != 0 &&
	       strcmp(detail, "SCAN refused_definition") != 0;
}

static unsigned check_plan(sqlite3 *db, const char *sql)
{
	char explain[4096];
	sqlite3_stmt *st;
	unsigned searches = 0;

	(void)snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", sql);
	if (sqlite3_prepare_v2(db, explain, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", explain, sqlite3_errmsg(db));
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *detail = (const char *)sqlite3_column_text(st, 3);

		if (!detail) /* BEGIN and the like have no plan */
			continue;
		if (is_scan(detail))
			fail_msg("%s\n%s", sql, detail);
		searches += !strncmp(detail, "SEARCH ", 7);
	}
	sqlite3_finalize(st);
	return searches;
}

static void change_path_searches(void **state)
{
	struct fx *f = *state;
	unsigned searches = 0;

	f->r = fx_open(f, REGISTRY_WRITE);
	assert_int_equal(
	    sqlite3_db_config(f->r->db, SQLITE_DBCONFIG_TRIGGER_EQP, 1, NULL),
	    SQLITE_OK);
	for (int id = 0; id < STMT_CHANGE_PATH_N; id++)
		searches += check_plan(f->r->db, stmt_sql((enum stmt_id)id));
	assert_true(searches > 20); /* the triggers were looked at, too */
	/* and what the triggers say of rows that are written by hand */
	check_plan(f->r->db, "DELETE FROM change WHERE revision = 1");
	check_plan(f->r->db,
	    "UPDATE service SET name = 'x' WHERE zone = 'z' AND name = 'y'");
	check_plan(f->r->db, "UPDATE instance SET name = 'x' WHERE zone = 'z' "
	                     "AND service = 'y' AND name = 'z'");
}

/* The test would see a scan if there were one. */
static void a_scan_is_seen(void **state)
{
	struct fx *f = *state;
	sqlite3_stmt *st;

	f->r = fx_open(f, REGISTRY_WRITE);
	assert_int_equal(sqlite3_prepare_v2(f->r->db,
	                     "EXPLAIN QUERY PLAN SELECT * FROM instance "
	                     "WHERE port = 1",
	                     -1, &st, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_true(is_scan((const char *)sqlite3_column_text(st, 3)));
	sqlite3_finalize(st);
}

/* Pages stream: no sorter, no look-up for each service. */
static void pages_stream(void **state)
{
	static const enum stmt_id ids[] = { STMT_PAGE_SERVICES,
		STMT_PAGE_INSTANCES };
	struct fx *f = *state;

	f->r = fx_open(f, REGISTRY_WRITE);
	for (size_t i = 0; i < 2; i++) {
		char sql[1024];
		sqlite3_stmt *st;

		(void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s",
		    stmt_sql(ids[i]));
		assert_int_equal(
		    sqlite3_prepare_v2(f->r->db, sql, -1, &st, NULL),
		    SQLITE_OK);
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		assert_int_equal(
		    strncmp(
		        (const char *)sqlite3_column_text(st, 3), "SEARCH ", 7),
		    0);
		assert_int_equal(sqlite3_step(st), SQLITE_DONE);
		sqlite3_finalize(st);
	}
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(change_path_searches),
		TEST(a_scan_is_seen),
		TEST(pages_stream),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
