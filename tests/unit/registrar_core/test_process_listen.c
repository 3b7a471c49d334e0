// SPDX-License-Identifier: BSD-2-Clause
/* Watches of ports; those who listen are real processes. */
#include "process_support.h"

#include <sys/socket.h>

/* What a process does with a port: listen, and more. */
struct listening {
	int port;
	bool closes;    /* after a moment, and lives on */
	bool has_child; /* that holds the socket as well */
};

static int listen_on(int port)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(fd, 5) < 0)
		_exit(1);
	return fd;
}

static void serve(void *arg)
{
	const struct listening *l = arg;
	int fd = listen_on(l->port);

	if (l->has_child) {
		usleep(50000); /* so that the parent is older */
		if (fork() == 0) {
			(void)sleep(60);
			_exit(0);
		}
	}
	if (l->closes) {
		usleep(200000);
		close(fd);
	}
	(void)sleep(60);
}

static int free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(0, bind(fd, (struct sockaddr *)&at, len));
	assert_int_equal(0, getsockname(fd, (struct sockaddr *)&at, &len));
	close(fd);
	return ntohs(at.sin_port);
}

static struct process_watch *watch(
    struct fx *f, struct process_spec *spec, int port)
{
	static char what[32];

	(void)snprintf(what, sizeof(what), "127.0.0.1:%d", port);
	*spec = (struct process_spec){ PROCESS_LISTENING, what };
	return process_watch_new(f->watcher, spec, hear, &f->heard);
}

static void who_listens_is_found(void **state)
{
	struct fx *f = *state;
	struct listening l = { .port = free_port() };
	struct process_spec spec;
	struct process_watch *p = watch(f, &spec, l.port);
	char text[64];

	assert_int_equal(next_news(f), PROCESS_GONE);
	assert_non_null(strstr(f->heard.detail, "nobody listens"));
	for (int n = 0; n < 3; n++) { /* as one that is restarted */
		pid_t pid = start_apart(serve, &l);

		assert_int_equal(next_news(f), PROCESS_ALIVE);
		(void)snprintf(text, sizeof(text), "pid %d runs", (int)pid);
		assert_string_equal(f->heard.detail, text);
		assert_int_equal(0, kill(pid, SIGKILL));
		assert_int_equal(next_news(f), PROCESS_GONE);
	}
	process_watch_free(p);
}

/* A family shares a socket: the oldest stands for it, and then another. */
static void a_child_takes_over(void **state)
{
	struct fx *f = *state;
	struct listening l = { .port = free_port(), .has_child = true };
	pid_t parent = start_apart(serve, &l);
	struct process_spec spec;

	loop_for(&f->loop, 300);
	struct process_watch *p = watch(f, &spec, l.port);

	await_news(f, PROCESS_ALIVE);
	assert_int_equal(0, kill(parent, SIGKILL));
	assert_int_equal(next_news(f), PROCESS_ALIVE);
	int child = 0;

	// NOLINTNEXTLINE(cert-err34-c): 0 if there is no number
	(void)sscanf(f->heard.detail, "pid %d", &child);
	assert_true(child > 0 && child != parent);
	assert_int_equal(0, kill(child, SIGKILL));
	assert_int_equal(next_news(f), PROCESS_GONE);
	process_watch_free(p);
}

static void to_close_the_socket_is_an_end(void **state)
{
	struct fx *f = *state;
	struct listening l = { .port = free_port(), .closes = true };
	struct process_spec spec;
	pid_t pid = start_apart(serve, &l);
	struct process_watch *p = watch(f, &spec, l.port);

	await_news(f, PROCESS_ALIVE);
	assert_int_equal(next_news(f), PROCESS_GONE);
	assert_int_equal(0, kill(pid, SIGKILL)); /* it lived on */
	process_watch_free(p);
}

/* We never take ourselves, so this stands for one that may not be seen. */
static void a_port_without_a_face_is_alive(void **state)
{
	struct fx *f = *state;
	int port = free_port(), fd = listen_on(port);
	struct process_spec spec;
	struct process_watch *p = watch(f, &spec, port);

	assert_int_equal(next_news(f), PROCESS_ALIVE);
	assert_non_null(strstr(f->heard.detail, "cannot be seen"));
	f->heard.any = false;
	assert_false(loop_until(&f->loop, &f->heard.any, 200));
	close(fd);
	assert_int_equal(next_news(f), PROCESS_GONE);
	process_watch_free(p);
}

/* Some ports are listened on, some not; all are found in one turn. */
static void many_share_a_walk(void **state)
{
	enum { N = 200, HELD = 20 };
	struct fx *f = *state;
	static struct heard heard[N];
	static char ports[N][16];
	struct process_spec spec[N];
	struct process_watch *p[N];
	struct listening l[HELD];
	pid_t pids[HELD];

	for (size_t n = 0; n < HELD; n++) {
		l[n] = (struct listening){ .port = free_port() };
		pids[n] = start_apart(serve, &l[n]);
	}
	loop_for(&f->loop, 200);
	for (size_t n = 0; n < N; n++) {
		(void)snprintf(ports[n], sizeof(ports[n]), "%d",
		    n < HELD ? l[n].port : (int)(2 + n));
		spec[n] = (struct process_spec){ PROCESS_LISTENING, ports[n] };
		p[n] = process_watch_new(f->watcher, &spec[n], hear, &heard[n]);
	}
	for (size_t n = 0; n < HELD; n++) {
		while (heard[n].news != PROCESS_ALIVE || !heard[n].any)
			assert_true(loop_until(&f->loop, &heard[n].any, 5000));
		assert_int_equal(0, kill(pids[n], SIGKILL));
		heard[n].any = false;
		assert_true(loop_until(&f->loop, &heard[n].any, 5000));
		assert_int_equal(heard[n].news, PROCESS_GONE);
	}
	for (size_t n = 0; n < N; n++)
		process_watch_free(p[n]);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(who_listens_is_found),
		T(a_child_takes_over),
		T(to_close_the_socket_is_an_end),
		T(a_port_without_a_face_is_alive),
		T(many_share_a_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
