// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/looker.h"
#include "schema/base/scoped.h"
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct gone {
	bool gone, lost, again;
};

static void on_gone(void *arg)
{
	struct gone *g = arg;

	g->gone = true;
}

static void on_answers(void *arg, bool again)
{
	struct gone *g = arg;

	g->lost |= !again;
	g->again |= again;
}

struct fx {
	struct loop loop;
	struct gone gone;
	struct looker *looker;
};

static void set_up(struct fx *f)
{
	*f = (struct fx){ .looker = NULL };
	loop_init(&f->loop);
	const struct looker_ops ops = {
		.gone = on_gone, .answers = on_answers, .arg = &f->gone
	};

	assert_int_equal(0, looker_new(f->loop.base, &ops, &f->looker, NULL));
}

static void tear_down(struct fx *f)
{
	looker_free(f->looker);
	loop_release(&f->loop);
}

static pid_t start_sleeper(void)
{
	int ready[2];
	char c;

	assert_int_equal(0, pipe2(ready, O_CLOEXEC));
	pid_t pid = fork();

	if (pid == 0) {
		(void)execl("/bin/sleep", "sleep", "60", (char *)NULL);
		_exit(127);
	}
	close(ready[1]); /* the other end is closed by its exec */
	assert_int_equal(0, read(ready[0], &c, 1));
	close(ready[0]);
	return pid;
}

static void finish(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

/* ---- executables ------------------------------------------------------ */

static void an_executable(void **state)
{
	char exe[PATH_MAX], own[PATH_MAX], tiny[4];
	struct fx f;

	(void)state;
	set_up(&f);
	pid_t pid = start_sleeper();

	assert_int_equal(0, looker_exe(f.looker, pid, exe, sizeof(exe)));
	assert_int_equal(0, proc_see_exe(pid, own, sizeof(own)));
	assert_string_equal(own, exe);
	assert_non_null(strstr(exe, "sleep"));
	assert_int_equal(0, looker_exe(f.looker, pid, tiny, sizeof(tiny)));
	assert_memory_equal(tiny, exe, 3);
	assert_int_equal(0, tiny[3]);
	finish(pid);
	assert_int_equal(-ESRCH, looker_exe(f.looker, pid, exe, sizeof(exe)));
	/* nobody between us and /proc */
	assert_int_equal(0, looker_exe(NULL, getpid(), exe, sizeof(exe)));
	tear_down(&f);
}

struct walked {
	struct looker *l;
	unsigned n, different;
	pid_t seek;
	bool found;
};

static void on_process(void *arg, pid_t pid)
{
	struct walked *w = arg;
	char exe[PATH_MAX] = "", own[PATH_MAX] = "";
	int r = looker_exe(w->l, pid, exe, sizeof(exe));
	int s = proc_see_exe(pid, own, sizeof(own));

	w->n++;
	w->found |= pid == w->seek && strstr(exe, "sleep");
	/* another one, in the middle of the walk */
	if (looker_exe(w->l, getpid(), own, sizeof(own)) ||
	    !strstr(own, "test_looker"))
		w->different++;
	/* it may have ended, or begun another program, in between */
	if (r == 0 && s == 0 && pid == w->seek)
		w->different += strstr(exe, "sleep") == NULL;
}

/* more of them than one lot has */
static void a_walk(void **state)
{
	enum { SLEEPERS = 150 };
	pid_t pids[SLEEPERS];
	struct fx f;

	(void)state;
	set_up(&f);
	for (unsigned i = 0; i < SLEEPERS; i++)
		pids[i] = start_sleeper();
	struct walked w = { .l = f.looker, .seek = pids[SLEEPERS - 1] };

	assert_int_equal(0, looker_each(f.looker, on_process, &w));
	assert_true(w.found);
	assert_true(w.n >= SLEEPERS);
	assert_int_equal(0, w.different);
	assert_true(looker_clock_ns(f.looker) > looker_clock_ns(NULL));
	for (unsigned i = 0; i < SLEEPERS; i++)
		finish(pids[i]);
	tear_down(&f);
}

/* ---- sockets ---------------------------------------------------------- */

struct sockets {
	unsigned n;
	int fd;
	uint64_t inode;
};

static void on_socket(void *arg, int fd, uint64_t inode)
{
	struct sockets *s = arg;

	s->n++;
	s->fd = fd;
	s->inode = inode;
}

/* More than one packet of answers is a matter of their number alone. */
static void sockets_of_a_child(void **state)
{
	enum { SOCKETS = 5000 };
	struct sockets seen = { .n = 0 };
	struct fx f;
	int ready[2];
	char c;

	(void)state;
	set_up(&f);
	assert_int_equal(0, pipe(ready));
	pid_t pid = fork();

	if (pid == 0) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		for (int i = 1; i < SOCKETS; i++)
			(void)dup2(fd, 100 + i);
		if (write(ready[1], "", 1) == 1)
			(void)pause();
		_exit(0);
	}
	assert_int_equal(1, read(ready[0], &c, 1));
	assert_int_equal(0, looker_sockets(f.looker, pid, on_socket, &seen));
	assert_true(seen.n >= 900); /* what the limit of files leaves */
	assert_true(looker_has_socket(f.looker, pid, seen.fd, seen.inode));
	assert_false(looker_has_socket(f.looker, pid, seen.fd, seen.inode + 1));
	assert_false(looker_has_socket(f.looker, pid, 0, seen.inode));
	finish(pid);
	assert_int_equal(
	    -ESRCH, looker_sockets(f.looker, pid, on_socket, &seen));
	close(ready[0]);
	close(ready[1]);
	tear_down(&f);
}

/* ---- life ------------------------------------------------------------- */

static void find_child(void *arg, pid_t pid)
{
	struct proc_stat s;
	pid_t *found = arg;

	if (proc_stat_read(pid, &s) == 0 && s.parent == getpid())
		*found = pid;
}

/* No news of a process may come from that. */
static void it_is_killed(void **state)
{
	struct walked w = { .n = 0 };
	struct sockets seen = { .n = 0 };
	char exe[PATH_MAX];
	struct fx f;
	pid_t pid = 0;

	(void)state;
	set_up(&f);
	w.l = f.looker;
	assert_int_equal(0, proc_each(find_child, &pid));
	assert_true(pid > 0);
	(void)kill(pid, SIGKILL);
	/* not reaped: that is for its owner */
	siginfo_t info;

	assert_int_equal(0, waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	assert_int_equal(
	    -EACCES, looker_exe(f.looker, getpid(), exe, sizeof(exe)));
	assert_true(looker_each(f.looker, on_process, &w) < 0);
	assert_int_equal(0, w.n);
	assert_true(looker_sockets(f.looker, getpid(), on_socket, &seen) < 0);
	assert_int_equal(0, seen.n);
	/* nothing can be seen: what was there is there */
	assert_true(looker_has_socket(f.looker, getpid(), 0, 1));
	assert_true(loop_until(&f.loop, &f.gone.gone, 5000));
	tear_down(&f);
}

/* It does not end by signals that are meant for the registrar. */
static void it_goes_with_us(void **state)
{
	struct fx f;
	pid_t pid = 0;
	char exe[PATH_MAX];

	(void)state;
	set_up(&f);
	assert_int_equal(0, proc_each(find_child, &pid));
	assert_true(pid > 0);
	(void)kill(pid, SIGTERM);
	(void)kill(pid, SIGINT);
	(void)kill(pid, SIGHUP);
	assert_int_equal(0, looker_exe(f.looker, getpid(), exe, sizeof(exe)));
	tear_down(&f);
	assert_int_equal(-1, kill(pid, 0));
	assert_int_equal(ESRCH, errno);
}

/* Stopped in the middle of anything, and going on at any time. */
static void it_is_stopped(void **state)
{
	struct fx f;
	pid_t pid = 0;
	char exe[PATH_MAX];

	(void)state;
	set_up(&f);
	assert_int_equal(0, proc_each(find_child, &pid));
	assert_true(pid > 0);
	for (unsigned n = 0; n < 3; n++) {
		struct sockets seen = { .n = 0 };

		f.gone.lost = f.gone.again = false;
		assert_int_equal(0, kill(pid, SIGSTOP));
		int64_t began_ms = clock_mono_ms();

		assert_int_equal(
		    -EACCES, looker_exe(f.looker, getpid(), exe, sizeof(exe)));
		assert_true(f.gone.lost);
		/* it waits once */
		for (unsigned k = 0; k < 100; k++) {
			assert_true(looker_sockets(f.looker, getpid(),
			                on_socket, &seen) < 0);
			assert_true(
			    looker_has_socket(f.looker, getpid(), 0, 1));
		}
		assert_int_equal(0, seen.n);
		assert_true(clock_mono_ms() - began_ms < 5000);
		assert_false(f.gone.again);
		assert_int_equal(0, kill(pid, SIGCONT));
		assert_true(loop_until(&f.loop, &f.gone.again, 5000));
		assert_int_equal(
		    0, looker_exe(f.looker, getpid(), exe, sizeof(exe)));
		assert_int_equal(
		    0, looker_sockets(f.looker, getpid(), on_socket, &seen));
		assert_true(seen.n > 0);
	}
	/* nobody waits for it at the end, either */
	assert_int_equal(0, kill(pid, SIGSTOP));
	tear_down(&f);
	assert_int_equal(-1, kill(pid, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_executable),
		cmocka_unit_test(a_walk),
		cmocka_unit_test(sockets_of_a_child),
		cmocka_unit_test(it_is_killed),
		cmocka_unit_test(it_is_stopped),
		cmocka_unit_test(it_goes_with_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
