// SPDX-License-Identifier: BSD-2-Clause
/*
 * Processes that have just been started, while somebody seeks one: a service
 * that comes back is to be found sooner than the next walk through /proc.
 *
 * Where the kernel lets us (CAP_NET_ADMIN), the process connector reports
 * each exec. Else the number that was given out last is compared fifty times
 * a second, which costs one read, and the numbers in between are looked at.
 * Either way a process is looked at a few times in its first second: a shell
 * becomes a program, a program gives itself a title.
 */
#include "registrar/process/process_impl.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_MS 20
#define FIRST_PAUSE_MS 10
#define LAST_PAUSE_MS 640 /* it is then some 1.3 s old */

/* ---- a few at a time -------------------------------------------------- */

static void walk_soon(struct watcher *w)
{
	w->scan.pause_ms = PROCESS_PAUSE_MIN_MS;
	timer_set(w->timers, &w->scan.next,
	    timers_now(w->timers) + PROCESS_PAUSE_MIN_MS);
}

static void add(struct watcher *w, pid_t pid)
{
	if (w->young_n == YOUNG_MAX) {
		walk_soon(w);
		return;
	}
	w->young[w->young_n++] =
	    (struct young){ .pid = pid, .pause_ms = FIRST_PAUSE_MS };
}

/* Those whose time has come; the old ones leave. */
static void look(struct watcher *w)
{
	int64_t now_ms = timers_now(w->timers);
	unsigned kept = 0;

	for (unsigned n = 0; n < w->young_n; n++) {
		struct young *y = &w->young[n];

		if (y->next_ms <= now_ms) {
			scan_one(w, y->pid);
			y->next_ms = now_ms + y->pause_ms;
			y->pause_ms *= 2;
		}
		if (y->pause_ms / 2 <= LAST_PAUSE_MS)
			w->young[kept++] = *y;
	}
	w->young_n = kept;
}

static void look_and_tell(struct watcher *w)
{
	int64_t start_ns = looker_clock_ns(w->looker);

	look(w);
	int64_t took_ns = looker_clock_ns(w->looker) - start_ns;
	int64_t pause_ms = took_ns * PROCESS_SHARE / 1000000;

	if (pause_ms < TICK_MS)
		pause_ms = TICK_MS;
	if (w->young_n || w->connector < 0) {
		timer_set(w->timers, &w->young_next,
		    timers_now(w->timers) + pause_ms);
	}
	scan_settle_found(w);
}

/* ---- without the connector: which numbers were given out? ------------- */

/* Of our PID namespace; 0: it cannot be read. */
static pid_t read_last_pid(void)
{
	char text[128];
	int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	const char *last = strrchr(text, ' ');

	return last ? (pid_t)strtol(last, NULL, 10) : 0;
}

static void add_new(struct watcher *w)
{
	pid_t last = read_last_pid(), was = w->last_pid;

	w->last_pid = last;
	if (last == was)
		return;
	/* they began anew, or there are too many (threads have numbers too) */
	if (last < was || last - was > YOUNG_MAX) {
		walk_soon(w);
		return;
	}
	for (pid_t pid = was + 1; pid <= last; pid++)
		add(w, pid);
}

static void on_tick(void *arg)
{
	struct watcher *w = arg;

	if (w->connector < 0)
		add_new(w);
	look_and_tell(w);
}

/* ---- with it: cn_proc ------------------------------------------------- */

#define EVENT_AT (NLMSG_HDRLEN + sizeof(struct cn_msg))

/* The kernel reports every fork and exit as well: they do not wake us. */
static void filter_exec(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    EVENT_AT + offsetof(struct proc_event, what)),
		/* loaded as big-endian, which it is not */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		    __builtin_bswap32(PROC_EVENT_EXEC), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(code[0]),
		code };

	(void)setsockopt(
	    fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int connector_say(int fd, enum proc_cn_mcast_op op)
{
	char msg[NLMSG_LENGTH(sizeof(struct cn_msg) + sizeof(op))] = { 0 };
	const struct nlmsghdr head = { .nlmsg_len = sizeof(msg),
		.nlmsg_type = NLMSG_DONE };
	const struct cn_msg body = { .id = { CN_IDX_PROC, CN_VAL_PROC },
		.len = sizeof(op) };

	memcpy(msg, &head, sizeof(head));
	memcpy(msg + NLMSG_HDRLEN, &body, sizeof(body));
	memcpy(msg + EVENT_AT, &op, sizeof(op));
	return send(fd, msg, sizeof(msg), 0) < 0 ? -errno : 0;
}

static void on_started(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct nlmsghdr) char buf[1024];
	struct watcher *w = arg;
	struct proc_event event;
	ssize_t n;

	(void)what;
	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		if ((size_t)n < EVENT_AT + sizeof(event))
			continue;
		memcpy(&event, buf + EVENT_AT, sizeof(event));
		if (event.what == PROC_EVENT_EXEC)
			add(w, event.event_data.exec.process_tgid);
	}
	if (n < 0 && errno == ENOBUFS)
		walk_soon(w); /* some were lost */
	look_and_tell(w);
}

/* -1: it may not be used, which is no error. */
static int connector_open(void)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK,
		.nl_groups = CN_IDX_PROC };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_CONNECTOR);

	if (fd < 0)
		return -1;
	filter_exec(fd);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    connector_say(fd, PROC_CN_MCAST_LISTEN) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void connector_close(struct watcher *w)
{
	if (w->connector < 0)
		return;
	event_free(w->started);
	w->started = NULL;
	(void)connector_say(w->connector, PROC_CN_MCAST_IGNORE);
	close(w->connector);
	w->connector = -1;
}

/* ---- lifetime --------------------------------------------------------- */

void young_watch(struct watcher *w, bool wanted)
{
	if (wanted == w->young_active)
		return;
	w->young_active = wanted;
	w->young_n = 0;
	if (!wanted) {
		connector_close(w);
		timer_cancel(w->timers, &w->young_next);
		return;
	}
	w->connector = w->without_connector ? -1 : connector_open();
	if (w->connector < 0) {
		w->last_pid = read_last_pid();
		timer_set(
		    w->timers, &w->young_next, timers_now(w->timers) + TICK_MS);
		return;
	}
	w->started = event_new(
	    w->base, w->connector, EV_READ | EV_PERSIST, on_started, w);
	if (!w->started || event_add(w->started, NULL) < 0)
		abort(); /* out of memory */
}

void young_init(struct watcher *w)
{
	w->connector = -1;
	timer_init(&w->young_next, on_tick, w);
}

void young_release(struct watcher *w)
{
	young_watch(w, false);
}
