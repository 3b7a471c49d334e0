// SPDX-License-Identifier: BSD-2-Clause
/*
 * flips - change instances through SQLite, and see how far answers are behind.
 *
 * One thread writes: each flip sets the health of an instance drawn at random
 * to what it was not; -b of them make one transaction. The other asks for the
 * SOA record: its serial is the revision that every answer is as new as, and
 * the writer knows when it committed the one after it.
 */
#include "tests/bench/sql.h"
#include "tests/bench/tool.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	RING = 1 << 22, /* revisions whose time is remembered */
	INSTANCES = 100000,
	POLL_NS = 200000,
};

struct instance {
	char service[64], name[64];
	bool down;
};

static const char *registry, *zone, *pids = "";
static double rate, seconds = 5;
static unsigned batch = 1;
static sqlite3 *db;
static sqlite3_stmt *begin, *flip, *commit;
static struct instance *instances;
static unsigned instance_n;
static uint64_t random_state = 88172645463325252u;

static atomic_ullong *committed_ns; /* by revision % RING */
static atomic_uint last_revision;   /* committed */
static atomic_bool done;

static int fd;
static struct histogram behind;
static uint8_t question[QUESTION_MAX];
static size_t question_len;

/* ---- the writer --------------------------------------------------------- */

/* Some of all instances, spread over the services. */
static void choose_instances(void)
{
	sqlite3_stmt *st = sql_prepare(db,
	    "WITH n (all_n) AS (SELECT count(*) FROM instance) "
	    "SELECT service, name, health <> 'passing' FROM "
	    "(SELECT *, row_number() OVER () AS at FROM instance "
	    "WHERE zone = ?1), n WHERE all_n <= ?2 OR "
	    "at % (all_n / ?2) = 0 LIMIT ?2");

	instances = calloc(INSTANCES, sizeof(*instances));
	if (!instances)
		die("memory");
	sql_text(st, 1, zone);
	sql_int(st, 2, INSTANCES);
	while (sqlite3_step(st) == SQLITE_ROW) {
		struct instance *i = &instances[instance_n++];

		(void)snprintf(i->service, sizeof(i->service), "%s",
		    (const char *)sqlite3_column_text(st, 0));
		(void)snprintf(i->name, sizeof(i->name), "%s",
		    (const char *)sqlite3_column_text(st, 1));
		i->down = sqlite3_column_int(st, 2);
	}
	sqlite3_finalize(st);
	if (!instance_n)
		die("no instances");
}

static void open_registry(void)
{
	db = sql_open(registry);
	begin = sql_prepare(db, "BEGIN IMMEDIATE");
	commit = sql_prepare(db, "COMMIT");
	flip = sql_prepare(db,
	    "UPDATE instance SET health = ?1, since_wall_ms = ?2 "
	    "WHERE zone = ?3 AND service = ?4 AND name = ?5");
	sql_text(flip, 3, zone);
}

static void write_batch(unsigned n)
{
	sql_run(begin);
	for (unsigned k = 0; k < n; k++) {
		struct instance *i =
		    &instances[random_u64(&random_state) % instance_n];

		i->down = !i->down;
		sql_text(flip, 1, i->down ? "critical" : "passing");
		sql_int(flip, 2, (int64_t)(wall_ns() / 1000000));
		sql_text(flip, 4, i->service);
		sql_text(flip, 5, i->name);
		sql_run(flip);
	}
	sql_run(commit);
	uint32_t revision = atomic_load(&last_revision);
	uint64_t now = now_ns();
	for (unsigned k = 0; k < n; k++)
		atomic_store(&committed_ns[++revision % RING], now);
	atomic_store(&last_revision, revision);
}

static uint64_t write_all(uint64_t end)
{
	uint64_t due = now_ns(), n = 0;

	for (uint64_t now; (now = now_ns()) < end;) {
		if (rate > 0 && now < due) {
			sleep_until_ns(due);
			continue;
		}
		write_batch(batch);
		n += batch;
		if (rate > 0)
			due += (uint64_t)(1e9 * batch / rate);
	}
	return n;
}

/* ---- the one who asks --------------------------------------------------- */

/* The serial: twenty octets before the end of the SOA record's data. */
static bool ask_serial(uint32_t *ret_serial)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t b[1024];
	ssize_t n;

	question[1]++;
	if (send(fd, question, question_len, 0) < 0)
		return false;
	do { /* answers to earlier questions may come late */
		if (poll(&p, 1, 100) <= 0)
			return false;
		n = recv(fd, b, sizeof(b), 0);
	} while (n > 1 && b[1] != question[1]);
	if (n <= (ssize_t)question_len || b[7] != 1)
		return false;
	const uint8_t *r = b + question_len; /* name, a pointer */
	size_t len = (size_t)r[10] << 8 | r[11];
	if (r[0] < 0xc0 || len < 22 || question_len + 12 + len > (size_t)n)
		return false;
	const uint8_t *s = r + 12 + len - 20;
	*ret_serial = (uint32_t)s[0] << 24 | (uint32_t)s[1] << 16 |
	              (uint32_t)s[2] << 8 | s[3];
	return true;
}

static void *watch(void *arg)
{
	uint64_t *max_ns = arg;
	uint32_t serial;

	(void)prctl(PR_SET_TIMERSLACK, 1000ul);
	while (!atomic_load(&done)) {
		uint64_t now = now_ns(), lag = 0;

		if (!ask_serial(&serial))
			continue;
		/* as of the asking: the answer is not older */
		uint32_t last = atomic_load(&last_revision);
		if ((int32_t)(last - serial) > 0)
			lag = atomic_load(&committed_ns[(serial + 1) % RING]);
		lag = lag && now > lag ? now - lag : 0;
		histogram_add(&behind, lag);
		if (lag > *max_ns)
			*max_ns = lag;
		sleep_until_ns(now + POLL_NS);
	}
	return NULL;
}

/* Milliseconds until the last flip is answered; -1: it never was. */
static double settle(void)
{
	uint64_t start = now_ns();
	uint32_t serial;

	while (now_ns() - start < 60000000000u) {
		if (ask_serial(&serial) &&
		    serial == atomic_load(&last_revision))
			return (double)(now_ns() - start) / 1e6;
	}
	return -1;
}

/* ---- start and report --------------------------------------------------- */

static void measure(void)
{
	uint64_t max_ns = 0, cpu = process_cpu_ns(pids), start = now_ns();
	pthread_t watcher;

	if (pthread_create(&watcher, NULL, watch, &max_ns))
		die("thread");
	uint64_t n = write_all(start + (uint64_t)(seconds * 1e9));
	double took = (double)(now_ns() - start) / 1e9;
	cpu = process_cpu_ns(pids) - cpu;
	atomic_store(&done, true);
	pthread_join(watcher, NULL);
	printf("{\"flips\": %llu, \"rate\": %.0f, \"lag_p50_ms\": %.3f, "
	       "\"lag_p99_ms\": %.3f, \"lag_max_ms\": %.3f, "
	       "\"settle_ms\": %.3f, \"cpu_us\": %.2f, \"cpu_share\": %.3f}\n",
	    (unsigned long long)n, (double)n / took,
	    histogram_at(&behind, 0.5) / 1e6, histogram_at(&behind, 0.99) / 1e6,
	    (double)max_ns / 1e6, settle(),
	    (double)cpu / 1e3 / (double)(n ? n : 1), (double)cpu / 1e9 / took);
}

static const char usage[] =
    "usage: flips -s 127.X.Y.Z:PORT -f REGISTRY -z ZONE [options]\n"
    "  -r RATE  flips a second (as many as go)   -b N  in a transaction (1)\n"
    "  -l SECS  (5)    -p PIDS  of dnsd, for its CPU time    -o SEED\n";

int main(int argc, char *argv[])
{
	const char *server = NULL;
	int option;

	while ((option = getopt(argc, argv, "s:f:z:r:b:l:p:o:")) != -1) {
		switch (option) {
		case 's':
			server = optarg;
			break;
		case 'f':
			registry = optarg;
			break;
		case 'z':
			zone = optarg;
			break;
		case 'r':
			rate = number(optarg);
			break;
		case 'b':
			batch = (unsigned)number(optarg);
			break;
		case 'l':
			seconds = number(optarg);
			break;
		case 'p':
			pids = optarg;
			break;
		case 'o':
			random_state += (uint64_t)number(optarg);
			break;
		default:
			server = NULL;
			break;
		}
	}
	if (!server || !registry || !zone || !batch) {
		(void)fputs(usage, stderr);
		return 2;
	}
	committed_ns = calloc(RING, sizeof(*committed_ns));
	if (!committed_ns)
		die("memory");
	struct sockaddr_in to = loopback_address(server);
	fd = loopback_socket(&to);
	question_len = question_put(question, zone, "SOA", 0);
	open_registry();
	choose_instances();
	atomic_store(&last_revision,
	    (uint32_t)sql_number(db, "SELECT max(revision) FROM change"));
	measure();
	return 0;
}
