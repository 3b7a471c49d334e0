// SPDX-License-Identifier: BSD-2-Clause
/*
 * Some in each turn of the loop. When the registry is another one than before
 * all are read again, and those that it has not are dropped at the end.
 */
#include "registrar/registrations.h"

#include "registrar/definition/definition.h"
#include "registrar/instance/fleet.h"
#include "registrar/lib/timer.h"
#include "registrar/store/store.h"
#include "schema/base/log.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/registration.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define TURN 100
#define RETRY_MS 1000 /* of those whose name a file has */

struct taken {
	char *file;
	char *text; /* that could not be put in force; NULL */
	unsigned round;
	TAILQ_ENTRY(taken) link;
};

struct registrations {
	const struct definition_defaults *defaults;
	struct fleet *fleet;
	struct store *store;
	struct timers *timers;
	struct timer more, retry;
	int64_t seen; /* number */
	unsigned round, turn_n;
	bool all; /* everything is being read again */
	void *tree;
	TAILQ_HEAD(, taken) entries;
};

static int by_file(const void *a, const void *b)
{
	const struct taken *x = a, *y = b;

	return strcmp(x->file, y->file);
}

static struct taken *get(struct registrations *r, const char *file)
{
	scoped_free char *copy = xstrdup(file);
	const struct taken key = { .file = copy };
	struct taken *const *found = tfind(&key, &r->tree, by_file);

	if (found)
		return *found;
	struct taken *e = xcalloc(1, sizeof(*e));

	e->file = xstrdup(file);
	TAILQ_INSERT_TAIL(&r->entries, e, link);
	if (!tsearch(e, &r->tree, by_file))
		abort(); /* out of memory */
	return e;
}

static void release(struct registrations *r, struct taken *e)
{
	TAILQ_REMOVE(&r->entries, e, link);
	tdelete(e, &r->tree, by_file);
	free(e->file);
	free(e->text);
	free(e);
}

static void drop(struct registrations *r, struct taken *e)
{
	fleet_remove(r->fleet, e->file);
	release(r, e);
}

/* True: it is in force, or never will be. */
static bool put(struct registrations *r, struct taken *e, const char *text)
{
	struct diags why = { .n = 0 };
	struct definition *d;
	int error = definition_parse(
	    e->file, text, strlen(text), r->defaults, &d, &why);

	if (error == 0 && (error = fleet_put(r->fleet, d, &why)) < 0)
		definition_free(d);
	if (error < 0 && !e->text) {
		for (unsigned n = 0; n < why.n; n++)
			log_warn("%s", why.items[n].text);
	}
	return error != -EEXIST;
}

static void on_row(void *arg, const struct registration_row *row)
{
	struct registrations *r = arg;
	scoped_free char *file = xasprintf(REGISTRATION_FILE "%s:%s/%s/%s",
	    row->source, row->zone, row->service, row->instance);
	struct taken *e = get(r, file);

	r->seen = row->number;
	r->turn_n++;
	e->round = r->round;
	if (!row->text) {
		drop(r, e);
		return;
	}
	if (put(r, e, row->text)) {
		free(e->text);
		e->text = NULL;
		return;
	}
	/* a file has its name: again when that has gone */
	free(e->text);
	e->text = xstrdup(row->text);
	timer_set(r->timers, &r->retry, timers_now(r->timers) + RETRY_MS);
}

static void drop_others(struct registrations *r)
{
	struct taken *e, *next;

	for (e = TAILQ_FIRST(&r->entries); e; e = next) {
		next = TAILQ_NEXT(e, link);
		if (e->round != r->round)
			drop(r, e);
	}
}

void registrations_look(struct registrations *r)
{
	r->turn_n = 0;
	if (store_read_registrations(r->store, r->seen, TURN, on_row, r) < 0)
		return;
	if (r->turn_n == TURN) {
		timer_set(r->timers, &r->more, timers_now(r->timers));
	} else if (r->all) {
		drop_others(r);
		r->all = false;
		r->turn_n = 1;
	}
	if (r->turn_n)
		fleet_settle(r->fleet);
}

void registrations_opened(struct registrations *r)
{
	r->seen = 0;
	r->round++;
	r->all = true;
	registrations_look(r);
}

static void on_more(void *arg)
{
	registrations_look(arg);
}

static void on_retry(void *arg)
{
	struct registrations *r = arg;
	struct taken *e;
	bool any = false, left = false;

	TAILQ_FOREACH (e, &r->entries, link) {
		if (!e->text)
			continue;
		if (put(r, e, e->text)) {
			free(e->text);
			e->text = NULL;
			any = true;
		} else {
			left = true;
		}
	}
	if (any)
		fleet_settle(r->fleet);
	if (left) {
		timer_set(
		    r->timers, &r->retry, timers_now(r->timers) + RETRY_MS);
	}
}

struct registrations *registrations_new(
    const struct definition_defaults *defaults, struct fleet *fleet,
    struct store *store, struct timers *timers)
{
	struct registrations *r = xcalloc(1, sizeof(*r));

	r->defaults = defaults;
	r->fleet = fleet;
	r->store = store;
	r->timers = timers;
	timer_init(&r->more, on_more, r);
	timer_init(&r->retry, on_retry, r);
	TAILQ_INIT(&r->entries);
	return r;
}

void registrations_free(struct registrations *r)
{
	if (!r)
		return;
	timer_cancel(r->timers, &r->more);
	timer_cancel(r->timers, &r->retry);
	while (!TAILQ_EMPTY(&r->entries))
		release(r, TAILQ_FIRST(&r->entries));
	free(r);
}
