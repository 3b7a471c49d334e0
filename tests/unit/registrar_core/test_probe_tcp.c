// SPDX-License-Identifier: BSD-2-Clause
#include "support.h"

static struct check_spec tcp_spec(const char *address, int port)
{
	return (struct check_spec){ .name = "tcp-1",
		.kind = CHECK_TCP,
		.interval_ms = 1000,
		.timeout_ms = 200,
		.rise = 1,
		.fall = 1,
		.tcp = { .to = "", .address = address, .port = port } };
}

static void an_open_port_passes(void **state)
{
	struct loop l;

	(void)state;
	loop_init(&l);
	for (int v6 = 0; v6 < 2; v6++) {
		struct server s = { .manner = SERVER_HANGS, .is_v6 = v6 };

		server_start(&s, &l);
		struct check_spec spec =
		    tcp_spec(v6 ? "::1" : "127.0.0.1", s.port);
		struct outcome o = probe_once(&l, &spec, NULL);

		assert_int_equal(o.verdict, VERDICT_PASS);
		assert_string_equal(o.detail, "connected");
		server_stop(&s);
	}
	loop_release(&l);
}

static void a_closed_port_fails_at_once(void **state)
{
	struct loop l;
	struct server s = { .manner = SERVER_HANGS };
	int64_t took_ms;

	(void)state;
	loop_init(&l);
	server_start(&s, &l);
	server_stop(&s);
	struct check_spec spec = tcp_spec("127.0.0.1", s.port);
	struct outcome o = probe_once(&l, &spec, &took_ms);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_string_equal(o.detail, "Connection refused");
	assert_true(took_ms < 190); /* no time-out */
	loop_release(&l);
}

/* A full backlog: the kernel lets further connections hang. */
static void a_hanging_connect_ends_on_time(void **state)
{
	struct loop l;
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0), fill[8];
	int64_t took_ms;

	(void)state;
	loop_init(&l);
	assert_int_equal(0, bind(fd, (struct sockaddr *)&a, len));
	assert_int_equal(0, listen(fd, 0));
	assert_int_equal(0, getsockname(fd, (struct sockaddr *)&a, &len));
	for (size_t i = 0; i < 8; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fill[i], (struct sockaddr *)&a, len);
	}
	struct check_spec spec = tcp_spec("127.0.0.1", ntohs(a.sin_port));
	struct outcome o = probe_once(&l, &spec, &took_ms);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_string_equal(o.detail, "timed out after 200 ms, connecting");
	assert_in_range(took_ms, 199, 1500); /* not minutes */
	for (size_t i = 0; i < 8; i++)
		close(fill[i]);
	close(fd);
	loop_release(&l);
}

/* Some programs take IPv6 alone on loopback. */
static void localhost_is_both(void **state)
{
	struct loop l;
	struct server s = { .manner = SERVER_HANGS, .is_v6 = true };

	(void)state;
	loop_init(&l);
	server_start(&s, &l);
	struct check_spec spec = tcp_spec("localhost", s.port);
	struct outcome o = probe_once(&l, &spec, NULL);

	assert_int_equal(o.verdict, VERDICT_PASS);
	server_stop(&s);
	o = probe_once(&l, &spec, NULL);
	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_string_equal(o.detail, "Connection refused");
	loop_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_open_port_passes),
		cmocka_unit_test(localhost_is_both),
		cmocka_unit_test(a_closed_port_fails_at_once),
		cmocka_unit_test(a_hanging_connect_ends_on_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
