// SPDX-License-Identifier: BSD-2-Clause
/* Opening: files of every kind, and two programs at once. */
#include "schema/migrations.h"
#include "tests/unit/schema/support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#define ROWS "INSERT INTO service (name) VALUES ('web')"

static void write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	assert_int_equal(close(fd), 0);
}

static void overwrite(const char *path, off_t at, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, at), (ssize_t)len);
	assert_int_equal(close(fd), 0);
}

static int try_open(struct fx *f, enum registry_access access)
{
	int error = registry_open(f->path, access, &f->r, &f->err);

	assert_true(error == 0 || !f->r);
	return error;
}

static void assert_text(const struct fx *f, const char *part)
{
	if (!strstr(f->err.text, part) || !strstr(f->err.text, f->path))
		fail_msg("found: %s\nexpected: %s", f->err.text, part);
}

/* ---- files of every kind ---------------------------------------------- */

static void reader_creates_nothing(void **state)
{
	struct fx *f = *state;

	assert_int_equal(try_open(f, REGISTRY_READ), -ENOENT);
	assert_text(f, "cannot open registry");
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(
	    registry_open("", REGISTRY_WRITE, &f->r, NULL), -EINVAL);
	assert_int_equal(
	    registry_open(f->dir, REGISTRY_READ, &f->r, NULL), -EIO);
	assert_int_equal(
	    registry_open("/nonexistent/r.db", REGISTRY_WRITE, &f->r, NULL),
	    -ENOENT);
}

static void empty_file(void **state)
{
	struct fx *f = *state;

	write_file(f->path, "", 0);
	assert_int_equal(try_open(f, REGISTRY_READ), -ENODATA);
	assert_text(f, "no registry yet");
	assert_int_equal(try_open(f, REGISTRY_WRITE), 0);
	assert_int_equal(strlen(registry_id(f->r)), 32);
}

static void not_a_database(void **state)
{
	static const enum registry_access both[] = { REGISTRY_READ,
		REGISTRY_WRITE };
	struct fx *f = *state;
	char text[4096];

	memset(text, 'x', sizeof(text));
	write_file(f->path, text, sizeof(text));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(try_open(f, both[i]), -EUCLEAN);
		assert_text(f, "not a database");
	}
}

static void anothers_database(void **state)
{
	struct fx *f = *state;

	fx_sql(f, "CREATE TABLE service (name)");
	assert_int_equal(try_open(f, REGISTRY_READ), -EUCLEAN);
	assert_int_equal(try_open(f, REGISTRY_WRITE), -EUCLEAN);
	assert_text(f, "another program's");
	/* nothing was done to it */
	assert_int_equal(fx_number(f, "SELECT count(*) FROM sqlite_schema"), 1);
	assert_int_equal(fx_number(f, "SELECT 'delete' = (SELECT journal_mode "
	                              "FROM pragma_journal_mode)"),
	    1);
}

static void newer_schema(void **state)
{
	struct fx *f = *state;
	char sql[64];

	registry_close(fx_open(f, REGISTRY_WRITE));
	(void)snprintf(
	    sql, sizeof(sql), "PRAGMA user_version = %d", migrations_n + 1);
	fx_sql(f, sql);
	/* it says that this version may read it: rows that are left out */
	f->r = fx_open(f, REGISTRY_READ);
	assert_true(registry_is_newer(f->r));
	registry_close(f->r);
	f->r = NULL;
	assert_int_equal(try_open(f, REGISTRY_WRITE), -EPROTONOSUPPORT);
	assert_text(f, "a newer Rollcall has migrated it");
	assert_text(f, "may not write to it");

	(void)snprintf(sql, sizeof(sql), "UPDATE registry SET reads_from = %d",
	    migrations_n + 1);
	fx_sql(f, sql);
	assert_int_equal(try_open(f, REGISTRY_READ), -EPROTONOSUPPORT);
	assert_text(f, "may not read it");

	/* older ones had no such word */
	fx_sql(f, "ALTER TABLE registry DROP COLUMN reads_from");
	assert_int_equal(try_open(f, REGISTRY_READ), -EPROTONOSUPPORT);
}

/* A program that runs while a newer one migrates the file under it. */
static void migrated_under_it(void **state)
{
	struct fx *f = *state;
	const struct service_row row = fx_service("web");
	struct registry *reader;
	int64_t revision;
	char sql[64];

	f->r = fx_open(f, REGISTRY_WRITE);
	reader = fx_open(f, REGISTRY_READ);
	fx_ok(f, registry_put_service(f->r, &row, &f->err));
	(void)snprintf(
	    sql, sizeof(sql), "PRAGMA user_version = %d", migrations_n + 1);
	fx_sql(f, sql);
	assert_int_equal(registry_begin(f->r, 0, &f->err), -ESTALE);
	assert_int_equal(
	    registry_withdraw_service(f->r, Z, "web", &f->err), -ESTALE);
	fx_ok(f, registry_revision(reader, &revision));
	assert_int_equal(registry_read_begin(reader, &f->err), -ESTALE);
	registry_close(reader);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM service"), 1);
}

static void corrupt_pages(void **state)
{
	struct fx *f = *state;
	char junk[4096];

	memset(junk, 0xa5, sizeof(junk));
	registry_close(fx_open(f, REGISTRY_WRITE));
	/* the page of the schema, behind its header */
	overwrite(f->path, 100, junk, 3000);
	assert_int_equal(try_open(f, REGISTRY_READ), -EUCLEAN);
	assert_int_equal(try_open(f, REGISTRY_WRITE), -EUCLEAN);
	/* cut short */
	assert_int_equal(truncate(f->path, 512), 0);
	assert_int_equal(try_open(f, REGISTRY_READ), -EUCLEAN);
}

static void visit_nothing(void *arg, const struct service_row *row)
{
	(void)arg;
	(void)row;
}

static void visit_no_instance(void *arg, const struct instance_row *row)
{
	(void)arg;
	(void)row;
}

static void visit_done(void *arg)
{
	(void)arg;
}

/* Damage where rows are: opening works, reading says what is wrong. */
static void corrupt_rows(void **state)
{
	struct fx *f = *state;
	struct registry_visitor v = { visit_nothing, visit_no_instance,
		visit_done, NULL, NULL };
	char junk[4096];
	int64_t page;

	memset(junk, 0xa5, sizeof(junk));
	registry_close(fx_open(f, REGISTRY_WRITE));
	fx_sql(f, ROWS);
	fx_sql(f, "PRAGMA wal_checkpoint(TRUNCATE)");
	page = fx_number(f, "SELECT rootpage FROM sqlite_schema "
	                    "WHERE name = 'service'");
	overwrite(f->path, (off_t)(page - 1) * 4096, junk, sizeof(junk));
	assert_int_equal(try_open(f, REGISTRY_READ), 0);
	assert_int_equal(
	    registry_read_service(f->r, Z, "web", &v, &f->err), -EUCLEAN);
	unsigned n = 0;
	assert_int_equal(registry_read_page(f->r, &(struct registry_key){ 0 },
	                     10, &v, &n, &f->err),
	    -EUCLEAN);
}

/* ---- two at once ------------------------------------------------------ */

static void locked(void **state)
{
	struct fx *f = *state;
	sqlite3 *db;

	registry_close(fx_open(f, REGISTRY_WRITE));
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
	                     "PRAGMA locking_mode = EXCLUSIVE;"
	                     "BEGIN IMMEDIATE; " ROWS "; COMMIT",
	                     NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(try_open(f, REGISTRY_READ), -EBUSY);
	assert_text(f, "locked");
	sqlite3_close(db);
	assert_int_equal(try_open(f, REGISTRY_READ), 0);
}

/* A registry that is busy in a transaction is read and opened all the same. */
static void opens_beside_a_transaction(void **state)
{
	struct fx *f = *state;
	struct service_row s = fx_service("web");
	struct registry *w = fx_open(f, REGISTRY_WRITE), *other;

	fx_ok(f, registry_begin(w, 0, &f->err));
	fx_ok(f, registry_put_service(w, &s, &f->err));
	f->r = fx_open(f, REGISTRY_READ);
	assert_int_equal(fx_revision(f->r), 0);
	other = fx_open(f, REGISTRY_WRITE);
	assert_int_equal(registry_begin(other, 0, &f->err), -EBUSY);
	assert_int_equal(registry_begin(other, 20, &f->err), -EBUSY);
	fx_ok(f, registry_commit(w, &f->err));
	assert_int_equal(fx_revision(f->r), 1);
	assert_string_equal(registry_id(w), registry_id(other));
	fx_ok(f, registry_begin(other, 0, &f->err));
	registry_rollback(other);
	registry_close(other);
	registry_close(w);
}

/* In a child of its own. */
static pid_t open_in_child(struct fx *f)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int error = try_open(f, REGISTRY_WRITE);

		if (error < 0)
			(void)fprintf(stderr, "%s\n", f->err.text);
		registry_close(f->r);
		_exit(error < 0);
	}
	return pid;
}

static void remove_all(struct fx *f)
{
	char path[128];

	assert_int_equal(unlink(f->path), 0);
	(void)snprintf(path, sizeof(path), "%s-wal", f->path);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s-shm", f->path);
	(void)unlink(path);
}

static void many_create_it_together(void **state)
{
	struct fx *f = *state;
	pid_t pids[6];
	int status;

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 6; i++)
			pids[i] = open_in_child(f);
		for (int i = 0; i < 6; i++) {
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_int_equal(status, 0);
		}
		assert_int_equal(
		    fx_number(f, "SELECT count(*) FROM registry"), 1);
		assert_int_equal(
		    fx_number(f, "PRAGMA user_version"), migrations_n);
		remove_all(f);
	}
}

static void id_stays_and_differs(void **state)
{
	struct fx *f = *state;
	char id[33];

	f->r = fx_open(f, REGISTRY_WRITE);
	(void)snprintf(id, sizeof(id), "%s", registry_id(f->r));
	registry_close(f->r);
	f->r = fx_open(f, REGISTRY_READ);
	assert_string_equal(registry_id(f->r), id);
	registry_close(f->r);
	assert_int_equal(unlink(f->path), 0);
	f->r = fx_open(f, REGISTRY_WRITE);
	assert_string_not_equal(registry_id(f->r), id);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(reader_creates_nothing),
		TEST(empty_file),
		TEST(not_a_database),
		TEST(anothers_database),
		TEST(newer_schema),
		TEST(migrated_under_it),
		TEST(corrupt_pages),
		TEST(corrupt_rows),
		TEST(locked),
		TEST(opens_beside_a_transaction),
		TEST(many_create_it_together),
		TEST(id_stays_and_differs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
