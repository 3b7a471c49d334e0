// SPDX-License-Identifier: BSD-2-Clause
/*
 * The process itself is cluster/. The other actions go through the registry,
 * which it reads and writes: `leave` and `drop` are words in rows of member
 * that it takes up.
 */
#include "registrar/command/commands.h"
#include "registrar/lib/json.h"
#include "registrar/lib/wall.h"
#include "registrar/report/status.h"
#include "schema/base/clock.h"
#include "schema/member.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LEAVE_MS 5000
#define LOOK_MS 50

static int run(const struct registrar_options *o)
{
	struct cluster_options c = o->run.cluster;

	c.registry = o->run.registry;
	c.node = o->run.node;
	c.sandbox = o->run.sandbox;
	log_setup("registrar cluster", o->run.log_level, o->run.log_format);
	return cluster_main(&c);
}

/* ---- status ------------------------------------------------------------ */

struct shown {
	struct arena *arena;
	int64_t now_wall_ms;
	json_t *json; /* NULL: text */
	bool any, bad;
};

static bool is_well(const char *state)
{
	return !strcmp(state, "member") || !strcmp(state, "alive");
}

static void show_json(struct shown *s, const struct member_row *row)
{
	json_t *o = json_must(json_object());

	json_set(o, "host", json_text(row->node));
	json_set(o, "state", json_text(row->state));
	json_set(o, "text", json_text(row->text));
	json_set(
	    o, "since_wall_ms", json_must(json_integer(row->since_wall_ms)));
	json_set(
	    o, "heard_wall_ms", json_must(json_integer(row->heard_wall_ms)));
	json_set(o, "instances", json_must(json_integer(row->instance_n)));
	json_array_append_new(s->json, o);
}

static void on_member(void *arg, const struct member_row *row)
{
	struct shown *s = arg;

	s->any = true;
	s->bad |= !is_well(row->state) || *row->text;
	if (s->json) {
		show_json(s, row);
		return;
	}
	(void)printf("%-20s %-8s %6d instances, heard %s%s%s",
	    *row->node ? row->node : "(this host)", row->state,
	    row->instance_n > 0 ? row->instance_n : 0,
	    row->heard_wall_ms
	        ? wall_since(s->arena, s->now_wall_ms, row->heard_wall_ms)
	        : "never",
	    row->heard_wall_ms ? " ago" : "", *row->text ? ": " : "");
	status_put_safe(stdout, row->text, 0);
	(void)fputc('\n', stdout);
}

static int status(const struct registrar_options *o, struct diag *why)
{
	struct shown s = { .arena = arena_new(),
		.now_wall_ms = clock_wall_ms(),
		.json = o->json ? json_must(json_array()) : NULL };
	struct registry *r;
	int error = registry_open(o->run.registry, REGISTRY_READ, &r, why);

	if (error == 0) {
		error = registry_read_members(r, on_member, &s, why);
		registry_close(r);
	}
	if (error == 0 && s.json) {
		(void)json_dumpf(s.json, stdout, JSON_INDENT(2));
		(void)fputc('\n', stdout);
	} else if (error == 0 && !s.any) {
		(void)puts("this host is in no cluster");
	}
	json_decref(s.json);
	arena_free(s.arena);
	if (error < 0)
		return error;
	return s.bad ? EXIT_UNHEALTHY : EXIT_DONE;
}

/* ---- leave, drop ------------------------------------------------------- */

struct seen {
	const char *node;
	char state[16];
	int instance_n;
};

static void on_seen(void *arg, const struct member_row *row)
{
	struct seen *s = arg;

	if (strcmp(row->node, s->node) != 0)
		return;
	(void)snprintf(s->state, sizeof(s->state), "%s", row->state);
	s->instance_n = row->instance_n;
}

static int see(struct registry *r, struct seen *s, struct diag *why)
{
	*s->state = '\0';
	return registry_read_members(r, on_seen, s, why);
}

static int say(
    struct registry *r, const char *node, const char *state, struct diag *why)
{
	int64_t now = clock_wall_ms();
	const struct member_row row = { .node = node,
		.state = state,
		.text = "",
		.since_wall_ms = now,
		.heard_wall_ms = now };

	return registry_put_member(r, &row, why);
}

static void pause_ms(long ms)
{
	struct timespec left = { .tv_nsec = ms * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static int drop(
    const struct registrar_options *o, const char *node, struct diag *why)
{
	struct seen s = { .node = node };
	struct registry *r;
	int error = registry_open(o->run.registry, REGISTRY_WRITE, &r, why);

	if (error < 0)
		return error;
	error = see(r, &s, why);
	if (error == 0 && (!*node || !*s.state)) {
		error = diag_set(why, -EINVAL,
		    "found no host '%s' in the cluster, expected one that "
		    "`registrar cluster status` shows",
		    node);
	} else if (error == 0 && !strcmp(s.state, "alive")) {
		error = diag_set(why, -EINVAL,
		    "host '%s' is alive: its instances are its own to take "
		    "back",
		    node);
	}
	if (error == 0)
		error = say(r, node, "dropped", why);
	registry_close(r);
	if (error == 0)
		(void)printf("%s: dropped\n", node);
	return error;
}

/* The process does it, as it has the lease; here is waited for it. */
static int leave(const struct registrar_options *o, struct diag *why)
{
	struct seen s = { .node = "" };
	struct registry *r;
	int error = registry_open(o->run.registry, REGISTRY_WRITE, &r, why);

	if (error < 0)
		return error;
	error = see(r, &s, why);
	if (error == 0 && !*s.state)
		error = diag_set(why, -EINVAL, "this host is in no cluster");
	if (error == 0)
		error = say(r, "", "left", why);
	for (int ms = 0; error == 0 && ms < LEAVE_MS; ms += LOOK_MS) {
		pause_ms(LOOK_MS);
		error = see(r, &s, why);
		if (error == 0 && s.instance_n < 0)
			break;
	}
	if (error == 0 && s.instance_n >= 0) {
		error = diag_set(why, -ETIMEDOUT,
		    "nobody has taken back what this host has put: is "
		    "`registrar cluster` running?");
	}
	registry_close(r);
	if (error == 0)
		(void)puts("left");
	return error;
}

int command_cluster(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	const char *action = rest->n ? rest->items[0] : NULL;
	struct diag why;
	int error;

	if (!action)
		return run(o);
	if (!strcmp(action, "status") && rest->n == 1) {
		error = status(o, &why);
		if (error >= 0)
			return error;
	} else if (!strcmp(action, "leave") && rest->n == 1) {
		error = leave(o, &why);
	} else if (!strcmp(action, "drop") && rest->n == 2) {
		error = drop(o, rest->items[1], &why);
	} else {
		error = diag_set(&why, -EINVAL,
		    "found '%s', expected status, leave or drop HOST", action);
	}
	if (error == 0)
		return EXIT_DONE;
	(void)fprintf(stderr, "registrar: %s\n", why.text);
	return error == -EINVAL ? EXIT_WRONG : EXIT_FAILED;
}
