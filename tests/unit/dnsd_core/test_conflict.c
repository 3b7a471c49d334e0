// SPDX-License-Identifier: BSD-2-Clause
/* Which names of services are told to be hidden, and which are not. */
#include "dnsd/zonefile/conflict.h"
#include "tests/support/world.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

static void add(void *arg, const struct service *s)
{
	conflicts_add(arg, s);
}

static struct conflicts conflicts_of(const struct world *w)
{
	struct conflicts c = { .catalog = w->catalog };
	unsigned at = 0;

	while (catalog_each_service(w->catalog, &at, add, &c))
		;
	conflicts_add_browsing(&c, w->zone);
	return c;
}

#define WEB                                                                    \
	"service web\ninstance i1 192.0.2.1\ntag blue\n"                       \
	"instance i2 192.0.2.2 six fd00::2\nmeta k v\n"

/* clang-format off */
static const struct {
	const char *why, *text;
	unsigned n;
	const char *first;
} cases[] = {
	{ "nothing", "zone x.test\n" WEB, 0, "" },
	{ "the same type", "zone x.test\n" WEB "record web 60 A 192.0.2.9\n",
	    1, "web.x.test. A" },
	{ "a type that no instance has",
	    "zone x.test\nservice six\ninstance i fd00::1\n"
	    "record six 60 A 192.0.2.9\n", 0, "" },
	{ "TXT beside a service without", "zone x.test\n" WEB
	    "record web 60 TXT t\nrecord i1.web 60 TXT t\n", 0, "" },
	{ "TXT of an instance", "zone x.test\n" WEB
	    "record i2.web 60 TXT t\n", 1, "i2.web.x.test. TXT" },
	{ "AAAA of one that has none", "zone x.test\n" WEB
	    "record i1.web 60 AAAA fd00::1\n", 0, "" },
	{ "an instance that is browsed for", "zone x.test\n" WEB
	    "record i2._web._tcp 60 TXT t\n", 1, "i2._web._tcp.x.test. TXT" },
	{ "and its SRV", "zone x.test\n" WEB
	    "record i1._web._tcp 60 SRV 0 0 1 a\n", 1,
	    "i1._web._tcp.x.test. SRV" },
	{ "a subtype", "zone x.test\n" WEB
	    "record _blue._sub._web._tcp 60 PTR a\n", 1,
	    "_blue._sub._web._tcp.x.test. PTR" },
	{ "another subtype", "zone x.test\n" WEB
	    "record _red._sub._web._tcp 60 PTR a\n", 0, "" },
	{ "types of services", "zone x.test\n" WEB
	    "record _services._dns-sd._udp 60 PTR _web._tcp\n", 1,
	    "_services._dns-sd._udp.x.test. PTR" },
	{ "domains", "zone x.test\n" WEB "record b._dns-sd._udp 60 PTR @\n"
	    "record lb._dns-sd._udp 60 PTR @\n", 2,
	    "b._dns-sd._udp.x.test. PTR, lb._dns-sd._udp.x.test. PTR" },
	{ "a delegation hides all below it, told once", "zone x.test\n" WEB
	    "record web 60 NS ns.else.\n", 1, "web.x.test. NS" },
	{ "a protocol's delegation", "zone x.test\n" WEB
	    "record _tcp 60 NS ns.else.\n", 1, "_web._tcp.x.test. NS" },
	{ "an alias at an instance", "zone x.test\n" WEB
	    "record i1.web 60 CNAME a\n", 1, "i1.web.x.test. CNAME" },
	{ "a zone of the service's name", "zone web.x.test\nzone x.test\n" WEB,
	    1, "web.x.test. zone" },
	{ "a zone of an instance's name", "zone i2.web.x.test\nzone x.test\n"
	    WEB, 1, "i2.web.x.test. zone" },
	{ "a zone of the browsed name", "zone _web._tcp.x.test\nzone x.test\n"
	    WEB, 1, "_web._tcp.x.test. zone" },
	{ "a zone that is nobody's", "zone other.x.test\nzone x.test\n" WEB, 0,
	    "" },
};
/* clang-format on */

static void test_what_is_hidden(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct world *w = world_new(cases[i].text);
		const struct conflicts c = conflicts_of(w);

		if (c.n != cases[i].n || strcmp(c.names, cases[i].first) != 0) {
			fail_msg("%s: names=%u, first: %s", cases[i].why, c.n,
			    c.names);
		}
		world_free(w);
	}
}

/* A zone file that comes later: the service above it, if there is one. */
static void test_zones_that_come_later(void **state)
{
	static const struct {
		const char *zone, *want;
	} later[] = {
		{ "zone web.x.test\n", "web.x.test. zone" },
		{ "zone i1.web.x.test\n", "i1.web.x.test. zone" },
		{ "zone deep.i1.web.x.test\n", "" },
		{ "zone _web._tcp.x.test\n", "_web._tcp.x.test. zone" },
		{ "zone nobody.x.test\n", "" },
		{ "zone elsewhere.test\n", "" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(later) / sizeof(*later); i++) {
		struct world *w = world_new("zone x.test\n" WEB);
		struct conflicts c = { .catalog = w->catalog };

		world_add(w, later[i].zone);
		conflicts_add_zone(&c, w->zone);
		assert_string_equal(c.names, later[i].want);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_hidden),
		cmocka_unit_test(test_zones_that_come_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
