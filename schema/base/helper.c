// SPDX-License-Identifier: BSD-2-Clause
#include "schema/base/helper.h"

#include "schema/base/scoped.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_MS 1000

static void ignore_signals(void)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT,
		SIGPIPE, SIGUSR1, SIGUSR2 };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
}

static void keep_only(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	if (fd != HELPER_FD)
		(void)dup3(fd, HELPER_FD, O_CLOEXEC);
	(void)syscall(SYS_close_range, HELPER_FD + 1U, ~0U, 0);
}

int helper_start(int type, void (*run)(void), pid_t *ret_pid, int *ret_fd,
    struct diag *reterr)
{
	sigset_t all, before;
	int pair[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) < 0) {
		return diag_set(reterr, -errno, "cannot make a socket: %s",
		    strerror(errno));
	}
	/* what comes before they are ignored waits until they are */
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	int error = errno;

	if (pid == 0)
		ignore_signals();
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid == 0) {
		keep_only(pair[1]);
		run();
		_exit(0);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return diag_set(
		    reterr, -error, "cannot fork: %s", strerror(error));
	}
	*ret_pid = pid;
	*ret_fd = pair[0];
	return 0;
}

void helper_end(pid_t pid)
{
	if (!pid)
		return;
	/* the sandbox has no kill(2) */
	scoped_fd int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd >= 0 && poll(&p, 1, END_MS) == 0)
		(void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	(void)waitpid(pid, NULL, 0);
}
