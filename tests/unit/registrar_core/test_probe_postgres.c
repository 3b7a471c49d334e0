// SPDX-License-Identifier: BSD-2-Clause
/* Servers that are none; tests/system/test_kinds.py asks a real one. */
#include "support.h"

static struct check_spec postgres_spec(int port)
{
	return (struct check_spec){ .name = "postgres-1",
		.kind = CHECK_POSTGRES,
		.interval_ms = 1000,
		.timeout_ms = 300,
		.rise = 1,
		.fall = 1,
		.postgres = { .to = "",
		    .address = "127.0.0.1",
		    .port = port,
		    .user = "probe",
		    .database = "db",
		    .sslmode = 1 } }; /* disable */
}

#define TEXT(text) text, sizeof(text) - 1
#define TRUSTED "R\0\0\0\x08\0\0\0\0" /* AuthenticationOk */
#define READY "Z\0\0\0\x05I"
#define STARTING "E\0\0\0\x29SFATAL\0C57P03\0Mwir fangen gerade an\0\0"
#define ENDING                                                                 \
	"E\0\0\0\x37SFATAL\0C57P03\0Mthe database is shutting down soon\0\0"
#define REFUSED "E\0\0\0\x1dSFATAL\0C28P01\0Mno way, \0\0"
/* a notice of 16 MB */
#define ENDLESS "N\x01\0\0\0S"

// clang-format off
static const struct {
	const char *why;
	const char *answer;
	size_t answer_len, filler_len;
	const char *detail; /* how it begins */
	enum manner manner;
	enum verdict verdict;
} cases[] = {
	{ "it starts, in whatever language", TEXT(STARTING), 0,
	  "FATAL:  57P03: wir fangen", SERVER_ANSWERS, VERDICT_WARN },
	{ "it ends", TEXT(ENDING), 0,
	  "FATAL:  57P03: the database is shutting down", SERVER_ANSWERS, VERDICT_FAIL },
	{ "the password is wrong", TEXT(REFUSED), 0,
	  "FATAL:  28P01: no way", SERVER_ANSWERS, VERDICT_FAIL },
	{ "an answer without end", TEXT(TRUSTED ENDLESS), 10000000,
	  "the answer is too long", SERVER_ANSWERS, VERDICT_FAIL },
	{ "garbage", TEXT("HTTP/1.0 400 Bad Request\r\n\r\n"), 0,
	  "expected authentication request", SERVER_ANSWERS, VERDICT_FAIL },
	{ "closed in the middle", TEXT(TRUSTED READY), 0,
	  "server closed the connection", SERVER_ANSWERS, VERDICT_FAIL },
	{ "closed at once", TEXT(""), 0,
	  "", SERVER_CLOSES, VERDICT_FAIL },
	{ "silence", TEXT(""), 0,
	  "timed out after 300 ms, connecting", SERVER_HANGS, VERDICT_FAIL },
	{ "an answer in dribs is late", TEXT(TRUSTED READY), 0,
	  "timed out after 300 ms", SERVER_DRIBBLES, VERDICT_FAIL },
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
			.answer_len = cases[n].answer_len,
			.filler_len = cases[n].filler_len,
			.eager = true };
		int64_t took_ms;

		server_start(&s, &l);
		struct check_spec spec = postgres_spec(s.port);
		struct outcome o = probe_once(&l, &spec, &took_ms);

		if (o.verdict != cases[n].verdict ||
		    strncmp(o.detail, cases[n].detail,
		        strlen(cases[n].detail)) != 0) {
			fail_msg("%s: verdict %d, '%s'", cases[n].why,
			    (int)o.verdict, o.detail);
		}
		assert_true(took_ms < 5000);
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
	struct check_spec spec = postgres_spec(s.port);
	struct outcome o = probe_once(&l, &spec, NULL);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_string_equal(o.detail, "Connection refused");
	/* what cannot be read is no password */
	spec.postgres.password_file = "/nonexistent/password";
	o = probe_once(&l, &spec, NULL);
	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_string_equal(o.detail,
	    "cannot open '/nonexistent/password': No such file or directory");
	loop_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_judged),
		cmocka_unit_test(nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
