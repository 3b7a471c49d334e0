// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/secrets.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ONE "e5e973e5a6b2a43f48e7dc849e37bfcf"
#define TWO "445536BCD2513298075A5D379663C962"

static const struct {
	const char *text;
	unsigned n;
	const char *error; /* after the path; NULL: it is right */
} cases[] = {
	{ ONE "\n", 1, NULL },
	{ ONE, 1, NULL },
	{ "# two\r\n\r\n \t" ONE " \r\n" TWO "\r\n", 2, NULL },
	{ ONE "\n" ONE "\n" ONE "\n" ONE "\n", 4, NULL },
	{ "", 0, ":1:1: found no secret (0), expected 32 hexadecimal digits" },
	{ "# none\n", 0, ":2:1: found no secret (0), expected 32" },
	{ ONE "\n " ONE "0\n", 0,
	    ":2:2: found a number of digits (33), expected 32" },
	{ "e5e9\n", 0, ":1:1: found a number of digits (4), expected 32" },
	{ "e5g9\n", 0, ":1:3: found 'g', expected a hexadecimal digit" },
	{ ONE " " TWO "\n", 0, ":1:33: found octet 32, expected" },
	{ "\x15\n", 0, ":1:1: found octet 21, expected" },
	{ "\xff\n", 0, ":1:1: found octet 255, expected" },
	{ "@\n", 0, ":1:1: found '@', expected" },
	{ ONE "\n" ONE "\n" ONE "\n" ONE "\n\n" ONE "\n", 0,
	    ":6:1: found one more secret, expected at most 4" },
};

static void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void test_read(void **state)
{
	char path[] = "/tmp/test-secrets-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cookie_secrets s = { .n = 77 };
		struct diag diag = { "" };

		put_file(path, cases[i].text);
		int error = secrets_read(path, &s, &diag);
		if (!cases[i].error) {
			assert_int_equal(error, 0);
			assert_int_equal(s.n, cases[i].n);
			assert_int_equal(s.key[0][0], 0xe5);
			assert_int_equal(s.key[0][15], 0xcf);
			continue;
		}
		assert_int_equal(error, -EINVAL);
		assert_int_equal(s.n, 77); /* untouched */
		if (strncmp(diag.text, path, strlen(path)) != 0 ||
		    strncmp(diag.text + strlen(path), cases[i].error,
		        strlen(cases[i].error)) != 0)
			fail_msg("%zu: %s", i, diag.text);
	}
	(void)unlink(path);
	struct cookie_secrets none;
	struct diag diag;
	assert_int_equal(secrets_read(path, &none, &diag), -ENOENT);
}

/* A new one comes first; the ones before stay good for a while. */
static void test_draw(void **state)
{
	struct cookie_secrets s = { 0 }, before;

	(void)state;
	for (unsigned i = 1; i <= COOKIE_SECRETS_MAX + 2; i++) {
		before = s;
		secrets_draw(&s);
		unsigned n = i < COOKIE_SECRETS_MAX ? i : COOKIE_SECRETS_MAX;
		assert_int_equal(s.n, n);
		assert_memory_not_equal(
		    s.key[0], before.key[0], SIPHASH_KEY_LEN);
		assert_memory_equal(
		    s.key[1], before.key[0], (size_t)(n - 1) * SIPHASH_KEY_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_draw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
