// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/neighbours.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *why, *address, *mask, *want; /* NULL: none */
} cases[] = {
	{ "RFC 1918, as long as it is there", "10.1.2.3", "255.255.255.0",
	    "10.1.2.0/24" },
	{ "a host alone", "172.31.9.9", "255.255.255.255", "172.31.9.9/32" },
	{ "not on a boundary of octets", "192.168.77.200", "255.255.255.224",
	    "192.168.77.192/27" },
	{ "just outside of RFC 1918", "172.32.0.1", "255.255.255.0", NULL },
	{ "everybody's", "203.0.113.9", "255.255.255.0", NULL },
	{ "carrier's, which strangers share", "100.64.0.9", "255.192.0.0",
	    NULL },
	{ "link-local", "169.254.7.7", "255.255.0.0", NULL },
	{ "RFC 4193", "fd12:3456:789a:1::5",
	    "ffff:ffff:ffff:ffff::", "fd12:3456:789a:1::/64" },
	{ "everybody's", "2001:db8::5", "ffff:ffff:ffff:ffff::", NULL },
	{ "link-local", "fe80::5", "ffff:ffff:ffff:ffff::", NULL },
};

static void to_socket_address(const char *text, struct sockaddr_in6 *ret_a)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	*ret_a = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
		memcpy(ret_a, &v4, sizeof(v4));
	} else {
		assert_int_equal(
		    inet_pton(AF_INET6, text, &ret_a->sin6_addr), 1);
	}
}

static void test_private_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct conf_strings n = { 0 };
		struct sockaddr_in6 address, mask;

		print_message("%s\n", cases[i].why);
		to_socket_address(cases[i].address, &address);
		to_socket_address(cases[i].mask, &mask);
		neighbours_add(
		    &n, (struct sockaddr *)&address, (struct sockaddr *)&mask);
		assert_int_equal(n.n, cases[i].want != NULL);
		if (n.n)
			assert_string_equal(n.items[0], cases[i].want);
		neighbours_free(&n);
	}
}

static void test_of_this_host(void **state)
{
	struct conf_strings n;

	(void)state;
	neighbours_find(&n);
	assert_true(n.n >= 2);
	assert_string_equal(n.items[0], "127.0.0.0/8");
	assert_string_equal(n.items[1], "::1");
	neighbours_free(&n);
	assert_int_equal(n.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_private_ones),
		cmocka_unit_test(test_of_this_host),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
