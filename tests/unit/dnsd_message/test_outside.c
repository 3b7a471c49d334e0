// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names in none of our zones, and who gets an answer to them on the way that
 * does not wait for anybody.
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

#define ROOT "ns . 2 SOA localhost. nobody.invalid. 1 3600 1200 604800 2\n"

static const char zone_text[] = "zone svc.test\n"
                                "record to 60 CNAME www.example.\n"
                                "service web port 80\n"
                                "instance i1 192.0.2.1\n";

static const char *const near[] = { "192.0.2.0/24" };
static const char *const far[] = { "198.51.100.0/24", "2001:db8::/32" };

static const struct {
	const char *why;
	enum outside outside;
	bool is_near;
	const char *question, *want; /* how the response begins */
} cases[] = {
	{ "it is refused as ever", OUTSIDE_REFUSE, true, "www.example A rd",
	    "REFUSED rd\n" },
	{ "and nobody is told of recursion", OUTSIDE_REFUSE, true,
	    "web.svc.test A rd", "NOERROR aa rd\n" },
	{ "there is nothing", OUTSIDE_NXDOMAIN, true, "www.example A rd",
	    "NXDOMAIN aa rd ra\n" ROOT },
	{ "also without RD", OUTSIDE_NXDOMAIN, true, "www.example A",
	    "NXDOMAIN aa ra\n" ROOT },
	{ "of every type", OUTSIDE_NXDOMAIN, true, "www.example ANY rd tcp",
	    "NXDOMAIN aa rd ra\n" ROOT },
	{ "the root is no name of ours either", OUTSIDE_NXDOMAIN, true,
	    ". NS rd", "NXDOMAIN aa rd ra\n" ROOT },
	{ "and why is said to who can read it", OUTSIDE_NXDOMAIN, true,
	    "www.example A rd edns=1232",
	    "NXDOMAIN aa rd ra\n" ROOT "opt 1232 option15=" },
	{ "but not to others", OUTSIDE_NXDOMAIN, false, "www.example A rd",
	    "REFUSED rd\n" },
	{ "a transfer is refused", OUTSIDE_NXDOMAIN, true,
	    "www.example AXFR tcp", "REFUSED ra\n" },
	{ "another class, too", OUTSIDE_NXDOMAIN, true,
	    "www.example A class=HS", "REFUSED ra\n" },
	{ "names of ours are answered", OUTSIDE_NXDOMAIN, true,
	    "web.svc.test A rd", "NOERROR aa rd ra\nan web.svc.test. " },
	{ "to others as well", OUTSIDE_NXDOMAIN, false, "web.svc.test A rd",
	    "NOERROR aa rd\nan web.svc.test. " },
	{ "or not, by us", OUTSIDE_NXDOMAIN, true, "nope.svc.test A rd",
	    "NXDOMAIN aa rd ra\nns svc.test. " },
	{ "an alias that leads outside", OUTSIDE_NXDOMAIN, true,
	    "to.svc.test A rd",
	    "NOERROR aa rd ra\nan to.svc.test. 60 CNAME www.example.\n" },
	{ "forwarding, with nobody to do it", OUTSIDE_FORWARD, true,
	    "www.example A rd", "REFUSED rd ra\n" },
};

static void test_cases(void **state)
{
	struct networks *networks[] = { networks_new(far, 2),
		networks_new(near, 1) };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct world *w = world_new(zone_text);

		w->policy.outside = cases[i].outside;
		w->policy.recursers = networks[cases[i].is_near];
		w->policy.watches = true;
		scoped_free char *got = ask_text(w, cases[i].question);
		if (strncmp(got, cases[i].want, strlen(cases[i].want)) != 0) {
			fail_msg("%s: %s\nis: %s\nnot: %s", cases[i].why,
			    cases[i].question, got, cases[i].want);
		}
		world_free(w);
	}
	networks_free(networks[0]);
	networks_free(networks[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
