// SPDX-License-Identifier: BSD-2-Clause
/*
 * flood - questions over UDP, cheaper than any server answers them.
 *
 * A client that sleeps is woken by the server's send, and the server pays for
 * it: while measuring CPU time, the client must spin. It must also cost less
 * than the server, else it is the client that is measured: questions of one
 * length go out as one buffer that the kernel cuts (UDP_SEGMENT), answers
 * come in by recvmmsg.
 *
 * Closed loop (-w N questions under way) finds the cost of an answer; open
 * loop (-r RATE, arrivals as in a Poisson process) finds the latency, counted
 * from when a question was due, so that a server that stalls cannot hide it.
 * With -k it counts from the sending to the arrival in the kernel: for when
 * other work shares the client's core. With -y it sleeps between questions.
 */
#include "tests/bench/tool.h"

#include <errno.h>
#include <math.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	LINES = 4,    /* sockets, so that more than one worker has work */
	SLOTS = 2048, /* questions under way on a line, a power of two */
	BATCH = 64,
	ANSWER_ROOM = 4096,
	PACE_NS = 50000,
};

struct slot {
	uint64_t due; /* 0: free */
	uint16_t round;
};

/* One socket. A question's id is its slot and, above, the slot's round. */
struct line {
	int fd;
	unsigned free_n;
	uint16_t free[SLOTS];
	struct slot slot[SLOTS];
};

struct counts {
	uint64_t sent, answered, lost, strange, octets, rcode[16];
	struct histogram latency;
};

struct flood {
	const char *pids;
	int core; /* the server's; -1: not given */
	unsigned window;
	double rate, seconds, warm_up;
	uint64_t timeout_ns;
	bool kernel_time, sleepy;
	struct questions questions;
	uint32_t next; /* question */
	uint64_t random;
	struct counts counts;
	struct line line[LINES];
};

static struct flood flood = { .pids = "",
	.core = -1,
	.window = 128,
	.seconds = 2,
	.warm_up = 0.3,
	.timeout_ns = 1000000000u,
	.random = 88172645463325252u };

/* ---- sending ------------------------------------------------------------ */

struct batch {
	uint8_t octets[QUESTION_LENGTHS_MAX][BATCH * QUESTION_MAX];
	size_t len[QUESTION_LENGTHS_MAX];
};

static void put(struct line *l, struct batch *b, uint64_t due)
{
	struct flood *f = &flood;
	const struct question *q = &f->questions.item[f->next];
	uint16_t i = l->free[--l->free_n];
	struct slot *s = &l->slot[i];
	uint8_t *to = b->octets[q->class] + b->len[q->class];

	s->round++;
	s->due = due;
	memcpy(to, f->questions.octets + q->at, q->len);
	unsigned id = (unsigned)s->round * SLOTS + i;
	to[0] = (uint8_t)(id >> 8);
	to[1] = (uint8_t)id;
	b->len[q->class] += q->len;
	f->next = f->next + 1 == f->questions.n ? 0 : f->next + 1;
}

static void send_all(int fd, struct mmsghdr *m, unsigned n)
{
	for (unsigned done = 0; done < n;) {
		int sent = sendmmsg(fd, m + done, n - done, 0);

		if (sent > 0) {
			done += (unsigned)sent;
		} else if (errno != EAGAIN && errno != EINTR &&
		           errno != ECONNREFUSED && errno != ENOBUFS) {
			die("sendmmsg");
		}
	}
}

static void flush(struct line *l, struct batch *b)
{
	enum { ROOM = CMSG_SPACE(sizeof(uint16_t)) };
	static _Alignas(8) uint8_t control[QUESTION_LENGTHS_MAX][ROOM];
	struct mmsghdr m[QUESTION_LENGTHS_MAX] = { 0 };
	struct iovec iov[QUESTION_LENGTHS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < flood.questions.length_n; i++) {
		struct msghdr *h = &m[n].msg_hdr;

		if (!b->len[i])
			continue;
		iov[n] = (struct iovec){ b->octets[i], b->len[i] };
		h->msg_iov = &iov[n];
		h->msg_iovlen = 1;
		if (b->len[i] > flood.questions.length[i]) {
			h->msg_control = control[n];
			h->msg_controllen = ROOM;
			struct cmsghdr *c = CMSG_FIRSTHDR(h);
			c->cmsg_level = IPPROTO_UDP;
			c->cmsg_type = UDP_SEGMENT;
			c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
			memcpy(CMSG_DATA(c), &flood.questions.length[i],
			    sizeof(uint16_t));
		}
		n++;
		b->len[i] = 0;
	}
	send_all(l->fd, m, n);
}

/* ---- receiving ---------------------------------------------------------- */

struct inbox {
	uint8_t octets[BATCH][ANSWER_ROOM];
	_Alignas(8) char control[BATCH][CMSG_SPACE(sizeof(struct timespec))];
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
};

static struct inbox inbox;

static uint64_t arrival_ns(struct msghdr *h)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	struct timespec t;

	if (!c || c->cmsg_type != SCM_TIMESTAMPNS)
		return wall_ns();
	memcpy(&t, CMSG_DATA(c), sizeof(t));
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void take(struct line *l, const uint8_t *b, size_t len, uint64_t at)
{
	unsigned id = (unsigned)b[0] << 8 | b[1];
	struct slot *s = &l->slot[id % SLOTS];
	struct counts *c = &flood.counts;

	if (len < 12 || !s->due ||
	    (uint16_t)(s->round * SLOTS) != id - id % SLOTS) {
		c->strange++;
		return;
	}
	histogram_add(&c->latency, at > s->due ? at - s->due : 0);
	c->answered++;
	c->octets += len;
	c->rcode[b[3] & 15]++;
	s->due = 0;
	l->free[l->free_n++] = (uint16_t)(id % SLOTS);
}

static unsigned receive(struct line *l)
{
	for (unsigned i = 0; i < BATCH; i++) {
		inbox.iov[i] = (struct iovec){ inbox.octets[i], ANSWER_ROOM };
		inbox.m[i].msg_hdr = (struct msghdr){ .msg_iov = &inbox.iov[i],
			.msg_iovlen = 1 };
		if (flood.kernel_time) {
			inbox.m[i].msg_hdr.msg_control = inbox.control[i];
			inbox.m[i].msg_hdr.msg_controllen =
			    sizeof(inbox.control[i]);
		}
	}
	int n = recvmmsg(l->fd, inbox.m, BATCH, MSG_DONTWAIT, NULL);
	uint64_t now = now_ns();
	for (int i = 0; i < n; i++) {
		take(l, inbox.octets[i], inbox.m[i].msg_len,
		    flood.kernel_time ? arrival_ns(&inbox.m[i].msg_hdr) : now);
	}
	return n > 0 ? (unsigned)n : 0;
}

/* Questions without an answer for long are lost; their slots free again. */
static void give_up(uint64_t now)
{
	for (unsigned k = 0; k < LINES; k++) {
		struct line *l = &flood.line[k];

		for (unsigned i = 0; i < SLOTS; i++) {
			struct slot *s = &l->slot[i];

			if (!s->due || s->due + flood.timeout_ns > now)
				continue;
			s->due = 0;
			l->free[l->free_n++] = (uint16_t)i;
			flood.counts.lost++;
		}
	}
}

/* ---- the two loops ------------------------------------------------------ */

static void closed_turn(struct batch *b)
{
	unsigned window = flood.window / LINES;
	unsigned least = 1 + (window < BATCH ? window : BATCH) / 4;

	for (unsigned k = 0; k < LINES; k++) {
		struct line *l = &flood.line[k];

		(void)receive(l);
		/* batches, not dribbles */
		unsigned n = l->free_n - (SLOTS - window);
		if (l->free_n < SLOTS - window || n < least || !n)
			continue;
		uint64_t now = now_ns();
		for (unsigned i = 0; i < n && i < BATCH; i++) {
			put(l, b, now);
			flood.counts.sent++;
		}
		flush(l, b);
	}
}

static uint64_t open_turn(struct batch *b, uint64_t due)
{
	static unsigned turn;
	struct line *l = &flood.line[turn++ % LINES];
	uint64_t now = now_ns();
	unsigned n = 0;

	for (; due <= now && n < BATCH; n++) {
		flood.counts.sent++;
		if (l->free_n) {
			put(l, b, flood.kernel_time ? wall_ns() : due);
		} else {
			flood.counts.lost++;
		}
		due += (uint64_t)(-log(random_share(&flood.random)) * 1e9 /
		                  flood.rate);
	}
	if (n)
		flush(l, b);
	for (unsigned k = 0; k < LINES; k++)
		(void)receive(&flood.line[k]);
	if (flood.sleepy && due > now)
		sleep_until_ns(due > now + PACE_NS ? due : now + PACE_NS);
	return due;
}

static void run_until(uint64_t end)
{
	static struct batch batch;
	uint64_t due = now_ns(), tidy = due;

	for (uint64_t now; (now = now_ns()) < end;) {
		if (flood.rate > 0) {
			due = open_turn(&batch, due);
		} else {
			closed_turn(&batch);
		}
		if (now < tidy)
			continue;
		give_up(flood.kernel_time ? wall_ns() : now);
		tidy = now + 20000000;
	}
}

/* What is still under way at the end of an open loop may yet come. */
static void receive_until(uint64_t end)
{
	while (now_ns() < end) {
		for (unsigned k = 0; k < LINES; k++)
			(void)receive(&flood.line[k]);
	}
}

/* ---- start and report --------------------------------------------------- */

static void report(double seconds, uint64_t cpu_ns, uint64_t busy_ns)
{
	const struct counts *c = &flood.counts;
	double n = c->answered ? (double)c->answered : 1;
	double others = (double)busy_ns - (double)cpu_ns;

	printf("{\"seconds\": %.4f, \"sent\": %llu, \"answered\": %llu, "
	       "\"lost\": %llu, \"strange\": %llu, \"rate\": %.0f, "
	       "\"cpu_us\": %.4f, \"cpu_share\": %.4f, \"others\": %.4f, "
	       "\"octets\": %.1f, \"noerror\": %llu, \"nxdomain\": %llu, "
	       "\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, "
	       "\"p999_us\": %.1f, \"max_us\": %.1f}\n",
	    seconds, (unsigned long long)c->sent,
	    (unsigned long long)c->answered, (unsigned long long)c->lost,
	    (unsigned long long)c->strange, n / seconds,
	    (double)cpu_ns / 1e3 / n, (double)cpu_ns / 1e9 / seconds,
	    others > 0 ? others / 1e9 / seconds : 0, (double)c->octets / n,
	    (unsigned long long)c->rcode[0], (unsigned long long)c->rcode[3],
	    histogram_at(&c->latency, 0.5) / 1e3,
	    histogram_at(&c->latency, 0.9) / 1e3,
	    histogram_at(&c->latency, 0.99) / 1e3,
	    histogram_at(&c->latency, 0.999) / 1e3,
	    (double)c->latency.max / 1e3);
}

static void open_lines(const struct sockaddr_in *to)
{
	int on = 1;

	for (unsigned k = 0; k < LINES; k++) {
		struct line *l = &flood.line[k];

		l->fd = loopback_socket(to);
		if (flood.kernel_time) {
			(void)setsockopt(
			    l->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
		}
		for (unsigned i = 0; i < SLOTS; i++)
			l->free[l->free_n++] = (uint16_t)i;
	}
}

static void measure(void)
{
	uint64_t start = now_ns();

	run_until(start + (uint64_t)(flood.warm_up * 1e9));
	flood.counts = (struct counts){ 0 };
	uint64_t cpu = process_cpu_ns(flood.pids);
	uint64_t busy = flood.core < 0 ? 0 : core_busy_ns(flood.core);
	start = now_ns();
	run_until(start + (uint64_t)(flood.seconds * 1e9));
	uint64_t end = now_ns();
	cpu = process_cpu_ns(flood.pids) - cpu;
	busy = flood.core < 0 ? cpu : core_busy_ns(flood.core) - busy;
	if (flood.rate > 0) {
		receive_until(end + 100000000);
		give_up(UINT64_MAX);
	}
	report((double)(end - start) / 1e9, cpu, busy);
}

static const char usage[] =
    "usage: flood -s 127.X.Y.Z:PORT -q QUESTIONS [options]\n"
    "  -w N     closed loop with N questions under way (128)\n"
    "  -r RATE  open loop instead, questions a second\n"
    "  -l SECS  how long to measure (2)      -W SECS  warm-up (0.3)\n"
    "  -e SIZE  EDNS size offered, 0: none (1232)\n"
    "  -p PIDS  processes of the server, to read their CPU time\n"
    "  -c CORE  the server's, to see what others use of it\n"
    "  -o N     start with that question\n"
    "  -d       with RD, as stub resolvers ask\n"
    "  -k       latency by the kernel's clock of arrival\n"
    "  -y       open loop: sleep instead of spinning\n";

// NOLINTNEXTLINE(readability-function-size): one line for each option
int main(int argc, char *argv[])
{
	const char *server = NULL, *path = NULL;
	int edns = 1232, option;
	bool recursive = false;
	uint32_t first = 0;

	while ((option = getopt(argc, argv, "s:q:w:r:l:W:e:p:c:o:dky")) != -1) {
		switch (option) {
		case 's':
			server = optarg;
			break;
		case 'q':
			path = optarg;
			break;
		case 'w':
			flood.window = (unsigned)number(optarg);
			break;
		case 'r':
			flood.rate = number(optarg);
			break;
		case 'l':
			flood.seconds = number(optarg);
			break;
		case 'W':
			flood.warm_up = number(optarg);
			break;
		case 'e':
			edns = (int)number(optarg);
			break;
		case 'p':
			flood.pids = optarg;
			break;
		case 'c':
			flood.core = (int)number(optarg);
			break;
		case 'o':
			first = (uint32_t)number(optarg);
			break;
		case 'd':
			recursive = true;
			break;
		case 'k':
			flood.kernel_time = true;
			break;
		case 'y':
			flood.sleepy = true;
			break;
		default:
			server = NULL;
			break;
		}
	}
	if (!server || !path || flood.window < LINES ||
	    flood.window > LINES * SLOTS) {
		(void)fputs(usage, stderr);
		return 2;
	}
	struct sockaddr_in to = loopback_address(server);
	questions_load(&flood.questions, path, edns);
	for (uint32_t i = 0; recursive && i < flood.questions.n; i++)
		flood.questions.octets[flood.questions.item[i].at + 2] = 1;
	flood.next = first % flood.questions.n;
	flood.random += first;
	open_lines(&to);
	measure();
	return 0;
}
