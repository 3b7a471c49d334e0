// SPDX-License-Identifier: BSD-2-Clause
/* Readers that must not write, or are not allowed to. */
#include "tests/unit/schema/support.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ROWS "INSERT INTO service (name) VALUES ('web')"

static int try_open(struct fx *f, enum registry_access access)
{
	int error = registry_open(f->path, access, &f->r, &f->err);

	assert_true(error == 0 || !f->r);
	return error;
}

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

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(reader_writes_nothing),
		TEST(directory_of_somebody_else),
		TEST(backup_without_wal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
