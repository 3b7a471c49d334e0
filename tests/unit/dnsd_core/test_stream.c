// SPDX-License-Identifier: BSD-2-Clause
/*
 * TCP over real sockets: clients that behave, in every way that RFC 7766
 * gives them, and the end of the server.
 */
#include "tests/unit/dnsd_core/support_stream.h"

/* ---- those that behave ------------------------------------------------ */

static void test_pipelined(void **state)
{
	enum { REQUESTS = 5000 };
	struct site *s = site_new(IDLE_LONG_MS, CONNECTIONS);
	scoped_fd int fd = client_new(s);
	struct script script = { 0 };

	(void)state;
	for (int i = 0; i < REQUESTS; i++)
		script_ask(&script, "web.svc.test A", (uint16_t)i);
	say(fd, &script);
	for (int i = 0; i < REQUESTS; i++)
		assert_heard(fd, (uint16_t)i);
	script_free(&script);
	site_free(s);
}

/* All answers come although the client says at once that it is done. */
static void test_half_closed(void **state)
{
	static const struct {
		const char *why, *question;
		int requests;
	} cases[] = {
		{ "none", "web.svc.test A", 0 },
		{ "one", "web.svc.test A", 1 },
		{ "more than one read", "web.svc.test A", 2000 },
		{ "more than the sockets hold", "_big._tcp.svc.test SRV", 600 },
	};
	struct site *s = site_new(IDLE_LONG_MS, CONNECTIONS);

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		scoped_fd int fd = client_new(s);
		struct script script = { 0 };

		print_message("%s\n", cases[k].why);
		for (int i = 0; i < cases[k].requests; i++)
			script_ask(&script, cases[k].question, (uint16_t)i);
		say(fd, &script);
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		for (int i = 0; i < cases[k].requests; i++)
			assert_heard(fd, (uint16_t)i);
		assert_true(is_closed(fd, PATIENCE_MS));
		script_free(&script);
	}
	site_free(s);
}

static void test_cut_anywhere(void **state)
{
	struct site *s = site_new(IDLE_LONG_MS, CONNECTIONS);
	struct script script = { 0 };

	(void)state;
	for (uint16_t i = 0; i < 3; i++)
		script_ask(&script, "web.svc.test A", i);
	for (size_t cut = 1; cut < script.len; cut++) {
		scoped_fd int fd = client_new(s);
		struct script first = { script.octets, cut };
		struct script rest = { script.octets + cut, script.len - cut };

		say(fd, &first);
		(void)poll(NULL, 0, 1);
		say(fd, &rest);
		for (uint16_t i = 0; i < 3; i++)
			assert_heard(fd, i);
	}
	script_free(&script);
	site_free(s);
}

static void test_octet_by_octet(void **state)
{
	struct site *s = site_new(IDLE_LONG_MS, CONNECTIONS);
	scoped_fd int fd = client_new(s);
	struct script script = { 0 };

	(void)state;
	script_ask(&script, "web.svc.test A", 7);
	for (size_t i = 0; i < script.len; i++) {
		struct script octet = { script.octets + i, 1 };

		say(fd, &octet);
		(void)poll(NULL, 0, 1);
	}
	assert_heard(fd, 7);
	script_free(&script);
	site_free(s);
}

/* The longest frame there is; what follows it is answered, too. */
static void test_longest_request(void **state)
{
	struct site *s = site_new(IDLE_LONG_MS, CONNECTIONS);
	scoped_free uint8_t *msg = xcalloc(1, WIRE_MESSAGE_MAX);
	scoped_fd int fd = client_new(s);
	struct script script = { 0 };
	struct heard h = { 0 };

	(void)state;
	wire_put16(msg, 9);
	wire_put16(msg + 4, 1); /* one question, and much behind it */
	script_ask(&script, "web.svc.test A", 8);
	script_add(&script, msg, WIRE_MESSAGE_MAX);
	script_ask(&script, "web.svc.test A", 10);
	say(fd, &script);
	assert_heard(fd, 8);
	assert_true(hear(fd, &h));
	assert_int_equal(h.id, 9);
	assert_int_equal(h.rcode, RCODE_FORMERR);
	assert_heard(fd, 10);
	script_free(&script);
	site_free(s);
}

/* ---- the end ---------------------------------------------------------- */

static void test_drain_sends_what_is_owed(void **state)
{
	/* several turns of output, and little of STREAM_DRAIN_MS */
	enum { REQUESTS = 40 };
	struct site *s = site_new(IDLE_LONG_MS, CONNECTIONS);
	scoped_fd int busy = client_new(s), idle = client_new(s);
	struct script script = { 0 };

	(void)state;
	for (int i = 0; i < REQUESTS; i++)
		script_ask(&script, "_big._tcp.svc.test SRV", (uint16_t)i);
	say(busy, &script);
	wait_count(s, STAT_TCP_REQUESTS, 1);
	wait_count(s, STAT_TCP_CONNECTIONS, 2);
	stream_drain(s->stream);
	assert_true(is_closed(idle, PATIENCE_MS));
	for (int i = 0; i < REQUESTS; i++)
		assert_heard(busy, (uint16_t)i);
	assert_true(is_closed(busy, PATIENCE_MS));
	script_free(&script);
	site_free(s);
}

static void test_drain_is_bounded(void **state)
{
	struct site *s = site_new(IDLE_LONG_MS, CONNECTIONS);
	scoped_fd int fd = client_new(s);

	(void)state;
	(void)stuff(fd, 16 << 20);
	int64_t start = clock_mono_ms();
	site_free(s);
	int64_t took = clock_mono_ms() - start;
	assert_true(took >= STREAM_DRAIN_MS / 2);
	assert_true(took < STREAM_DRAIN_MS + PATIENCE_MS / 2);
}

static void test_taken_address(void **state)
{
	struct site *s = site_new(IDLE_LONG_MS, CONNECTIONS);
	struct stream_limits limits = { 1, &s->connection_n, IDLE_LONG_MS };
	struct stream_door door = s->door;
	struct sockaddr_in *in = (void *)&door.address.storage;
	scoped_fd int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stream *other = NULL;
	struct diag diag;

	(void)state;
	in->sin_port = 0;
	assert_int_equal(bind(taken, (void *)in, sizeof(*in)), 0);
	assert_int_equal(getsockname(taken, (void *)in, &door.address.len), 0);
	assert_true(stream_start(&door, 1, &limits,
	                &(struct handler_source){ s->world->catalog,
	                    &s->world->identity, NULL, WORLD_UDP_MAX, NULL,
	                    NULL, NULL, NULL },
	                s->world->reader, &other, &diag) < 0);
	assert_non_null(strstr(diag.text, "cannot listen on tcp 127.0.0.1"));
	assert_null(other);
	stream_stop(NULL);
	site_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_octet_by_octet),
		cmocka_unit_test(test_longest_request),
		cmocka_unit_test(test_drain_sends_what_is_owed),
		cmocka_unit_test(test_drain_is_bounded),
		cmocka_unit_test(test_taken_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
