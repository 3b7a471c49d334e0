// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/registry/tracker.h"

#include "dnsd/registry/loader.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"
#include "schema/follow.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SAFETY_LOOK_MS = 20,
	BLANK_MS = 5000, /* a registrar writes to a new registry before */
};

struct tracker {
	const char *path;
	struct loader *loader;
	struct follow *follow;
	bool served;       /* some registry was loaded, once */
	int complaint;     /* the error that was logged last; 0: all is well */
	char trouble[256]; /* its text */
	char id[64];       /* of the registry that was loaded last */
	int64_t blank_ms;  /* another that is blank was seen first; 0: none */
	struct event *noticed, *due;
	struct tracker_gauges gauges;
};

static int64_t now_us(void)
{
	return clock_read_ns(CLOCK_MONOTONIC) / 1000;
}

/* One line for each new kind of trouble, one when it is over. */
static void complain(struct tracker *t, int error, const struct diag *why)
{
	if (t->complaint == error || error == -EAGAIN)
		return;
	t->complaint = error;
	(void)snprintf(t->trouble, sizeof(t->trouble), "%.250s", why->text);
	if (error == -ENOENT && !t->served) {
		log_warn("no registry '%s' yet; answering without services",
		    t->path);
		return;
	}
	log_warn("%s; answering %s", why->text,
	    t->served ? "with the last good data" : "without services");
}

/* why, which does not name the registry, gets that before it. */
static void complain_reading(struct tracker *t, int error, struct diag *why)
{
	follow_failed(t->follow, error);
	if (error == -ESTALE) /* it is opened again */
		return;
	(void)diag_prefix(why, error, "registry '%s'", t->path);
	complain(t, error, why);
}

/* The registry is as it should be; we are not. */
static void complain_of_memory(struct tracker *t)
{
	struct diag why;

	complain(t,
	    diag_set(&why, -ENOMEM,
	        "registry '%s': no memory for %u of its services: what was "
	        "known of them stays",
	        t->path, loader_refused_n(t->loader)),
	    &why);
}

static void content(struct tracker *t)
{
	if (t->complaint && t->served)
		log_info("registry '%s' is being followed again", t->path);
	t->complaint = 0;
	t->trouble[0] = '\0';
}

/* Of before it was read: what was served until now is not lost to this log. */
static void tell_setback(const struct tracker *t, int64_t before)
{
	int64_t now = loader_revision(t->loader);

	if (!t->served || now >= before ||
	    strcmp(t->id, registry_id(follow_registry(t->follow))) != 0)
		return;
	log_warn("registry '%s' went back from revision %lld to %lld: an older "
	         "copy took its place; answering with that",
	    t->path, (long long)before, (long long)now);
}

static void tell_loaded(struct tracker *t, int64_t start_ms, int64_t before)
{
	tell_setback(t, before);
	if (!t->served) /* what was said before is told by this */
		t->complaint = 0;
	t->served = true;
	(void)snprintf(t->id, sizeof(t->id), "%s",
	    registry_id(follow_registry(t->follow)));
	if (loader_refused_n(t->loader)) /* it is tried again and again */
		return;
	t->trouble[0] = '\0';
	if (registry_is_newer(follow_registry(t->follow))) {
		log_warn("registry '%s' was migrated by a newer Rollcall: what "
		         "is not known here is left out",
		    t->path);
	}
	log_info("registry '%s' loaded id=%s revision=%lld services=%zu "
	         "ms=%lld",
	    t->path, registry_id(follow_registry(t->follow)),
	    (long long)loader_revision(t->loader), loader_service_n(t->loader),
	    (long long)(clock_mono_ms() - start_ms));
}

/*
 * Between the moment at which a registrar makes a registry in the place of
 * another and its first commit nothing is known of what there is.
 */
static bool is_blank(struct tracker *t)
{
	struct registry *r = follow_registry(t->follow);
	int64_t revision, now_ms = clock_mono_ms();

	if (!t->served || !loader_service_n(t->loader) ||
	    !strcmp(t->id, registry_id(r)) ||
	    registry_revision(r, &revision) < 0 || revision > 0) {
		t->blank_ms = 0;
		return false;
	}
	if (!t->blank_ms)
		t->blank_ms = now_ms;
	return now_ms - t->blank_ms < BLANK_MS;
}

static int take_up(struct tracker *t, struct diag *reterr)
{
	int64_t start_ns = clock_read_ns(CLOCK_MONOTONIC);
	int64_t before = loader_revision(t->loader);
	bool all = false;

	if (is_blank(t))
		return 0;
	int error = loader_load(t->loader, t->follow, &all, reterr);

	if (!error && all)
		tell_loaded(t, start_ns / 1000000, before);
	if (all || loader_revision(t->loader) != before) {
		histogram_add(&t->gauges.taking_up,
		    clock_read_ns(CLOCK_MONOTONIC) - start_ns, 1);
	}
	return error;
}

static void gauge(struct tracker *t)
{
	struct tracker_gauges *g = &t->gauges;

	atomic_store(&g->in_trouble, t->complaint != 0);
	if (!t->complaint)
		atomic_store(&g->right_ms, clock_mono_ms());
	atomic_store(&g->revision, t->served ? loader_revision(t->loader) : 0);
	atomic_store(&g->service_n, loader_service_n(t->loader));
	atomic_store(&g->served, t->served);
}

/* Reading what is open goes well; that is no news while it is not path. */
static void look(struct tracker *t)
{
	struct diag why, reading;
	int error = follow_look(t->follow, now_us(), &why);
	int trouble = 0;

	if (error)
		complain(t, error, &why);
	if (follow_registry(t->follow))
		trouble = take_up(t, &reading);
	if (trouble) {
		complain_reading(t, trouble, &reading);
	} else if (loader_refused_n(t->loader)) {
		complain_of_memory(t);
	} else if (!error) {
		content(t);
	}
	gauge(t);
	loader_reclaim(t->loader);
}

/* ---- when to look ----------------------------------------------------- */

static void look_and_wait(struct tracker *t)
{
	look(t);
	int64_t us = follow_due_us(t->follow) - now_us();

	if (us < 0)
		us = 0;
	const struct timeval wait = { us / 1000000, us % 1000000 };
	event_add(t->due, &wait);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look_and_wait(arg);
}

static void on_noticed(evutil_socket_t fd, short what, void *arg)
{
	struct tracker *t = arg;

	(void)fd;
	(void)what;
	follow_notice(t->follow, now_us());
	if (follow_due_us(t->follow) <= now_us())
		look_and_wait(t);
}

struct tracker_state tracker_state(const struct tracker *t)
{
	return (struct tracker_state){ .id = t->id,
		.revision = t->served ? loader_revision(t->loader) : -1,
		.trouble = t->trouble };
}

const struct tracker_gauges *tracker_gauges(const struct tracker *t)
{
	return &t->gauges;
}

void tracker_look(struct tracker *t)
{
	follow_hurry(t->follow);
	look_and_wait(t);
}

/* ---- life ------------------------------------------------------------- */

struct tracker *tracker_new(
    struct event_base *base, const char *path, struct loader *l)
{
	struct tracker *t = xcalloc(1, sizeof(*t));

	t->path = path;
	t->loader = l;
	t->follow = follow_new(path, REGISTRY_READ, SAFETY_LOOK_MS);
	t->due = evtimer_new(base, on_due, t);
	if (follow_fd(t->follow) >= 0) {
		t->noticed = event_new(base, follow_fd(t->follow),
		    EV_READ | EV_PERSIST, on_noticed, t);
		event_add(t->noticed, NULL);
	} else {
		log_warn(
		    "no inotify, changes take up to %d ms", SAFETY_LOOK_MS);
	}
	look_and_wait(t);
	return t;
}

void tracker_free(struct tracker *t)
{
	if (!t)
		return;
	if (t->noticed)
		event_free(t->noticed);
	event_free(t->due);
	follow_free(t->follow);
	free(t);
}
