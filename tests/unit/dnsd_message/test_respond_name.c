// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is pointed to is what was meant: names are written behind each other
 * and followed back through their pointers.
 */
#include "dnsd/message/wire/dname.h"
#include "dnsd/message/wire/respond_name.h"
#include "schema/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct message {
	struct names names;
	uint8_t octets[WIRE_MESSAGE_MAX + WIRE_NAME_MAX];
	size_t len;
};

static struct message *message_begin(void)
{
	static struct message m;

	names_reset(&m.names);
	m.len = WIRE_HEADER_LEN;
	return &m;
}

/* Octets that the name took. */
static size_t put(
    struct message *m, const uint8_t *name, size_t len, bool whole)
{
	size_t at = m->len;
	uint8_t *end =
	    names_write(&m->names, m->octets + at, at, name, len, whole);

	m->len = (size_t)(end - m->octets);
	return m->len - at;
}

/* Follows pointers, which must lead backwards, and folds the case. */
static void check_reads(
    const struct message *m, size_t at, const uint8_t *name, size_t len)
{
	uint8_t whole[2 * WIRE_NAME_MAX];
	struct dname got, want;
	size_t n = 0;

	while (m->octets[at] && n < WIRE_NAME_MAX) {
		if (m->octets[at] >= 0xc0) {
			size_t to = wire_get16(m->octets + at) & 0x3fff;

			assert_true(to < at);
			at = to;
			continue;
		}
		memcpy(whole + n, m->octets + at, 1u + m->octets[at]);
		n += 1u + m->octets[at];
		at += 1u + m->octets[at];
	}
	whole[n++] = 0;
	assert_int_equal(dname_parse(&got, whole, n, 0), len);
	assert_int_equal(dname_parse(&want, name, len, 0), len);
	assert_memory_equal(got.lower, want.lower, len);
}

/* clang-format off */
#define N(s) (const uint8_t *)(s), sizeof(s)

static const struct {
	const char *why;
	const uint8_t *name;
	size_t len;
	bool whole;
	size_t takes;
} sequence[] = {
	{ "the first is whole", N("\3www\3svc\4test"), false, 14 },
	{ "the same again is a pointer", N("\3www\3svc\4test"), false, 2 },
	{ "in another case too", N("\3WwW\3sVc\4tEsT"), false, 2 },
	{ "its end is one", N("\3svc\4test"), false, 2 },
	{ "a label and a pointer", N("\4mail\3svc\4test"), false, 7 },
	{ "the end of that", N("\4mail\3svc\4test"), false, 2 },
	{ "whole although it could be shorter", N("\1a\3svc\4test"), true, 12 },
	{ "what was written whole can be pointed to", N("\1b\1a\3svc\4test"),
	    false, 4 },
	{ "the root is an octet, not a pointer", N(""), false, 1 },
	{ "ends alike, not at a label", N("\4xsvc\4test"), false, 7 },
	{ "[ and { are no letters", N("\1["), false, 3 },
	{ "so they differ", N("\1{"), false, 3 },
	{ "@ and ` neither", N("\1@"), false, 3 },
	{ "so they differ too", N("\1`"), false, 3 },
};
/* clang-format on */

static void test_sequence(void **state)
{
	struct message *m = message_begin();

	(void)state;
	for (size_t i = 0; i < sizeof(sequence) / sizeof(*sequence); i++) {
		size_t at = m->len;
		size_t takes = put(
		    m, sequence[i].name, sequence[i].len, sequence[i].whole);

		if (takes != sequence[i].takes)
			fail_msg("%s: %zu octets", sequence[i].why, takes);
		check_reads(m, at, sequence[i].name, sequence[i].len);
	}
}

/* As if it had never been written. */
static void test_forget(void **state)
{
	struct message *m = message_begin();

	(void)state;
	(void)put(m, N("\1a\4test"), false);
	unsigned keep = m->names.n;
	size_t len = m->len;
	(void)put(m, N("\1b\1a\4test"), false);
	names_forget(&m->names, keep);
	m->len = len;
	assert_int_equal(names_pointer(&m->names, N("\1b\1a\4test")), 0);
	assert_int_equal(names_pointer(&m->names, N("\1a\4test")),
	    RESPOND_POINTER | WIRE_HEADER_LEN);
	assert_int_equal(put(m, N("\1c\1a\4test"), false), 4);
}

/* More suffixes than are remembered, then beyond the reach of a pointer. */
static void test_limits(void **state)
{
	enum { WRITTEN = 3000 };
	static uint8_t borrowed[WRITTEN][64];
	struct message *m = message_begin();
	struct rng rng;

	(void)state;
	rng_seed_fixed(&rng, 1);
	for (unsigned i = 0; i < WRITTEN; i++) {
		uint8_t *name = borrowed[i];
		int n = snprintf((char *)name, sizeof(borrowed[i]),
		    "%c%u%cb%03u%cZ%u%ctest", 1, rng_below(&rng, 10), 4,
		    rng_below(&rng, 500), 2, rng_below(&rng, 10), 4);
		size_t at = m->len;

		(void)put(m, name, (size_t)n + 1, rng_below(&rng, 8) == 0);
		assert_true(m->names.n <= NAMES_MAX);
		check_reads(m, at, name, (size_t)n + 1);
	}
	assert_true(m->len > RESPOND_POINTER_MAX);

	m = message_begin();
	m->len = RESPOND_POINTER_MAX - 2;
	(void)put(m, N("\1x\4test"), false);
	/* its first label is in reach, `test` begins at 0x3fff: as well */
	assert_int_equal(names_pointer(&m->names, N("\4test")),
	    RESPOND_POINTER | RESPOND_POINTER_MAX);
	m = message_begin();
	m->len = RESPOND_POINTER_MAX - 1;
	(void)put(m, N("\1x\4test"), false);
	assert_int_equal(names_pointer(&m->names, N("\4test")), 0);
	assert_int_not_equal(names_pointer(&m->names, N("\1x\4test")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequence),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
