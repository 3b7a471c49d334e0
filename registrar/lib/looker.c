// SPDX-License-Identifier: BSD-2-Clause
/*
 * One request at a time, and its answers are read whole before anything else
 * is done: callbacks may ask the next question.
 */
#include "registrar/lib/looker.h"

#include "registrar/lib/looker_child.h"
#include "schema/base/clock.h"
#include "schema/base/helper.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WHAT_IT_SAYS 65536

/* What is known of a lot of processes. */
struct lot {
	struct looker_request q;
	struct {
		int error;
		char *path; /* NULL: error says why */
	} exe[LOOKER_LOT];
	bool known; /* answers are in */
};

struct looker {
	pid_t pid; /* 0: it has ended */
	int fd;
	struct event *ended;
	struct looker_ops ops;
	/*
	 * It did not answer in time: whatever it says up to the mark is an
	 * answer that nobody waits for any more.
	 */
	bool lost;
	int64_t until_ms; /* it has to say more by then */
	uint8_t mark[LOOKER_MARK];
	size_t marked; /* octets of it that came */
	struct lot lot;
	/* what it said and was not read yet */
	size_t at, len;
	char buf[WHAT_IT_SAYS];
};

/* ---- talking ---------------------------------------------------------- */

static void lose(struct looker *l)
{
	struct looker_request q = { .what = LOOK_MARK };

	l->lost = true;
	l->marked = l->at = l->len = 0;
	if (getrandom(l->mark, sizeof(l->mark), 0) != sizeof(l->mark))
		abort(); /* the kernel always has some */
	for (size_t i = 1; i < sizeof(l->mark); i++)
		l->mark[i] ^= l->mark[i] == l->mark[0]; /* it begins once */
	memcpy(q.mark, l->mark, sizeof(q.mark));
	/* there is room: it takes one question at a time */
	(void)send(l->fd, &q, sizeof(q), MSG_NOSIGNAL | MSG_DONTWAIT);
	l->ops.answers(l->ops.arg, false);
}

/* False: it has ended, or does not answer. */
static bool ask(struct looker *l, const struct looker_request *q)
{
	ssize_t n;

	if (l->lost)
		return false;
	do {
		n = send(l->fd, q, sizeof(*q), MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	l->until_ms = clock_mono_ms() + LOOKER_WAIT_MS;
	return n == sizeof(*q);
}

/* False: nothing came in time. */
static bool wait_for_more(struct looker *l)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	int64_t left_ms = l->until_ms - clock_mono_ms();

	if (poll(&p, 1, left_ms > 0 ? (int)left_ms : 0) != 0)
		return true; /* or it was a signal */
	lose(l);
	return false;
}

/* False: it has ended, or does not answer. */
static bool hear(struct looker *l, void *what, size_t len)
{
	char *to = what;

	while (len) {
		if (l->at == l->len) {
			ssize_t n =
			    recv(l->fd, l->buf, sizeof(l->buf), MSG_DONTWAIT);

			if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
				if (!wait_for_more(l))
					return false;
				continue;
			}
			if (n <= 0)
				return false;
			l->at = 0;
			l->len = (size_t)n;
			l->until_ms = clock_mono_ms() + LOOKER_WAIT_MS;
		}
		size_t part = l->len - l->at < len ? l->len - l->at : len;

		memcpy(to, l->buf + l->at, part);
		l->at += part;
		to += part;
		len -= part;
	}
	return true;
}

/* ---- executables ------------------------------------------------------ */

static int hear_exe(struct looker *l, char *buf, size_t len)
{
	struct looker_exe head;
	char path[PATH_MAX];

	if (!hear(l, &head, sizeof(head)) || head.len >= sizeof(path) ||
	    !hear(l, path, head.len))
		return -EACCES;
	if (head.error)
		return head.error;
	size_t have = head.len < len - 1 ? head.len : len - 1;

	memcpy(buf, path, have);
	buf[have] = '\0';
	return 0;
}

static void empty_lot(struct lot *lot)
{
	for (uint32_t i = 0; i < lot->q.n; i++) {
		free(lot->exe[i].path);
		lot->exe[i].path = NULL;
	}
	lot->q.n = 0;
	lot->known = false;
}

static int ask_for_lot(struct looker *l)
{
	struct lot *lot = &l->lot;
	char path[PATH_MAX];

	lot->q.what = LOOK_EXES;
	if (!ask(l, &lot->q))
		return -EIO;
	for (uint32_t i = 0; i < lot->q.n; i++) {
		int error = hear_exe(l, path, sizeof(path));

		lot->exe[i].error = error;
		if (!error)
			lot->exe[i].path = xstrdup(path);
	}
	lot->known = true;
	return 0;
}

int looker_exe(struct looker *l, pid_t pid, char *buf, size_t len)
{
	struct looker_request q = { .what = LOOK_EXES, .n = 1, .pid = { pid } };

	if (!l)
		return proc_see_exe(pid, buf, len);
	const struct lot *lot = &l->lot;

	for (uint32_t i = 0; i < lot->q.n && lot->known; i++) {
		if (lot->q.pid[i] != pid)
			continue;
		if (lot->exe[i].path)
			(void)stpncpy(buf, lot->exe[i].path, len - 1);
		buf[len - 1] = '\0';
		return lot->exe[i].error;
	}
	return ask(l, &q) ? hear_exe(l, buf, len) : -EACCES;
}

struct walk {
	struct looker *l;
	proc_fn fn;
	void *arg;
	int error;
};

static void end_lot(struct walk *w)
{
	struct lot *lot = &w->l->lot;

	if (lot->q.n && !w->error)
		w->error = ask_for_lot(w->l);
	for (uint32_t i = 0; i < lot->q.n && !w->error; i++)
		w->fn(w->arg, lot->q.pid[i]);
	empty_lot(lot);
}

static void add_to_lot(void *arg, pid_t pid)
{
	struct walk *w = arg;
	struct lot *lot = &w->l->lot;

	lot->q.pid[lot->q.n++] = pid;
	if (lot->q.n == LOOKER_LOT)
		end_lot(w);
}

int looker_each(struct looker *l, proc_fn fn, void *arg)
{
	struct walk w = { .l = l, .fn = fn, .arg = arg };

	if (!l)
		return proc_each(fn, arg);
	int error = proc_each(add_to_lot, &w);

	end_lot(&w);
	return error ? error : w.error;
}

/* ---- sockets ---------------------------------------------------------- */

int looker_sockets(struct looker *l, pid_t pid, socket_fn fn, void *arg)
{
	const struct looker_request q = {
		.what = LOOK_SOCKETS, .n = 1, .pid = { pid }
	};
	struct looker_socket *found = NULL;
	unsigned n = 0, room = 0;

	if (!l)
		return proc_see_sockets(pid, fn, arg);
	bool ok = ask(l, &q);
	struct looker_socket s = { .error = ok ? 1 : -EIO };

	while (s.error > 0) {
		if (!hear(l, &s, sizeof(s)))
			s.error = -EIO;
		if (s.error <= 0)
			break;
		if (n == room) {
			room = room ? 2 * room : 64;
			found = xreallocarray(found, room, sizeof(*found));
		}
		found[n++] = s;
	}
	for (unsigned i = 0; i < n && s.error == 0; i++)
		fn(arg, found[i].fd, found[i].inode);
	free(found);
	return s.error;
}

bool looker_has_socket(struct looker *l, pid_t pid, int fd, uint64_t inode)
{
	const struct looker_request q = {
		.what = LOOK_SOCKET, .fd = fd, .n = 1, .pid = { pid }
	};
	struct looker_socket s;

	if (!l)
		return proc_see_socket(pid, fd) == inode;
	return !ask(l, &q) || !hear(l, &s, sizeof(s)) || s.inode == inode;
}

int64_t looker_clock_ns(const struct looker *l)
{
	int64_t own_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	struct timespec its;
	clockid_t clock;

	if (!l || !l->pid || clock_getcpuclockid(l->pid, &clock) != 0 ||
	    clock_gettime(clock, &its) < 0)
		return own_ns;
	return own_ns + (int64_t)its.tv_sec * 1000000000 + its.tv_nsec;
}

/* ---- life ------------------------------------------------------------- */

/* Up to the mark. */
static void pass_over(struct looker *l)
{
	ssize_t n;
	uint8_t c;

	while (l->marked < sizeof(l->mark) &&
	       (n = recv(l->fd, l->buf, sizeof(l->buf), MSG_DONTWAIT)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			c = (uint8_t)l->buf[i];
			if (l->marked == sizeof(l->mark))
				break; /* nothing was asked since */
			l->marked = c == l->mark[l->marked] ? l->marked + 1
			            : c == l->mark[0]       ? 1
			                                    : 0;
		}
	}
	if (l->marked < sizeof(l->mark))
		return;
	l->lost = false;
	l->ops.answers(l->ops.arg, true);
}

static void on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct looker *l = arg;
	char c;

	(void)what;
	if (l->lost)
		pass_over(l);
	/* between requests it says nothing, so this is its end */
	if (recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN)
		return;
	event_del(l->ended);
	(void)waitpid(l->pid, NULL, 0);
	l->pid = 0;
	l->ops.gone(l->ops.arg);
}

int looker_new(struct event_base *base, const struct looker_ops *ops,
    struct looker **ret_l, struct diag *reterr)
{
	struct looker *l = xcalloc(1, sizeof(*l));
	int error =
	    helper_start(SOCK_STREAM, looker_child, &l->pid, &l->fd, reterr);

	if (error < 0) {
		free(l);
		return error;
	}
	l->ops = *ops;
	l->ended = event_new(base, l->fd, EV_READ | EV_PERSIST, on_ended, l);
	if (!l->ended || event_add(l->ended, NULL) < 0)
		abort(); /* out of memory */
	*ret_l = l;
	return 0;
}

void looker_free(struct looker *l)
{
	if (!l)
		return;
	event_free(l->ended);
	close(l->fd); /* which ends it */
	helper_end(l->pid);
	free(l);
}
