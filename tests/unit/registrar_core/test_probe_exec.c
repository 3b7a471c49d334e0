// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/procfs.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

/* argv for `sh -c script` */
struct shell {
	const char *argv[4];
	struct check_spec spec;
};

static void shell_init(struct shell *s, const char *script)
{
	*s = (struct shell){ .argv = { "/bin/sh", "-c", script, NULL } };
	s->spec = (struct check_spec){ .name = "exec-1",
		.kind = CHECK_EXEC,
		.interval_ms = 1000,
		.timeout_ms = 2000,
		.rise = 1,
		.fall = 1,
		.exec = { .argv = { s->argv, 3 },
		    .dir = "/",
		    .limits = { .memory_mib = 1024, .files = 64 } } };
}

// clang-format off
static const struct {
	const char *why;
	const char *script;
	const char *detail;
	enum verdict verdict;
} cases[] = {
	{ "0 is a pass", "exit 0", "exit status 0", VERDICT_PASS },
	{ "1 is a warning", "exit 1", "exit status 1", VERDICT_WARN },
	{ "2 is a failure", "exit 2", "exit status 2", VERDICT_FAIL },
	{ "so is 255", "exit 255", "exit status 255", VERDICT_FAIL },
	{ "a signal is a failure, not status 0", "kill -9 $$",
	  "killed by signal 9 (Killed)", VERDICT_FAIL },
	{ "what it says is kept", "echo fine", "fine", VERDICT_PASS },
	{ "so is what it complains of", "echo out; echo err >&2; exit 3",
	  "out\nerr", VERDICT_FAIL },
	{ "without what a terminal would obey", "printf 'a\\033[2Jb\\200\\303\\251'",
	  "a?[2Jb?\xc3\xa9", VERDICT_PASS },
	{ "it knows whom it checks",
	  "echo $ROLLCALL_SERVICE $ROLLCALL_INSTANCE $ROLLCALL_ADDRESS $ROLLCALL_PORT",
	  "web i-1 127.0.0.1 8080", VERDICT_PASS },
	{ "but nothing else of ours", "env | grep -v -e ^ROLLCALL -e ^PATH= -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=",
	  "exit status 1", VERDICT_WARN },
	{ "it reads from nothing", "cat; echo end", "end", VERDICT_PASS },
	{ "what it left running does not hold it up", "sleep 60 & echo done",
	  "done", VERDICT_PASS },
};
// clang-format on

static void exits_are_judged(void **state)
{
	struct loop l;

	(void)state;
	(void)setenv("ROLLCALL_TEST_SECRET", "1", 1);
	(void)setenv("SECRET", "1", 1);
	loop_init(&l);
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		struct shell s;
		int64_t took_ms;

		shell_init(&s, cases[n].script);
		struct outcome o = probe_once(&l, &s.spec, &took_ms);

		if (o.verdict != cases[n].verdict ||
		    strcmp(o.detail, cases[n].detail) != 0) {
			fail_msg("%s: verdict %d, '%s'", cases[n].why,
			    (int)o.verdict, o.detail);
		}
		if (took_ms > 1900) {
			fail_msg("%s: took %lld ms", cases[n].why,
			    (long long)took_ms);
		}
	}
	loop_release(&l);
}

static void output_is_cut(void **state)
{
	struct loop l;
	struct shell s;

	(void)state;
	loop_init(&l);
	shell_init(&s, "yes | head -c 1000000 | tr -d '\\n'; echo; exit 1");
	struct outcome o = probe_once(&l, &s.spec, NULL);

	assert_int_equal(o.verdict, VERDICT_WARN);
	assert_int_equal(strlen(o.detail), PROBE_DETAIL_MAX - 1);
	loop_release(&l);
}

static void our_descriptors_stay_ours(void **state)
{
	struct loop l;
	struct shell s;

	(void)state;
	assert_int_equal(77, dup2(STDOUT_FILENO, 77)); /* no close-on-exec */
	loop_init(&l);
	shell_init(&s, "test -e /proc/$$/fd/77 && echo there || echo closed");
	struct outcome o = probe_once(&l, &s.spec, NULL);

	assert_string_equal(o.detail, "closed");
	close(77);
	loop_release(&l);
}

/* Or dead, where init does not collect orphans. */
static bool is_gone(pid_t pid)
{
	struct proc_stat s;

	return proc_stat_read(pid, &s) < 0 || s.state == 'Z';
}

/* The child and its child: both hang, both are to go. */
static void a_time_out_kills_the_group(void **state)
{
	struct loop l;
	struct shell s;
	int64_t took_ms;

	(void)state;
	loop_init(&l);
	shell_init(&s,
	    "sleep 60 & echo $$ $!; trap '' TERM; while :; do sleep 60; done");
	s.spec.timeout_ms = 300;
	struct outcome o = probe_once(&l, &s.spec, &took_ms);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	static const char said[] = "timed out after 300 ms, ";
	char *end;

	assert_memory_equal(o.detail, said, sizeof(said) - 1);
	pid_t child = (pid_t)strtol(o.detail + sizeof(said) - 1, &end, 10);
	pid_t grandchild = (pid_t)strtol(end, NULL, 10);

	assert_true(child > 1 && grandchild > 1);
	assert_in_range(took_ms, 299, 1500); /* not 60 s */
	for (int i = 0; i < 100 && !is_gone(grandchild); i++)
		loop_for(&l, 10);
	assert_true(is_gone(child));
	assert_true(is_gone(grandchild));
	loop_release(&l);
}

/* The number that a script writes into a file; the file goes. */
static pid_t wait_for_pid(struct loop *l, const char *path)
{
	char text[32] = "";

	for (int i = 0; i < 1000 && !*text; i++) {
		FILE *f = fopen(path, "re");

		loop_for(l, 10);
		if (!f)
			continue;
		assert_non_null(fgets(text, sizeof(text), f));
		(void)fclose(f);
	}
	(void)unlink(path);
	pid_t pid = (pid_t)strtol(text, NULL, 10);

	assert_true(pid > 1);
	return pid;
}

static void a_run_that_is_given_up_is_killed(void **state)
{
	struct loop l;
	struct shell s;
	struct outcome o = { .done = false };
	struct prober pr;
	struct probe p;
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/exec-test-%d", (int)getpid());
	scoped_free char *script = xasprintf(
	    "echo $$ >%s.new; mv %s.new %s; sleep 60", path, path, path);
	loop_init(&l);
	shell_init(&s, script);
	prober_start(&pr, &l);
	probe_init(&p, &pr, &s.spec, &support_subject, outcome_take, &o);
	probe_begin(&p);
	pid_t pid = wait_for_pid(&l, path);

	assert_true(p.running);
	probe_release(&p);
	for (int i = 0; i < 500 && !is_gone(pid); i++)
		loop_for(&l, 10);
	assert_true(is_gone(pid));
	assert_int_equal(o.n, 0);
	prober_release(&pr);
	loop_release(&l);
}

static void what_cannot_be_run_fails(void **state)
{
	struct loop l;
	struct shell s;

	(void)state;
	loop_init(&l);
	shell_init(&s, "");
	s.argv[0] = "/nowhere/check";
	struct outcome o = probe_once(&l, &s.spec, NULL);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	assert_string_equal(
	    o.detail, "cannot run '/nowhere/check': No such file or directory");
	loop_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exits_are_judged),
		cmocka_unit_test(output_is_cut),
		cmocka_unit_test(our_descriptors_stay_ours),
		cmocka_unit_test(a_time_out_kills_the_group),
		cmocka_unit_test(a_run_that_is_given_up_is_killed),
		cmocka_unit_test(what_cannot_be_run_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
