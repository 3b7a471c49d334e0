// SPDX-License-Identifier: BSD-2-Clause
/*
 * Options that only streams have: edns-tcp-keepalive (RFC 7828) and padding
 * (RFC 7830, RFC 8467).
 */
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCK = 468 };

static const char zone_text[] = "zone svc.test\n"
                                "service web port 80\n"
                                "instance i1 192.0.2.1\n";

static const struct {
	const char *why, *question, *opt;
	size_t len; /* 0: whatever it is without padding */
} cases[] = {
	{ "padded when asked to, over TLS", "web.svc.test A padding tls",
	    "opt 1232 padding=407\n", BLOCK },
	{ "not when not asked to", "web.svc.test A tls edns=1232", "opt 1232\n",
	    0 },
	{ "never without encryption", "web.svc.test A padding tcp",
	    "opt 1232\n", 0 },
	{ "never in a datagram", "web.svc.test A padding", "opt 1232\n", 0 },
	{ "NODATA is as long as an answer", "web.svc.test AAAA padding tls",
	    "opt 1232 padding=", BLOCK },
	{ "NXDOMAIN, too", "no.svc.test A padding tls",
	    "opt 1232 padding=", BLOCK },
	{ "and REFUSED", "example.com A padding tls",
	    "opt 1232 padding=", BLOCK },
	{ "what the payload size says is about UDP",
	    "web.svc.test A padding tls edns=512", "opt 1232 padding=407\n",
	    BLOCK },
	{ "how long one may stay, over TCP", "web.svc.test A keepalive tcp",
	    "opt 1232 keepalive=100\n", 0 },
	{ "over TLS", "web.svc.test A keepalive tls",
	    "opt 1232 keepalive=100\n", 0 },
	{ "in a refusal", "example.com A keepalive tcp",
	    "opt 1232 keepalive=100\n", 0 },
	{ "never over UDP", "web.svc.test A keepalive", "opt 1232\n", 0 },
	{ "not when not asked to", "web.svc.test A tcp edns=1232", "opt 1232\n",
	    0 },
	{ "padding is last, and counts all before it",
	    "web.svc.test A nsid keepalive padding do tls",
	    "opt 1232 do nsid=host.test keepalive=100 padding=388\n", BLOCK },
	{ "another version knows no options",
	    "web.svc.test A version=1 padding tls", "opt 1232\n", 0 },
};

static void test_cases(void **state)
{
	struct world *w = world_new(zone_text);

	(void)state;
	w->handler->responder.keepalive_ds = 100;
	w->identity.host = "host.test";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scoped_free char *text = ask_text(w, cases[i].question);
		const char *opt = strstr(text, "opt ");

		if (!opt ||
		    strncmp(opt, cases[i].opt, strlen(cases[i].opt)) != 0) {
			fail_msg("%s: %s", cases[i].why, text);
		}
		if (cases[i].len && w->response_len != cases[i].len)
			fail_msg("%s: %zu", cases[i].why, w->response_len);
		if (!cases[i].len && w->response_len >= BLOCK)
			fail_msg("%s: %zu", cases[i].why, w->response_len);
	}
	world_free(w);
}

/* Octets of the response to a question about `big`. */
static size_t ask_big(struct world *w, const char *more)
{
	scoped_free char *question =
	    xasprintf("_big._tcp.svc.test SRV%s", more);
	uint8_t msg[ASK_MAX];
	char reason[REPLY_REASON_MAX];
	struct reply r;

	(void)ask_world(w, question, msg);
	assert_true(reply_parse(&r, w->response, w->response_len, reason));
	reply_release(&r);
	return w->response_len;
}

/* Any length becomes the next multiple that has room for the option. */
static void test_every_length(void **state)
{
	enum { INSTANCES = 40, LINE_MAX_LEN = 80 };
	struct world *w = world_new(zone_text);
	scoped_free char *text = xcalloc(INSTANCES + 1, LINE_MAX_LEN);
	size_t at = (size_t)sprintf(text, "service big port 80\n");

	(void)state;
	for (int i = 0; i < INSTANCES; i++) {
		at += (size_t)sprintf(text + at, "instance %.*s%d 192.0.2.1\n",
		    i, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", i);
		world_add(w, text);
		size_t plain = ask_big(w, " tls edns=1232") + 4;
		size_t padded = ask_big(w, " tls padding");
		assert_int_equal(padded % BLOCK, 0);
		assert_true(padded >= plain);
		assert_true(padded < plain + BLOCK);
	}
	world_free(w);
}

/* A message cannot be longer than its frame can say. */
static void test_longest(void **state)
{
	enum { INSTANCES = 3000, LINE_MAX_LEN = 80 };
	struct world *w = world_new(zone_text);
	scoped_free char *text = xcalloc(INSTANCES + 1, LINE_MAX_LEN);
	size_t at = (size_t)sprintf(text, "service big port 80\n");

	(void)state;
	for (int i = 0; i < INSTANCES; i++) {
		at += (size_t)sprintf(text + at,
		    "instance a-long-name-for-an-instance-%d 192.0.2.1\n", i);
	}
	world_add(w, text);
	assert_int_equal(
	    ask_big(w, " tls padding keepalive"), WIRE_MESSAGE_MAX);
	assert_true(ask_big(w, " tls keepalive") < WIRE_MESSAGE_MAX);
	assert_true(ask_big(w, " tcp") <= WIRE_MESSAGE_MAX);
	world_free(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
