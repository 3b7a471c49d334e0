// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/watch/child.h"

#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* A file that nobody waits for, unlike a pipe. */
static int input_file(const void *input, size_t len)
{
	scoped_fd int fd = memfd_create("input", MFD_CLOEXEC);
	const uint8_t *p = input;

	while (fd >= 0 && len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return take_fd(&fd);
}

/* In a group of its own, with no signal blocked. */
static int spawn(const char *command, int input, pid_t *ret_pid)
{
	char sh[] = "/bin/sh", c[] = "-c";
	char *text = xstrdup(command);
	char *const argv[] = { sh, c, text, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;

	(void)sigemptyset(&none);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawnattr_setflags(
	    &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	int error =
	    posix_spawn(ret_pid, sh, &actions, &attributes, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	free(text);
	return -error;
}

/* A signal that ends us; 0: none was there. */
static int take_signal(int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			return (int)info.ssi_signo;
	}
	return 0;
}

static int judge(int status, struct diag *reterr)
{
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status)) {
		return diag_set(reterr, -EIO, "it ended with status %d",
		    WEXITSTATUS(status));
	}
	return diag_set(
	    reterr, -EIO, "it was ended by signal %d", WTERMSIG(status));
}

/* Until it has ended. */
static int await(pid_t pid, int signals, int *ret_signal, struct diag *reterr)
{
	int64_t end_ms = clock_mono_ms() + CHILD_PATIENCE_MS;
	int status = 0;

	for (;;) {
		struct pollfd p = { .fd = signals, .events = POLLIN };
		int64_t left_ms = end_ms - clock_mono_ms();

		if (waitpid(pid, &status, WNOHANG) == pid)
			return judge(status, reterr);
		if (left_ms <= 0)
			break;
		(void)poll(&p, 1, left_ms > 1000 ? 1000 : (int)left_ms);
		int signal = take_signal(signals);
		if (signal && !*ret_signal) {
			*ret_signal = signal;
			(void)kill(-pid, SIGTERM);
			end_ms = clock_mono_ms() + 5000;
		}
	}
	(void)kill(-pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	return diag_set(reterr, -ETIME, "it was killed, for it did not end");
}

int child_run(const char *command, const void *input, size_t len, int signals,
    int *ret_signal, struct diag *reterr)
{
	scoped_fd int fd = input_file(input, len);
	pid_t pid = 0;

	*ret_signal = 0;
	int error = fd < 0 ? fd : spawn(command, fd, &pid);
	if (error) {
		return diag_set(
		    reterr, error, "cannot start it: %s", strerror(-error));
	}
	return await(pid, signals, ret_signal, reterr);
}
