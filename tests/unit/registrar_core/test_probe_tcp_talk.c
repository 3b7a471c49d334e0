// SPDX-License-Identifier: BSD-2-Clause
/* tcp checks that say and expect something. */
#include "support.h"

static struct check_spec talk_spec(int port)
{
	return (struct check_spec){ .name = "tcp-1",
		.kind = CHECK_TCP,
		.interval_ms = 1000,
		.timeout_ms = 300,
		.rise = 1,
		.fall = 1,
		.tcp = { .to = "", .address = "127.0.0.1", .port = port } };
}

// clang-format off
static const struct {
	const char *why;
	const char *send, *expect; /* or NULL */
	const char *answer;
	const char *detail; /* how it begins */
	size_t answer_len;  /* 0: of the text */
	size_t filler_len;
	enum manner manner;
	enum verdict verdict;
} cases[] = {
	{ "it answers", "PING\r\n", "^\\+PONG", "+PONG\r\n",
	  "7 octets: +PONG", 0, 0, SERVER_ANSWERS, VERDICT_PASS },
	{ "something else", "PING\r\n", "^\\+PONG", "-ERR no\r\n",
	  "closed after 9 octets that do not match '^\\+PONG': -ERR no", 0, 0, SERVER_ANSWERS, VERDICT_FAIL },
	{ "nothing", "PING\r\n", "^\\+PONG", NULL,
	  "timed out after 300 ms, no answer", 0, 0, SERVER_HANGS, VERDICT_FAIL },
	{ "closed at once", "PING\r\n", "^\\+PONG", NULL,
	  "", 0, 0, SERVER_CLOSES, VERDICT_FAIL },
	{ "in dribs, but in time", "PING\r\n", "PONG$", "+PONG",
	  "5 octets: +PONG", 0, 0, SERVER_DRIBBLES, VERDICT_PASS },
	{ "in dribs, and late", "PING\r\n", "PONG$", "....................PONG",
	  "timed out after 300 ms, ", 0, 0, SERVER_DRIBBLES, VERDICT_FAIL },
	{ "what goes on need not end", "PING\r\n", "^\\+PONG", "+PONG\r\n",
	  "", 0, 10000000, SERVER_ANSWERS, VERDICT_PASS },
	{ "10 MB of something else", "PING\r\n", "PONG", "x",
	  "16384 octets that do not match 'PONG': xxx", 0, 10000000, SERVER_ANSWERS, VERDICT_FAIL },
	{ "NUL and binary", "\x01", "b$", "a\0\xff" "b",
	  "4 octets: a??b", 4, 0, SERVER_ANSWERS, VERDICT_PASS },
	{ "garbage is shown as such", "x", "y", "\x1b[31m",
	  "closed after 5 octets that do not match 'y': ?[31m", 0, 0, SERVER_ANSWERS, VERDICT_FAIL },
	{ "saying it is enough", "PING\r\n", NULL, NULL,
	  "sent", 0, 0, SERVER_HANGS, VERDICT_PASS },
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

		server_start(&s, &l);
		struct check_spec spec = talk_spec(s.port);

		spec.tcp.send = (struct check_payload){ cases[n].send,
			strlen(cases[n].send) };
		spec.tcp.expect = cases[n].expect;
		/* the others have the time that a busy machine takes */
		if (!strstr(cases[n].detail, "timed out"))
			spec.timeout_ms = 8000;
		struct outcome o = probe_once(&l, &spec, NULL);

		if (o.verdict != cases[n].verdict ||
		    strncmp(o.detail, cases[n].detail,
		        strlen(cases[n].detail)) != 0) {
			fail_msg("%s: verdict %d, '%s'", cases[n].why,
			    (int)o.verdict, o.detail);
		}
		if (s.manner != SERVER_CLOSES)
			assert_string_equal(s.request, cases[n].send);
		server_stop(&s);
	}
	loop_release(&l);
}

/* Servers that speak first, as those of SMTP and SSH do. */
static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *peer, int len, void *arg)
{
	static const char banner[] = "220 mail.example ESMTP\r\n";

	(void)listener;
	(void)peer;
	(void)len;
	(void)arg;
	assert_int_equal(
	    write(fd, banner, sizeof(banner) - 1), sizeof(banner) - 1);
	close(fd);
}

static void a_banner_is_enough(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	struct loop l;

	(void)state;
	loop_init(&l);
	struct evconnlistener *listener =
	    evconnlistener_new_bind(l.base, on_accept, NULL,
	        LEV_OPT_CLOSE_ON_FREE, 16, (struct sockaddr *)&a, sizeof(a));

	assert_non_null(listener);
	assert_int_equal(getsockname(evconnlistener_get_fd(listener),
	                     (struct sockaddr *)&a, &len),
	    0);
	struct check_spec spec = talk_spec(ntohs(a.sin_port));

	spec.tcp.expect = "^220 ";
	struct outcome o = probe_once(&l, &spec, NULL);

	assert_string_equal(o.detail, "24 octets: 220 mail.example ESMTP");
	assert_int_equal(o.verdict, VERDICT_PASS);
	spec.tcp.expect = "^250 ";
	o = probe_once(&l, &spec, NULL);
	assert_int_equal(o.verdict, VERDICT_FAIL);
	evconnlistener_free(listener);
	loop_release(&l);
}

static void nobody_listens(void **state)
{
	struct server s = { .manner = SERVER_HANGS };
	struct loop l;

	(void)state;
	loop_init(&l);
	server_start(&s, &l);
	server_stop(&s);
	struct check_spec spec = talk_spec(s.port);

	spec.tcp.expect = "x";
	struct outcome o = probe_once(&l, &spec, NULL);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_string_equal(o.detail, "cannot connect: Connection refused");
	loop_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_judged),
		cmocka_unit_test(a_banner_is_enough),
		cmocka_unit_test(nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
