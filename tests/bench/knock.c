// SPDX-License-Identifier: BSD-2-Clause
/*
 * knock - what a check costs at least: the system calls for it and nothing
 * else, no timers, no events, no answer understood. The floor for checks, as
 * floor.c is for questions.
 *
 *	knock -f 127.16.0.1 -n 2000 -p 8080 [-k KIND] [-l SECS]
 *
 *	tcp   socket, connect, close by a reset
 *	syn   the same without the ACK: the server never sees a connection
 *	http  socket, connect, a request, an answer, close
 */
#include "tests/bench/tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, ANSWER_MAX = 65536 };

static const struct sockaddr *target(
    struct sockaddr_in *to, struct in_addr first, unsigned at)
{
	to->sin_addr.s_addr = htonl(ntohl(first.s_addr) + at);
	return (const struct sockaddr *)to;
}

static bool say(int fd, const char *address)
{
	char text[256];
	int len = snprintf(text, sizeof(text),
	    "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", address);

	return send(fd, text, (size_t)len, MSG_NOSIGNAL) == len;
}

/* In batches, so that answers are there when they are asked for. */
static unsigned round_of(struct sockaddr_in *to, struct in_addr first,
    unsigned at, unsigned n, const char *kind)
{
	static const struct linger reset = { 1, 0 };
	char answer[ANSWER_MAX];
	bool http = !strcmp(kind, "http"), syn = !strcmp(kind, "syn");
	int fds[BATCH], off = 0;
	unsigned good = 0;

	for (unsigned i = 0; i < BATCH; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fds[i] < 0)
			die("socket");
		if (!http) {
			(void)setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &reset,
			    sizeof(reset));
		}
		if (syn) {
			(void)setsockopt(fds[i], IPPROTO_TCP, TCP_QUICKACK,
			    &off, sizeof(off));
		}
		if (connect(fds[i], target(to, first, (at + i) % n),
		        sizeof(*to)) < 0)
			die("connect");
		if (http && !say(fds[i], "127.0.0.1"))
			die("send");
		good += !http;
		if (!http)
			(void)close(fds[i]);
	}
	for (unsigned i = 0; http && i < BATCH; i++) {
		good += recv(fds[i], answer, sizeof(answer), 0) > 0;
		(void)close(fds[i]);
	}
	return good;
}

static double cpu_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char *argv[])
{
	const char *kind = "tcp";
	struct in_addr first = { 0 };
	unsigned n = 0, port = 0;
	double secs = 1;
	int option;

	while ((option = getopt(argc, argv, "f:n:p:k:l:")) != -1) {
		switch (option) {
		case 'f':
			(void)inet_pton(AF_INET, optarg, &first);
			break;
		case 'n':
			n = (unsigned)number(optarg);
			break;
		case 'p':
			port = (unsigned)number(optarg);
			break;
		case 'k':
			kind = optarg;
			break;
		case 'l':
			secs = number(optarg);
			break;
		default:
			n = 0;
			break;
		}
	}
	if (ntohl(first.s_addr) >> 24 != 127 || !n || !port || port > 65535) {
		(void)fputs("usage: knock -f 127.X.Y.Z -n BACKENDS -p PORT "
		            "[-k tcp|syn|http] [-l SECS]\n",
		    stderr);
		return 2;
	}
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	uint64_t end = now_ns() + (uint64_t)(secs * 1e9), start = now_ns();
	double before = cpu_us(), done = 0, good = 0;

	for (unsigned at = 0; now_ns() < end; at = (at + BATCH) % n) {
		good += round_of(&to, first, at, n, kind);
		done += BATCH;
	}
	printf("{\"done\": %.0f, \"good\": %.0f, \"rate\": %.0f, "
	       "\"cpu_us\": %.3f}\n",
	    done, good, done * 1e9 / (double)(now_ns() - start),
	    (cpu_us() - before) / done);
	return 0;
}
