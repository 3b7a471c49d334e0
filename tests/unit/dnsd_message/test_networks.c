// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which addresses are in a list of networks: by hand, and beside a search
 * through the list that is too simple to be wrong.
 */
#include "dnsd/message/screen/networks.h"
#include "schema/base/rng.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

union address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

static union address address_of(const char *text)
{
	union address a;

	memset(&a, 0, sizeof(a));
	if (strchr(text, ':')) {
		a.ipv6.sin6_family = AF_INET6;
		assert_int_equal(
		    inet_pton(AF_INET6, text, &a.ipv6.sin6_addr), 1);
	} else {
		a.ipv4.sin_family = AF_INET;
		assert_int_equal(inet_pton(AF_INET, text, &a.ipv4.sin_addr), 1);
	}
	return a;
}

static const struct {
	const char *text;
	bool is_one;
} texts[] = {
	{ "10.0.0.0/8", true },
	{ "!10.0.0.0/8", true },
	{ "192.0.2.1", true },
	{ "0.0.0.0/0", true },
	{ "::/0", true },
	{ "!::1", true },
	{ "2001:db8::/32", true },
	{ "2001:db8::1/128", true },
	{ "", false },
	{ "!", false },
	{ "!!10.0.0.0/8", false },
	{ "/8", false },
	{ "10.0.0.0/", false },
	{ "10.0.0.0/33", false },
	{ "10.0.0.0/8x", false },
	{ "10.0.0.0/-1", false },
	{ "10.0.0.0/x", false },
	{ "10.0.0.0/ 8", false },
	{ "10.0.0.0/4294967304", false },
	{ "10.0.0.0/18446744073709551624", false },
	{ "::/129", false },
	{ "10.0.0.1/8", false }, /* which of the two was meant? */
	{ "2001:db8::1/64", false },
	{ "10.0.0/24", false },
	{ "10.0.0.0/255.0.0.0", false },
	{ "localhost", false },
	{ "1:2:3:4:5:6:7:8:9:1:2:3:4:5:6:7:8:9:1:2:3:4:5:6:7:8:9", false },
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (networks_is_one(texts[i].text) != texts[i].is_one)
			fail_msg("'%s'", texts[i].text);
	}
}

enum { LIST_MAX = 4 };

static const struct {
	const char *why;
	const char *list[LIST_MAX + 1];
	const char *in, *out; /* one of either; NULL: none is */
} cases[] = {
	{ "an empty list", { NULL }, NULL, "10.0.0.1" },
	{ "one address", { "192.0.2.1" }, "192.0.2.1", "192.0.2.2" },
	{ "the first of a network", { "192.0.2.128/25" }, "192.0.2.128",
	    "192.0.2.127" },
	{ "the last of a network", { "192.0.2.0/25" }, "192.0.2.127",
	    "192.0.2.128" },
	{ "at an octet's end", { "192.0.2.0/24" }, "192.0.2.255", "192.0.3.0" },
	{ "half of all", { "128.0.0.0/1" }, "255.255.255.255",
	    "127.255.255.255" },
	{ "all, of one family", { "0.0.0.0/0" }, "0.0.0.0", "::" },
	{ "all, of the other", { "::/0" }, "ffff::1", "10.0.0.1" },
	{ "31 bits", { "10.0.0.2/31" }, "10.0.0.3", "10.0.0.4" },
	{ "an exception", { "10.0.0.0/8", "!10.66.0.0/16" }, "10.65.0.1",
	    "10.66.0.1" },
	{ "whatever the order", { "!10.66.0.0/16", "10.0.0.0/8" }, "10.67.0.1",
	    "10.66.255.255" },
	{ "an exception of an exception",
	    { "10.0.0.0/8", "!10.66.0.0/16", "10.66.7.0/24" }, "10.66.7.9",
	    "10.66.8.9" },
	{ "an exception within the same octet",
	    { "10.0.0.0/8", "!10.0.0.0/9", "10.0.0.0/10" }, "10.1.0.0",
	    "10.64.0.0" },
	{ "a longer one than an exception is not touched by it",
	    { "10.66.7.1", "!10.66.0.0/16" }, "10.66.7.1", "10.66.7.2" },
	{ "of equal ones the last", { "10.0.0.0/8", "!10.0.0.0/8" }, NULL,
	    "10.0.0.1" },
	{ "the other way round", { "!10.0.0.0/8", "10.0.0.0/8" }, "10.0.0.1",
	    NULL },
	{ "IPv6", { "2001:db8::/32", "!2001:db8:bad::/48" },
	    "2001:db8:bac:ffff::1", "2001:db8:bad::1" },
	{ "one IPv6 address", { "2001:db8::1" }, "2001:db8::1", "2001:db8::2" },
	{ "odd lengths", { "2001:db8::/33" },
	    "2001:db8:7fff::", "2001:db8:8000::" },
	{ "families do not mix", { "10.0.0.0/8" }, "10.0.0.1",
	    "::ffff:10.0.0.1" },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unsigned n = 0;

		while (cases[i].list[n])
			n++;
		struct networks *set = networks_new(cases[i].list, n);
		if (cases[i].in) {
			union address a = address_of(cases[i].in);

			if (!networks_have(set, &a.any))
				fail_msg("%s: %s", cases[i].why, cases[i].in);
		}
		if (cases[i].out) {
			union address a = address_of(cases[i].out);

			if (networks_have(set, &a.any))
				fail_msg("%s: %s", cases[i].why, cases[i].out);
		}
		networks_free(set);
	}
	networks_free(NULL);
}

static void test_other_family(void **state)
{
	static const char *const all[] = { "0.0.0.0/0", "::/0" };
	struct networks *set = networks_new(all, 2);
	struct sockaddr local = { .sa_family = AF_UNIX };

	(void)state;
	assert_false(networks_have(set, &local));
	networks_free(set);
}

/* ---- beside a plain search -------------------------------------------- */

enum { MEMBERS = 60, ADDRESSES = 3000, ROUNDS = 40 };

struct member {
	uint32_t base;
	unsigned bits;
	bool in;
};

static bool search(const struct member *m, unsigned n, uint32_t host)
{
	int longest = -1;
	bool in = false;

	for (unsigned i = 0; i < n; i++) {
		uint32_t mask = m[i].bits ? UINT32_MAX << (32 - m[i].bits) : 0;

		if ((host & mask) == m[i].base && (int)m[i].bits >= longest) {
			longest = (int)m[i].bits;
			in = m[i].in;
		}
	}
	return in;
}

static void test_many(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed_fixed(&rng, 7);
	for (unsigned round = 0; round < ROUNDS; round++) {
		char text[MEMBERS][32];
		const char *list[MEMBERS];
		struct member m[MEMBERS];

		for (unsigned i = 0; i < MEMBERS; i++) {
			m[i].bits = rng_below(&rng, 33);
			/* few addresses, so that they lie in one another */
			m[i].base = rng_u32(&rng) & 0x03030303;
			m[i].base &=
			    m[i].bits ? UINT32_MAX << (32 - m[i].bits) : 0;
			m[i].in = rng_below(&rng, 2);
			(void)snprintf(text[i], sizeof(text[i]),
			    "%s%u.%u.%u.%u/%u", m[i].in ? "" : "!",
			    m[i].base >> 24, m[i].base >> 16 & 255,
			    m[i].base >> 8 & 255, m[i].base & 255, m[i].bits);
			list[i] = text[i];
		}
		struct networks *set = networks_new(list, MEMBERS);
		for (unsigned i = 0; i < ADDRESSES; i++) {
			uint32_t host = rng_u32(&rng) & 0x03030303;
			union address a = { .ipv4 = { .sin_family = AF_INET,
				                .sin_addr.s_addr =
				                    htonl(host) } };

			assert_int_equal(networks_have(set, &a.any),
			    search(m, MEMBERS, host));
		}
		networks_free(set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_other_family),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
