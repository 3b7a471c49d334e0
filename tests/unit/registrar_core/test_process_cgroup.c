// SPDX-License-Identifier: BSD-2-Clause
/*
 * Units and cgroups: in a tree of plain files that looks like version 2, and
 * in the kernel's own trees of both versions where we may make a group.
 */
#include "process_support.h"

#include <sys/stat.h>

static void make_dir(const char *path)
{
	assert_int_equal(0, mkdir(path, 0700));
}

/* As the kernel would, in place: the file stays the same. */
static void set_populated(const char *dir, bool populated)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/cgroup.events", dir);
	write_text(
	    path, populated ? "populated 1\nfrozen 0\n" : "populated 0\n");
}

static void remove_group(const char *dir)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/cgroup.events", dir);
	(void)unlink(path);
	assert_int_equal(0, rmdir(dir));
}

/* systemd makes the directory with the unit and removes it after. */
static void a_unit_comes_and_goes(void **state)
{
	struct fx *f = *state;
	const struct process_spec spec = { PROCESS_UNIT, "web@a.service" };
	char slice[96], inner[128], unit[160];

	(void)snprintf(slice, sizeof(slice), "%s/system.slice", f->dir);
	(void)snprintf(inner, sizeof(inner), "%s/system-web.slice", slice);
	(void)snprintf(unit, sizeof(unit), "%s/web@a.service", inner);
	make_dir(slice);
	make_dir(inner);
	watcher_set_cgroups(f->watcher, f->dir);
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	assert_int_equal(next_news(f), PROCESS_GONE);
	assert_string_equal(
	    f->heard.detail, "unit 'web@a.service' is not there");
	for (int n = 0; n < 2; n++) {
		make_dir(unit);
		set_populated(unit, n == 0);
		if (n == 1) { /* it may be there before its processes are */
			loop_for(&f->loop, 100);
			set_populated(unit, true);
		}
		assert_int_equal(next_news(f), PROCESS_ALIVE);
		set_populated(unit, false);
		assert_int_equal(next_news(f), PROCESS_GONE);
		remove_group(unit);
	}
	process_watch_free(p);
	(void)rmdir(inner);
	(void)rmdir(slice);
}

/* A restart: the group is another one before anybody looks. */
static void a_unit_is_made_anew(void **state)
{
	struct fx *f = *state;
	const struct process_spec spec = { PROCESS_UNIT, "web.service" };
	char slice[96], unit[128], next[128], before[128];

	(void)snprintf(slice, sizeof(slice), "%s/system.slice", f->dir);
	(void)snprintf(unit, sizeof(unit), "%s/web.service", slice);
	(void)snprintf(next, sizeof(next), "%s/next", f->dir);
	(void)snprintf(before, sizeof(before), "%s/before", f->dir);
	make_dir(slice);
	make_dir(unit);
	set_populated(unit, true);
	watcher_set_cgroups(f->watcher, f->dir);
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	assert_int_equal(next_news(f), PROCESS_ALIVE);
	for (int n = 0; n < 4; n++) {
		make_dir(next);
		set_populated(next, true);
		assert_int_equal(0, rename(unit, before));
		assert_int_equal(0, rename(next, unit));
		if (n % 2 == 0) /* else the event of its end is lost */
			set_populated(before, false);
		assert_int_equal(next_news(f), PROCESS_GONE);
		assert_int_equal(next_news(f), PROCESS_ALIVE);
		remove_group(before);
	}
	set_populated(unit, false);
	assert_int_equal(next_news(f), PROCESS_GONE);
	process_watch_free(p);
	remove_group(unit);
	(void)rmdir(slice);
}

static void of_many_units_each_is_found(void **state)
{
	enum { N = 50 };
	struct fx *f = *state;
	static struct heard heard[N];
	static char names[N][32];
	struct process_spec spec[N];
	struct process_watch *p[N];
	char slice[96], unit[160];

	(void)snprintf(slice, sizeof(slice), "%s/system.slice", f->dir);
	make_dir(slice);
	watcher_set_cgroups(f->watcher, f->dir);
	for (int n = 0; n < N; n++) {
		(void)snprintf(names[n], sizeof(names[n]), "%d.service", n);
		spec[n] = (struct process_spec){ PROCESS_UNIT, names[n] };
		p[n] = process_watch_new(f->watcher, &spec[n], hear, &heard[n]);
	}
	for (int n = 0; n < N; n++) {
		assert_true(loop_until(&f->loop, &heard[n].any, 5000));
		heard[n].any = false;
		(void)snprintf(unit, sizeof(unit), "%s/%.*s", slice,
		    (int)sizeof(names[n]), names[n]);
		make_dir(unit);
		set_populated(unit, true);
	}
	for (int n = 0; n < N; n++) {
		assert_true(loop_until(&f->loop, &heard[n].any, 5000));
		assert_int_equal(heard[n].news, PROCESS_ALIVE);
		process_watch_free(p[n]);
		(void)snprintf(unit, sizeof(unit), "%s/%.*s", slice,
		    (int)sizeof(names[n]), names[n]);
		remove_group(unit);
	}
	(void)rmdir(slice);
}

/* The first of these under which we can make a group; NULL: none. */
static const char *make_group(const char *const *roots, char *path, size_t len)
{
	for (; *roots; roots++) {
		(void)snprintf(path, len, "%s/cgroup.procs", *roots);
		if (access(path, R_OK) < 0)
			continue; /* where others are mounted, perhaps */
		(void)snprintf(
		    path, len, "%s/rollcall-test-%d", *roots, (int)getpid());
		if (mkdir(path, 0700) == 0)
			return path;
	}
	return NULL;
}

static void move_into(const char *group, pid_t pid)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	write_pid(path, pid);
}

static void the_kernel_tells(struct fx *f, const char *const *roots)
{
	char group[128], below[160];
	const struct process_spec spec = { PROCESS_CGROUP, group };

	if (!make_group(roots, group, sizeof(group)))
		skip(); /* it takes root, and that hierarchy */
	(void)snprintf(below, sizeof(below), "%s/below", group);
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	assert_int_equal(next_news(f), PROCESS_GONE);
	assert_non_null(strstr(f->heard.detail, "has no process"));
	make_dir(below);
	pid_t first = start_as("first"), second = start_as("second");

	move_into(group, first);
	assert_int_equal(next_news(f), PROCESS_ALIVE);
	/* one of several is no end, nor is a move to a group below */
	move_into(below, second);
	finish(first);
	f->heard.any = false;
	assert_false(loop_until(&f->loop, &f->heard.any, 150));
	finish(second);
	assert_int_equal(next_news(f), PROCESS_GONE);
	assert_int_equal(0, rmdir(below));
	assert_int_equal(0, rmdir(group));
	loop_for(&f->loop, 100);
	/* another one of that name */
	make_dir(group);
	first = start_as("first");
	move_into(group, first);
	assert_int_equal(next_news(f), PROCESS_ALIVE);
	/* and one that is there before anybody looks */
	for (int n = 0; n < 5; n++) {
		pid_t next = start_as("next");

		finish(first);
		for (int i = 0; rmdir(group) < 0 && i < 1000; i++)
			usleep(100); /* it is a zombie's for a moment */
		make_dir(group);
		move_into(group, next);
		assert_int_equal(next_news(f), PROCESS_GONE);
		assert_int_equal(next_news(f), PROCESS_ALIVE);
		first = next;
	}
	finish(first);
	assert_int_equal(next_news(f), PROCESS_GONE);
	assert_int_equal(0, rmdir(group));
	process_watch_free(p);
}

static void version_2(void **state)
{
	static const char *const roots[] = { "/sys/fs/cgroup/unified",
		"/sys/fs/cgroup", NULL };

	the_kernel_tells(*state, roots);
}

static void version_1(void **state)
{
	static const char *const roots[] = { "/sys/fs/cgroup/systemd", NULL };

	the_kernel_tells(*state, roots);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_unit_comes_and_goes),
		T(a_unit_is_made_anew),
		T(of_many_units_each_is_found),
		T(version_2),
		T(version_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
