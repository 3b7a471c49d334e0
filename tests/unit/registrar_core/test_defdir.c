// SPDX-License-Identifier: BSD-2-Clause
/*
 * A real directory and a real event loop: each case is a shell line, and what
 * must have been reported once the directory has been quiet for a while.
 */
#include "registrar/watchdir/defdir.h"

#include <errno.h>
#include <event2/event.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_LEN 100
#define QUIET_MS 400 /* longer than a removal is doubted */
#define LIMIT_MS 5000

struct fixture {
	char top[64], path[96];
	struct event_base *base;
	struct defdir *d;
	FILE *log;
	char seen[4096]; /* what was reported, in words */
	unsigned settled;
	const char *awaited;
};

static void on_changed(void *arg, const struct defdir_text *t)
{
	struct fixture *f = arg;

	assert_int_equal(strlen(t->text), t->len);
	(void)fprintf(f->log, "+%s=%s ", t->name, t->text);
}

static void on_removed(void *arg, const char *name)
{
	struct fixture *f = arg;

	(void)fprintf(f->log, "-%s ", name);
}

static void on_failed(void *arg, const char *name, const char *why)
{
	struct fixture *f = arg;

	assert_true(name || strstr(why, f->path));
	(void)fprintf(f->log, "!%s ", name ? name : "dir");
}

static void on_hollow(void *arg, const char *why)
{
	struct fixture *f = arg;

	assert_non_null(strstr(why, f->path));
	if (f->settled) /* every one is at first */
		(void)fprintf(f->log, "~dir ");
}

static void on_blind(void *arg, const char *why)
{
	(void)arg;
	(void)why;
}

static void on_settled(void *arg, bool whole, bool leaving)
{
	struct fixture *f = arg;

	(void)whole;
	(void)leaving;
	f->settled++;
	(void)fflush(f->log);
	if (f->awaited && strcmp(f->seen, f->awaited) == 0)
		(void)event_base_loopbreak(f->base);
}

/* Forget what was seen. */
static void clear(struct fixture *f)
{
	if (f->log)
		(void)fclose(f->log);
	memset(f->seen, 0, sizeof(f->seen));
	f->log = fmemopen(f->seen, sizeof(f->seen), "w");
	assert_non_null(f->log);
}

static void sh(const struct fixture *f, const char *line)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (chdir(f->top) == 0)
			execl("/bin/sh", "sh", "-ec", line, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void loop(struct fixture *f, int ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000L };

	(void)event_base_loopexit(f->base, &tv);
	(void)event_base_dispatch(f->base);
}

/* Waits for `awaited`, then for silence, and compares. */
static void await(struct fixture *f, const char *awaited)
{
	f->awaited = awaited;
	(void)fflush(f->log);
	if (strcmp(f->seen, awaited) != 0)
		loop(f, LIMIT_MS);
	f->awaited = NULL;
	loop(f, QUIET_MS);
	(void)fflush(f->log);
	assert_string_equal(f->seen, awaited);
	clear(f);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct defdir_ops ops = { .changed = on_changed,
		.removed = on_removed,
		.failed = on_failed,
		.blind = on_blind,
		.hollow = on_hollow,
		.settled = on_settled,
		.arg = f };

	(void)snprintf(f->top, sizeof(f->top), "/tmp/test_defdir.XXXXXX");
	assert_non_null(mkdtemp(f->top));
	(void)snprintf(f->path, sizeof(f->path), "%s/d", f->top);
	assert_int_equal(mkdir(f->path, 0755), 0);
	f->base = event_base_new();
	clear(f);
	f->d = defdir_new(f->base, f->path, MAX_LEN, &ops);
	*state = f;
	return 0;
}

static int remove_one(
    const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	defdir_free(f->d);
	event_base_free(f->base);
	(void)fclose(f->log);
	(void)nftw(f->top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void start(struct fixture *f)
{
	assert_int_equal(defdir_rescan(f->d), 0);
	await(f, "");
}

static void test_first_scan(void **state)
{
	struct fixture *f = *state;

	sh(f, "cd d; printf 2 >b.yml; printf 1 >a.yaml; printf 3 >c.json;"
	      "printf x >.a.yaml.swp; printf x >a.yaml~; printf x >4913;"
	      "printf x >.hidden.yaml; printf x >readme.txt; mkdir x.yaml");
	assert_int_equal(defdir_rescan(f->d), 0);
	assert_int_equal(f->settled, 1);
	await(f, "+a.yaml=1 +b.yml=2 +c.json=3 ");
	/* nothing new, but that is told */
	assert_int_equal(defdir_rescan(f->d), 0);
	assert_int_equal(f->settled, 2);
	await(f, "");
}

static const struct {
	const char *why, *before, *line, *seen;
} cases[] = {
	{ "a new file", "", "printf 1 >d/a.yaml", "+a.yaml=1 " },
	{ "an edit in place", "printf 1 >d/a.yaml", "printf 2 >d/a.yaml",
	    "+a.yaml=2 " },
	{ "a rename over it", "printf 1 >d/a.yaml; printf 2 >d/t",
	    "mv d/t d/a.yaml", "+a.yaml=2 " },
	{ "a move into the directory", "printf 1 >a.yaml", "mv a.yaml d",
	    "+a.yaml=1 " },
	{ "a removal", "printf 1 >d/a.yaml", "rm d/a.yaml", "-a.yaml " },
	{ "a move out of the directory", "printf 1 >d/a.yaml", "mv d/a.yaml .",
	    "-a.yaml " },
	{ "a rename", "printf 1 >d/a.yaml", "mv d/a.yaml d/b.yaml",
	    "+b.yaml=1 -a.yaml " },
	{ "switched off by its name", "printf 1 >d/a.yaml",
	    "mv d/a.yaml d/a.yaml.off", "-a.yaml " },
	{ "an editor's backup, rename away, write, delete",
	    "printf 1 >d/a.yaml",
	    "cd d; printf x >4913; rm 4913; mv a.yaml a.yaml~; printf 2 "
	    ">a.yaml; rm a.yaml~",
	    "+a.yaml=2 " },
	{ "away for a moment", "printf 1 >d/a.yaml",
	    "rm d/a.yaml; sleep 0.03; printf 2 >d/a.yaml", "+a.yaml=2 " },
	{ "emptied before it is written", "printf 1 >d/a.yaml",
	    ": >d/a.yaml; sleep 0.05; printf 2 >d/a.yaml", "+a.yaml=2 " },
	{ "empty for good", "printf 1 >d/a.yaml", ": >d/a.yaml", "+a.yaml= " },
	{ "a link", "printf 1 >a", "ln -s ../a d/a.yaml; ln a d/b.yaml",
	    "+a.yaml=1 +b.yaml=1 " },
	{ "too long, then not", "",
	    "printf %0101d 1 >d/a.yaml; sleep 0.2; printf 1 >d/a.yaml",
	    "!a.yaml +a.yaml=1 " },
	{ "others are not touched", "printf 1 >d/a.yaml; printf 1 >d/b.yaml",
	    "printf 2 >d/a.yaml", "+a.yaml=2 " },
	{ "a Kubernetes ConfigMap",
	    "cd d; mkdir ..1; printf 1 >..1/a.yaml; ln -s ..1 ..data;"
	    "ln -s ..data/a.yaml a.yaml",
	    "cd d; mkdir ..2; printf 2 >..2/a.yaml; ln -s ..2 ..tmp;"
	    "mv -T ..tmp ..data; rm -r ..1",
	    "+a.yaml=2 " },
	{ "the name is a link, and that is switched",
	    "mv d v1; ln -s v1 d; printf 1 >d/a.yaml; printf 1 >d/b.yaml",
	    "mkdir v2; printf 2 >v2/a.yaml; ln -s v2 t; mv -T t d",
	    "+a.yaml=2 -b.yaml " },
	{ "a link that leads nowhere is not seen, and then again",
	    "printf 1 >t; ln -s ../t d/a.yaml; printf 1 >d/b.yaml",
	    "mv t u; touch -h d/a.yaml; sleep 0.8; printf 2 >t",
	    "!a.yaml +a.yaml=2 " },
	{ "the link itself is removed",
	    "printf 1 >t; ln -s ../t d/a.yaml; printf 1 >d/b.yaml",
	    "rm t d/a.yaml", "-a.yaml " },
	{ "a FIFO is told, a directory is none", "printf 1 >d/b.yaml",
	    "mkdir d/c.yaml; mkfifo d/a.yaml; touch d/a.yaml", "!a.yaml " },
	{ "one that becomes a FIFO", "printf 1 >d/a.yaml; printf 1 >d/b.yaml",
	    "rm d/a.yaml; mkfifo d/a.yaml", "!a.yaml " },
	{ "a redeploy that takes its time",
	    "printf 1 >d/a.yaml; printf 1 >d/b.yaml",
	    "rm d/*; sleep 1; printf 2 >d/a.yaml; sleep 1; printf 1 >d/b.yaml",
	    "~dir +a.yaml=2 +b.yaml=1 " },
	{ "some of many are removed", "printf 1 >d/a.yaml; printf 1 >d/b.yaml",
	    "rm d/a.yaml", "-a.yaml " },
	{ "so is the only one", "printf 1 >d/a.yaml", "rm d/a.yaml",
	    "-a.yaml " },
	{ "nothing is removed while the directory is away",
	    "printf 1 >d/a.yaml; printf 1 >d/b.yaml",
	    "mv d e; sleep 0.8; printf 2 >e/b.yaml; mv e d",
	    "!dir +b.yaml=2 " },
	{ "another directory that is filled slowly",
	    "mv d v1; ln -s v1 d; printf 1 >d/a.yaml",
	    "mkdir v2; ln -s v2 t; mv -T t d; sleep 0.1; printf 1 >d/a.yaml",
	    "+a.yaml=1 " },
};

/* The child works while the loop runs, as it does in life. */
static void sh_while_looping(struct fixture *f, const char *line)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (chdir(f->top) == 0)
			execl("/bin/sh", "sh", "-ec", line, NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, WNOHANG) == 0)
		loop(f, 5);
	assert_int_equal(status, 0);
}

static void test_cases(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture *f;

		print_message("%s\n", cases[i].why);
		if (i) {
			tear_down(state);
			set_up(state);
		}
		f = *state;
		sh(f, cases[i].before);
		assert_int_equal(defdir_rescan(f->d), 0);
		clear(f);
		sh_while_looping(f, cases[i].line);
		await(f, cases[i].seen);
	}
}

static void test_missing_at_first(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rmdir(f->path), 0);
	assert_int_equal(defdir_rescan(f->d), -ENOENT);
	await(f, "!dir ");
	loop(f, 700); /* it is told once, not with every tick */
	sh(f, "mkdir e; printf 1 >e/a.yaml; mv e d");
	await(f, "+a.yaml=1 ");
	sh(f, "rm -r d");
	await(f, "!dir ");
	/* back, and empty: a file system that is not mounted looks like it */
	sh(f, "mkdir d");
	await(f, "~dir ");
	loop(f, 700);
	/* back, without it: that is evidence, once it may be whole */
	sh(f, "printf 1 >d/b.yaml");
	await(f, "+b.yaml=1 ");
	await(f, "-a.yaml ");
	sh(f, "rm -r d; mkdir d");
	await(f, "~dir ");
	/* and this is somebody's word */
	assert_int_equal(defdir_rescan(f->d), 0);
	await(f, "-b.yaml ");
}

/* What cannot be read is tried again when it is asked for, or changes. */
static void test_unreadable(void **state)
{
	struct fixture *f = *state;

	sh(f, "printf %0101d 1 >d/a.yaml");
	assert_int_equal(defdir_rescan(f->d), 0);
	await(f, "!a.yaml ");
	assert_int_equal(defdir_rescan(f->d), 0);
	await(f, "!a.yaml ");
	sh(f, "chmod 600 d/a.yaml");
	await(f, "!a.yaml ");
	sh(f, "rm d/a.yaml");
	await(f, "-a.yaml ");
}

/* However the writes fall together: the last counts, none is half. */
static void test_many_writes(void **state)
{
	struct fixture *f = *state;

	start(f);
	sh_while_looping(f,
	    "i=1000; while [ $i -lt 2000 ]; do echo $i >d/a.yaml;"
	    "i=$((i+1)); done");
	loop(f, QUIET_MS);
	(void)fflush(f->log);
	assert_null(strstr(f->seen, "+a.yaml= "));
	assert_non_null(strstr(f->seen, "+a.yaml=1999\n "));
	/* 1000 reports would not fit */
	assert_true(strlen(f->seen) < sizeof(f->seen) - 100);
}

static void test_many_files_overflow(void **state)
{
	struct fixture *f = *state;

	start(f);
	/* more events than the kernel keeps, before the loop runs again */
	sh(f, "i=0; while [ $i -lt 9000 ]; do : >d/x; : >d/y; i=$((i+1)); done;"
	      "printf 1 >d/z.yaml");
	await(f, "+z.yaml=1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_first_scan, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cases, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_missing_at_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_unreadable, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_many_writes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_many_files_overflow, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
