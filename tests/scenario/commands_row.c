// SPDX-License-Identifier: BSD-2-Clause
/* What a scenario says of the columns of one row. */
#include "commands.h"
#include "registrar/report/ports.h"

#include <stdlib.h>
#include <string.h>

struct seen {
	const char *instance;
	bool found;
	enum mode mode;
	int ramp_percent;
	enum drain_step step;
	struct arena *arena; /* of the rest, if it is asked for */
	struct service_row service;
	const char *ports; /* "dns=53/udp,88/tcp" */
};

static void on_service(void *arg, const struct service_row *row)
{
	struct seen *s = arg;

	if (!s->arena)
		return;
	s->service = (struct service_row){
		.protocol = arena_strdup(s->arena, row->protocol),
		.port = row->port,
		.port_name = row->port_name
		                 ? arena_strdup(s->arena, row->port_name)
		                 : NULL,
		.ports = row->ports ? arena_strdup(s->arena, row->ports) : NULL
	};
}

static void show_ports(struct seen *s, const struct instance_row *row)
{
	const struct port_list l = port_list_of(s->arena, &s->service, row);

	s->ports = "";
	for (unsigned k = 0; k < l.n; k++) {
		const struct port_row *p = &l.items[k];

		s->ports = arena_printf(s->arena, "%s%s%s%s%d/%s", s->ports,
		    k ? "," : "", p->name ? p->name : "", p->name ? "=" : "",
		    p->port, p->protocol);
	}
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct seen *s = arg;

	if (strcmp(row->name, s->instance) != 0)
		return;
	s->found = true;
	s->mode = row->mode;
	s->ramp_percent = row->ramp_percent;
	s->step = row->drain.step;
	if (s->arena)
		show_ports(s, row);
}

static void on_done(void *arg)
{
	(void)arg;
}

static struct seen see_in(
    struct world *w, const char *instance, struct arena *a)
{
	char *service;
	struct seen s = { .instance = world_split(w, instance, &service),
		.arena = a };
	const struct registry_visitor v = { on_service, on_instance, on_done,
		&s, NULL };
	struct registry *r;

	world_turn(w);
	r = world_look(w);
	(void)registry_read_service(r, "svc.test", service, &v, NULL);
	registry_close(r);
	free(service);
	if (!s.found)
		world_fail(w, "there is no row of '%s'", instance);
	return s;
}

static struct seen see(struct world *w, const char *instance)
{
	return see_in(w, instance, NULL);
}

/* ports SERVICE/INSTANCE NAME=N/PROTOCOL,... */
void cmd_ports(struct world *w, char *const *words, int n)
{
	struct arena *a = arena_new();
	const char *ports = see_in(w, words[1], a).ports;

	(void)n;
	if (strcmp(ports, words[2]) != 0) {
		world_fail(w, "'%s' has ports %s, expected %s", words[1], ports,
		    words[2]);
	}
	arena_free(a);
}

/* mode SERVICE/INSTANCE MODE: as an operator sets it */
void cmd_mode(struct world *w, char *const *words, int n)
{
	char *service;
	const char *name = world_split(w, words[1], &service);
	struct registry *r;
	struct diag why;
	enum mode m;

	(void)n;
	if (mode_parse(words[2], &m) < 0)
		world_fail(w, "'%s' is no mode", words[2]);
	world_turn(w);
	r = world_look(w);
	if (registry_put_mode(
	        r, "svc.test", service, name, m, world_wall_ms(w), &why) < 0)
		world_fail(w, "%s", why.text);
	registry_close(r);
	free(service);
}

/* is SERVICE/INSTANCE MODE */
void cmd_is(struct world *w, char *const *words, int n)
{
	const char *mode = mode_name(see(w, words[1]).mode);

	(void)n;
	if (strcmp(mode, words[2]) != 0) {
		world_fail(
		    w, "'%s' is %s, expected %s", words[1], mode, words[2]);
	}
}

/* ramp SERVICE/INSTANCE PERCENT; 0: all of its weight */
void cmd_ramp(struct world *w, char *const *words, int n)
{
	int percent = see(w, words[1]).ramp_percent;

	(void)n;
	if (percent != (int)strtol(words[2], NULL, 10)) {
		world_fail(w, "'%s' has %d %%, expected %s", words[1], percent,
		    words[2]);
	}
}

/* drain SERVICE/INSTANCE TTL: as an operator begins it */
void cmd_drain(struct world *w, char *const *words, int n)
{
	char *service;
	const char *name = world_split(w, words[1], &service);
	const struct drain_row d = { .step = DRAIN_WAITING,
		.until_wall_ms =
		    world_wall_ms(w) + world_duration(w, words[2]) };
	struct registry *r;
	struct diag why;

	(void)n;
	world_turn(w);
	r = world_look(w);
	if (registry_put_drain(
	        r, "svc.test", service, name, &d, world_wall_ms(w), &why) < 0)
		world_fail(w, "%s", why.text);
	registry_close(r);
	free(service);
}

/* drained SERVICE/INSTANCE STEP: how far the row says that it has come */
void cmd_step_of(struct world *w, char *const *words, int n)
{
	const char *step = drain_step_name(see(w, words[1]).step);

	(void)n;
	if (strcmp(step, words[2]) != 0) {
		world_fail(
		    w, "'%s' is %s, expected %s", words[1], step, words[2]);
	}
}

/* signals N: sent to processes since the beginning */
void cmd_signals(struct world *w, char *const *words, int n)
{
	(void)n;
	world_turn(w);
	if (w->signal_n != (unsigned)strtoul(words[1], NULL, 10)) {
		world_fail(w, "%u signals were sent, expected %s", w->signal_n,
		    words[1]);
	}
}
