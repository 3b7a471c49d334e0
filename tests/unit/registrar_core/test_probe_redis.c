// SPDX-License-Identifier: BSD-2-Clause
/* Canned answers; tests/system/test_kinds.py asks a real server. */
#include "support.h"

static char password_path[] = "/tmp/rollcall-redis-XXXXXX";

static struct check_spec redis_spec(int port)
{
	return (struct check_spec){ .name = "redis-1",
		.kind = CHECK_REDIS,
		.interval_ms = 1000,
		.timeout_ms = 300,
		.rise = 1,
		.fall = 1,
		.redis = { .to = "", .address = "127.0.0.1", .port = port } };
}

#define PING "*1\r\n$4\r\nPING\r\n"

// clang-format off
static const struct {
	const char *why;
	const char *answer;
	size_t filler_len;
	const char *user;
	const char *detail; /* how it begins */
	enum manner manner;
	enum verdict verdict;
	bool password;
} cases[] = {
	{ "PONG", "+PONG\r\n", 0, NULL, "PONG", SERVER_ANSWERS, VERDICT_PASS, false },
	{ "after OK for the password", "+OK\r\n+PONG\r\n", 0, NULL, "PONG", SERVER_ANSWERS, VERDICT_PASS, true },
	{ "and the user", "+OK\r\n+PONG\r\n", 0, "probe", "PONG", SERVER_ANSWERS, VERDICT_PASS, true },
	{ "PONG alone is no OK", "+PONG\r\n+PONG\r\n", 0, NULL, "the answer is not Redis': +PONG", SERVER_ANSWERS, VERDICT_FAIL, true },
	{ "OK alone is no PONG", "+OK\r\n", 0, NULL, "the answer is not Redis': +OK", SERVER_ANSWERS, VERDICT_FAIL, false },
	{ "the password is wrong", "-WRONGPASS no\r\n-NOAUTH no\r\n", 0, NULL, "WRONGPASS no", SERVER_ANSWERS, VERDICT_FAIL, true },
	{ "one is needed", "-NOAUTH Authentication required.\r\n", 0, NULL, "NOAUTH", SERVER_ANSWERS, VERDICT_FAIL, false },
	{ "it is loading", "-LOADING Redis is loading the dataset in memory\r\n", 0, NULL, "LOADING Redis is", SERVER_ANSWERS, VERDICT_WARN, false },
	{ "after OK too", "+OK\r\n-LOADING later\r\n", 0, NULL, "LOADING later", SERVER_ANSWERS, VERDICT_WARN, true },
	{ "garbage", "\x16\x03\x01\n", 0, NULL, "the answer is not Redis': ???", SERVER_ANSWERS, VERDICT_FAIL, false },
	{ "10 MB without a line end", "+PONG", 10000000, NULL, "the answer is not Redis': +PONGxxx", SERVER_ANSWERS, VERDICT_FAIL, false },
	{ "closed in the middle", "+PO", 0, NULL, "closed before", SERVER_ANSWERS, VERDICT_FAIL, false },
	{ "closed at once", "", 0, NULL, "", SERVER_CLOSES, VERDICT_FAIL, false },
	{ "silence", "", 0, NULL, "timed out after 300 ms, no answer", SERVER_HANGS, VERDICT_FAIL, false },
	{ "an answer in dribs is late", "+PONG.............\r\n", 0, NULL, "timed out after 300 ms", SERVER_DRIBBLES, VERDICT_FAIL, false },
};
// clang-format on

static void answers_are_judged(void **state)
{
	struct loop l;

	(void)state;
	loop_init(&l);
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		struct server s = { .manner = cases[n].manner,
			.answer = cases[n].answer,
			.filler_len = cases[n].filler_len,
			.eager = true };

		server_start(&s, &l);
		struct check_spec spec = redis_spec(s.port);

		spec.redis.user = cases[n].user;
		spec.redis.password_file =
		    cases[n].password ? password_path : NULL;
		struct outcome o = probe_once(&l, &spec, NULL);

		if (o.verdict != cases[n].verdict ||
		    strncmp(o.detail, cases[n].detail,
		        strlen(cases[n].detail)) != 0) {
			fail_msg("%s: verdict %d, '%s'", cases[n].why,
			    (int)o.verdict, o.detail);
		}
		if (s.manner == SERVER_ANSWERS) {
			assert_string_equal(s.request,
			    cases[n].user
			        ? "*3\r\n$4\r\nAUTH\r\n$5\r\nprobe\r\n$6\r\ns "
			          "cret\r\n" PING
			    : cases[n].password
			        ? "*2\r\n$4\r\nAUTH\r\n$6\r\ns cret\r\n" PING
			        : PING);
		}
		server_stop(&s);
	}
	loop_release(&l);
}

static void nobody_listens(void **state)
{
	struct loop l;
	struct server s = { .manner = SERVER_HANGS };

	(void)state;
	loop_init(&l);
	server_start(&s, &l);
	server_stop(&s);
	struct check_spec spec = redis_spec(s.port);
	struct outcome o = probe_once(&l, &spec, NULL);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_string_equal(o.detail, "Connection refused");
	loop_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_judged),
		cmocka_unit_test(nobody_listens),
	};
	int fd = mkstemp(password_path);

	if (fd < 0 || write(fd, "s cret\nmore\n", 12) != 12)
		return 1;
	close(fd);
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	(void)unlink(password_path);
	return r;
}
