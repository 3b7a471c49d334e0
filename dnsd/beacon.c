// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/beacon.h"

#include "dnsd/message/data/catalog.h"
#include "dnsd/options.h"
#include "dnsd/registry/tracker.h"
#include "schema/base/arena.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/version.h"
#include "schema/base/xalloc.h"
#include "schema/dnsd_status.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 50 /* for trouble that came or went */ };

struct beacon {
	const struct options *options;
	struct catalog *catalog;
	const struct tracker *tracker;
	uint64_t pid_space;
	int64_t started_wall_ms;
	struct event again;
	int64_t written_ms; /* at this time of the other clock */
	char *pulse_path;
	int pulse; /* -1: there is none, yet */
	int64_t pulse_ms;
	char trouble[256]; /* as it was written */
	int complaint;     /* the error that was logged last; 0: all is well */
};

static void add_addresses(struct dnsd_status *s, struct arena *a,
    const struct conf_strings *from, const char *behind)
{
	for (unsigned i = 0;
	     i < from->n && s->address_n < DNSD_STATUS_ADDRESSES_MAX; i++) {
		s->addresses[s->address_n++] =
		    arena_printf(a, "%s%s", from->items[i], behind);
	}
}

struct listing {
	struct dnsd_status *s;
	struct arena *arena;
};

static void add_zone(void *arg, struct zone *z)
{
	struct listing *l = arg;
	struct dnsd_status *s = l->s;
	char name[DNAME_TEXT_MAX];

	if (!zone_follows(z) || s->zone_n == DNSD_STATUS_ZONES_MAX) {
		s->other_n++;
		return;
	}
	dname_to_text(z->name.lower, name);
	size_t len = strlen(name);
	if (len > 1)
		name[len - 1] = '\0'; /* rows have no final dot */
	s->zones[s->zone_n++] = (struct dnsd_status_zone){
		.name = arena_strdup(l->arena, name),
		.publication =
		    atomic_load_explicit(&z->serial, memory_order_relaxed),
	};
}

static void write_status(struct beacon *b, int64_t ended_wall_ms)
{
	struct arena *a = arena_new();
	struct tracker_state registry = tracker_state(b->tracker);
	struct dnsd_status s = { .pid = (int)getpid(),
		.pid_space = b->pid_space,
		.version = ROLLCALL_VERSION,
		.started_wall_ms = b->started_wall_ms,
		.written_wall_ms = clock_wall_ms(),
		.ended_wall_ms = ended_wall_ms,
		.registry_id = registry.id,
		.revision = registry.revision,
		.trouble = registry.trouble };
	struct listing l = { &s, a };
	char last[LOG_LAST_MAX];
	struct diag why;

	s.last_error_wall_ms = log_last(last);
	s.last_error = last;
	s.zones = arena_alloc(a, DNSD_STATUS_ZONES_MAX, sizeof(*s.zones));
	add_addresses(&s, a, &b->options->listen, "");
	add_addresses(&s, a, &b->options->listen_tls, " tls");
	catalog_each_zone(b->catalog, add_zone, &l);
	int error = dnsd_status_write(b->options->registry, &s, &why);

	b->written_ms = clock_mono_ms();
	(void)snprintf(b->trouble, sizeof(b->trouble), "%s", s.trouble);

	if (error && error != b->complaint) {
		log_info("%s; `registrar status` cannot tell what is served",
		    why.text);
	}
	b->complaint = error;
	arena_free(a);
}

/* Nobody else is there at that address, but for one that still ends. */
static void take_pulse(struct beacon *b)
{
	int error = pulse_take(b->pulse_path, &b->pulse);

	if (error == 0) {
		pulse_tell(b->pulse, "");
	} else if (b->pulse >= 0) {
		(void)close(b->pulse);
		b->pulse = -1;
	}
}

static void beat(struct beacon *b)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms - b->pulse_ms < PULSE_EVERY_MS)
		return;
	b->pulse_ms = now_ms;
	if (b->pulse < 0)
		take_pulse(b);
	pulse_beat(b->pulse);
}

/* Trouble comes and goes between two times: told at once, or nearly so. */
static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct beacon *b = arg;
	int64_t late_ms = clock_mono_ms() - b->written_ms;

	(void)fd;
	(void)what;
	beat(b);
	if (late_ms >= DNSD_STATUS_EVERY_MS ||
	    strncmp(tracker_state(b->tracker).trouble, b->trouble,
	        sizeof(b->trouble) - 1) != 0)
		write_status(b, 0);
}

static const char *first_address(const struct options *o)
{
	if (o->listen.n)
		return o->listen.items[0];
	return o->listen_tls.n ? o->listen_tls.items[0] : "none";
}

struct beacon *beacon_new(struct event_base *base, const struct options *o,
    struct catalog *c, const struct tracker *t)
{
	struct timeval every = { 0, LOOK_MS * 1000L };
	struct beacon *b = xcalloc(1, sizeof(*b));

	b->options = o;
	b->catalog = c;
	b->tracker = t;
	b->pid_space = dnsd_status_pid_space();
	b->started_wall_ms = clock_wall_ms();
	event_assign(&b->again, base, -1, EV_PERSIST, on_again, b);
	event_add(&b->again, &every);
	b->pulse = -1;
	b->pulse_path = dnsd_status_pulse_path(o->registry, first_address(o));
	write_status(b, 0);
	return b;
}

void beacon_free(struct beacon *b)
{
	if (!b)
		return;
	event_del(&b->again);
	write_status(b, clock_wall_ms());
	if (b->pulse >= 0)
		(void)close(b->pulse);
	free(b->pulse_path);
	free(b);
}

void beacon_tell(struct beacon *b)
{
	write_status(b, 0);
}
