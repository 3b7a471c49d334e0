// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/data/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 5 };

static struct dname name_of(const char *text)
{
	struct dname n;
	bool ok = dname_from_text(&n, text);

	assert_true(ok);
	dname_hash(&n, SEED);
	return n;
}

static struct zone *zone_of(const char *text)
{
	struct dname n = name_of(text);

	return zone_new(&n, SEED);
}

static bool has(const struct zone *z, const char *label)
{
	return zone_has_protocol(
	    z, (const uint8_t *)label, (uint8_t)strlen(label));
}

static void test_protocols(void **state)
{
	struct zone *z = zone_of("a.test");
	char label[16] = "tcp";

	(void)state;
	assert_false(has(z, "tcp"));
	assert_true(zone_count_protocol(z, label, 1));
	assert_true(zone_count_protocol(z, label, 1));
	assert_true(has(z, "tcp"));
	assert_false(has(z, "tc"));
	assert_false(has(z, "tcpx"));
	assert_false(has(z, ""));
	assert_false(has(z, "0123456789abcdef"));
	assert_true(zone_count_protocol(z, label, -1));
	assert_true(has(z, "tcp"));
	assert_true(zone_count_protocol(z, label, -1));
	assert_false(has(z, "tcp"));

	/*
	 * As many as there is room for; one more is refused, and from then on
	 * no protocol is surely not there.
	 */
	for (unsigned i = 1; i < ZONE_PROTOCOLS_MAX; i++) {
		memset(label, 0, sizeof(label));
		(void)snprintf(label, sizeof(label), "p%u", i);
		assert_true(zone_count_protocol(z, label, 1));
		assert_true(has(z, label));
	}
	memset(label, 'x', 15);
	label[15] = '\0';
	assert_false(has(z, label));
	assert_false(zone_count_protocol(z, label, 1));
	assert_true(has(z, label));
	assert_false(zone_count_protocol(z, label, -1));
	assert_true(has(z, "p31"));
	zone_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protocols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
