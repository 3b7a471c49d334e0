// SPDX-License-Identifier: BSD-2-Clause
/*
 * The stream of events is open, or is to be opened by timer. Events and lists
 * say which containers are to be looked at; these wait in a queue, of which a
 * few are asked for at a time. What an event says of an end is taken at once,
 * for that is what everybody waits for; all else comes from looking.
 *
 * When the stream breaks off everything that is asked for is given up. When it
 * is open again all are listed and looked at: then what is known is true
 * again. An engine that hangs is noticed by a list that is not answered.
 */
#include "registrar/container/engine.h"

#include "registrar/container/engine_impl.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST_MAX ((size_t)16 * 1024 * 1024)
#define INSPECT_MAX ((size_t)1024 * 1024)
#define EVENT_MAX ((size_t)64 * 1024)
#define LOOKS_MAX 4 /* at a time */
#define TIMEOUT_MS 10000
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 5000
#define LIST_EACH_MS 60000
/* It need not begin to answer before there is an event. */
#define HEAD_WAIT_MS 500

#define EVENTS_PATH                                                            \
	"/events?filters=%7B%22type%22%3A%5B%22container%22%2C%22network%22"   \
	"%5D%7D"
#define LIST_PATH "/containers/json?all=1"

static int64_t now_ms(const struct engine *e)
{
	return timers_now(e->timers);
}

static void set_timer(struct engine *e, struct timer *t, int64_t wait_ms)
{
	timer_set(e->timers, t, now_ms(e) + wait_ms);
}

/* ---- trouble ---------------------------------------------------------- */

static const char *error_text(int error)
{
	return error == -EPROTO       ? "its answer is not HTTP"
	       : error == -EINVAL     ? "its answer is not understood"
	       : error == -EMSGSIZE   ? "its answer is too long"
	       : error == -ECONNRESET ? "it closed the connection"
	                              : strerror(-error);
}

/* Gives up what is asked for. What is known stays. */
static void close_all(struct engine *e)
{
	struct engine_item *i;

	engine_call_free(e->events);
	engine_call_free(e->list);
	e->events = e->list = NULL;
	LIST_FOREACH (i, &e->items, link)
		engine_item_rest(i);
	e->telling = false;
	timer_cancel(e->timers, &e->relist);
}

static void trouble(struct engine *e, const char *what, const char *why)
{
	(void)snprintf(e->trouble, sizeof(e->trouble), "%s '%s': %s", what,
	    e->socket, why);
	if (!e->down) {
		log_warn("%s; what is known of containers stays", e->trouble);
	}
	e->down = true;
	close_all(e);
	if (!e->known)
		engine_tell(e, NULL);
	if (!LIST_EMPTY(&e->users))
		set_timer(e, &e->retry, e->pause_ms);
	e->pause_ms *= 2;
	if (e->pause_ms > PAUSE_MAX_MS)
		e->pause_ms = PAUSE_MAX_MS;
}

/* ---- looking at containers -------------------------------------------- */

static void look_next(struct engine *e);

static void look_at(struct engine *e, struct engine_item *i)
{
	if (i->look) {
		i->again = true;
		return;
	}
	if (!i->queued)
		TAILQ_INSERT_TAIL(&e->queue, i, queue_link);
	i->queued = true;
}

/* Everything that was asked for after the stream began is answered. */
static void all_known(struct engine *e)
{
	if (!e->telling || e->list || !TAILQ_EMPTY(&e->queue) || e->look_n)
		return;
	e->telling = false;
	if (e->down)
		log_info("the container engine '%s' answers", e->socket);
	e->down = false;
	e->known = true;
	e->pause_ms = PAUSE_MIN_MS;
	e->trouble[0] = '\0';
	engine_tell(e, NULL);
}

static void take_look(struct engine_item *i, const char *text, size_t len)
{
	struct container *c;

	if (container_parse(text, len, &c) < 0) {
		log_warn("what the container engine says of '%.12s' is not "
		         "understood",
		    i->id);
		return;
	}
	if (strcmp(c->id, i->id) != 0) {
		container_free(c);
		return;
	}
	engine_item_set(i, c);
}

static void on_look(
    void *arg, int error, int status, const char *text, size_t len)
{
	struct engine_item *i = arg;
	struct engine *e = i->engine;
	bool again = i->again;

	i->look = NULL;
	i->again = false;
	e->look_n--;
	if (error == -EMSGSIZE) {
		log_warn("what the container engine says of '%.12s' is too "
		         "long",
		    i->id);
	} else if (error < 0) {
		trouble(
		    e, "cannot ask the container engine", error_text(error));
		return;
	}
	if (again) {
		/* what was said may be older than what happened */
		look_at(e, i);
	} else if (status == 404) {
		engine_item_removed(i);
	} else if (error == 0 && status == 200) {
		take_look(i, text, len);
	}
	look_next(e);
}

static struct engine_call *ask(struct engine *e, const char *path,
    size_t max_len, int64_t timeout_ms, const struct engine_call_ops *ops)
{
	const struct engine_call_config config = { .base = e->base,
		.timers = e->timers,
		.socket = e->socket,
		.path = path,
		.max_len = max_len,
		.timeout_ms = timeout_ms,
		.ops = *ops };

	return engine_call_new(&config);
}

static void look_next(struct engine *e)
{
	struct engine_item *i;

	while (e->look_n < LOOKS_MAX && (i = TAILQ_FIRST(&e->queue))) {
		const struct engine_call_ops ops = { .done = on_look,
			.arg = i };
		char path[128];

		TAILQ_REMOVE(&e->queue, i, queue_link);
		i->queued = false;
		(void)snprintf(
		    path, sizeof(path), "/containers/%s/json", i->id);
		i->look = ask(e, path, INSPECT_MAX, TIMEOUT_MS, &ops);
		e->look_n++;
	}
	all_known(e);
}

/* ---- the list --------------------------------------------------------- */

static void on_listed(void *arg, const char *id, bool running)
{
	struct engine *e = arg;
	struct engine_item *i = engine_item_get(e, id);

	if (!i)
		return;
	i->listed = true;
	if (e->whole || !i->container || i->container->running != running)
		look_at(e, i);
}

static void on_list(
    void *arg, int error, int status, const char *text, size_t len)
{
	struct engine *e = arg;
	struct engine_item *i, *next;

	e->list = NULL;
	if (error == 0 && status != 200)
		error = -EINVAL;
	LIST_FOREACH (i, &e->items, link)
		i->listed = false;
	if (error == 0)
		error = container_list_parse(text, len, on_listed, e);
	if (error < 0) {
		trouble(e, "cannot list the containers of", error_text(error));
		return;
	}
	for (i = LIST_FIRST(&e->items); i; i = next) {
		next = LIST_NEXT(i, link);
		/* one that was made meanwhile tells of itself */
		if (!i->listed && !i->touched)
			engine_item_removed(i);
	}
	e->telling |= e->whole;
	e->whole = false;
	set_timer(e, &e->relist, LIST_EACH_MS);
	look_next(e);
}

static void list(void *arg)
{
	struct engine *e = arg;
	const struct engine_call_ops ops = { .done = on_list, .arg = e };
	struct engine_item *i;

	if (e->list)
		return;
	LIST_FOREACH (i, &e->items, link)
		i->touched = false;
	e->list = ask(e, LIST_PATH, LIST_MAX, TIMEOUT_MS, &ops);
}

/* ---- events ----------------------------------------------------------- */

static void on_line(void *arg, const char *text, size_t len)
{
	struct engine *e = arg;
	struct container_event event;

	if (container_event_parse(text, len, &event) < 0 ||
	    event.kind == CONTAINER_SAME)
		return;
	struct engine_item *i = event.kind == CONTAINER_CHANGED
	                            ? engine_item_get(e, event.id)
	                            : engine_item_find(e, event.id);

	if (!i)
		return;
	i->touched = true;
	if (event.kind == CONTAINER_REMOVED) {
		engine_item_removed(i);
	} else {
		if (event.kind == CONTAINER_ENDED)
			engine_item_ended(i);
		look_at(e, i);
	}
	look_next(e);
}

/* From now on nothing is missed. */
static void on_headed(void *arg, int status)
{
	struct engine *e = arg;

	if (status == 200)
		set_timer(e, &e->relist, 0);
}

static void on_events(
    void *arg, int error, int status, const char *text, size_t len)
{
	struct engine *e = arg;

	(void)text;
	(void)len;
	e->events = NULL;
	if (error == 0 && status != 200)
		error = -EINVAL;
	trouble(e,
	    e->known && !e->down ? "lost the container engine"
	                         : "cannot reach the container engine",
	    error ? error_text(error) : "it has ended the events");
}

static void open_events(void *arg)
{
	static const char *const places[] = { "/run/docker.sock",
		"/run/podman/podman.sock" };
	struct engine *e = arg;
	const struct engine_call_ops ops = { .headed = on_headed,
		.line = on_line,
		.done = on_events,
		.arg = e };

	e->socket = e->path ? e->path : places[0];
	if (!e->path && access(places[0], F_OK) < 0 &&
	    access(places[1], F_OK) == 0)
		e->socket = places[1];
	e->whole = true;
	e->events = ask(e, EVENTS_PATH, EVENT_MAX, 0, &ops);
	set_timer(e, &e->relist, HEAD_WAIT_MS);
}

struct engine *engine_new(
    struct event_base *base, struct timers *timers, const char *path)
{
	struct engine *e = xcalloc(1, sizeof(*e));

	e->base = base;
	e->timers = timers;
	e->path = path;
	e->pause_ms = PAUSE_MIN_MS;
	LIST_INIT(&e->items);
	TAILQ_INIT(&e->queue);
	LIST_INIT(&e->users);
	timer_init(&e->retry, open_events, e);
	timer_init(&e->relist, list, e);
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	close_all(e);
	timer_cancel(e->timers, &e->retry);
	while (!LIST_EMPTY(&e->items))
		engine_item_free(LIST_FIRST(&e->items));
	free(e);
}
