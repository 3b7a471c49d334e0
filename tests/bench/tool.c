// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bench/tool.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

_Noreturn void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

double number(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0)) {
		(void)fprintf(stderr, "found '%s', expected a number\n", text);
		exit(2);
	}
	return value;
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

void sleep_until_ns(uint64_t at)
{
	struct timespec t = { (time_t)(at / 1000000000u),
		(long)(at % 1000000000u) };

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

uint64_t random_u64(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

double random_share(uint64_t *state)
{
	return ((double)(random_u64(state) >> 11) + 0.5) / 0x1p53;
}

/* ---- latencies ---------------------------------------------------------- */

/* Exact below 64; above, 64 steps from each power of two to the next. */
void histogram_add(struct histogram *h, uint64_t value)
{
	uint64_t bin = value;

	if (value >= HISTOGRAM_STEPS) {
		unsigned shift = 57 - (unsigned)__builtin_clzll(value);

		bin = (uint64_t)shift * HISTOGRAM_STEPS + (value >> shift);
	}
	h->bin[bin < HISTOGRAM_BINS ? bin : HISTOGRAM_BINS - 1]++;
	h->n++;
	h->sum += value;
	if (value > h->max)
		h->max = value;
}

double histogram_at(const struct histogram *h, double share)
{
	double wanted = share * (double)h->n, seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BINS && h->n; i++) {
		unsigned shift = i / HISTOGRAM_STEPS;

		seen += (double)h->bin[i];
		if (seen < wanted || !h->bin[i])
			continue;
		if (shift < 2)
			return i;
		shift--;
		return ((double)(i - shift * HISTOGRAM_STEPS) + 0.5) *
		       (double)(1ull << shift);
	}
	return 0;
}

/* ---- questions ---------------------------------------------------------- */

static int type_number(const char *text)
{
	static const struct {
		const char *text;
		int number;
	} types[] = { { "A", 1 }, { "SOA", 6 }, { "TXT", 16 }, { "AAAA", 28 },
		{ "SRV", 33 } };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strcmp(types[i].text, text))
			return types[i].number;
	}
	return 0;
}

size_t question_put(
    uint8_t out[QUESTION_MAX], const char *name, const char *type, int edns)
{
	int number = type_number(type);
	uint8_t *p = out + 12;

	if (!number || strlen(name) > 250) {
		(void)fprintf(stderr, "cannot ask '%s %s'\n", name, type);
		exit(EXIT_FAILURE);
	}
	memset(out, 0, QUESTION_MAX);
	out[5] = 1;
	while (*name) {
		size_t len = strcspn(name, ".");

		*p++ = (uint8_t)len;
		memcpy(p, name, len);
		p += len;
		name += len + (name[len] == '.');
	}
	p[2] = (uint8_t)number; /* after the root label */
	p[4] = 1;
	p += 5;
	if (edns) {
		out[11] = 1;
		p[2] = 41;
		p[3] = (uint8_t)(edns >> 8);
		p[4] = (uint8_t)edns;
		p += 11;
	}
	return (size_t)(p - out);
}

static uint16_t length_class(struct questions *q, uint16_t len)
{
	for (unsigned i = 0; i < q->length_n; i++) {
		if (q->length[i] == len)
			return (uint16_t)i;
	}
	if (q->length_n == QUESTION_LENGTHS_MAX) {
		(void)fprintf(stderr, "questions of more than %d lengths\n",
		    QUESTION_LENGTHS_MAX);
		exit(EXIT_FAILURE);
	}
	q->length[q->length_n] = len;
	return (uint16_t)q->length_n++;
}

static void *grow(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n, size);
	if (!p)
		die("memory");
	return p;
}

void questions_load(struct questions *ret_q, const char *path, int edns)
{
	struct questions q = { 0 };
	char line[512], name[256], type[16];
	uint8_t message[QUESTION_MAX];
	size_t room = 0, used = 0;
	FILE *f = fopen(path, "re");

	if (!f)
		die(path);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%255s %15s", name, type) != 2)
			continue;
		size_t len = question_put(message, name, type, edns);
		if (q.n == room) {
			room = room ? 2 * room : 4096;
			q.item = grow(q.item, room, sizeof(*q.item));
			q.octets = grow(q.octets, room, QUESTION_MAX);
		}
		memcpy(q.octets + used, message, len);
		q.item[q.n++] = (struct question){ (uint32_t)used,
			(uint16_t)len, length_class(&q, (uint16_t)len) };
		used += len;
	}
	(void)fclose(f);
	if (!q.n) {
		(void)fprintf(stderr, "no questions in %s\n", path);
		exit(EXIT_FAILURE);
	}
	*ret_q = q;
}

/* ---- the server --------------------------------------------------------- */

static bool is_ours(const struct in_addr *address)
{
	uint32_t host = ntohl(address->s_addr);

	return host >> 24 == 127 ||
	       host >> 17 == (198u << 24 | 18u << 16) >> 17;
}

struct sockaddr_in loopback_address(const char *text)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	const char *colon = strrchr(text, ':');
	char host[32] = "";

	if (colon && (size_t)(colon - text) < sizeof(host)) {
		memcpy(host, text, (size_t)(colon - text));
		to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	}
	if (inet_pton(AF_INET, host, &to.sin_addr) != 1 || !to.sin_port ||
	    !is_ours(&to.sin_addr)) {
		(void)fprintf(stderr,
		    "found address '%s', expected "
		    "127.X.Y.Z:PORT or 198.18.X.Y:PORT\n",
		    text);
		exit(EXIT_FAILURE);
	}
	return to;
}

int loopback_socket(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int room = 4 << 20;

	if (fd < 0)
		die("socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		die("connect");
	return fd;
}

static uint64_t thread_cpu_ns(const char *pid, const char *tid)
{
	char path[128], text[128] = "";

	(void)snprintf(
	    path, sizeof(path), "/proc/%s/task/%.32s/schedstat", pid, tid);
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	(void)fclose(f);
	return strtoull(text, NULL, 10);
}

uint64_t process_cpu_ns(const char *pids)
{
	uint64_t sum = 0;
	char pid[16], path[64];

	for (int len; sscanf(pids, "%15[0-9]%n", pid, &len) == 1;) {
		(void)snprintf(path, sizeof(path), "/proc/%s/task", pid);
		DIR *d = opendir(path);

		for (struct dirent *e; d && (e = readdir(d));) {
			if (e->d_name[0] != '.')
				sum += thread_cpu_ns(pid, e->d_name);
		}
		if (d)
			closedir(d);
		pids += len;
		pids += *pids == ',';
	}
	return sum;
}

/* cpuN user nice system idle iowait irq softirq steal: all but two. */
static uint64_t busy_ticks(const char *fields)
{
	uint64_t busy = 0;
	char *end;

	for (unsigned i = 0; i < 8; i++, fields = end) {
		uint64_t ticks = strtoull(fields, &end, 10);

		busy += i == 3 || i == 4 ? 0 : ticks;
	}
	return busy;
}

uint64_t core_busy_ns(int core)
{
	uint64_t ticks = 0;
	char line[512], name[32];
	FILE *f = fopen("/proc/stat", "re");

	int len = snprintf(name, sizeof(name), "cpu%d ", core);
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, (size_t)len))
			ticks = busy_ticks(line + len);
	}
	if (f)
		(void)fclose(f);
	return ticks * (1000000000u / (unsigned long)sysconf(_SC_CLK_TCK));
}
