// SPDX-License-Identifier: BSD-2-Clause
#include "schema/base/diag.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void texts_are_printable(void **state)
{
	static const struct {
		const char *why, *text, *printed;
	} cases[] = {
		{ "nothing", "", "" },
		{ "words", "found 'x' {y}", "found 'x' {y}" },
		{ "UTF-8 stays", "\xc3\xa9 \xe2\x82\xac \xc2\xa0",
		    "\xc3\xa9 \xe2\x82\xac \xc2\xa0" },
		{ "ESC, BEL, DEL", "a\033[2Jb\007\177c", "a?[2Jb??c" },
		{ "ends of lines", "a\r\nb\tc", "a??b?c" },
		{ "CSI in one character",
		    "a\xc2\x9b"
		    "31mb",
		    "a?31mb" },
		{ "a lead octet at the end", "a\xc2", "a\xc2" },
	};

	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "%s", cases[n].text);
		diag_make_printable(text);
		if (strcmp(text, cases[n].printed) != 0)
			fail_msg("%s: '%s'", cases[n].why, text);
	}
}

static void texts_are_put_before(void **state)
{
	struct diag d;

	(void)state;
	assert_int_equal(-ENOENT, diag_set(&d, -ENOENT, "no %s", "file"));
	assert_int_equal(-EIO, diag_prefix(&d, -EIO, "line %d", 3));
	assert_string_equal("line 3: no file", d.text);
	assert_int_equal(-EIO, diag_set(NULL, -EIO, "nobody listens"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_printable),
		cmocka_unit_test(texts_are_put_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
