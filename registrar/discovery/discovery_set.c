// SPDX-License-Identifier: BSD-2-Clause
/*
 * An entry is there or gone, and apart from that has an instance or not: what
 * was found may make none, or one whose name somebody else has. Of two of one
 * name in a set the first has the instance; when that is gone the other one
 * takes it over, and it goes on under its name.
 *
 * The definition lies in the version in force. When there is a new one, all
 * that is there is made anew by it, and takes its instance out of the last
 * version (fleet.h); what is not taken is withdrawn by the fleet.
 */
#include "registrar/discovery/discovery_impl.h"
#include "registrar/instance/fleet.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define TWINS_MAX 5 /* lines about names that others have, a minute */
#define MINUTE_MS 60000

static int64_t now_ms(const struct each_set *s)
{
	return timers_now(s->discovery->env.timers);
}

/* ---- entries ---------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	const struct each_entry *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static int by_member(const void *a, const void *b)
{
	const struct each_entry *x = a, *y = b;

	return strcmp(x->member, y->member);
}

static struct each_entry *find(void *const *tree, const struct each_entry *key,
    int (*compare)(const void *, const void *))
{
	struct each_entry *const *found = tfind(key, tree, compare);

	return found ? *found : NULL;
}

static void insert(void **tree, struct each_entry *e,
    int (*compare)(const void *, const void *))
{
	if (!tsearch(e, tree, compare))
		abort(); /* out of memory */
}

static void set_member(
    struct each_set *s, struct each_entry *e, const char *name)
{
	if (e->member)
		tdelete(e, &s->by_member, by_member);
	free(e->member_copy);
	e->member = e->member_copy = name ? xstrdup(name) : NULL;
	if (e->member)
		insert(&s->by_member, e, by_member);
}

static void entry_free(struct each_set *s, struct each_entry *e)
{
	set_member(s, e, NULL);
	if (e->gone)
		TAILQ_REMOVE(&s->gone, e, gone_link);
	tdelete(e, &s->by_key, by_key);
	LIST_REMOVE(e, link);
	free(e->block);
	free(e);
}

static struct each_entry *entry_new(
    struct each_set *s, const char *key, const struct each_found *found)
{
	size_t len = strlen(key) + 1;
	struct each_entry *e = xcalloc(1, sizeof(*e) + len);

	memcpy(e->key_text, key, len);
	e->key = e->key_text;
	each_entry_copy(e, found);
	insert(&s->by_key, e, by_key);
	LIST_INSERT_HEAD(&s->entries, e, link);
	return e;
}

/* Its instance is to go. */
static void withdraw(struct each_set *s, struct each_entry *e)
{
	if (!e->member)
		return;
	fleet_drop_made(
	    s->discovery->env.fleet, s->def->file, s->service, e->member);
	set_member(s, e, NULL);
	s->freed = true;
	s->full = false;
}

/* ---- entries to instances --------------------------------------------- */

static void tell(struct each_set *s, struct each_entry *e, int error,
    const struct diags *why)
{
	bool told = error == -ENOSPC ? s->full : e->told;

	if (error == -ENOSPC) {
		s->full = true;
	} else {
		e->told = true;
	}
	for (unsigned n = 0; n < why->n && !told; n++)
		log_warn("%s", why->items[n].text);
}

static bool is_still_there(const struct each_set *s, const struct each_entry *e)
{
	return !e->gone &&
	       (!s->source->is_there || s->source->is_there(e->key));
}

/* True: the name is free for e, or was that of one that is gone. */
static bool take_name(
    struct each_set *s, struct each_entry *e, const char *name)
{
	const struct each_entry key = { .member = name };
	struct each_entry *holder = find(&s->by_member, &key, by_member);

	if (!holder || holder == e)
		return true;
	if (is_still_there(s, holder)) {
		if (!e->told && !e->gone &&
		    log_limit_ok(&s->twins, TWINS_MAX, MINUTE_MS, now_ms(s))) {
			log_info("'%s/%s' is there twice: the first one counts",
			    s->service->name, name);
		}
		e->told = true;
		return false;
	}
	/* under this name it goes on; the holder waits for on_linger() */
	set_member(s, holder, NULL);
	set_member(s, e, name);
	return true;
}

static void put_made(
    struct each_set *s, struct each_entry *e, struct definition_made *made)
{
	const char *name = made->instance.name;
	struct diags why = { .n = 0 };
	bool again;

	if (e->member && strcmp(e->member, name) != 0)
		withdraw(s, e);
	if (!take_name(s, e, name)) {
		definition_made_free(made);
		return;
	}
	again = e->member != NULL;
	int r = fleet_put_made(s->discovery->env.fleet, s->def->file,
	    s->service, made, again, &why);

	if (r < 0) {
		tell(s, e, r, &why);
		set_member(s, e, NULL);
		definition_made_free(made);
		return;
	}
	if (!again)
		set_member(s, e, name);
	e->watched = made->instance.process.kind != PROCESS_NONE;
	e->told = false;
}

static void apply(struct each_set *s, struct each_entry *e)
{
	struct definition_made *made;
	struct diags why = { .n = 0 };
	int r = definition_make(s->def, s->spec, &e->found, &made, &why);

	if (r < 0) {
		tell(s, e, r, &why);
		withdraw(s, e);
		return;
	}
	put_made(s, e, made);
}

void each_set_retry(struct each_set *s)
{
	struct each_entry *e, *next;

	s->freed = false;
	for (e = LIST_FIRST(&s->entries); e; e = next) {
		next = LIST_NEXT(e, link);
		if (!e->member && !e->gone)
			apply(s, e);
	}
}

/* ---- coming and going ------------------------------------------------- */

static int64_t linger_ms(const struct each_set *s)
{
	int64_t after_ms = s->service->policy.deregister_after_ms;

	return after_ms ? after_ms : DISCOVERY_LINGER_MS;
}

static void set_linger(struct each_set *s)
{
	struct timers *timers = s->discovery->env.timers;
	const struct each_entry *first = TAILQ_FIRST(&s->gone);

	if (first) {
		timer_set(timers, &s->linger, first->gone_ms + linger_ms(s));
	} else {
		timer_cancel(timers, &s->linger);
	}
}

static void on_linger(void *arg)
{
	struct each_set *s = arg;
	struct each_entry *e;

	while ((e = TAILQ_FIRST(&s->gone)) &&
	       e->gone_ms + linger_ms(s) <= now_ms(s)) {
		/* the instance itself may have been first to say so */
		if (e->member &&
		    fleet_has(s->discovery->env.fleet, s->service->zone,
		        s->service->name, e->member)) {
			log_info("withdrawing '%s/%s': gone for %lld s",
			    s->service->name, e->member,
			    (long long)(linger_ms(s) / 1000));
		}
		withdraw(s, e);
		entry_free(s, e);
	}
	if (s->freed)
		each_set_retry(s);
	set_linger(s);
}

static void is_gone(struct each_set *s, struct each_entry *e)
{
	if (e->gone)
		return;
	s->freed = true;
	/* one that nothing watches would never be dead */
	if (!e->member || !e->watched) {
		withdraw(s, e);
		entry_free(s, e);
		return;
	}
	e->gone = true;
	e->gone_ms = now_ms(s);
	TAILQ_INSERT_TAIL(&s->gone, e, gone_link);
	set_linger(s);
}

static void is_back(struct each_set *s, struct each_entry *e)
{
	if (!e->gone)
		return;
	e->gone = false;
	TAILQ_REMOVE(&s->gone, e, gone_link);
	set_linger(s);
}

static struct each_entry *find_key(const struct each_set *s, const char *key)
{
	const struct each_entry like = { .key = key };

	return find(&s->by_key, &like, by_key);
}

bool each_set_had(const struct each_set *s, const char *key)
{
	const struct each_entry *e = find_key(s, key);

	return e && e->pass == s->pass;
}

bool each_set_seen(struct each_set *s, const char *key)
{
	struct each_entry *e = find_key(s, key);

	if (!e)
		return false;
	e->pass = s->pass;
	is_back(s, e);
	return true;
}

void each_set_put(
    struct each_set *s, const char *key, const struct each_found *found)
{
	struct each_entry *e = find_key(s, key);

	if (e && each_found_equal(&e->found, found)) {
		(void)each_set_seen(s, key);
		return;
	}
	if (e) {
		is_back(s, e);
		each_entry_copy(e, found);
	} else {
		e = entry_new(s, key, found);
	}
	e->pass = s->pass;
	e->told = false;
	apply(s, e);
}

void each_set_gone(struct each_set *s, const char *key)
{
	struct each_entry *e = find_key(s, key);

	if (e)
		is_gone(s, e);
	if (s->freed)
		each_set_retry(s);
}

void each_set_begin(struct each_set *s)
{
	s->pass++;
}

void each_set_end(struct each_set *s)
{
	struct each_entry *e, *next;
	const struct discovery *d = s->discovery;

	for (e = LIST_FIRST(&s->entries); e; e = next) {
		next = LIST_NEXT(e, link);
		if (e->pass == s->pass || e->gone)
			continue;
		if (!s->source->is_there || !s->source->is_there(e->key))
			is_gone(s, e);
	}
	if (s->freed)
		each_set_retry(s);
	if (s->known)
		return;
	s->known = true;
	if (!d->settling)
		d->env.settled(d->env.arg);
}

/* ---- lifetime --------------------------------------------------------- */

static const struct each_source *const sources[] = {
	[EACH_PROCESS] = &each_source_process,
	[EACH_LISTENING] = &each_source_listen,
	[EACH_CONTAINER] = &each_source_container,
};

struct each_set *each_set_new(struct discovery *d, const struct definition *def,
    const struct definition_service *service, const struct each_spec *spec)
{
	struct each_set *s = xcalloc(1, sizeof(*s));

	s->discovery = d;
	s->def = def;
	s->service = service;
	s->spec = spec;
	s->source = sources[spec->kind];
	LIST_INIT(&s->entries);
	TAILQ_INIT(&s->gone);
	timer_init(&s->linger, on_linger, s);
	LIST_INSERT_HEAD(&d->sets, s, link);
	s->looking = s->source->start(s);
	return s;
}

void each_set_free(struct each_set *s)
{
	s->source->stop(s->looking);
	timer_cancel(s->discovery->env.timers, &s->linger);
	while (!LIST_EMPTY(&s->entries))
		entry_free(s, LIST_FIRST(&s->entries));
	LIST_REMOVE(s, link);
	free(s);
}

void each_set_move(struct each_set *s, const struct definition *def,
    const struct definition_service *service, const struct each_spec *spec)
{
	struct each_entry *e, *next;

	s->def = def;
	s->service = service;
	s->spec = spec;
	s->source->moved(s->looking);
	/* names may be others now, and even go round */
	LIST_FOREACH (e, &s->entries, link) {
		set_member(s, e, NULL);
		e->told = false;
	}
	s->full = false;
	for (e = LIST_FIRST(&s->entries); e; e = next) {
		next = LIST_NEXT(e, link);
		apply(s, e);
	}
	set_linger(s);
}
