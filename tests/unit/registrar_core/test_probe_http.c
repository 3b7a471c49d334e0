// SPDX-License-Identifier: BSD-2-Clause
#include "support.h"

static const struct check_range ok_range = { 200, 299 };
static const struct check_range warn_range = { 429, 429 };

static struct check_spec http_spec(int port)
{
	return (struct check_spec){ .name = "http-1",
		.kind = CHECK_HTTP,
		.interval_ms = 1000,
		.timeout_ms = 400,
		.rise = 1,
		.fall = 1,
		.http = { .url = "",
		    .address = "127.0.0.1",
		    .port = port,
		    .host = "payment.example:8080",
		    .target = "/healthz?deep=1",
		    .method = "GET",
		    .status = { &ok_range, 1 },
		    .warn_status = { &warn_range, 1 } } };
}

#define OK "HTTP/1.1 200 OK\r\n"
#define LEN(n) "Content-Length: " #n "\r\n\r\n"

// clang-format off
static const struct {
	const char *why;
	enum manner manner;
	enum verdict verdict;
	const char *answer;
	const char *body;   /* to match, or NULL */
	const char *detail; /* how it begins */
	size_t filler_len;
} cases[] = {
	{ "2xx passes", SERVER_ANSWERS, VERDICT_PASS,
	  OK LEN(2) "hi", NULL, "200 OK", 0 },
	{ "so does 204 without a body", SERVER_ANSWERS, VERDICT_PASS,
	  "HTTP/1.1 204 No Content\r\n\r\n", NULL, "204 No Content", 0 },
	{ "429 warns", SERVER_ANSWERS, VERDICT_WARN,
	  "HTTP/1.1 429 Slow Down\r\n" LEN(0), NULL, "429 Slow Down", 0 },
	{ "503 fails and shows why", SERVER_ANSWERS, VERDICT_FAIL,
	  "HTTP/1.1 503 Service Unavailable\r\n" LEN(7) "no disk", NULL,
	  "503 Service Unavailable: no disk", 0 },
	{ "a redirect is no success and is not followed", SERVER_ANSWERS, VERDICT_FAIL,
	  "HTTP/1.1 302 Found\r\nLocation: /\r\n" LEN(0), NULL, "302 Found", 0 },
	{ "the body matches", SERVER_ANSWERS, VERDICT_PASS,
	  OK LEN(12) "status: good", "status: (good|fine)", "200 OK", 0 },
	{ "it does not", SERVER_ANSWERS, VERDICT_FAIL,
	  OK LEN(11) "status: bad", "status: (good|fine)", "200 OK, but", 0 },
	{ "a body up to the end of the connection", SERVER_ANSWERS, VERDICT_PASS,
	  "HTTP/1.0 200 OK\r\n\r\nfine", "^fine$", "200 OK", 0 },
	{ "a chunked one", SERVER_ANSWERS, VERDICT_PASS,
	  OK "Transfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n2\r\nne\r\n0\r\n\r\n",
	  "^fine$", "200 OK", 0 },
	{ "of 10 MB only the beginning is read", SERVER_ANSWERS, VERDICT_PASS,
	  OK LEN(10000004) "fine", "^finexx", "200 OK", 10000000 },
	{ "nor is the end awaited without a length", SERVER_ANSWERS, VERDICT_PASS,
	  "HTTP/1.0 200 OK\r\n\r\n", NULL, "200 OK", 10000000 },
	{ "garbage", SERVER_ANSWERS, VERDICT_FAIL,
	  "\x16\x03\x01 what?\r\n\r\n", NULL, "the answer is not HTTP", 0 },
	{ "a header without end", SERVER_ANSWERS, VERDICT_FAIL,
	  OK "X: ", NULL, "the header of the answer is longer than 32 KiB", 100000 },
	{ "closed without an answer", SERVER_CLOSES, VERDICT_FAIL,
	  NULL, NULL, "connection broke: Connection reset by peer", 0 },
	{ "closed in the middle of one", SERVER_ANSWERS, VERDICT_FAIL,
	  OK LEN(100) "half", NULL, "closed before", 0 },
	{ "no answer at all", SERVER_HANGS, VERDICT_FAIL,
	  NULL, NULL, "timed out after 400 ms, no answer", 0 },
	{ "an answer in dribs is late", SERVER_DRIBBLES, VERDICT_FAIL,
	  OK LEN(2) "hi", NULL, "timed out after 400 ms", 0 },
	{ "control characters are made harmless", SERVER_ANSWERS, VERDICT_FAIL,
	  "HTTP/1.1 500 No\r\n" LEN(6) "a\x1b[31m", NULL, "500 No: a?[31m", 0 },
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
			.filler_len = cases[n].filler_len };
		int64_t took_ms;

		server_start(&s, &l);
		struct check_spec spec = http_spec(s.port);

		spec.http.body = cases[n].body;
		bool late = strstr(cases[n].detail, "timed out");

		/* the others have the time that a busy machine takes */
		spec.timeout_ms = late ? 400 : 8000;
		struct outcome o = probe_once(&l, &spec, &took_ms);

		if (o.verdict != cases[n].verdict ||
		    strncmp(o.detail, cases[n].detail,
		        strlen(cases[n].detail)) != 0) {
			fail_msg("%s: verdict %d, '%s'", cases[n].why,
			    (int)o.verdict, o.detail);
		}
		if (late && took_ms > 1500) {
			fail_msg("%s: took %lld ms", cases[n].why,
			    (long long)took_ms);
		}
		server_stop(&s);
	}
	loop_release(&l);
}

static void the_request_is_as_defined(void **state)
{
	static struct conf_pair own[] = { { "X-Probe", "yes" } };
	static struct conf_pair other_host[] = { { "Host", "other" } };
	struct loop l;
	struct server s = { .answer = OK LEN(0) };

	(void)state;
	loop_init(&l);
	server_start(&s, &l);
	struct check_spec spec = http_spec(s.port);

	spec.http.headers = (struct conf_pairs){ own, 1 };
	assert_int_equal(probe_once(&l, &spec, NULL).verdict, VERDICT_PASS);
	assert_non_null(strstr(s.request, "GET /healthz?deep=1 HTTP/1.1\r\n"));
	assert_non_null(
	    strstr(s.request, "\r\nHost: payment.example:8080\r\n"));
	assert_non_null(strstr(s.request, "\r\nX-Probe: yes\r\n"));
	assert_non_null(strstr(s.request, "\r\nConnection: close\r\n"));

	spec.http.method = "HEAD";
	spec.http.headers = (struct conf_pairs){ other_host, 1 };
	assert_int_equal(probe_once(&l, &spec, NULL).verdict, VERDICT_PASS);
	assert_non_null(strstr(s.request, "HEAD /healthz"));
	assert_non_null(strstr(s.request, "\r\nHost: other\r\n"));
	assert_null(strstr(s.request, "payment.example"));
	server_stop(&s);
	loop_release(&l);
}

static void it_may_have_a_body(void **state)
{
	static const char body[] = "{\"a\": 1}\r\n\r\n\0\xff";
	struct loop l;
	struct server s = { .answer = OK LEN(0) };

	(void)state;
	loop_init(&l);
	server_start(&s, &l);
	struct check_spec spec = http_spec(s.port);

	spec.http.method = "POST";
	spec.http.send = (struct check_payload){ body, sizeof(body) - 1 };
	assert_int_equal(probe_once(&l, &spec, NULL).verdict, VERDICT_PASS);
	assert_non_null(strstr(s.request, "POST /healthz?deep=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(s.request, "\r\nContent-Length: 14\r\n"));
	const char *sent = strstr(s.request, "\r\n\r\n");

	assert_non_null(sent);
	assert_memory_equal(sent + 4, body, sizeof(body) - 1);
	server_stop(&s);
	loop_release(&l);
}

static void it_asks_unix_sockets(void **state)
{
	char folder[] = "/tmp/rollcall-http-XXXXXX", path[64];
	struct loop l;
	struct server s = { .answer = OK LEN(2) "hi", .path = path };

	(void)state;
	loop_init(&l);
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/sock", folder);
	struct check_spec spec = http_spec(0);

	spec.http.address = "";
	spec.http.socket = path;
	struct outcome o = probe_once(&l, &spec, NULL);

	assert_string_equal(
	    o.detail, "cannot connect: No such file or directory");
	server_start(&s, &l);
	o = probe_once(&l, &spec, NULL);
	assert_string_equal(o.detail, "200 OK");
	assert_non_null(
	    strstr(s.request, "\r\nHost: payment.example:8080\r\n"));
	s.manner = SERVER_HANGS;
	o = probe_once(&l, &spec, NULL);
	assert_string_equal(o.detail, "timed out after 400 ms, no answer");
	server_stop(&s);
	assert_int_equal(rmdir(folder), 0);
	loop_release(&l);
}

static void write_token(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	(void)fclose(f);
}

/* They are read for each run, and shown to the server alone. */
static void secrets_stay_secret(void **state)
{
	char path[] = "/tmp/rollcall-http-XXXXXX", reference[64];
	struct conf_pair own[] = { { "Authorization", reference } };
	struct loop l;
	struct server s = { .answer = OK LEN(0) };

	(void)state;
	loop_init(&l);
	close(mkstemp(path));
	(void)snprintf(reference, sizeof(reference), "Bearer {file:%s}", path);
	server_start(&s, &l);
	struct check_spec spec = http_spec(s.port);

	spec.http.headers = (struct conf_pairs){ own, 1 };
	spec.http.secrets = true;
	write_token(path, "first\n");
	assert_int_equal(probe_once(&l, &spec, NULL).verdict, VERDICT_PASS);
	assert_non_null(
	    strstr(s.request, "\r\nAuthorization: Bearer first\r\n"));
	write_token(path, "second");
	assert_int_equal(probe_once(&l, &spec, NULL).verdict, VERDICT_PASS);
	assert_non_null(
	    strstr(s.request, "\r\nAuthorization: Bearer second\r\n"));

	write_token(path, "third\r\nX-Admin: yes");
	s.request[0] = '\0';
	struct outcome o = probe_once(&l, &spec, NULL);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_non_null(strstr(o.detail,
	    "header 'Authorization': found a line end or another control "));
	assert_null(strstr(o.detail, "third"));
	assert_string_equal(s.request, "");

	/* one that tells it to everybody */
	write_token(path, "t0k3n");
	s.answer = "HTTP/1.1 401 not t0k3n\r\n\r\nYou said 'Bearer t0k3n'";
	s.answer_len = strlen(s.answer);
	o = probe_once(&l, &spec, NULL);
	assert_string_equal(o.detail, "401 not *****: You said 'Bearer *****'");
	(void)unlink(path);
	o = probe_once(&l, &spec, NULL);
	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_non_null(strstr(o.detail, "No such file or directory"));
	server_stop(&s);
	loop_release(&l);
}

static void it_speaks_ipv6(void **state)
{
	struct loop l;
	struct server s = { .answer = OK LEN(0), .is_v6 = true };

	(void)state;
	loop_init(&l);
	server_start(&s, &l);
	struct check_spec spec = http_spec(s.port);

	spec.http.address = "::1";
	spec.http.host = "[::1]:8080";
	assert_int_equal(probe_once(&l, &spec, NULL).verdict, VERDICT_PASS);
	assert_non_null(strstr(s.request, "\r\nHost: [::1]:8080\r\n"));
	server_stop(&s);
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
	struct check_spec spec = http_spec(s.port);
	struct outcome o = probe_once(&l, &spec, NULL);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_string_equal(o.detail, "cannot connect: Connection refused");
	loop_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_judged),
		cmocka_unit_test(the_request_is_as_defined),
		cmocka_unit_test(it_may_have_a_body),
		cmocka_unit_test(it_asks_unix_sockets),
		cmocka_unit_test(secrets_stay_secret),
		cmocka_unit_test(it_speaks_ipv6),
		cmocka_unit_test(nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
