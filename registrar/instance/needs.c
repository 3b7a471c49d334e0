// SPDX-License-Identifier: BSD-2-Clause
/*
 * One entry for each service that anybody requires. There are few of them, so
 * a list will do.
 */
#include "registrar/instance/needs.h"

#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

#define LEASES_MS 1000 /* between two looks at what may run out */

struct need {
	char *zone, *service;
	enum need_state state;
	LIST_HEAD(, need_user) users;
	LIST_ENTRY(need) link;
};

struct needs {
	struct timers *timers;
	struct store *store;
	need_fn fn;
	struct timer look;
	LIST_HEAD(, need) all;
};

static void look_at(struct needs *n, struct need *need)
{
	struct need_user *u;
	bool any;

	if (store_has_eligible(n->store, need->zone, need->service, &any) < 0)
		return;
	enum need_state now = any ? NEED_MET : NEED_UNMET;

	if (now == need->state)
		return;
	need->state = now;
	LIST_FOREACH (u, &need->users, link)
		n->fn(u->arg, u);
}

static void on_look(void *arg)
{
	struct needs *n = arg;
	struct need *need;

	timer_set(n->timers, &n->look, timers_now(n->timers) + LEASES_MS);
	LIST_FOREACH (need, &n->all, link)
		look_at(n, need);
}

static bool concerns(
    const struct need *need, const char *zone, const char *service)
{
	return !service ||
	       (!strcmp(need->service, service) && !strcmp(need->zone, zone));
}

void needs_changed(struct needs *n, const char *zone, const char *service)
{
	struct need *need;

	LIST_FOREACH (need, &n->all, link) {
		if (concerns(need, zone, service))
			look_at(n, need);
	}
}

struct needs *needs_new(struct timers *ts, struct store *st, need_fn fn)
{
	struct needs *n = xcalloc(1, sizeof(*n));

	n->timers = ts;
	n->store = st;
	n->fn = fn;
	LIST_INIT(&n->all);
	timer_init(&n->look, on_look, n);
	return n;
}

void needs_free(struct needs *n)
{
	if (!n)
		return;
	timer_cancel(n->timers, &n->look);
	free(n);
}

static struct need *need_get(
    struct needs *n, const char *zone, const char *service)
{
	struct need *need;

	LIST_FOREACH (need, &n->all, link) {
		if (concerns(need, zone, service))
			return need;
	}
	need = xcalloc(1, sizeof(*need));
	need->zone = xstrdup(zone);
	need->service = xstrdup(service);
	LIST_INIT(&need->users);
	LIST_INSERT_HEAD(&n->all, need, link);
	timer_set(n->timers, &n->look, timers_now(n->timers));
	return need;
}

void need_take(struct needs *n, struct need_user *u, const char *zone,
    const char *service, void *arg)
{
	u->need = need_get(n, zone, service);
	u->arg = arg;
	LIST_INSERT_HEAD(&u->need->users, u, link);
}

void need_drop(struct needs *n, struct need_user *u)
{
	struct need *need = u->need;

	LIST_REMOVE(u, link);
	u->need = NULL;
	if (!LIST_EMPTY(&need->users))
		return;
	LIST_REMOVE(need, link);
	free(need->zone);
	free(need->service);
	free(need);
	if (LIST_EMPTY(&n->all))
		timer_cancel(n->timers, &n->look);
}

enum need_state need_state(const struct need_user *u)
{
	return u->need->state;
}

const char *need_service(const struct need_user *u)
{
	return u->need->service;
}
