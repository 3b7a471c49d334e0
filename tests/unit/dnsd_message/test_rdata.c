// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/rdata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* clang-format off */
#define L(s) (const uint8_t *)(s), sizeof(s) - 1

static const struct {
	const char *why;
	uint16_t type;
	const uint8_t *rdata;
	size_t len;
	bool fits;
} shapes[] = {
	{ "a name", TYPE_NS, L("\1a\0"), true },
	{ "the root", TYPE_NS, L("\0"), true },
	{ "nothing", TYPE_NS, L(""), false },
	{ "a name without end", TYPE_NS, L("\1a"), false },
	{ "a label without end", TYPE_NS, L("\5a"), false },
	{ "a pointer", TYPE_NS, L("\xc0\x0c"), false },
	{ "a label of 64", TYPE_NS, L("\x40" "a\0"), false },
	{ "an octet more", TYPE_NS, L("\1a\0x"), false },
	{ "a number and a name", TYPE_MX, L("\0\1\1a\0"), true },
	{ "half a number", TYPE_MX, L("\0"), false },
	{ "a number alone", TYPE_MX, L("\0\1"), false },
	{ "two names", TYPE_RP, L("\1a\0\1b\0"), true },
	{ "one of two", TYPE_RP, L("\1a\0"), false },
	{ "SOA", TYPE_SOA, L("\0\0" "12345678901234567890"), true },
	{ "SOA, an octet less", TYPE_SOA, L("\0\0" "1234567890123456789"),
	    false },
	{ "whatever follows", TYPE_SVCB, L("\0\1\0xyz"), true },
	{ "no names", TYPE_TXT, L("\1a"), true },
	{ "no names, whatever it is", 65280, L(""), true },
};

static const struct {
	const char *why;
	uint16_t type;
	const uint8_t *a, *b;
	size_t len;
	bool equal;
} pairs[] = {
	{ "the same", TYPE_MX, (const uint8_t *)"\0\1\1a\0",
	    L("\0\1\1a\0"), true },
	{ "a name in another case", TYPE_MX, (const uint8_t *)"\0\1\1a\0",
	    L("\0\1\1A\0"), true },
	{ "another name", TYPE_MX, (const uint8_t *)"\0\1\1a\0",
	    L("\0\1\1b\0"), false },
	{ "a number is no letter", TYPE_MX, (const uint8_t *)"\0A\1a\0",
	    L("\0a\1a\0"), false },
	{ "nor is what follows a name", TYPE_SVCB,
	    (const uint8_t *)"\0\1\1a\0A", L("\0\1\1A\0a"), false },
	{ "both names", TYPE_RP, (const uint8_t *)"\1a\0\1b\0",
	    L("\1A\0\1B\0"), true },
	{ "labels of other lengths", TYPE_NS, (const uint8_t *)"\1a\1b\0",
	    L("\3a\1b\0"), false },
	{ "text", TYPE_TXT, (const uint8_t *)"\1a", L("\1A"), false },
};
/* clang-format on */

static void test_fits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		if (rdata_fits(rdata_shape_of(shapes[i].type), shapes[i].rdata,
		        shapes[i].len) != shapes[i].fits)
			fail_msg("%s", shapes[i].why);
	}
}

static void test_equal(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		if (rdata_equal(rdata_shape_of(pairs[i].type), pairs[i].a,
		        pairs[i].b, pairs[i].len) != pairs[i].equal)
			fail_msg("%s", pairs[i].why);
	}
}

static void test_longest_name(void **state)
{
	uint8_t name[300];

	(void)state;
	for (size_t i = 0; i < sizeof(name); i += 2)
		memcpy(name + i, "\1a", 2);
	name[254] = 0;
	assert_int_equal(wire_name_len(name, sizeof(name)), 255);
	assert_int_equal(wire_name_len(name, 254), 0);
	name[254] = 1;
	name[256] = 0;
	assert_int_equal(wire_name_len(name, sizeof(name)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_longest_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
