// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sizes: what is left out first, what sets TC, and that nothing is ever
 * empty, too long or cut because of its size.
 */
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/ask.h"
#include "tests/support/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SRV_LEN = 18 + 7 + 14 };

enum family { FOUR, SIX, BOTH };

/* `service big` with n instances i00000 ..., which sum up to one world. */
static void add_big(
    struct world *w, const char *line, unsigned n, enum family family)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	(void)fprintf(f, "%s\n", line);
	for (unsigned i = 0; i < n; i++) {
		if (family == SIX) {
			(void)fprintf(f, "instance i%05u 2001:db8::%x", i, i);
		} else {
			(void)fprintf(f, "instance i%05u 10.%u.%u.%u", i,
			    i >> 16, i >> 8 & 255, i & 255);
		}
		if (family == BOTH)
			(void)fprintf(f, " six 2001:db8::%x", i);
		(void)fprintf(f, " weight %u\n", i % 7);
	}
	(void)fclose(f);
	world_add(w, text);
	free(text);
}

/* Octets there are for records. */
static size_t room_for(const struct reply *r, size_t limit)
{
	return limit - WIRE_HEADER_LEN - r->question_len -
	       (r->opt_n ? 11u : 0u);
}

/* Each target once; addresses only of targets that are in the answer. */
static void check_srv_sets(const struct reply *r)
{
	size_t n = ldns_rr_list_rr_count(r->section[REPLY_ANSWER]);
	size_t more = ldns_rr_list_rr_count(r->section[REPLY_ADDITIONAL]);

	for (size_t i = 0; i < n; i++) {
		const ldns_rdf *a = ldns_rr_rdf(
		    ldns_rr_list_rr(r->section[REPLY_ANSWER], i), 3);

		for (size_t k = 0; k < i; k++) {
			assert_int_not_equal(
			    ldns_rdf_compare(
			        a, ldns_rr_rdf(ldns_rr_list_rr(
			                           r->section[REPLY_ANSWER], k),
			               3)),
			    0);
		}
	}
	for (size_t i = 0; i < more; i++) {
		const ldns_rdf *owner = ldns_rr_owner(
		    ldns_rr_list_rr(r->section[REPLY_ADDITIONAL], i));
		bool found = false;

		for (size_t k = 0; k < n && !found; k++) {
			found = !ldns_rdf_compare(owner,
			    ldns_rr_rdf(
			        ldns_rr_list_rr(r->section[REPLY_ANSWER], k),
			        3));
		}
		assert_true(found);
	}
}

static void check_srv(
    struct world *w, unsigned n, unsigned size, enum family family)
{
	struct reply r;
	size_t limit = size == ASK_NO_EDNS ? 512 : size;

	ask_reply(w, &r, "_big._tcp.svc.test SRV", size, VIA_UDP);
	size_t fit = room_for(&r, limit) / SRV_LEN;
	unsigned answer_n = reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_SRV);
	unsigned more = reply_count(&r, REPLY_ADDITIONAL, LDNS_RR_TYPE_A) +
	                reply_count(&r, REPLY_ADDITIONAL, LDNS_RR_TYPE_AAAA);
	if (answer_n != (n < fit ? n : fit))
		fail_msg("%u SRV of %u in %u octets", answer_n, n, size);
	/* TC only when a record of the answer is missing */
	assert_int_equal(r.tc, answer_n < n);
	/* all addresses, or not one more would fit */
	unsigned all = answer_n * (family == BOTH ? 2 : 1);
	size_t next = family == FOUR ? 16 : 28;
	if (more < all && !(limit - w->response_len < next)) {
		fail_msg("%u addresses of %u, %zu of %zu octets", more, all,
		    w->response_len, limit);
	}
	check_srv_sets(&r);
	reply_release(&r);
}

/* all: the service has max_answers: all. */
static void check_addresses(
    struct world *w, unsigned n, unsigned size, enum family family, bool all)
{
	struct reply r;
	size_t limit = size == ASK_NO_EDNS ? 512 : size;

	for (int v6 = 0; v6 <= 1; v6++) {
		if ((v6 && family == FOUR) || (!v6 && family == SIX))
			continue;
		ask_reply(w, &r, v6 ? "big.svc.test AAAA" : "big.svc.test A",
		    size, VIA_UDP);
		size_t fit = room_for(&r, limit) / (v6 ? 28 : 16);
		unsigned got = reply_count(
		    &r, REPLY_ANSWER, v6 ? LDNS_RR_TYPE_AAAA : LDNS_RR_TYPE_A);
		assert_int_equal(got, n < fit ? n : fit);
		/* else nobody would ask by TCP for the rest */
		assert_int_equal(r.tc, all && got < n);
		reply_release(&r);
	}
}

/* A third of the sizes for each number of members, all of them together. */
static void test_every_size(void **state)
{
	static const unsigned members[] = { 1, 7, 12, 20, 64, 65, 300 };

	(void)state;
	for (size_t m = 0; m < sizeof(members) / sizeof(*members); m++) {
		for (enum family f = FOUR; f <= BOTH; f++) {
			struct world *w = world_new("zone svc.test\n");
			bool all = (m + f) % 2;

			add_big(w, all ? "service big max 0" : "service big",
			    members[m], f);
			check_srv(w, members[m], ASK_NO_EDNS, f);
			check_addresses(w, members[m], ASK_NO_EDNS, f, all);
			for (size_t i = (m + f) % 3; i <= 720; i += 3) {
				unsigned size = 512 + (unsigned)i;

				check_srv(w, members[m], size, f);
				check_addresses(w, members[m], size, f, all);
			}
			world_free(w);
		}
	}
}

/* The smallest that a client may ask for, and the largest we give. */
static void test_limits_of_size(void **state)
{
	struct world *w = world_new("zone svc.test\n");
	struct reply r;

	(void)state;
	add_big(w, "service big max 0", 300, FOUR);
	ask_reply(w, &r, "_big._tcp.svc.test SRV", 1, VIA_UDP);
	assert_true(w->response_len <= 512 && w->response_len > 512 - SRV_LEN);
	reply_release(&r);
	ask_reply(w, &r, "_big._tcp.svc.test SRV", 65535, VIA_UDP);
	assert_true(w->response_len <= 1232);
	assert_true(w->response_len > 1232 - SRV_LEN);
	reply_release(&r);
	assert_int_equal(stats_get(&w->handler->stats, STAT_TRUNCATED), 2);
	world_free(w);
}

static const struct {
	const char *why;
	unsigned n;
	enum family family;
	bool whole;
	const char *question;
} tcp[] = {
	{ "all of a set that UDP cannot hold", 300, BOTH, true,
	    "_big._tcp.svc.test SRV" },
	{ "targets that no pointer reaches have no addresses", 1500, BOTH, true,
	    "_big._tcp.svc.test SRV" },
	{ "a sample where even TCP is too small", 3000, FOUR, false,
	    "_big._tcp.svc.test SRV" },
	{ "more than TCP by far", 20000, SIX, false, "_big._tcp.svc.test SRV" },
	{ "all addresses", 3000, FOUR, true, "big.svc.test A" },
	{ "a sample of addresses", 5000, FOUR, false, "big.svc.test A" },
	{ "a sample of longer addresses", 3000, SIX, false,
	    "big.svc.test AAAA" },
};

static void test_tcp(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tcp) / sizeof(*tcp); i++) {
		struct world *w = world_new("zone svc.test\n");
		bool srv = tcp[i].question[0] == '_', all = i % 2;
		struct reply r;

		add_big(w, all ? "service big max 0" : "service big", tcp[i].n,
		    tcp[i].family);
		ask_reply(w, &r, tcp[i].question, 1232, VIA_TCP);
		size_t n = ldns_rr_list_rr_count(r.section[REPLY_ANSWER]);
		if ((n == tcp[i].n) != tcp[i].whole || r.tc)
			fail_msg("%s: %zu of %u", tcp[i].why, n, tcp[i].n);
		if (!tcp[i].whole)
			assert_true(w->response_len > 65535 - SRV_LEN);
		assert_int_equal(stats_get(&w->handler->stats, STAT_SAMPLED),
		    (srv || all) && !tcp[i].whole);
		assert_int_equal(
		    stats_get(&w->handler->stats, STAT_TRUNCATED), 0);
		if (srv && n < 2000)
			check_srv_sets(&r);
		reply_release(&r);
		world_free(w);
	}
}

/* How many of the targets a 14-bit pointer can reach. */
static void test_pointer_limit(void **state)
{
	struct world *w = world_new("zone svc.test\n");
	struct reply r;

	(void)state;
	add_big(w, "service big", 1000, FOUR);
	ask_reply(w, &r, "_big._tcp.svc.test SRV", ASK_NO_EDNS, VIA_TCP);
	/* the first target stands behind the question and 18 octets */
	size_t first = WIRE_HEADER_LEN + r.question_len + 18;
	assert_int_equal(reply_count(&r, REPLY_ADDITIONAL, LDNS_RR_TYPE_A),
	    (0x3fff - first) / SRV_LEN + 1);
	reply_release(&r);
	world_free(w);
}

/*
 * DNS-SD: all the names, or as many as fit with TC; what goes along with them
 * is whole for each name and never sets TC.
 */
static void test_every_size_of_browsing(void **state)
{
	enum { N = 40, PTR_LEN = 12 + 7 + 2, TXT_LEN = 10 + 2 + 1 };
	struct world *w = world_new("zone svc.test\n");
	unsigned truncated_n = 0, bare_n = 0;

	(void)state;
	add_big(w, "service big", N, FOUR);
	for (unsigned size = 512; size <= 1232; size++) {
		struct reply r;

		ask_reply(w, &r, "_big._tcp.svc.test PTR", size, VIA_UDP);
		unsigned ptr = reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_PTR);
		unsigned srv =
		    reply_count(&r, REPLY_ADDITIONAL, LDNS_RR_TYPE_SRV);
		unsigned txt =
		    reply_count(&r, REPLY_ADDITIONAL, LDNS_RR_TYPE_TXT);
		size_t fit = room_for(&r, size) / PTR_LEN;

		assert_int_equal(ptr, fit < N ? fit : N);
		assert_int_equal(r.tc, fit < N);
		assert_true(srv == txt || srv + 1 == txt);
		assert_true(!r.tc || !txt);
		truncated_n += r.tc;
		bare_n += !r.tc && !txt;
		reply_release(&r);
	}
	assert_true(truncated_n > 0);
	assert_int_equal(bare_n, TXT_LEN); /* no room for the first one */
	world_free(w);
}

/* One TXT record cannot be cut: TC, and TCP has it. */
static void test_txt(void **state)
{
	char text[4096] = "zone svc.test\nservice web\n";
	struct world *w;
	struct reply r;

	(void)state;
	for (int i = 0; i < 20; i++) {
		size_t len = strlen(text);

		(void)snprintf(
		    text + len, sizeof(text) - len, "meta key%d %060d\n", i, i);
	}
	w = world_new(text);
	ask_reply(w, &r, "web.svc.test TXT", 1232, VIA_UDP);
	assert_true(r.tc);
	assert_int_equal(ldns_rr_list_rr_count(r.section[REPLY_ANSWER]), 0);
	reply_release(&r);
	ask_reply(w, &r, "web.svc.test TXT", 1232, VIA_TCP);
	assert_int_equal(reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_TXT), 1);
	assert_int_equal(
	    ldns_rr_rd_count(ldns_rr_list_rr(r.section[REPLY_ANSWER], 0)), 20);
	reply_release(&r);
	world_free(w);
}

/*
 * However long the server's name is, it takes no room from the answer and
 * does not lead beyond the end of it.
 */
static void check_identity(
    struct world *w, const char *question, size_t name_len, size_t limit)
{
	char host[300];
	struct reply r;
	char reason[REPLY_REASON_MAX];
	uint8_t msg[ASK_MAX];

	w->identity.host = host;
	for (size_t len = 0; len < sizeof(host); len++) {
		size_t nsid = 4 + (len < 255 ? len : 255);
		bool fits = 12 + name_len + 4 + 11 + nsid + 273 <= limit;

		memset(host, 'h', len);
		host[len] = '\0';
		(void)ask_world(w, question, msg);
		assert_true(
		    reply_parse(&r, w->response, w->response_len, reason));
		assert_int_equal(
		    reply_count(&r, REPLY_AUTHORITY, LDNS_RR_TYPE_SOA), 1);
		assert_int_equal(r.opt_rdata_len, fits ? nsid : 0);
		reply_release(&r);
	}
	w->identity.host = NULL;
}

static void test_long_identity(void **state)
{
	char label[64], host[300];
	struct world *w = world_new("zone a.test\n");
	uint8_t msg[ASK_MAX];

	(void)state;
	memset(label, 'x', 63);
	label[63] = '\0';
	scoped_free char *long_name = xasprintf(
	    "%s.%s.%s.%.50s.a.test A nsid", label, label, label, label);
	scoped_free char *small = xasprintf("%s edns=512", long_name);
	check_identity(w, small, 250, 512);
	check_identity(w, long_name, 250, 1232);
	check_identity(w, "x.a.test A nsid edns=512", 10, 512);
	check_identity(w, "x.a.test A nsid", 10, 1232);

	/* in class CH it is one string of at most 255 octets */
	memset(host, 'h', sizeof(host));
	host[299] = '\0';
	w->identity.host = host;
	(void)ask_world(w, "id.server TXT class=CH", msg);
	assert_int_equal(w->response_len, WIRE_HEADER_LEN + 15 + 12 + 256);
	world_free(w);
}

/* ---- what no interface takes ------------------------------------------ */

/* A response that is cut: TC, question and OPT, and the RCODE as it was. */
static void check_cut(struct world *w, const char *question)
{
	scoped_free char *before = ask_text(w, question);
	size_t len = respond_cut(w->response, w->response_len);
	scoped_free char *after = reply_text(w->response, len);
	const char *opt = strstr(before, "opt ");
	size_t rcode_len = strcspn(before, " \n");
	struct reply r;
	char reason[REPLY_REASON_MAX];

	assert_true(reply_parse(&r, w->response, len, reason));
	for (int s = REPLY_ANSWER; s <= REPLY_ADDITIONAL; s++)
		assert_int_equal(ldns_rr_list_rr_count(r.section[s]), 0);
	assert_int_equal(r.tc, len < w->response_len);
	assert_int_equal(r.opt_n, opt != NULL);
	reply_release(&r);
	assert_memory_equal(after, before, rcode_len);
	if (opt)
		assert_string_equal(strstr(after, "opt "), opt);
	assert_true(len <= WIRE_UDP_MIN);
	assert_int_equal(respond_cut(w->response, len), len);
}

static void test_cut(void **state)
{
	static const char *const questions[] = { "_big._tcp.svc.test SRV",
		"_big._tcp.svc.test SRV edns=1232 do nsid",
		"_big._tcp.svc.test PTR nsid cookie=2464c4abcf10c957",
		"big.svc.test A edns=1232", "i00001.big.svc.test AAAA",
		"nope.svc.test A edns=512", "svc.test NS edns=1232 rd cd",
		"sub.svc.test A edns=1232", ". ANY", "example.com A",
		"example.com A edns=1232", "to.there.svc.test A edns=1232",
		"version.bind TXT class=CH nsid" };
	struct world *w = world_new("zone svc.test\n"
	                            "record sub 60 NS ns.sub\n"
	                            "record ns.sub 60 A 192.0.2.9\n"
	                            "record there 60 DNAME svc.test.\n");

	(void)state;
	w->policy.cookies = COOKIES_ON;
	w->policy.secrets.n = 1;
	add_big(w, "service big", 60, BOTH);
	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++)
		check_cut(w, questions[i]);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_size),
		cmocka_unit_test(test_limits_of_size),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_pointer_limit),
		cmocka_unit_test(test_every_size_of_browsing),
		cmocka_unit_test(test_txt),
		cmocka_unit_test(test_long_identity),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
