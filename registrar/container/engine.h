// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * engine - the containers of this host, as Docker or Podman tells.
 *
 * Over the engine's socket a stream of events is read, and for each of them
 * that matters the container is looked at again; all of them are listed when
 * the stream begins, and now and then. So what is known here is what the
 * engine said last. While it does not answer, that stays: it says nothing
 * about containers, which run on without it. It is asked again with pauses,
 * and the log says once that it is gone and once that it is back.
 *
 * Nothing is asked before somebody wants to know. One thread. Logs.
 */
#include "registrar/container/container.h"

#include <stdbool.h>
#include <sys/queue.h>

struct engine;
struct event_base;
struct timers;

/* Whoever wants to know; embedded in its owner. */
struct engine_user {
	/*
	 * A container changed, is new, or is gone (then it does not run); c
	 * NULL: all of them are known, for the first time or again; or it is
	 * known that none can be known yet. May add and remove users, also
	 * itself.
	 */
	void (*changed)(void *arg, const struct container *c);
	void *arg;
	LIST_ENTRY(engine_user) link; /* private */
};

/*
 * Borrows base, timers and path; that is NULL for the usual places:
 * /run/docker.sock, else /run/podman/podman.sock.
 */
struct engine *engine_new(
    struct event_base *base, struct timers *timers, const char *path);
/* After all users. */
void engine_free(struct engine *e);

void engine_add(struct engine *e, struct engine_user *u);
void engine_remove(struct engine *e, struct engine_user *u);

/* Have all containers been listed, at least once? */
bool engine_is_known(const struct engine *e);
/* Why not, or why it is not any more; "" if it answers. */
const char *engine_trouble(const struct engine *e);

/* By name or whole id; NULL: there is none. Borrowed for this turn. */
const struct container *engine_find(const struct engine *e, const char *what);

typedef void (*engine_fn)(void *arg, const struct container *c);
/* fn may not add or remove users. */
void engine_each(const struct engine *e, engine_fn fn, void *arg);
