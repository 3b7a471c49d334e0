// SPDX-License-Identifier: BSD-2-Clause
/* Of checks of kinds alias, grpc and h2ping; loops in a file. */
#include "definition_errors_support.h"

static const struct bad_definition bad[] = {
	{ "service: a\nport: 1\nchecks:\n- {alias: 'b c'}\n- {alias: b/}\n"
	  "- {alias: b.}\n- {alias: /c}\n- {alias: b/c/d}\n- {alias: b/tag}\n"
	  "- {alias: '{port}.{name}/-', rise: 2}",
	    "10:30: found key 'rise' in an alias check, expected one of "
	    "alias, interval, grace, name\n" },
	{ "service: a\nport: 1\nchecks:\n- {alias: 'b c'}\n- {alias: b/}\n"
	  "- {alias: b.}\n- {alias: /c}\n- {alias: b/c/d}\n- {alias: b/tag}\n"
	  "- {alias: '{port}.z/-'}",
	    "4:11: found 'b c' for 'alias', expected SERVICE[.ZONE] or "
	    "SERVICE[.ZONE]/INSTANCE\n"
	    "5:11: found 'b/' for 'alias', expected SERVICE[.ZONE] or "
	    "SERVICE[.ZONE]/INSTANCE\n"
	    "6:11: found 'b.' for 'alias', expected SERVICE[.ZONE] or "
	    "SERVICE[.ZONE]/INSTANCE\n"
	    "7:11: found '/c' for 'alias', expected SERVICE[.ZONE] or "
	    "SERVICE[.ZONE]/INSTANCE\n"
	    "8:11: found 'b/c/d' for 'alias', expected SERVICE[.ZONE] or "
	    "SERVICE[.ZONE]/INSTANCE\n"
	    "9:11: found 'b/tag' for 'alias', expected SERVICE[.ZONE] or "
	    "SERVICE[.ZONE]/INSTANCE\n"
	    "10:11: found '1.z/-' for 'alias', expected SERVICE[.ZONE] or "
	    "SERVICE[.ZONE]/INSTANCE\n" },
	{ "service: a\nport: 1\nchecks: [{alias: a}]",
	    "3:18: found a loop for 'alias', a.svc.test > a.svc.test, expected "
	    "none\n" },
	{ "service: a\nport: 1\nchecks:\n- {grpc: '[::1]'}\n"
	  "- {grpc: 'unix:x'}\n- {grpc: 'unix:/{name}/{port}/{adress'}\n"
	  "- {grpc: 'db.example:1'}\n"
	  "- {grpc: '[::1]:1', tls: {name: 'a b'}}\n"
	  "- {h2ping: '[::1]'}",
	    "4:10: found '[::1]' for 'grpc', expected a numeric address (IPv6 "
	    "in brackets) or localhost, ':' and a port\n"
	    "5:10: found 'unix:x' for 'grpc', expected unix: and an absolute "
	    "path of at most 107 octets\n"
	    "7:10: found 'db.example:1' for 'grpc', expected a numeric address "
	    "(IPv6 in brackets) or localhost, ':' and a port\n"
	    "8:26: found 'a b' for 'name' in 'tls', expected the name or "
	    "address of a host\n"
	    "9:12: found '[::1]' for 'h2ping', expected a numeric address "
	    "(IPv6 in brackets) or localhost, ':' and a port\n" },
	{ "service: a\nport: 1\nchecks:\n"
	  "- {grpc: '[::1]:1', service: \"a\\tb\", authority: 'a/b',\n"
	  "   tls: 1, method: x}\n"
	  "- {h2ping: [], tls: {ca: x}}",
	    "4:30: found 'a?b' for 'service', expected the name of a service "
	    "such as 'my.pkg.Service'\n"
	    "4:49: found 'a/b' for 'authority', expected a name or address, "
	    "with or without a port\n"
	    "5:9: found '1' for 'tls', expected true, false or a map with "
	    "name, ca, cert, key and verify\n"
	    "5:12: found key 'method' in a grpc check, expected one of grpc, "
	    "service, authority, tls, interval, timeout, grace, jitter, rise, "
	    "fall, name\n"
	    "6:12: found a list for 'h2ping', expected an address and port "
	    "such as '{address}:{port}'\n"
	    "6:26: found 'x' for 'ca', expected the absolute path of a file "
	    "of certificates\n" },
	{ "service: s\ninstances:\n- {name: a, checks: [{alias: s}]}\n"
	  "- {name: b}",
	    "3:30: found a loop for 'alias', s.svc.test > s.svc.test, expected "
	    "none\n" },
	{ "service: s\ninstances:\n- {name: a, checks: [{alias: s/a}]}",
	    "3:30: found a loop for 'alias', s.svc.test/a > s.svc.test/a, "
	    "expected none\n" },
	{ "service: s\ninstances:\n- {name: a, checks: [{alias: s/b}]}\n"
	  "- {name: b, checks: [{alias: s/a}]}",
	    "3:30: found a loop for 'alias', s.svc.test/a > s.svc.test/b > "
	    "s.svc.test/a, expected none\n" },
	{ "services:\n- {service: s, port: 1, requires: [t]}\n"
	  "- {service: t, port: 1, checks: [{tcp: '[::1]:1'}, {alias: s}]}",
	    "2:35: found a loop for 'requires', s.svc.test > t.svc.test > "
	    "s.svc.test, expected none\n" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		expect_errors(&bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
