// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/ere.h"
#include "registrar/lib/match.h"
#include "schema/base/clock.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs these before it */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

// clang-format off
static const struct {
	const char *why;
	const char *pattern, *text;
	int matches; /* 1, 0; -1: it is no pattern */
} cases[] = {
	{ "anywhere", "b", "abc", 1 },
	{ "the ends", "^abc$", "abc", 1 },
	{ "a line end is no end", "^abc$", "abc\n", 0 },
	{ "anchors inside", "a^b|^c", "c", 1 },
	{ "nothing matches all", "", "x", 1 },
	{ "an empty branch", "^(a|)$", "", 1 },
	{ "an empty group", "^a()b$", "ab", 1 },
	{ ". is a line end too", "a.b", "a\nb", 1 },
	{ "counts", "^a{2,3}$", "aaaa", 0 },
	{ "at most", "^a{,2}$", "aa", 1 },
	{ "at least", "^a{2,}$", "a", 0 },
	{ "two in a row are no modifier", "^a+?$", "aaa", 1 },
	{ "nor possessive", "^a*+a$", "aaa", 1 },
	{ "of a class", "^[[:alpha:]_-]+$", "a_-Z", 1 },
	{ "a bracket in brackets", "^[]x]+$", "]x", 1 },
	{ "all but", "^[^]x]$", "]", 0 },
	{ "a backslash in brackets is one", "^[\\d]+$", "d\\", 1 },
	{ "a collating symbol", "^[[.-.][=a=]]+$", "a-", 1 },
	{ "what Perl would take for its own", "^(\\?:a)$", "?:a", 1 },
	{ "words of GNU", "\\<ab\\>", "x ab y", 1 },
	{ "words of GNU, none", "\\<ab\\>", "xab y", 0 },
	{ "\\w and \\s", "^\\w+\\s\\W\\S$", "a_1\v-x", 1 },
	{ "a closing one alone", "^a)$", "a)", 1 },
	{ "escapes of signs", "^\\.\\-\\/\\{$", ".-/{", 1 },
	{ "octets above 127", "^\xc3\xa4$", "\xc3\xa4", 1 },
	{ "case counts", "^A$", "a", 0 },
	{ "no digit", "\\d", "1", -1 },
	{ "no line end", "a\\nb", "a\nb", -1 },
	{ "nothing to repeat", "*a", "", -1 },
	{ "nothing to repeat behind an anchor", "^*", "", -1 },
	{ "open", "a(b", "", -1 },
	{ "open bracket", "[a", "", -1 },
	{ "a range backwards", "[z-a]", "", -1 },
	{ "a class that is none", "[[:foo:]]", "", -1 },
	{ "a backslash at the end", "a\\", "", -1 },
	{ "a count of nothing", "a{x}", "", -1 },
	{ "back references", "(a)\\1", "", -1 },
	{ "too often", "(a{100}){100}", "", -1 },
	{ "too large", "(([a-z][a-z][a-z]){1,30}){30}", "", -1 },
};
// clang-format on

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct match *m = NULL;
		struct diag why = { .text = "" };
		int r = match_new(cases[i].pattern, false, &m, &why);

		if (r == 0)
			r = match_run(m, cases[i].text, strlen(cases[i].text));
		match_free(m);
		if (r != cases[i].matches && (r != -EINVAL || m))
			fail_msg("%s: %d (%s)", cases[i].why, r, why.text);
		if (r == -EINVAL && cases[i].matches >= 0)
			fail_msg("%s: %s", cases[i].why, why.text);
		if (r == -EINVAL)
			assert_true(why.text[0]);
	}
}

/* ---- the same as before ----------------------------------------------- */

static uint32_t random_state = 1;

static unsigned below(unsigned n)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % n;
}

static const char *const parts[] = { "a", "b", "ab", ".", "[ab]", "[^a]", "(",
	")", "|", "*", "+", "?", "{2}", "{1,3}", "{,2}", "^", "$", "\\w", "\\W",
	"\\s", "-", "[a-b]", "[[:alpha:]-]", "[]a]", "\\.", "(a|b)", "(ab)*",
	"\n", "[-a]", "{", "}", "]", "[--/]", "[a" };

/*
 * Behind "$" or before "^" there is nothing that can match, but the C library
 * finds matches there now and then: not asked.
 */
static bool is_odd(const char *pattern)
{
	for (const char *p = pattern; *p; p++) {
		if ((*p == '$' && p[1]) ||
		    (*p == '^' && p > pattern && !strchr("[(|", p[-1])))
			return true;
	}
	return false;
}

static void make_pattern(char *buf, size_t room)
{
	unsigned n = 1 + below(7);

	buf[0] = '\0';
	while (n--) {
		const char *part = parts[below(sizeof(parts) / sizeof(*parts))];

		strncat(buf, part, room - strlen(buf) - 1);
	}
}

static size_t make_text(char *buf)
{
	static const char octets[] = "aaabbb-. \n\0]";
	/* longer than a piece, now and then */
	size_t len = below(4) ? below(9) : below(60);

	for (size_t i = 0; i < len; i++)
		buf[i] = octets[below(sizeof(octets) - 1)];
	return len;
}

static int reference(const char *pattern, const char *text, size_t len,
    regmatch_t at[MATCH_GROUPS])
{
	regex_t re;

	if (regcomp(&re, pattern, REG_EXTENDED))
		return -1;
	at[0] = (regmatch_t){ .rm_so = 0, .rm_eo = (regoff_t)len };
	int r = !regexec(&re, text, MATCH_GROUPS, at, REG_STARTEND);

	regfree(&re);
	return r;
}

static void test_same_as_regexec(void **state)
{
	unsigned patterns = 0, refused = 0;

	(void)state;
	for (unsigned n = 0; n < 60000; n++) {
		regmatch_t at[MATCH_GROUPS];
		struct match *m = NULL;
		char pattern[64], text[64];

		do {
			make_pattern(pattern, sizeof(pattern));
		} while (is_odd(pattern));
		size_t len = make_text(text);
		int was = reference(pattern, text, len, at);
		int r = match_new(pattern, false, &m, NULL);

		if (r == 0)
			r = match_run(m, text, len);
		match_free(m);
		patterns += was >= 0;
		refused += was >= 0 && r < 0;
		if (r >= 0 ? r != was : was >= 0) {
			fail_msg("'%s' on '%.*s': %d, was %d", pattern,
			    (int)len, text, r, was);
		}
	}
	assert_true(patterns > 20000);
	assert_int_equal(refused, 0);
}

static void test_same_match(void **state)
{
	unsigned compared = 0;

	(void)state;
	for (unsigned n = 0; n < 60000; n++) {
		struct match_span is[MATCH_GROUPS];
		regmatch_t at[MATCH_GROUPS];
		struct match *m = NULL;
		char pattern[64], text[64];

		do {
			make_pattern(pattern, sizeof(pattern));
		} while (is_odd(pattern));
		size_t len = make_text(text);

		if (reference(pattern, text, len, at) != 1 ||
		    match_new(pattern, true, &m, NULL) < 0)
			continue;
		int r = match_groups(m, text, len, is);

		if (r != 1) {
			fail_msg(
			    "'%s' on '%.*s': %d", pattern, (int)len, text, r);
		}
		if (is[0].at != (size_t)at[0].rm_so ||
		    is[0].at + is[0].len != (size_t)at[0].rm_eo) {
			fail_msg("'%s' on '%.*s': %zu+%zu, was %d-%d", pattern,
			    (int)len, text, is[0].at, is[0].len, at[0].rm_so,
			    at[0].rm_eo);
		}
		match_free(m);
		compared++;
	}
	assert_true(compared > 5000);
}

// clang-format off
static const struct {
	const char *pattern, *text;
	const char *groups[3]; /* NULL: there is none; pattern refused: all */
} groups[] = {
	{ "app-([a-z]+) -p ([0-9]+)", "app-web -p 80", { "web", "80" } },
	{ "(a*)(ab)*(b*)", "abab", { "", "ab", "" } },
	{ "^/(x|y/z)( -v)?$", "/y/z", { "y/z", "" } },
	{ "(.*)/([^/]*)$", "/a/b/c", { "/a/b", "c" } },
	{ "(a|ab)(c|bcd)", "abcd", { NULL } },
	{ "(|a)b", "ab", { NULL } },
};
// clang-format on

static void test_groups(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		struct match_span at[MATCH_GROUPS];
		struct match *m = NULL;
		const char *text = groups[i].text;
		int r = match_new(groups[i].pattern, true, &m, NULL);

		if (!groups[i].groups[0]) {
			assert_int_equal(r, -EINVAL);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(match_groups(m, text, strlen(text), at), 1);
		for (unsigned n = 0; n < 3 && groups[i].groups[n]; n++) {
			assert_int_equal(
			    at[n + 1].len, strlen(groups[i].groups[n]));
			assert_memory_equal(text + at[n + 1].at,
			    groups[i].groups[n], at[n + 1].len);
		}
		match_free(m);
	}
}

/* ---- and never long --------------------------------------------------- */

#define LONG 65536

/* With the octets of `of` again and again; each took seconds, or minutes. */
static const struct {
	const char *pattern, *of;
} dear[] = {
	{ "(([a-z])+.)+[A-Z]([a-z])+$", "a" },
	{ "(a|b)*a(a|b){12}c", "abba" },
	{ "([a-z]+,)*up", "a,bc," },
	{ ".*a.{12}c", "a" },
	{ "[a-z]+[0-9]", "a" },
	{ "(x+x+)+y", "x" },
	{ "(.{0,30}){30}b", "a" },
	{ ".{1000}b", "a" },
	{ "(.*a){20}b", "a" },
	{ "((((((a*)*)*)*)*)*)*b", "a" },
	{ "\\<a*\\>b", "a " },
	{ "(a?){30}a{30}b", "a" },
};

static void test_never_long(void **state)
{
	char *text = malloc(LONG);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < sizeof(dear) / sizeof(*dear); i++) {
		struct match_span at[MATCH_GROUPS];
		struct match *m = NULL;
		struct diag why;

		for (size_t n = 0; n < LONG; n++)
			text[n] = dear[i].of[n % strlen(dear[i].of)];
		if (match_new(dear[i].pattern, false, &m, &why) < 0)
			fail_msg("%s: %s", dear[i].pattern, why.text);
		int64_t began = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
		int r = match_run(m, text, LONG);
		int64_t ms =
		    (clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - began) / 1000000;

		match_free(m);
		print_message("%s: %d in %d ms\n", dear[i].pattern, r, (int)ms);
		assert_true(r == 0 || r == -E2BIG);
		assert_true(ms < 1000); /* 50, where nothing is slow */
		text[LONG - 1] = dear[i].pattern[strlen(dear[i].pattern) - 1];
		if (match_new(dear[i].pattern, true, &m, NULL) < 0)
			continue;
		began = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
		(void)match_groups(m, text, LONG, at);
		ms = (clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - began) / 1000000;
		print_message("with groups: %d ms\n", (int)ms);
		assert_true(ms < 2000);
		match_free(m);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_same_as_regexec),
		cmocka_unit_test(test_same_match),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_never_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
