// SPDX-License-Identifier: BSD-2-Clause
/*
 * One name space of a zone file and services: what stands before what, and
 * which names exist.
 */
#include "schema/base/scoped.h"
#include "tests/support/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/*
 * A zone file and services: cuts and DNAME above names of the registry, a
 * wildcard at the apex, names that exist because of one or of the other.
 */
static const char world[] = "zone svc.test ttl 5 negative 2\n"
                            "service web port 80\n"
                            "instance i1 192.0.2.31\n"
                            "service db protocol udp\n"
                            "instance d1 192.0.2.32\n"
                            "record _tcp 60 NS ns.other.\n"
                            "record _udp 60 TXT \"t\"\n"
                            "record a.b.web 60 A 192.0.2.40\n"
                            "record i1.web 60 MX 10 mail.other.\n"
                            "record *.web 60 AAAA 2001:db8::7\n"
                            "record *.svc.test. 60 A 192.0.2.99\n"
                            "record *.svc.test. 60 TXT \"any\"\n"
                            "record mx 60 MX 1 web\n"
                            "record mx 60 MX 2 none\n"
                            "record mx 60 MX 3 WEB\n"
                            "record mx 60 MX 4 i1.web\n"
                            "record mx 60 MX 5 _udp\n"
                            "zone alias.test\n"
                            "record x 60 CNAME _db._udp.svc.test.\n"
                            "record y 60 DNAME svc.test.\n";

#define SOA                                                                    \
	"ns svc.test. 2 SOA ns1.svc.test. hostmaster.svc.test. 7 3600 600 "    \
	"86400 2\n"
#define CUT "NOERROR\nns _tcp.svc.test. 60 NS ns.other.\n"

/* clang-format off */
static const struct {
	const char *why, *question, *want;
} cases[] = {
	{ "a cut above SRV names of services", "_web._tcp.svc.test SRV", CUT },
	{ "and at the protocol", "_tcp.svc.test A", CUT },
	{ "also of services that are not there", "_no._tcp.svc.test SRV", CUT },
	{ "while the service has its name", "web.svc.test A",
	    "NOERROR aa\nan web.svc.test. 5 A 192.0.2.31\n" },
	{ "and the same records there", "web.svc.test SRV",
	    "NOERROR aa\nan web.svc.test. 5 SRV 0 10 80 i1.web.svc.test.\n"
	    "ar i1.web.svc.test. 5 A 192.0.2.31\n" },
	{ "another protocol is not cut off", "_db._udp.svc.test SRV",
	    "NOERROR aa\nan _db._udp.svc.test. 5 SRV 0 10 0 "
	    "d1.db.svc.test.\nar d1.db.svc.test. 5 A 192.0.2.32\n" },
	{ "a static record beside an empty non-terminal of services",
	    "_udp.svc.test TXT",
	    "NOERROR aa\nan _udp.svc.test. 60 TXT \"t\"\n" },
	{ "and without the type", "_udp.svc.test A", "NOERROR aa\n" SOA },
	{ "no wildcard below it", "_x._udp.svc.test A",
	    "NXDOMAIN aa\n" SOA },
	{ "no wildcard for a service, whatever the type", "web.svc.test TXT",
	    "NOERROR aa\n" SOA },
	{ "nor for AAAA, which would lead elsewhere", "web.svc.test AAAA",
	    "NOERROR aa\n" SOA },
	{ "the wildcard where nothing is", "x.svc.test A",
	    "NOERROR aa\nan x.svc.test. 60 A 192.0.2.99\n" },
	{ "also some labels further down", "y.x.svc.test TXT",
	    "NOERROR aa\nan y.x.svc.test. 60 TXT \"any\"\n" },
	{ "the wildcard below a service", "x.web.svc.test AAAA",
	    "NOERROR aa\nan x.web.svc.test. 60 AAAA 2001:db8::7\n" },
	{ "not for an instance", "i1.web.svc.test AAAA",
	    "NOERROR aa\n" SOA },
	{ "which has static records too", "i1.web.svc.test MX",
	    "NOERROR aa\nan i1.web.svc.test. 60 MX 10 mail.other.\n" },
	{ "beside its own", "i1.web.svc.test A",
	    "NOERROR aa\nan i1.web.svc.test. 5 A 192.0.2.31\n" },
	{ "nor below it", "x.i1.web.svc.test AAAA",
	    "NXDOMAIN aa\n" SOA },
	{ "an empty non-terminal below a service", "b.web.svc.test A",
	    "NOERROR aa\n" SOA },
	{ "below which the wildcard ends", "x.b.web.svc.test AAAA",
	    "NXDOMAIN aa\n" SOA },
	{ "the record below that", "a.b.web.svc.test A",
	    "NOERROR aa\nan a.b.web.svc.test. 60 A 192.0.2.40\n" },
	{ "along with a record go the addresses of services, once, and a "
	  "wildcard's where they are not", "mx.svc.test MX",
	    "NOERROR aa\nan mx.svc.test. 60 MX 1 web.svc.test.\n"
	    "an mx.svc.test. 60 MX 2 none.svc.test.\n"
	    "an mx.svc.test. 60 MX 3 web.svc.test.\n"
	    "an mx.svc.test. 60 MX 4 i1.web.svc.test.\n"
	    "an mx.svc.test. 60 MX 5 _udp.svc.test.\n"
	    "ar i1.web.svc.test. 5 A 192.0.2.31\n"
	    "ar none.svc.test. 60 A 192.0.2.99\n"
	    "ar web.svc.test. 5 A 192.0.2.31\n" },
	{ "the apex", "svc.test SOA",
	    "NOERROR aa\nan svc.test. 3600 SOA ns1.svc.test. "
	    "hostmaster.svc.test. 7 3600 600 86400 2\n" },
	{ "an alias of another zone", "x.alias.test SRV",
	    "NOERROR aa\nan _db._udp.svc.test. 5 SRV 0 10 0 "
	    "d1.db.svc.test.\nan x.alias.test. 60 CNAME "
	    "_db._udp.svc.test.\nar d1.db.svc.test. 5 A 192.0.2.32\n" },
	{ "all of them under another name", "d1.db.y.alias.test A",
	    "NOERROR aa\nan d1.db.svc.test. 5 A 192.0.2.32\n"
	    "an d1.db.y.alias.test. 60 CNAME d1.db.svc.test.\n"
	    "an y.alias.test. 60 DNAME svc.test.\n" },
	{ "and what does not exist there", "no.web.y.alias.test A",
	    "NOERROR aa\nan no.web.y.alias.test. 60 CNAME "
	    "no.web.svc.test.\nan y.alias.test. 60 DNAME svc.test.\n"
	    SOA },
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
