// SPDX-License-Identifier: BSD-2-Clause
/*
 * What makes the descriptor readable, and what does not.
 */
#include "dnsd/zonefile/zonewatch.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* clang-format off */
static const struct {
	const char *why;
	const char *wanted; /* a file */
	const char *does;   /* in the directory */
	bool notices;
} cases[] = {
	{ "a new file", "", "echo >a", true },
	{ "a file written to", "", "echo >>there", true },
	{ "renamed", "", "mv there gone", true },
	{ "removed", "", "rm there", true },
	{ "permissions", "", "chmod 600 there", true },
	{ "a link", "", "ln -s there link", true },
	{ "below, without being asked to", "", "echo >sub/a", false },
	{ "below", "sub/inc", "echo >sub/a", true },
	{ "also two levels", "sub/deep/inc", "echo >sub/deep/a", true },
	{ "and between", "sub/deep/inc", "echo >sub/a", true },
	{ "above", "sub/deep/inc", "echo >a", true },
	{ "a directory that comes", "new/inc", "mkdir new", true },
	{ "one that goes", "sub/inc", "rm -r sub", true },
	{ "one that is replaced", "sub/inc", "mv sub was", true },
	{ "a file in place of a directory", "there/inc", "echo >>there", true },
};
/* clang-format on */

static void run(const char *directory, const char *command)
{
	scoped_free char *line =
	    xasprintf("cd '%s' && { %s; }", directory, command);

	// NOLINTNEXTLINE(cert-env33-c): commands of our own making
	assert_int_equal(system(line), 0);
}

static bool is_readable(const struct zonewatch *w)
{
	struct pollfd fd = { .fd = zonewatch_fd(w), .events = POLLIN };

	/* an event is there when the call that made it returns */
	return poll(&fd, 1, 0) == 1;
}

static void want(struct zonewatch *w, const char *file)
{
	struct diag diag = { "" };

	zonewatch_begin(w);
	zonewatch_want(w, "");
	zonewatch_want(w, file);
	if (zonewatch_end(w, &diag) < 0)
		fail_msg("%s", diag.text);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char path[] = "/tmp/test-zonewatch-XXXXXX";

		assert_non_null(mkdtemp(path));
		run(path, "mkdir -p sub/deep; echo >there");
		struct zonewatch *w = zonewatch_new(path);
		assert_non_null(w);
		want(w, cases[i].wanted);
		assert_false(is_readable(w));
		run(path, cases[i].does);
		if (is_readable(w) != cases[i].notices)
			fail_msg("%s: %s", cases[i].why, cases[i].does);
		zonewatch_drain(w);
		assert_false(is_readable(w));
		zonewatch_free(w);
		scoped_free char *clean = xasprintf("rm -r '%s'", path);
		run("/tmp", clean);
	}
}

/* One directory after the other under one name: the one that is there. */
static void test_replaced(void **state)
{
	char path[] = "/tmp/test-zonewatch-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(path));
	run(path, "mkdir sub");
	struct zonewatch *w = zonewatch_new(path);
	assert_non_null(w);
	want(w, "sub/inc");
	run(path, "mv sub was; mkdir sub");
	zonewatch_drain(w);
	want(w, "sub/inc");
	run(path, "echo >sub/inc");
	assert_true(is_readable(w));
	zonewatch_drain(w);

	/* what is not wanted any more is let go of */
	want(w, "inc");
	zonewatch_drain(w);
	run(path, "echo >sub/inc");
	assert_false(is_readable(w));
	zonewatch_free(w);
	scoped_free char *clean = xasprintf("rm -r '%s'", path);
	run("/tmp", clean);
}

/* A directory that cannot be watched is said to be, and nothing else ends. */
static void test_cannot(void **state)
{
	char path[] = "/tmp/test-zonewatch-XXXXXX";
	struct diag diag = { "" };

	(void)state;
	assert_non_null(mkdtemp(path));
	run(path, "ln -s loop loop");
	struct zonewatch *w = zonewatch_new(path);
	assert_non_null(w);
	zonewatch_begin(w);
	zonewatch_want(w, "loop/inc");
	assert_true(zonewatch_end(w, &diag) < 0);
	assert_non_null(strstr(diag.text, "loop': Too many levels"));
	run(path, "echo >a");
	assert_true(is_readable(w));
	zonewatch_free(w);
	scoped_free char *clean = xasprintf("rm -r '%s'", path);
	run("/tmp", clean);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
