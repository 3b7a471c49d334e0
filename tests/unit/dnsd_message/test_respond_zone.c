// SPDX-License-Identifier: BSD-2-Clause
/*
 * Static records: names compressed and not, and what does not fit.
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

/* What ends in the zone's name is compressed and reads the same. */
static void test_static_names(void **state)
{
	static const struct {
		const char *question, *want;
	} cases[] = {
		{ "mx.a.test MX",
		    "NOERROR aa\nan mx.a.test. 60 MX 10 mail.a.test.\n"
		    "an mx.a.test. 60 MX 20 mail.example.\n" },
		{ "cname.a.test CNAME",
		    "NOERROR aa\nan cname.a.test. 60 CNAME b.c.a.test.\n" },
		{ "apex.a.test CNAME",
		    "NOERROR aa\nan apex.a.test. 60 CNAME a.test.\n" },
		{ "ptr.a.test PTR",
		    "NOERROR aa\nan ptr.a.test. 60 PTR xa.test.\n" },
		{ "ns.a.test NS", /* no addresses of names of others */
		    "NOERROR\nns ns.a.test. 60 NS nowhere.a.test.\n"
		    "ns ns.a.test. 60 NS ns.example.\n"
		    "ns ns.a.test. 60 NS ns1.a.test.\n"
		    "ar ns1.a.test. 3600 A 192.0.2.53\n"
		    "ar ns1.a.test. 3600 AAAA 2001:db8::53\n" },
		{ "srv.a.test SRV", /* not to be compressed, RFC 2782 */
		    "NOERROR aa\nan srv.a.test. 60 SRV 1 2 3 t.a.test.\n" },
		{ "ttl.a.test A", "NOERROR aa\nan ttl.a.test. 30 A 192.0.2.1\n"
		                  "an ttl.a.test. 30 A 192.0.2.2\n"
		                  "an ttl.a.test. 30 A 192.0.2.3\n" },
	};
	struct world *w = world_new("zone a.test\n"
	                            "record mx 60 MX 10 mail\n"
	                            "record mx 60 MX 20 mail.example.\n"
	                            "record cname 60 CNAME b.c\n"
	                            "record apex 60 CNAME a.test.\n"
	                            "record ptr 60 PTR xa.test.\n"
	                            "record ns 60 NS ns1\n"
	                            "record ns 60 NS ns.example.\n"
	                            "record ns 60 NS nowhere\n"
	                            "record srv 60 SRV 1 2 3 t\n"
	                            "record ttl 60 A 192.0.2.1\n"
	                            "record ttl 30 A 192.0.2.2\n"
	                            "record ttl 90 A 192.0.2.3\n");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		scoped_free char *got = ask_text(w, cases[i].question);

		assert_string_equal(got, cases[i].want);
	}
	world_free(w);
}

/* `n` name servers at many.a.test, each with both addresses. */
static struct world *many_servers(unsigned n)
{
	struct world *w = world_new("zone a.test\n");

	for (unsigned i = 0; i < n; i++) {
		scoped_free char *text =
		    xasprintf("record many 60 NS n%04u\n"
		              "record n%04u 60 A 192.0.2.1\n"
		              "record n%04u 60 AAAA 2001:db8::1\n",
		        i, i, i);

		/* before it is asked for anything */
		world_add(w, text);
	}
	return w;
}

static const struct {
	const char *why;
	unsigned n, size;
	enum transport via;
	unsigned ns, addresses;
	bool tc;
} servers[] = {
	{ "all fits", 5, 512, VIA_UDP, 5, 10, false },
	{ "addresses are dropped without TC", 12, 512, VIA_UDP, 12, 10, false },
	{ "and that between A and AAAA", 10, 512, VIA_UDP, 10, 12, false },
	{ "a set that does not fit sets TC", 40, 512, VIA_UDP, 23, 0, true },
	{ "TCP holds it; addresses of the first 64", 80, 512, VIA_TCP, 80, 128,
	    false },
	{ "beyond what a pointer reaches", 1000, 512, VIA_TCP, 1000, 128,
	    false },
};

static void test_name_servers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++) {
		struct world *w = many_servers(servers[i].n);
		struct reply r;

		ask_reply(
		    w, &r, "many.a.test NS", servers[i].size, servers[i].via);
		unsigned ns = reply_count(&r, REPLY_AUTHORITY, LDNS_RR_TYPE_NS);
		size_t more =
		    ldns_rr_list_rr_count(r.section[REPLY_ADDITIONAL]);
		if (ns != servers[i].ns || more != servers[i].addresses ||
		    r.tc != servers[i].tc) {
			fail_msg("%s: %u NS, %zu addresses, TC %d, %zu octets",
			    servers[i].why, ns, more, r.tc, w->response_len);
		}
		reply_release(&r);
		world_free(w);
	}
}

/* A set that no message holds: TC over TCP as well, RFC 2181 section 9. */
static void test_longer_than_a_message(void **state)
{
	enum { RECORDS = 700 };
	struct world *w = world_new("zone a.test\n");
	struct reply r;

	(void)state;
	for (unsigned i = 0; i < RECORDS; i++) {
		scoped_free char *text =
		    xasprintf("record big 60 TXT %0200u\n", i);

		world_add(w, text);
	}
	ask_reply(w, &r, "big.a.test TXT", 4096, VIA_TCP);
	unsigned n = reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_TXT);
	assert_true(r.tc);
	assert_true(n > 300 && n < RECORDS);
	assert_int_equal(stats_get(&w->handler->stats, STAT_SAMPLED), 0);
	reply_release(&r);
	world_free(w);
}

/* Aliases that do not fit, to the root, and sets: what fits, and TC. */
static void test_aliases_do_not_fit(void **state)
{
	static const struct {
		const char *question;
		unsigned cnames, dnames, others;
		bool tc;
	} cases[] = {
		{ "first.a.test A", 3, 0, 0, true },
		{ "first.a.test CNAME", 1, 0, 0, false },
		{ "second.a.test TXT", 2, 0, 1, false },
		{ "x.d0.a.test A", 2, 3, 0, true },   /* a CNAME is left out */
		{ "x.long.a.test A", 1, 1, 0, true }, /* the SOA is */
		{ "root.a.test A", 1, 0, 0, false },
		{ "toroot.a.test A", 2, 1, 0, false },
		{ "big.a.test TXT", 0, 0, 4, true },
	};
	struct world *w = world_new("zone a.test\n");

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		scoped_free char *text = xasprintf(
		    "record c%u.%050u.%050u 60 CNAME c%u.%050u.%050u\n"
		    "record d%u 60 DNAME %050u.d%u\n"
		    "record big 60 TXT %0100u%u\n",
		    i, i, i, i + 1, i + 1, i + 1, i, i, i + 1, 0, i);

		world_add(w, text);
	}
	scoped_free char *more =
	    xasprintf("record first 60 CNAME c4.%050u.%050u\n"
	              "record second 60 CNAME c7.%050u.%050u\n"
	              "record c8.%050u.%050u 60 TXT end\n"
	              "record long 60 DNAME %050u.%050u.%050u.%050u\n",
	        4, 4, 7, 7, 8, 8, 1, 2, 3, 4);
	world_add(w, more);
	world_add(w, "record root 60 CNAME .\n"
	             "record gone 60 DNAME .\n"
	             "record toroot 60 CNAME root.gone\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct reply r;

		ask_reply(w, &r, cases[i].question, 512, VIA_UDP);
		unsigned cnames =
		    reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_CNAME);
		unsigned dnames =
		    reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_DNAME);
		size_t all = ldns_rr_list_rr_count(r.section[REPLY_ANSWER]);
		if (cnames != cases[i].cnames || dnames != cases[i].dnames ||
		    all - cnames - dnames != cases[i].others ||
		    r.tc != cases[i].tc) {
			fail_msg("%s: %u CNAME, %u DNAME, %zu in all, "
			         "TC %d, %zu octets",
			    cases[i].question, cnames, dnames, all, r.tc,
			    w->response_len);
		}
		reply_release(&r);
	}
	world_free(w);
}

/* An SOA that does not fit is missing data: TC, and TCP has it. */
static void test_negative_does_not_fit(void **state)
{
	char name[256] = "";
	struct reply r;

	(void)state;
	for (int i = 0; i < 4; i++) {
		size_t len = strlen(name);

		(void)snprintf(
		    name + len, sizeof(name) - len, "%056d%c.", 0, 'a' + i);
	}
	scoped_free char *zone =
	    xasprintf("zone a.test hostmaster %sexample.\n", name);
	scoped_free char *question = xasprintf("%sns1.a.test TXT", name);
	scoped_free char *exists =
	    xasprintf("record %sns1 60 A 192.0.2.1\n", name);
	struct world *w = world_new(zone);
	world_add(w, exists);
	ask_reply(w, &r, question, ASK_NO_EDNS, VIA_UDP);
	assert_true(r.tc);
	assert_int_equal(ldns_rr_list_rr_count(r.section[REPLY_AUTHORITY]), 0);
	reply_release(&r);
	ask_reply(w, &r, question, ASK_NO_EDNS, VIA_TCP);
	assert_false(r.tc);
	assert_int_equal(ldns_rr_list_rr_count(r.section[REPLY_AUTHORITY]), 1);
	reply_release(&r);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_static_names),
		cmocka_unit_test(test_name_servers),
		cmocka_unit_test(test_longer_than_a_message),
		cmocka_unit_test(test_aliases_do_not_fit),
		cmocka_unit_test(test_negative_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
