// SPDX-License-Identifier: BSD-2-Clause
/*
 * Answers that come later, over real sockets: at once, after a while, in
 * another order, or never.
 */
#include "tests/unit/dnsd_core/support_later.h"

static const char afterwards[] = "CH TXT \"afterwards\"\n";

/* ---- UDP -------------------------------------------------------------- */

static void test_udp(void **state)
{
	static const char *const questions[] = { "now.a A", "wait.a A edns=512",
		"web.svc.test A", "now.b A rd edns=1232" };
	enum { N = sizeof(questions) / sizeof(*questions) };
	struct desk *d = desk_new();
	struct site *s = desk_site(d, &(struct site_plan){ 0 });
	scoped_fd int fd = udp_client_new(s, htonl(INADDR_LOOPBACK));
	bool seen[N] = { 0 };

	(void)state;
	for (unsigned i = 0; i < N; i++)
		udp_ask(fd, questions[i], (uint16_t)i);
	for (unsigned i = 0; i < N; i++) {
		uint16_t id = N;
		scoped_free char *got = udp_hear(fd, &id);

		assert_non_null(got);
		assert_true(id < N && !seen[id]);
		seen[id] = true;
		assert_memory_equal(got, "NOERROR", 7);
		assert_int_equal(id != 2, strstr(got, afterwards) != NULL);
		assert_int_equal(strstr(questions[id], "edns") != NULL,
		    strstr(got, "opt 1232") != NULL);
	}
	assert_int_equal(counted_all(s, STAT_DEFERRED), 3);
	assert_int_equal(counted_all(s, STAT_UDP_REQUESTS), N);
	assert_int_equal(counted_all(s, STAT_NOERROR), N);
	site_free(s);
	desk_free(d);
}

/* An answer leaves from the address that was asked, also afterwards. */
static void test_udp_wildcard(void **state)
{
	struct desk *d = desk_new();
	struct site *s =
	    desk_site(d, &(struct site_plan){ .udp_wildcard = true });
	uint16_t id = 0;

	(void)state;
	for (uint32_t i = 1; i < 4; i++) {
		scoped_fd int fd =
		    udp_client_new(s, htonl(INADDR_LOOPBACK + 100 * i));

		udp_ask(fd, "wait.a A", (uint16_t)i);
		scoped_free char *got = udp_hear(fd, &id);
		assert_non_null(got);
		assert_int_equal(id, i);
		assert_non_null(strstr(got, afterwards));
	}
	site_free(s);
	desk_free(d);
}

/* ---- TCP -------------------------------------------------------------- */

/* Later answers are overtaken, by others and by each other. */
static void test_overtaking(void **state)
{
	enum { N = 5 };
	struct desk *d = desk_new();
	struct site *s = desk_site(d, &(struct site_plan){ 0 });
	scoped_fd int fd = client_new(s);
	struct script script = { 0 };

	(void)state;
	for (unsigned i = 0; i < N; i++)
		script_ask(&script, "hold.a A", (uint16_t)i);
	script_ask(&script, "web.svc.test A", 100);
	say(fd, &script);
	assert_heard(fd, 100);
	desk_await(d, &d->held_n, N);
	ask_one(fd, "now.a A", 101);
	assert_heard(fd, 101);
	ask_one(fd, "_big._tcp.svc.test SRV", 102);
	assert_heard(fd, 102);
	/* with one thread or two they need not be held in order: by id */
	assert_int_equal(desk_release_all(d), N);
	bool seen[N] = { 0 };
	for (unsigned i = 0; i < N; i++) {
		struct heard h = { 0 };

		assert_true(hear(fd, &h));
		assert_true(h.id < N && !seen[h.id]);
		seen[h.id] = true;
	}
	ask_one(fd, "web.svc.test A", 103);
	assert_heard(fd, 103);
	script_free(&script);
	site_free(s);
	desk_free(d);
}

/* As a plain question: also in its opcode, and from data as it is then. */
static void test_from_the_catalog(void **state)
{
	struct desk *d = desk_new();
	struct site *s = desk_site(d, &(struct site_plan){ 0 });
	scoped_fd int fd = client_new(s);
	struct heard h = { 0 };

	(void)state;
	ask_opcode(fd, "_big._tcp.svc.test SRV", 7, OPCODE_NOTIFY);
	assert_true(hear(fd, &h));
	assert_int_equal(h.id, 7);
	assert_int_equal(h.answer_n, BIG_N);
	ask_opcode(fd, "svc.test SOA", 8, OPCODE_UPDATE); /* nobody's */
	assert_true(hear(fd, &h));
	assert_int_equal(h.rcode, RCODE_NOTIMP);
	site_free(s);
	desk_free(d);
}

static void test_waiting_is_not_idle(void **state)
{
	enum { IDLE_MS = 200 };
	struct desk *d = desk_new();
	struct site *s =
	    desk_site(d, &(struct site_plan){ .idle_ms = IDLE_MS });
	scoped_fd int fd = client_new(s), idle = client_new(s);

	(void)state;
	ask_one(fd, "hold.a A", 1);
	desk_await(d, &d->held_n, 1);
	assert_true(is_closed(idle, PATIENCE_MS));
	assert_false(is_closed(fd, 4 * IDLE_MS));
	assert_true(desk_answer(d, 0));
	assert_heard(fd, 1);
	/* and from then on it is one as others are */
	assert_true(is_closed(fd, PATIENCE_MS));
	assert_int_equal(counted(s, STAT_TCP_EXPIRED), 2);
	site_free(s);
	desk_free(d);
}

/* It may say that it will ask no more, and still gets what it asked for. */
static void test_half_closed(void **state)
{
	struct desk *d = desk_new();
	struct site *s = desk_site(d, &(struct site_plan){ 0 });
	scoped_fd int fd = client_new(s);
	struct script script = { 0 };

	(void)state;
	script_ask(&script, "hold.a A", 1);
	script_ask(&script, "drop.a A", 2);
	script_ask(&script, "hold.a A", 3);
	say(fd, &script);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	desk_await(d, &d->held_n, 2);
	assert_false(is_closed(fd, 100));
	assert_int_equal(desk_release_all(d), 2);
	struct heard h[2] = { 0 };
	assert_true(hear(fd, &h[0]) && hear(fd, &h[1]));
	assert_int_equal(h[0].id + h[1].id, 4);
	assert_true(is_closed(fd, PATIENCE_MS));
	script_free(&script);
	site_free(s);
	desk_free(d);
}

/*
 * Answers to connections that have gone are nobody else's, though others sit
 * where they did.
 */
static void test_gone(void **state)
{
	enum { N = 20, EACH = 3 };
	struct desk *d = desk_new();
	struct site *s = desk_site(d, &(struct site_plan){ 0 });
	int fd[N];

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		fd[i] = client_new(s);
		for (unsigned k = 0; k < EACH; k++)
			ask_one(fd[i], "hold.a A", (uint16_t)k);
	}
	desk_await(d, &d->held_n, N * EACH);
	for (unsigned i = 0; i < N; i++) {
		struct linger reset = { 1, 0 };

		(void)setsockopt(
		    fd[i], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd[i]);
	}
	for (int i = 0; atomic_load(&s->connection_n) && i < PATIENCE_MS; i++)
		desk_wait_ms(1);
	for (unsigned i = 0; i < N; i++) {
		fd[i] = client_new(s);
		ask_one(fd[i], "hold.b A", 500);
	}
	desk_await(d, &d->held_n, N * EACH + N);
	for (unsigned i = 0; i < N * EACH; i++)
		assert_true(desk_answer(d, i));
	wait_count_all(s, STAT_LATER_GONE, (uint64_t)N * EACH);
	for (unsigned i = 0; i < N; i++) {
		ask_one(fd[i], "web.svc.test A", 501);
		assert_heard(fd[i], 501);
	}
	for (unsigned i = 0; i < N; i++)
		assert_true(desk_answer(d, N * EACH + i));
	for (unsigned i = 0; i < N; i++) {
		assert_heard(fd[i], 500);
		close(fd[i]);
	}
	site_free(s);
	desk_free(d);
}

/* Requests that no datagram holds come whole, and are bounded together. */
static void test_long(void **state)
{
	enum { LEN = 60000, N = LATER_LONG_MAX / LEN };
	struct desk *d = desk_new();
	struct site *s = desk_site(d, &(struct site_plan){ 0 });
	scoped_fd int fd = client_new(s);
	scoped_free uint8_t *msg = xcalloc(1, LEN);
	struct script script = { 0 };
	struct heard h = { 0 };

	(void)state;
	/* an option of EDNS fills it */
	script_ask(&script, "hold.a A edns=1232", 9);
	size_t len = script.len - FRAME_LEN;
	memcpy(msg, script.octets + FRAME_LEN, len);
	wire_put16(msg + len - 2, (uint16_t)(LEN - len));
	wire_put16(msg + len, 65001);
	wire_put16(msg + len + 2, (uint16_t)(LEN - len - 4));
	script_free(&script);
	script_add(&script, msg, LEN);
	for (unsigned i = 0; i < N; i++)
		say(fd, &script);
	desk_await(d, &d->held_n, N);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(d->len[i], LEN);
	say(fd, &script);
	assert_true(hear(fd, &h));
	assert_int_equal(h.rcode, RCODE_SERVFAIL);
	assert_int_equal(desk_release_all(d), N);
	for (unsigned i = 0; i < N; i++)
		assert_heard(fd, 9);
	say(fd, &script); /* there is room again */
	desk_await(d, &d->held_n, 1);
	script_free(&script);
	site_free(s);
	desk_free(d);
}

/* Who asks for much and takes nothing is not waited for. */
static void test_greedy(void **state)
{
	enum { TIMES = 200 };
	struct desk *d = desk_new();
	struct site *s = desk_site(d, &(struct site_plan){ 0 });
	scoped_fd int fd = client_new(s);
	struct script script = { 0 };
	int small = 4096;

	(void)state;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	/* at once: what the server owes it stops reading at */
	for (unsigned i = 0; i < TIMES; i++) {
		script_opcode(&script, "_big._tcp.svc.test SRV", (uint16_t)i,
		    OPCODE_NOTIFY);
	}
	say(fd, &script);
	for (int i = 0; atomic_load(&s->connection_n) && i < PATIENCE_MS; i++)
		desk_wait_ms(1);
	assert_int_equal(atomic_load(&s->connection_n), 0);
	script_free(&script);
	site_free(s);
	desk_free(d);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_udp_wildcard),
		cmocka_unit_test(test_overtaking),
		cmocka_unit_test(test_from_the_catalog),
		cmocka_unit_test(test_waiting_is_not_idle),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_greedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
