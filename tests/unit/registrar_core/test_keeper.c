// SPDX-License-Identifier: BSD-2-Clause
/*
 * The programs that are kept are this test again, by what argv[1] says; each
 * appends to the file that argv[2] names a line with its pid when it starts.
 */
#include "registrar/keeper/keeper.h"
#include "registrar/keeper/kept.h"
#include "schema/base/scoped.h"
#include "support.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIDS_MAX 64

/* ---- the programs ----------------------------------------------------- */

struct kept_program {
	struct event_base *base;
	const char *file;
};

static void append(const char *file, const char *what)
{
	char line[128];
	scoped_fd int fd = open(file, O_WRONLY | O_APPEND | O_CREAT, 0600);
	int n = snprintf(line, sizeof(line), "%s %d\n", what, (int)getpid());

	if (fd < 0 || write(fd, line, (size_t)n) != n)
		_exit(9);
}

static void on_parent_gone(void *arg)
{
	struct kept_program *p = arg;

	append(p->file, "gone");
	(void)event_base_loopbreak(p->base);
}

static void on_term(evutil_socket_t fd, short what, void *arg)
{
	struct kept_program *p = arg;

	(void)fd;
	(void)what;
	append(p->file, "term");
	(void)event_base_loopbreak(p->base);
}

static int answer_well(const char *file, bool heeds_term)
{
	struct kept_program p = { event_base_new(), file };
	struct kept *k = kept_attach(p.base, on_parent_gone, &p);
	struct event *term = evsignal_new(p.base, SIGTERM, on_term, &p);

	if (!kept_has_keeper(k))
		return 8;
	if (heeds_term) {
		(void)event_add(term, NULL);
	} else {
		(void)signal(SIGTERM, SIG_IGN);
	}
	append(file, "start");
	(void)event_base_dispatch(p.base);
	event_free(term);
	kept_free(k);
	event_base_free(p.base);
	return 0;
}

static int program(const char *kind, const char *file)
{
	(void)alarm(60);
	if (strcmp(kind, "ends") == 0) {
		append(file, "start");
		return 3;
	}
	/* nobody but low ports is left to root */
	if (prctl(PR_CAPBSET_READ, 21 /* CAP_SYS_ADMIN */, 0, 0, 0) != 0)
		return 7;
	return answer_well(file, strcmp(kind, "deaf") != 0);
}

/* ---- what they wrote -------------------------------------------------- */

struct fx {
	struct loop loop;
	struct keeper *keeper;
	char file[64];
	bool gone;
};

static void on_gone(void *arg)
{
	struct fx *f = arg;

	f->gone = true;
}

/* How many lines begin with what; their pids. */
static int count(const struct fx *f, const char *what, int pids[PIDS_MAX])
{
	FILE *in = fopen(f->file, "r");
	size_t len = strlen(what);
	char line[64];
	int n = 0;

	while (in && fgets(line, sizeof(line), in)) {
		if (strncmp(line, what, len) == 0 && line[len] == ' ' &&
		    n < PIDS_MAX)
			pids[n++] = (int)strtol(line + len, NULL, 10);
	}
	if (in)
		(void)fclose(in);
	return n;
}

static int wait_for(const struct fx *f, const char *what, int n)
{
	int pids[PIDS_MAX] = { 0 }, have = 0;

	for (int i = 0; i < 2000 && have < n; i++) {
		(void)usleep(10000);
		have = count(f, what, pids);
	}
	assert_true(have >= n);
	return pids[n - 1];
}

static bool wait_until_ended(int pid)
{
	for (int i = 0; i < 1000; i++) {
		if (kill(pid, 0) < 0 && errno == ESRCH)
			return true;
		(void)usleep(10000);
	}
	return false;
}

static void set_up(struct fx *f)
{
	*f = (struct fx){ .gone = false };
	(void)snprintf(
	    f->file, sizeof(f->file), "/tmp/test_keeper.%d", (int)getpid());
	(void)unlink(f->file);
	loop_init(&f->loop);
	assert_int_equal(
	    0, keeper_new(f->loop.base, on_gone, f, &f->keeper, NULL));
}

static void tear_down(struct fx *f)
{
	keeper_free(f->keeper);
	loop_release(&f->loop);
	(void)unlink(f->file);
}

static void add(struct fx *f, enum keeper_how how, const char *kind)
{
	const char *argv[] = { kind, f->file, NULL };

	assert_int_equal(0, keeper_add(f->keeper, how, argv, NULL));
}

/* ---- tests ------------------------------------------------------------ */

static void what_ends_is_started_again(void **state)
{
	struct fx f;

	(void)state;
	set_up(&f);
	add(&f, KEEPER_TOGETHER, "ends");
	(void)wait_for(&f, "start", 4);
	tear_down(&f);
}

static void what_is_killed_is_started_again(void **state)
{
	struct fx f;

	(void)state;
	set_up(&f);
	add(&f, KEEPER_TOGETHER, "well");
	int pid = wait_for(&f, "start", 1);

	assert_int_equal(0, kill(pid, SIGKILL));
	(void)wait_for(&f, "start", 2);
	tear_down(&f);
}

static void what_is_silent_is_killed(void **state)
{
	struct fx f;

	(void)state;
	set_up(&f);
	add(&f, KEEPER_TOGETHER, "well");
	int pid = wait_for(&f, "start", 1);

	(void)usleep(500000); /* it has answered */
	assert_int_equal(0, kill(pid, SIGSTOP));
	assert_true(wait_until_ended(pid));
	(void)wait_for(&f, "start", 2);
	tear_down(&f);
}

static void what_answers_is_left_alone(void **state)
{
	int pids[PIDS_MAX];
	struct fx f;

	(void)state;
	set_up(&f);
	add(&f, KEEPER_TOGETHER, "well");
	(void)wait_for(&f, "start", 1);
	(void)usleep(2500000);
	assert_int_equal(1, count(&f, "start", pids));
	tear_down(&f);
}

static void one_does_not_end_another(void **state)
{
	int pids[PIDS_MAX];
	struct fx f;

	(void)state;
	set_up(&f);
	add(&f, KEEPER_TOGETHER, "well");
	int first = wait_for(&f, "start", 1);

	add(&f, KEEPER_TOGETHER, "well");
	int second = wait_for(&f, "start", 2);

	assert_int_equal(0, kill(second, SIGKILL));
	(void)wait_for(&f, "start", 3);
	assert_int_equal(3, count(&f, "start", pids));
	assert_int_equal(0, kill(first, 0));
	tear_down(&f);
}

static void all_end_with_it(void **state)
{
	struct fx f;

	(void)state;
	set_up(&f);
	add(&f, KEEPER_TOGETHER, "well");
	int well = wait_for(&f, "start", 1);

	add(&f, KEEPER_TOGETHER, "deaf");
	int deaf = wait_for(&f, "start", 2);

	keeper_free(f.keeper);
	f.keeper = NULL;
	assert_int_equal(-1, kill(well, 0));
	assert_int_equal(-1, kill(deaf, 0));
	assert_int_equal(well, wait_for(&f, "term", 1));
	tear_down(&f);
}

/* A registrar that is killed takes along all but what outlives it. */
static void a_killed_registrar(void **state)
{
	int pids[PIDS_MAX];
	struct fx f = { .gone = false };

	(void)state;
	(void)snprintf(
	    f.file, sizeof(f.file), "/tmp/test_keeper.%d", (int)getpid());
	(void)unlink(f.file);
	pid_t registrar = fork();

	if (registrar == 0) {
		loop_init(&f.loop);
		if (keeper_new(f.loop.base, on_gone, &f, &f.keeper, NULL) < 0)
			_exit(1);
		add(&f, KEEPER_TOGETHER, "well");
		(void)wait_for(&f, "start", 1);
		add(&f, KEEPER_OUTLIVES, "well");
		(void)pause();
		_exit(1);
	}
	int together = wait_for(&f, "start", 1);
	int outlives = wait_for(&f, "start", 2);

	assert_int_equal(0, kill(registrar, SIGKILL));
	assert_int_equal(registrar, waitpid(registrar, NULL, 0));
	assert_true(wait_until_ended(together));
	assert_int_equal(outlives, wait_for(&f, "gone", 1));
	assert_int_equal(1, count(&f, "gone", pids));
	(void)unlink(f.file);
}

static void its_end_is_told(void **state)
{
	char children[64], line[64] = "";
	struct fx f;

	(void)state;
	set_up(&f);
	(void)snprintf(children, sizeof(children),
	    "/proc/self/task/%d/children", (int)getpid());
	FILE *in = fopen(children, "r");

	assert_non_null(in);
	assert_non_null(fgets(line, sizeof(line), in));
	(void)fclose(in);
	assert_int_equal(0, kill((pid_t)strtol(line, NULL, 10), SIGKILL));
	for (int i = 0; i < 1000 && !f.gone; i++) {
		(void)event_base_loop(f.loop.base, EVLOOP_NONBLOCK);
		(void)usleep(10000);
	}
	assert_true(f.gone);
	tear_down(&f);
}

static void a_command_line_has_bounds(void **state)
{
	const char *argv[KEEPER_ARGS_MAX + 2] = { 0 };
	struct diag why;
	struct fx f;

	(void)state;
	set_up(&f);
	for (size_t i = 0; i < KEEPER_ARGS_MAX + 1; i++)
		argv[i] = "x";
	assert_int_equal(
	    -E2BIG, keeper_add(f.keeper, KEEPER_TOGETHER, argv, &why));
	assert_string_equal(why.text, "the command line of `x` is too long");
	tear_down(&f);
}

static void without_a_keeper(void **state)
{
	struct event_base *base = event_base_new();
	struct kept *k = kept_attach(base, on_gone, NULL);

	(void)state;
	assert_false(kept_has_keeper(k));
	kept_free(k);
	event_base_free(base);
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_ends_is_started_again),
		cmocka_unit_test(what_is_killed_is_started_again),
		cmocka_unit_test(what_is_silent_is_killed),
		cmocka_unit_test(what_answers_is_left_alone),
		cmocka_unit_test(one_does_not_end_another),
		cmocka_unit_test(all_end_with_it),
		cmocka_unit_test(a_killed_registrar),
		cmocka_unit_test(its_end_is_told),
		cmocka_unit_test(a_command_line_has_bounds),
		cmocka_unit_test(without_a_keeper),
	};

	if (argc == 3 && getenv(KEPT_ENV))
		return program(argv[1], argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
