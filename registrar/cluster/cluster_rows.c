// SPDX-License-Identifier: BSD-2-Clause
/*
 * The registry: what changes in it is read and told, what others say is
 * written. A file that takes its place is read from its beginning, and gets
 * all that others say again.
 */
#include "registrar/cluster/cluster_impl.h"
#include "registrar/lib/json.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"
#include "schema/owner.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 20
#define BUSY_MS 3 /* another writes: again after that */
#define BROKEN_MS 200

static int64_t now(const struct cluster *c)
{
	return timers_now(c->timers);
}

static void read_changes(struct cluster *c);

/* ---- what is read ------------------------------------------------------ */

static void on_all(void *arg)
{
	struct cluster *c = arg;

	own_all_begin(c->own);
	others_rows_begin(c->others);
}

static void on_all_done(void *arg)
{
	struct cluster *c = arg;

	own_all_end(c->own);
	others_rows_end(c->others);
}

static void on_service(void *arg, const struct service_row *row)
{
	struct cluster *c = arg;

	own_service(c->own, row);
	if (*row->node)
		others_service_row(c->others, row);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct cluster *c = arg;

	if (*row->node) {
		others_row(c->others, row);
	} else {
		own_instance(c->own, row, clock_wall_ms());
	}
}

static void on_done(void *arg)
{
	struct cluster *c = arg;

	own_service_end(c->own);
}

static void on_gone(void *arg, const char *zone, const char *service)
{
	struct cluster *c = arg;

	own_gone(c->own, zone, service);
}

static void on_pause(void *arg, int64_t revision)
{
	(void)arg;
	(void)revision;
}

static struct follow_reader reader_of(struct cluster *c)
{
	return (struct follow_reader){ .all = on_all,
		.all_done = on_all_done,
		.gone = on_gone,
		.pause = on_pause,
		.visitor = { .service = on_service,
		    .instance = on_instance,
		    .done = on_done,
		    .broken = registry_pass_over,
		    .arg = c },
		.arg = c };
}

static void on_own_claim(void *arg, const struct service_row *row)
{
	struct cluster *c = arg;

	own_claim(c->own, row);
}

static void want_claim(void *arg, const char *zone, const char *service)
{
	struct cluster *c = arg;

	(void)registry_read_own_service(
	    follow_registry(c->follow), zone, service, on_own_claim, c, NULL);
}

static void on_lost(void *arg, const char *rest)
{
	struct cluster *c = arg;

	others_look_again(c->others, rest);
}

static void on_due_service(void *arg, const char *zone, const char *service)
{
	struct cluster *c = arg;
	const struct follow_reader reader = reader_of(c);

	(void)follow_read_service(
	    c->follow, &c->place, zone, service, &reader, NULL);
}

static void on_due(void *arg)
{
	struct cluster *c = arg;

	own_each_due(c->own, clock_wall_ms(), on_due_service, c);
	read_changes(c);
}

/* ---- wishes of operators here ------------------------------------------ */

struct wish {
	struct cluster *c;
	struct arena *arena;
	char *key, *text;
	const char *by, *why;
	int64_t at_wall_ms;
};

static int64_t left_ms(int64_t until_wall_ms)
{
	int64_t ms = until_wall_ms - clock_wall_ms();

	if (!until_wall_ms)
		return 0;
	return ms > 0 ? ms : 1;
}

static void on_wished(void *arg, const struct instance_row *row)
{
	struct wish *w = arg;
	const struct record_wish wish = { .mode = row->mode,
		.is_overridden = row->is_overridden,
		.weight_override = row->weight_override,
		.at_wall_ms = w->at_wall_ms,
		.drain_left_ms = left_ms(row->drain.until_wall_ms),
		.deadline_left_ms = left_ms(row->drain.deadline_wall_ms),
		.from = w->c->options->node,
		.by = w->by,
		.why = w->why };

	if (!*row->node)
		return;
	w->key = xasprintf("%s%s/%s/%s/%s", RECORD_WISHES,
	    record_node(w->arena, row->node), row->zone, row->service,
	    row->name);
	w->text = record_of_wish(&wish);
}

/* The newest that somebody said when he did it. */
static void on_history(void *arg, const struct history_row *row)
{
	struct wish *w = arg;

	if (w->by || !row->was || !row->now ||
	    strncmp(row->source, "command/", 8) != 0)
		return;
	w->by = arena_strdup(w->arena, row->source);
	w->why = row->reason ? arena_strdup(w->arena, row->reason) : NULL;
}

struct wishes {
	struct cluster *c;
	json_t *names; /* "ZONE/SERVICE/NAME" -> when */
};

static void on_wish(void *arg, const char *zone, const char *service,
    const char *instance, int64_t at_wall_ms)
{
	struct wishes *w = arg;
	char *rest = xasprintf("%s/%s/%s", zone, service, instance);

	json_set(w->names, rest, json_must(json_integer(at_wall_ms)));
	free(rest);
}

static void pass_check(void *arg, const struct check_row *row)
{
	(void)arg;
	(void)row;
}

static void tell_wish(struct cluster *c, const char *rest, int64_t at_wall_ms)
{
	struct wish w = {
		.c = c, .arena = arena_new(), .at_wall_ms = at_wall_ms
	};
	struct registry *r = follow_registry(c->follow);
	struct record_name n;

	if (record_name_parse(rest, true, &n) == 0) {
		(void)registry_read_history(
		    r, n.zone, n.service, 20, on_history, &w, NULL);
		(void)registry_read_instance(r, n.zone, n.service, n.name,
		    on_wished, pass_check, &w, NULL);
	}
	if (w.key)
		own_extra(c->own, w.key, w.text);
	free(w.key);
	free(w.text);
	arena_free(w.arena);
}

static void tell_wishes(struct cluster *c)
{
	struct wishes w = { .c = c, .names = json_must(json_object()) };
	const char *rest;
	json_t *v;

	(void)registry_read_wishes(
	    follow_registry(c->follow), on_wish, &w, NULL);
	json_object_foreach(w.names, rest, v)
	{
		tell_wish(c, rest, json_integer_value(v));
	}
	json_decref(w.names);
}

/* ---- following --------------------------------------------------------- */

static void trouble(struct cluster *c, int error, const char *why)
{
	if (error == -EBUSY)
		return;
	if (strcmp(c->trouble, why) != 0)
		log_error("registry: %s", why);
	(void)snprintf(c->trouble, sizeof(c->trouble), "%s", why);
}

static void set_due(struct cluster *c)
{
	int64_t due = own_due_wall_ms(c->own), wall = clock_wall_ms();

	if (due < 0) {
		timer_cancel(c->timers, &c->due);
	} else {
		timer_set(c->timers, &c->due,
		    now(c) + (due > wall ? due - wall : 0) + 1);
	}
}

static void read_changes(struct cluster *c)
{
	const struct follow_reader reader = reader_of(c);
	struct registry *r = follow_registry(c->follow);
	struct diag why;
	int error = follow_is_behind(c->follow, &c->place, &why);

	if (error > 0) {
		error = follow_read(c->follow, &c->place, &reader, &why);
		if (error < 0) {
			trouble(c, error, why.text);
			follow_failed(c->follow, error);
			return;
		}
		*c->trouble = '\0';
		c->has_rows = true;
		own_each_claim(c->own, want_claim, c);
		own_each_lost(c->own, on_lost, c);
		tell_wishes(c);
		set_due(c);
	} else if (error == 0 && r && !c->has_rows) {
		/* an empty one */
		on_all(c);
		on_all_done(c);
		c->has_rows = true;
	}
	lease_put_soon(c);
	rows_apply_soon(c);
}

static void set_look(struct cluster *c)
{
	int64_t wait_us =
	    follow_due_us(c->follow) - clock_read_ns(CLOCK_MONOTONIC) / 1000;
	if (wait_us < 0)
		wait_us = 0;
	const struct timeval wait = { .tv_sec = wait_us / 1000000,
		.tv_usec = wait_us % 1000000 };

	(void)evtimer_add(c->look, &wait);
}

static void look(struct cluster *c)
{
	struct diag why;
	int error =
	    follow_look(c->follow, clock_read_ns(CLOCK_MONOTONIC) / 1000, &why);

	if (error < 0 && error != -ENOENT)
		trouble(c, error, why.text);
	if (follow_registry(c->follow))
		read_changes(c);
	set_look(c);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
}

static void on_noticed(evutil_socket_t fd, short what, void *arg)
{
	struct cluster *c = arg;

	(void)fd;
	(void)what;
	follow_notice(c->follow, clock_read_ns(CLOCK_MONOTONIC) / 1000);
	set_look(c);
}

/* ---- writing ----------------------------------------------------------- */

static int take_wish(
    struct registry *r, const char *rest, const char *text, struct diag *reterr)
{
	struct arena *a = arena_new();
	struct record_wish w;
	struct record_name n;
	struct row_owner owner;
	int64_t wall = clock_wall_ms();
	int error = record_to_wish(text, a, &w);

	if (error == 0)
		error = record_name_parse(rest, true, &n);
	if (error == 0) {
		error = registry_read_owner(
		    r, n.zone, n.service, n.name, &owner, reterr);
	}
	if (error == 0 && *owner.node)
		error = -ENOENT; /* it is not ours */
	if (error == 0 && w.mode == MODE_DRAINING) {
		struct drain_row d = { .step = DRAIN_WAITING,
			.until_wall_ms = wall + w.drain_left_ms,
			.deadline_wall_ms = w.deadline_left_ms
			                        ? wall + w.deadline_left_ms
			                        : 0 };

		error = registry_put_drain(
		    r, n.zone, n.service, n.name, &d, wall, reterr);
	} else if (error == 0) {
		error = registry_put_mode(
		    r, n.zone, n.service, n.name, w.mode, wall, reterr);
	}
	if (error == 0) {
		error = registry_put_weight(r, n.zone, n.service, n.name,
		    w.is_overridden ? w.weight_override : ROW_DEFAULT, reterr);
	}
	if (error == 0) {
		error = registry_put_note(r, n.zone, n.service, n.name,
		    arena_printf(a, "%.100s of %.100s",
		        w.by ? w.by : "somebody", w.from ? w.from : "?"),
		    w.why, wall, reterr);
	}
	arena_free(a);
	/* what cannot be is heard, too */
	return error == -EINVAL || error == -ENOENT ? 0 : error;
}

/* "ZONE/SERVICE/NAME" of the key of a wish. */
static const char *rest_of(const char *key)
{
	const char *slash = strchr(key + strlen(RECORD_WISHES), '/');

	return slash ? slash + 1 : "";
}

static char *ack_of(const char *text)
{
	struct arena *a = arena_new();
	struct record_wish w = { .at_wall_ms = 0 };
	json_t *o = json_must(json_object());

	(void)record_to_wish(text, a, &w);
	json_set(o, "acked", json_must(json_integer(w.at_wall_ms)));
	char *ack = json_dumps(o, JSON_COMPACT);

	json_must(ack ? o : NULL);
	json_decref(o);
	arena_free(a);
	return ack;
}

static int take_inbox(
    struct cluster *c, struct registry *r, struct diag *reterr)
{
	const char *key, *rest;
	json_t *v;
	int error = 0;

	json_object_foreach(c->inbox, key, v)
	{
		error = take_wish(
		    r, key + strlen(c->wish_key), json_string_value(v), reterr);
		if (error < 0)
			return error;
	}
	json_object_foreach(c->acked, key, v)
	{
		struct record_name n;

		rest = rest_of(key);
		if (record_name_parse(rest, true, &n) == 0) {
			error = registry_withdraw_wish(r, n.zone, n.service,
			    n.name, json_integer_value(v), reterr);
		}
		if (error < 0)
			return error;
	}
	return 0;
}

/* Committed: whoever wished is told, and what he told goes. */
static void settle_inbox(struct cluster *c)
{
	const char *key;
	json_t *v;

	/* the record that says so comes before the word that it was done */
	read_changes(c);
	json_object_foreach(c->inbox, key, v)
	{
		char *ack = ack_of(json_string_value(v));

		own_extra(c->own, key, ack);
		free(ack);
	}
	(void)json_object_clear(c->inbox);
	json_object_foreach(c->acked, key, v)
	{
		own_extra(c->own, key, NULL);
		others_look_again(c->others, rest_of(key));
	}
	(void)json_object_clear(c->acked);
	lease_put_soon(c);
}

static int write_inbox(struct cluster *c, struct registry *r, struct diag *why)
{
	int error;

	if (!json_object_size(c->inbox) && !json_object_size(c->acked))
		return 0;
	if ((error = registry_begin(r, 0, why)) < 0)
		return error;
	error = take_inbox(c, r, why);
	if (error == 0)
		error = registry_commit(r, why);
	registry_rollback(r);
	if (error == 0)
		settle_inbox(c);
	return error;
}

static void on_apply(void *arg)
{
	struct cluster *c = arg;
	struct registry *r = follow_registry(c->follow);
	struct diag why = { 0 };
	int error;

	if (!r || !c->has_rows)
		return;
	error = write_inbox(c, r, &why);
	if (error == 0 && others_wait(c->others, now(c))) {
		error = others_apply(
		    c->others, r, clock_wall_ms(), clock_mono_ms, &why);
	}
	if (error < 0 && error != -EBUSY) {
		trouble(c, error, why.text);
		follow_failed(c->follow, error);
	}
	if (error < 0) {
		timer_set(c->timers, &c->apply,
		    now(c) + (error == -EBUSY ? BUSY_MS : BROKEN_MS));
		return;
	}
	int64_t due = others_due_ms(c->others);

	if (others_wait(c->others, now(c))) {
		timer_set(c->timers, &c->apply, now(c));
	} else if (due >= 0) {
		timer_set(
		    c->timers, &c->apply, due > now(c) ? due : now(c) + 1);
	}
}

void rows_apply_soon(struct cluster *c)
{
	timer_set(c->timers, &c->apply, now(c));
}

/* ---- life -------------------------------------------------------------- */

int rows_start(struct cluster *c, struct diag *reterr)
{
	int64_t us = clock_read_ns(CLOCK_MONOTONIC) / 1000;
	struct registry *r;
	int error;

	c->follow =
	    follow_new(c->options->registry, REGISTRY_WRITE_NOWAIT, LOOK_MS);
	error = follow_look(c->follow, us, reterr);
	r = follow_registry(c->follow);
	if (error < 0 || !r)
		return error < 0 ? error : -ENOENT;
	(void)snprintf(
	    c->registry_id, sizeof(c->registry_id), "%s", registry_id(r));
	rows_tell_start(c, r);
	c->look = evtimer_new(c->base, on_look, c);
	c->noticed = event_new(
	    c->base, follow_fd(c->follow), EV_READ | EV_PERSIST, on_noticed, c);
	if (!c->look || !c->noticed)
		abort(); /* out of memory */
	if (follow_fd(c->follow) >= 0)
		(void)event_add(c->noticed, NULL);
	timer_init(&c->apply, on_apply, c);
	timer_init(&c->due, on_due, c);
	look(c);
	return 0;
}

void rows_stop(struct cluster *c)
{
	if (c->look) {
		timer_cancel(c->timers, &c->apply);
		timer_cancel(c->timers, &c->tell);
		timer_cancel(c->timers, &c->due);
		event_free(c->look);
		event_free(c->noticed);
	}
	follow_free(c->follow);
}
