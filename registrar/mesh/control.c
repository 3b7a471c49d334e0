// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/mesh/control.h"

#include "registrar/keeper/kept.h"
#include "registrar/mesh/haproxy/sidecar.h"
#include "registrar/mesh/rules.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/notify.h"
#include "schema/base/xalloc.h"
#include "schema/follow.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 20
#define TICK_MS 100
#define REST_MS 10 /* servers are told at once, all else together */
#define SIDECARS_MAX 1000
#define EVENTS_N 6

struct managed {
	char *zone, *name;
	struct sidecar *sidecar;
	bool wanted;
};

struct control {
	const struct registrar_options *o;
	struct event_base *base;
	struct follow *follow;
	struct mesh_model *model;
	struct event *readable, *look, *tick, *rest, *term, *interrupt;
	struct kept *kept;
	struct managed all[SIDECARS_MAX];
	unsigned n;
	int64_t settle_wall_ms; /* time alone decides anew; 0: never */
	bool is_ready;
	char last_error[DIAG_MAX];
};

static int64_t now_us(void)
{
	return clock_read_ns(CLOCK_MONOTONIC) / 1000;
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;

	(void)fd;
	(void)what;
	(void)event_base_loopbreak(c->base);
}

static void on_gone(void *arg)
{
	on_end(-1, 0, arg);
}

/* ---- which sidecars there are ------------------------------------------ */

static bool is_here(const struct mesh_service *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (!*s->instances[i].node)
			return true;
	}
	return false;
}

static void want(void *arg, struct mesh_service *s)
{
	struct control *c = arg;

	if (!s->in_mesh || s->broken || !s->policy.user || !is_here(s))
		return;
	for (unsigned i = 0; i < c->n; i++) {
		if (!strcmp(c->all[i].name, s->name) &&
		    !strcmp(c->all[i].zone, s->zone)) {
			c->all[i].wanted = true;
			return;
		}
	}
	if (c->n == SIDECARS_MAX)
		return;
	c->all[c->n++] = (struct managed){ xstrdup(s->zone), xstrdup(s->name),
		sidecar_new(c->base, c->o, c->model, s->zone, s->name), true };
}

static void drop(struct control *c, unsigned i)
{
	sidecar_free(c->all[i].sidecar);
	free(c->all[i].zone);
	free(c->all[i].name);
	c->all[i] = c->all[--c->n];
}

static void choose(struct control *c)
{
	for (unsigned i = 0; i < c->n; i++)
		c->all[i].wanted = false;
	mesh_model_each(c->model, want, c);
	for (unsigned i = c->n; i-- > 0;) {
		if (!c->all[i].wanted)
			drop(c, i);
	}
}

/* ---- changes ----------------------------------------------------------- */

static void settle(struct control *c, struct mesh_service *s)
{
	int64_t until = mesh_service_settle(s, clock_wall_ms());

	if (until && (!c->settle_wall_ms || until < c->settle_wall_ms))
		c->settle_wall_ms = until;
}

static void on_changed(void *arg, const char *zone, const char *name)
{
	struct control *c = arg;
	struct mesh_service *s = mesh_model_find(c->model, zone, name);

	if (s)
		settle(c, s);
	if (!event_pending(c->rest, EV_TIMEOUT, NULL)) {
		const struct timeval t = { .tv_usec = REST_MS * INT64_C(1000) };

		(void)event_add(c->rest, &t);
	}
	for (unsigned i = 0; c->is_ready && s && i < c->n; i++) {
		struct mesh_service *from =
		    mesh_model_find(c->model, c->all[i].zone, c->all[i].name);

		if (from && mesh_calls(from, s))
			sidecar_callee(c->all[i].sidecar, s);
	}
}

static void settle_each(void *arg, struct mesh_service *s)
{
	struct control *c = arg;

	if (s->in_mesh)
		settle(c, s);
}

static void update_all(struct control *c)
{
	choose(c);
	for (unsigned i = 0; i < c->n; i++)
		sidecar_update(c->all[i].sidecar);
}

static void on_rest(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	update_all(arg);
}

static void read_changes(struct control *c)
{
	struct diag why;
	int error = follow_look(c->follow, now_us(), &why);

	if (error == 0) {
		error =
		    mesh_model_read(c->model, c->follow, on_changed, c, &why);
	}
	if (error < 0 && strcmp(why.text, c->last_error) != 0) {
		log_warn("mesh: going on with what is known: %s", why.text);
		(void)snprintf(
		    c->last_error, sizeof(c->last_error), "%s", why.text);
	}
	if (error < 0) {
		if (error != -EAGAIN) {
			follow_failed(c->follow, error);
		}
		return;
	}
	*c->last_error = '\0';
	if (!c->is_ready) {
		c->is_ready = true;
		update_all(c);
		log_info(
		    "mesh: sidecars=%u directory='%s'", c->n, c->o->mesh_dir);
		notify_state("READY=1");
	}
}

static void set_look(struct control *c)
{
	int64_t in_us = follow_due_us(c->follow) - now_us();

	if (in_us < 0)
		in_us = 0;
	const struct timeval t = { .tv_sec = in_us / 1000000,
		.tv_usec = in_us % 1000000 };

	(void)event_add(c->look, &t);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;

	(void)fd;
	if (what & EV_READ)
		follow_notice(c->follow, now_us());
	if (follow_due_us(c->follow) <= now_us())
		read_changes(c);
	set_look(c);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;
	int64_t wall_ms = clock_wall_ms();

	(void)fd;
	(void)what;
	if (c->settle_wall_ms && wall_ms >= c->settle_wall_ms) {
		c->settle_wall_ms = 0;
		mesh_model_each(c->model, settle_each, c);
		for (unsigned i = 0; i < c->n; i++)
			sidecar_update(c->all[i].sidecar);
	}
	for (unsigned i = 0; i < c->n; i++)
		sidecar_tick(c->all[i].sidecar, clock_mono_ms(), wall_ms);
}

/* ---- the process ------------------------------------------------------- */

static int start(struct control *c, struct diag *reterr)
{
	const struct timeval tick = { .tv_usec = TICK_MS * INT64_C(1000) };
	struct sandbox s = { .mode = c->o->run.sandbox,
		.uses = SANDBOX_CONNECTS,
		.directory = c->o->mesh_dir };

	c->base = event_base_new();
	if (!c->base)
		return diag_set(reterr, -ENOMEM, "no event base");
	c->kept = kept_attach(c->base, on_gone, c);
	c->follow = follow_new(c->o->run.registry, REGISTRY_READ, LOOK_MS);
	c->model = mesh_model_new();
	c->term = evsignal_new(c->base, SIGTERM, on_end, c);
	c->interrupt = evsignal_new(c->base, SIGINT, on_end, c);
	(void)event_add(c->term, NULL);
	(void)event_add(c->interrupt, NULL);
	c->look = evtimer_new(c->base, on_look, c);
	c->rest = evtimer_new(c->base, on_rest, c);
	c->tick = event_new(c->base, -1, EV_PERSIST, on_tick, c);
	(void)event_add(c->tick, &tick);
	if (follow_fd(c->follow) >= 0) {
		c->readable = event_new(c->base, follow_fd(c->follow),
		    EV_READ | EV_PERSIST, on_look, c);
		(void)event_add(c->readable, NULL);
	}
	int error = sandbox_files(&s, c->o->run.registry, reterr);

	if (error == 0)
		error = sandbox_calls(&s, reterr);
	if (error == 0)
		sandbox_log(&s);
	return error;
}

static void stop(struct control *c)
{
	struct event *const events[] = { c->readable, c->look, c->tick, c->rest,
		c->term, c->interrupt };

	while (c->n)
		drop(c, c->n - 1);
	for (unsigned i = 0; i < EVENTS_N; i++) {
		if (events[i])
			event_free(events[i]);
	}
	kept_free(c->kept);
	mesh_model_free(c->model);
	follow_free(c->follow);
	if (c->base)
		event_base_free(c->base);
	free(c);
}

int control_main(const struct registrar_options *o)
{
	struct control *c = xcalloc(1, sizeof(*c));
	struct diag why;

	c->o = o;
	log_setup("registrar", o->run.log_level, o->run.log_format);
	int error = start(c, &why);

	if (error < 0) {
		log_error("mesh: %s", why.text);
	} else {
		follow_hurry(c->follow);
		set_look(c);
		(void)event_base_dispatch(c->base);
	}
	stop(c);
	return error < 0 ? 1 : 0;
}
