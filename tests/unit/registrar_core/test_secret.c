// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* cmocka.h needs these before it */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static char path[] = "/tmp/rollcall-secret-XXXXXX";

static void write_file(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	(void)fclose(f);
}

static void ignore(void *arg)
{
	(void)arg;
}

static void add(void *fetch, const char *file)
{
	fetch_add(fetch, file);
}

/* As a run of a check does. */
static int fill(
    const char *text, struct secrets *s, char **ret_text, struct diag *reterr)
{
	struct fetch *f = fetch_new(ignore, NULL);

	secret_each_file(text, add, f);
	if (fetch_n(f))
		fetch_begin(f, NULL);
	int r = secret_fill(text, f, s, ret_text, reterr);

	fetch_free(f);
	return r;
}

#define TEXT(s) (s), sizeof(s) - 1

// clang-format off
static const struct {
	const char *why;
	const char *file; /* what is in it */
	size_t len;
	const char *text; /* FILE stands for its reference */
	const char *filled; /* NULL: an error */
} cases[] = {
	{ "no reference", TEXT("x"), "plain {x} {env} {address} {", "plain {x} {env} {address} {" },
	{ "a variable", TEXT("x"), "Bearer {env:ROLLCALL_TEST}", "Bearer t0k3n" },
	{ "a file", TEXT("s3cret"), "FILE", "s3cret" },
	{ "both", TEXT("x"), "{env:ROLLCALL_TEST}:FILE:{env:ROLLCALL_TEST}", "t0k3n:x:t0k3n" },
	{ "a line end is dropped", TEXT("s3cret\n"), "FILE", "s3cret" },
	{ "of DOS too", TEXT("s3cret\r\n"), "FILE", "s3cret" },
	{ "one alone", TEXT("s3cret\n\n"), "FILE", NULL },
	{ "two lines", TEXT("a\nX-Admin: yes"), "FILE", NULL },
	{ "a CR", TEXT("a\rb"), "FILE", NULL },
	{ "a CR at the end", TEXT("a\r"), "FILE", NULL },
	{ "NUL", TEXT("a\0b"), "FILE", NULL },
	{ "ESC", TEXT("a\x1b[m"), "FILE", NULL },
	{ "a tab is fine", TEXT("a\tb"), "FILE", "a\tb" },
	{ "so is UTF-8", TEXT("\xc3\xa9"), "FILE", "\xc3\xa9" },
	{ "an empty file", TEXT(""), "<FILE>", "<>" },
	{ "a line end in a variable", TEXT(""), "{env:ROLLCALL_LINES}", NULL },
	{ "no such variable", TEXT(""), "{env:ROLLCALL_NONE}", NULL },
	{ "what is in it means nothing", TEXT("{env:HOME}"), "FILE", "{env:HOME}" },
};
// clang-format on

static void references_are_filled_in(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		struct secrets s = { 0 };
		struct diag why = { "" };
		char text[256] = "", *filled = NULL;
		const char *at = strstr(cases[n].text, "FILE");

		write_file(cases[n].file, cases[n].len);
		if (at) {
			(void)snprintf(text, sizeof(text), "%.*s{file:%s}%s",
			    (int)(at - cases[n].text), cases[n].text, path,
			    at + 4);
		} else {
			(void)snprintf(text, sizeof(text), "%s", cases[n].text);
		}
		int r = fill(text, &s, &filled, &why);

		if ((r == 0) != !!cases[n].filled ||
		    (filled && cases[n].filled &&
		        strcmp(filled, cases[n].filled) != 0)) {
			fail_msg("%s: '%s' %s", cases[n].why,
			    filled ? filled : "-", why.text);
		}
		/* errors tell nothing of it */
		assert_null(strstr(why.text, "Admin"));
		secret_free(filled);
		secrets_release(&s);
	}
}

static void files_are_refused(void **state)
{
	struct secrets s = { 0 };
	struct diag why;
	char *filled = NULL, text[128], big[SECRET_MAX];

	(void)state;
	(void)snprintf(text, sizeof(text), "{file:%s}", path);
	memset(big, 'x', sizeof(big));
	write_file(big, SECRET_MAX - 1);
	assert_int_equal(fill(text, &s, &filled, &why), 0);
	assert_int_equal(strlen(filled), SECRET_MAX - 1);
	secret_free(filled);
	write_file(big, SECRET_MAX);
	assert_int_equal(fill(text, &s, &filled, &why), -EFBIG);
	assert_non_null(strstr(why.text, "found more than 8191 octets in '"));
	(void)unlink(path);
	assert_int_equal(fill(text, &s, &filled, &why), -ENOENT);
	assert_non_null(strstr(why.text, "No such file"));
	/* nobody writes into it, and it is not waited for */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(fill(text, &s, &filled, &why), -EINVAL);
	assert_non_null(strstr(why.text, "it is no regular file"));
	(void)unlink(path);
	secrets_release(&s);
}

static void definitions_are_checked(void **state)
{
	struct diag why;

	(void)state;
	assert_true(secret_is_in("a {env:B}"));
	assert_true(secret_is_in("a {file:/B}"));
	assert_false(secret_is_in("a {x} {env}"));
	assert_int_equal(
	    secret_check("{env:ROLLCALL_TEST} {file:/none}", &why), 0);
	assert_int_equal(secret_check("{env:ROLLCALL_NONE}", &why), -ENOENT);
	assert_int_equal(secret_check("{env:}", &why), -EINVAL);
	assert_int_equal(secret_check("{env:1A}", &why), -EINVAL);
	assert_int_equal(secret_check("{env:A", &why), -EINVAL);
	assert_int_equal(secret_check("{file:a}", &why), -EINVAL);
	assert_int_equal(secret_check("{file:}", &why), -EINVAL);
	assert_int_equal(secret_check("{file:/a{b}", &why), -EINVAL);
}

static void what_is_shown_hides_them(void **state)
{
	char one[] = "t0k3n", two[] = "aa";
	char *items[] = { one, two };
	const struct secrets s = { items, 2 };
	char text[] = "xt0k3nt0k3n\0t0k3 aaa t0k3n", none[] = "";

	(void)state;
	secrets_hide(&s, text, sizeof(text) - 1);
	assert_memory_equal(text, "x**********\0t0k3 *** *****", sizeof(text));
	secrets_hide(&s, none, 0);
	assert_string_equal(none, "");
	/* the shorter one does not break up the longer one */
	char user[] = "bob", password[] = "bob-s3cr3t";
	char *both[] = { user, password };
	const struct secrets nested = { both, 2 };
	char said[] = "Bearer bob-s3cr3t, bob";

	secrets_hide(&nested, said, strlen(said));
	assert_string_equal(said, "Bearer **********, ***");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_are_filled_in),
		cmocka_unit_test(files_are_refused),
		cmocka_unit_test(definitions_are_checked),
		cmocka_unit_test(what_is_shown_hides_them),
	};
	int fd = mkstemp(path);

	if (fd < 0 || close(fd) < 0 ||
	    setenv("ROLLCALL_TEST", "t0k3n", 1) < 0 ||
	    setenv("ROLLCALL_LINES", "a\nb", 1) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
