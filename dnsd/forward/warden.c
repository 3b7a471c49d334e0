// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/forward/warden.h"

#include "dnsd/forward/forwarder.h"
#include "schema/base/clock.h"
#include "schema/base/helper.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAUSE_MIN_MS = 50,
	PAUSE_MAX_MS = 2000,
	SETTLED_MS = 10000, /* what lived so long is none that cannot start */
	SPARE_MS = 200,     /* at least between two of them */
};

struct warden {
	enum sandbox_mode mode;
	int fd, signals;
	pid_t pid; /* of the forwarder; 0: none runs */
	char *recipe;
	int64_t started_ms, again_ms; /* monotonic; again: 0 is never */
	int pause_ms;
	pid_t spare;      /* 0: there is none */
	int64_t spare_ms; /* when there may be another */
};

/* ---- what it says ----------------------------------------------------- */

/* link: goes along, or -1 */
static void tell(
    const struct warden *w, enum warden_kind kind, int status, int link)
{
	struct warden_message m = { (int32_t)kind, status };
	struct iovec io = { &m, sizeof(m) };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1 };

	if (link >= 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &link, sizeof(link));
	}
	(void)sendmsg(w->fd, &msg, MSG_NOSIGNAL);
}

/* ---- the forwarder ---------------------------------------------------- */

_Noreturn static void become_forwarder(const struct warden *w, int link)
{
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	close(w->fd);
	close(w->signals);
	_exit(forwarder_main(link, w->recipe, w->mode));
}

static void start(struct warden *w)
{
	int pair[2];

	w->again_ms = 0;
	if (!w->recipe || w->pid)
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		w->again_ms = clock_mono_ms() + PAUSE_MAX_MS;
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		become_forwarder(w, pair[1]);
	}
	close(pair[1]);
	if (pid > 0) {
		w->pid = pid;
		w->started_ms = clock_mono_ms();
		tell(w, WARDEN_STARTED, pid, pair[0]);
	} else {
		w->again_ms = clock_mono_ms() + PAUSE_MAX_MS;
	}
	close(pair[0]);
}

/* ---- the spare -------------------------------------------------------- */

/* Until that one has ended; dnsd's end is ours. */
static void wait_for_end_of(const struct warden *w, pid_t warden)
{
	scoped_fd int end = (int)syscall(SYS_pidfd_open, warden, 0);
	struct pollfd p[2] = { { .fd = w->fd, .events = POLLRDHUP },
		{ .fd = end, .events = POLLIN } };

	while (getppid() == warden) {
		(void)poll(p, 2, end < 0 ? SPARE_MS : -1);
		if (p[0].revents)
			_exit(0);
	}
}

/* What it is told comes anew: only what ended knew the last of it. */
static void take_place(struct warden *w)
{
	free(w->recipe);
	*w = (struct warden){ .mode = w->mode,
		.fd = w->fd,
		.signals = w->signals,
		.pause_ms = PAUSE_MIN_MS,
		.spare_ms = clock_mono_ms() + SPARE_MS };
	tell(w, WARDEN_READY, 0, -1);
}

/* Returns in the spare, too, once it is the warden. */
static void start_spare(struct warden *w)
{
	pid_t self = getpid();

	w->spare_ms = clock_mono_ms() + SPARE_MS;
	pid_t pid = fork();
	if (pid > 0)
		w->spare = pid;
	if (pid != 0)
		return;
	wait_for_end_of(w, self);
	take_place(w);
}

static void reap(struct warden *w)
{
	struct signalfd_siginfo s;
	int status;
	pid_t pid;

	while (read(w->signals, &s, sizeof(s)) == sizeof(s))
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == w->spare)
			w->spare = 0;
		if (pid != w->pid)
			continue;
		w->pid = 0;
		tell(w, WARDEN_ENDED, status, -1);
		int64_t now = clock_mono_ms();
		if (now - w->started_ms >= SETTLED_MS)
			w->pause_ms = PAUSE_MIN_MS;
		w->again_ms = now + w->pause_ms;
		w->pause_ms *= 2;
		if (w->pause_ms > PAUSE_MAX_MS)
			w->pause_ms = PAUSE_MAX_MS;
	}
}

static void kill_forwarder(const struct warden *w)
{
	if (w->pid)
		(void)kill(w->pid, SIGKILL);
}

/* ---- what it is told -------------------------------------------------- */

/* False: dnsd is gone, or not itself any more. */
static bool take_packet(struct warden *w)
{
	const size_t room = sizeof(struct warden_message) + WARDEN_RECIPE_MAX;
	scoped_free char *packet = xmalloc(room + 1);
	ssize_t n = recv(w->fd, packet, room, 0);
	struct warden_message m;

	if (n < 0 && errno == EINTR)
		return true;
	if (n < (ssize_t)sizeof(m))
		return false;
	memcpy(&m, packet, sizeof(m));
	packet[n] = '\0';
	if (m.kind == WARDEN_RUN) {
		free(w->recipe);
		w->recipe = xstrdup(packet + sizeof(m));
		w->pause_ms = PAUSE_MIN_MS;
		kill_forwarder(w);
		if (!w->pid)
			start(w);
	} else if (m.kind == WARDEN_KILL) {
		kill_forwarder(w);
	} else {
		return false;
	}
	return true;
}

static bool is_due(int64_t at_ms)
{
	return at_ms && at_ms <= clock_mono_ms();
}

static int wait_ms(const struct warden *w)
{
	int64_t next = w->again_ms;

	if (!w->spare && (!next || w->spare_ms < next))
		next = w->spare_ms;
	if (!next)
		return -1;
	next -= clock_mono_ms();
	return next > 0 ? (int)next : 0;
}

static void run_warden(enum sandbox_mode mode)
{
	struct warden w = { .mode = mode,
		.fd = HELPER_FD,
		.pause_ms = PAUSE_MIN_MS,
		.spare_ms = clock_mono_ms() };
	sigset_t child;

	(void)prctl(PR_SET_NAME, "dnsd-warden");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)signal(SIGCHLD, SIG_DFL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &child, NULL);
	w.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	struct pollfd p[2] = { { .fd = w.fd, .events = POLLIN },
		{ .fd = w.signals, .events = POLLIN } };
	for (;;) {
		int n = poll(p, 2, wait_ms(&w));

		if (n < 0 && errno != EINTR)
			break;
		if (n > 0 && p[1].revents)
			reap(&w);
		if (n > 0 && p[0].revents && !take_packet(&w))
			break;
		if (is_due(w.again_ms))
			start(&w);
		if (!w.spare && is_due(w.spare_ms))
			start_spare(&w);
	}
	kill_forwarder(&w);
	free(w.recipe);
}

/* What a helper runs has no argument. */
static void run_auto(void)
{
	run_warden(SANDBOX_AUTO);
}

static void run_on(void)
{
	run_warden(SANDBOX_ON);
}

static void run_off(void)
{
	run_warden(SANDBOX_OFF);
}

int warden_start(
    enum sandbox_mode mode, pid_t *ret_pid, int *ret_fd, struct diag *reterr)
{
	static void (*const runs[])(void) = {
		[SANDBOX_AUTO] = run_auto,
		[SANDBOX_ON] = run_on,
		[SANDBOX_OFF] = run_off,
	};

	return helper_start(
	    SOCK_SEQPACKET, runs[mode], ret_pid, ret_fd, reterr);
}

/* ---- dnsd's end ------------------------------------------------------- */

bool warden_run(int fd, const char *recipe)
{
	struct warden_message m = { WARDEN_RUN, 0 };
	struct iovec io[2] = { { &m, sizeof(m) },
		{ (void *)(uintptr_t)recipe, strlen(recipe) } };
	struct msghdr msg = { .msg_iov = io, .msg_iovlen = 2 };

	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

bool warden_kill(int fd)
{
	struct warden_message m = { WARDEN_KILL, 0 };

	return send(fd, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

int warden_hear(int fd, struct warden_message *ret_m, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec io = { ret_m, sizeof(*ret_m) };
	struct msghdr msg = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*ret_fd = -1;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n != (ssize_t)sizeof(*ret_m))
		return n < 0 ? -errno : -EPIPE;
	const struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(c), sizeof(*ret_fd));
	return 1;
}
