// SPDX-License-Identifier: BSD-2-Clause
/* Answers of HAProxy's runtime API, as 2.6 gives them. */
#include "registrar/mesh/haproxy/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *data, *answers[4];
} cases[] = {
	{ "", { NULL } },
	{ "\n>", { NULL } },
	{ "\n> ", { "", NULL } },
	{ "New version created: 1\n\n> \n> 2.6.12\n\n> ",
	    { "New version created: 1", "", "2.6.12", NULL } },
	{ "+ + + Transaction created for certificate x!\n\n> ",
	    { "Transaction created for certificate x!", NULL } },
	{ "Only servers in maintenance mode can be deleted.\n> a > b\n",
	    { "Only servers in maintenance mode can be deleted.", NULL } },
};

static void answers_end_with_a_prompt(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(*cases); n++) {
		const char *at = cases[n].data, *text;
		size_t len = strlen(at), used, text_len;
		unsigned k = 0;

		while ((used = reply_next(at, len, &text, &text_len)) > 0) {
			assert_non_null(cases[n].answers[k]);
			assert_int_equal(text_len, strlen(cases[n].answers[k]));
			assert_memory_equal(
			    text, cases[n].answers[k], text_len);
			k++;
			at += used;
			len -= used;
		}
		assert_null(cases[n].answers[k]);
	}
}

static void rows_are_read(void **state)
{
	static const char row[] =
	    "4 http_inventory 2 i2 127.0.0.1 2 8 3 1 5 1 0 2 0 0 0 0 - 18007 "
	    "- 1 0 - - 0";
	static const char *const none[] = { "", "1", "# be_id be_name",
		"4 http_inventory 2 i2 127.0.0.1 2 8 3 1 5 1" };
	char longer[700];
	struct reply_server s;

	(void)state;
	assert_true(reply_server_row(row, strlen(row), &s));
	assert_string_equal(s.backend, "http_inventory");
	assert_string_equal(s.name, "i2");
	assert_string_equal(s.address, "127.0.0.1");
	assert_int_equal(s.port, 18007);
	assert_int_equal(s.weight, 3);
	assert_int_equal(s.admin, 8);
	for (size_t n = 0; n < sizeof(none) / sizeof(*none); n++)
		assert_false(reply_server_row(none[n], strlen(none[n]), &s));
	memset(longer, '4', sizeof(longer));
	assert_false(reply_server_row(longer, sizeof(longer), &s));
}

static void versions_are_read(void **state)
{
	(void)state;
	assert_int_equal(reply_version("New version created: 12", 23), 12);
	assert_int_equal(reply_version("Unknown map", 11), -1);
	assert_int_equal(
	    reply_version("New version created: 99999999999", 32), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_end_with_a_prompt),
		cmocka_unit_test(rows_are_read),
		cmocka_unit_test(versions_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
