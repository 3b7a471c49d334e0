// SPDX-License-Identifier: BSD-2-Clause
/*
 * What goes along with an answer: addresses of targets, from the zone and
 * from services, and what becomes of them where there is little room.
 */
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char world[] = "zone sub.svc.test\n"
                            "record host 60 A 192.0.2.70\n"
                            "zone svc.test ttl 5 negative 2\n"
                            "service dual port 80\n"
                            "instance i1 192.0.2.1 six 2001:db8::1\n"
                            "service hidden port 80\n"
                            "instance i1 192.0.2.2 six 2001:db8::2\n"
                            "service half port 80\n"
                            "instance i1 192.0.2.3 six 2001:db8::3\n"
                            "service down port 80\n"
                            "instance i1 192.0.2.4 health critical\n"
                            "record hidden 60 CNAME ns1\n"
                            "record half 60 A 192.0.2.99\n"
                            "record moved 60 DNAME other\n"
                            "record moved 60 A 192.0.2.98\n"
                            "record cut 60 NS ns1\n"
                            "record cut 60 A 192.0.2.97\n"
                            "record mx1 60 MX 1 dual\n"
                            "record mx2 60 MX 1 hidden\n"
                            "record mx3 60 MX 1 half\n"
                            "record mx4 60 MX 1 i1.dual\n"
                            "record mx5 60 MX 1 host.sub\n"
                            "record mx6 60 MX 1 moved\n"
                            "record mx7 60 MX 1 down\n"
                            "record mx8 60 MX 1 _tcp\n"
                            "record mx9 60 MX 1 cut\n"
                            "record alias 60 HTTPS 0 .\n"
                            "record alias 60 A 192.0.2.96\n"
                            "record nowhere 60 SRV 0 0 0 .\n"
                            "zone wild.test\n"
                            "record * 60 A 192.0.2.95\n"
                            "record mx1 60 MX 1 any\n"
                            "record mx2 60 MX 1 any.any\n"
                            "record mx3 60 MX 1 i1.web\n"
                            "record mx4 60 MX 1 x.i1.web\n"
                            "record mx5 60 MX 1 x.web\n"
                            "record mx6 60 MX 1 x._tcp\n"
                            "record mx7 60 MX 1 _x._tcp\n"
                            "record mx8 60 MX 1 x._sctp\n"
                            "service web port 80\n"
                            "instance i1 192.0.2.5\n";

/* clang-format off */
static const struct {
	const char *why, *question, *want;
} cases[] = {
	{ "a service, both families", "mx1.svc.test MX",
	    "NOERROR aa\nan mx1.svc.test. 60 MX 1 dual.svc.test.\n"
	    "ar dual.svc.test. 5 A 192.0.2.1\n"
	    "ar dual.svc.test. 5 AAAA 2001:db8::1\n" },
	{ "not what a static alias hides", "mx2.svc.test MX",
	    "NOERROR aa\nan mx2.svc.test. 60 MX 1 hidden.svc.test.\n" },
	{ "a static type before the service's", "mx3.svc.test MX",
	    "NOERROR aa\nan mx3.svc.test. 60 MX 1 half.svc.test.\n"
	    "ar half.svc.test. 5 AAAA 2001:db8::3\n"
	    "ar half.svc.test. 60 A 192.0.2.99\n" },
	{ "an instance, both families", "mx4.svc.test MX",
	    "NOERROR aa\nan mx4.svc.test. 60 MX 1 i1.dual.svc.test.\n"
	    "ar i1.dual.svc.test. 5 A 192.0.2.1\n"
	    "ar i1.dual.svc.test. 5 AAAA 2001:db8::1\n" },
	{ "not from another zone", "mx5.svc.test MX",
	    "NOERROR aa\nan mx5.svc.test. 60 MX 1 host.sub.svc.test.\n" },
	{ "a DNAME is not for its owner", "mx6.svc.test MX",
	    "NOERROR aa\nan mx6.svc.test. 60 MX 1 moved.svc.test.\n"
	    "ar moved.svc.test. 60 A 192.0.2.98\n" },
	{ "a service without anybody", "mx7.svc.test MX",
	    "NOERROR aa\nan mx7.svc.test. 60 MX 1 down.svc.test.\n" },
	{ "a name that only exists", "mx8.svc.test MX",
	    "NOERROR aa\nan mx8.svc.test. 60 MX 1 _tcp.svc.test.\n" },
	{ "glue is no data of ours", "mx9.svc.test MX",
	    "NOERROR aa\nan mx9.svc.test. 60 MX 1 cut.svc.test.\n" },
	{ "an alias to nothing (RFC 9460 section 2.5.1)",
	    "alias.svc.test TYPE65",
	    "NOERROR aa\nan alias.svc.test. 60 HTTPS 0 .\n" },
	/* which name is the closest that exists decides, whoever has it */
	{ "a wildcard", "mx1.wild.test MX",
	    "NOERROR aa\nan mx1.wild.test. 60 MX 1 any.wild.test.\n"
	    "ar any.wild.test. 60 A 192.0.2.95\n" },
	{ "a wildcard, further below", "mx2.wild.test MX",
	    "NOERROR aa\nan mx2.wild.test. 60 MX 1 any.any.wild.test.\n"
	    "ar any.any.wild.test. 60 A 192.0.2.95\n" },
	{ "not of an instance", "mx3.wild.test MX",
	    "NOERROR aa\nan mx3.wild.test. 60 MX 1 i1.web.wild.test.\n"
	    "ar i1.web.wild.test. 5 A 192.0.2.5\n" },
	{ "nor below one", "mx4.wild.test MX",
	    "NOERROR aa\nan mx4.wild.test. 60 MX 1 x.i1.web.wild.test.\n" },
	{ "nor below a service", "mx5.wild.test MX",
	    "NOERROR aa\nan mx5.wild.test. 60 MX 1 x.web.wild.test.\n" },
	{ "nor below the name of its protocol", "mx6.wild.test MX",
	    "NOERROR aa\nan mx6.wild.test. 60 MX 1 x._tcp.wild.test.\n" },
	{ "of a service that is not there, either", "mx7.wild.test MX",
	    "NOERROR aa\nan mx7.wild.test. 60 MX 1 _x._tcp.wild.test.\n" },
	{ "but of a protocol that nobody has", "mx8.wild.test MX",
	    "NOERROR aa\nan mx8.wild.test. 60 MX 1 x._sctp.wild.test.\n"
	    "ar x._sctp.wild.test. 60 A 192.0.2.95\n" },
	{ "a service decidedly not there (RFC 2782)", "nowhere.svc.test SRV",
	    "NOERROR aa\nan nowhere.svc.test. 60 SRV 0 0 0 .\n" },
};
/* clang-format on */

static void test_cases(void **state)
{
	struct world *w = world_new(world);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		scoped_free char *got = ask_text(w, cases[i].question);

		if (strcmp(got, cases[i].want) != 0) {
			fail_msg("%s: '%s'\n%s--- expected:\n%s", cases[i].why,
			    cases[i].question, got, cases[i].want);
		}
	}
	world_free(w);
}

/* Targets that lie beyond what a pointer reaches are written again. */
static void test_many_targets(void **state)
{
	enum { TARGETS = 300, AT_MOST = 64 };
	static const char *const zones[] = { "zone a.test\n",
		"zone a.test\nservice web\ninstance i1 192.0.2.1\n" };

	(void)state;
	for (size_t z = 0; z < 2; z++) {
		struct world *w = world_new(zones[z]);
		struct reply r;

		for (unsigned i = 0; i < TARGETS; i++) {
			/* each a hundred octets; only the last have addresses
			 */
			scoped_free char *text = xasprintf(
			    "record many 60 SRV 0 0 1 t%03u.%048u.%048u\n"
			    "record t%03u.%048u.%048u 60 %s\n",
			    i, 0, 0, i, 0, 0,
			    i < 150 ? "TXT \"x\"" : "A 192.0.2.1");

			world_add(w, text);
		}
		w->zone->has_services = z;
		ask_reply(w, &r, "many.a.test SRV", 4096, VIA_TCP);
		assert_false(r.tc);
		assert_int_equal(
		    reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_SRV), TARGETS);
		unsigned n = reply_count(&r, REPLY_ADDITIONAL, LDNS_RR_TYPE_A);
		/* targets without a node are services' to know, and counted */
		assert_int_equal(n, z ? 0 : AT_MOST);
		reply_release(&r);
		world_free(w);
	}
}

/* In-domain glue that no message holds: TC, whatever the transport. */
static void test_longest_referral(void **state)
{
	enum { SERVERS = 900 };
	struct world *w = world_new("zone a.test\n");
	struct reply r;

	(void)state;
	for (unsigned i = 0; i < SERVERS; i++) {
		scoped_free char *text =
		    xasprintf("record sub 60 NS n%03u.%060u.sub\n", i, i);

		world_add(w, text);
	}
	ask_reply(w, &r, "x.sub.a.test A", 4096, VIA_TCP);
	assert_true(r.tc);
	assert_false(r.aa);
	reply_release(&r);
	world_free(w);
}

/* Behind aliases that take the room: TC, for there is more to give. */
static void test_behind_aliases(void **state)
{
	enum { ALIASES = 6 };
	static const struct {
		const char *alias, *type;
	} asked[] = { { "c0", "A" }, { "s0", "SRV" }, { "c0", "AAAA" } };

	(void)state;
	for (size_t k = 0; k < sizeof(asked) / sizeof(*asked); k++) {
		unsigned cut = 0;

		for (int len = 20; len <= 58; len++) {
			struct world *w =
			    world_new("zone svc.test\nservice web port 80\n"
			              "instance i1 192.0.2.1 six "
			              "2001:db8::1\n");
			struct reply r;

			for (unsigned i = 0; i < ALIASES; i++) {
				scoped_free char *text = xasprintf(
				    "record c%u.%0*u 60 CNAME c%u.%0*u\n"
				    "record s%u.%0*u 60 CNAME s%u.%0*u\n",
				    i, len, i, i + 1, len, i + 1, i, len, i,
				    i + 1, len, i + 1);

				world_add(w, text);
			}
			scoped_free char *last =
			    xasprintf("record c6.%0*u 60 CNAME web\n"
			              "record s6.%0*u 60 CNAME i1._web._tcp\n",
			        len, 6u, len, 6u);
			world_add(w, last);
			scoped_free char *question =
			    xasprintf("%s.%0*u.svc.test %s", asked[k].alias,
			        len, 0u, asked[k].type);
			ask_reply(w, &r, question, ASK_NO_EDNS, VIA_UDP);
			bool whole =
			    ldns_rr_list_rr_count(r.section[REPLY_ANSWER]) ==
			    ALIASES + 2;
			assert_int_equal(r.tc, !whole);
			cut += r.tc;
			reply_release(&r);
			ask_reply(w, &r, question, ASK_NO_EDNS, VIA_TCP);
			assert_int_equal(
			    ldns_rr_list_rr_count(r.section[REPLY_ANSWER]),
			    ALIASES + 2);
			reply_release(&r);
			world_free(w);
		}
		assert_true(cut > 0 && cut < 39);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_many_targets),
		cmocka_unit_test(test_longest_referral),
		cmocka_unit_test(test_behind_aliases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
