// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * discovery - the instances that `for_each` finds, as they come and go.
 *
 * A source tells what there is: processes, ports that somebody listens on.
 * The difference to what was there before goes to the fleet: what is new
 * becomes an instance; what is gone stays for a while, dead by what its watch
 * says, so that it may come back as the same instance, and is withdrawn then.
 * What a source cannot see says nothing, and changes nothing.
 *
 * One thread. Logs.
 */
#include "registrar/definition/definition.h"

#include <stdbool.h>

struct discovery;
struct engine;
struct fleet;
struct looker;
struct timers;
struct watcher;

/* Dead for so long before it is withdrawn, unless deregister_after is set. */
#define DISCOVERY_LINGER_MS 60000

struct discovery_env {
	struct fleet *fleet;
	struct timers *timers;
	struct watcher *watcher;
	struct looker *looker; /* NULL: nobody restricts us */
	struct engine *engine; /* NULL: there are no containers */
	bool labels;           /* those of containers say what service it is */
	const struct definition_defaults *defaults; /* then */
	/* A source that could not see anything so far has begun to. */
	void (*settled)(void *arg);
	void *arg;
};

/* Copies env, borrows what is in it. */
struct discovery *discovery_new(const struct discovery_env *env);
/* Before the fleet; nothing is withdrawn. */
void discovery_free(struct discovery *d);

/*
 * The fleet has put def in force: what was found for the last version of its
 * file goes on, if it looks for the same. Borrows def until the file is put
 * or removed again. d NULL: nothing happens, here and below.
 */
void discovery_put(struct discovery *d, const struct definition *def);
/* Before the fleet settles. */
void discovery_remove(struct discovery *d, const char *file);

/*
 * A burst of changes is over: look for what is new in it, at once where that
 * can be. Before the fleet settles, so that instances may move.
 */
void discovery_settle(struct discovery *d);

/* Does the file look for something that could not be seen so far? */
bool discovery_is_unsure(const struct discovery *d, const char *file);
