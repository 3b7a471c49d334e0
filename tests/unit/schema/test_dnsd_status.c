// SPDX-License-Identifier: BSD-2-Clause
/* What is written is read back; what is not ours, or of no use, is not. */
#include "schema/dnsd_status.h"
#include "tests/unit/schema/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW_MS = 1000000000 };

static struct dnsd_status_zone zones[] = { { "svc.test", 17 },
	{ "2.0.192.in-addr.arpa", 0 } };

static struct dnsd_status sample(void)
{
	return (struct dnsd_status){ .pid = (int)getpid(),
		.pid_space = dnsd_status_pid_space(),
		.version = "1.2",
		.started_wall_ms = 5,
		.written_wall_ms = NOW_MS,
		.addresses = { "[::1]:53", "127.0.0.1:853 tls" },
		.address_n = 2,
		.registry_id = "abc",
		.revision = 40,
		.trouble = "it is locked\nzone evil 9",
		.last_error = "one \033[2J error",
		.last_error_wall_ms = 9,
		.zones = zones,
		.zone_n = 2,
		.other_n = 3 };
}

struct found {
	struct arena *arena;
	struct dnsd_status *all;
	unsigned n;
};

static struct found read_all(const struct fx *f)
{
	struct found x = { .arena = arena_new() };

	assert_int_equal(
	    dnsd_status_read_all(f->path, NOW_MS, x.arena, &x.all, &x.n), 0);
	return x;
}

static void comes_back(void **state)
{
	struct fx *f = *state;
	struct dnsd_status s = sample();

	fx_ok(f, dnsd_status_write(f->path, &s, &f->err));
	s.revision = 41; /* and takes the place of what was before */
	fx_ok(f, dnsd_status_write(f->path, &s, &f->err));
	struct found x = read_all(f);
	const struct dnsd_status *got = &x.all[0];

	assert_int_equal(x.n, 1);
	assert_int_equal(got->pid, getpid());
	assert_string_equal(got->version, "1.2");
	assert_int_equal(got->started_wall_ms, 5);
	assert_int_equal(got->written_wall_ms, NOW_MS);
	assert_int_equal(got->ended_wall_ms, 0);
	assert_int_equal(got->address_n, 2);
	assert_string_equal(got->addresses[0], "[::1]:53");
	assert_string_equal(got->addresses[1], "127.0.0.1:853 tls");
	assert_string_equal(got->registry_id, "abc");
	assert_int_equal(got->revision, 41);
	/* no text adds a line */
	assert_string_equal(got->trouble, "it is locked?zone evil 9");
	assert_string_equal(got->last_error, "one ?[2J error");
	assert_int_equal(got->last_error_wall_ms, 9);
	assert_int_equal(got->zone_n, 2);
	assert_int_equal(
	    dnsd_status_find_zone(got, "svc.test")->publication, 17);
	assert_non_null(dnsd_status_find_zone(got, "2.0.192.in-addr.arpa"));
	assert_null(dnsd_status_find_zone(got, "test"));
	assert_int_equal(got->other_n, 3);
	assert_false(got->gone);
	arena_free(x.arena);
}

static void says_who_is_alive(void **state)
{
	static const struct {
		const char *why;
		int64_t written, ended;
		bool alive;
	} cases[] = {
		{ "written now", NOW_MS, 0, true },
		{ "two were missed", NOW_MS - DNSD_STATUS_SILENT_MS, 0, false },
		{ "not yet", NOW_MS - DNSD_STATUS_SILENT_MS + 1, 0, true },
		{ "a clock that went back", NOW_MS + 100000, 0, true },
		{ "it has said so", NOW_MS, NOW_MS, false },
		{ "no time that could be", INT64_MIN, 0, false },
	};
	struct fx *f = *state;
	struct dnsd_status s = sample();

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		s.written_wall_ms = cases[k].written;
		s.ended_wall_ms = cases[k].ended;
		fx_ok(f, dnsd_status_write(f->path, &s, &f->err));
		struct found x = read_all(f);
		if (dnsd_status_is_alive(&x.all[0], NOW_MS) != cases[k].alive)
			fail_msg("%s", cases[k].why);
		arena_free(x.arena);
	}
	/* nobody can have that number */
	s = sample();
	s.pid = 4194305;
	fx_ok(f, dnsd_status_write(f->path, &s, &f->err));
	struct found x = read_all(f);
	assert_true(x.all[0].gone);
	assert_false(dnsd_status_is_alive(&x.all[0], NOW_MS));
	arena_free(x.arena);
	/* of another host's, or container's, numbers nothing is known */
	s.pid_space = 1;
	fx_ok(f, dnsd_status_write(f->path, &s, &f->err));
	x = read_all(f);
	assert_true(dnsd_status_is_alive(&x.all[0], NOW_MS));
	arena_free(x.arena);
}

static void put_file(const struct fx *f, const char *end, const char *text)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s%s", f->path, end);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	(void)fputs(text, out);
	(void)fclose(out);
}

static void passes_over_others(void **state)
{
	struct fx *f = *state;
	char path[256];

	put_file(f, ".dnsd-a:1.status", "");
	put_file(f, ".dnsd-b:1.status", "rollcall-dnsd 2\npid 1\naddress a\n");
	put_file(f, ".dnsd-c:1.status", "rollcall-dnsd 1\npid 1\n");
	put_file(f, ".dnsd-d:1.status", "rollcall-dnsd 1\npid x\naddress a\n");
	put_file(
	    f, ".dnsd-e:1.status.new", "rollcall-dnsd 1\npid 1\naddress a\n");
	put_file(f, ".dnsd-f:1.status",
	    "rollcall-dnsd 1\npid 1\naddress f\nnext thing\nzone\nzone x\n\n"
	    "zone y 3");
	(void)snprintf(path, sizeof(path), "%s.dnsd-g:1.status", f->path);
	(void)unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	(void)snprintf(path, sizeof(path), "%s.dnsd-h:1.status", f->path);
	(void)unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	struct found x = read_all(f);
	assert_int_equal(x.n, 1);
	assert_string_equal(x.all[0].addresses[0], "f");
	assert_int_equal(x.all[0].zone_n, 1);
	assert_int_equal(dnsd_status_find_zone(&x.all[0], "y")->publication, 3);
	arena_free(x.arena);
}

static void says_what_cannot_be(void **state)
{
	struct fx *f = *state;
	struct dnsd_status s = sample(), *all;
	struct arena *a = arena_new();
	unsigned n;

	assert_int_equal(
	    dnsd_status_write("/nonexistent/r.db", &s, &f->err), -ENOENT);
	assert_non_null(strstr(f->err.text, "/nonexistent/r.db.dnsd-[::1]:53"));
	assert_int_equal(
	    dnsd_status_read_all("/nonexistent/r.db", NOW_MS, a, &all, &n),
	    -ENOENT);
	arena_free(a);
}

static int tear_down(void **state)
{
	struct fx *f = *state;
	const struct dirent *entry;
	DIR *d = opendir(f->dir);

	while (d && (entry = readdir(d)))
		(void)unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		(void)closedir(d);
	return fx_teardown(state);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(comes_back),
		TEST(says_who_is_alive),
		TEST(passes_over_others),
		TEST(says_what_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
