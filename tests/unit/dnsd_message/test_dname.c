// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/wire/dname.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 77 };

/* Appends a label of `len` octets; returns the octets there are then. */
static size_t put_label(uint8_t *wire, size_t at, size_t len, uint8_t octet)
{
	wire[at] = (uint8_t)len;
	memset(wire + at + 1, octet, len);
	return at + 1 + len;
}

/* Octets of wire that dname_parse() takes, at each of several offsets. */
static size_t parse(struct dname *n, const uint8_t *wire, size_t len)
{
	uint8_t msg[600] = { 0 };
	size_t first = dname_parse(n, wire, len, 0);

	memcpy(msg + 12, wire, len);
	assert_int_equal(dname_parse(n, msg, 12 + len, 12), first);
	return first;
}

static const struct {
	const char *why;
	const char *wire;
	size_t len, takes;
	unsigned label_n;
} parses[] = {
	{ "the root is one octet", "\0", 1, 1, 0 },
	{ "a label and the root", "\1a\0", 3, 3, 1 },
	{ "what follows the root is not the name's", "\1a\0\1b\0", 6, 3, 1 },
	{ "nothing at all", "", 0, 0, 0 },
	{ "the final zero is missing", "\1a", 2, 0, 0 },
	{ "a label runs past the end", "\5ab", 3, 0, 0 },
	{ "a label ends at the end", "\2ab", 3, 0, 0 },
	{ "a pointer: a question has nothing to point to", "\1a\300\14", 4, 0,
	    0 },
	{ "a pointer at once", "\300\14", 2, 0, 0 },
	{ "label type 01 (RFC 6891 section 5)", "\101a\0", 3, 0, 0 },
	{ "label type 10 is not defined", "\201a\0", 3, 0, 0 },
	{ "a zero and a dot are octets like others", "\3\0.\0\0", 5, 5, 1 },
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(parses) / sizeof(*parses); i++) {
		struct dname n;
		size_t takes =
		    parse(&n, (const uint8_t *)parses[i].wire, parses[i].len);

		if (takes != parses[i].takes)
			fail_msg("%s: %zu", parses[i].why, takes);
		if (!takes)
			continue;
		assert_int_equal(n.len, takes);
		assert_int_equal(n.label_n, parses[i].label_n);
		assert_int_equal(n.lower[n.offset[n.label_n]], 0);
	}
}

/* RFC 1035 section 2.3.4, and the octet before and after each limit. */
static void test_limits(void **state)
{
	uint8_t wire[400];
	struct dname n;
	size_t at;

	(void)state;
	at = put_label(wire, 0, 63, 'x');
	wire[at++] = 0;
	assert_int_equal(parse(&n, wire, at), 65);
	at = put_label(wire, 0, 64, 'x');
	wire[at++] = 0;
	assert_int_equal(parse(&n, wire, at), 0);

	for (size_t last = 61; last <= 62; last++) {
		at = 0;
		for (int i = 0; i < 3; i++)
			at = put_label(wire, at, 63, 'x');
		at = put_label(wire, at, last, 'y');
		wire[at++] = 0;
		assert_int_equal(at, last + 194); /* 255, 256 */
		assert_int_equal(parse(&n, wire, at), last == 61 ? 255 : 0);
		/* the limit does not depend on what follows */
		memset(wire + at, 0, 20);
		assert_int_equal(
		    parse(&n, wire, at + 20), last == 61 ? 255 : 0);
	}

	for (size_t labels = 127; labels <= 128; labels++) {
		at = 0;
		for (size_t i = 0; i < labels; i++)
			at = put_label(wire, at, 1, (uint8_t)('a' + i % 26));
		wire[at++] = 0;
		assert_int_equal(parse(&n, wire, at), labels == 127 ? 255 : 0);
	}
}

static void test_every_cut_is_refused(void **state)
{
	static const uint8_t wire[] = "\4_web\4_tcp\3svc\4test";
	struct dname n;

	(void)state;
	for (size_t len = 0; len < sizeof(wire); len++) {
		uint8_t exact[sizeof(wire)];

		memcpy(exact, wire, len);
		assert_int_equal(dname_parse(&n, exact, len, 0), 0);
	}
	assert_int_equal(dname_parse(&n, wire, sizeof(wire), 0), sizeof(wire));
	/* from beyond the end */
	assert_int_equal(dname_parse(&n, wire, sizeof(wire), sizeof(wire)), 0);
}

/* Only A to Z change, whatever their place among the eight (RFC 4343). */
static void test_fold(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		for (size_t at = 0; at < 17; at++) {
			uint8_t wire[19] = { 17, [18] = 0 };
			struct dname n;
			uint8_t want =
			    (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);

			memset(wire + 1, 'M', 17);
			wire[1 + at] = (uint8_t)c;
			assert_int_equal(
			    dname_parse(&n, wire, sizeof(wire), 0), 19);
			assert_int_equal(n.lower[0], 17);
			for (size_t k = 0; k < 17; k++) {
				assert_int_equal(n.lower[1 + k],
				    k == at ? want : (uint8_t)'m');
			}
		}
	}
}

static const struct {
	const char *why;
	const char *text;
	const char *wire; /* NULL: refused */
	size_t len;
} texts[] = {
	{ "final dot or not", "a.b.", "\1a\1b", 5 },
	{ "final dot or not", "a.b", "\1a\1b", 5 },
	{ "the root", ".", "", 1 },
	{ "the root, empty", "", "", 1 },
	{ "upper case is folded", "WWW.Svc", "\3www\3svc", 9 },
	{ "an escaped dot is part of the label", "a\\.b.c", "\3a.b\1c", 7 },
	{ "an escaped backslash", "a\\\\b", "\3a\\b", 5 },
	{ "decimal escapes", "\\000\\255\\046", "\3\0\377.", 5 },
	{ "an escaped letter is itself", "\\web", "\3web", 5 },
	{ "an empty label", "a..b", NULL, 0 },
	{ "a dot at the start", ".a", NULL, 0 },
	{ "two dots", "..", NULL, 0 },
	{ "an escape above 255", "\\256", NULL, 0 },
	{ "an escape of two digits", "\\25", NULL, 0 },
	{ "an escape of two digits and a letter", "\\25x", NULL, 0 },
	{ "a lone backslash", "a\\", NULL, 0 },
};

static void test_from_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct dname n;
		bool ok = dname_from_text(&n, texts[i].text);

		if (ok != !!texts[i].wire)
			fail_msg("%s: '%s'", texts[i].why, texts[i].text);
		if (!ok)
			continue;
		assert_int_equal(n.len, texts[i].len);
		assert_memory_equal(n.lower, texts[i].wire, n.len);
	}
}

static void test_text_limits(void **state)
{
	char text[300];
	struct dname n;

	(void)state;
	for (size_t len = 63; len <= 64; len++) {
		memset(text, 'x', len);
		text[len] = '\0';
		assert_int_equal(dname_from_text(&n, text), len == 63);
	}
	/* 253 characters are 255 octets; with and without the final dot */
	for (size_t len = 253; len <= 255; len++) {
		memset(text, 'x', len);
		for (size_t at = 50; at < 250; at += 50)
			text[at] = '.';
		text[len] = '\0';
		assert_int_equal(dname_from_text(&n, text), len == 253);
		text[len] = '.';
		text[len + 1] = '\0';
		assert_int_equal(dname_from_text(&n, text), len == 253);
	}
	/* a dot where no octet is left for another label */
	memset(text, 'x', sizeof(text));
	for (size_t at = 50; at < 254; at += 51)
		text[at] = '.';
	text[254] = '.';
	text[255] = '\0';
	assert_false(dname_from_text(&n, text));
}

/* Every octet survives the way to text and back. */
static void test_round_trip(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		uint8_t wire[] = { 3, 'a', (uint8_t)c, 'b', 2, (uint8_t)c,
			(uint8_t)c, 0 };
		char text[DNAME_TEXT_MAX];
		struct dname n;

		dname_to_text(wire, text);
		for (const char *p = text; *p; p++)
			assert_true(*p > ' ' && *p <= '~');
		assert_true(dname_from_text(&n, text));
		if (c >= 'A' && c <= 'Z')
			wire[2] = wire[5] = wire[6] = (uint8_t)(c + 32);
		assert_int_equal(n.len, sizeof(wire));
		assert_memory_equal(n.lower, wire, sizeof(wire));
	}
}

static void test_to_text(void **state)
{
	uint8_t wire[WIRE_NAME_MAX];
	char text[DNAME_TEXT_MAX];
	size_t at = 0;

	(void)state;
	dname_to_text((const uint8_t *)"", text);
	assert_string_equal(text, ".");
	dname_to_text((const uint8_t *)"\3WwW\4t.st\2\"\\", text);
	assert_string_equal(text, "WwW.t\\.st.\\\"\\\\.");
	/* the longest text: four characters for each octet */
	for (int i = 0; i < 3; i++)
		at = put_label(wire, at, 63, 200);
	at = put_label(wire, at, 61, 200);
	wire[at] = 0;
	dname_to_text(wire, text);
	assert_int_equal(strlen(text), 4 * (3 * 63 + 61) + 4);
}

static void hash_text(struct dname *n, const char *text, uint64_t seed)
{
	assert_true(dname_from_text(n, text));
	dname_hash(n, seed);
}

static void test_hash(void **state)
{
	struct dname a, b;
	uint8_t wire[] = "\3WEB\3sVc\4TesT";

	(void)state;
	hash_text(&a, "web.svc.test", SEED);
	assert_int_equal(dname_parse(&b, wire, sizeof(wire), 0), sizeof(wire));
	dname_hash(&b, SEED);
	for (unsigned k = 0; k <= 3; k++)
		assert_true(a.suffix_hash[k] == b.suffix_hash[k]);
	assert_true(a.suffix_hash[0] == SEED);

	hash_text(&b, "other.svc.test", SEED);
	assert_true(a.suffix_hash[2] == b.suffix_hash[2]);
	assert_true(a.suffix_hash[3] != b.suffix_hash[3]);
	hash_text(&b, "web.svc.test", SEED + 1);
	assert_true(a.suffix_hash[3] != b.suffix_hash[3]);
	/* where labels end matters */
	hash_text(&a, "a.bc", SEED);
	hash_text(&b, "ab.c", SEED);
	assert_true(a.suffix_hash[2] != b.suffix_hash[2]);
}

/* One step equals the whole, for every length; octets beyond do not count. */
static void test_hash_label(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 63; len++) {
		uint8_t wire[80], label[80];
		struct dname n;

		memset(wire, 0, sizeof(wire));
		wire[0] = (uint8_t)len;
		for (size_t i = 0; i < len; i++)
			wire[1 + i] = (uint8_t)('a' + (i * 7 + len) % 26);
		assert_int_equal(
		    dname_parse(&n, wire, sizeof(wire), 0), len + 2);
		dname_hash(&n, SEED);
		memset(label, 0xee, sizeof(label));
		memcpy(label, wire + 1, len);
		assert_true(dname_hash_label(SEED, SEED, label, len) ==
		            n.suffix_hash[1]);
		/* every octet counts */
		for (size_t i = 0; i < len; i++) {
			label[i] ^= 1;
			assert_true(dname_hash_label(SEED, SEED, label, len) !=
			            n.suffix_hash[1]);
			label[i] ^= 1;
		}
	}
}

static void test_label(void **state)
{
	struct dname n;
	uint8_t len;

	(void)state;
	assert_true(dname_from_text(&n, "_web._tcp.svc.test"));
	assert_memory_equal(dname_label(&n, 1, &len), "_tcp", 4);
	assert_int_equal(len, 4);
	assert_memory_equal(dname_label(&n, 3, &len), "test", 4);
	(void)dname_label(&n, 4, &len);
	assert_int_equal(len, 0);
}

static const struct {
	const char *why;
	const uint8_t *msg;
	size_t len, at, takes; /* 0: malformed */
	const char *want;
} expansions[] = {
#define MSG(text) (const uint8_t *)(text), sizeof(text) - 1
	{ "whole, in its case", MSG("\3Www\1a\0"), 0, 7, "www.a." },
	{ "the root", MSG("\0"), 0, 1, "." },
	{ "a pointer", MSG("\1a\0\300\0"), 3, 2, "a." },
	{ "labels, then a pointer", MSG("\1a\0\1b\300\0"), 3, 4, "b.a." },
	{ "two pointers", MSG("\1a\0\1b\300\0\1c\300\3"), 7, 4, "c.b.a." },
	{ "to itself", MSG("\1a\300\0"), 0, 0, "" },
	{ "to the pointer", MSG("\1a\300\2"), 0, 0, "" },
	{ "forward", MSG("\300\2\1a\0"), 0, 0, "" },
	{ "back and forth", MSG("\300\4\1a\300\0"), 4, 0, "" },
	{ "half a pointer", MSG("\1a\0\300"), 3, 0, "" },
	{ "without end", MSG("\1a"), 0, 0, "" },
	{ "a label that is cut", MSG("\3ab"), 0, 0, "" },
	{ "a label of 64 octets", MSG("\100"), 0, 0, "" },
	{ "beyond the message", MSG("\0"), 1, 0, "" },
#undef MSG
};

static void test_expand(void **state)
{
	uint8_t wire[600], name[WIRE_NAME_MAX];
	size_t len, at = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(expansions) / sizeof(*expansions); i++) {
		struct dname n, want;

		print_message("%s\n", expansions[i].why);
		assert_int_equal(
		    dname_expand(expansions[i].msg, expansions[i].len,
		        expansions[i].at, name, &len),
		    expansions[i].takes);
		if (!expansions[i].takes)
			continue;
		assert_int_equal(dname_parse(&n, name, len, 0), len);
		assert_true(dname_from_text(&want, expansions[i].want));
		assert_int_equal(n.len, want.len);
		assert_memory_equal(n.lower, want.lower, n.len);
	}
	/* 255 octets in all are a name, 256 are none, pointers or not */
	at = put_label(wire, 0, 63, 'a');
	at = put_label(wire, at, 63, 'b');
	at = put_label(wire, at, 63, 'c');
	wire[at++] = 0;
	size_t start = at;
	at = put_label(wire, at, 61, 'd');
	wire_put16(wire + at, 0xc000);
	assert_int_equal(dname_expand(wire, at + 2, start, name, &len), 64);
	assert_int_equal(len, 255);
	at = put_label(wire, start, 62, 'd');
	wire_put16(wire + at, 0xc000);
	assert_int_equal(dname_expand(wire, at + 2, start, name, &len), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_every_cut_is_refused),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_from_text),
		cmocka_unit_test(test_text_limits),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_to_text),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_hash_label),
		cmocka_unit_test(test_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
