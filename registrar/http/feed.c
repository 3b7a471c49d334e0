// SPDX-License-Identifier: BSD-2-Clause
/*
 * A hash table of services that have changed since the log of changes begins,
 * or that somebody waits for. What is not in it has not changed since, and its
 * revision is that of before the log.
 */
#include "registrar/http/feed.h"

#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"
#include "schema/follow.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 20
#define BATCH 512
#define BUCKETS_MIN 1024
/* Above it those that nobody waits for are forgotten, and read again. */
#define NODES_MAX 400000

struct node {
	struct node *next;
	uint64_t hash;
	int64_t revision; /* 0: it has not changed since the log begins */
	struct feed_waiter *waiters;
	char key[]; /* zone, NUL, service */
};

struct feed {
	struct follow *follow;
	struct follow_place place;
	struct event *readable, *due;
	struct node **buckets;
	size_t bucket_n, node_n;
	int64_t revision, floor; /* of those that are not in the table */
	unsigned epoch;
	struct feed_waiter *any; /* wait for whatever changes */
	struct feed_listener *listeners;
	bool looking;
	int trouble; /* of the last look: -errno, and why */
	struct diag why;
};

/* ---- the table -------------------------------------------------------- */

static uint64_t hash_of(const char *zone, const char *service)
{
	uint64_t h = 14695981039346656037U;

	for (const char *p = service; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211U;
	h = (h ^ '/') * 1099511628211U;
	for (const char *p = zone; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211U;
	return h ^ h >> 32;
}

static const char *node_service(const struct node *n)
{
	return n->key + strlen(n->key) + 1;
}

static struct node *find(
    const struct feed *f, uint64_t hash, const char *zone, const char *service)
{
	struct node *n = f->buckets[hash & (f->bucket_n - 1)];

	while (n && (n->hash != hash || strcmp(n->key, zone) != 0 ||
	                strcmp(node_service(n), service) != 0))
		n = n->next;
	return n;
}

static void grow(struct feed *f)
{
	size_t bucket_n = 2 * f->bucket_n;
	struct node **buckets = xcalloc(bucket_n, sizeof(struct node *));

	for (size_t k = 0; k < f->bucket_n; k++) {
		struct node *n = f->buckets[k], *next;

		for (; n; n = next) {
			struct node **at = &buckets[n->hash & (bucket_n - 1)];

			next = n->next;
			n->next = *at;
			*at = n;
		}
	}
	free(f->buckets);
	f->buckets = buckets;
	f->bucket_n = bucket_n;
}

static struct node *need(struct feed *f, const char *zone, const char *service)
{
	uint64_t hash = hash_of(zone, service);
	struct node *n = find(f, hash, zone, service);
	size_t zone_len = strlen(zone) + 1, len = strlen(service) + 1;

	if (n)
		return n;
	if (f->node_n >= f->bucket_n)
		grow(f);
	n = xcalloc(1, sizeof(*n) + zone_len + len);
	n->hash = hash;
	memcpy(n->key, zone, zone_len);
	memcpy(n->key + zone_len, service, len);
	struct node **at = &f->buckets[hash & (f->bucket_n - 1)];

	n->next = *at;
	*at = n;
	f->node_n++;
	return n;
}

/* Those that nobody waits for, and all revisions. */
static void forget(struct feed *f)
{
	for (size_t k = 0; k < f->bucket_n; k++) {
		struct node **at = &f->buckets[k], *n;

		while ((n = *at)) {
			n->revision = 0;
			if (n->waiters) {
				at = &n->next;
				continue;
			}
			*at = n->next;
			free(n);
			f->node_n--;
		}
	}
}

/* ---- who waits -------------------------------------------------------- */

static void wake(struct feed_waiter **list)
{
	struct feed_waiter *w;
	struct feed_waiter *first = *list;

	/* who waits again while he is woken is not woken twice */
	*list = NULL;
	if (first)
		first->at = &first;
	while ((w = first)) {
		feed_leave(w);
		w->fn(w->arg);
	}
}

static void enlist(struct feed_waiter **list, struct feed_waiter *w)
{
	w->next = *list;
	w->at = list;
	if (w->next)
		w->next->at = &w->next;
	*list = w;
}

/* Of one list, for the table grows when somebody waits again. */
static void wake_all(struct feed *f)
{
	for (size_t k = 0; k < f->bucket_n; k++) {
		for (struct node *n = f->buckets[k]; n; n = n->next) {
			struct feed_waiter *w;

			while ((w = n->waiters)) {
				feed_leave(w);
				enlist(&f->any, w);
			}
		}
	}
	wake(&f->any);
}

void feed_wait(struct feed *f, struct feed_waiter *w, const char *zone,
    const char *service)
{
	enlist(service ? &need(f, zone, service)->waiters : &f->any, w);
}

void feed_leave(struct feed_waiter *w)
{
	if (!w->at)
		return;
	*w->at = w->next;
	if (w->next)
		w->next->at = w->at;
	w->next = NULL;
	w->at = NULL;
}

void feed_listen(struct feed *f, struct feed_listener *l)
{
	l->next = f->listeners;
	f->listeners = l;
}

static void tell(
    struct feed *f, int64_t revision, const char *zone, const char *service)
{
	for (struct feed_listener *l = f->listeners; l; l = l->next)
		l->fn(l->arg, revision, zone, service);
}

/* ---- what has changed ------------------------------------------------- */

struct batch {
	struct feed *feed;
	unsigned n;
	struct node *nodes[BATCH];
};

static void on_change(
    void *arg, int64_t revision, const char *zone, const char *service)
{
	struct batch *b = arg;
	struct node *n = need(b->feed, zone, service);

	n->revision = revision;
	b->nodes[b->n++] = n;
}

/*
 * What place is behind by. -ESTALE: it is of another past. Those who wait are
 * woken outside of the transaction, by the table as it is then.
 */
static int read_changes(struct feed *f, struct diag *reterr)
{
	struct batch b = { .feed = f };
	struct follow_place next = f->place;
	int error;

	do {
		b.n = 0;
		error = follow_begin(f->follow, &next, reterr);
		if (error < 0)
			return error;
		error =
		    registry_changes(follow_registry(f->follow), next.revision,
		        BATCH, on_change, &b, &next.revision, reterr);
		follow_end(f->follow);
		if (error < 0)
			return error;
		f->place = next;
		f->revision = next.revision;
		for (unsigned k = 0; k < b.n; k++) {
			struct node *n = b.nodes[k];

			tell(f, n->revision, n->key, node_service(n));
		}
		for (unsigned k = 0; k < b.n; k++)
			wake(&b.nodes[k]->waiters);
		if (b.n)
			wake(&f->any);
	} while (b.n == BATCH);
	return 0;
}

/* The log as far as it reaches back. */
static int read_log(struct feed *f, struct registry *r, struct diag *reterr)
{
	struct batch b = { .feed = f };
	int64_t at, end = f->place.revision;
	int error;

	f->floor = 0;
	error = registry_changes_from(r, &at, reterr);
	while (error == 0 && at < end) {
		int64_t before = at;

		b.n = 0;
		error =
		    registry_changes(r, at, BATCH, on_change, &b, &at, reterr);
		if (!f->floor)
			f->floor = before;
		if (at == before)
			break;
	}
	if (f->floor < 1)
		f->floor = 1;
	return error;
}

/* Everything anew; whoever waits is woken. */
static int begin(struct feed *f, struct diag *reterr)
{
	int error;

	f->place = (struct follow_place){ 0 };
	error = follow_begin(f->follow, &f->place, reterr);
	if (error < 0)
		return error;
	forget(f);
	error = read_log(f, follow_registry(f->follow), reterr);
	follow_end(f->follow);
	if (error < 0) {
		f->place = (struct follow_place){ 0 };
		return error;
	}
	f->revision = f->place.revision > 0 ? f->place.revision : 1;
	f->epoch++;
	tell(f, f->revision, NULL, NULL);
	wake_all(f);
	return 0;
}

static int catch_up(struct feed *f, struct diag *reterr)
{
	int error = follow_is_behind(f->follow, &f->place, reterr);

	if (error <= 0 && f->place.opening)
		return error;
	error = f->place.opening && f->node_n < NODES_MAX
	            ? read_changes(f, reterr)
	            : -ESTALE;
	return error == -ESTALE ? begin(f, reterr) : error;
}

static void set_due(struct feed *f)
{
	int64_t now_us = clock_read_ns(CLOCK_MONOTONIC) / 1000;
	int64_t wait_us = follow_due_us(f->follow) - now_us;

	if (wait_us < 0)
		wait_us = 0;
	const struct timeval wait = { .tv_sec = wait_us / 1000000,
		.tv_usec = wait_us % 1000000 };

	(void)evtimer_add(f->due, &wait);
}

static int look(struct feed *f, struct diag *reterr)
{
	struct diag why = { .text = "" };
	int error;

	if (f->looking) /* one of those that are woken asks */
		return follow_registry(f->follow) ? 0 : -EAGAIN;
	f->looking = true;
	error =
	    follow_look(f->follow, clock_read_ns(CLOCK_MONOTONIC) / 1000, &why);
	f->trouble = error;
	f->why = why;
	if (follow_registry(f->follow)) {
		error = catch_up(f, &why);
		if (error < 0) {
			follow_failed(f->follow, error);
			f->trouble = error;
			f->why = why;
		}
	}
	f->looking = false;
	set_due(f);
	return error < 0 ? diag_set(reterr, error, "%s", why.text) : 0;
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	struct feed *f = arg;

	(void)fd;
	(void)what;
	(void)look(f, NULL);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct feed *f = arg;

	(void)fd;
	(void)what;
	follow_notice(f->follow, clock_read_ns(CLOCK_MONOTONIC) / 1000);
	set_due(f);
}

void feed_hurry(struct feed *f)
{
	follow_hurry(f->follow);
	set_due(f);
}

struct registry *feed_registry(struct feed *f, struct diag *reterr)
{
	int error = look(f, reterr);
	struct registry *r = follow_registry(f->follow);

	if (!r && error == 0)
		(void)diag_set(reterr, -EAGAIN, "it is not open");
	return r;
}

int feed_trouble(struct feed *f, struct diag *reterr)
{
	(void)look(f, NULL);
	return f->trouble < 0 ? diag_set(reterr, f->trouble, "%s", f->why.text)
	                      : 0;
}

int64_t feed_revision(struct feed *f, const char *zone, const char *service)
{
	(void)look(f, NULL);
	if (!service)
		return f->revision > 1 ? f->revision : 1;
	const struct node *n = find(f, hash_of(zone, service), zone, service);

	if (n && n->revision)
		return n->revision;
	return f->floor > 1 ? f->floor : 1;
}

unsigned feed_epoch(const struct feed *f)
{
	return f->epoch;
}

struct feed *feed_new(struct event_base *base, const char *registry)
{
	struct feed *f = xcalloc(1, sizeof(*f));

	f->follow = follow_new(registry, REGISTRY_READ, LOOK_MS);
	f->bucket_n = BUCKETS_MIN;
	f->buckets = xcalloc(f->bucket_n, sizeof(struct node *));
	f->due = evtimer_new(base, on_due, f);
	if (!f->due)
		abort(); /* out of memory */
	if (follow_fd(f->follow) >= 0) {
		f->readable = event_new(base, follow_fd(f->follow),
		    EV_READ | EV_PERSIST, on_readable, f);
		if (!f->readable || event_add(f->readable, NULL) < 0)
			abort(); /* out of memory */
	}
	set_due(f);
	return f;
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	for (size_t k = 0; k < f->bucket_n; k++) {
		for (struct node *n = f->buckets[k], *next; n; n = next) {
			next = n->next;
			free(n);
		}
	}
	free(f->buckets);
	if (f->readable)
		event_free(f->readable);
	event_free(f->due);
	follow_free(f->follow);
	free(f);
}
