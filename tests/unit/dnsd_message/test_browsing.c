// SPDX-License-Identifier: BSD-2-Clause
/*
 * DNS-SD (RFC 6763): what is found by browsing, and where it leads.
 */
#include "schema/base/scoped.h"
#include "tests/support/ask.h"
#include "tests/support/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char world[] =
    "zone svc.test ttl 5 negative 2 max 8\n"
    "service web port 8080\n"
    "meta version 2.3.1\n"
    "meta owner shop\n"
    "instance i1 192.0.2.1 weight 10\n"
    "meta rack r1\n"
    "instance i2 192.0.2.2 six 2001:db8::2 weight 20 port 9090\n"
    "instance i3 2001:db8::3 priority 1 weight 30\n"
    "instance i4 192.0.2.4 health critical\n"
    "service four ttl 30\n"
    "instance f1 192.0.2.11\n"
    "service down\n"
    "instance x1 192.0.2.41 health critical\n"
    "service downnx empty nxdomain\n"
    "instance x2 192.0.2.42 health critical\n";

#define SOA                                                                    \
	"ns svc.test. 2 SOA ns1.svc.test. hostmaster.svc.test. 7 3600 600 "    \
	"86400 2\n"
#define NODATA "NOERROR aa\n" SOA
#define NXDOMAIN "NXDOMAIN aa\n" SOA

/* clang-format off */
static const struct {
	const char *why, *question, *want;
} cases[] = {
	{ "browsing: the eligible instances, and what is asked of them next",
	    "_four._tcp.svc.test PTR",
	    "NOERROR aa\n"
	    "an _four._tcp.svc.test. 30 PTR f1._four._tcp.svc.test.\n"
	    "ar f1._four._tcp.svc.test. 30 SRV 0 10 0 f1.four.svc.test.\n"
	    "ar f1._four._tcp.svc.test. 30 TXT \"\"\n"
	    "ar f1.four.svc.test. 30 A 192.0.2.11\n" },
	{ "TXT of an instance, else of its service; both families",
	    "_web._tcp.svc.test PTR",
	    "NOERROR aa\n"
	    "an _web._tcp.svc.test. 5 PTR i1._web._tcp.svc.test.\n"
	    "an _web._tcp.svc.test. 5 PTR i2._web._tcp.svc.test.\n"
	    "an _web._tcp.svc.test. 5 PTR i3._web._tcp.svc.test.\n"
	    "ar i1._web._tcp.svc.test. 5 SRV 0 10 8080 i1.web.svc.test.\n"
	    "ar i1._web._tcp.svc.test. 5 TXT \"rack=r1\"\n"
	    "ar i1.web.svc.test. 5 A 192.0.2.1\n"
	    "ar i2._web._tcp.svc.test. 5 SRV 0 20 9090 i2.web.svc.test.\n"
	    "ar i2._web._tcp.svc.test. 5 TXT \"version=2.3.1\" "
	    "\"owner=shop\"\n"
	    "ar i2.web.svc.test. 5 A 192.0.2.2\n"
	    "ar i2.web.svc.test. 5 AAAA 2001:db8::2\n"
	    "ar i3._web._tcp.svc.test. 5 SRV 1 30 8080 i3.web.svc.test.\n"
	    "ar i3._web._tcp.svc.test. 5 TXT \"version=2.3.1\" "
	    "\"owner=shop\"\n"
	    "ar i3.web.svc.test. 5 AAAA 2001:db8::3\n" },
	{ "nobody to browse", "_down._tcp.svc.test PTR", NODATA },
	{ "nor, as told, the name", "_downnx._tcp.svc.test PTR", NXDOMAIN },
	{ "of another protocol", "_four._udp.svc.test PTR", NXDOMAIN },
	{ "an instance that was browsed", "i2._web._tcp.svc.test SRV",
	    "NOERROR aa\n"
	    "an i2._web._tcp.svc.test. 5 SRV 0 20 9090 i2.web.svc.test.\n"
	    "ar i2.web.svc.test. 5 A 192.0.2.2\n"
	    "ar i2.web.svc.test. 5 AAAA 2001:db8::2\n" },
	{ "whatever its health", "x1._down._tcp.svc.test SRV",
	    "NOERROR aa\n"
	    "an x1._down._tcp.svc.test. 5 SRV 0 10 0 x1.down.svc.test.\n"
	    "ar x1.down.svc.test. 5 A 192.0.2.41\n" },
	{ "its TXT is there even if empty", "f1._four._tcp.svc.test TXT",
	    "NOERROR aa\nan f1._four._tcp.svc.test. 30 TXT \"\"\n" },
	{ "its own metadata", "i1._web._tcp.svc.test TXT",
	    "NOERROR aa\nan i1._web._tcp.svc.test. 5 TXT \"rack=r1\"\n" },
	{ "no addresses at that name", "i1._web._tcp.svc.test A", NODATA },
	{ "ANY there", "i1._web._tcp.svc.test ANY",
	    "NOERROR aa\n"
	    "an i1._web._tcp.svc.test. 5 HINFO \"RFC8482\" \"\"\n" },
	{ "of another protocol's name", "i1._web._udp.svc.test SRV",
	    NXDOMAIN },
	{ "no such instance to browse", "i9._web._tcp.svc.test SRV",
	    NXDOMAIN },
	{ "below it", "x.i1._web._tcp.svc.test SRV", NXDOMAIN },
};
/* clang-format on */

static void test_browsing(void **state)
{
	struct world *w = world_new(world);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		scoped_free char *got = ask_text(w, cases[i].question);

		if (strcmp(got, cases[i].want) != 0) {
			fail_msg("%s: '%s'\n%s", cases[i].why,
			    cases[i].question, got);
		}
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_browsing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
