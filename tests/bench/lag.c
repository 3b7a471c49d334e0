// SPDX-License-Identifier: BSD-2-Clause
/*
 * lag - how long after an event does the answer change?
 *
 * Makes one event after the other and asks until the number of addresses in
 * the answer is what it must be then:
 *
 *	sql	an instance of service `sqlN` becomes critical or passing by a
 *		transaction of its own; counted from before COMMIT
 *	kill	the process in DIR/killN.pid gets SIGKILL
 *	close	the socket that a check connects to, 127.0.0.1:PORT+N, closes;
 *		also counted from when the next check was due: its interval
 *		after the last connection that was made
 *
 * N goes round some targets, so that one comes back while another is taken
 * away. Prints the latencies in microseconds and what a question takes.
 */
#include "tests/bench/sql.h"
#include "tests/bench/tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TARGETS_MAX = 64,
	ANSWER_WAIT_MS = 100,
	LIMIT_MS =
	    15000, /* an answer that has not changed by then never will */
	SLOW_POLL_NS = 1000000,
};

struct target {
	uint8_t question[QUESTION_MAX];
	size_t question_len;
	pid_t pid;             /* kill */
	int fd;                /* close: listening; -1: closed */
	uint64_t connected_ns; /* close: when it was last connected to */
	bool down;             /* sql */
};

struct lag {
	const char *server, *zone, *mode, *registry, *folder;
	unsigned port, target_n, event_n, interval_ms;
	uint64_t pause_ns; /* between questions */
	uint64_t random;
	struct target target[TARGETS_MAX];
	int fd;
	uint16_t id;
	sqlite3_stmt *begin, *flip, *commit;
	uint64_t asked_n, asked_ns; /* for the mean time of a question */
	unsigned unanswered;
};

static struct lag lag = { .target_n = 8,
	.event_n = 500,
	.interval_ms = 100,
	.pause_ns = 20000,
	.random = 88172645463325252u };

/* ---- asking ------------------------------------------------------------- */

/* The number of answers, -1: nothing came. */
static int ask(struct target *t)
{
	uint8_t reply[4096];
	struct pollfd p = { .fd = lag.fd, .events = POLLIN };
	uint64_t start = now_ns();

	lag.id++;
	t->question[0] = (uint8_t)(lag.id >> 8);
	t->question[1] = (uint8_t)lag.id;
	if (send(lag.fd, t->question, t->question_len, 0) < 0)
		return -1;
	while (poll(&p, 1, ANSWER_WAIT_MS) > 0) {
		ssize_t n = recv(lag.fd, reply, sizeof(reply), 0);

		if (n < 12 || memcmp(reply, t->question, 2) != 0)
			continue;
		lag.asked_n++;
		lag.asked_ns += now_ns() - start;
		return reply[6] << 8 | reply[7];
	}
	lag.unanswered++;
	return -1;
}

/* When the answer had that many addresses. */
static uint64_t wait_for(struct target *t, int want, uint64_t pause_ns)
{
	uint64_t limit = now_ns() + LIMIT_MS * 1000000ull;

	while (ask(t) != want) {
		uint64_t now = now_ns();

		if (now > limit) {
			(void)fprintf(stderr,
			    "the answer of target %d never had %d addresses\n",
			    (int)(t - lag.target), want);
			exit(EXIT_FAILURE);
		}
		if (pause_ns)
			sleep_until_ns(now + pause_ns);
	}
	return now_ns();
}

/* ---- sql ---------------------------------------------------------------- */

static void prepare_sql(void)
{
	sqlite3 *db = sql_open(lag.registry);

	lag.begin = sql_prepare(db, "BEGIN IMMEDIATE");
	lag.commit = sql_prepare(db, "COMMIT");
	lag.flip = sql_prepare(db,
	    "UPDATE instance SET health = ?1, since_wall_ms = "
	    "since_wall_ms + 1 WHERE zone = ?2 AND service = ?3 "
	    "AND name = 'i-1'");
}

/* Two instances, or one. */
static int sql_event(struct target *t, uint64_t *ret_start)
{
	char service[32];

	(void)snprintf(
	    service, sizeof(service), "sql%d", (int)(t - lag.target));
	t->down = !t->down;
	sql_run(lag.begin);
	sql_text(lag.flip, 1, t->down ? "critical" : "passing");
	sql_text(lag.flip, 2, lag.zone);
	sql_text(lag.flip, 3, service);
	sql_run(lag.flip);
	*ret_start = now_ns();
	sql_run(lag.commit);
	return t->down ? 1 : 2;
}

/* ---- kill --------------------------------------------------------------- */

static void spawn(struct target *t)
{
	char path[256], part[264];

	t->pid = fork();
	if (t->pid < 0)
		die("fork");
	if (!t->pid) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	(void)snprintf(path, sizeof(path), "%s/kill%d.pid", lag.folder,
	    (int)(t - lag.target));
	(void)snprintf(part, sizeof(part), "%s.part", path);
	FILE *f = fopen(part, "we");
	if (!f || fprintf(f, "%d\n", (int)t->pid) < 0 || fclose(f) != 0 ||
	    rename(part, path) < 0)
		die(path);
}

static int kill_event(struct target *t, uint64_t *ret_start)
{
	*ret_start = now_ns();
	(void)kill(t->pid, SIGKILL);
	return 0;
}

static void kill_undo(struct target *t)
{
	(void)waitpid(t->pid, NULL, 0);
	spawn(t);
}

/* ---- close -------------------------------------------------------------- */

static void listen_again(struct target *t)
{
	struct sockaddr_in me = { .sin_family = AF_INET,
		.sin_port =
		    htons((uint16_t)(lag.port + (unsigned)(t - lag.target))),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	t->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)setsockopt(t->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (t->fd < 0 || bind(t->fd, (struct sockaddr *)&me, sizeof(me)) < 0 ||
	    listen(t->fd, 128) < 0)
		die("listen");
}

static void accept_all(struct target *t)
{
	int fd;

	while (t->fd >= 0 &&
	       (fd = accept4(t->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		t->connected_ns = now_ns();
		close(fd);
	}
}

static int close_event(struct target *t, uint64_t *ret_start)
{
	accept_all(t);
	*ret_start = now_ns();
	close(t->fd);
	t->fd = -1;
	return 0;
}

/* ---- the loop ----------------------------------------------------------- */

/* For some milliseconds; checks are answered meanwhile. */
static void rest(unsigned most_ms)
{
	uint64_t end =
	    now_ns() + random_u64(&lag.random) % (most_ms * 1000000ull);
	struct pollfd p[TARGETS_MAX];

	for (uint64_t now; (now = now_ns()) < end;) {
		for (unsigned i = 0; i < lag.target_n; i++) {
			p[i] = (struct pollfd){ .fd = lag.target[i].fd,
				.events = POLLIN };
		}
		(void)poll(p, lag.target_n, (int)((end - now) / 1000000));
		for (unsigned i = 0; i < lag.target_n; i++)
			accept_all(&lag.target[i]);
	}
}

static void set_up(void)
{
	if (!strcmp(lag.mode, "sql"))
		prepare_sql();
	for (unsigned i = 0; i < lag.target_n; i++) {
		struct target *t = &lag.target[i];
		char name[300];

		(void)snprintf(
		    name, sizeof(name), "%s%u.%s", lag.mode, i, lag.zone);
		t->question_len = question_put(t->question, name, "A", 0);
		t->fd = -1;
		if (!strcmp(lag.mode, "kill")) {
			spawn(t);
		} else if (!strcmp(lag.mode, "close")) {
			listen_again(t);
		}
	}
}

/* Waits until the target is up, takes it away, waits until that shows. */
static void event(struct target *t, double *ret_us, double *ret_over_us)
{
	bool sql = !strcmp(lag.mode, "sql"),
	     closes = !strcmp(lag.mode, "close");
	uint64_t start, end, due;
	int want;

	for (uint64_t give_up = now_ns() + LIMIT_MS * 1000000ull;
	     !sql && ask(t) != 1 && now_ns() < give_up;)
		rest(2);
	rest(closes ? lag.interval_ms : 25);
	want = sql      ? sql_event(t, &start)
	       : closes ? close_event(t, &start)
	                : kill_event(t, &start);
	end = wait_for(t, want, lag.pause_ns);
	due = start;
	if (closes && t->connected_ns + lag.interval_ms * 1000000ull > start)
		due = t->connected_ns + lag.interval_ms * 1000000ull;
	*ret_us = (double)(end - start) / 1e3;
	*ret_over_us = end > due ? (double)(end - due) / 1e3 : 0;
	if (closes) {
		listen_again(t);
	} else if (!sql) {
		kill_undo(t);
	}
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print(const char *name, double *us)
{
	unsigned n = lag.event_n;

	qsort(us, n, sizeof(*us), by_size);
	printf("\"%s\": {\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, "
	       "\"max_us\": %.1f}, ",
	    name, us[n / 2], us[n * 9ull / 10], us[n * 99ull / 100], us[n - 1]);
}

static void report(double *us, double *over_us)
{
	double n = lag.asked_n ? (double)lag.asked_n : 1;

	printf("{\"events\": %u, ", lag.event_n);
	print("event", us);
	print("over", over_us);
	printf("\"question_us\": %.1f, \"unanswered\": %u}\n",
	    (double)lag.asked_ns / 1e3 / n, lag.unanswered);
}

static void end_children(void)
{
	for (unsigned i = 0; i < lag.target_n; i++) {
		if (lag.target[i].pid > 0)
			(void)kill(lag.target[i].pid, SIGKILL);
	}
}

static const char usage[] =
    "usage: lag -s 127.X.Y.Z:PORT -z ZONE -m sql|kill|close [options]\n"
    "  -f FILE  the registry (sql)      -d DIR  of the pid files (kill)\n"
    "  -b PORT  first port (close)      -i MS   interval of checks (close)\n"
    "  -t N     targets (8)             -n N    events (500)\n"
    "  -u US    pause between questions (20)\n";

static bool parse(int argc, char *argv[])
{
	int option;

	while ((option = getopt(argc, argv, "s:z:m:f:d:b:i:t:n:u:")) != -1) {
		switch (option) {
		case 's':
			lag.server = optarg;
			break;
		case 'z':
			lag.zone = optarg;
			break;
		case 'm':
			lag.mode = optarg;
			break;
		case 'f':
			lag.registry = optarg;
			break;
		case 'd':
			lag.folder = optarg;
			break;
		case 'b':
			lag.port = (unsigned)number(optarg);
			break;
		case 'i':
			lag.interval_ms = (unsigned)number(optarg);
			break;
		case 't':
			lag.target_n = (unsigned)number(optarg);
			break;
		case 'n':
			lag.event_n = (unsigned)number(optarg);
			break;
		case 'u':
			lag.pause_ns = (uint64_t)number(optarg) * 1000;
			break;
		default:
			return false;
		}
	}
	return lag.server && lag.zone && lag.mode && lag.event_n &&
	       lag.target_n && lag.target_n <= TARGETS_MAX;
}

int main(int argc, char *argv[])
{
	if (!parse(argc, argv)) {
		(void)fputs(usage, stderr);
		return 2;
	}
	double *us = calloc(lag.event_n, sizeof(*us));
	double *over_us = calloc(lag.event_n, sizeof(*over_us));
	if (!us || !over_us)
		die("memory");
	struct sockaddr_in to = loopback_address(lag.server);
	lag.fd = loopback_socket(&to);
	(void)prctl(PR_SET_TIMERSLACK, 1000ul);
	(void)atexit(end_children);
	set_up();
	for (unsigned i = 0; i < lag.event_n; i++)
		event(&lag.target[i % lag.target_n], &us[i], &over_us[i]);
	report(us, over_us);
	free(us);
	free(over_us);
	return 0;
}
