// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/printable.h"

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
	const char *why, *text, *printable;
} texts[] = {
	{ "plain", "all is well", "all is well" },
	{ "lines and tabs stay", "a\n\tb", "a\n\tb" },
	{ "the end is trimmed", "a \n\n", "a" },
	{ "escapes go", "\x1b]0;x\x07", "?]0;x?" },
	{ "UTF-8 stays", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\x89", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\x89" },
	{ "what is none goes", "\xc3(\xff\xe2\x82", "?(???" },
	{ "too long forms go", "\xc0\xaf\xe0\x80\xaf", "?????" },
	{ "surrogates go", "\xed\xa0\x80", "???" },
	{ "C1 controls go", "\xc2\x9b", "??" },
	{ "DEL goes", "a\x7f", "a?" },
};
// clang-format on

static void what_is_kept(void **state)
{
	char buf[64];

	(void)state;
	for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++) {
		printable_copy(
		    buf, sizeof(buf), texts[n].text, strlen(texts[n].text));
		if (strcmp(buf, texts[n].printable) != 0)
			fail_msg("%s: '%s'", texts[n].why, buf);
	}
	/* never half a character */
	printable_copy(buf, 5, "abc\xe2\x82\xac", 6);
	assert_string_equal(buf, "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
