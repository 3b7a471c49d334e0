// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * engine_impl - private to engine*.c.
 *
 *	engine.c        what is asked, and when
 *	engine_items.c  what is known, and who wants to know it
 *	engine_call.c   one question and its answer
 */
#include "registrar/container/engine.h"
#include "registrar/container/engine_call.h"
#include "registrar/lib/timer.h"

#define CONTAINERS_MAX 20000

/* A container that is known, or to be looked at. */
struct engine_item {
	struct engine *engine;
	char id[CONTAINER_ID_MAX + 1];
	struct container *container; /* NULL: not looked at yet */
	bool queued;
	bool again;   /* it changed while it was looked at */
	bool listed;  /* in the list that was read last */
	bool touched; /* by an event, since that list was asked for */
	struct engine_call *look;
	LIST_ENTRY(engine_item) link;
	TAILQ_ENTRY(engine_item) queue_link;
};

struct engine {
	struct event_base *base;
	struct timers *timers;
	const char *path;   /* as it was given, or NULL */
	const char *socket; /* that is used */
	struct engine_call *events, *list;
	struct timer retry, relist;
	int64_t pause_ms;
	bool known;
	bool whole;   /* this list is to be followed by looking at all */
	bool telling; /* that all are known, once the queue is empty */
	bool down;    /* and the log says so */
	char trouble[256];
	void *by_id;
	LIST_HEAD(, engine_item) items;
	unsigned item_n;
	TAILQ_HEAD(, engine_item) queue;
	unsigned look_n;
	LIST_HEAD(, engine_user) users;
	struct engine_user *next; /* of those that are being told */
};

/* ---- engine_items.c ----------------------------------------------------- */

/* c NULL: all are known. */
void engine_tell(struct engine *e, const struct container *c);

/* NULL: it is not known; of item_get: there are too many. */
struct engine_item *engine_item_find(const struct engine *e, const char *id);
struct engine_item *engine_item_get(struct engine *e, const char *id);
/* Takes c over, and tells. */
void engine_item_set(struct engine_item *i, struct container *c);
/* It does not run any more; it is not there any more. */
void engine_item_ended(struct engine_item *i);
void engine_item_removed(struct engine_item *i);
/* Neither queued nor looked at. */
void engine_item_rest(struct engine_item *i);
void engine_item_free(struct engine_item *i);
