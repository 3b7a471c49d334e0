// SPDX-License-Identifier: BSD-2-Clause
/* Watches of real children of this program; `sleep` does for a service. */
#include "process_support.h"
#include "registrar/lib/procfs.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ---- pidfiles --------------------------------------------------------- */

static void end_and_return_are_seen(void **state)
{
	struct fx *f = *state;
	const struct process_spec spec = { PROCESS_PIDFILE, f->path };
	pid_t first = start_as("first"), second;

	write_pid(f->path, first);
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	assert_int_equal(next_news(f), PROCESS_ALIVE);
	int64_t before_ms = clock_mono_ms();

	/* not reaped: a zombie is gone, whoever its parent is */
	assert_int_equal(0, kill(first, SIGKILL));
	assert_int_equal(next_news(f), PROCESS_GONE);
	assert_true(clock_mono_ms() - before_ms < 500);
	assert_non_null(strstr(f->heard.detail, "ended"));
	/* its pidfile names a zombie now: that is not news */
	f->heard.any = false;
	assert_false(loop_until(&f->loop, &f->heard.any, 250));

	second = start_as("second");
	write_pid(f->path, second);
	assert_int_equal(next_news(f), PROCESS_ALIVE);
	finish(first);
	finish(second);
	process_watch_free(p);
}

static void a_forking_service_is_followed(void **state)
{
	struct fx *f = *state;
	const struct process_spec spec = { PROCESS_PIDFILE, f->path };
	pid_t parent = start_as("parent"), child = start_as("child");
	char path[160];

	write_pid(f->path, parent);
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	assert_int_equal(next_news(f), PROCESS_ALIVE);
	/* renamed over, as careful programs do */
	(void)snprintf(path, sizeof(path), "%s/new", f->dir);
	write_pid(path, child);
	assert_int_equal(0, rename(path, f->path));
	assert_int_equal(next_news(f), PROCESS_ALIVE);
	/* now the parent may go */
	finish(parent);
	f->heard.any = false;
	assert_false(loop_until(&f->loop, &f->heard.any, 100));
	finish(child);
	assert_int_equal(next_news(f), PROCESS_GONE);
	process_watch_free(p);
}

static void a_lost_pidfile_is_no_death(void **state)
{
	struct fx *f = *state;
	const struct process_spec spec = { PROCESS_PIDFILE, f->path };
	pid_t pid = start_as("service");

	write_pid(f->path, pid);
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	assert_int_equal(next_news(f), PROCESS_ALIVE);
	(void)unlink(f->path);
	write_text(f->path, "");
	f->heard.any = false;
	assert_false(loop_until(&f->loop, &f->heard.any, 100));
	finish(pid);
	assert_int_equal(next_news(f), PROCESS_GONE);
	process_watch_free(p);
}

static void nothing_there_at_first(void **state)
{
	struct fx *f = *state;
	char missing[160];
	const struct process_spec spec = { PROCESS_PIDFILE, missing };
	pid_t pid;

	/* not even its directory */
	(void)snprintf(missing, sizeof(missing), "%s/sub/run.pid", f->dir);
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	assert_int_equal(next_news(f), PROCESS_UNKNOWN);
	assert_non_null(strstr(f->heard.detail, "its directory is not there"));
	char sub[160];

	(void)snprintf(sub, sizeof(sub), "%s/sub", f->dir);
	assert_int_equal(0, mkdir(sub, 0700));
	assert_int_equal(next_news(f), PROCESS_GONE);
	assert_non_null(strstr(f->heard.detail, "does not exist"));
	pid = start_as("late");
	write_pid(missing, pid);
	assert_int_equal(next_news(f), PROCESS_ALIVE);
	finish(pid);
	assert_int_equal(next_news(f), PROCESS_GONE);
	process_watch_free(p);
	(void)unlink(missing);
	(void)rmdir(sub);
}

static void what_cannot_be_read_is_no_evidence(void **state)
{
	struct fx *f = *state;
	const struct process_spec spec = { PROCESS_PIDFILE, f->path };

	/* a loop of links: the error that root gets as well */
	assert_int_equal(0, symlink("run.pid", f->path));
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	assert_int_equal(next_news(f), PROCESS_UNKNOWN);
	process_watch_free(p);
}

// clang-format off
static const struct {
	const char *why, *text;
	int r;
	int pid;
} pidfiles[] = {
	{ "a number", "123\n", 0, 123 },
	{ "without line end", "123", 0, 123 },
	{ "blanks around it", "  123 \r\n", 0, 123 },
	{ "more lines below", "123\nlog=/x\n", 0, 123 },
	{ "empty", "", -EAGAIN, 0 },
	{ "a blank line", "\n", -EAGAIN, 0 },
	{ "no number", "abc\n", -EINVAL, 0 },
	{ "a number and more", "123abc\n", -EINVAL, 0 },
	{ "zero is our own group", "0\n", -EINVAL, 0 },
	{ "negative is a group", "-1\n", -EINVAL, 0 },
	{ "too large", "99999999999999999999\n", -EINVAL, 0 },
};

static const struct {
	const char *why;
	int64_t written_ms; /* since boot, by the wall clock of now */
	int64_t started_ms; /* since boot */
	bool on_tmpfs, stale;
} ages[] = {
	{ "started, then wrote", 101000, 100000, true, false },
	{ "a supervisor wrote it a moment before", 100000, 101000, true, false },
	{ "an hour later another one has the number", 100000, 3700000, true, true },
	{ "written before the boot, on disk", -900000, 5000, false, true },
	{ "seems so on tmpfs: the clock was set since", -900000, 5000, true, false },
};
// clang-format on

static void pidfiles_are_read(void **state)
{
	struct fx *f = *state;

	for (size_t n = 0; n < sizeof(pidfiles) / sizeof(pidfiles[0]); n++) {
		struct pidfile file = { .pid = 0 };

		write_text(f->path, pidfiles[n].text);
		int r = pidfile_read(f->path, &file);

		if (r != pidfiles[n].r || file.pid != pidfiles[n].pid) {
			fail_msg("%s: %d, pid %d", pidfiles[n].why, r,
			    (int)file.pid);
		}
	}
}

/* The guard against numbers that were given out again. */
static void stale_pidfiles_are_told(void **state)
{
	const int64_t boot_ms = 1700000000000, now_ms = 7200000;

	(void)state;
	for (size_t n = 0; n < sizeof(ages) / sizeof(ages[0]); n++) {
		const struct pidfile file = { .pid = 1,
			.modified_wall_ms = boot_ms + ages[n].written_ms,
			.volatile_fs = ages[n].on_tmpfs };
		const struct proc_stat s = {
			.start_ticks = (uint64_t)(ages[n].started_ms *
			                          sysconf(_SC_CLK_TCK) / 1000)
		};

		if (pidfile_is_stale(&file, &s, boot_ms + now_ms, now_ms) !=
		    ages[n].stale)
			fail_msg("%s: told wrongly", ages[n].why);
	}
}

/* ---- exe and cmdline -------------------------------------------------- */

static void a_command_line_is_found(void **state)
{
	struct fx *f = *state;
	char name[64];
	const struct process_spec spec = { PROCESS_CMDLINE, name };

	/* ours alone, whatever else runs here */
	(void)snprintf(name, sizeof(name), "^rc-test-%d 6[0]$", (int)getpid());
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	assert_int_equal(next_news(f), PROCESS_GONE);
	assert_non_null(strstr(f->heard.detail, "none matches"));
	/*
	 * Children of ours are never taken: they would be checks. So the
	 * service is a grandchild whose parent ends.
	 */
	char script[320];

	(void)snprintf(script, sizeof(script),
	    "bash -c 'exec -a rc-test-%d sleep 60' & echo $! >%s",
	    (int)getpid(), f->path);
	assert_int_equal(0, system(script)); // NOLINT(cert-env33-c)
	assert_int_equal(next_news(f), PROCESS_ALIVE);
	struct pidfile file;

	assert_int_equal(0, pidfile_read(f->path, &file));
	assert_int_equal(0, kill(file.pid, SIGKILL));
	assert_int_equal(next_news(f), PROCESS_GONE);
	process_watch_free(p);
}

static void an_executable_is_found(void **state)
{
	struct fx *f = *state;
	char script[640], exe[160];
	const struct process_spec spec = { PROCESS_EXE, exe };
	struct pidfile file;

	/* a copy of our own, so that no other sleep is meant */
	(void)snprintf(exe, sizeof(exe), "%s/new", f->dir);
	(void)snprintf(script, sizeof(script),
	    "cp /bin/sleep %s; %s 60 & echo $! >%s", exe, exe, f->path);
	assert_int_equal(0, system(script)); // NOLINT(cert-env33-c)
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	await_news(f, PROCESS_ALIVE); /* the shell may not have run it yet */
	assert_int_equal(0, pidfile_read(f->path, &file));
	assert_int_equal(0, kill(file.pid, SIGKILL));
	assert_int_equal(next_news(f), PROCESS_GONE);
	process_watch_free(p);
}

/* Of a hundred watches on a hundred services each sees its own. */
static void many_end_in_one_turn(void **state)
{
	enum { N = 100 };
	struct fx *f = *state;
	static struct heard heard[N];
	static char paths[N][160];
	struct process_spec spec[N];
	struct process_watch *p[N];
	pid_t pids[N];

	for (size_t i = 0; i < N; i++) {
		(void)snprintf(
		    paths[i], sizeof(paths[i]), "%s/%zu.pid", f->dir, i);
		pids[i] = start_as("one-of-many");
		write_pid(paths[i], pids[i]);
		spec[i] = (struct process_spec){ PROCESS_PIDFILE, paths[i] };
		p[i] = process_watch_new(f->watcher, &spec[i], hear, &heard[i]);
	}
	for (size_t i = 0; i < N; i++) {
		assert_true(loop_until(&f->loop, &heard[i].any, 5000));
		assert_int_equal(heard[i].news, PROCESS_ALIVE);
		heard[i].any = false;
	}
	for (size_t i = 0; i < N; i += 2)
		(void)kill(pids[i], SIGKILL);
	for (size_t i = 0; i < N; i += 2)
		assert_true(loop_until(&f->loop, &heard[i].any, 5000));
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(heard[i].n, i % 2 ? 1 : 2);
		assert_int_equal(
		    heard[i].news, i % 2 ? PROCESS_ALIVE : PROCESS_GONE);
		process_watch_free(p[i]);
		finish(pids[i]);
		(void)unlink(paths[i]);
	}
}

/* The directory can be read, what is in it cannot. */
static void want_of_descriptors_is_no_death(void **state)
{
	struct fx *f = *state;
	const struct process_spec spec = { PROCESS_CMDLINE, "^never-there$" };
	struct rlimit limit, low;
	int fd = dup(0);

	close(fd);
	assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &limit));
	low = (struct rlimit){ (rlim_t)fd + 1, limit.rlim_max };
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &low));
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);
	enum process_news first = next_news(f);

	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &limit));
	assert_int_equal(first, PROCESS_UNKNOWN);
	assert_non_null(strstr(f->heard.detail, "Too many open files"));
	await_news(f, PROCESS_GONE); /* looked at again */
	process_watch_free(p);
}

/* Who a process is: its number and when it began. */
static void a_number_that_was_given_out_again(void **state)
{
	struct fx *f = *state;
	pid_t pid = start_as("sleep");
	struct proc_stat stat;

	assert_int_equal(proc_stat_read(pid, &stat), 0);
	for (int off = -1; off <= 1; off++) {
		char *what =
		    process_pid_text(pid, stat.start_ticks + (uint64_t)off);
		const struct process_spec spec = { PROCESS_PID, what };
		struct process_watch *p =
		    process_watch_new(f->watcher, &spec, hear, &f->heard);

		assert_int_equal(
		    next_news(f), off ? PROCESS_GONE : PROCESS_ALIVE);
		process_watch_free(p);
		free(what);
	}
	finish(pid);
}

/* As under a unit without capabilities: the remedy is said. */
static void what_may_not_be_seen_takes_a_right(void **state)
{
	struct fx *f = *state;
	const struct process_spec spec = { PROCESS_EXE,
		"/bin/no-such-program" };
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	/* or it met one already that we may not see */
	if (next_news(f) != PROCESS_UNKNOWN)
		process_tell_error(p, -EACCES);
	assert_int_equal(f->heard.news, PROCESS_UNKNOWN);
	assert_non_null(strstr(f->heard.detail, "take CAP_SYS_PTRACE"));
	process_watch_free(p);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(end_and_return_are_seen),
		T(a_number_that_was_given_out_again),
		T(what_may_not_be_seen_takes_a_right),
		T(a_forking_service_is_followed),
		T(a_lost_pidfile_is_no_death),
		T(want_of_descriptors_is_no_death),
		T(nothing_there_at_first),
		T(what_cannot_be_read_is_no_evidence),
		T(pidfiles_are_read),
		T(stale_pidfiles_are_told),
		T(a_command_line_is_found),
		T(an_executable_is_found),
		T(many_end_in_one_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
