// SPDX-License-Identifier: BSD-2-Clause
/*
 * flow - questions over TCP, pipelined on some connections.
 *
 * Each connection keeps its share of the window under way. Answers are
 * counted by their length prefixes; their order does not matter. Spins, for
 * the reason that flood.c gives.
 */
#include "tests/bench/tool.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CONNECTIONS_MAX = 1000,
	OUT_ROOM = 64 * (QUESTION_MAX + 2),
	IN_ROOM = 128 * 1024,
};

struct connection {
	int fd;
	unsigned under_way;
	size_t out_at, out_len; /* what is not yet written */
	uint8_t out[OUT_ROOM];
	uint8_t head[6]; /* of the answer coming in: length, id, flags */
	unsigned head_len;
	size_t missing; /* octets of that answer */
};

static struct questions questions;
static uint32_t next_question;
static uint64_t answered, strange;
static uint8_t in[IN_ROOM];

static void fill(struct connection *c, unsigned window)
{
	if (c->out_at < c->out_len)
		return;
	c->out_at = c->out_len = 0;
	while (c->under_way < window &&
	       c->out_len + QUESTION_MAX + 2 <= sizeof(c->out)) {
		const struct question *q = &questions.item[next_question];

		c->out[c->out_len++] = (uint8_t)(q->len >> 8);
		c->out[c->out_len++] = (uint8_t)q->len;
		memcpy(c->out + c->out_len, questions.octets + q->at, q->len);
		c->out_len += q->len;
		c->under_way++;
		next_question =
		    next_question + 1 == questions.n ? 0 : next_question + 1;
	}
}

static void write_some(struct connection *c)
{
	if (c->out_at == c->out_len)
		return;
	ssize_t n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at,
	    MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0) {
		c->out_at += (size_t)n;
	} else if (errno != EAGAIN && errno != EINTR) {
		die("send");
	}
}

/* An answer begins: a response, NOERROR or NXDOMAIN, else it is strange. */
static void begin(struct connection *c)
{
	unsigned rcode = c->head[5] & 15u;

	c->missing = (size_t)c->head[0] << 8 | c->head[1];
	c->head_len = 0;
	if (c->missing < 12) {
		(void)fputs("an answer without a header\n", stderr);
		exit(EXIT_FAILURE);
	}
	c->missing -= 4;
	if (!(c->head[4] & 0x80) || (rcode && rcode != 3))
		strange++;
}

static void count(struct connection *c, const uint8_t *p, size_t len)
{
	while (len) {
		size_t n = len < c->missing ? len : c->missing;

		p += n;
		len -= n;
		c->missing -= n;
		if (n && !c->missing) {
			c->under_way--;
			answered++;
		}
		while (len && !c->missing) {
			c->head[c->head_len++] = *p++;
			len--;
			if (c->head_len == sizeof(c->head))
				begin(c);
		}
	}
}

static void read_some(struct connection *c)
{
	ssize_t n = recv(c->fd, in, sizeof(in), MSG_DONTWAIT);

	if (n > 0) {
		count(c, in, (size_t)n);
	} else if (n == 0) {
		(void)fputs("the server closed a connection\n", stderr);
		exit(EXIT_FAILURE);
	} else if (errno != EAGAIN && errno != EINTR) {
		die("recv");
	}
}

static void run_until(
    struct connection *all, unsigned n, unsigned window, uint64_t end)
{
	while (now_ns() < end) {
		for (unsigned i = 0; i < n; i++) {
			read_some(&all[i]);
			/* batches, not dribbles */
			if (all[i].under_way <= window - window / 4)
				fill(&all[i], window);
			write_some(&all[i]);
		}
	}
}

static struct connection *connect_all(const char *server, unsigned n)
{
	struct sockaddr_in to = loopback_address(server);
	struct connection *all = calloc(n, sizeof(*all));
	int on = 1;

	if (!all)
		die("memory");
	for (unsigned i = 0; i < n; i++) {
		all[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (all[i].fd < 0 ||
		    connect(all[i].fd, (struct sockaddr *)&to, sizeof(to)) < 0)
			die("connect");
		(void)setsockopt(
		    all[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	return all;
}

static void measure(struct connection *all, unsigned n, unsigned window,
    double seconds, const char *pids)
{
	run_until(all, n, window, now_ns() + 300000000);
	uint64_t cpu = process_cpu_ns(pids), start = now_ns(), had = answered;
	run_until(all, n, window, start + (uint64_t)(seconds * 1e9));
	double took = (double)(now_ns() - start) / 1e9;
	double done = answered > had ? (double)(answered - had) : 1;

	cpu = process_cpu_ns(pids) - cpu;
	printf("{\"seconds\": %.4f, \"answered\": %.0f, \"rate\": %.0f, "
	       "\"strange\": %llu, \"cpu_us\": %.4f, \"cpu_share\": %.4f}\n",
	    took, done, done / took, (unsigned long long)strange,
	    (double)cpu / 1e3 / done, (double)cpu / 1e9 / took);
}

int main(int argc, char *argv[])
{
	const char *server = NULL, *path = NULL, *pids = "";
	unsigned n = 10, window = 200;
	int edns = 1232, option;
	double seconds = 2;

	while ((option = getopt(argc, argv, "s:q:n:w:l:e:p:o:")) != -1) {
		switch (option) {
		case 's':
			server = optarg;
			break;
		case 'q':
			path = optarg;
			break;
		case 'n':
			n = (unsigned)number(optarg);
			break;
		case 'w':
			window = (unsigned)number(optarg);
			break;
		case 'l':
			seconds = number(optarg);
			break;
		case 'e':
			edns = (int)number(optarg);
			break;
		case 'p':
			pids = optarg;
			break;
		case 'o':
			next_question = (uint32_t)number(optarg);
			break;
		default:
			server = NULL;
			break;
		}
	}
	if (!server || !path || !n || n > CONNECTIONS_MAX || window < n) {
		(void)fputs("usage: flow -s 127.X.Y.Z:PORT -q QUESTIONS "
		            "[-n CONNECTIONS] [-w WINDOW]\n"
		            "            [-l SECS] [-e SIZE] [-p PIDS] "
		            "[-o FIRST]\n",
		    stderr);
		return 2;
	}
	questions_load(&questions, path, edns);
	next_question %= questions.n;
	measure(connect_all(server, n), n, window / n, seconds, pids);
	return 0;
}
