// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/keeper/keeper_child.h"

#include "registrar/keeper/keeper.h"
#include "registrar/keeper/kept.h"
#include "schema/base/clock.h"
#include "schema/base/helper.h"
#include "schema/base/log.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
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
	ASK_MS = 100,
	SILENT_MS = 500,
	START_MS = 10000, /* until it says anything */
	LATE_MS = 250,    /* so late are we that others' silence says nothing */
	PAUSE_MIN_MS = 50,
	PAUSE_MAX_MS = 2000,
	SETTLED_MS = 10000, /* what lived so long is none that cannot start */
	END_MS = 700,       /* less than helper_end() waits */
	CAPABILITY_MAX = 63,
};

struct program {
	enum keeper_how how;
	char *words; /* each with its NUL */
	size_t words_len;
	pid_t pid; /* 0: it does not run */
	int fd;    /* of its questions, or -1 */
	bool answered;
	int64_t started_ms, again_ms; /* monotonic; again: 0 is never */
	int64_t heard_ms;             /* last sign, or its start */
	int pause_ms;
};

struct keeper_process {
	int fd, signals;
	struct program programs[KEEPER_PROGRAMS_MAX];
	size_t n;
	int64_t turn_ms; /* of the last turn */
};

/* ---- one program ------------------------------------------------------ */

/*
 * Of what the registrar may do, for checks and watches, they need nothing but
 * low ports. What is gone from the bounding set does not come back by
 * execve(2), not to root either.
 */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[2] = { 0 };
	const uint32_t bind = 1U << CAP_NET_BIND_SERVICE;

	for (int c = 0; c <= CAPABILITY_MAX; c++) {
		if (c != CAP_NET_BIND_SERVICE)
			(void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	}
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &head, data) < 0)
		return;
	data[0].permitted &= bind;
	data[0].effective &= bind;
	data[0].inheritable = data[0].permitted;
	data[1] = (struct __user_cap_data_struct){ 0 };
	(void)syscall(SYS_capset, &head, data);
	(void)prctl(
	    PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0);
}

static void default_signals(void)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void execute(const struct program *p, int fd, pid_t keeper)
{
	char name[] = "registrar", *argv[KEEPER_ARGS_MAX + 2] = { name };
	size_t n = 1;

	default_signals();
	if (p->how == KEEPER_TOGETHER) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != keeper)
			_exit(1);
	}
	drop_capabilities();
	for (char *w = p->words; w < p->words + p->words_len;
	     w += strlen(w) + 1)
		argv[n++] = w;
	/* it says nothing to the service manager, which knows one program */
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)setenv(KEPT_ENV, "3", 1);
	/* without close-on-exec, whatever number it has */
	if (fd == KEPT_FD) {
		(void)fcntl(fd, F_SETFD, 0);
	} else {
		(void)dup2(fd, KEPT_FD);
	}
	(void)execv("/proc/self/exe", argv);
	log_error("%s: cannot be executed: %s", p->words, strerror(errno));
	_exit(1);
}

static void start(struct program *p, int64_t now_ms)
{
	pid_t keeper = getpid();
	int pair[2];

	p->again_ms = now_ms + PAUSE_MAX_MS; /* unless it works */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	pid_t pid = fork();

	if (pid == 0)
		execute(p, pair[1], keeper);
	(void)close(pair[1]);
	if (pid < 0) {
		(void)close(pair[0]);
		return;
	}
	p->pid = pid;
	p->fd = pair[0];
	p->answered = false;
	p->again_ms = 0;
	p->started_ms = p->heard_ms = now_ms;
}

static void tell_end(const struct program *p, int status)
{
	if (WIFSIGNALED(status)) {
		log_warn("%s: killed by signal %d (%s): starting it again in "
		         "%d ms",
		    p->words, WTERMSIG(status), strsignal(WTERMSIG(status)),
		    p->pause_ms);
	} else {
		log_warn("%s: ended with status %d: starting it again in %d ms",
		    p->words, WEXITSTATUS(status), p->pause_ms);
	}
}

static void ended(struct program *p, int status, int64_t now_ms)
{
	if (now_ms - p->started_ms >= SETTLED_MS)
		p->pause_ms = PAUSE_MIN_MS;
	tell_end(p, status);
	(void)close(p->fd);
	p->fd = -1;
	p->pid = 0;
	p->again_ms = now_ms + p->pause_ms;
	p->pause_ms *= 2;
	if (p->pause_ms > PAUSE_MAX_MS)
		p->pause_ms = PAUSE_MAX_MS;
}

static void hear(struct program *p, int64_t now_ms)
{
	char c;

	while (recv(p->fd, &c, 1, MSG_DONTWAIT) > 0) {
		p->heard_ms = now_ms;
		p->answered = true;
	}
}

static void ask(struct program *p, int64_t now_ms)
{
	const int64_t patience = p->answered ? SILENT_MS : START_MS;

	(void)send(p->fd, "?", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (now_ms - p->heard_ms <= patience)
		return;
	log_warn("%s: it has not answered for %lld ms: killing it", p->words,
	    (long long)(now_ms - p->heard_ms));
	(void)kill(p->pid, SIGKILL);
	p->heard_ms = now_ms; /* once */
}

/* ---- all of them ------------------------------------------------------ */

static void reap(struct keeper_process *k, int64_t now_ms)
{
	struct signalfd_siginfo s;
	int status;
	pid_t pid;

	while (read(k->signals, &s, sizeof(s)) == sizeof(s))
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < k->n; i++) {
			if (k->programs[i].pid == pid)
				ended(&k->programs[i], status, now_ms);
		}
	}
}

static void turn(struct keeper_process *k, int64_t now_ms)
{
	const bool late = now_ms - k->turn_ms > LATE_MS;

	k->turn_ms = now_ms;
	for (size_t i = 0; i < k->n; i++) {
		struct program *p = &k->programs[i];

		if (p->pid) {
			hear(p, now_ms);
			if (late)
				p->heard_ms = now_ms;
			ask(p, now_ms);
		} else if (p->again_ms && p->again_ms <= now_ms) {
			start(p, now_ms);
		}
	}
}

static void add(
    struct keeper_process *k, const char *packet, size_t len, int64_t now_ms)
{
	if (k->n == KEEPER_PROGRAMS_MAX || len < 4 || packet[len - 1])
		return;
	struct program *p = &k->programs[k->n++];

	*p = (struct program){ .how = (enum keeper_how)packet[1],
		.words = xmalloc(len - 2),
		.words_len = len - 2,
		.fd = -1,
		.pause_ms = PAUSE_MIN_MS };
	memcpy(p->words, packet + 2, len - 2);
	start(p, now_ms);
}

/* How long there is nothing to be done. */
static int wait_ms(const struct keeper_process *k, int64_t now_ms)
{
	int64_t least = k->n ? ASK_MS : -1;

	for (size_t i = 0; i < k->n; i++) {
		int64_t left = k->programs[i].again_ms - now_ms;

		if (k->programs[i].again_ms && left < least)
			least = left > 0 ? left : 0;
	}
	return (int)least;
}

/* ---- the end ---------------------------------------------------------- */

static bool has_running(const struct keeper_process *k)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->programs[i].pid)
			return true;
	}
	return false;
}

static void signal_all(const struct keeper_process *k, int signum)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->programs[i].pid)
			(void)kill(k->programs[i].pid, signum);
	}
}

/* Those that outlive a registrar that was killed hear of it by their socket. */
static void let_go(struct keeper_process *k)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->programs[i].how == KEEPER_OUTLIVES)
			k->programs[i].pid = 0;
	}
}

static void end_all(struct keeper_process *k)
{
	const int64_t until_ms = clock_mono_ms() + END_MS;
	struct pollfd p = { .fd = k->signals, .events = POLLIN };

	signal_all(k, SIGTERM);
	while (has_running(k)) {
		int64_t left = until_ms - clock_mono_ms();
		int status;
		pid_t pid;

		if (left <= 0)
			signal_all(k, SIGKILL);
		(void)poll(&p, 1, left > 0 ? (int)left : ASK_MS);
		struct signalfd_siginfo s;

		(void)!read(k->signals, &s, sizeof(s));
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			for (size_t i = 0; i < k->n; i++) {
				if (k->programs[i].pid == pid)
					k->programs[i].pid = 0;
			}
		}
	}
}

/* ---- the loop --------------------------------------------------------- */

/* False: it was the last one. */
static bool take_packet(struct keeper_process *k)
{
	scoped_free char *packet = xmalloc(2 + KEEPER_ARGV_MAX);
	ssize_t n = recv(k->fd, packet, 2 + KEEPER_ARGV_MAX, 0);

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0) {
		let_go(k);
		return false;
	}
	if (packet[0] == KEEPER_START)
		add(k, packet, (size_t)n, clock_mono_ms());
	return packet[0] != KEEPER_END;
}

static void run(struct keeper_process *k)
{
	struct pollfd p[2] = { { .fd = k->fd, .events = POLLIN },
		{ .fd = k->signals, .events = POLLIN } };
	bool more = true;

	k->turn_ms = clock_mono_ms();
	while (more) {
		int n = poll(p, 2, wait_ms(k, clock_mono_ms()));

		if (n < 0 && errno != EINTR)
			break;
		if (n > 0 && p[1].revents)
			reap(k, clock_mono_ms());
		if (n > 0 && p[0].revents)
			more = take_packet(k);
		int64_t now_ms = clock_mono_ms();

		if (now_ms - k->turn_ms >= ASK_MS || wait_ms(k, now_ms) == 0)
			turn(k, now_ms);
	}
	end_all(k);
}

void keeper_child(void)
{
	struct keeper_process k = { .fd = HELPER_FD };
	sigset_t child;

	(void)prctl(PR_SET_NAME, "registrar-keep");
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)signal(SIGCHLD, SIG_DFL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &child, NULL);
	k.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	run(&k);
	for (size_t i = 0; i < k.n; i++)
		free(k.programs[i].words);
}
