// SPDX-License-Identifier: BSD-2-Clause
#include "support.h"

#include <fcntl.h>
#include <sys/stat.h>

static char folder[] = "/tmp/rollcall-file-XXXXXX";
static char path[64];

// clang-format off
static const struct {
	const char *why;
	const char *text;
	enum verdict verdict;
	const char *detail; /* how it begins */
} cases[] = {
	{ "a word", "passing", VERDICT_PASS, "passing" },
	{ "a line and what it means", "warning disk 91 % full\n", VERDICT_WARN, "disk 91 % full" },
	{ "a colon, capitals", "CRITICAL: no disk\nmore\n", VERDICT_FAIL, "no disk\nmore" },
	{ "the words of exit codes", "0\n", VERDICT_PASS, "0" },
	{ "1 warns", "1 slow", VERDICT_WARN, "slow" },
	{ "2 fails", "2", VERDICT_FAIL, "2" },
	{ "blanks before", "\n  ok\r\n", VERDICT_PASS, "ok" },
	{ "nothing yet", "", VERDICT_FAIL, "found ''" },
	{ "something else", "passingly fine", VERDICT_FAIL, "found 'passingly'" },
	{ "what is unprintable is not shown", "\x1b[2J", VERDICT_FAIL, "found '?[2J'" },
};
// clang-format on

static struct check_spec file_spec(int64_t max_age_ms)
{
	return (struct check_spec){ .name = "file-1",
		.kind = CHECK_FILE,
		.interval_ms = 1000,
		.timeout_ms = 1000,
		.rise = 1,
		.fall = 1,
		.file = { .path = path, .max_age_ms = max_age_ms } };
}

static void put(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static void words_are_understood(void **state)
{
	struct check_spec spec = file_spec(0);
	struct loop l;

	(void)state;
	loop_init(&l);
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		put(cases[n].text);
		struct outcome o = probe_once(&l, &spec, NULL);

		if (o.verdict != cases[n].verdict ||
		    strncmp(o.detail, cases[n].detail,
		        strlen(cases[n].detail)) != 0) {
			fail_msg("%s: verdict %d, '%s'", cases[n].why,
			    (int)o.verdict, o.detail);
		}
	}
	loop_release(&l);
}

static void age_counts_if_asked_for(void **state)
{
	const struct timespec old[2] = { { .tv_sec = time(NULL) - 3600 },
		{ .tv_sec = time(NULL) - 3600 } };
	const struct timespec ahead[2] = { { .tv_sec = time(NULL) + 3600 },
		{ .tv_sec = time(NULL) + 3600 } };
	struct check_spec any = file_spec(0), limited = file_spec(60000);
	struct loop l;

	(void)state;
	loop_init(&l);
	put("passing all is well");
	assert_int_equal(probe_once(&l, &limited, NULL).verdict, VERDICT_PASS);
	assert_int_equal(0, utimensat(AT_FDCWD, path, old, 0));
	assert_int_equal(probe_once(&l, &any, NULL).verdict, VERDICT_PASS);
	struct outcome o = probe_once(&l, &limited, NULL);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_non_null(strstr(o.detail, "not written for 360"));
	assert_non_null(strstr(o.detail, "all is well"));
	/* the clock was set back */
	assert_int_equal(0, utimensat(AT_FDCWD, path, ahead, 0));
	assert_int_equal(probe_once(&l, &limited, NULL).verdict, VERDICT_PASS);
	loop_release(&l);
}

/* Of 10 MB the beginning counts. */
static void a_big_one_is_not_read_whole(void **state)
{
	struct check_spec spec = file_spec(0);
	struct loop l;

	(void)state;
	loop_init(&l);
	put("passing ");
	assert_int_equal(0, truncate(path, 10000000));
	struct outcome o = probe_once(&l, &spec, NULL);

	assert_int_equal(o.verdict, VERDICT_PASS);
	loop_release(&l);
}

static void what_is_no_file_fails_at_once(void **state)
{
	struct check_spec spec = file_spec(0);
	struct loop l;

	(void)state;
	loop_init(&l);
	assert_int_equal(0, unlink(path));
	struct outcome o = probe_once(&l, &spec, NULL);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_non_null(strstr(o.detail, "No such file"));
	/* nobody writes to it: opening it must not wait */
	assert_int_equal(0, mkfifo(path, 0600));
	o = probe_once(&l, &spec, NULL);
	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_non_null(strstr(o.detail, "no regular file"));
	assert_int_equal(0, unlink(path));
	assert_int_equal(0, mkdir(path, 0700));
	o = probe_once(&l, &spec, NULL);
	assert_non_null(strstr(o.detail, "no regular file"));
	assert_int_equal(0, rmdir(path));
	loop_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_understood),
		cmocka_unit_test(age_counts_if_asked_for),
		cmocka_unit_test(a_big_one_is_not_read_whole),
		cmocka_unit_test(what_is_no_file_fails_at_once),
	};

	if (!mkdtemp(folder))
		return 1;
	(void)snprintf(path, sizeof(path), "%s/state", folder);
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	(void)rmdir(folder);
	return r;
}
