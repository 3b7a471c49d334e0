// SPDX-License-Identifier: BSD-2-Clause
/*
 * A registry of each earlier version, with rows in every table, is opened by
 * the present program: no row is lost or changed, none is told as a change,
 * and in the end its schema is that of a new file, triggers and all.
 */
#include "schema/migrations.h"
#include "tests/unit/schema/support.h"

#include <errno.h>

#define ROWS                                                                   \
	"INSERT INTO service (name, port, ttl_s, tags, meta, source, "         \
	"definition) VALUES ('web', 80, 5, '[\"v2\"]', '{\"k\":\"v\"}', "      \
	"'registrar/h', '/d/web.yaml'), ('db', NULL, NULL, '[]', '{}', 'sql'," \
	" NULL);"                                                              \
	"INSERT INTO instance (service, name, address, address6, port, "       \
	"weight_warning, lease_until_wall_ms, tags, meta, locality) VALUES "   \
	"('web', 'i1', '192.0.2.1', '2001:db8::1', 81, 3, 4102444800000, "     \
	"'[\"a\",\"b\"]', '{\"x\":\"y\"}', 'fra'),"                            \
	"('web', 'i2', '192.0.2.2', NULL, NULL, NULL, 0, '[]', '{}', NULL);"   \
	"UPDATE instance SET health = 'critical' WHERE name = 'i2';"           \
	"UPDATE instance SET mode = 'draining' WHERE name = 'i1';"             \
	"INSERT INTO check_result (service, instance, name, kind, output) "    \
	"VALUES ('web', 'i1', 'tcp-1', 'tcp', 'connected');"                   \
	"INSERT INTO registrar (name, pid, version, started_wall_ms, "         \
	"heartbeat_wall_ms) VALUES ('h', 1, '1', 1, 1);"                       \
	"INSERT INTO definition VALUES ('registrar/h', '/d/web.yaml', 'x');"

/* What every version has; later ones may add columns. */
static const char *const contents[] = {
	"SELECT id, created_wall_ms FROM registry",
	"SELECT zone, name, protocol, port, ttl_s, max_answers, on_empty, "
	"tags, meta, source, definition FROM service",
	"SELECT zone, service, name, address, address6, port, priority, "
	"weight, weight_warning, health, mode, state, lease_until_wall_ms, "
	"tags, meta, locality, source, definition, since_wall_ms, reason "
	"FROM instance",
	"SELECT revision, zone, service FROM change",
	"SELECT id, at_wall_ms, zone, service, instance, was, now, source, "
	"reason FROM history",
	"SELECT zone, service, instance, name, kind, status, output, "
	"since_wall_ms, checked_wall_ms FROM check_result",
	"SELECT name, pid, version, started_wall_ms, heartbeat_wall_ms "
	"FROM registrar",
	"SELECT source, file, text FROM definition",
};

/* All rows that the query gives, as one text; to be freed. */
static char *dump(struct fx *f, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s\n%s", sql, sqlite3_errmsg(db));
	while (sqlite3_step(st) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(st); i++) {
			const unsigned char *t = sqlite3_column_text(st, i);

			(void)fprintf(out, "%s|", t ? (const char *)t : "NULL");
		}
		(void)fputc('\n', out);
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	(void)fclose(out);
	assert_true(len > 0); /* a query without rows shows nothing */
	return text;
}

/* As the program of that version would have left it. */
static void make_old(struct fx *f, int version)
{
	char sql[64];

	fx_sql(f, "PRAGMA journal_mode = WAL");
	for (int i = 0; i < version; i++)
		fx_sql(f, migrations[i].sql);
	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
	fx_sql(f, sql);
	fx_sql(f, ROWS);
}

static void check_one(struct fx *f, int version, const char *schema)
{
	enum { N = sizeof(contents) / sizeof(*contents) };
	char *before[N];

	make_old(f, version);
	for (int i = 0; i < N; i++)
		before[i] = dump(f, contents[i]);
	/* a reader waits for the writer, then goes on */
	assert_int_equal(registry_open(f->path, REGISTRY_READ, &f->r, &f->err),
	    version < migrations_n ? -ENODATA : 0);
	registry_close(f->r);
	f->r = NULL;
	registry_close(fx_open(f, REGISTRY_WRITE));
	f->r = fx_open(f, REGISTRY_READ);
	for (int i = 0; i < N; i++) {
		char *after = dump(f, contents[i]);

		assert_string_equal(after, before[i]);
		free(after);
		free(before[i]);
	}
	char *now = dump(f, "SELECT type, name, tbl_name, sql "
	                    "FROM sqlite_schema ORDER BY type, name");

	assert_string_equal(now, schema);
	free(now);
	assert_int_equal(fx_number(f, "PRAGMA user_version"), migrations_n);
}

/* Triggers that fire, not only triggers that stand in the schema. */
static void check_it_lives(struct fx *f, int version)
{
	int64_t revision = fx_revision(f->r);

	fx_sql(f, "UPDATE instance SET health = 'passing', "
	          "tags = '[\"V2.1\", \"a=b\"]' WHERE name = 'i2'");
	assert_int_equal(fx_revision(f->r), revision + 1);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM history WHERE "
	                              "instance = 'i2' AND now = 'passing'"),
	    2);
	if (fx_try_sql(f, "UPDATE instance SET tags = '[\"a\\n\"]'") ==
	    SQLITE_OK)
		fail_msg("a control character in a tag was accepted");
	/* of registrar/h, with instances of sql */
	if (fx_try_sql(f, "DELETE FROM service WHERE name = 'web'") ==
	    SQLITE_OK)
		fail_msg("instances of others went with a service");
	fx_sql(f, "INSERT INTO taken_over (service) VALUES ('web')");
	fx_sql(f, "DELETE FROM service WHERE name = 'web'");
	assert_int_equal(fx_number(f, "SELECT count(*) FROM instance"), 0);
	/* names that it has stay as they are */
	assert_int_equal(fx_number(f, "SELECT count(*) FROM host WHERE "
	                              "default_names = 'address'"),
	    version < 8);
}

static void each_version_arrives(void **state)
{
	struct fx *f = *state, fresh = { .r = NULL };

	(void)snprintf(fresh.path, sizeof(fresh.path), "%s/new", f->dir);
	registry_close(fx_open(&fresh, REGISTRY_WRITE));
	char *schema = dump(&fresh, "SELECT type, name, tbl_name, sql "
	                            "FROM sqlite_schema ORDER BY type, name");

	fx_remove(&fresh);
	for (int version = 1; version <= migrations_n; version++) {
		check_one(f, version, schema);
		check_it_lives(f, version);
		registry_close(f->r);
		f->r = NULL;
		fx_remove(f);
	}
	free(schema);
}

/* One row of before at the largest number: those after it were random. */
static void random_numbers_are_given_anew(void **state)
{
	struct fx *f = *state;

	make_old(f, 9);
	fx_sql(f, "INSERT INTO history (id, at_wall_ms, zone, service, "
	          "instance, now) VALUES "
	          "(9223372036854775807, 4102444800000, 'z', 's', 'a', 'dead'),"
	          "(NULL, 4102444800002, 'z', 's', 'c', 'dead'),"
	          "(NULL, 4102444800001, 'z', 's', 'b', 'dead')");
	int64_t n = fx_number(f, "SELECT count(*) FROM history");

	registry_close(fx_open(f, REGISTRY_WRITE));
	assert_int_equal(fx_number(f, "SELECT max(id) FROM history"), n);
	assert_int_equal(fx_number(f, "SELECT min(id) FROM history"), 1);
	char *last = dump(f, "SELECT group_concat(instance) FROM (SELECT * "
	                     "FROM history ORDER BY id DESC LIMIT 3)");

	assert_string_equal(last, "c,b,a|\n");
	free(last);
	fx_sql(f, "UPDATE instance SET health = 'passing' WHERE name = 'i2'");
	assert_int_equal(fx_number(f, "SELECT max(id) FROM history"), n + 1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(each_version_arrives),
		TEST(random_numbers_are_given_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
