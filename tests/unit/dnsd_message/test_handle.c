// SPDX-License-Identifier: BSD-2-Clause
/*
 * Batches, what is counted, malformed requests, and the shares of first
 * places as a client sees them.
 */
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/ask.h"
#include "tests/support/batch.h"
#include "tests/support/chi.h"
#include "tests/support/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ANSWERS = 100000 };

static const char world[] =
    "zone svc.test\n"
    "service web port 80\n"
    "meta k v\n"
    "instance i1 192.0.2.1 six 2001:db8::1 weight 1 port 1\n"
    "instance i2 192.0.2.2 six 2001:db8::2 weight 10 port 2\n"
    "instance i3 192.0.2.3 six 2001:db8::3 weight 1000 port 3\n"
    "instance i4 192.0.2.4 six 2001:db8::4 weight 0 port 4\n"
    "instance i5 192.0.2.5 six 2001:db8::5 weight 65535 priority 1 port 5\n";

/* ---- malformed requests ----------------------------------------------- */

/* clang-format off */
#define L(s) (s), sizeof(s) - 1

static const struct {
	const char *why, *msg;
	size_t len;
	const char *want; /* NULL: not answered */
	enum stat stat;
} malformed[] = {
	{ "too short", L("\0\1\0\0\0\1\0\0\0\0\0"), NULL, STAT_DROPPED },
	{ "an answer", L("\0\1\200\0\0\1\0\0\0\0\0\0\0\0\1\0\1"), NULL,
	    STAT_DROPPED },
	{ "no question", L("\0\1\0\0\0\0\0\0\0\0\0\0"),
	    "FORMERR no-question\n", STAT_FORMERR },
	{ "a broken name: there is no question to echo",
	    L("\0\1\1\20\0\1\0\0\0\0\0\0\5a"),
	    "FORMERR rd cd no-question\n", STAT_FORMERR },
	{ "trailing octets: the question is known",
	    L("\0\1\0\0\0\1\0\0\0\0\0\0\0\0\1\0\1x"), "FORMERR\n",
	    STAT_FORMERR },
	{ "an OPT that was read before the fault is answered",
	    L("\0\1\0\0\0\1\0\0\0\0\0\1\0\0\1\0\1"
	      "\0\0\51\4\320\0\0\0\0\0\0x"),
	    "FORMERR\nopt 1232\n", STAT_FORMERR },
	{ "NOTIFY", L("\0\1\44\0\0\1\0\0\0\0\0\0\0\0\6\0\1"),
	    "NOTIMP\n", STAT_NOTIMP },
	{ "UPDATE", L("\0\1\50\0\0\1\0\0\0\1\0\0\0\0\6\0\1"),
	    "NOTIMP\n", STAT_NOTIMP },
	{ "NOTIFY with EDNS",
	    L("\0\1\44\0\0\1\0\0\0\0\0\1\0\0\6\0\1"
	      "\0\0\51\4\320\0\0\0\0\0\0"),
	    "NOTIMP\nopt 1232\n", STAT_NOTIMP },
	{ "two questions with EDNS",
	    L("\0\1\0\0\0\2\0\0\0\0\0\1\0\0\6\0\1\0\0\6\0\1"
	      "\0\0\51\4\320\0\0\0\0\0\0"),
	    "FORMERR no-question\nopt 1232\n", STAT_FORMERR },
	{ "IQUERY", L("\0\1\10\0\0\0\0\1\0\0\0\0"), "NOTIMP no-question\n",
	    STAT_NOTIMP },
	{ "EDNS of another version",
	    L("\0\1\0\0\0\1\0\0\0\0\0\1\0\0\1\0\1"
	      "\0\0\51\4\320\0\1\200\0\0\0"),
	    "BADVERS\nopt 1232 do\n", STAT_BADVERS },
};
/* clang-format on */

static void test_malformed(void **state)
{
	struct world *w = world_new(world);

	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++) {
		const uint8_t *msg = (const uint8_t *)malformed[i].msg;
		uint64_t before =
		    stats_get(&w->handler->stats, malformed[i].stat);
		char reason[REPLY_REASON_MAX];

		world_handle(w, msg, malformed[i].len, VIA_UDP);
		if (!reply_matches(msg, malformed[i].len, w->response,
		        w->response_len, VIA_UDP, WORLD_UDP_MAX, reason))
			fail_msg("%s: %s", malformed[i].why, reason);
		assert_int_equal(
		    stats_get(&w->handler->stats, malformed[i].stat),
		    before + 1);
		if (!malformed[i].want) {
			assert_int_equal(w->response_len, 0);
			continue;
		}
		scoped_free char *got =
		    reply_text(w->response, w->response_len);
		if (strcmp(got, malformed[i].want) != 0)
			fail_msg("%s: %s", malformed[i].why, got);
	}
	assert_int_equal(stats_get(&w->handler->stats, STAT_UDP_REQUESTS),
	    sizeof(malformed) / sizeof(*malformed));
	world_free(w);
}

/* ---- what is counted -------------------------------------------------- */

static const struct {
	const char *question;
	enum stat stat;
} counted[] = {
	{ "web.svc.test A", STAT_NOERROR },
	{ "web.svc.test MX", STAT_NODATA },
	{ "nope.svc.test A", STAT_NXDOMAIN },
	{ "example.com A", STAT_REFUSED },
	{ "svc.test AXFR tcp", STAT_REFUSED },
	{ "svc.test TYPE41", STAT_FORMERR },
	{ "svc.test TKEY", STAT_NOTIMP },
	{ "svc.test SOA version=7", STAT_BADVERS },
	{ "version.bind TXT class=CH", STAT_NOERROR },
};

/* Exactly the request and its outcome, nothing else. */
static void check_counters(const struct stats *stats, const char *question,
    enum stat transport, enum stat outcome)
{
	for (enum stat s = STAT_UDP_REQUESTS; s < STAT_N; s++) {
		bool want = s == transport || s == outcome;

		if (stats_get(stats, s) != want)
			fail_msg("%s: %s is %d", question, stat_name(s), !want);
	}
}

static void test_counters(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++) {
		struct world *w = world_new(world);
		const char *question = counted[i].question;
		uint8_t msg[ASK_MAX];

		(void)ask_world(w, question, msg);
		check_counters(&w->handler->stats, question,
		    strstr(question, " tcp") ? STAT_TCP_REQUESTS
		                             : STAT_UDP_REQUESTS,
		    counted[i].stat);
		world_free(w);
	}
}

/* ---- batches ---------------------------------------------------------- */

/* A request in a batch is answered as it is alone, whatever is beside it. */
static void test_batch(void **state)
{
	static const char *const questions[] = { "svc.test SOA",
		"i1.web.svc.test A", "nope.svc.test A edns=1232",
		"example.com MX", "web.svc.test TXT", "_tcp.svc.test A",
		"id.server TXT class=CH", "i2.web.svc.test SRV do" };
	enum { KINDS = sizeof(questions) / sizeof(*questions) };
	uint8_t request[HANDLE_BATCH_MAX][ASK_MAX];
	static uint8_t response[HANDLE_BATCH_MAX]
	                       [WORLD_UDP_MAX + RESPOND_SLACK];
	struct message m[HANDLE_BATCH_MAX];
	struct world *w = world_new(world);

	(void)state;
	for (unsigned n = 0; n <= HANDLE_BATCH_MAX; n++) {
		for (unsigned i = 0; i < n; i++) {
			char name[ASK_NAME_MAX];
			struct ask a;

			ask_parse(&a, name, questions[(i * 5 + n) % KINDS]);
			a.id = (uint16_t)(1000 * n + i);
			m[i] = (struct message){ request[i],
				ask_build(&a, request[i]), response[i], 0,
				NULL };
			if (i % 7 == 6) /* one that is dropped */
				m[i].request_len = 5;
		}
		handle_batch(w->handler, m, n, VIA_UDP);
		for (unsigned i = 0; i < n; i++) {
			world_handle(w, request[i], m[i].request_len, VIA_UDP);
			assert_int_equal(m[i].response_len, w->response_len);
			assert_memory_equal(
			    response[i], w->response, w->response_len);
		}
	}
	world_free(w);
}

/* Nothing of an earlier answer shows in a later one. */
static void test_no_residue(void **state)
{
	struct world *w = world_new(world);
	struct world *fresh = world_new(world);
	uint8_t msg[ASK_MAX];

	(void)state;
	(void)ask_world(w, "_web._tcp.svc.test SRV tcp", msg);
	memset(w->response, 0xff, sizeof(w->response));
	scoped_free char *after = ask_text(w, "nope.svc.test A");
	scoped_free char *alone = ask_text(fresh, "nope.svc.test A");
	assert_string_equal(after, alone);
	assert_int_equal(w->response_len, fresh->response_len);
	assert_memory_equal(w->response, fresh->response, w->response_len);
	world_free(w);
	world_free(fresh);
}

/* ---- shares ----------------------------------------------------------- */

/* The last digit of what the first answer record points to. */
static unsigned first_of(const struct world *w, uint16_t type, size_t question)
{
	const uint8_t *rr = w->response + WIRE_HEADER_LEN + question;

	assert_int_equal(wire_get16(rr + 2), type);
	switch (type) {
	case TYPE_SRV:
		return wire_get16(rr + 16); /* the port */
	case TYPE_A:
		return rr[12 + 3];
	default:
		return rr[12 + 15];
	}
}

static const struct {
	const char *why, *question;
	uint16_t type;
	bool heavy; /* add 70 more of weight 16 */
	unsigned max;
} shares[] = {
	{ "SRV", "_web._tcp.svc.test SRV", TYPE_SRV, false, 0 },
	{ "SRV at the name", "web.svc.test SRV edns=1232", TYPE_SRV, false, 0 },
	{ "A", "web.svc.test A", TYPE_A, false, 0 },
	{ "AAAA", "web.svc.test AAAA", TYPE_AAAA, false, 0 },
	{ "SRV of many, too many for 512 octets", "_web._tcp.svc.test SRV",
	    TYPE_SRV, true, 0 },
	{ "A of many, a sample of 8", "web.svc.test A", TYPE_A, true, 8 },
	{ "AAAA of many", "web.svc.test AAAA", TYPE_AAAA, true, 8 },
	{ "A of many, too many for 512 octets", "web.svc.test A", TYPE_A, true,
	    0 },
	{ "AAAA of many, too many", "web.svc.test AAAA", TYPE_AAAA, true, 0 },
	{ "A of all", "web.svc.test A edns=1232", TYPE_A, true, 0 },
};

static struct world *world_of(size_t c, unsigned *ret_n)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	*ret_n = shares[c].heavy ? 75 : 5;
	if (shares[c].max)
		(void)fprintf(f, "zone svc.test max %u\n", shares[c].max);
	(void)fputs(world, f);
	for (unsigned i = 6; i <= *ret_n; i++) {
		(void)fprintf(f,
		    "instance i%u 192.0.2.%u six 2001:db8::%x weight 16 "
		    "port %u\n",
		    i, i, i, i);
	}
	(void)fclose(f);
	struct world *w = world_new(text);
	free(text);
	return w;
}

/*
 * Over 100,000 answers each stands first in proportion to its weight: of a set
 * that does not fit, over as many slots.
 */
static void test_shares(void **state)
{
	(void)state;
	for (size_t c = 0; c < sizeof(shares) / sizeof(*shares); c++) {
		unsigned n, count[76] = { 0 };
		struct world *w = world_of(c, &n);
		uint8_t msg[ASK_MAX];
		double p[76] = { 0 }, total = n == 5 ? 1011 : 1011 + 70 * 16;
		size_t len = ask_world(w, shares[c].question, msg);
		size_t question = strlen(shares[c].question) -
		                  strlen(strchr(shares[c].question, ' ')) + 2 +
		                  4;

		p[1] = 1 / total;
		p[2] = 10 / total;
		p[3] = 1000 / total;
		for (unsigned i = 6; i <= n; i++)
			p[i] = 16 / total;
		for (unsigned k = 0; k < ANSWERS; k++) {
			w->handler->screen.now_wall_s = k * PART_SLOT_S;
			world_handle(w, msg, len, VIA_UDP);
			count[first_of(w, shares[c].type, question)]++;
		}
		if (!chi_fits(count, p, n + 1, ANSWERS)) {
			fail_msg("%s: %u %u %u", shares[c].why, count[1],
			    count[2], count[3]);
		}
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_no_residue),
		cmocka_unit_test(test_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
