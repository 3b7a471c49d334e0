// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar announce: runs a command, and has it registered over HTTP while it
 * runs.
 *
 * One thread that waits for signals, and renews in between. When the server
 * is not there the command goes on, and is registered when it is.
 */
#include "registrar/command/commands.h"
#include "registrar/http/listen.h"
#include "registrar/lib/json.h"
#include "registrar/report/ports.h"
#include "registrar/report/target.h"
#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LEASE_MS 10000
#define RETRY_MS 1000
#define TIMEOUT_S 2 /* of the server, for each step */
#define REPLY_MAX 65536
#define DRAIN_MAX_MS 30000

struct announce {
	const struct registrar_options *options;
	struct arena *arena;
	const char *server; /* of --http */
	const char *path, *body;
	int64_t lease_ms;
	pid_t child;
	bool registered, told;
	int64_t drained_wall_ms; /* when the command is to end; 0: it goes on */
};

/* ---- HTTP, a request at a time ---------------------------------------- */

static bool send_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* Until it ends; the status, or -errno. */
static int receive(int fd, char *reply)
{
	size_t len = 0;
	ssize_t n;

	while (len < REPLY_MAX - 1 &&
	       (n = recv(fd, reply + len, REPLY_MAX - 1 - len, 0)) > 0)
		len += (size_t)n;
	reply[len] = '\0';
	if (strncmp(reply, "HTTP/1.", 7) != 0 || len < 12)
		return -EPROTO;
	return (int)strtol(reply + 9, NULL, 10);
}

/* reply has room for REPLY_MAX octets. */
static int ask(struct announce *a, const char *method, const char *more,
    const char *body, char *reply)
{
	const struct timeval wait = { .tv_sec = TIMEOUT_S };
	const char *token = getenv("ROLLCALL_TOKEN");
	struct diag why;
	int status, fd = listen_connect(a->server, &why);

	if (fd < 0)
		return fd;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	scoped_free char *head = xasprintf(
	    "%s %s%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n%s%s%s\r\n",
	    method, a->path, more, strlen(body),
	    token ? "Authorization: Bearer " : "", token ? token : "",
	    token ? "\r\n" : "");

	status =
	    send_all(fd, head, strlen(head)) && send_all(fd, body, strlen(body))
	        ? receive(fd, reply)
	        : -EPIPE;
	(void)close(fd);
	return status;
}

static void complain(struct announce *a, int status, const char *reply)
{
	const char *text = strstr(reply, "\r\n\r\n");
	json_t *o = text ? json_loads(text + 4, 0, NULL) : NULL;
	const char *detail = json_string_value(json_object_get(o, "detail"));

	if (!a->told) {
		(void)fprintf(stderr, "registrar: cannot register at %s: %s\n",
		    a->server,
		    status < 0 ? strerror(-status)
		    : detail   ? detail
		               : "it refuses");
	}
	a->told = true;
	json_decref(o);
}

/* When to come again. */
static int64_t renew(struct announce *a)
{
	scoped_free char *reply = xcalloc(1, REPLY_MAX);
	int status =
	    a->registered ? ask(a, "POST", "/renew", "", reply) : -ENOENT;

	if (status != 200)
		status = ask(a, "PUT", "", a->body, reply);
	a->registered = status == 200 || status == 201;
	if (!a->registered) {
		complain(a, status, reply);
		return RETRY_MS;
	}
	a->told = false;
	return a->lease_ms / 3;
}

/* ---- the end ---------------------------------------------------------- */

/* How long caches may lead here still; without the right to drain it goes. */
static void begin_end(struct announce *a)
{
	scoped_free char *reply = xcalloc(1, REPLY_MAX);
	int64_t now_wall_ms = clock_wall_ms();
	int status = ask(a, "POST", "/drain", "{\"force\":true}", reply);
	const char *text;

	a->drained_wall_ms = now_wall_ms;
	if (status == 200)
		status = ask(a, "GET", "", "", reply);
	if (status != 200) {
		(void)ask(a, "DELETE", "", "", reply);
		a->registered = false;
		return;
	}
	text = strstr(reply, "\r\n\r\n");
	json_t *o = text ? json_loads(text + 4, 0, NULL) : NULL;
	int64_t until =
	    json_integer_value(json_object_get(o, "drain_until_wall_ms"));

	if (until > now_wall_ms && until < now_wall_ms + DRAIN_MAX_MS)
		a->drained_wall_ms = until;
	json_decref(o);
}

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* False: it has ended, and ret_code says how. */
static bool is_running(const struct announce *a, int *ret_code)
{
	int status;
	pid_t pid = waitpid(a->child, &status, WNOHANG);

	if (pid == 0)
		return true;
	*ret_code = pid < 0 ? EXIT_FAILED : code_of(status);
	return false;
}

static int follow(struct announce *a, const sigset_t *set)
{
	int64_t due_ms = 0;
	int code;

	while (is_running(a, &code)) {
		int64_t now_ms = clock_mono_ms(), wait_ms;

		if (!a->drained_wall_ms && now_ms >= due_ms)
			due_ms = clock_mono_ms() + renew(a);
		wait_ms = due_ms - clock_mono_ms();
		if (a->drained_wall_ms) {
			wait_ms = a->drained_wall_ms - clock_wall_ms();
			if (wait_ms <= 0) {
				(void)kill(a->child, SIGTERM);
				wait_ms = RETRY_MS;
			}
		}
		if (wait_ms < 1)
			wait_ms = 1;
		const struct timespec wait = { .tv_sec = wait_ms / 1000,
			.tv_nsec = wait_ms % 1000 * 1000000 };
		int signum = sigtimedwait(set, NULL, &wait);

		if (signum == SIGTERM || signum == SIGINT) {
			if (a->drained_wall_ms) { /* again: at once */
				(void)kill(a->child, SIGTERM);
			} else {
				begin_end(a);
			}
		}
	}
	return code;
}

/* ---- the beginning ---------------------------------------------------- */

static const char *body_of(
    const struct registrar_options *o, struct arena *a, int64_t lease_ms)
{
	json_t *j = json_must(json_object());
	struct port_arg p;

	if (o->ports.n) { /* valid: options.c */
		(void)port_arg_parse(o->ports.items[0], &p);
		json_set(j, "port", json_integer(p.port));
	}
	if (strcmp(o->run.address, "127.0.0.1") != 0)
		json_set(j, "address", json_text(o->run.address));
	json_set(j, "weight", json_integer(o->weight));
	json_set(j, "lease",
	    json_text(arena_printf(a, "%lldms", (long long)lease_ms)));
	if (o->tags.n) {
		json_set(
		    j, "tags", json_nested(conf_strings_json(a, &o->tags)));
	}
	char *text = json_dumps(j, JSON_COMPACT);

	if (!text)
		abort(); /* out of memory */
	const char *copy = arena_strdup(a, text);

	free(text);
	json_decref(j);
	return copy;
}

static pid_t start(const char *const *words, const sigset_t *before)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	(void)sigprocmask(SIG_SETMASK, before, NULL);
	(void)execvp(words[0], (char *const *)(uintptr_t)words);
	(void)fprintf(stderr, "registrar: cannot run '%s': %s\n", words[0],
	    strerror(errno));
	_exit(127);
}

static int run(struct announce *a, const struct conf_strings *rest)
{
	scoped_free char *reply = xcalloc(1, REPLY_MAX);
	const char **words =
	    arena_alloc(a->arena, rest->n, sizeof(const char *));
	sigset_t set, before;
	int code;

	memcpy(words, rest->items + 1, (rest->n - 1) * sizeof(*words));
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, &before);
	a->child = start(words, &before);
	if (a->child < 0) {
		(void)fprintf(stderr, "registrar: fork: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	code = follow(a, &set);
	if (a->registered)
		(void)ask(a, "DELETE", "", "", reply);
	return code;
}

int command_announce(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct announce a = { .options = o,
		.arena = arena_new(),
		.lease_ms = o->lease_ms ? o->lease_ms : LEASE_MS };
	struct target t;
	struct diag why;
	int code = EXIT_WRONG;

	if (target_parse_instance(
	        rest->items[0], o->run.zone, a.arena, &t, &why) < 0) {
		(void)fprintf(stderr, "registrar: %s\n", why.text);
	} else if (!o->run.serve.http.n) {
		(void)fprintf(stderr, "registrar: found no --http, expected "
		                      "where the API is\n");
	} else {
		a.server = o->run.serve.http.items[0];
		a.path = arena_printf(a.arena, "/api/v1/instances/%s.%s/%s",
		    t.service, t.zone, t.instance);
		a.body = body_of(o, a.arena, a.lease_ms);
		code = run(&a, rest);
	}
	arena_free(a.arena);
	return code;
}
