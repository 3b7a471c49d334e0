// SPDX-License-Identifier: BSD-2-Clause
/* The file: written and read back, shared, damaged, in the way. */
#include "dnsd/publication/serials.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { A = 1, B = 2 }; /* names of writers */

struct place {
	char directory[64];
	char *file;
};

static int set_up(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	(void)snprintf(
	    p->directory, sizeof(p->directory), "/tmp/serials-XXXXXX");
	assert_non_null(mkdtemp(p->directory));
	p->file = xasprintf("%s/%s", p->directory, SERIALS_FILE);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	scoped_free char *aside = xasprintf("%s.tmp", p->file);

	(void)unlink(p->file);
	(void)rmdir(p->file);
	(void)unlink(aside);
	(void)rmdir(p->directory);
	free(p->file);
	free(p);
	return 0;
}

static int put(struct place *p, const char *zone, uint32_t serial,
    bool is_exact, uint64_t word)
{
	struct serials_item item = { .kept = { serial, is_exact, word },
		.writer = word };
	struct serials s = { 0 };
	struct diag diag;

	assert_true(dname_from_text(&item.zone, zone));
	serials_add(&s, &item);
	int error = serials_write(p->directory, &s, word, &diag);
	serials_release(&s);
	return error;
}

static void expect(
    struct place *p, const char *zone, uint32_t serial, bool is_exact)
{
	struct serials s = { 0 };
	struct dname name;
	struct diag diag;

	assert_true(dname_from_text(&name, zone));
	assert_int_equal(serials_read(p->directory, &s, &diag), 0);
	const struct serials_item *item = serials_find(&s, &name);
	assert_non_null(item);
	assert_int_equal(item->kept.serial, serial);
	assert_int_equal(item->kept.is_exact, is_exact);
	serials_release(&s);
}

static void test_kept(void **state)
{
	struct place *p = *state;
	struct serials s = { 0 };
	struct diag diag;

	assert_int_equal(serials_read(p->directory, &s, &diag), -ENOENT);
	assert_int_equal(put(p, "svc.internal", 4711, false, A), 0);
	assert_int_equal(put(p, "a\\032b\\.c.test", UINT32_MAX, true, 99), 0);
	assert_int_equal(put(p, "sum", 3, true, UINT64_MAX), 0);
	expect(p, "svc.internal", 4711, false);
	expect(p, "SVC.internal", 4711, false);
	expect(p, "a\\032b\\.c.test", UINT32_MAX, true);
	expect(p, "sum", 3, true);
	assert_int_equal(serials_read(p->directory, &s, &diag), 0);
	assert_int_equal(s.n, 3);
	assert_true(s.item[2].kept.digest == UINT64_MAX);
	serials_release(&s);
}

/* Who is furthest ahead stays; a writer takes back what it said itself. */
static void test_shared(void **state)
{
	struct place *p = *state;

	assert_int_equal(put(p, "z", 1000, false, A), 0);
	assert_int_equal(put(p, "z", 900, false, B), 0);
	expect(p, "z", 1000, false);
	assert_int_equal(put(p, "z", 17, false, A), 0);
	expect(p, "z", 17, false);
	assert_int_equal(put(p, "z", 900, false, B), 0);
	expect(p, "z", 900, false);
	assert_int_equal(put(p, "z", 20, true, A), 0);
	expect(p, "z", 900, false);
	assert_int_equal(put(p, "z", 901, true, 12345), 0);
	expect(p, "z", 901, true);
	/* RFC 1982: ahead, around the end */
	assert_int_equal(put(p, "z", 0x80000000, false, A), 0);
	expect(p, "z", 0x80000000, false);
	assert_int_equal(put(p, "z", 0xfffffffe, false, B), 0);
	assert_int_equal(put(p, "z", 5, false, A), 0);
	expect(p, "z", 5, false);
}

static size_t read_file(const struct place *p, char *text, size_t room)
{
	scoped_file FILE *f = fopen(p->file, "re");

	assert_non_null(f);
	return fread(text, 1, room, f);
}

static void write_file(const struct place *p, const char *text, size_t len)
{
	scoped_file FILE *f = fopen(p->file, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
}

/* Every octet changed, every length: damaged, never another number. */
static void test_damage(void **state)
{
	struct place *p = *state;
	char text[512], bad[512];
	struct serials s = { 0 };
	struct diag diag;

	assert_int_equal(put(p, "svc.internal", 4711, false, A), 0);
	assert_int_equal(put(p, "corp.example", 12, true, 77), 0);
	size_t len = read_file(p, text, sizeof(text));
	assert_in_range(len, 50, sizeof(text) - 1);
	for (size_t i = 0; i + 1 < len; i++) {
		memcpy(bad, text, len);
		bad[i] ^= 1;
		write_file(p, bad, len);
		if (serials_read(p->directory, &s, &diag) != -EBADMSG)
			fail_msg("octet %zu of %zu", i, len);
		write_file(p, text, i);
		if (serials_read(p->directory, &s, &diag) != -EBADMSG)
			fail_msg("length %zu of %zu", i, len);
	}
	/* and is written anew */
	assert_int_equal(put(p, "svc.internal", 5000, false, A), 0);
	expect(p, "svc.internal", 5000, false);
}

static void test_in_the_way(void **state)
{
	struct place *p = *state;
	struct serials s = { 0 };
	struct diag diag;

	scoped_free char *aside = xasprintf("%s.tmp", p->file);
	/* left behind, even as a link to somewhere */
	assert_int_equal(symlink("/nonexistent/file", aside), 0);
	assert_int_equal(put(p, "z", 1, false, A), 0);
	expect(p, "z", 1, false);
	/* the directory goes, or is no directory */
	struct place gone = { .directory = "/nonexistent" };
	assert_int_equal(put(&gone, "z", 1, false, A), -ENOENT);
	assert_int_equal(serials_read("/dev/null", &s, &diag), -ENOTDIR);
	/* something else has the name */
	assert_int_equal(unlink(p->file), 0);
	assert_int_equal(mkdir(p->file, 0700), 0);
	assert_int_equal(serials_read(p->directory, &s, &diag), -EBADMSG);
	assert_true(put(p, "z", 1, false, A) < 0);
	assert_int_not_equal(access(aside, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_shared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_in_the_way, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
