// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_tcp - does something accept a connection, and answer?
 *
 * If a connection is all that is wanted, it is closed by a reset: nothing was
 * sent, nobody waits for anything, and thousands of checks a second would
 * otherwise use up the local ports in TIME_WAIT. Our ACK is held back, so the
 * reset comes before the connection is the server's: its kernel has answered,
 * the program is not woken and has nothing to log. That way costs a socket,
 * and an event if the other end is not on this host.
 *
 * Else there is a conversation: send, then read until what came matches.
 * After a handshake alone, or when nothing is expected, there is nothing to
 * read; but a server that asked for our certificate says only now whether it
 * takes it. So we say goodbye and await its word.
 */
#include "registrar/lib/match.h"
#include "registrar/lib/printable.h"
#include "registrar/net/dial.h"
#include "registrar/net/transport.h"
#include "registrar/probe/probe.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX 16384 /* octets that a match is looked for in */

struct tcp_run {
	int fd; /* -1: there is a transport */
	struct event *ready;
	struct transport *transport;
	bool finished; /* as it should */
};

/* ---- a connection is enough ------------------------------------------- */

/* error: 0 or -E.. */
static void judge(struct probe *p, int error)
{
	if (!error) {
		probe_done(p, VERDICT_PASS, "connected");
	} else {
		probe_done_error(p, error, strerror(-error));
	}
}

static void on_connect(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	judge(arg, dial_result(fd));
}

static void connect_only(struct probe *p)
{
	const struct check_tcp *check = &p->spec->tcp;
	int fd;
	int r = dial_tcp(check->address, check->port, true, &fd);

	if (r == -EINPROGRESS && (fd = net_fd(&p->prober->net, fd)) < 0)
		r = fd;
	if (r == 0) {
		dial_reset(fd);
		judge(p, 0);
		return;
	}
	if (r != -EINPROGRESS) {
		judge(p, r);
		return;
	}
	struct tcp_run *run = xcalloc(1, sizeof(*run));

	run->fd = fd;
	p->run = run;
	run->ready = event_new(p->prober->base, fd, EV_WRITE, on_connect, p);
	if (!run->ready || event_add(run->ready, NULL) < 0)
		abort(); /* out of memory */
}

/* ---- a conversation --------------------------------------------------- */

static void pass(struct probe *p, const char *how)
{
	struct tcp_run *run = p->run;

	run->finished = true;
	probe_done(p, VERDICT_PASS, how);
}

/* Nothing is expected but that nobody objects to our certificate. */
static void say_goodbye(struct probe *p)
{
	struct tcp_run *run = p->run;

	if (transport_was_asked(run->transport)) {
		transport_shut(run->transport);
	} else {
		pass(p, p->spec->tcp.send.len ? "sent" : "connected with TLS");
	}
}

static void on_open(void *arg)
{
	struct probe *p = arg;
	const struct check_tcp *check = &p->spec->tcp;
	const struct tcp_run *run = p->run;

	if (check->send.len) {
		(void)bufferevent_write(transport_bufferevent(run->transport),
		    check->send.data, check->send.len);
	} else if (!check->expect) {
		say_goodbye(p);
	}
}

static void on_written(void *arg)
{
	struct probe *p = arg;

	if (!p->spec->tcp.expect)
		say_goodbye(p);
}

/* Without the end of its last line. */
static void show(char *shown, size_t room, const char *answer, size_t len)
{
	while (len && strchr("\r\n", answer[len - 1]))
		len--;
	printable_copy(shown, room, answer, len);
}

/* What came so far; at_end: and no more will. */
static void judge_answer(struct probe *p, bool at_end)
{
	struct tcp_run *run = p->run;
	const char *expect = p->spec->tcp.expect;
	struct evbuffer *in =
	    bufferevent_get_input(transport_bufferevent(run->transport));
	size_t len = evbuffer_get_length(in);
	char shown[256], answer[ANSWER_MAX + 1];

	if (len > ANSWER_MAX)
		len = ANSWER_MAX;
	(void)evbuffer_copyout(in, answer, len);
	answer[len] = '\0';
	int matches = match_regex(expect, answer, len);

	if (!matches && !at_end && len < ANSWER_MAX)
		return;
	show(shown, sizeof(shown), answer, len);
	if (matches == 1) {
		run->finished = true;
		probe_done_fmt(p, VERDICT_PASS, "%zu octets: %s", len, shown);
	} else {
		probe_done_fmt(p, VERDICT_FAIL, "%s%zu octets that %s '%s': %s",
		    at_end ? "closed after " : "", len, match_word(matches),
		    expect, shown);
	}
}

static void on_readable(void *arg)
{
	struct probe *p = arg;
	const struct tcp_run *run = p->run;

	if (p->spec->tcp.expect) {
		judge_answer(p, false);
	} else { /* of no interest */
		struct evbuffer *in = bufferevent_get_input(
		    transport_bufferevent(run->transport));

		(void)evbuffer_drain(in, evbuffer_get_length(in));
	}
}

static void on_ended(void *arg)
{
	struct probe *p = arg;
	const struct tcp_run *run = p->run;
	struct bufferevent *bev = transport_bufferevent(run->transport);

	if (p->spec->tcp.expect) {
		judge_answer(p, true);
	} else if (evbuffer_get_length(bufferevent_get_output(bev))) {
		probe_done(p, VERDICT_FAIL, "closed before all was sent");
	} else {
		pass(p, p->spec->tcp.send.len ? "sent" : "connected with TLS");
	}
}

static void on_failed(void *arg, int error, const char *why)
{
	probe_done_error(arg, error, why);
}

static const struct transport_ops talk_ops = { .open = on_open,
	.readable = on_readable,
	.written = on_written,
	.ended = on_ended,
	.failed = on_failed };

static void talk(struct probe *p)
{
	const struct check_tcp *check = &p->spec->tcp;
	const struct transport_to to = { .address = check->address,
		.port = check->port,
		.tls = &check->tls,
		.speaks_first = check->send.len || check->tls.on };
	struct tcp_run *run = xcalloc(1, sizeof(*run));
	struct diag why;

	run->fd = -1;
	p->run = run;
	int r = transport_open(
	    &p->prober->net, &to, &talk_ops, p, &run->transport, &why);

	if (r < 0)
		probe_done_error(p, r, why.text);
}

/* ---- one run ---------------------------------------------------------- */

static void tcp_files(const struct probe *p, struct fetch *f)
{
	probe_tls_files(p, &p->spec->tcp.tls, f);
}

static void tcp_start(struct probe *p)
{
	const struct check_tcp *check = &p->spec->tcp;

	if (check->send.len || check->expect || check->tls.on) {
		talk(p);
	} else {
		connect_only(p);
	}
}

static void tcp_stop(struct probe *p)
{
	struct tcp_run *run = p->run;

	if (!run)
		return;
	if (run->ready)
		event_free(run->ready);
	if (run->fd >= 0)
		dial_reset(run->fd);
	if (run->finished) {
		transport_close(run->transport);
	} else {
		transport_abort(run->transport);
	}
	free(run);
}

static const char *tcp_waiting(const struct probe *p)
{
	const struct tcp_run *run = p->run;
	struct bufferevent *bev =
	    run->transport ? transport_bufferevent(run->transport) : NULL;

	if (bev && evbuffer_get_length(bufferevent_get_input(bev)))
		return "what came does not match";
	return run->transport ? transport_waiting(run->transport)
	                      : "connecting";
}

const struct probe_ops probe_tcp_ops = {
	.files = tcp_files,
	.start = tcp_start,
	.stop = tcp_stop,
	.waiting = tcp_waiting,
};
