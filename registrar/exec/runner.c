// SPDX-License-Identifier: BSD-2-Clause
/*
 * The registrar's side. A run waits in `queue`, then is one of `active` from
 * its request until the broker says that it has ended: also when nobody
 * wants it any more, for until then it counts against the limit.
 *
 * Nothing here waits: a request that the socket has no room for stays in the
 * queue until it has.
 */
#include "registrar/exec/runner.h"

#include "registrar/exec/runner_broker.h"
#include "registrar/lib/budget.h"
#include "schema/base/helper.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DRAIN_MAX 65536 /* octets of a pipe in one turn of the loop */
#define DRAIN_READS 16

struct run {
	TAILQ_ENTRY(run) link;
	struct runner *runner;
	const struct run_ops *ops; /* NULL: dropped */
	void *arg;
	uint32_t id; /* 0: in the queue */
	bool kill;   /* to be told to the broker */
	int out;
	struct event *readable;
	size_t len;
	char *text; /* RUN_OUTPUT_MAX octets, once it is active */
};

TAILQ_HEAD(run_list, run);

struct runner {
	struct event_base *base;
	pid_t broker; /* 0: it has ended */
	int fd;
	unsigned limit, active_n;
	int fd_max; /* of lib/budget.h */
	uint32_t last_id;
	struct event *readable, *writable;
	struct run_list queue;
	struct run **active;         /* active_n of at most limit */
	struct run_message *message; /* the one being written */
	void (*gone)(void *arg);
	void *arg;
};

/* ---- output ----------------------------------------------------------- */

/*
 * DRAIN_READS at a time: who writes faster than we read would hold the loop.
 * There is more then, so the event comes again, behind all others.
 */
static void drain(struct run *run)
{
	char sink[DRAIN_MAX / DRAIN_READS];
	ssize_t n = 1;

	for (unsigned i = 0; n > 0 && i < DRAIN_READS; i++) {
		size_t room = RUN_OUTPUT_MAX - 1 - run->len;
		char *to = room ? run->text + run->len : sink;

		n = read(run->out, to, room ? room : sizeof(sink));
		if (n > 0 && room)
			run->len += (size_t)n;
	}
	run->text[run->len] = '\0';
	if (n == 0 || (n < 0 && errno != EAGAIN))
		event_del(run->readable); /* the end: nobody writes any more */
}

static void on_output(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	drain(arg);
}

/* ---- life of a run ---------------------------------------------------- */

static void run_free(struct run *run)
{
	if (run->readable)
		event_free(run->readable);
	if (run->out >= 0)
		close(run->out);
	free(run->text);
	free(run);
}

/* It is not in the lists any more. */
static void finish(struct run *run, int status, int error, const char *trouble)
{
	if (run->ops) {
		const struct run_end e = { .status = status,
			.error = error,
			.trouble = trouble,
			.output = run->text ? run->text : "",
			.output_len = run->len };

		run->ops->ended(run->arg, &e);
	}
	run_free(run);
}

static bool has_room(const struct runner *r)
{
	struct pollfd p = { .fd = r->fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

/* 0, or -E...; with fd beside it if that is one. */
static int send_packet(const struct runner *r, void *packet, size_t len, int fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec io = { .iov_base = packet, .iov_len = len };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };

	if (fd >= 0) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(r->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* Both ends of a pipe, or -E... */
static int make_pipe(const struct runner *r, int *ret_out, int *ret_in)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	/* the end that stays is the first, so the lower one */
	int out = budget_take(r->fd_max, pipes[0]);

	if (out < 0) {
		(void)close(pipes[1]);
		return out;
	}
	*ret_out = out;
	*ret_in = pipes[1];
	return 0;
}

/* -E..: what stops it, in words too; 0: the broker has it now. */
static int begin(struct runner *r, struct run *run, const char **ret_trouble)
{
	scoped_fd int out = -1;
	scoped_fd int in = -1;

	run->text = xcalloc(1, RUN_OUTPUT_MAX);
	run->ops->begin(run->arg, r->message);
	r->message->head.id = run->id;
	if (!run_message_finish(r->message)) {
		*ret_trouble = "its arguments and environment are too long";
		return -E2BIG;
	}
	int error = make_pipe(r, &out, &in);

	if (error == 0) {
		(void)fcntl(out, F_SETFL, O_NONBLOCK);
		error = send_packet(r, r->message->buf, r->message->len, in);
	}
	if (error < 0) {
		*ret_trouble = strerror(-error);
		return error;
	}
	run->out = take_fd(&out);
	run->readable =
	    event_new(r->base, run->out, EV_READ | EV_PERSIST, on_output, run);
	if (!run->readable || event_add(run->readable, NULL) < 0)
		abort(); /* out of memory */
	return 0;
}

static void send_kills(struct runner *r)
{
	for (unsigned i = 0; i < r->active_n; i++) {
		struct run *run = r->active[i];
		struct run_header h = { .type = RUN_KILL, .id = run->id };

		if (!run->kill)
			continue;
		run->kill = send_packet(r, &h, sizeof(h), -1) == -EAGAIN;
	}
}

/* As much as the limit and the socket allow; ended() for what cannot be. */
static void pump(struct runner *r)
{
	struct run *run;

	if (!r->broker)
		return;
	send_kills(r);
	while (r->active_n < r->limit && (run = TAILQ_FIRST(&r->queue))) {
		if (!has_room(r)) {
			(void)event_add(r->writable, NULL);
			return;
		}
		TAILQ_REMOVE(&r->queue, run, link);
		run->id = ++r->last_id ? r->last_id : ++r->last_id;
		const char *trouble = NULL;
		int error = begin(r, run, &trouble);

		if (error < 0) {
			finish(run, 0, error, trouble);
		} else {
			r->active[r->active_n++] = run;
		}
	}
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pump(arg);
}

/* ---- what the broker says --------------------------------------------- */

static void end_all(struct runner *r)
{
	static const char why[] = "the process that runs programs has ended";
	struct run *run;

	while (r->active_n)
		finish(r->active[--r->active_n], 0, -ECANCELED, why);
	while ((run = TAILQ_FIRST(&r->queue))) {
		TAILQ_REMOVE(&r->queue, run, link);
		finish(run, 0, -ECANCELED, why);
	}
}

/* It never ends by itself, but it may be killed. */
static void lose_broker(struct runner *r)
{
	event_del(r->readable);
	event_del(r->writable);
	(void)waitpid(r->broker, NULL, 0);
	r->broker = 0;
	end_all(r);
	r->gone(r->arg);
}

static void end_one(struct runner *r, const struct run_header *h)
{
	unsigned i = 0;

	while (i < r->active_n && r->active[i]->id != h->id)
		i++;
	if (i == r->active_n)
		return;
	struct run *run = r->active[i];

	r->active[i] = r->active[--r->active_n];
	drain(run); /* what others may still write does not matter */
	finish(run, h->status, h->error, h->error ? strerror(-h->error) : NULL);
}

static void on_packet(evutil_socket_t fd, short what, void *arg)
{
	struct runner *r = arg;
	struct run_header h;
	ssize_t n;

	(void)what;
	while ((n = recv(fd, &h, sizeof(h), MSG_DONTWAIT)) == sizeof(h))
		end_one(r, &h);
	if (n >= 0 || errno != EAGAIN) {
		lose_broker(r);
	} else {
		pump(r);
	}
}

/* ---- for checks ------------------------------------------------------- */

struct run *runner_ask(struct runner *r, const struct run_ops *ops, void *arg)
{
	struct run *run = xcalloc(1, sizeof(*run));

	run->runner = r;
	run->ops = ops;
	run->arg = arg;
	run->out = -1;
	TAILQ_INSERT_TAIL(&r->queue, run, link);
	/* not from here: the caller does not have it yet */
	event_active(r->writable, EV_WRITE, 0);
	return run;
}

void runner_drop(struct run *run)
{
	struct runner *r = run->runner;

	run->ops = NULL;
	if (!run->id) {
		TAILQ_REMOVE(&r->queue, run, link);
		run_free(run);
		return;
	}
	event_del(run->readable);
	run->kill = true;
	send_kills(r);
	if (run->kill)
		(void)event_add(r->writable, NULL);
}

bool run_end_is_ours(const struct run_end *e)
{
	return e->error == -EAGAIN || e->error == -ECANCELED ||
	       budget_is_short(e->error);
}

const char *run_output(const struct run *run)
{
	return run->text ? run->text : "";
}

/* ---- life ------------------------------------------------------------- */

int runner_new(struct event_base *base, unsigned limit, void (*gone)(void *arg),
    void *arg, struct runner **ret_r, struct diag *reterr)
{
	struct runner *r = xcalloc(1, sizeof(*r));
	int error = helper_start(
	    SOCK_SEQPACKET, runner_broker, &r->broker, &r->fd, reterr);

	if (error < 0) {
		free(r);
		return error;
	}
	r->base = base;
	r->limit = limit > RUNNER_LIMIT_MAX ? RUNNER_LIMIT_MAX : limit;
	r->fd_max = budget_descriptors();
	r->gone = gone;
	r->arg = arg;
	r->message = xmalloc(sizeof(*r->message));
	r->active = xcalloc(r->limit, sizeof(struct run *));
	TAILQ_INIT(&r->queue);
	r->readable =
	    event_new(base, r->fd, EV_READ | EV_PERSIST, on_packet, r);
	r->writable = event_new(base, r->fd, EV_WRITE, on_writable, r);
	if (!r->readable || !r->writable || event_add(r->readable, NULL) < 0)
		abort(); /* out of memory */
	*ret_r = r;
	return 0;
}

void runner_free(struct runner *r)
{
	struct run *run;

	if (!r)
		return;
	event_free(r->readable);
	event_free(r->writable);
	close(r->fd); /* which ends it */
	helper_end(r->broker);
	while (r->active_n)
		run_free(r->active[--r->active_n]);
	while ((run = TAILQ_FIRST(&r->queue))) {
		TAILQ_REMOVE(&r->queue, run, link);
		run_free(run);
	}
	free(r->active);
	free(r->message);
	free(r);
}
