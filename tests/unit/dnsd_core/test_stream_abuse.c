// SPDX-License-Identifier: BSD-2-Clause
/*
 * TCP over real sockets: clients that do not behave, and too many of them.
 */
#include "tests/unit/dnsd_core/support_stream.h"

/* ---- those that do not ------------------------------------------------ */

static void test_nonsense(void **state)
{
	static const struct {
		const char *why;
		size_t len;
	} cases[] = {
		{ "an empty message", 0 },
		{ "one octet", 1 },
		{ "a header that lacks an octet", WIRE_HEADER_LEN - 1 },
	};
	static const uint8_t zeros[WIRE_HEADER_LEN];
	struct site *s = site_new(IDLE_LONG_MS, CONNECTIONS);

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		scoped_fd int fd = client_new(s);
		struct script script = { 0 };

		print_message("%s\n", cases[k].why);
		for (uint16_t i = 0; i < 40; i++)
			script_ask(&script, "web.svc.test A", i);
		script_add(&script, zeros, cases[k].len);
		script_ask(&script, "web.svc.test A", 41);
		say(fd, &script);
		for (uint16_t i = 0; i < 40; i++)
			assert_heard(fd, i);
		assert_true(is_closed(fd, PATIENCE_MS));
		script_free(&script);
	}
	site_free(s);
}

/* Answers get no answer, and do not keep a connection open either. */
static void test_responses_are_ignored(void **state)
{
	enum { IDLE_MS = 400 };
	struct site *s = site_new(IDLE_MS, CONNECTIONS);
	scoped_fd int fd = client_new(s);
	int64_t end = clock_mono_ms() + PATIENCE_MS;
	struct script script = { 0 };
	ssize_t n = 1;

	(void)state;
	script_ask(&script, "web.svc.test A", 1);
	script.octets[FRAME_LEN + 2] |= WIRE_QR;
	while (n > 0 && clock_mono_ms() < end) {
		assert_false(is_closed(fd, 0) && n < 0);
		n = send(fd, script.octets, script.len, MSG_NOSIGNAL);
		if (is_closed(fd, 50))
			n = 0;
	}
	assert_int_equal(n, 0);
	assert_true(counted(s, STAT_DROPPED) > 0);
	script_free(&script);
	site_free(s);
}

/* An octet now and then does not count; a whole request does. */
static void test_slow_requests(void **state)
{
	enum { IDLE_MS = 500, STEP_MS = 60 };
	struct site *s = site_new(IDLE_MS, CONNECTIONS);
	scoped_fd int slow = client_new(s), lively = client_new(s);
	int64_t start = clock_mono_ms(), slow_end = 0;
	static const uint8_t octet[] = { 1 };
	uint16_t id = 0;

	(void)state;
	while (clock_mono_ms() - start < 4L * IDLE_MS) {
		ask_one(lively, "web.svc.test A", id);
		assert_heard(lively, id++);
		if (!slow_end) {
			(void)send(slow, octet, 1, MSG_NOSIGNAL);
			if (is_closed(slow, 0))
				slow_end = clock_mono_ms();
		}
		(void)poll(NULL, 0, STEP_MS);
	}
	assert_true(slow_end - start >= IDLE_MS - STEP_MS);
	assert_int_equal(counted(s, STAT_TCP_EXPIRED), 1);
	assert_true(is_closed(lively, PATIENCE_MS));
	site_free(s);
}

/* It is read from no more, others are served, and it is closed. */
static void test_never_reads(void **state)
{
	enum { IDLE_MS = 1500, STUFF_MAX = 64 << 20 };
	struct site *s = site_new(IDLE_MS, CONNECTIONS);
	scoped_fd int greedy = client_new(s);
	int64_t end = clock_mono_ms() + PATIENCE_MS;

	(void)state;
	assert_true(stuff(greedy, STUFF_MAX) < STUFF_MAX);
	/* as many as fit the buffers of the sockets, not all asked for */
	assert_true(counted(s, STAT_TCP_REQUESTS) < 2000);
	scoped_fd int other = client_new(s);
	ask_one(other, "web.svc.test A", 1);
	assert_heard(other, 1);
	while (counted(s, STAT_TCP_EXPIRED) < 1 && clock_mono_ms() < end)
		(void)poll(NULL, 0, 20);
	assert_true(counted(s, STAT_TCP_EXPIRED) >= 1);
	site_free(s);
}

/* One that reads late gets everything that it asked for. */
static void test_reads_late(void **state)
{
	enum { REQUESTS = 400 };
	struct site *s = site_new(IDLE_LONG_MS, CONNECTIONS);
	scoped_fd int fd = client_new(s);
	struct script script = { 0 };

	(void)state;
	for (int i = 0; i < REQUESTS; i++)
		script_ask(&script, "_big._tcp.svc.test SRV", (uint16_t)i);
	say(fd, &script);
	(void)poll(NULL, 0, 200);
	for (int i = 0; i < REQUESTS; i++) {
		struct heard h = { 0 };

		assert_true(hear(fd, &h));
		assert_int_equal(h.id, i);
		assert_int_equal(h.answer_n, BIG_N);
	}
	script_free(&script);
	site_free(s);
}

/* Costly questions of one client do not make another wait for all of them. */
static void test_fairness(void **state)
{
	enum { REQUESTS = 600 };
	struct site *s = site_new(IDLE_LONG_MS, CONNECTIONS);
	scoped_fd int hog = client_new(s), other = client_new(s);
	static uint8_t sink[1 << 16];
	struct script script = { 0 };
	size_t got = 0, answer_len;
	struct heard h = { 0 };

	(void)state;
	ask_one(other, "_big._tcp.svc.test SRV", 1);
	assert_true(hear(other, &h));
	answer_len = h.len;
	for (int i = 0; i < REQUESTS; i++)
		script_ask(&script, "_big._tcp.svc.test SRV", (uint16_t)i);
	say(hog, &script);
	ask_one(other, "web.svc.test A", 2);
	for (;;) {
		struct pollfd p[] = { { hog, POLLIN, 0 },
			{ other, POLLIN, 0 } };

		assert_true(poll(p, 2, PATIENCE_MS) > 0);
		if (p[1].revents)
			break;
		ssize_t n = recv(hog, sink, sizeof(sink), MSG_DONTWAIT);
		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_heard(other, 2);
	assert_true(got < REQUESTS * answer_len / 2);
	script_free(&script);
	site_free(s);
}

/* ---- limits ----------------------------------------------------------- */

static void test_oldest_makes_room(void **state)
{
	enum { MAX = 4 };
	struct site *s = site_new(IDLE_LONG_MS, MAX);
	int fd[MAX + 1];

	(void)state;
	for (int i = 0; i < MAX; i++) {
		fd[i] = client_new(s);
		ask_one(fd[i], "web.svc.test A", (uint16_t)i);
		assert_heard(fd[i], (uint16_t)i);
		(void)poll(NULL, 0, 2);
	}
	ask_one(fd[0], "web.svc.test A", 10); /* now 1 is the oldest */
	assert_heard(fd[0], 10);
	fd[MAX] = client_new(s);
	ask_one(fd[MAX], "web.svc.test A", 11);
	assert_heard(fd[MAX], 11);
	assert_true(is_closed(fd[1], PATIENCE_MS));
	for (int i = 0; i <= MAX; i++) {
		if (i != 1) {
			ask_one(fd[i], "web.svc.test A", (uint16_t)i);
			assert_heard(fd[i], (uint16_t)i);
		}
		close(fd[i]);
	}
	assert_int_equal(counted(s, STAT_TCP_REJECTED), 1);
	site_free(s);
}

/* Milliseconds on CPU of the whole process. */
static int64_t cpu_ms(void)
{
	return clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) / 1000000;
}

static void set_file_limit(rlim_t n)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = n;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* No descriptor for a newcomer: it waits, or another one makes room. */
static void test_out_of_files(void **state)
{
	struct site *s = site_new(IDLE_LONG_MS, CONNECTIONS);
	struct rlimit before;
	int spare = dup(0);

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	scoped_fd int second = -1;
	scoped_fd int first = client_new(s);
	wait_count(s, STAT_TCP_CONNECTIONS, 1);
	ask_one(first, "web.svc.test A", 1);
	assert_heard(first, 1);
	close(spare); /* taken by the client's end of the second */
	set_file_limit((rlim_t)first + 2);
	second = client_new(s);
	ask_one(second, "web.svc.test A", 2);
	assert_heard(second, 2);
	assert_true(is_closed(first, PATIENCE_MS));
	assert_true(counted(s, STAT_ACCEPT_ERRORS) >= 1);
	set_file_limit(before.rlim_cur);
	site_free(s);
}

static void test_no_files_at_all(void **state)
{
	struct site *s = site_new(IDLE_LONG_MS, CONNECTIONS);
	scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = { PATIENCE_MS / 1000, 0 };
	struct rlimit before;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	set_file_limit(3);
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (const void *)&s->door.address.storage,
	                     s->door.address.len),
	    0);
	ask_one(fd, "web.svc.test A", 1);
	wait_count(s, STAT_ACCEPT_ERRORS, 1);
	int64_t cpu = cpu_ms();
	(void)poll(NULL, 0, 500);
	assert_true(cpu_ms() - cpu < 250); /* it does not spin */
	set_file_limit(before.rlim_cur);
	assert_heard(fd, 1);
	site_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_responses_are_ignored),
		cmocka_unit_test(test_slow_requests),
		cmocka_unit_test(test_never_reads),
		cmocka_unit_test(test_reads_late),
		cmocka_unit_test(test_fairness),
		cmocka_unit_test(test_oldest_makes_room),
		cmocka_unit_test(test_out_of_files),
		cmocka_unit_test(test_no_files_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
