// SPDX-License-Identifier: BSD-2-Clause
/*
 * Services with several ports: which names there are, and with which numbers.
 */
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char world[] = "zone svc.test\n"
                            "service krb protocol udp port 88\n"
                            "port 88 protocol tcp\n"
                            "tag kdc\n"
                            "instance k1 192.0.2.1 weight 1\n"
                            "instance k2 192.0.2.2 weight 2 port 188\n"
                            "port 189 protocol tcp\n"
                            "port 190 protocol sctp\n"
                            "service web port 8080 name http\n"
                            "port 9090 name grpc\n"
                            "port 53 name dns protocol udp\n"
                            "port 54 name dns\n"
                            "instance w1 192.0.2.3\n"
                            "port 9191 name grpc\n"
                            "instance w2 192.0.2.4 health critical\n"
                            "port 9292 name grpc\n"
                            "service one port 80 name http\n"
                            "instance o1 192.0.2.5\n"
                            "service none port 1 empty nxdomain\n"
                            "port 2 name x\n"
                            "port 3 protocol udp\n"
                            "service plain port 7\n"
                            "instance p1 192.0.2.6\n";

#define SOA                                                                    \
	"ns svc.test. 2 SOA ns1.svc.test. hostmaster.svc.test. 7 3600 600 "    \
	"86400 2\n"
#define NODATA "NOERROR aa\n" SOA
#define NXDOMAIN "NXDOMAIN aa\n" SOA
#define HINFO(name) "NOERROR aa\nan " name " 5 HINFO \"RFC8482\" \"\"\n"

/* Of web, whose w2 is critical. */
#define SRV(name, port)                                                        \
	"NOERROR aa\nan " name " 5 SRV 0 10 " port " w1.web.svc.test.\n"       \
	"ar w1.web.svc.test. 5 A 192.0.2.3\n"
/* Of krb. */
#define KRB(name, port1, port2)                                                \
	"NOERROR aa\nan " name " 5 SRV 0 1 " port1 " k1.krb.svc.test.\n"       \
	"an " name " 5 SRV 0 2 " port2 " k2.krb.svc.test.\n"                   \
	"ar k1.krb.svc.test. 5 A 192.0.2.1\n"                                  \
	"ar k2.krb.svc.test. 5 A 192.0.2.2\n"

static const struct {
	const char *why, *question, *want;
} cases[] = {
	{ "the first port", "_krb._udp.svc.test SRV",
	    KRB("_krb._udp.svc.test.", "88", "188") },
	{ "the other protocol, a number of an instance's own",
	    "_krb._tcp.svc.test SRV", KRB("_krb._tcp.svc.test.", "88", "189") },
	{ "a number for a port that there is not", "_krb._sctp.svc.test SRV",
	    NXDOMAIN },
	{ "S has the first port", "krb.svc.test SRV",
	    KRB("krb.svc.test.", "88", "188") },
	{ "so has I.S", "k2.krb.svc.test SRV",
	    "NOERROR aa\nan k2.krb.svc.test. 5 SRV 0 2 188 k2.krb.svc.test.\n"
	    "ar k2.krb.svc.test. 5 A 192.0.2.2\n" },
	{ "I._S._P has that of P", "k2._krb._tcp.svc.test SRV",
	    "NOERROR aa\n"
	    "an k2._krb._tcp.svc.test. 5 SRV 0 2 189 k2.krb.svc.test.\n"
	    "ar k2.krb.svc.test. 5 A 192.0.2.2\n" },
	{ "its TXT", "k2._krb._tcp.svc.test TXT",
	    "NOERROR aa\nan k2._krb._tcp.svc.test. 5 TXT \"\"\n" },
	{ "no I of another protocol", "k2._krb._sctp.svc.test SRV", NXDOMAIN },
	{ "no A there", "_krb._tcp.svc.test A", NODATA },
	{ "ANY there", "_krb._tcp.svc.test ANY", HINFO("_krb._tcp.svc.test.") },
	{ "browsing by the other protocol", "_web._udp.svc.test PTR",
	    "NOERROR aa\nan _web._udp.svc.test. 5 PTR w1._web._udp.svc.test.\n"
	    "ar w1._web._udp.svc.test. 5 SRV 0 10 53 w1.web.svc.test.\n"
	    "ar w1._web._udp.svc.test. 5 TXT \"\"\n"
	    "ar w1.web.svc.test. 5 A 192.0.2.3\n" },
	{ "and by a subtype of it", "_kdc._sub._krb._tcp.svc.test PTR",
	    "NOERROR aa\n"
	    "an _kdc._sub._krb._tcp.svc.test. 5 PTR k1._krb._tcp.svc.test.\n"
	    "an _kdc._sub._krb._tcp.svc.test. 5 PTR k2._krb._tcp.svc.test.\n"
	    "ar k1._krb._tcp.svc.test. 5 SRV 0 1 88 k1.krb.svc.test.\n"
	    "ar k1._krb._tcp.svc.test. 5 TXT \"\"\n"
	    "ar k1.krb.svc.test. 5 A 192.0.2.1\n"
	    "ar k2._krb._tcp.svc.test. 5 SRV 0 2 189 k2.krb.svc.test.\n"
	    "ar k2._krb._tcp.svc.test. 5 TXT \"\"\n"
	    "ar k2.krb.svc.test. 5 A 192.0.2.2\n" },
	{ "each service by each protocol, once",
	    "_services._dns-sd._udp.svc.test PTR",
	    "NOERROR aa\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _krb._tcp.svc.test.\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _krb._udp.svc.test.\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _none._tcp.svc.test.\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _none._udp.svc.test.\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _one._tcp.svc.test.\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _plain._tcp.svc.test.\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _web._tcp.svc.test.\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR "
	    "_web._udp.svc.test.\n" },
	{ "the first of several of a protocol", "_web._tcp.svc.test SRV",
	    SRV("_web._tcp.svc.test.", "8080") },
	{ "one of another protocol has a name, too", "_web._udp.svc.test SRV",
	    SRV("_web._udp.svc.test.", "53") },
	{ "the first by its name", "_http._tcp.web.svc.test SRV",
	    SRV("_http._tcp.web.svc.test.", "8080") },
	{ "another by its name, the instance's number",
	    "_gRPC._TCP.web.svc.test SRV",
	    SRV("_gRPC._TCP.web.svc.test.", "9191") },
	{ "one name, two protocols", "_dns._udp.web.svc.test SRV",
	    SRV("_dns._udp.web.svc.test.", "53") },
	{ "and the other", "_dns._tcp.web.svc.test SRV",
	    SRV("_dns._tcp.web.svc.test.", "54") },
	{ "a name that it has not", "_x._tcp.web.svc.test SRV", NXDOMAIN },
	{ "a name of the other protocol", "_grpc._udp.web.svc.test SRV",
	    NXDOMAIN },
	{ "port names never leave S", "_grpc._tcp.svc.test SRV", NXDOMAIN },
	{ "nor are they instances", "w1._grpc._tcp.svc.test SRV", NXDOMAIN },
	{ "another type", "_grpc._tcp.web.svc.test A", NODATA },
	{ "it is nothing to browse", "_grpc._tcp.web.svc.test PTR", NODATA },
	{ "ANY", "_grpc._tcp.web.svc.test ANY",
	    HINFO("_grpc._tcp.web.svc.test.") },
	{ "above it: an empty non-terminal", "_tcp.web.svc.test SRV", NODATA },
	{ "ANY there", "_tcp.web.svc.test ANY", NODATA },
	{ "no port of that protocol", "_sctp.web.svc.test SRV", NXDOMAIN },
	{ "below it", "x._grpc._tcp.web.svc.test SRV", NXDOMAIN },
	{ "one port with a name", "_http._tcp.one.svc.test SRV",
	    "NOERROR aa\n"
	    "an _http._tcp.one.svc.test. 5 SRV 0 10 80 o1.one.svc.test.\n"
	    "ar o1.one.svc.test. 5 A 192.0.2.5\n" },
	{ "ports without names have none above", "_tcp.krb.svc.test SRV",
	    NXDOMAIN },
	{ "nor has a service of one port", "_tcp.plain.svc.test SRV",
	    NXDOMAIN },
	{ "nor below", "_x._tcp.plain.svc.test SRV", NXDOMAIN },
	{ "nobody there, the other protocol", "_none._udp.svc.test SRV",
	    NXDOMAIN },
	{ "nobody there, by name", "_x._tcp.none.svc.test SRV", NXDOMAIN },
	{ "nobody there, another type", "_x._tcp.none.svc.test A", NODATA },
	{ "the protocol exists", "_udp.svc.test A", NODATA },
};

static void check(
    struct world *w, const char *why, const char *question, const char *want)
{
	scoped_free char *got = ask_text(w, question);

	if (strcmp(got, want) != 0)
		fail_msg("%s: '%s'\n%s", why, question, got);
}

static void test_names(void **state)
{
	struct world *w = world_new(world);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check(w, cases[i].why, cases[i].question, cases[i].want);
	world_free(w);
}

/* `_sctp.Z` comes and goes with the last port of that protocol. */
static void test_protocols_come_and_go(void **state)
{
	struct world *w = world_new("zone svc.test\nservice a port 1\n"
	                            "instance i 192.0.2.1\n");

	(void)state;
	check(w, "before", "_sctp.svc.test A", NXDOMAIN);
	world_add(w, "service a port 1\nport 2 protocol sctp\n"
	             "port 3 name x protocol sctp\ninstance i 192.0.2.1\n"
	             "service b port 1\nport 2 name x protocol sctp\n");
	check(w, "both", "_sctp.svc.test A", NODATA);
	world_add(w, "service a port 1\ninstance i 192.0.2.1\n");
	check(w, "one", "_sctp.svc.test A", NODATA);
	assert_true(world_remove(w, "b"));
	check(w, "none", "_sctp.svc.test A", NXDOMAIN);
	check(w, "the other protocol", "_tcp.svc.test A", NODATA);
	world_free(w);
}

/*
 * Wildcards (RFC 4592): names of ports exist, and so do those above them.
 */
static void test_wildcards(void **state)
{
	struct world *w = world_new(world);

	(void)state;
	world_add(w, "record *.web 60 TXT \"web\"\n"
	             "record *._tcp.web 60 TXT \"tcp\"\n");
	check(w, "a port exists", "_grpc._tcp.web.svc.test TXT", NODATA);
	check(w, "so does what is above", "_udp.web.svc.test TXT", NODATA);
	check(w, "below what is not there", "_x._tcp.web.svc.test TXT",
	    "NOERROR aa\nan _x._tcp.web.svc.test. 60 TXT \"tcp\"\n");
	check(w, "a port keeps the wildcard above away",
	    "x._grpc._tcp.web.svc.test TXT", NXDOMAIN);
	check(w, "and so does one of the other protocol",
	    "_x._udp.web.svc.test TXT", NXDOMAIN);
	check(w, "no port, no protocol", "_x._sctp.web.svc.test TXT",
	    "NOERROR aa\nan _x._sctp.web.svc.test. 60 TXT \"web\"\n");
	check(w, "static records keep the services'",
	    "_grpc._tcp.web.svc.test SRV",
	    SRV("_grpc._tcp.web.svc.test.", "9191"));
	world_add(w, "record _grpc._tcp.web 60 SRV 1 2 3 ns1\n");
	check(w, "and go before them", "_grpc._tcp.web.svc.test SRV",
	    "NOERROR aa\n"
	    "an _grpc._tcp.web.svc.test. 60 SRV 1 2 3 ns1.svc.test.\n"
	    "ar ns1.svc.test. 3600 A 192.0.2.53\n"
	    "ar ns1.svc.test. 3600 AAAA 2001:db8::53\n");
	world_free(w);
}

/* Each of many instances keeps its number, in whatever order they stand. */
static void test_many(void **state)
{
	struct world *w = world_new("zone svc.test\n");
	struct reply r;
	size_t len = 0;
	char text[65536];

	(void)state;
	len += (size_t)snprintf(
	    text, sizeof(text), "service big port 1\nport 2 name other\n");
	for (unsigned i = 0; i < 300; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "instance i%u 192.0.%u.%u priority %u\n%s%u%s", i, i / 256,
		    i % 256, i * 7 % 5, i % 3 ? "port " : "tag t",
		    i % 3 ? 1000 + i : i, i % 3 ? " name other\n" : "\n");
	}
	world_add(w, text);
	ask_reply(w, &r, "_other._tcp.big.svc.test SRV", ASK_NO_EDNS, VIA_TCP);
	assert_int_equal(reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_SRV), 300);
	for (size_t k = 0; k < 300; k++) {
		const ldns_rr *rr = ldns_rr_list_rr(r.section[REPLY_ANSWER], k);
		scoped_free char *target = ldns_rdf2str(ldns_rr_rdf(rr, 3));
		unsigned i = (unsigned)strtoul(target + 1, NULL, 10);

		assert_int_equal(ldns_rdf2native_int16(ldns_rr_rdf(rr, 2)),
		    i % 3 ? 1000 + i : 2);
	}
	reply_release(&r);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_protocols_come_and_go),
		cmocka_unit_test(test_wildcards),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
