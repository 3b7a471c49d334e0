// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/wire/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *address;
	uint8_t ipv4_bits, ipv6_bits;
	uint64_t want;
} networks[] = {
	{ "192.0.2.77", 24, 56, 0xffffffffc0000200 },
	{ "192.0.2.77", 32, 56, 0xffffffffc000024d },
	{ "192.0.2.77", 0, 56, 0xffffffff00000000 },
	{ "255.255.255.255", 1, 56, 0xffffffff80000000 },
	{ "2001:db8:1:2345:6:7:8:9", 24, 64, 0x20010db800012345 },
	{ "2001:db8:1:2345:6:7:8:9", 24, 56, 0x20010db800012300 },
	{ "2001:db8:1:2345:6:7:8:9", 24, 1, 0 },
	{ "2001:db8:1:2345:6:7:8:9", 24, 0, 0 },
};

static void test_networks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(networks) / sizeof(*networks); i++) {
		const struct network_prefixes p = { networks[i].ipv4_bits,
			networks[i].ipv6_bits };
		struct sockaddr_in in = { .sin_family = AF_INET };
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
		const struct sockaddr *a = (const void *)&in;

		if (strchr(networks[i].address, ':')) {
			a = (const void *)&in6;
			assert_int_equal(
			    inet_pton(
			        AF_INET6, networks[i].address, &in6.sin6_addr),
			    1);
		} else {
			assert_int_equal(inet_pton(AF_INET, networks[i].address,
			                     &in.sin_addr),
			    1);
		}
		assert_int_equal(network_number(a, &p), networks[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
