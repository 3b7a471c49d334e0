// SPDX-License-Identifier: BSD-2-Clause
/*
 * Where the programs of exec checks run: what they are given, what is taken
 * from them, when they run, and that nothing of them is left.
 */
#include "registrar/lib/printable.h"
#include "registrar/lib/procfs.h"
#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

struct job {
	const char *script, *user, *group, *dir;
	uint64_t cpu_s, memory_len, files_n;
	struct run *run;
	bool begun, done;
	int status;
	char output[RUN_OUTPUT_MAX];
};

static void on_begin(void *arg, struct run_message *m)
{
	struct job *j = arg;

	j->begun = true;
	run_message_init(m, j->user ? j->user : "", j->group ? j->group : "",
	    j->dir ? j->dir : "/");
	m->head.cpu_s = j->cpu_s;
	m->head.memory_len = j->memory_len;
	m->head.files_n = j->files_n;
	run_message_arg(m, "/bin/sh");
	run_message_arg(m, "-c");
	run_message_arg(m, j->script);
	run_message_env(m, "PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
}

static void on_ended(void *arg, const struct run_end *e)
{
	struct job *j = arg;

	j->done = true;
	j->status = e->status;
	printable_copy(j->output, sizeof(j->output), e->output, e->output_len);
	if (e->trouble)
		(void)snprintf(j->output, sizeof(j->output), "%s", e->trouble);
}

static const struct run_ops ops = { .begin = on_begin, .ended = on_ended };

struct fixture {
	struct loop l;
	struct runner *r;
	bool gone;
};

static void on_gone(void *arg)
{
	bool *gone = arg;

	*gone = true;
}

static void set_up(struct fixture *f, unsigned limit)
{
	f->gone = false;
	loop_init(&f->l);
	assert_int_equal(
	    runner_new(f->l.base, limit, on_gone, &f->gone, &f->r, NULL), 0);
}

static void tear_down(struct fixture *f)
{
	runner_free(f->r);
	loop_release(&f->l);
}

static void run(struct fixture *f, struct job *j)
{
	j->run = runner_ask(f->r, &ops, j);
	assert_true(loop_until(&f->l, &j->done, 15000));
}

static bool is_gone(pid_t pid)
{
	struct proc_stat s;

	return proc_stat_read(pid, &s) < 0 || s.state == 'Z';
}

static void wait_gone(struct fixture *f, pid_t pid)
{
	assert_true(pid > 1);
	for (int i = 0; i < 1000 && !is_gone(pid); i++)
		loop_for(&f->l, 10);
	assert_true(is_gone(pid));
}

/* ---- what a program gets ---------------------------------------------- */

static const struct {
	const char *why;
	struct job job;
	int status;
	const char *output; /* NULL: any */
} cases[] = {
	{ "nothing of our environment", { .script = "env | sort" }, 0,
	    "PATH=/usr/bin:/bin:/usr/sbin:/sbin\nPWD=/" },
	{ "a directory", { .script = "pwd", .dir = "/usr" }, 0, "/usr" },
	{ "one that is not there", { .script = "pwd", .dir = "/nowhere" }, 126,
	    "cannot run '/bin/sh' in its directory: No such file or "
	    "directory" },
	{ "a umask", { .script = "umask" }, 0, "0077" },
	{ "a session and a group of its own",
	    { .script = "set -- $(cat /proc/$$/stat); "
	                "test $$ = $5 && test $$ = $6 && echo own" },
	    0, "own" },
	{ "no descriptor but three", { .script = "exec ls /proc/self/fd" }, 0,
	    "0\n1\n2\n3" }, /* 3: that of ls itself */
	{ "no core", { .script = "ulimit -c; ulimit -Hc" }, 0, "0\n0" },
	{ "files", { .script = "ulimit -n; ulimit -Hn", .files_n = 33 }, 0,
	    "33\n33" },
	{ "memory",
	    { .script = "perl -e '$x = \"x\" x (256 << 20); print 1' "
	                "2>/dev/null || echo refused",
	        .memory_len = 64 << 20 },
	    0, "refused" },
	{ "enough of it", { .script = "echo a", .memory_len = 64 << 20 }, 0,
	    "a" },
	{ "time", { .script = "while :; do :; done", .cpu_s = 1 }, -SIGXCPU,
	    "" },
	{ "no way to more privileges",
	    { .script = "grep -c 'NoNewPrivs:.*1' /proc/self/status" }, 0,
	    "1" },
	{ "default signals",
	    { .script = "grep -E '^Sig(Blk|Ign)' /proc/self/status" }, 0,
	    "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000" },
	{ "no user that there is not",
	    { .script = "id", .user = "no-such-user-here" }, 126,
	    "cannot run '/bin/sh' as its user: no such user" },
	{ "no group that there is not",
	    { .script = "id", .group = "no-such-group-here" }, 126,
	    "cannot run '/bin/sh' with its group: no such group" },
};

static void programs_get(void **state)
{
	struct fixture f;

	(void)state;
	(void)setenv("SECRET", "1", 1);
	set_up(&f, 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct job j = cases[i].job;

		run(&f, &j);
		if (j.status != cases[i].status ||
		    (cases[i].output &&
		        strcmp(j.output, cases[i].output) != 0)) {
			fail_msg(
			    "%s: %d, '%s'", cases[i].why, j.status, j.output);
		}
	}
	tear_down(&f);
}

/* Real, effective and saved, and no group of root is left. */
static void another_user(void **state)
{
	static const struct {
		const char *user, *group, *ids;
	} users[] = {
		{ "nobody", NULL,
		    "65534 65534 65534 65534\n65534 65534 "
		    "65534 65534\n65534" },
		{ "65534", NULL,
		    "65534 65534 65534 65534\n65534 65534 65534 "
		    "65534\n65534" },
		{ "nobody", "daemon", "65534 65534 65534 65534\n1 1 1 1\n1" },
		{ "54321", NULL,
		    "54321 54321 54321 54321\n54321 54321 54321 "
		    "54321\n54321" },
	};
	struct fixture f;

	(void)state;
	if (geteuid() != 0)
		skip();
	set_up(&f, 4);
	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
		struct job j = {
			.script = "sed -n 's/^[UG]id:.//p' /proc/self/status "
			          "| tr '\\t' ' '; id -G",
			.user = users[i].user,
			.group = users[i].group,
		};

		run(&f, &j);
		if (strcmp(j.output, users[i].ids) != 0)
			fail_msg("%s: '%s'", users[i].user, j.output);
	}
	tear_down(&f);
}

/* ---- when it runs ----------------------------------------------------- */

/* Two at a time, in the order in which they were asked for. */
static void others_wait(void **state)
{
	struct job jobs[5];
	struct fixture f;

	(void)state;
	set_up(&f, 2);
	for (int i = 0; i < 5; i++) {
		jobs[i] = (struct job){ .script = "sleep 1000" };
		jobs[i].run = runner_ask(f.r, &ops, &jobs[i]);
	}
	assert_true(loop_until(&f.l, &jobs[1].begun, 5000));
	loop_for(&f.l, 50);
	assert_false(jobs[2].begun);
	runner_drop(jobs[3].run); /* while it waits */
	runner_drop(jobs[0].run); /* while it runs */
	assert_true(loop_until(&f.l, &jobs[2].begun, 5000));
	loop_for(&f.l, 50);
	assert_false(jobs[4].begun);
	runner_drop(jobs[1].run);
	assert_true(loop_until(&f.l, &jobs[4].begun, 5000));
	for (int i = 0; i < 5; i++)
		assert_false(jobs[i].done);
	tear_down(&f);
}

/* The clock of a check that waits stands still; its turn comes. */
static void a_time_out_begins_with_the_run(void **state)
{
	const char *argv[] = { "/bin/sleep", "0.3", NULL };
	const struct check_spec spec = { .name = "e",
		.kind = CHECK_EXEC,
		.interval_ms = 10000,
		.timeout_ms = 2000,
		.exec = { .argv = { argv, 2 }, .dir = "/" } };
	enum { N = 40 }; /* four at a time: three seconds in all */
	struct outcome o[N] = { 0 };
	struct probe p[N];
	struct prober pr;
	struct loop l;

	(void)state;
	loop_init(&l);
	prober_start(&pr, &l);
	for (int i = 0; i < N; i++) {
		probe_init(
		    &p[i], &pr, &spec, &support_subject, outcome_take, &o[i]);
		probe_begin(&p[i]);
	}
	for (int i = 0; i < N; i++) {
		assert_true(loop_until(&l, &o[i].done, 20000));
		assert_int_equal(o[i].verdict, VERDICT_PASS);
	}
	for (int i = 0; i < N; i++)
		probe_release(&p[i]);
	prober_release(&pr);
	loop_release(&l);
}

/* ---- nothing is left -------------------------------------------------- */

/* One that made a session of its own, and whose parent has gone. */
static void who_gets_away_is_caught(void **state)
{
	struct job j = { .script = "setsid sh -c 'echo $$; exec sleep 1000' & "
		                   "sleep 0.2" };
	struct fixture f;

	(void)state;
	set_up(&f, 4);
	run(&f, &j);
	wait_gone(&f, (pid_t)strtol(j.output, NULL, 10));
	tear_down(&f);
}

static void all_go_with_us(void **state)
{
	struct job j = { .script = "sleep 1000 & echo $$ $!; wait" };
	struct fixture f;
	char *end;

	(void)state;
	set_up(&f, 4);
	j.run = runner_ask(f.r, &ops, &j);
	for (int i = 0; i < 1000 && !strchr(run_output(j.run), '\n'); i++)
		loop_for(&f.l, 10);
	pid_t first = (pid_t)strtol(run_output(j.run), &end, 10);
	pid_t second = (pid_t)strtol(end, NULL, 10);

	runner_free(f.r);
	f.r = NULL;
	wait_gone(&f, first);
	wait_gone(&f, second);
	tear_down(&f);
}

/* It is killed: runs are told, and so are we; nothing waits for ever. */
static void the_broker_is_killed(void **state)
{
	struct job running = { .script = "echo $PPID; exec sleep 1000" };
	struct job waiting = { .script = "true" };
	struct fixture f;

	(void)state;
	set_up(&f, 1);
	running.run = runner_ask(f.r, &ops, &running);
	waiting.run = runner_ask(f.r, &ops, &waiting);
	for (int i = 0; i < 1000 && !strchr(run_output(running.run), '\n'); i++)
		loop_for(&f.l, 10);
	pid_t broker = (pid_t)strtol(run_output(running.run), NULL, 10);

	assert_true(broker > 1 && broker != getpid());
	assert_int_equal(kill(broker, SIGTERM), 0); /* not by this */
	loop_for(&f.l, 50);
	assert_false(f.gone);
	assert_int_equal(kill(broker, SIGKILL), 0);
	assert_true(loop_until(&f.l, &f.gone, 5000));
	assert_true(running.done && waiting.done);
	assert_string_equal(
	    waiting.output, "the process that runs programs has ended");
	tear_down(&f);
}

static void a_request_too_long(void **state)
{
	struct fixture f;
	char *script = xmalloc(RUN_MESSAGE_MAX + 1);
	struct job j = { .script = script };

	(void)state;
	memset(script, 'x', RUN_MESSAGE_MAX);
	script[RUN_MESSAGE_MAX] = '\0';
	set_up(&f, 1);
	run(&f, &j);
	assert_string_equal(
	    j.output, "its arguments and environment are too long");
	j = (struct job){ .script = "echo next" };
	run(&f, &j);
	assert_string_equal(j.output, "next");
	tear_down(&f);
	free(script);
}

/* ---- a program that says more than anybody can read --------------------- */

#define FLOOD "--flood"

/* Pages are lent to the pipe, not copied: faster than any reader. */
static int flood(void)
{
	static char page[4096];
	struct iovec io[256];

	for (size_t i = 0; i < sizeof(io) / sizeof(*io); i++)
		io[i] = (struct iovec){ page, sizeof(page) };
	(void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 1 << 20);
	while (vmsplice(STDOUT_FILENO, io, 256, 0) > 0)
		;
	return 1;
}

/* Octets that we have read, of whatever. */
static long long octets_read(void)
{
	char text[512];
	int fd = open("/proc/self/io", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n > 7);
	close(fd);
	text[n] = '\0';
	return strtoll(text + strlen("rchar: "), NULL, 10);
}

static void a_flood_takes_little_of_each_turn(void **state)
{
	struct fixture f;
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int64_t end_ms = clock_mono_ms() + 1000;
	long long most = 0;

	(void)state;
	assert_true(len > 0);
	self[len] = '\0';
	scoped_free char *script = xasprintf("exec '%s' " FLOOD, self);
	struct job j = { .script = script };

	set_up(&f, 1);
	j.run = runner_ask(f.r, &ops, &j);
	while (clock_mono_ms() < end_ms || most < 65536) {
		long long before = octets_read();

		(void)event_base_loop(f.l.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		long long octets = octets_read() - before;

		most = octets > most ? octets : most;
		assert_true(clock_mono_ms() < end_ms + 20000);
	}
	runner_drop(j.run);
	tear_down(&f);
	assert_true(most < 65536 + 4096);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], FLOOD))
		return flood();
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_get),
		cmocka_unit_test(another_user),
		cmocka_unit_test(others_wait),
		cmocka_unit_test(a_time_out_begins_with_the_run),
		cmocka_unit_test(who_gets_away_is_caught),
		cmocka_unit_test(all_go_with_us),
		cmocka_unit_test(the_broker_is_killed),
		cmocka_unit_test(a_request_too_long),
		cmocka_unit_test(a_flood_takes_little_of_each_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
