// SPDX-License-Identifier: BSD-2-Clause
/*
 * crowd - many backends for health checks: one listener on each of N
 * consecutive addresses, one port, one thread.
 *
 *	crowd -f 127.16.0.1 -n 10000 -p 8080 [-k KIND] [-b OCTETS]
 *
 *	tcp   takes a connection and closes it
 *	http  answers 200 with a body and closes, unless asked to stay
 *	hang  takes a connection, reads, and never says anything
 *	full  takes nothing: its queue is full, the kernel drops every SYN
 *
 * Prints "ready" when all listen. SIGUSR1: stops listening, so that all that
 * come are refused; SIGUSR2: listens again.
 */
#include "tests/bench/tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BACKLOG = 512,
	EVENTS = 256,
	ANSWER_MAX = 65536,
	REQUEST_MAX = 4096,
	DESCRIPTORS = 1 << 17,
};
enum kind { KIND_TCP, KIND_HTTP, KIND_HANG, KIND_FULL };
static const char *const kinds[] = { "tcp", "http", "hang", "full" };
#define KIND_N (sizeof(kinds) / sizeof(kinds[0]))

struct crowd {
	enum kind kind;
	struct in_addr first;
	unsigned n, port;
	int epoll, signals;
	int listener_max; /* listeners have the descriptors up to this */
	bool closed;
	char answer[ANSWER_MAX];
	size_t answer_len;
};

static void wait_for(const struct crowd *c, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		die("epoll_ctl");
}

static struct sockaddr_in address_of(const struct crowd *c, unsigned at)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)c->port),
		.sin_addr.s_addr = htonl(ntohl(c->first.s_addr) + at) };
}

/* A queue of none holds one: that one is ours. */
static void fill_queue(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		die("connect");
}

static void listen_at(struct crowd *c, unsigned at)
{
	struct sockaddr_in me = address_of(c, at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		die("socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&me, sizeof(me)) < 0 ||
	    listen(fd, c->kind == KIND_FULL ? 0 : BACKLOG) < 0)
		die("bind");
	c->listener_max = fd;
	if (c->kind == KIND_FULL) {
		fill_queue(&me);
	} else {
		wait_for(c, fd);
	}
}

/* ---- one connection ----------------------------------------------------- */

static bool is_whole(const char *request, size_t len)
{
	return len >= 4 && !memcmp(request + len - 4, "\r\n\r\n", 4);
}

/* Requests come in one piece: they are short, and this is loopback. */
static void serve(const struct crowd *c, int fd)
{
	char request[REQUEST_MAX];
	ssize_t n = recv(fd, request, sizeof(request) - 1, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		(void)close(fd);
		return;
	}
	request[n] = '\0';
	if (c->kind != KIND_HTTP || !is_whole(request, (size_t)n))
		return;
	(void)send(fd, c->answer, c->answer_len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (!strstr(request, "keep-alive"))
		(void)close(fd);
}

static void take(const struct crowd *c, int listener)
{
	int fd;

	while ((fd = accept4(
	            listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (c->kind == KIND_TCP) {
			(void)close(fd);
		} else {
			wait_for(c, fd);
		}
	}
}

/* ---- all of them -------------------------------------------------------- */

static void on_signal(struct crowd *c)
{
	struct signalfd_siginfo info;

	if (read(c->signals, &info, sizeof(info)) != sizeof(info))
		die("signalfd");
	bool close_now = info.ssi_signo == SIGUSR1;

	if (close_now == c->closed)
		return;
	c->closed = close_now;
	/* listeners have the numbers right behind that of signals */
	for (unsigned i = 0; i < c->n; i++) {
		int fd = c->signals + 1 + (int)i;

		if (close_now) {
			(void)epoll_ctl(c->epoll, EPOLL_CTL_DEL, fd, NULL);
			(void)shutdown(fd, SHUT_RD);
		} else if (listen(fd, BACKLOG) < 0) {
			die("listen");
		} else {
			wait_for(c, fd);
		}
	}
}

static _Noreturn void run(struct crowd *c)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n = epoll_wait(c->epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == c->signals) {
				on_signal(c);
			} else if (fd <= c->listener_max) {
				take(c, fd);
			} else {
				serve(c, fd);
			}
		}
	}
}

/* Two for each backend, and more than root has by default. */
static void raise_limit(void)
{
	struct rlimit limit = { DESCRIPTORS, DESCRIPTORS };

	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return;
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void start(struct crowd *c)
{
	sigset_t set;

	raise_limit();
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigaddset(&set, SIGUSR2);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	c->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (c->epoll < 0 || c->signals < 0)
		die("epoll");
	wait_for(c, c->signals);
	for (unsigned i = 0; i < c->n; i++)
		listen_at(c, i);
	(void)puts("ready");
	(void)fflush(stdout);
}

static void make_answer(struct crowd *c, unsigned body)
{
	int len = snprintf(c->answer, sizeof(c->answer),
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: %u\r\n\r\n",
	    body);

	memset(c->answer + len, 'x', body);
	c->answer_len = (size_t)len + body;
}

static enum kind kind_of(const char *word)
{
	for (size_t i = 0; i < KIND_N; i++) {
		if (!strcmp(kinds[i], word))
			return (enum kind)i;
	}
	(void)fprintf(stderr,
	    "found kind '%s', expected tcp, http, hang "
	    "or full\n",
	    word);
	exit(2);
}

int main(int argc, char *argv[])
{
	static struct crowd c;
	unsigned body = 200;
	int option;

	while ((option = getopt(argc, argv, "f:n:p:k:b:")) != -1) {
		switch (option) {
		case 'f':
			(void)inet_pton(AF_INET, optarg, &c.first);
			break;
		case 'n':
			c.n = (unsigned)number(optarg);
			break;
		case 'p':
			c.port = (unsigned)number(optarg);
			break;
		case 'k':
			c.kind = kind_of(optarg);
			break;
		case 'b':
			body = (unsigned)number(optarg);
			break;
		default:
			c.n = 0;
			break;
		}
	}
	if (ntohl(c.first.s_addr) >> 24 != 127 || !c.n || !c.port ||
	    c.port > 65535 || body > ANSWER_MAX - 256) {
		(void)fputs("usage: crowd -f 127.X.Y.Z -n BACKENDS -p PORT "
		            "[-k tcp|http|hang|full] [-b OCTETS]\n",
		    stderr);
		return 2;
	}
	make_answer(&c, body);
	start(&c);
	run(&c);
}
