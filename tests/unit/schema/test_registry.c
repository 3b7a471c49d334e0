// SPDX-License-Identifier: BSD-2-Clause
/* Opening: files of every kind, two programs at once, ends of every kind. */
#include "schema/migrations.h"
#include "tests/unit/schema/support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
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
	assert_int_equal(try_open(f, REGISTRY_READ), -EPROTONOSUPPORT);
	assert_int_equal(try_open(f, REGISTRY_WRITE), -EPROTONOSUPPORT);
	assert_text(f, "written by a newer Rollcall");
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
		visit_done, NULL };
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
	assert_int_equal(
	    registry_read_page(f->r, "", "", 10, &v, &n, &f->err), -EUCLEAN);
}

/* ---- who may do what -------------------------------------------------- */

static void reader_writes_nothing(void **state)
{
	struct fx *f = *state;
	struct service_row s = fx_service("web");
	struct stat before, after;

	registry_close(fx_open(f, REGISTRY_WRITE));
	fx_sql(f, ROWS);
	assert_int_equal(stat(f->path, &before), 0);
	f->r = fx_open(f, REGISTRY_READ);
	assert_int_equal(registry_put_service(f->r, &s, &f->err), -EROFS);
	registry_close(f->r);
	f->r = NULL;
	/* not even the WAL went into it */
	assert_int_equal(stat(f->path, &after), 0);
	assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

/* Runs fn as nobody, whom permissions bind; 0 if it returns 0. */
static int as_nobody(int (*fn)(struct fx *), struct fx *f)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(99);
		_exit(fn(f));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			(void)fprintf(stderr, "line %d: %s (%s)\n", __LINE__,  \
			    #condition, f->err.text);                          \
			return 1;                                              \
		}                                                              \
	} while (0)

static int read_unwritable(struct fx *f)
{
	int64_t revision = 0;

	MUST(try_open(f, REGISTRY_WRITE) == -EACCES);
	MUST(try_open(f, REGISTRY_READ) == 0);
	MUST(registry_revision(f->r, &revision) == 0);
	MUST(revision == 1);
	registry_close(f->r);
	return 0;
}

/* A child that writes a row and holds the file open until it is killed. */
static pid_t hold_open(struct fx *f)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct service_row s = fx_service("web");

		if (try_open(f, REGISTRY_WRITE) < 0 ||
		    registry_put_service(f->r, &s, &f->err) < 0 ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	assert_int_equal(close(ready[1]), 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(close(ready[0]), 0);
	return pid;
}

static void end(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/*
 * While a writer lives, after it was killed, and after one has closed the
 * file in good order.
 */
static void directory_of_somebody_else(void **state)
{
	struct fx *f = *state;

	assert_int_equal(chmod(f->dir, 0755), 0);
	pid_t writer = hold_open(f);
	assert_int_equal(as_nobody(read_unwritable, f), 0);
	end(writer);
	assert_int_equal(as_nobody(read_unwritable, f), 0);
	registry_close(fx_open(f, REGISTRY_WRITE));
	assert_int_equal(as_nobody(read_unwritable, f), 0);
}

static int wait_for_writer(struct fx *f)
{
	struct stat st = { .st_size = 0 };
	char wal[128];

	/* the parent does this, as the owner, a little later */
	(void)snprintf(wal, sizeof(wal), "%s-wal", f->path);
	for (int i = 0; i < 1000 && st.st_size == 0; i++) {
		usleep(5000);
		(void)stat(wal, &st);
	}
	return st.st_size > 0 ? 0 : 1;
}

static int read_backup(struct fx *f)
{
	int64_t revision = 0;

	MUST(try_open(f, REGISTRY_READ) == 0);
	MUST(registry_revision(f->r, &revision) == 0);
	MUST(revision == 1);
	MUST(wait_for_writer(f) == 0);
	MUST(registry_revision(f->r, &revision) == -ESTALE);
	registry_close(f->r);
	f->r = NULL;
	return 0;
}

/* A copy without WAL on a read-only disk; then it comes alive. */
static void backup_without_wal(void **state)
{
	struct fx *f = *state;
	char name[128];
	int status;

	registry_close(fx_open(f, REGISTRY_WRITE));
	fx_sql(f, ROWS);
	fx_sql(f, "PRAGMA wal_checkpoint(TRUNCATE)");
	(void)snprintf(name, sizeof(name), "%s-wal", f->path);
	(void)unlink(name);
	(void)snprintf(name, sizeof(name), "%s-shm", f->path);
	(void)unlink(name);
	assert_int_equal(chmod(f->dir, 0755), 0);

	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(as_nobody(read_backup, f));
	usleep(100 * 1000);
	struct registry *w = fx_open(f, REGISTRY_WRITE);
	fx_sql(f, "INSERT INTO service (name) VALUES ('b')");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	registry_close(w);
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

static void many_create_it_together(void **state)
{
	enum { N = 6 };
	struct fx *f = *state;
	pid_t pids[N];
	int status;

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < N; i++) {
			pids[i] = fork();
			assert_true(pids[i] >= 0);
			if (pids[i] == 0) {
				int error = try_open(f, REGISTRY_WRITE);

				if (error < 0)
					(void)fprintf(
					    stderr, "%s\n", f->err.text);
				registry_close(f->r);
				_exit(error < 0);
			}
		}
		for (int i = 0; i < N; i++) {
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_int_equal(status, 0);
		}
		assert_int_equal(
		    fx_number(f, "SELECT count(*) FROM registry"), 1);
		assert_int_equal(
		    fx_number(f, "PRAGMA user_version"), migrations_n);
		char path[128];
		(void)unlink(f->path);
		(void)snprintf(path, sizeof(path), "%s-wal", f->path);
		(void)unlink(path);
		(void)snprintf(path, sizeof(path), "%s-shm", f->path);
		(void)unlink(path);
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

/* ---- sudden ends ------------------------------------------------------ */

static void kill_in_transaction(struct fx *f, int rows)
{
	int ready[2], status;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct registry *w = fx_open(f, REGISTRY_WRITE);
		struct service_row s = fx_service("web");

		if (registry_begin(w, 1000, NULL) < 0 ||
		    registry_put_service(w, &s, NULL) < 0)
			_exit(1);
		for (int i = 0; i < rows; i++) {
			char name[32];
			struct instance_row row = fx_instance("web", name);

			(void)snprintf(name, sizeof(name), "i%d", i);
			if (registry_put_instance(w, &row, NULL) < 0)
				_exit(1);
		}
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	assert_int_equal(close(ready[1]), 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(close(ready[0]), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void killed_writer(void **state)
{
	/* few rows stay in its memory, many have gone to the WAL */
	static const int rows[] = { 1, 20000 };
	struct fx *f = *state;

	registry_close(fx_open(f, REGISTRY_WRITE));
	fx_sql(f, "INSERT INTO service (name) VALUES ('before')");
	for (int i = 0; i < 2; i++) {
		kill_in_transaction(f, rows[i]);
		f->r = fx_open(f, REGISTRY_READ);
		assert_int_equal(fx_revision(f->r), 1);
		registry_close(f->r);
		f->r = NULL;
		assert_int_equal(
		    fx_number(f, "SELECT count(*) FROM instance"), 0);
		assert_int_equal(fx_number(f, "SELECT integrity_check = 'ok' "
		                              "FROM pragma_integrity_check"),
		    1);
	}
	fx_sql(f, ROWS);
	f->r = fx_open(f, REGISTRY_READ);
	assert_int_equal(fx_revision(f->r), 2);
}

/* In a child, whose files may not grow: what a full disk looks like. */
static int write_until_full(struct fx *f)
{
	struct rlimit limit = { 600 * 1024, 600 * 1024 };
	struct service_row s = fx_service("web");
	int error = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	f->r = fx_open(f, REGISTRY_WRITE);
	MUST(registry_put_service(f->r, &s, &f->err) == 0);
	MUST(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	MUST(registry_begin(f->r, 0, &f->err) == 0);
	for (int i = 0; i < 100000 && error == 0; i++) {
		char name[32];
		struct instance_row row = fx_instance("web", name);

		(void)snprintf(name, sizeof(name), "i%d", i);
		error = registry_put_instance(f->r, &row, &f->err);
	}
	if (error == 0)
		error = registry_commit(f->r, &f->err);
	MUST(error == -ENOSPC);
	registry_rollback(f->r);
	int64_t revision = 0;
	MUST(registry_revision(f->r, &revision) == 0);
	MUST(revision == 1);
	registry_close(f->r);
	f->r = NULL;
	return 0;
}

static void full_disk(void **state)
{
	struct fx *f = *state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(write_until_full(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	f->r = fx_open(f, REGISTRY_WRITE);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM instance"), 0);
	fx_sql(f, "INSERT INTO service (name) VALUES ('after')");
	assert_int_equal(fx_revision(f->r), 2);
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
		TEST(corrupt_pages),
		TEST(corrupt_rows),
		TEST(reader_writes_nothing),
		TEST(directory_of_somebody_else),
		TEST(backup_without_wal),
		TEST(locked),
		TEST(opens_beside_a_transaction),
		TEST(many_create_it_together),
		TEST(id_stays_and_differs),
		TEST(killed_writer),
		TEST(full_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
