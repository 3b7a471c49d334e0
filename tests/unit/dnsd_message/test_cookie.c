// SPDX-License-Identifier: BSD-2-Clause
/*
 * SipHash and server cookies against published vectors: the paper's and those
 * of RFC 9018, appendix A.
 */
#include "dnsd/message/wire/cookie.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t from_hex(const char *text, uint8_t *ret)
{
	size_t n = 0;

	for (; text[0] && text[1]; text += 2) {
		const char digits[] = { text[0], text[1], '\0' };

		ret[n++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

/* "SipHash: a fast short-input PRF", appendix A, and its lengths around. */
static void test_siphash(void **state)
{
	static const struct {
		size_t len;
		uint64_t want;
	} cases[] = {
		{ 0, 0x726fdb47dd0e0e31 },
		{ 1, 0x74f839c593dc67fd },
		{ 7, 0xab0200f58b01d137 },
		{ 8, 0x93f5f5799a932462 },
		{ 15, 0xa129ca6149be45e5 },
		{ 16, 0x3f2acc7f57c29bdb },
	};
	uint8_t octets[SIPHASH_KEY_LEN];

	(void)state;
	for (unsigned i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(
		    siphash(octets, octets, cases[i].len), cases[i].want);
	}
}

/* Python's hash() of bytes with PYTHONHASHSEED=0, whose key is all zero. */
static void test_siphash_short(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} cases[] = {
		{ "a", 0x407448d2b89b1813 },
		{ "abc", 0xc03bc3a0042630f2 },
		{ "0123456", 0x810aaf7acf670379 },
		{ "01234567", 0xda3dcedf84ea6cc6 },
		{ "0123456789abcdef0123456789abcdef", 0x508d775b6fd5229b },
	};
	static const uint8_t key[SIPHASH_KEY_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *text = cases[i].text;

		assert_int_equal(
		    siphash_short(key, (const uint8_t *)text, strlen(text)),
		    cases[i].want);
	}
}

struct client {
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} at;
};

static struct client client_at(const char *address)
{
	struct client c = { 0 };

	if (strchr(address, ':')) {
		c.at.ipv6.sin6_family = AF_INET6;
		assert_int_equal(
		    inet_pton(AF_INET6, address, &c.at.ipv6.sin6_addr), 1);
	} else {
		c.at.ipv4.sin_family = AF_INET;
		assert_int_equal(
		    inet_pton(AF_INET, address, &c.at.ipv4.sin_addr), 1);
	}
	return c;
}

#define ONE "e5e973e5a6b2a43f48e7dc849e37bfcf"
#define OLD "dd3bdf9344b678b185a6f5cb60fca715"
#define NEW "445536bcd2513298075a5d379663c962"
#define CLIENT "2464c4abcf10c957"
#define CLIENT_3 "fc93fc62807ddb86"
#define CLIENT_4 "22681ab97d52c298"
#define HERE "198.51.100.100"
#define SIX "2001:db8:220:1:59de:d0f4:8769:82b8"
#define MADE "010000005cf79f111f8130c3eee29480" /* at 1559731985 */

static const struct {
	const char *why, *secrets, *address, *option;
	uint32_t now;
	enum cookie_status want;
	const char *answer; /* server part; NULL: a new one, not that shown */
} cases[] = {
	{ "A.1: a new server cookie", ONE, HERE, CLIENT, 1559731985,
	    COOKIE_CLIENT_ONLY, MADE },
	{ "A.2: shown after 40 minutes, renewed", ONE, HERE, CLIENT MADE,
	    1559734385, COOKIE_GOOD, "010000005cf7a871d4a564a1442aca77" },
	{ "A.3: reserved octets count as they came", ONE, "203.0.113.203",
	    CLIENT_3 "01abcdef5cf78f71a314227b6679ebf5", 1559728241,
	    COOKIE_GOOD, "01abcdef5cf78f71a314227b6679ebf5" },
	{ "A.3: and are zero in the new one", ONE, "203.0.113.203",
	    CLIENT_3 "01abcdef5cf78f71a314227b6679ebf5", 1559730641,
	    COOKIE_GOOD, NULL },
	{ "A.4: IPv6, made with the secret before", NEW OLD, SIX,
	    CLIENT_4 "010000005cf7c57926556bd0934c72f8", 1559741961,
	    COOKIE_GOOD, "010000005cf7c609a6bb79d16625507a" },
	{ "A.4: that secret has gone", NEW, SIX,
	    CLIENT_4 "010000005cf7c57926556bd0934c72f8", 1559741961, COOKIE_BAD,
	    "010000005cf7c609a6bb79d16625507a" },
	{ "A.4: before the roll-over", OLD NEW, SIX,
	    CLIENT_4 "010000005cf7c57926556bd0934c72f8", 1559741961,
	    COOKIE_GOOD, "010000005cf7c57926556bd0934c72f8" },
	{ "kept while it is young", ONE, HERE, CLIENT MADE, 1559731985 + 1799,
	    COOKIE_GOOD, MADE },
	{ "renewed at half an hour", ONE, HERE, CLIENT MADE, 1559731985 + 1800,
	    COOKIE_GOOD, NULL },
	{ "good for an hour", ONE, HERE, CLIENT MADE, 1559731985 + 3600,
	    COOKIE_GOOD, NULL },
	{ "not a second longer", ONE, HERE, CLIENT MADE, 1559731985 + 3601,
	    COOKIE_BAD, NULL },
	{ "clocks differ by up to five minutes", ONE, HERE, CLIENT MADE,
	    1559731985 - 300, COOKIE_GOOD, MADE },
	{ "not by more", ONE, HERE, CLIENT MADE, 1559731985 - 301, COOKIE_BAD,
	    NULL },
	{ "half of time away: serial numbers do not tell past from future", ONE,
	    HERE, CLIENT MADE, 1559731985u + 0x80000000, COOKIE_BAD, NULL },
	{ "shown from elsewhere", ONE, "198.51.100.101", CLIENT MADE,
	    1559731985, COOKIE_BAD, NULL },
	{ "another client's", ONE, HERE, "2464c4abcf10c958" MADE, 1559731985,
	    COOKIE_BAD, NULL },
	{ "a bit of the hash", ONE, HERE,
	    CLIENT "010000005cf79f111f8130c3eee29481", 1559731985, COOKIE_BAD,
	    MADE },
	{ "a bit of the time", ONE, HERE,
	    CLIENT "010000005cf79f101f8130c3eee29480", 1559731985, COOKIE_BAD,
	    MADE },
	{ "another version", ONE, HERE,
	    CLIENT "020000005cf79f111f8130c3eee29480", 1559731985, COOKIE_BAD,
	    MADE },
	{ "eight octets of somebody else", ONE, HERE, CLIENT "0102030405060708",
	    1559731985, COOKIE_BAD, MADE },
	{ "an octet more than ours", ONE, HERE, CLIENT MADE "00", 1559731985,
	    COOKIE_BAD, MADE },
	{ "32 octets, the longest", ONE, HERE, CLIENT MADE MADE, 1559731985,
	    COOKIE_BAD, MADE },
	{ "33", ONE, HERE, CLIENT MADE MADE "00", 1559731985, COOKIE_MALFORMED,
	    NULL },
	{ "nothing", ONE, HERE, "", 1559731985, COOKIE_MALFORMED, NULL },
	{ "7 octets", ONE, HERE, "2464c4abcf10c9", 1559731985, COOKIE_MALFORMED,
	    NULL },
	{ "9 octets", ONE, HERE, CLIENT "00", 1559731985, COOKIE_MALFORMED,
	    NULL },
	{ "15 octets", ONE, HERE, CLIENT "01020304050607", 1559731985,
	    COOKIE_MALFORMED, NULL },
};

static void check(size_t i)
{
	struct client c = client_at(cases[i].address);
	struct cookie_secrets secrets = { 0 };
	uint8_t option[64], made[COOKIE_LEN] = { 0 }, want[COOKIE_SERVER_LEN];
	uint8_t again[COOKIE_LEN];
	size_t len = from_hex(cases[i].option, option);

	secrets.n = (unsigned)(from_hex(cases[i].secrets, secrets.key[0]) /
	                       SIPHASH_KEY_LEN);
	enum cookie_status s =
	    cookie_judge(&secrets, &c.at.any, cases[i].now, option, len, made);
	if (s != cases[i].want)
		fail_msg("%s: %d", cases[i].why, (int)s);
	if (s == COOKIE_MALFORMED)
		return;
	assert_memory_equal(made, option, COOKIE_CLIENT_LEN);
	if (cases[i].answer) {
		(void)from_hex(cases[i].answer, want);
		if (memcmp(made + COOKIE_CLIENT_LEN, want, sizeof(want)) != 0)
			fail_msg("%s: another cookie", cases[i].why);
	} else if (len == COOKIE_LEN && !memcmp(made, option, len)) {
		fail_msg("%s: the same cookie", cases[i].why);
	}
	/* whatever it was, what we made is good */
	assert_int_equal(cookie_judge(&secrets, &c.at.any, cases[i].now, made,
	                     COOKIE_LEN, again),
	    COOKIE_GOOD);
	assert_memory_equal(made, again, COOKIE_LEN);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check(i);
}

/* The wall clock of RFC 9018 wraps in 2106. */
static void test_wrap(void **state)
{
	struct client c = client_at(HERE);
	struct cookie_secrets secrets = { .n = 1 };
	uint8_t option[COOKIE_CLIENT_LEN] = { 1 }, made[COOKIE_LEN];
	uint8_t again[COOKIE_LEN];

	(void)state;
	assert_int_equal(cookie_judge(&secrets, &c.at.any, UINT32_MAX - 10,
	                     option, sizeof(option), made),
	    COOKIE_CLIENT_ONLY);
	assert_int_equal(
	    cookie_judge(&secrets, &c.at.any, 20, made, sizeof(made), again),
	    COOKIE_GOOD);
	assert_memory_equal(made, again, COOKIE_LEN);
	assert_int_equal(
	    cookie_judge(&secrets, &c.at.any, 3590, made, sizeof(made), again),
	    COOKIE_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_siphash_short),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
