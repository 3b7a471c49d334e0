// SPDX-License-Identifier: BSD-2-Clause
/* Signals for the process that is watched, or for all of a cgroup. */
#include "process_support.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

static int ended_by(pid_t pid)
{
	int status = 0;

	assert_int_equal(pid, waitpid(pid, &status, 0));
	return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

static void the_one_that_is_held(void **state)
{
	struct fx *f = *state;
	const struct process_spec spec = { PROCESS_PIDFILE, f->path };
	pid_t pid = start_as("signal-test"), other = start_as("signal-test");

	write_pid(f->path, pid);
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	/* nobody has looked yet */
	assert_int_equal(process_watch_signal(p, SIGTERM, NULL), -EAGAIN);
	await_news(f, PROCESS_ALIVE);
	assert_int_equal(process_watch_signal(p, SIGTERM, NULL), 0);
	assert_int_equal(ended_by(pid), SIGTERM);
	await_news(f, PROCESS_GONE);
	assert_int_equal(process_watch_signal(p, SIGTERM, NULL), -ESRCH);
	/* the next one is found, and is another */
	write_pid(f->path, other);
	await_news(f, PROCESS_ALIVE);
	assert_int_equal(process_watch_signal(p, SIGUSR1, NULL), 0);
	assert_int_equal(ended_by(other), SIGUSR1);
	process_watch_free(p);
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	write_text(path, text);
}

static void drop(const char *dir)
{
	static const char *const files[] = { "cgroup.events", "cgroup.procs" };
	char path[256];

	for (size_t k = 0; k < 2; k++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, files[k]);
		(void)unlink(path);
	}
	assert_int_equal(0, rmdir(dir));
}

/* A tree of plain files that looks like version 2. */
static void all_of_a_cgroup_and_below(void **state)
{
	struct fx *f = *state;
	char group[96], below[128], text[64];
	const struct process_spec spec = { PROCESS_CGROUP, group };
	pid_t pids[3];

	for (int k = 0; k < 3; k++)
		pids[k] = start_as("signal-test");
	(void)snprintf(group, sizeof(group), "%s/web", f->dir);
	(void)snprintf(below, sizeof(below), "%s/worker", group);
	assert_int_equal(0, mkdir(group, 0700));
	assert_int_equal(0, mkdir(below, 0700));
	put(group, "cgroup.events", "populated 1\n");
	(void)snprintf(text, sizeof(text), "%d\n%d\n", pids[0], pids[1]);
	put(group, "cgroup.procs", text);
	(void)snprintf(text, sizeof(text), "%d\n", pids[2]);
	put(below, "cgroup.procs", text);
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	await_news(f, PROCESS_ALIVE);
	assert_int_equal(process_watch_signal(p, SIGINT, NULL), 0);
	for (int k = 0; k < 3; k++)
		assert_int_equal(ended_by(pids[k]), SIGINT);
	/* what has ended meanwhile is no error, an empty group is told */
	assert_int_equal(process_watch_signal(p, SIGINT, NULL), 0);
	put(group, "cgroup.procs", "");
	put(below, "cgroup.procs", "");
	assert_int_equal(process_watch_signal(p, SIGINT, NULL), -ESRCH);
	process_watch_free(p);
	drop(below);
	drop(group);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_one_that_is_held),
		T(all_of_a_cgroup_and_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
