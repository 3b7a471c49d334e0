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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char world[] =
    "zone svc.test ttl 5 negative 2 max 8\n"
    "service web port 8080\n"
    "meta version 2.3.1\n"
    "meta owner shop\n"
    "tag all\n"
    "instance i1 192.0.2.1 weight 10\n"
    "meta rack r1\n"
    "tag v2\n"
    "tag sick\n"
    "tag v2\n"
    "tag all\n"
    "instance i2 192.0.2.2 six 2001:db8::2 weight 20 port 9090\n"
    "tag Not.A/Label\n"
    "instance i3 2001:db8::3 priority 1 weight 30\n"
    "tag v2\n"
    "instance i4 192.0.2.4 health critical\n"
    "tag down\n"
    "tag sick\n"
    "service four ttl 30\n"
    "instance f1 192.0.2.11\n"
    "service down\n"
    "instance x1 192.0.2.41 health critical\n"
    "service downnx empty nxdomain\n"
    "instance x2 192.0.2.42 health critical\n"
    "tag red\n"
    "record _sub._static._tcp 60 TXT \"mine\"\n"
    "record alias 60 CNAME _v2._sub._web._tcp\n"
    "record types 60 CNAME _services._dns-sd._udp\n"
    "record lb._dns-sd._udp 60 PTR other.test.\n"
    "zone empty.test\n"
    "zone one.test ttl 77\n"
    "service dns protocol udp\n"
    "instance u1 192.0.2.61\n";

#define SOA_OF(zone)                                                           \
	"ns " zone " 2 SOA ns1." zone " hostmaster." zone                      \
	" 7 3600 600 86400 2\n"
#define SOA SOA_OF("svc.test.")
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
	{ "nor below it", "x.i9._web._tcp.svc.test SRV", NXDOMAIN },
	{ "below it", "x.i1._web._tcp.svc.test SRV", NXDOMAIN },

	{ "instances with a tag, and what is asked of them next",
	    "_v2._sub._web._tcp.svc.test PTR",
	    "NOERROR aa\n"
	    "an _v2._sub._web._tcp.svc.test. 5 PTR i1._web._tcp.svc.test.\n"
	    "an _v2._sub._web._tcp.svc.test. 5 PTR i3._web._tcp.svc.test.\n"
	    "ar i1._web._tcp.svc.test. 5 SRV 0 10 8080 i1.web.svc.test.\n"
	    "ar i1._web._tcp.svc.test. 5 TXT \"rack=r1\"\n"
	    "ar i1.web.svc.test. 5 A 192.0.2.1\n"
	    "ar i3._web._tcp.svc.test. 5 SRV 1 30 8080 i3.web.svc.test.\n"
	    "ar i3._web._tcp.svc.test. 5 TXT \"version=2.3.1\" "
	    "\"owner=shop\"\n"
	    "ar i3.web.svc.test. 5 AAAA 2001:db8::3\n" },
	{ "only those that may be in an answer",
	    "_SICK._sub._web._tcp.svc.test PTR",
	    "NOERROR aa\n"
	    "an _SICK._sub._web._tcp.svc.test. 5 PTR i1._web._tcp.svc.test.\n"
	    "ar i1._web._tcp.svc.test. 5 SRV 0 10 8080 i1.web.svc.test.\n"
	    "ar i1._web._tcp.svc.test. 5 TXT \"rack=r1\"\n"
	    "ar i1.web.svc.test. 5 A 192.0.2.1\n" },
	{ "nobody of them may", "_down._sub._web._tcp.svc.test PTR", NODATA },
	{ "and the service has nobody", "_red._sub._downnx._tcp.svc.test PTR",
	    NXDOMAIN },
	{ "no such tag", "_v3._sub._web._tcp.svc.test PTR", NXDOMAIN },
	{ "tags have an underscore before them",
	    "v2._sub._web._tcp.svc.test PTR", NXDOMAIN },
	{ "another type", "_v2._sub._web._tcp.svc.test SRV", NODATA },
	{ "any type", "_v2._sub._web._tcp.svc.test ANY",
	    "NOERROR aa\n"
	    "an _v2._sub._web._tcp.svc.test. 5 HINFO \"RFC8482\" \"\"\n" },
	{ "on the way to tags", "_sub._web._tcp.svc.test PTR", NODATA },
	{ "a service without tags", "_sub._four._tcp.svc.test PTR", NXDOMAIN },
	{ "below a tag", "x._v2._sub._web._tcp.svc.test PTR", NXDOMAIN },
	{ "of another protocol", "_v2._sub._web._udp.svc.test PTR", NXDOMAIN },
	{ "through an alias", "alias.svc.test PTR",
	    "NOERROR aa\n"
	    "an _v2._sub._web._tcp.svc.test. 5 PTR i1._web._tcp.svc.test.\n"
	    "an _v2._sub._web._tcp.svc.test. 5 PTR i3._web._tcp.svc.test.\n"
	    "an alias.svc.test. 60 CNAME _v2._sub._web._tcp.svc.test.\n"
	    "ar i1._web._tcp.svc.test. 5 SRV 0 10 8080 i1.web.svc.test.\n"
	    "ar i1._web._tcp.svc.test. 5 TXT \"rack=r1\"\n"
	    "ar i1.web.svc.test. 5 A 192.0.2.1\n"
	    "ar i3._web._tcp.svc.test. 5 SRV 1 30 8080 i3.web.svc.test.\n"
	    "ar i3._web._tcp.svc.test. 5 TXT \"version=2.3.1\" "
	    "\"owner=shop\"\n"
	    "ar i3.web.svc.test. 5 AAAA 2001:db8::3\n" },

	{ "which services there are, whoever may be in their answers",
	    "_services._dns-sd._udp.svc.test PTR",
	    "NOERROR aa\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _down._tcp.svc.test.\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _downnx._tcp.svc.test.\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _four._tcp.svc.test.\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _web._tcp.svc.test.\n" },
	{ "through an alias", "types.svc.test PTR",
	    "NOERROR aa\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _down._tcp.svc.test.\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _downnx._tcp.svc.test.\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _four._tcp.svc.test.\n"
	    "an _services._dns-sd._udp.svc.test. 5 PTR _web._tcp.svc.test.\n"
	    "an types.svc.test. 60 CNAME _services._dns-sd._udp.svc.test.\n" },
	{ "in another zone, of another protocol",
	    "_Services._DNS-SD._udp.one.test PTR",
	    "NOERROR aa\n"
	    "an _Services._DNS-SD._udp.one.test. 77 PTR _dns._udp.one.test.\n" },
	{ "another type", "_services._dns-sd._udp.svc.test A", NODATA },
	{ "below it", "x._services._dns-sd._udp.svc.test PTR", NXDOMAIN },
	{ "where there are none", "_services._dns-sd._udp.empty.test PTR",
	    "NXDOMAIN aa\n" SOA_OF("empty.test.") },
	{ "where to browse", "b._dns-sd._udp.svc.test PTR",
	    "NOERROR aa\nan b._dns-sd._udp.svc.test. 5 PTR svc.test.\n" },
	{ "by default", "db._dns-sd._udp.one.test PTR",
	    "NOERROR aa\nan db._dns-sd._udp.one.test. 77 PTR one.test.\n" },
	{ "also while there is nothing", "lb._dns-sd._udp.empty.test PTR",
	    "NOERROR aa\nan lb._dns-sd._udp.empty.test. 5 PTR empty.test.\n" },
	{ "unless a zone file knows better", "lb._dns-sd._udp.svc.test PTR",
	    "NOERROR aa\nan lb._dns-sd._udp.svc.test. 60 PTR other.test.\n" },
	{ "another type", "b._dns-sd._udp.svc.test TXT", NODATA },
	{ "any type", "b._dns-sd._udp.one.test ANY",
	    "NOERROR aa\n"
	    "an b._dns-sd._udp.one.test. 3600 HINFO \"RFC8482\" \"\"\n" },
	{ "nothing is registered here", "r._dns-sd._udp.svc.test PTR",
	    NXDOMAIN },
	{ "nor by default", "dr._dns-sd._udp.svc.test PTR", NXDOMAIN },
	{ "on the way", "_dns-sd._udp.svc.test PTR", NODATA },
	{ "further up", "_udp.svc.test A", NODATA },
	{ "not that way", "_dns-sd._tcp.svc.test PTR", NXDOMAIN },
	{ "no such name", "_nope._udp.svc.test SRV", NXDOMAIN },
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

/* ---- more than fits --------------------------------------------------- */

enum { MANY = 5000, SOME = 100 };

static void add_many(struct world *w)
{
	char line[128];

	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(line, sizeof(line),
		    "service many%u protocol %s\ninstance i 192.0.2.1\n", i,
		    i % 100 ? "tcp" : "udp");
		world_add(w, line);
	}
}

/* Every record once, each a service's; adds to how often each was seen. */
static unsigned count_types(const struct reply *r, unsigned *seen)
{
	const ldns_rr_list *list = r->section[REPLY_ANSWER];
	unsigned n = (unsigned)ldns_rr_list_rr_count(list);
	bool here[MANY] = { false };

	for (unsigned k = 0; k < n; k++) {
		scoped_free char *text =
		    ldns_rdf2str(ldns_rr_rdf(ldns_rr_list_rr(list, k), 0));
		char *end;

		assert_memory_equal(text, "_many", 5);
		unsigned long i = strtoul(text + 5, &end, 10);
		assert_true(i < MANY && !here[i]);
		assert_string_equal(
		    end, i % 100 ? "._tcp.svc.test." : "._udp.svc.test.");
		here[i] = true;
		seen[i]++;
	}
	return n;
}

/* As many as fit, other ones each time; over TCP as well. */
static void test_many_types(void **state)
{
	static const char question[] = "_services._dns-sd._udp.svc.test PTR";
	struct world *w = world_new("zone svc.test\n");
	unsigned seen[MANY] = { 0 }, missing = 0;

	(void)state;
	add_many(w);
	for (unsigned k = 0; k < 300; k++) {
		bool tcp = k % 15 == 0;
		struct reply r;

		ask_reply(w, &r, question, k % 2 ? WORLD_UDP_MAX : ASK_NO_EDNS,
		    tcp ? VIA_TCP : VIA_UDP);
		unsigned n = count_types(&r, seen);
		assert_int_equal(r.tc, !tcp);
		assert_true(n > (tcp ? 2300 : k % 2 ? 40 : 15));
		reply_release(&r);
	}
	for (unsigned i = 0; i < MANY; i++)
		missing += !seen[i];
	assert_int_equal(missing, 0);
	assert_int_equal(stats_get(&w->handler->stats, STAT_SAMPLED), 300 / 15);
	/* and none when they are gone */
	for (unsigned i = 0; i < MANY; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "many%u", i);
		assert_true(world_remove(w, name));
		if (i != MANY - 2)
			continue;
		scoped_free char *got = ask_text(w, question);
		assert_string_equal(got,
		    "NOERROR aa\nan _services._dns-sd._udp.svc.test. 5 PTR "
		    "_many4999._tcp.svc.test.\n");
	}
	scoped_free char *got = ask_text(w, question);
	assert_string_equal(got, NXDOMAIN);
	world_free(w);
}

/* A subtype that UDP cannot hold: TC, and TCP has it with what goes along. */
static void test_large_subtype(void **state)
{
	static const char question[] = "_even._sub._web._tcp.svc.test PTR";
	char text[SOME * 64] = "zone svc.test\nservice web\n";
	struct world *w;
	struct reply r;

	(void)state;
	for (unsigned i = 0; i < SOME; i++) {
		size_t len = strlen(text);

		(void)snprintf(text + len, sizeof(text) - len,
		    "instance i%u 10.0.0.%u weight %u\n%s", i, i, i % 3,
		    i % 2 ? "" : "tag even\n");
	}
	w = world_new(text);
	ask_reply(w, &r, question, ASK_NO_EDNS, VIA_UDP);
	assert_true(r.tc);
	assert_true(reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_PTR) > 15);
	reply_release(&r);
	ask_reply(w, &r, question, ASK_NO_EDNS, VIA_TCP);
	assert_false(r.tc);
	assert_int_equal(
	    reply_count(&r, REPLY_ANSWER, LDNS_RR_TYPE_PTR), SOME / 2);
	assert_int_equal(
	    reply_count(&r, REPLY_ADDITIONAL, LDNS_RR_TYPE_SRV), SOME / 2);
	assert_int_equal(
	    reply_count(&r, REPLY_ADDITIONAL, LDNS_RR_TYPE_A), SOME / 2);
	reply_release(&r);
	world_free(w);
}

/* More tags than have subtypes: the first ones in order, the rest counted. */
static void test_many_tags(void **state)
{
	char text[300 * 16] =
	    "zone svc.test\nservice web\ninstance i 10.0.0.1\n";
	struct world *w;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		size_t len = strlen(text);

		(void)snprintf(
		    text + len, sizeof(text) - len, "tag t%03u\n", i);
	}
	w = world_new(text);
	assert_int_equal(w->last.dropped_tag_n, 300 - 256);
	scoped_free char *got = ask_text(w, "_t255._sub._web._tcp.svc.test A");
	assert_string_equal(got, NODATA);
	scoped_free char *more = ask_text(w, "_t256._sub._web._tcp.svc.test A");
	assert_string_equal(more, NXDOMAIN);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_types),
		cmocka_unit_test(test_large_subtype),
		cmocka_unit_test(test_many_tags),
		cmocka_unit_test(test_browsing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
