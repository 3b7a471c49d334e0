// SPDX-License-Identifier: BSD-2-Clause
#include "datagram_support.h"

static struct check_spec udp_spec(int port)
{
	return (struct check_spec){ .name = "udp-1",
		.kind = CHECK_UDP,
		.interval_ms = 1000,
		.timeout_ms = 200,
		.rise = 1,
		.fall = 1,
		.udp = { .to = "",
		    .address = "127.0.0.1",
		    .port = port,
		    .send = { "ping\0\xff", 6 } } };
}

static char long_answer[60001];

// clang-format off
static const struct {
	const char *why;
	const char *answer; /* NULL: it hangs */
	size_t answer_len;
	const char *expect;
	enum udp_silence silence;
	enum verdict verdict;
	const char *detail; /* how it begins */
} cases[] = {
	{ "any answer will do", "pong", 0, NULL, SILENCE_CRITICAL, VERDICT_PASS, "4 octets: pong" },
	{ "the answer matches", "pong 7", 0, "^pong [0-9]$", SILENCE_CRITICAL, VERDICT_PASS, "6 octets: pong 7" },
	{ "it does not", "pang", 0, "^pong", SILENCE_CRITICAL, VERDICT_FAIL, "4 octets that do not match '^pong': pang" },
	{ "garbage is shown harmless", "\x1b[2J\xff", 0, "^pong", SILENCE_CRITICAL, VERDICT_FAIL, "5 octets that do not match '^pong': ?[2J?" },
	{ "what stands behind a NUL counts", "\0\0end", 5, "end$", SILENCE_CRITICAL, VERDICT_PASS, "5 octets" },
	{ "a big one", long_answer, 0, "x$", SILENCE_CRITICAL, VERDICT_PASS, "60000 octets: xxx" },
	{ "silence is a failure", NULL, 0, NULL, SILENCE_CRITICAL, VERDICT_FAIL, "timed out after 200 ms, no answer" },
	{ "unless it is what is expected", NULL, 0, NULL, SILENCE_PASSING, VERDICT_PASS, "sent, nobody objected" },
	{ "even then an answer is fine", "pong", 0, NULL, SILENCE_PASSING, VERDICT_PASS, "4 octets: pong" },
};
// clang-format on

static void answers_are_judged(void **state)
{
	struct loop l;

	(void)state;
	memset(long_answer, 'x', sizeof(long_answer) - 1);
	loop_init(&l);
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		struct datagram_server s = { .answer = cases[n].answer,
			.answer_len = cases[n].answer_len };

		datagram_start(&s, &l);
		struct check_spec spec = udp_spec(s.port);

		spec.udp.expect = cases[n].expect;
		spec.udp.silence = (int)cases[n].silence;
		struct outcome o = probe_once(&l, &spec, NULL);

		if (o.verdict != cases[n].verdict ||
		    strncmp(o.detail, cases[n].detail,
		        strlen(cases[n].detail)) != 0) {
			fail_msg("%s: verdict %d, '%s'", cases[n].why,
			    (int)o.verdict, o.detail);
		}
		assert_int_equal(s.request_len, 6);
		assert_memory_equal(s.request, "ping\0\xff", 6);
		datagram_stop(&s);
	}
	loop_release(&l);
}

static void nobody_has_the_port(void **state)
{
	struct loop l;

	(void)state;
	loop_init(&l);
	for (int silence = 0; silence < 2; silence++) {
		struct datagram_server s = { .answer = NULL };

		datagram_start(&s, &l);
		datagram_stop(&s);
		struct check_spec spec = udp_spec(s.port);

		spec.udp.silence = silence;
		struct outcome o = probe_once(&l, &spec, NULL);

		assert_int_equal(o.verdict, VERDICT_FAIL);
		assert_string_equal(o.detail, "Connection refused");
	}
	loop_release(&l);
}

static void it_speaks_ipv6(void **state)
{
	struct loop l;
	struct datagram_server s = { .answer = "pong", .is_v6 = true };

	(void)state;
	loop_init(&l);
	datagram_start(&s, &l);
	struct check_spec spec = udp_spec(s.port);

	spec.udp.address = "::1";
	assert_int_equal(probe_once(&l, &spec, NULL).verdict, VERDICT_PASS);
	datagram_stop(&s);
	loop_release(&l);
}

/* An answer from another port is not from the one that was asked. */
static size_t answer_from_elsewhere(
    void *arg, char *request, size_t len, size_t room)
{
	const struct datagram_server *s = arg;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)request;
	(void)len;
	(void)room;
	(void)sendto(
	    fd, "pong", 4, 0, (const struct sockaddr *)&s->peer, s->peer_len);
	close(fd);
	return 0;
}

static void others_are_not_heard(void **state)
{
	struct loop l;
	struct datagram_server s = { .reply = answer_from_elsewhere,
		.arg = &s };

	(void)state;
	loop_init(&l);
	datagram_start(&s, &l);
	struct check_spec spec = udp_spec(s.port);
	struct outcome o = probe_once(&l, &spec, NULL);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_string_equal(o.detail, "timed out after 200 ms, no answer");
	datagram_stop(&s);
	loop_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_judged),
		cmocka_unit_test(nobody_has_the_port),
		cmocka_unit_test(it_speaks_ipv6),
		cmocka_unit_test(others_are_not_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
