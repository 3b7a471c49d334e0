// SPDX-License-Identifier: BSD-2-Clause
/*
 * Services that come back, found without a walk through /proc: by the
 * process connector where we may use it, and by the numbers given out.
 */
#include "process_support.h"

#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>

struct service {
	char name[64]; /* argv[0] */
	bool late;     /* it is a shell at first */
};

static void run(void *arg)
{
	const struct service *s = arg;
	char script[160];

	if (!s->late) {
		execl("/bin/sleep", s->name, "60", (char *)NULL);
		_exit(127);
	}
	(void)snprintf(script, sizeof(script),
	    "sleep 0.3; exec -a \"$(echo %s | rev)\" sleep 60", s->name);
	execl("/bin/bash", "bash", "-c", script, (char *)NULL);
	_exit(127);
}

/* As whoever is asked for it has to. */
static bool may_connect(void)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK,
		.nl_groups = CN_IDX_PROC };
	int fd =
	    socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
	bool ok = fd >= 0 && bind(fd, (const struct sockaddr *)&address,
	                         sizeof(address)) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static void come_back(struct fx *f, bool with_connector, bool late)
{
	struct service s = { .late = late };
	char what[80];
	const struct process_spec spec = { PROCESS_CMDLINE, what };

	f->watcher->without_connector = !with_connector;
	/* the shell's own arguments hold it in reverse */
	(void)snprintf(s.name, sizeof(s.name), late ? "gnuoy-%d" : "young-%d",
	    (int)getpid() * 10 + 1);
	(void)snprintf(what, sizeof(what), "^%s 60$", s.name);
	if (late) {
		char *p = what + 1, *q = what + strlen(s.name);

		for (; p < q; p++, q--) {
			char c = *p;

			*p = *q;
			*q = c;
		}
	}
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	assert_int_equal(next_news(f), PROCESS_GONE);
	if (with_connector && !may_connect()) {
		process_watch_free(p);
		skip(); /* it takes CAP_NET_ADMIN */
	}
	assert_int_equal(with_connector, f->watcher->connector >= 0);
	for (int n = 0; n < 3; n++) {
		/* no walk will help */
		timer_set(f->loop.timers, &f->watcher->scan.next,
		    timers_now(f->loop.timers) + 3600000);
		int64_t before_ms = clock_mono_ms();
		pid_t pid = start_apart(run, &s);

		assert_int_equal(next_news(f), PROCESS_ALIVE);
		print_message(
		    "found after %d ms\n", (int)(clock_mono_ms() - before_ms));
		assert_int_equal(0, kill(pid, SIGKILL));
		assert_int_equal(next_news(f), PROCESS_GONE);
	}
	process_watch_free(p);
	assert_int_equal(-1, f->watcher->connector); /* nobody seeks */
}

static void by_the_connector(void **state)
{
	come_back(*state, true, false);
}

static void by_the_last_number(void **state)
{
	come_back(*state, false, false);
}

static void a_late_exec_by_the_connector(void **state)
{
	come_back(*state, true, true);
}

static void a_late_exec_by_the_last_number(void **state)
{
	come_back(*state, false, true);
}

static bool is_young(const struct watcher *w, pid_t pid)
{
	for (unsigned n = 0; n < w->young_n; n++) {
		if (w->young[n].pid == pid)
			return true;
	}
	return false;
}

/* Others that start meanwhile cost a few looks, and are forgotten. */
static void others_are_forgotten(void **state)
{
	struct fx *f = *state;
	const struct process_spec spec = { PROCESS_CMDLINE, "^never-there$" };
	struct process_watch *p =
	    process_watch_new(f->watcher, &spec, hear, &f->heard);

	assert_int_equal(next_news(f), PROCESS_GONE);
	pid_t pid = start_as("other");
	bool was_young = false, is_now = true;

	for (int n = 0; n < 1000 && (!was_young || is_now); n++) {
		loop_for(&f->loop, 10);
		is_now = is_young(f->watcher, pid);
		was_young |= is_now;
	}
	finish(pid);
	process_watch_free(p);
	assert_true(was_young);
	assert_false(is_now);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(by_the_connector),
		T(by_the_last_number),
		T(a_late_exec_by_the_connector),
		T(a_late_exec_by_the_last_number),
		T(others_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
