// SPDX-License-Identifier: BSD-2-Clause
/*
 * One loop over the socket and SIGCHLD. Each program is the leader of a
 * session: its process group is killed before it is reaped, for until then
 * its number cannot be anybody else's. What has left the group becomes our
 * child once its parent is gone (PR_SET_CHILD_SUBREAPER), and is killed when
 * no running program has its session.
 */
#include "registrar/exec/runner_broker.h"

#include "registrar/exec/runner.h"
#include "registrar/exec/runner_child.h"
#include "schema/base/helper.h"
#include "schema/base/scoped.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct job {
	uint32_t id;
	pid_t pid; /* also of its group and session; 0: free */
};

struct broker {
	int fd, signals;
	struct job jobs[RUNNER_LIMIT_MAX];
	int32_t *errors; /* of each job, shared with its child; 0: none */
	char packet[RUN_MESSAGE_MAX];
	struct run_request request;
};

static struct job *find(struct broker *b, pid_t pid)
{
	for (unsigned i = 0; i < RUNNER_LIMIT_MAX; i++) {
		if (b->jobs[i].pid == pid)
			return &b->jobs[i];
	}
	return NULL;
}

/* error: of run_header */
static void tell_ended(
    const struct broker *b, uint32_t id, int status, int error)
{
	const struct run_header h = {
		.type = RUN_ENDED, .id = id, .status = status, .error = error
	};

	/* may wait: the registrar reads, or is gone, which the loop sees */
	(void)send(b->fd, &h, sizeof(h), MSG_NOSIGNAL);
}

/* ---- beginning -------------------------------------------------------- */

static void begin(struct broker *b, int out)
{
	struct job *job = find(b, 0);
	int32_t *shared = job ? &b->errors[job - b->jobs] : NULL;

	if (!job) { /* the registrar has a lower limit */
		tell_ended(b, b->request.head.id, RUN_CANNOT, -EAGAIN);
		return;
	}
	*shared = 0;
	pid_t pid = fork();

	if (pid == 0)
		runner_child(&b->request, out, shared);
	if (pid > 0) {
		*job = (struct job){ .id = b->request.head.id, .pid = pid };
	} else {
		tell_ended(b, b->request.head.id, RUN_CANNOT, -errno);
	}
}

static void kill_job(struct broker *b, uint32_t id)
{
	for (unsigned i = 0; i < RUNNER_LIMIT_MAX; i++) {
		const struct job *job = &b->jobs[i];

		if (!job->pid || job->id != id)
			continue;
		/* itself too: it may not have made its session yet */
		(void)kill(-job->pid, SIGKILL);
		(void)kill(job->pid, SIGKILL);
	}
}

/* The descriptor that came along, or -1. */
static int received_fd(struct msghdr *m)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* False: the registrar is gone. */
static bool take_packet(struct broker *b)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec io = { .iov_base = b->packet,
		.iov_len = sizeof(b->packet) };
	struct msghdr m = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(b->fd, &m, MSG_CMSG_CLOEXEC);

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	scoped_fd int out = received_fd(&m);

	if (!run_request_read(b->packet, (size_t)n, &b->request))
		return false; /* no packet of ours */
	if (b->request.head.type == RUN_KILL) {
		kill_job(b, b->request.head.id);
	} else if (out >= 0) {
		begin(b, out);
	} else { /* we have too many open: it would never end */
		tell_ended(b, b->request.head.id, RUN_CANNOT, -EMFILE);
	}
	return true;
}

/* ---- the end of programs ---------------------------------------------- */

/* Children that belong to no program that runs: they got away. */
static void kill_strays(struct broker *b)
{
	char path[64], list[8192];

	(void)snprintf(
	    path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, list, sizeof(list) - 1);

	if (n <= 0)
		return; /* none, or a kernel that does not tell */
	list[n] = '\0';
	for (char *p = list, *end; *p; p = end) {
		pid_t pid = (pid_t)strtol(p, &end, 10);

		if (end == p || *end != ' ')
			break; /* all of them end so; this one is cut */
		/* one that was forked a moment ago is no session leader yet */
		if (pid > 1 && !find(b, pid) && !find(b, getsid(pid)))
			(void)kill(pid, SIGKILL);
	}
}

static void reap(struct broker *b)
{
	siginfo_t info = { .si_pid = 0 };
	bool any = false;

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid) {
		pid_t pid = info.si_pid;
		struct job *job = find(b, pid);

		if (job)
			(void)kill(-pid, SIGKILL);
		(void)waitid(P_PID, (id_t)pid, &info, WEXITED);
		if (job) {
			bool exited = info.si_code == CLD_EXITED;

			tell_ended(b, job->id,
			    exited ? info.si_status : -info.si_status,
			    b->errors[job - b->jobs]);
			*job = (struct job){ .pid = 0 };
		}
		any = true;
		info.si_pid = 0;
	}
	/* those of their own session that the end of a parent gave to us */
	if (any)
		kill_strays(b);
}

static void drain_signals(const struct broker *b)
{
	struct signalfd_siginfo s;

	while (read(b->signals, &s, sizeof(s)) == sizeof(s))
		;
}

/* ---- life ------------------------------------------------------------- */

static void set_signals(struct broker *b)
{
	sigset_t child;

	(void)signal(SIGCHLD, SIG_DFL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &child, NULL);
	b->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

_Noreturn static void end(struct broker *b)
{
	for (unsigned i = 0; i < RUNNER_LIMIT_MAX; i++) {
		if (b->jobs[i].pid) {
			(void)kill(-b->jobs[i].pid, SIGKILL);
			(void)kill(b->jobs[i].pid, SIGKILL);
			b->jobs[i].pid = 0;
		}
	}
	kill_strays(b);
	_exit(0);
}

void runner_broker(void)
{
	struct broker *b = calloc(1, sizeof(*b));

	if (!b)
		_exit(1);
	b->errors = mmap(NULL, RUNNER_LIMIT_MAX * sizeof(*b->errors),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->errors == MAP_FAILED)
		_exit(1);
	b->fd = HELPER_FD;
	set_signals(b);
	(void)prctl(PR_SET_NAME, "registrar-run");
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	struct pollfd p[2] = { { .fd = b->fd, .events = POLLIN },
		{ .fd = b->signals, .events = POLLIN } };

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			end(b);
		if (p[1].revents) {
			drain_signals(b);
			reap(b);
		}
		if (p[0].revents && !take_packet(b))
			end(b);
	}
}
