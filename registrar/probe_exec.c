// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_exec - what does a program say?
 *
 * Exit 0 is a pass, 1 a warning, anything else a failure; its output is the
 * detail. No shell. The child gets its own process group, an environment of
 * its own, /dev/null to read, one pipe for both outputs and no other
 * descriptor of ours.
 *
 * Its end is seen by a pidfd. The whole group is killed before the child is
 * reaped: until then its number, which is that of the group, cannot belong
 * to anybody else. A run that is given up leaves the child to a leftover,
 * which reaps it when it has ended.
 */
#include "registrar/probe.h"
#include "registrar/procfs.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* glibc 2.36 has pidfds, but its waitid(2) does not name them yet */
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

#define EXEC_PATH                                                              \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct exec_run {
	struct leftover leftover; /* once the run is given up */
	struct probe *probe;      /* NULL from then on */
	pid_t pid;
	int pidfd, out;
	struct event *ended, *readable;
	size_t len;
	char text[PROBE_DETAIL_MAX];
};

static void drain(struct exec_run *run)
{
	char sink[4096];
	ssize_t n;

	do {
		size_t room = sizeof(run->text) - 1 - run->len;
		char *to = room ? run->text + run->len : sink;

		n = read(run->out, to, room ? room : sizeof(sink));
		if (n > 0 && room)
			run->len += (size_t)n;
	} while (n > 0);
	run->text[run->len] = '\0';
	if (n == 0 || errno != EAGAIN)
		event_del(run->readable); /* the end: nobody writes any more */
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	drain(arg);
}

/* The child has ended, or is killed here; wait for it. */
static int reap(struct exec_run *run)
{
	siginfo_t info = { .si_pid = 0 };

	(void)kill(-run->pid, SIGKILL);
	while (
	    waitid((idtype_t)P_PIDFD, (id_t)run->pidfd, &info, WEXITED) < 0 &&
	    errno == EINTR)
		;
	if (info.si_code == CLD_EXITED)
		return info.si_status;
	return -info.si_status; /* the signal */
}

static void run_free(struct exec_run *run)
{
	event_free(run->ended);
	event_free(run->readable);
	close(run->pidfd);
	close(run->out);
	free(run);
}

static void free_leftover(struct leftover *l)
{
	struct exec_run *run = (struct exec_run *)l;

	(void)reap(run);
	run_free(run);
}

static void judge(struct probe *p, int status, const char *output)
{
	static const enum verdict by_status[] = { VERDICT_PASS, VERDICT_WARN };
	char text[PROBE_DETAIL_MAX + 64];

	if (*output) {
		(void)snprintf(text, sizeof(text), "%s", output);
	} else if (status < 0) {
		(void)snprintf(text, sizeof(text), "killed by signal %d (%s)",
		    -status, strsignal(-status));
	} else {
		(void)snprintf(text, sizeof(text), "exit status %d", status);
	}
	probe_done(p,
	    status == 0 || status == 1 ? by_status[status] : VERDICT_FAIL,
	    text);
}

static void on_exit_seen(evutil_socket_t fd, short what, void *arg)
{
	struct exec_run *run = arg;
	struct probe *p = run->probe;

	(void)fd;
	(void)what;
	if (!p) {
		prober_forget(&run->leftover);
		free_leftover(&run->leftover);
		return;
	}
	drain(run); /* what its children might still write does not matter */
	int status = reap(run);

	p->run = NULL;
	judge(p, status, run->text);
	run_free(run);
}

/* ---- beginning -------------------------------------------------------- */

/* The actions of posix_spawn, or -E... */
static int set_up(
    posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, int out)
{
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	if ((r = posix_spawn_file_actions_addopen(
	         files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)) ||
	    (r = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO)) ||
	    (r = posix_spawn_file_actions_adddup2(files, out, STDERR_FILENO)) ||
	    (r = posix_spawn_file_actions_addclosefrom_np(
	         files, STDERR_FILENO + 1)) ||
	    (r = posix_spawnattr_setpgroup(attr, 0)) ||
	    (r = posix_spawnattr_setsigmask(attr, &none)) ||
	    (r = posix_spawnattr_setsigdefault(attr, &all)) ||
	    (r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP |
	                                            POSIX_SPAWN_SETSIGMASK |
	                                            POSIX_SPAWN_SETSIGDEF)))
		return -r;
	return 0;
}

static int spawn(const struct probe *p, int out, pid_t *ret_pid)
{
	const struct probe_subject *s = p->subject;
	scoped_free char *service =
	    xasprintf("ROLLCALL_SERVICE=%s", s->service);
	scoped_free char *instance =
	    xasprintf("ROLLCALL_INSTANCE=%s", s->instance);
	scoped_free char *address =
	    xasprintf("ROLLCALL_ADDRESS=%s", s->address);
	scoped_free char *port = xasprintf("ROLLCALL_PORT=%d", s->port);
	char path[] = EXEC_PATH;
	char *env[] = { path, service, instance, address,
		s->port == ROW_DEFAULT ? NULL : port, NULL };
	const struct conf_strings *args = &p->spec->exec.argv;
	scoped_free char **argv = xcalloc(args->n + 1, sizeof(*argv));
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;

	/* posix_spawn(3) does not write to the strings, only its type does */
	memcpy(argv, args->items, args->n * sizeof(*argv));
	if (posix_spawn_file_actions_init(&files) ||
	    posix_spawnattr_init(&attr))
		abort(); /* out of memory */
	int r = set_up(&files, &attr, out);

	if (r == 0)
		r = -posix_spawn(ret_pid, argv[0], &files, &attr, argv, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return r;
}

static void exec_start(struct probe *p)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0) {
		probe_done_fmt(
		    p, VERDICT_FAIL, "cannot make a pipe: %s", strerror(errno));
		return;
	}
	scoped_fd int out = pipes[0];
	scoped_fd int in = pipes[1];
	pid_t pid = 0;
	int r = spawn(p, in, &pid);

	if (r < 0) {
		probe_done_fmt(p, VERDICT_FAIL, "cannot run '%s': %s",
		    p->spec->exec.argv.items[0], strerror(-r));
		return;
	}
	scoped_fd int pidfd = proc_pidfd(pid); /* it waits for us: no race */

	if (pidfd < 0) {
		(void)kill(-pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		probe_done_fmt(p, VERDICT_FAIL, "cannot watch '%s': %s",
		    p->spec->exec.argv.items[0], strerror(-pidfd));
		return;
	}
	struct exec_run *run = xcalloc(1, sizeof(*run));

	run->leftover.free = free_leftover;
	run->probe = p;
	run->pid = pid;
	run->pidfd = take_fd(&pidfd);
	run->out = take_fd(&out);
	(void)fcntl(run->out, F_SETFL, O_NONBLOCK);
	run->ended =
	    event_new(p->prober->base, run->pidfd, EV_READ, on_exit_seen, run);
	run->readable = event_new(
	    p->prober->base, run->out, EV_READ | EV_PERSIST, on_readable, run);
	if (!run->ended || !run->readable || event_add(run->ended, NULL) < 0 ||
	    event_add(run->readable, NULL) < 0)
		abort(); /* out of memory */
	p->run = run;
}

/* Given up: killed now, reaped when it has ended. */
static void exec_stop(struct probe *p)
{
	struct exec_run *run = p->run;

	if (!run)
		return;
	run->probe = NULL;
	(void)kill(-run->pid, SIGKILL);
	event_del(run->readable);
	prober_leave(p->prober, &run->leftover);
}

static const char *exec_waiting(const struct probe *p)
{
	const struct exec_run *run = p->run;

	return run->len ? run->text : NULL;
}

const struct probe_ops probe_exec_ops = {
	.start = exec_start,
	.stop = exec_stop,
	.waiting = exec_waiting,
};
