// SPDX-License-Identifier: BSD-2-Clause
/* Writers that are killed and disks that are full leave a whole registry. */
#include "tests/unit/schema/support.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define ROWS "INSERT INTO service (name) VALUES ('web')"

#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			(void)fprintf(stderr, "line %d: %s (%s)\n", __LINE__,  \
			    #condition, f->err.text);                          \
			return 1;                                              \
		}                                                              \
	} while (0)

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
	struct rlimit limit = { 600000, 600000 };
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
		TEST(killed_writer),
		TEST(full_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
