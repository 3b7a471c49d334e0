// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/wire/rdata.h"

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
	const uint8_t *rdata;
	size_t len;
	uint16_t type;
	bool fits;
} shapes[] = {
	{ "a name", L("\1a\0"), TYPE_NS, true },
	{ "the root", L("\0"), TYPE_NS, true },
	{ "nothing", L(""), TYPE_NS, false },
	{ "a name without end", L("\1a"), TYPE_NS, false },
	{ "a label without end", L("\5a"), TYPE_NS, false },
	{ "a pointer", L("\xc0\x0c"), TYPE_NS, false },
	{ "a label of 64", L("\x40" "a\0"), TYPE_NS, false },
	{ "an octet more", L("\1a\0x"), TYPE_NS, false },
	{ "a number and a name", L("\0\1\1a\0"), TYPE_MX, true },
	{ "half a number", L("\0"), TYPE_MX, false },
	{ "a number alone", L("\0\1"), TYPE_MX, false },
	{ "two names", L("\1a\0\1b\0"), TYPE_RP, true },
	{ "one of two", L("\1a\0"), TYPE_RP, false },
	{ "SOA", L("\0\0" "12345678901234567890"), TYPE_SOA, true },
	{ "SOA, an octet less", L("\0\0" "1234567890123456789"), TYPE_SOA, false },
	{ "whatever follows", L("\0\1\0xyz"), TYPE_SVCB, true },
	{ "no names", L("\1a"), TYPE_TXT, true },
	{ "no names, whatever it is", L(""), 65280, true },
};

static const struct {
	const char *why;
	const uint8_t *a, *b;
	size_t len;
	uint16_t type;
	bool equal;
} pairs[] = {
	{ "the same", (const uint8_t *)"\0\1\1a\0",
	    L("\0\1\1a\0"), TYPE_MX, true },
	{ "a name in another case", (const uint8_t *)"\0\1\1a\0",
	    L("\0\1\1A\0"), TYPE_MX, true },
	{ "another name", (const uint8_t *)"\0\1\1a\0",
	    L("\0\1\1b\0"), TYPE_MX, false },
	{ "a number is no letter", (const uint8_t *)"\0A\1a\0",
	    L("\0a\1a\0"), TYPE_MX, false },
	{ "nor is what follows a name", (const uint8_t *)"\0\1\1a\0A",
	    L("\0\1\1A\0a"), TYPE_SVCB, false },
	{ "both names", (const uint8_t *)"\1a\0\1b\0",
	    L("\1A\0\1B\0"), TYPE_RP, true },
	{ "labels of other lengths", (const uint8_t *)"\1a\1b\0",
	    L("\3a\1b\0"), TYPE_NS, false },
	{ "text", (const uint8_t *)"\1a", L("\1A"), TYPE_TXT, false },
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
