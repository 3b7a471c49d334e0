// SPDX-License-Identifier: BSD-2-Clause
/*
 * Every text of every table, with a NUL in it, where it is written: length(),
 * GLOB and C would take for the whole what stands before.
 */
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/unit/schema/support.h"

#define SERVICE "INSERT INTO service (name) VALUES ('web');"
#define INSTANCE                                                               \
	SERVICE "INSERT INTO instance (service, name, address) "               \
	        "VALUES ('web', 'i', '192.0.2.1');"

/* A row in each table, with a text in each column. */
static const char rows[] =
    "INSERT INTO service (name, port, tags, meta, definition, port_name, "
    "ports) VALUES ('web', 80, '[\"v\"]', '{\"k\":\"v\"}', '/d', 'http', "
    "'[{\"name\":\"a\",\"port\":1}]');"
    "INSERT INTO instance (service, name, address, address6, tags, meta, "
    "locality, definition, reason, ports) VALUES ('web', 'i', '192.0.2.1', "
    "'2001:db8::1', '[\"v\"]', '{\"k\":\"v\"}', 'fra', '/d', 'why', '[]');"
    "UPDATE instance SET mode = 'draining';"
    "UPDATE instance SET drain_text = 'x', drain_step = 'done';"
    "INSERT INTO check_result (service, instance, name, kind, output) "
    "VALUES ('web', 'i', 'c', 'tcp', 'o');"
    "INSERT INTO registrar (name, pid, version, started_wall_ms, "
    "heartbeat_wall_ms) VALUES ('h', 1, '1', 1, 1);"
    "INSERT INTO definition VALUES ('s', '/f', 'x');"
    "INSERT INTO refused_definition (source, file, message) "
    "VALUES ('s', '/f', 'm');"
    "INSERT INTO service_claim (name, node, source) "
    "VALUES ('web', 'n', 'other');"
    "INSERT INTO instance_claim (service, name, node, source, address) "
    "VALUES ('web', 'i', 'n', 'other', '192.0.2.3');"
    "INSERT INTO taken_over (service, instance) VALUES ('web', 'i');"
    "INSERT INTO token (id, hash, rules) "
    "VALUES ('t', printf('%064d', 0), '{}');"
    "INSERT INTO registration (zone, service, instance, source, text) "
    "VALUES ('svc.internal', 'web', 'i', 's', 'x');"
    "INSERT INTO member (node, state) VALUES ('n', 'alive');"
    "INSERT INTO wish VALUES ('svc.internal', 'web', 'i', 1);"
    "INSERT INTO mesh_certificate "
    "VALUES ('ab', 'svc.internal', 'web', 'i', 'x', 1, 2);"
    "INSERT INTO mesh_revoked (service) VALUES ('web');";

/*
 * Each column of text, and the columns of its table, the same with a NUL in
 * that one. Two tables have rows inside of a statement alone.
 */
static const char columns[] =
    "SELECT t.name, c.name, (SELECT group_concat(name) FROM "
    "pragma_table_info(t.name) WHERE name NOT IN ('id', 'revision')), "
    "(SELECT group_concat(iif(name = c.name, 'ifnull(' || name || "
    "',''a'')||char(0)||''x''', name)) FROM pragma_table_info(t.name) "
    "WHERE name NOT IN ('id', 'revision')) "
    "FROM sqlite_schema AS t, pragma_table_info(t.name) AS c "
    "WHERE t.type = 'table' AND c.type = 'TEXT' "
    "AND t.name NOT IN ('owner_change', 'overwritten')";

/* What must be there for a row of the table. */
static const char *parents_of(const char *table)
{
	if (strcmp(table, "service") == 0)
		return "";
	return strcmp(table, "instance") == 0 ? SERVICE : INSTANCE;
}

static void refuse(sqlite3 *db, const char *sql)
{
	const char *text;

	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		fail_msg("accepted: %s", sql);
	text = sqlite3_errmsg(db);
	/* the row is refused for its text, and not for being there already */
	if (strstr(text, "UNIQUE") || strstr(text, "no such"))
		fail_msg("%s: %s", sql, text);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

static void check_column(sqlite3 *full, sqlite3 *bare, sqlite3_stmt *st)
{
	const char *table = (const char *)sqlite3_column_text(st, 0);
	const char *column = (const char *)sqlite3_column_text(st, 1);
	scoped_free char *update = xasprintf("BEGIN; UPDATE %s SET %s = "
	                                     "ifnull(%s, 'a') || char(0) "
	                                     "|| 'x'",
	    table, column, column);
	scoped_free char *insert = xasprintf("BEGIN; %s INSERT INTO %s (%s) "
	                                     "SELECT %s FROM full.%s LIMIT 1",
	    parents_of(table), table, (const char *)sqlite3_column_text(st, 2),
	    (const char *)sqlite3_column_text(st, 3), table);

	refuse(full, update);
	if (strcmp(table, "host") != 0) /* it has its row from the start */
		refuse(bare, insert);
}

static void no_text_has_nul(void **state)
{
	struct fx *f = *state;
	struct fx other = { .r = NULL };
	sqlite3 *full, *bare;
	sqlite3_stmt *st;
	unsigned n = 0;

	registry_close(fx_open(f, REGISTRY_WRITE));
	fx_sql(f, rows);
	(void)snprintf(other.path, sizeof(other.path), "%s/bare", f->dir);
	registry_close(fx_open(&other, REGISTRY_WRITE));
	scoped_free char *attach = xasprintf("ATTACH '%s' AS full", f->path);

	assert_int_equal(sqlite3_open(f->path, &full), SQLITE_OK);
	assert_int_equal(sqlite3_open(other.path, &bare), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(bare, attach, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(full, columns, -1, &st, NULL), SQLITE_OK);
	for (; sqlite3_step(st) == SQLITE_ROW; n++)
		check_column(full, bare, st);
	assert_in_range(n, 70, 200);
	sqlite3_finalize(st);
	sqlite3_close(full);
	sqlite3_close(bare);
	fx_remove(&other);
}

/* ---- numbers of the history --------------------------------------------- */

#define ROW(id)                                                                \
	"INSERT INTO history (id, at_wall_ms, zone, service, instance, now) "  \
	"VALUES (" id ", 1, 'a', 'b', 'c', 'passing');"

static void history_goes_on_by_one(void **state)
{
	static const char *const bad[] = { ROW("9223372036854775807"),
		ROW("9007199254740993"), ROW("3"), ROW("0"), ROW("-1"),
		ROW("-9223372036854775808") };
	struct fx *f = *state;

	registry_close(fx_open(f, REGISTRY_WRITE));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (fx_try_sql(f, bad[i]) == SQLITE_OK)
			fail_msg("accepted: %s", bad[i]);
		assert_non_null(
		    strstr(f->err.text, "history.id must be the next number"));
		fx_sql(f, i ? "SELECT 1" : ROW("NULL"));
	}
	fx_sql(f, ROW("2") ROW("NULL"));
	assert_int_equal(fx_number(f, "SELECT max(id) FROM history"), 3);
	/* what is old goes, and the number of the last is free again */
	fx_sql(f, "DELETE FROM history WHERE id <> 2;" ROW("NULL"));
	assert_int_equal(fx_number(f, "SELECT max(id) FROM history"), 3);
	fx_sql(f, "DELETE FROM history;" ROW("NULL"));
	assert_int_equal(fx_number(f, "SELECT max(id) FROM history"), 1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(no_text_has_nul),
		TEST(history_goes_on_by_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
