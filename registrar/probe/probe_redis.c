// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_redis - does a Redis server answer PING? (RESP 2)
 *
 * AUTH, if there is a password, and PING go out together; each is answered
 * by one line. The first that is an error decides.
 */
#include "registrar/lib/password.h"
#include "registrar/net/dial.h"
#include "registrar/probe/probe.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX 1024

struct redis_run {
	int fd;
	struct event *ready;
	char *request;
	size_t request_len, sent;
	unsigned expected; /* answers that are to come */
	size_t len;
	char answer[ANSWER_MAX + 1];
};

/* ---- what is said ----------------------------------------------------- */

/* A bulk string (RESP 2): its length, then whatever octets. */
static char *add_word(char *request, const char *word)
{
	scoped_free char *before = request;

	return xasprintf("%s$%zu\r\n%s\r\n", before, strlen(word), word);
}

static char *make_request(const struct check_redis *check, const char *password)
{
	char *request = xstrdup("");

	if (check->password_file) {
		free(request);
		request = xasprintf("*%d\r\n", check->user ? 3 : 2);
		request = add_word(request, "AUTH");
		if (check->user)
			request = add_word(request, check->user);
		request = add_word(request, password);
	}
	scoped_free char *before = request;

	return xasprintf("%s*1\r\n$4\r\nPING\r\n", before);
}

/* ---- what is answered ------------------------------------------------- */

/* A whole line, without its end. True: more lines are to come. */
static bool judge_line(struct probe *p, const char *line)
{
	struct redis_run *run = p->run;

	if (strncmp(line, "-LOADING", 8) == 0) {
		probe_done(p, VERDICT_WARN, line + 1);
	} else if (*line == '-') {
		probe_done(p, VERDICT_FAIL, line + 1);
	} else if (--run->expected && strcmp(line, "+OK") == 0) {
		return true;
	} else if (!run->expected && strcmp(line, "+PONG") == 0) {
		probe_done(p, VERDICT_PASS, "PONG");
	} else {
		probe_done_fmt(
		    p, VERDICT_FAIL, "the answer is not Redis': %.200s", line);
	}
	return false;
}

static void take_lines(struct probe *p)
{
	struct redis_run *run = p->run;
	char *end;

	run->answer[run->len] = '\0';
	while ((end = memchr(run->answer, '\n', run->len))) {
		size_t used = (size_t)(end - run->answer) + 1;

		*end = '\0';
		if (end > run->answer && end[-1] == '\r')
			end[-1] = '\0';
		if (!judge_line(p, run->answer))
			return;
		run->len -= used;
		memmove(run->answer, run->answer + used, run->len + 1);
	}
	if (run->len == ANSWER_MAX) {
		probe_done_fmt(p, VERDICT_FAIL,
		    "the answer is not Redis': %.200s", run->answer);
	}
}

/* ---- one run ---------------------------------------------------------- */

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;
	struct redis_run *run = p->run;
	ssize_t n = recv(fd, run->answer + run->len, ANSWER_MAX - run->len, 0);

	(void)what;
	if (n > 0) {
		run->len += (size_t)n;
		take_lines(p);
	} else if (n == 0) {
		probe_done(
		    p, VERDICT_FAIL, "closed before the answer was complete");
	} else if (errno != EAGAIN && errno != EINTR) {
		probe_done_error(p, -errno, strerror(errno));
	}
}

static void wait_for(struct probe *p, short what, event_callback_fn on_ready)
{
	struct redis_run *run = p->run;

	if (run->ready)
		event_free(run->ready);
	run->ready = event_new(
	    p->prober->base, run->fd, (short)(what | EV_PERSIST), on_ready, p);
	if (!run->ready || event_add(run->ready, NULL) < 0)
		abort(); /* out of memory */
}

/* Connected, or not; or there is room for the rest of the request. */
static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;
	struct redis_run *run = p->run;
	int r = dial_result(fd);
	ssize_t n = 0;

	(void)what;
	if (r == 0) {
		n = send(fd, run->request + run->sent,
		    run->request_len - run->sent, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			r = -errno;
	}
	if (r < 0) {
		probe_done_error(p, r, strerror(-r));
		return;
	}
	run->sent += n > 0 ? (size_t)n : 0;
	if (run->sent == run->request_len)
		wait_for(p, EV_READ, on_readable);
}

static void redis_files(const struct probe *p, struct fetch *f)
{
	if (p->spec->redis.password_file)
		fetch_add(f, p->spec->redis.password_file);
}

static void redis_start(struct probe *p)
{
	const struct check_redis *check = &p->spec->redis;
	char password[PASSWORD_MAX];
	struct diag why;

	int r = password_take(p->fetch, check->password_file, password, &why);

	if (r < 0) {
		probe_done_error(p, r, why.text);
		return;
	}
	int fd = net_fd(
	    &p->prober->net, dial(check->address, check->port, SOCK_STREAM));

	if (fd < 0) {
		explicit_bzero(password, sizeof(password));
		probe_done_error(p, fd, strerror(-fd));
		return;
	}
	struct redis_run *run = xcalloc(1, sizeof(*run));

	run->fd = fd;
	run->request = make_request(check, password);
	run->request_len = strlen(run->request);
	run->expected = check->password_file ? 2 : 1;
	explicit_bzero(password, sizeof(password));
	p->run = run;
	wait_for(p, EV_WRITE, on_writable);
}

static void redis_stop(struct probe *p)
{
	static const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct redis_run *run = p->run;

	if (!run)
		return;
	event_free(run->ready);
	/* nobody waits for anything; see probe_tcp.c */
	(void)setsockopt(run->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(run->fd);
	explicit_bzero(run->request, run->request_len);
	free(run->request);
	free(run);
}

static const char *redis_waiting(const struct probe *p)
{
	const struct redis_run *run = p->run;

	return run->sent ? "no answer" : "connecting";
}

const struct probe_ops probe_redis_ops = {
	.files = redis_files,
	.start = redis_start,
	.stop = redis_stop,
	.waiting = redis_waiting,
};
