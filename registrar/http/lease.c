// SPDX-License-Identifier: BSD-2-Clause
/*
 * A hash table of leases, and a list of those that are to be written. They are
 * each WRITE_MS, and sooner if one of them would end before that: in as many
 * transactions as it takes, each short.
 *
 * What is lost with this process is at most WRITE_MS of a lease; who renews it
 * as often as he should comes again before it ends.
 */
#include "registrar/http/lease.h"

#include "registrar/http/http_impl.h"
#include "registrar/http/serve.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"
#include "schema/follow.h"
#include "schema/registration.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITE_MS 200
#define TRANSACTION_MS 10
#define BUSY_MS 5 /* until a lock is tried again */
#define BUCKETS_MIN 1024
#define SWEEP_MS 60000
#define PRUNE_MAX 1000
#define ENDS_MS 20      /* between looks for leases that have ended */
#define KEEP_MS 3600000 /* of one that has ended */

struct lease {
	struct lease *next;  /* of its bucket */
	struct lease *after; /* in the list of those to be written */
	bool listed;
	uint64_t hash;
	int64_t lease_ms, until_wall_ms, written_wall_ms;
	int64_t revision; /* of its service, when its row was looked at */
	unsigned epoch;
	char source[ACCESS_ID_MAX + 8];
	char *service, *instance; /* behind zone */
	char zone[];
};

struct leases {
	struct http *http;
	struct follow *follow;
	struct lease **buckets;
	size_t bucket_n, n;
	struct lease *first, **last;
	struct event *write, *sweep, *ends;
	int64_t ended_wall_ms; /* leases that ended before are written so */
	int64_t due_ms;        /* when they are written; 0: nothing is */
	struct log_limit lost;
};

/* ---- the table -------------------------------------------------------- */

static uint64_t mix(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211U;
	return (h ^ '/') * 1099511628211U;
}

static uint64_t hash_of(
    const char *zone, const char *service, const char *instance)
{
	uint64_t h =
	    mix(mix(mix(14695981039346656037U, instance), service), zone);

	return h ^ h >> 32;
}

static struct lease **slot(struct leases *l, uint64_t hash, const char *zone,
    const char *service, const char *instance)
{
	struct lease **at = &l->buckets[hash & (l->bucket_n - 1)], *e;

	while (
	    (e = *at) &&
	    (e->hash != hash || strcmp(e->instance, instance) != 0 ||
	        strcmp(e->service, service) != 0 || strcmp(e->zone, zone) != 0))
		at = &e->next;
	return at;
}

static void grow(struct leases *l)
{
	size_t n = 2 * l->bucket_n;
	struct lease **buckets = xcalloc(n, sizeof(struct lease *));

	for (size_t k = 0; k < l->bucket_n; k++) {
		struct lease *e = l->buckets[k], *next;

		for (; e; e = next) {
			struct lease **at = &buckets[e->hash & (n - 1)];

			next = e->next;
			e->next = *at;
			*at = e;
		}
	}
	free(l->buckets);
	l->buckets = buckets;
	l->bucket_n = n;
}

static struct lease *need(struct leases *l, const char *zone,
    const char *service, const char *instance)
{
	uint64_t hash = hash_of(zone, service, instance);
	struct lease *e = *slot(l, hash, zone, service, instance);
	size_t zone_n = strlen(zone) + 1, service_n = strlen(service) + 1,
	       instance_n = strlen(instance) + 1;

	if (e)
		return e;
	if (l->n >= l->bucket_n)
		grow(l);
	e = xcalloc(1, sizeof(*e) + zone_n + service_n + instance_n);
	e->hash = hash;
	e->service = e->zone + zone_n;
	e->instance = e->service + service_n;
	memcpy(e->zone, zone, zone_n);
	memcpy(e->service, service, service_n);
	memcpy(e->instance, instance, instance_n);
	struct lease **at = &l->buckets[hash & (l->bucket_n - 1)];

	e->next = *at;
	*at = e;
	l->n++;
	return e;
}

static void know(struct leases *l, struct lease *e)
{
	e->revision = feed_revision(l->http->feed, e->zone, e->service);
	e->epoch = feed_epoch(l->http->feed);
}

void leases_keep(struct leases *l, const char *zone, const char *service,
    const char *instance, const char *source, int64_t lease_ms,
    int64_t until_wall_ms)
{
	struct lease *e = need(l, zone, service, instance);

	(void)snprintf(e->source, sizeof(e->source), "%s", source);
	e->lease_ms = lease_ms;
	if (until_wall_ms > e->until_wall_ms)
		e->until_wall_ms = until_wall_ms;
	e->revision = 0; /* its row is looked at with the next renewal */
}

/* One that is to be written goes when it was. */
void leases_drop(struct leases *l, const char *zone, const char *service,
    const char *instance)
{
	uint64_t hash = hash_of(zone, service, instance);
	struct lease **at = slot(l, hash, zone, service, instance), *e = *at;

	if (!e)
		return;
	e->lease_ms = 0;
	e->revision = 0;
	if (e->listed)
		return;
	*at = e->next;
	l->n--;
	free(e);
}

/* ---- writing ---------------------------------------------------------- */

static void schedule(struct leases *l, int64_t wait_ms)
{
	int64_t at_ms = clock_mono_ms() + wait_ms;
	const struct timeval wait = { .tv_sec = wait_ms / 1000,
		.tv_usec = wait_ms % 1000 * 1000 };

	if (l->due_ms && l->due_ms <= at_ms)
		return;
	l->due_ms = at_ms;
	(void)evtimer_add(l->write, &wait);
}

static void unlist(struct leases *l, struct lease *e)
{
	l->first = e->after;
	if (!l->first)
		l->last = &l->first;
	e->after = NULL;
	e->listed = false;
}

/* As many as its time allows; those before `end` are written. */
static int write_some(
    struct leases *l, struct registry *r, unsigned *ret_n, struct diag *reterr)
{
	int64_t end_ms = clock_mono_ms() + TRANSACTION_MS;
	struct lease *e = l->first;
	int error = registry_begin(r, 0, reterr);

	*ret_n = 0;
	if (error < 0)
		return error;
	for (; e && error == 0; e = e->after) {
		error = registry_put_lease(r, e->zone, e->service, e->instance,
		    e->until_wall_ms, reterr);
		if (error == -ENOENT)
			error = 0; /* it is gone, and found so */
		(*ret_n)++;
		if (*ret_n % 64 == 0 && clock_mono_ms() >= end_ms)
			break;
	}
	if (error == 0)
		return registry_commit(r, reterr);
	registry_rollback(r);
	return error;
}

static int write_all(struct leases *l, struct diag *reterr)
{
	struct registry *r;
	unsigned n;
	int error = follow_look(
	    l->follow, clock_read_ns(CLOCK_MONOTONIC) / 1000, reterr);

	r = follow_registry(l->follow);
	if (!r)
		return error < 0 ? error : -EAGAIN;
	error = write_some(l, r, &n, reterr);
	for (unsigned k = 0; k < n && error == 0; k++) {
		struct lease *e = l->first;

		e->written_wall_ms = e->until_wall_ms;
		unlist(l, e);
	}
	if (error < 0)
		follow_failed(l->follow, error);
	return error;
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
	struct leases *l = arg;
	struct diag why = { "" };

	(void)fd;
	(void)what;
	l->due_ms = 0;
	if (!l->first)
		return;
	int error = write_all(l, &why);

	if (error < 0 && error != -EBUSY &&
	    log_limit_ok(&l->lost, 1, 10000, clock_mono_ms()))
		log_warn("leases are not written: %s", why.text);
	if (l->first) /* those of the other services come in between */
		schedule(l, error < 0 ? BUSY_MS : 1);
}

static void enlist(struct leases *l, struct lease *e, int64_t now_wall_ms)
{
	int64_t left_ms = e->written_wall_ms - now_wall_ms;

	if (!e->listed) {
		*l->last = e;
		l->last = &e->after;
		e->listed = true;
	}
	schedule(l, left_ms > 2LL * WRITE_MS ? WRITE_MS : 0);
}

/* ---- renewing --------------------------------------------------------- */

struct look {
	struct lease *lease;
	int64_t until_wall_ms;
	char source[256];
	bool is_ours;
};

static void on_instance(void *arg, const struct instance_row *row)
{
	struct look *k = arg;

	k->until_wall_ms = row->lease_until_wall_ms;
	k->is_ours = !*row->node;
	(void)snprintf(k->source, sizeof(k->source), "%s", row->source);
}

static void on_check(void *arg, const struct check_row *row)
{
	(void)arg;
	(void)row;
}

/* Its row is as it was when it was looked at last. */
static bool is_known(struct leases *l, const struct lease *e)
{
	return e->revision &&
	       e->revision ==
	           feed_revision(l->http->feed, e->zone, e->service) &&
	       e->epoch == feed_epoch(l->http->feed);
}

static int look_at(struct leases *l, struct lease *e, const char *source,
    int64_t now_wall_ms, struct diag *reterr)
{
	struct look k = { .lease = e };
	struct registry *r = feed_registry(l->http->feed, reterr);

	if (!r)
		return -EAGAIN;
	know(l, e);
	int error = registry_read_instance(r, e->zone, e->service, e->instance,
	    on_instance, on_check, &k, reterr);

	if (error == 0 && (!k.is_ours || strcmp(k.source, source) != 0)) {
		error = diag_set(reterr, -EPERM, "'%s/%s' was written by '%s'",
		    e->service, e->instance, k.source);
	} else if (error == 0 && k.until_wall_ms <= now_wall_ms &&
	           (!k.until_wall_ms || !e->listed)) {
		error = -ENOENT;
	}
	if (error < 0) {
		e->revision = 0;
		return error == -ENOENT
		           ? diag_set(reterr, error,
		                 "'%s/%s' has no lease that holds: to be "
		                 "registered again",
		                 e->service, e->instance)
		           : error;
	}
	e->written_wall_ms = k.until_wall_ms;
	if (e->until_wall_ms < k.until_wall_ms)
		e->until_wall_ms = k.until_wall_ms;
	(void)snprintf(e->source, sizeof(e->source), "%s", source);
	return 0;
}

int leases_renew(struct leases *l, const char *zone, const char *service,
    const char *instance, const char *source, int64_t lease_ms,
    int64_t *ret_until_wall_ms, struct diag *reterr)
{
	struct lease *e = need(l, zone, service, instance);
	int64_t now_wall_ms = clock_wall_ms();
	int error = 0;

	if (!is_known(l, e) || e->until_wall_ms <= now_wall_ms ||
	    strcmp(e->source, source) != 0)
		error = look_at(l, e, source, now_wall_ms, reterr);
	if (error == 0 && !lease_ms && !e->lease_ms) {
		/* of before our time: as long as it seems to be */
		e->lease_ms = 2 * (e->until_wall_ms - now_wall_ms);
	}
	if (error < 0) {
		if (!e->listed)
			leases_drop(l, zone, service, instance);
		return error;
	}
	if (lease_ms)
		e->lease_ms = lease_ms;
	if (now_wall_ms + e->lease_ms > e->until_wall_ms) {
		e->until_wall_ms = now_wall_ms + e->lease_ms;
		enlist(l, e, now_wall_ms);
	}
	*ret_until_wall_ms = e->until_wall_ms;
	return 0;
}

/* ---- ends ------------------------------------------------------------- */

#define ENDED_MAX 200 /* in a transaction */
struct ended {
	struct leases *leases;
	struct arena *arena;
	int64_t now_wall_ms;
	unsigned n, seen_n;
	struct {
		const char *zone, *service, *instance;
	} of[ENDED_MAX];
};

static void on_ended(
    void *arg, const char *zone, const char *service, const char *instance)
{
	struct ended *x = arg;
	const struct lease *e = *slot(x->leases,
	    hash_of(zone, service, instance), zone, service, instance);

	x->seen_n++;
	/* it goes on, which is about to be written */
	if (e && e->listed && e->until_wall_ms > x->now_wall_ms)
		return;
	x->of[x->n].zone = arena_strdup(x->arena, zone);
	x->of[x->n].service = arena_strdup(x->arena, service);
	x->of[x->n++].instance = arena_strdup(x->arena, instance);
}

static int read_ended(struct leases *l, struct registry *r, struct ended *x)
{
	x->n = x->seen_n = 0;
	return registry_read_ended(
	    r, l->ended_wall_ms, x->now_wall_ms, ENDED_MAX, on_ended, x, NULL);
}

/* What is there may be another now: it is read again behind the lock. */
static int write_ended(struct leases *l, struct ended *x)
{
	struct registry *r;
	int error;

	(void)follow_look(
	    l->follow, clock_read_ns(CLOCK_MONOTONIC) / 1000, NULL);
	r = follow_registry(l->follow);
	if (!r || registry_begin(r, 0, NULL) < 0)
		return -EAGAIN;
	error = read_ended(l, r, x);
	for (unsigned k = 0; k < x->n && error == 0; k++) {
		error = registry_put_health(r, x->of[k].zone, x->of[k].service,
		    x->of[k].instance, HEALTH_CRITICAL, "its lease ran out",
		    x->now_wall_ms, NULL);
	}
	if (error == 0)
		return registry_commit(r, NULL);
	registry_rollback(r);
	return error;
}

/*
 * dnsd needs nobody to tell it that a lease has ended; who waits for a change
 * does, so it is written as one.
 */
static void on_end_of_leases(evutil_socket_t fd, short what, void *arg)
{
	struct leases *l = arg;
	struct registry *r = feed_registry(l->http->feed, NULL);
	struct ended x = { .leases = l,
		.arena = arena_new(),
		.now_wall_ms = clock_wall_ms() };
	int error = r ? read_ended(l, r, &x) : -EAGAIN;

	(void)fd;
	(void)what;
	if (error == 0 && x.n)
		error = write_ended(l, &x);
	if (error == 0 && x.seen_n == x.n && x.n < ENDED_MAX)
		l->ended_wall_ms = x.now_wall_ms;
	if (error == 0 && x.n)
		(void)feed_registry(l->http->feed, NULL);
	arena_free(x.arena);
}

static void prune(struct leases *l, int64_t before_wall_ms)
{
	struct registry *r;

	(void)follow_look(
	    l->follow, clock_read_ns(CLOCK_MONOTONIC) / 1000, NULL);
	r = follow_registry(l->follow);
	if (r) {
		(void)registry_prune_registrations(
		    r, before_wall_ms, PRUNE_MAX, NULL);
	}
}

/* Those that have ended long ago. */
static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct leases *l = arg;
	int64_t before_wall_ms = clock_wall_ms() - KEEP_MS;

	(void)fd;
	(void)what;
	prune(l, before_wall_ms);
	for (size_t k = 0; k < l->bucket_n; k++) {
		struct lease **at = &l->buckets[k], *e;

		while ((e = *at)) {
			if (e->listed || e->until_wall_ms > before_wall_ms) {
				at = &e->next;
				continue;
			}
			*at = e->next;
			l->n--;
			free(e);
		}
	}
}

struct leases *leases_new(struct http *h)
{
	struct leases *l = xcalloc(1, sizeof(*l));
	const struct timeval each = { .tv_sec = SWEEP_MS / 1000 };
	const struct timeval often = { .tv_usec = ENDS_MS * 1000L };

	l->http = h;
	l->follow =
	    follow_new(h->options->registry, REGISTRY_WRITE_NOWAIT, 1000);
	l->bucket_n = BUCKETS_MIN;
	l->buckets = xcalloc(l->bucket_n, sizeof(struct lease *));
	l->last = &l->first;
	l->write = evtimer_new(h->base, on_write, l);
	l->sweep = event_new(h->base, -1, EV_PERSIST, on_sweep, l);
	l->ends = event_new(h->base, -1, EV_PERSIST, on_end_of_leases, l);
	l->ended_wall_ms = clock_wall_ms() - KEEP_MS;
	if (!l->write || !l->sweep || !l->ends ||
	    event_add(l->sweep, &each) < 0 || event_add(l->ends, &often) < 0)
		abort(); /* out of memory */
	return l;
}

void leases_free(struct leases *l)
{
	if (!l)
		return;
	while (l->first && write_all(l, NULL) == 0)
		;
	for (size_t k = 0; k < l->bucket_n; k++) {
		for (struct lease *e = l->buckets[k], *next; e; e = next) {
			next = e->next;
			free(e);
		}
	}
	free(l->buckets);
	event_free(l->write);
	event_free(l->sweep);
	event_free(l->ends);
	follow_free(l->follow);
	free(l);
}
