// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which requests are deferred, what is kept of one, and what its response is
 * held to afterwards. The threads are test_later.c's.
 */
#include "dnsd/message/screen/networks.h"
#include "schema/base/scoped.h"
#include "tests/support/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CLIENT "2464c4abcf10c957"

enum { ALL = (1u << LATER_KINDS) - 1, NONE = 0 };

static const char zone_text[] = "zone svc.test\n"
                                "service web port 80\n"
                                "instance i1 192.0.2.1\n";

static struct world *world_later(unsigned defers)
{
	struct world *w = world_new(zone_text);

	w->handler->defers = defers;
	w->policy.cookies = COOKIES_ON;
	w->policy.secrets.n = 1;
	w->policy.prefixes = (struct network_prefixes){ 24, 56 };
	return w;
}

/* The handler alone; `out` has what it wrote. */
static struct handled respond(
    struct world *w, const uint8_t *msg, size_t len, enum transport via)
{
	const struct message m = { msg, len, NULL, 0, &w->peer.any };

	handle_prepare(w->handler, &m, 1);
	return handle_respond(w->handler, 0, via, w->response);
}

/* ---- which ------------------------------------------------------------ */

static const struct {
	const char *why, *question;
	unsigned opcode, defers;
	enum later_kind kind;
	const char *want; /* NULL: is deferred, as that kind */
} requests[] = {
	{ "a name of ours", "web.svc.test A", OPCODE_QUERY, ALL, 0,
	    "NOERROR aa\n" },
	{ "a name of ours that is not there", "nope.svc.test A", OPCODE_QUERY,
	    ALL, 0, "NXDOMAIN aa\n" },
	{ "somebody else's name", "www.example A", OPCODE_QUERY, ALL,
	    LATER_OUTSIDE, NULL },
	{ "the same with EDNS", "www.example A edns=1232", OPCODE_QUERY, ALL,
	    LATER_OUTSIDE, NULL },
	{ "the same from a client with cookies", "www.example A cookie=" CLIENT,
	    OPCODE_QUERY, ALL, LATER_OUTSIDE, NULL },
	{ "nobody does it", "www.example A", OPCODE_QUERY,
	    ALL & ~(1u << LATER_OUTSIDE), 0, "REFUSED\n" },
	{ "a transfer", "www.example AXFR tcp", OPCODE_QUERY, ALL, 0,
	    "REFUSED\n" },
	{ "class CH", "www.example TXT class=CH", OPCODE_QUERY, ALL, 0,
	    "REFUSED\n" },
	{ "a class nobody has", "www.example A class=HS", OPCODE_QUERY, ALL, 0,
	    "REFUSED\n" },
	{ "a question that is none", "www.example TKEY", OPCODE_QUERY, ALL, 0,
	    "NOTIMP\n" },
	{ "NOTIFY", "svc.test SOA", OPCODE_NOTIFY, ALL, LATER_NOTIFY, NULL },
	{ "UPDATE", "svc.test SOA tcp", OPCODE_UPDATE, ALL, LATER_UPDATE,
	    NULL },
	{ "nobody takes NOTIFY", "svc.test SOA", OPCODE_NOTIFY,
	    1u << LATER_UPDATE, 0, "NOTIMP\n" },
	{ "nobody takes UPDATE", "svc.test SOA edns=1232", OPCODE_UPDATE,
	    1u << LATER_NOTIFY, 0, "NOTIMP\n" },
	{ "nobody takes anything", "svc.test SOA", OPCODE_UPDATE, NONE, 0,
	    "NOTIMP\n" },
	{ "STATUS", "svc.test SOA", 2, ALL, 0, "NOTIMP\n" },
	{ "DSO", "svc.test SOA", 6, ALL, 0, "NOTIMP\n" },
	{ "UPDATE with EDNS of another version", "svc.test SOA version=1",
	    OPCODE_UPDATE, ALL, 0, "BADVERS\n" },
};

static void test_which(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		struct world *w = world_later(requests[i].defers);
		char name[ASK_NAME_MAX];
		uint8_t msg[ASK_MAX];
		struct ask a;

		print_message("%s\n", requests[i].why);
		ask_parse(&a, name, requests[i].question);
		size_t len = ask_build(&a, msg);
		msg[2] = (uint8_t)((msg[2] & ~(unsigned)WIRE_OPCODE) |
		                   requests[i].opcode << 3);
		struct handled r = respond(w, msg, len, a.via);
		assert_int_equal(stats_get(&w->handler->stats, STAT_DEFERRED),
		    !requests[i].want);
		if (!requests[i].want) {
			const struct deferral *d = &w->handler->deferral;

			assert_int_equal(r.how, DEFERRED);
			assert_int_equal(r.len, 0);
			assert_int_equal(d->kind, requests[i].kind);
			assert_int_equal(d->visitor.via, a.via);
			assert_int_equal(d->visitor.verified, a.via != VIA_UDP);
			assert_ptr_equal(d->visitor.peer, &w->peer.any);
			assert_int_equal(d->extra.has_cookie, a.cookie_len > 0);
		} else {
			scoped_free char *got = reply_text(w->response, r.len);

			assert_int_equal(r.how, HANDLED);
			assert_memory_equal(
			    got, requests[i].want, strlen(requests[i].want));
		}
		world_free(w);
	}
}

/* Nothing is deferred for whom nothing is answered. */
static void test_denied(void **state)
{
	static const unsigned opcodes[] = { OPCODE_QUERY, OPCODE_NOTIFY,
		OPCODE_UPDATE };
	struct networks *nobody = networks_new(NULL, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(opcodes) / sizeof(*opcodes); i++) {
		struct world *w = world_later(ALL);
		char name[ASK_NAME_MAX];
		uint8_t msg[ASK_MAX];
		struct ask a;

		w->policy.allowed = nobody;
		w->policy.watches = true;
		ask_parse(&a, name, "www.example SOA edns=1232");
		size_t len = ask_build(&a, msg);
		msg[2] = (uint8_t)(msg[2] | opcodes[i] << 3);
		struct handled r = respond(w, msg, len, VIA_UDP);
		assert_int_equal(r.how, HANDLED);
		assert_int_equal(w->response[3] & WIRE_RCODE, RCODE_REFUSED);
		w->policy.drops = true;
		r = respond(w, msg, len, VIA_UDP);
		assert_int_equal(r.how, DROPPED);
		assert_int_equal(
		    stats_get(&w->handler->stats, STAT_DEFERRED), 0);
		world_free(w);
	}
	networks_free(nobody);
}

/* ---- afterwards ------------------------------------------------------- */

/* The request, deferred; what remains is d and its octets. */
static struct deferral defer(
    struct world *w, const char *question, uint8_t msg[ASK_MAX], size_t *len)
{
	char name[ASK_NAME_MAX];
	struct ask a;

	ask_parse(&a, name, question);
	*len = ask_build(&a, msg);
	assert_int_equal(respond(w, msg, *len, a.via).how, DEFERRED);
	return w->handler->deferral;
}

static void test_overflow(void **state)
{
	struct world *w = world_later(ALL);
	uint8_t msg[ASK_MAX];
	size_t len;

	(void)state;
	(void)defer(w, "www.example A rd cookie=" CLIENT, msg, &len);
	struct handled r = handle_overflow(w->handler, 0, w->response);
	assert_int_equal(r.how, HANDLED);
	scoped_free char *got = reply_text(w->response, r.len);
	/* EDE 0 with its text, beside the cookie */
	assert_string_equal(
	    got, "SERVFAIL rd\nopt 1232 option10=24 option15=29\n");
	assert_non_null(
	    memmem(w->response, r.len, "\0\17\0\35\0\0too many requests", 23));
	assert_int_equal(stats_get(&w->handler->stats, STAT_LATER_FULL), 1);
	assert_int_equal(stats_get(&w->handler->stats, STAT_SERVFAIL), 1);
	/* and nothing of it shows in the next response */
	(void)ask_world(w, "web.svc.test A edns=1232", msg);
	scoped_free char *next = reply_text(w->response, w->response_len);
	assert_null(strstr(next, "option"));
	world_free(w);
}

/* As the direct path would have answered it, and counted as such. */
static void test_same_answer(void **state)
{
	struct world *w = world_later(ALL);
	struct answer a = { .rcode = RCODE_NOERROR,
		.kind = ANSWER_CHAOS,
		.authoritative = false,
		.chaos = "afterwards" };
	uint8_t msg[ASK_MAX];
	struct query q;
	size_t len;

	(void)state;
	const struct deferral d =
	    defer(w, "www.Example A rd do cookie=" CLIENT, msg, &len);
	/* others are answered in between */
	(void)ask_world(w, "web.svc.test A edns=512", (uint8_t[ASK_MAX]){ 0 });
	assert_int_equal(query_parse(&q, msg, len), QUERY_OK);
	struct handled r = handle_answer(w->handler, &q, &a, &d, w->response);
	char reason[REPLY_REASON_MAX];
	if (!reply_matches(
	        msg, len, w->response, r.len, VIA_UDP, WORLD_UDP_MAX, reason))
		fail_msg("%s", reason);
	scoped_free char *got = reply_text(w->response, r.len);
	assert_string_equal(got,
	    "NOERROR rd\nan www.Example. 0 CH TXT \"afterwards\"\n"
	    "opt 1232 do option10=24\n");
	assert_int_equal(stats_get(&w->handler->stats, STAT_NOERROR), 2);
	world_free(w);
}

/* Responses are limited then as they are now. */
static void test_limits(void **state)
{
	struct world *w = world_later(ALL);
	const struct answer refusal = { .rcode = RCODE_REFUSED,
		.kind = ANSWER_EMPTY };
	uint8_t msg[ASK_MAX];
	struct query q;
	size_t len;

	(void)state;
	w->policy.responses[RESPONSE_ERROR] = (struct limit_rule){ 1, 1, 5 };
	w->policy.watches = true;
	struct deferral d = defer(w, "www.example A", msg, &len);
	assert_int_equal(query_parse(&q, msg, len), QUERY_OK);
	assert_int_equal(
	    handle_answer(w->handler, &q, &refusal, &d, w->response).how,
	    HANDLED);
	assert_int_equal(
	    handle_answer(w->handler, &q, &refusal, &d, w->response).how,
	    DROPPED);
	d.visitor.verified = true; /* is not limited */
	assert_int_equal(
	    handle_answer(w->handler, &q, &refusal, &d, w->response).how,
	    HANDLED);
	assert_int_equal(stats_get(&w->handler->stats, STAT_RRL_DROPPED), 1);
	world_free(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_same_answer),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
