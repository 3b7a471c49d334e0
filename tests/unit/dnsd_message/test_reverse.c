// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names of addresses: which names they are and what is answered.
 */
#include "dnsd/message/data/reverse.h"
#include "schema/base/rng.h"
#include "schema/base/scoped.h"
#include "tests/support/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* ---- answers ---------------------------------------------------------- */

static const char world[] = "zone svc.test ttl 5\n"
                            "service web ttl 30\n"
                            "instance i2 192.0.2.1 six 2001:db8::1\n"
                            "instance i1 192.0.2.1\n"
                            "instance i3 192.0.2.3 health dead\n"
                            "instance i4 192.0.2.4 mode maintenance\n"
                            "instance i5 192.0.2.5 mode draining\n"
                            "instance i6 192.0.2.6 lease 1\n"
                            "instance i7 10.255.0.100\n"
                            "instance i8 192.0.2.8\n"
                            "service api\n"
                            "instance z 192.0.2.7\n"
                            "instance i8 192.0.2.8\n"
                            "instance six 2001:db8::abcd:ef01\n"
                            "zone eu.svc.test\n"
                            "service aa\n"
                            "instance a 192.0.2.8\n"
                            "instance b 192.0.2.9\n"
                            "zone a.test\n"
                            "service zz\n"
                            "instance z 192.0.2.9\n"
                            "zone 192.in-addr.arpa negative 2\n"
                            "record 20.2.0 60 PTR printer.test.\n"
                            "record 7.2.0 60 PTR static.test.\n"
                            "record 3.2.0 60 TXT \"here\"\n"
                            "record * 60 PTR wild.test.\n"
                            "record 1.168 60 NS ns.test.\n"
                            "zone 8.b.d.0.1.0.0.2.ip6.arpa negative 2\n"
                            "zone 5.2.0.192.in-addr.arpa negative 2\n"
                            "zone 0/25.9.0.192.in-addr.arpa negative 2\n"
                            "service web\n"
                            "instance i1 192.0.9.1\n";

#define SOA(zone)                                                              \
	"ns " zone " 2 SOA ns1." zone " hostmaster." zone                      \
	" 7 3600 600 86400 2\n"
#define SOA4 SOA("192.in-addr.arpa.")
#define IP6 "8.b.d.0.1.0.0.2.ip6.arpa"
#define ZEROS "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."

/* clang-format off */
static const struct {
	const char *why, *question, *want;
} cases[] = {
	{ "of two instances the first, with the service's TTL",
	    "1.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 1.2.0.192.in-addr.arpa. 30 PTR i1.web.svc.test.\n" },
	{ "IPv6, in whatever case",
	    "1.0.F.E.D.C.b.a." ZEROS "8.B.D.0.1.0.0.2.IP6.arpa PTR",
	    "NOERROR aa\nan 1.0.F.E.D.C.b.a." ZEROS "8.B.D.0.1.0.0.2.IP6.arpa. "
	    "5 PTR six.api.svc.test.\n" },
	{ "the address beside an IPv4 address",
	    "1.0.0.0.0.0.0.0." ZEROS IP6 " PTR",
	    "NOERROR aa\nan 1.0.0.0.0.0.0.0." ZEROS IP6
	    ". 30 PTR i2.web.svc.test.\n" },
	{ "with static records of another type, and whatever its health",
	    "3.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 3.2.0.192.in-addr.arpa. 30 PTR i3.web.svc.test.\n" },
	{ "those records", "3.2.0.192.in-addr.arpa TXT",
	    "NOERROR aa\nan 3.2.0.192.in-addr.arpa. 60 TXT \"here\"\n" },
	{ "in maintenance", "4.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 4.2.0.192.in-addr.arpa. 30 PTR i4.web.svc.test.\n" },
	{ "draining, in a zone of one address", "5.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 5.2.0.192.in-addr.arpa. 30 PTR i5.web.svc.test.\n" },
	{ "its apex", "5.2.0.192.in-addr.arpa NS",
	    "NOERROR aa\n"
	    "an 5.2.0.192.in-addr.arpa. 3600 NS ns1.5.2.0.192.in-addr.arpa.\n"
	    "ar ns1.5.2.0.192.in-addr.arpa. 3600 A 192.0.2.53\n"
	    "ar ns1.5.2.0.192.in-addr.arpa. 3600 AAAA 2001:db8::53\n" },
	{ "its lease has run out, its row is there",
	    "6.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 6.2.0.192.in-addr.arpa. 30 PTR i6.web.svc.test.\n" },
	{ "of two zones the first: a.test before svc.test",
	    "9.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 9.2.0.192.in-addr.arpa. 5 PTR z.zz.a.test.\n" },
	{ "svc.test before eu.svc.test, in it api before web",
	    "8.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 8.2.0.192.in-addr.arpa. 5 PTR i8.api.svc.test.\n" },
	{ "the zone's own record wins", "7.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 7.2.0.192.in-addr.arpa. 60 PTR static.test.\n" },
	{ "a name that is static alone", "20.2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 20.2.0.192.in-addr.arpa. 60 PTR printer.test.\n" },
	{ "another type", "1.2.0.192.in-addr.arpa A", "NOERROR aa\n" SOA4 },
	{ "any type", "1.2.0.192.in-addr.arpa ANY",
	    "NOERROR aa\n"
	    "an 1.2.0.192.in-addr.arpa. 30 HINFO \"RFC8482\" \"\"\n" },
	{ "on the way to addresses", "2.0.192.in-addr.arpa PTR",
	    "NOERROR aa\n" SOA4 },
	{ "nobody's address, its network is there: no wildcard",
	    "77.2.0.192.in-addr.arpa PTR", "NXDOMAIN aa\n" SOA4 },
	{ "a wildcard, where nothing is on the way",
	    "77.3.5.192.in-addr.arpa PTR",
	    "NOERROR aa\nan 77.3.5.192.in-addr.arpa. 60 PTR wild.test.\n" },
	{ "delegated", "7.1.168.192.in-addr.arpa PTR",
	    "NOERROR\nns 1.168.192.in-addr.arpa. 60 NS ns.test.\n" },
	{ "no octets", "300.2.0.192.in-addr.arpa PTR", "NXDOMAIN aa\n" SOA4 },
	{ "nor with zeros before them", "01.2.0.192.in-addr.arpa PTR",
	    "NXDOMAIN aa\n" SOA4 },
	{ "below an address", "x.1.2.0.192.in-addr.arpa PTR",
	    "NXDOMAIN aa\n" SOA4 },
	{ "below with what would be one octet more",
	    "9.1.2.0.192.in-addr.arpa PTR", "NXDOMAIN aa\n" SOA4 },
	{ "part of an IPv6 address", "0.0." IP6 " PTR",
	    "NOERROR aa\n" SOA(IP6 ".") },
	{ "of nobody's", "1.0." IP6 " PTR", "NXDOMAIN aa\n" SOA(IP6 ".") },
	{ "more than four bits", "10." IP6 " PTR",
	    "NXDOMAIN aa\n" SOA(IP6 ".") },
	{ "another network is not ours", "100.0.255.10.in-addr.arpa PTR",
	    "REFUSED\n" },
	{ "part of a network as in RFC 2317 is a zone like others",
	    "web.0/25.9.0.192.in-addr.arpa A",
	    "NOERROR aa\nan web.0/25.9.0.192.in-addr.arpa. 5 A 192.0.9.1\n" },
	{ "the names that lead here", "i1.web.svc.test A",
	    "NOERROR aa\nan i1.web.svc.test. 30 A 192.0.2.1\n" },
};
/* clang-format on */

static void test_answers(void **state)
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

static void test_zone_names(void **state)
{
	static const struct {
		const char *name;
		uint8_t len;
	} zones[] = {
		{ "in-addr.arpa", 4 },
		{ "ip6.arpa", 16 },
		{ "10.in-addr.arpa", 4 },
		{ "255.254.10.in-addr.arpa", 4 },
		{ "1.2.3.4.in-addr.arpa", 4 },
		{ "0.1.2.3.4.in-addr.arpa", 0 },
		{ "256.in-addr.arpa", 0 },
		{ "0/25.2.0.192.in-addr.arpa", 0 },
		{ "F.e.ip6.arpa", 16 },
		{ "g.ip6.arpa", 0 },
		{ "10.ip6.arpa", 0 },
		{ "arpa", 0 },
		{ "xin-addr.arpa", 0 },
		{ "in-addr.arpa.test", 0 },
		{ "svc.test", 0 },
		{ ".", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
		struct dname n;

		assert_true(dname_from_text(&n, zones[i].name));
		if (reverse_address_len(&n) != zones[i].len)
			fail_msg("%s", zones[i].name);
	}
}

/* A name made of an address stands for it again. */
static void test_names_of_addresses(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed_fixed(&rng, 5);
	for (unsigned k = 0; k < 2000; k++) {
		uint8_t len = k % 2 ? 4 : 16, address[16] = { 0 };
		struct reverse_name n;
		struct dname name;

		for (unsigned i = 0; i < len; i++)
			address[i] = (uint8_t)(rng_u32(&rng) >> (k % 3 * 4));
		reverse_name_of(&name, address, len);
		assert_int_equal(reverse_address_len(&name), len);
		reverse_parse(&n, &name, len);
		assert_int_equal(n.part_n, n.label_n);
		assert_int_equal(n.part_n, len == 4 ? 4 : 32);
		assert_memory_equal(n.address, address, len);
	}
}

/* A zone of addresses that comes after the services knows them, too. */
static void test_zone_comes_later(void **state)
{
	struct world *w = world_new("zone svc.test\n"
	                            "service web\n"
	                            "instance i1 10.0.0.1\n");

	(void)state;
	assert_null(catalog_reverse(w->catalog));
	world_add(w, "zone 10.in-addr.arpa\n");
	scoped_free char *got = ask_text(w, "1.0.0.10.in-addr.arpa PTR");
	assert_string_equal(got, "NOERROR aa\n"
	                         "an 1.0.0.10.in-addr.arpa. 5 PTR "
	                         "i1.web.svc.test.\n");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_zone_names),
		cmocka_unit_test(test_names_of_addresses),
		cmocka_unit_test(test_zone_comes_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
