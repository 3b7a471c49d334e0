// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * engine_support - a server on a socket in the file system, in the loop of the
 * test, which says of containers what the test tells it to.
 */
#include "registrar/container/engine.h"
#include "support.h"

#include <sys/un.h>

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define CONTAINERS 2

struct fx {
	struct loop loop;
	char dir[64], path[96];
	struct evconnlistener *listener;
	struct bufferevent *stream; /* of events, once it is asked for */
	/* what there is: a, b */
	struct {
		bool there, running;
	} containers[CONTAINERS];
	const char *list; /* in place of the answer; "" none at all */
	const char *inspect;
	unsigned list_n, inspect_n;
	struct engine *engine;
	struct engine_user user;
	/* heard */
	char heard[512];
	bool any;
};

/* ---- the server ------------------------------------------------------- */

static const char *const ids[CONTAINERS] = { ID_A, ID_B };

static inline void answer(struct bufferevent *b, int status, const char *body)
{
	(void)evbuffer_add_printf(bufferevent_get_output(b),
	    "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", status,
	    strlen(body), body);
}

static inline void answer_list(struct fx *f, struct bufferevent *b)
{
	char body[1024] = "[";

	f->list_n++;
	if (f->list) {
		(void)evbuffer_add(
		    bufferevent_get_output(b), f->list, strlen(f->list));
		return;
	}
	for (int n = 0; n < CONTAINERS; n++) {
		size_t len = strlen(body);

		if (!f->containers[n].there)
			continue;
		(void)snprintf(body + len, sizeof(body) - len,
		    "%s{\"Id\":\"%s\",\"State\":\"%s\"}", len > 1 ? "," : "",
		    ids[n], f->containers[n].running ? "running" : "exited");
	}
	(void)strncat(body, "]", sizeof(body) - strlen(body) - 1);
	answer(b, 200, body);
}

static inline void answer_inspect(struct fx *f, struct bufferevent *b, int n)
{
	char body[512];

	f->inspect_n++;
	if (f->inspect) {
		(void)evbuffer_add(
		    bufferevent_get_output(b), f->inspect, strlen(f->inspect));
		return;
	}
	if (!f->containers[n].there) {
		answer(b, 404, "{}");
		return;
	}
	(void)snprintf(body, sizeof(body),
	    "{\"Id\":\"%s\",\"Name\":\"/%c\",\"State\":{\"Running\":%s}}",
	    ids[n], 'a' + n, f->containers[n].running ? "true" : "false");
	answer(b, 200, body);
}

static inline void on_request(struct bufferevent *b, void *arg)
{
	struct fx *f = arg;
	char text[1024];
	size_t n = bufferevent_read(b, text, sizeof(text) - 1);

	text[n] = '\0';
	if (strstr(text, "/events")) {
		f->stream = b;
	} else if (strstr(text, "/containers/json")) {
		answer_list(f, b);
	} else {
		answer_inspect(f, b, strstr(text, ID_B) ? 1 : 0);
	}
}

static inline void on_gone(struct bufferevent *b, short what, void *arg)
{
	struct fx *f = arg;

	if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
		return;
	if (f->stream == b)
		f->stream = NULL;
	bufferevent_free(b);
}

static inline void on_accept(struct evconnlistener *l, evutil_socket_t fd,
    struct sockaddr *address, int len, void *arg)
{
	struct bufferevent *b = bufferevent_socket_new(
	    evconnlistener_get_base(l), fd, BEV_OPT_CLOSE_ON_FREE);

	(void)address;
	(void)len;
	bufferevent_setcb(b, on_request, NULL, on_gone, arg);
	(void)bufferevent_enable(b, EV_READ | EV_WRITE);
}

static inline void serve(struct fx *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)unlink(f->path);
	(void)snprintf(
	    address.sun_path, sizeof(address.sun_path), "%s", f->path);
	f->listener = evconnlistener_new_bind(f->loop.base, on_accept, f,
	    LEV_OPT_CLOSE_ON_FREE, 16, (const struct sockaddr *)&address,
	    sizeof(address));
	assert_non_null(f->listener);
}

static inline void stop(struct fx *f)
{
	if (f->listener)
		evconnlistener_free(f->listener);
	f->listener = NULL;
	(void)unlink(f->path);
	if (f->stream)
		bufferevent_free(f->stream);
	f->stream = NULL;
}

/* In a chunk of its own, with the header before the first one. */
static inline void say(struct fx *f, const char *line)
{
	for (int n = 0; n < 1000 && !f->stream; n++)
		loop_for(&f->loop, 5);
	assert_non_null(f->stream);
	(void)evbuffer_add_printf(
	    bufferevent_get_output(f->stream), "%s", line);
}

#define HEAD "HTTP/1.1 200 OK\r\n\r\n"
#define EVENT(action, id)                                                      \
	"{\"Type\":\"container\",\"Action\":\"" action                         \
	"\",\"Actor\":{\"ID\":\"" id "\"}}\n"

/* ---- the client ------------------------------------------------------- */

static inline void hear(void *arg, const struct container *c)
{
	struct fx *f = arg;
	size_t len = strlen(f->heard);

	f->any = true;
	if (c) {
		(void)snprintf(f->heard + len, sizeof(f->heard) - len, "%s%c ",
		    c->name, c->running ? '+' : '-');
	} else {
		(void)snprintf(f->heard + len, sizeof(f->heard) - len, "%s ",
		    engine_is_known(f->engine) ? "known" : "down");
	}
}

static inline int setup(void **state)
{
	struct fx *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	loop_init(&f->loop);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/engine-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/s", f->dir);
	f->containers[0].there = f->containers[0].running = true;
	f->engine = engine_new(f->loop.base, f->loop.timers, f->path);
	f->user = (struct engine_user){ .changed = hear, .arg = f };
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fx *f = *state;

	engine_remove(f->engine, &f->user);
	engine_free(f->engine);
	loop_for(&f->loop, 20); /* the server sees them close */
	stop(f);
	loop_for(&f->loop, 20);
	loop_release(&f->loop);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

static inline void await(struct fx *f, const char *expected)
{
	for (int n = 0; n < 2000; n++) {
		if (strstr(f->heard, expected))
			return;
		loop_for(&f->loop, 5);
	}
	fail_msg("not heard: '%s', but '%s'", expected, f->heard);
}

static inline void begin(struct fx *f)
{
	serve(f);
	engine_add(f->engine, &f->user);
	await(f, "known");
	f->heard[0] = '\0';
}
