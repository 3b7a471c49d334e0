// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/container/engine_impl.h"
#include "schema/base/xalloc.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* ---- telling ---------------------------------------------------------- */

void engine_tell(struct engine *e, const struct container *c)
{
	struct engine_user *u;

	for (u = LIST_FIRST(&e->users); u; u = e->next) {
		e->next = LIST_NEXT(u, link);
		u->changed(u->arg, c);
	}
	e->next = NULL;
}

/* ---- items ------------------------------------------------------------ */

static int by_id(const void *a, const void *b)
{
	const struct engine_item *x = a, *y = b;

	return strcmp(x->id, y->id);
}

struct engine_item *engine_item_find(const struct engine *e, const char *id)
{
	struct engine_item key;

	if (strlen(id) > CONTAINER_ID_MAX)
		return NULL;
	memcpy(key.id, id, strlen(id) + 1);
	struct engine_item *const *found = tfind(&key, &e->by_id, by_id);

	return found ? *found : NULL;
}

struct engine_item *engine_item_get(struct engine *e, const char *id)
{
	struct engine_item *i = engine_item_find(e, id);

	if (i || e->item_n == CONTAINERS_MAX)
		return i;
	i = xcalloc(1, sizeof(*i));
	i->engine = e;
	memcpy(i->id, id, strlen(id) + 1);
	if (!tsearch(i, &e->by_id, by_id))
		abort(); /* out of memory */
	LIST_INSERT_HEAD(&e->items, i, link);
	e->item_n++;
	return i;
}

void engine_item_rest(struct engine_item *i)
{
	struct engine *e = i->engine;

	if (i->queued)
		TAILQ_REMOVE(&e->queue, i, queue_link);
	i->queued = false;
	if (i->look) {
		engine_call_free(i->look);
		i->look = NULL;
		e->look_n--;
	}
}

void engine_item_free(struct engine_item *i)
{
	struct engine *e = i->engine;

	engine_item_rest(i);
	tdelete(i, &e->by_id, by_id);
	LIST_REMOVE(i, link);
	e->item_n--;
	container_free(i->container);
	free(i);
}

void engine_item_ended(struct engine_item *i)
{
	if (!i->container || !i->container->running)
		return;
	i->container->running = false;
	i->container->pid = 0;
	engine_tell(i->engine, i->container);
}

void engine_item_removed(struct engine_item *i)
{
	engine_item_ended(i);
	engine_item_free(i);
}

void engine_item_set(struct engine_item *i, struct container *c)
{
	container_free(i->container);
	i->container = c;
	engine_tell(i->engine, c);
}

/* ---- for others ------------------------------------------------------- */

void engine_add(struct engine *e, struct engine_user *u)
{
	bool first = LIST_EMPTY(&e->users);

	LIST_INSERT_HEAD(&e->users, u, link);
	if (first && !e->events)
		timer_set(e->timers, &e->retry, timers_now(e->timers));
}

void engine_remove(struct engine *e, struct engine_user *u)
{
	if (e->next == u)
		e->next = LIST_NEXT(u, link);
	LIST_REMOVE(u, link);
}

bool engine_is_known(const struct engine *e)
{
	return e->known;
}

const char *engine_trouble(const struct engine *e)
{
	return e->trouble;
}

const struct container *engine_find(const struct engine *e, const char *what)
{
	const struct engine_item *i = engine_item_find(e, what);

	if (i)
		return i->container;
	LIST_FOREACH (i, &e->items, link) {
		if (i->container && !strcmp(i->container->name, what))
			return i->container;
	}
	return NULL;
}

void engine_each(const struct engine *e, engine_fn fn, void *arg)
{
	const struct engine_item *i;

	LIST_FOREACH (i, &e->items, link) {
		if (i->container)
			fn(arg, i->container);
	}
}
