// SPDX-License-Identifier: BSD-2-Clause
/* Text of others on a terminal: widths, cutting, and nothing that steers it. */
#include "registrar/lib/columns.h"
#include "registrar/top/top_pager.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *why, *text;
	unsigned max, width;
	const wchar_t *shown;
} cases[] = {
	{ "as it is", "web/a", 10, 5, L"web/a" },
	{ "it just fits", "web/a", 5, 5, L"web/a" },
	{ "cut, with dots", "web/abc", 6, 6, L"web..." },
	{ "too narrow for dots", "web/abc", 3, 3, L"web" },
	{ "nothing fits", "web", 0, 0, L"" },
	{ "empty", "", 5, 0, L"" },
	{ "controls", "a\033[2J\r\x7f", 20, 7, L"a?[2J??" },
	{ "lines and tabs are blanks", "a\nb\tc", 20, 5, L"a b c" },
	{ "C1 as UTF-8, and alone",
	    "\xc2\x9b"
	    "31m\x9b",
	    20, 5, L"?31m?" },
	{ "directions of writing, and what is not seen",
	    "\xe2\x80\xae"
	    "a\xe2\x80\x8b\xef\xbb\xbf\xe2\x80\xac",
	    20, 5, L"?a???" },
	{ "not UTF-8: too long, cut, a surrogate, too large",
	    "\xc0\xaf"
	    "\xe6\x97"
	    "\xed\xa0\x80"
	    "\xf4\x90\x80\x80",
	    40, 6, L"??????" },
};

static const struct {
	const char *why, *text;
	unsigned max, width;
	const wchar_t *shown;
} wide[] = {
	{ "two columns each", "\xe6\x97\xa5\xe6\x9c\xac", 10, 4,
	    L"\u65e5\u672c" },
	{ "none is cut in half", "\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5", 5, 5,
	    L"\u65e5..." },
	{ "a mark belongs to its letter", "e\xcc\x81x", 10, 2, L"e\u0301x" },
	{ "one column", "\xc3\xa4\xc3\xa4", 10, 2, L"\u00e4\u00e4" },
};

static void check(const char *why, const char *text, unsigned max,
    const wchar_t *shown, unsigned width)
{
	wchar_t out[64];
	unsigned used = columns_fit(out, 64, text, max);

	if (used != width || wcscmp(out, shown) != 0)
		fail_msg("%s: %u '%ls'", why, used, out);
}

static void text_is_cut_and_harmless(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		check(cases[k].why, cases[k].text, cases[k].max, cases[k].shown,
		    cases[k].width);
	}
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		check(cases[k].why, cases[k].text, cases[k].max, cases[k].shown,
		    cases[k].width);
	}
	for (size_t k = 0; k < sizeof(wide) / sizeof(*wide); k++) {
		check(wide[k].why, wide[k].text, wide[k].max, wide[k].shown,
		    wide[k].width);
	}
	(void)setlocale(LC_CTYPE, "C");
}

/* Whatever the octets are, it neither reads nor writes too far. */
static void room_is_kept(void **state)
{
	static const char all[] = "\xf0\x9f\x98\x80 a\xc3 \xe2\x82";
	wchar_t out[8];

	(void)state;
	for (size_t cut = 0; cut < sizeof(all); cut++) {
		char *text = strndup(all, cut);

		for (unsigned max = 0; max < 12; max++) {
			assert_true(columns_fit(out, 8, text, max) <= max);
			assert_true(wcslen(out) < 8);
		}
		assert_true(columns_of(text) <= cut);
		free(text);
	}
}

static void lines_are_wrapped(void **state)
{
	struct top_pager p = { .height = 2 };

	(void)state;
	assert_int_equal(columns_wrap("one two three", 9), 8);
	assert_int_equal(columns_wrap("onetwothree", 6), 6);
	assert_int_equal(columns_wrap("one", 6), 3);
	assert_int_equal(columns_wrap("", 6), 0);
	assert_int_equal(columns_wrap("x", 0), 1);
	top_pager_set(&p,
	    strdup("first line\n\nthis one is longer than twenty columns\n"),
	    20);
	assert_int_equal(p.n, 5);
	assert_string_equal(p.lines[0], "first line");
	assert_string_equal(p.lines[1], "");
	assert_string_equal(p.lines[2], "this one is longer ");
	assert_string_equal(p.lines[3], "      than twenty ");
	top_pager_move(&p, 100);
	assert_int_equal(p.first, 3);
	top_pager_move(&p, -1);
	assert_int_equal(p.first, 2);
	top_pager_move(&p, -100);
	assert_int_equal(p.first, 0);
	top_pager_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_cut_and_harmless),
		cmocka_unit_test(room_is_kept),
		cmocka_unit_test(lines_are_wrapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
