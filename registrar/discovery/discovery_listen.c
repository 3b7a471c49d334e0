// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ports that somebody listens on, as the kernel lists them: one list for each
 * set, ten times a second, but never more than a twentieth of a processor. Who
 * holds a port is seen by the watch of its instance, and so is its end.
 */
#include "registrar/discovery/discovery_impl.h"
#include "registrar/lib/sockets.h"
#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MS 100
#define SHARE 20 /* of the time that looking may take */

struct listen_source {
	struct each_set *set;
	struct socket_spec *specs; /* of set->spec->ports */
	struct timer next;
	bool failed; /* and the log says so */
};

static void put(const struct listen_source *ls, unsigned n, int port)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", port);
	if (each_set_had(ls->set, number))
		return; /* one instance for a port: what was listed first */
	/* "ADDRESS:8000-8099/udp", of which one port is meant */
	const char *text = ls->set->spec->ports.items[n];
	const char *colon = strrchr(text, ':');
	scoped_free char *what =
	    xasprintf("%.*s%d%s", colon ? (int)(colon + 1 - text) : 0, text,
	        port, ls->specs[n].udp ? "/udp" : "");
	struct conf_pair var = { "port", number };
	const struct each_found found = {
		.port = port,
		.process = { PROCESS_LISTENING, what },
		.vars = { .items = &var, .n = 1 },
	};

	each_set_put(ls->set, number, &found);
}

static void on_listener(void *arg, const struct listener *l)
{
	const struct listen_source *ls = arg;

	for (unsigned n = 0; n < ls->set->spec->ports.n; n++) {
		if (socket_spec_matches(&ls->specs[n], l)) {
			put(ls, n, l->port);
			return;
		}
	}
}

static int read_all(struct listen_source *ls)
{
	bool tcp = false, udp = false;
	int r = 0;

	for (unsigned n = 0; n < ls->set->spec->ports.n; n++) {
		tcp |= !ls->specs[n].udp;
		udp |= ls->specs[n].udp;
	}
	if (tcp)
		r = listeners_read(false, on_listener, ls);
	if (r == 0 && udp)
		r = listeners_read(true, on_listener, ls);
	return r;
}

static void look(void *source)
{
	struct listen_source *ls = source;
	struct timers *timers = ls->set->discovery->env.timers;
	int64_t start_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);

	each_set_begin(ls->set);
	int r = read_all(ls);

	if (r == 0) {
		each_set_end(ls->set);
	} else if (!ls->failed) {
		log_warn("cannot see who listens: %s", strerror(-r));
	}
	ls->failed = r < 0;
	int64_t took_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
	int64_t pause_ms = took_ns * SHARE / 1000000;

	timer_set(timers, &ls->next,
	    timers_now(timers) + (pause_ms > PAUSE_MS ? pause_ms : PAUSE_MS));
}

/* The same port twice, for TCP and UDP or at two addresses, is one. */
static void *start(struct each_set *set)
{
	struct listen_source *ls = xcalloc(1, sizeof(*ls));

	ls->set = set;
	ls->specs = xcalloc(set->spec->ports.n, sizeof(*ls->specs));
	for (unsigned n = 0; n < set->spec->ports.n; n++) {
		/* the definition has checked it */
		(void)socket_spec_parse(
		    set->spec->ports.items[n], &ls->specs[n]);
	}
	timer_init(&ls->next, look, ls);
	timer_set(set->discovery->env.timers, &ls->next,
	    timers_now(set->discovery->env.timers));
	return ls;
}

static void stop(void *source)
{
	struct listen_source *ls = source;

	timer_cancel(ls->set->discovery->env.timers, &ls->next);
	free(ls->specs);
	free(ls);
}

static void moved(void *source)
{
	(void)source; /* the texts are read where they are now */
}

const struct each_source each_source_listen = {
	start,
	stop,
	moved,
	look,
	NULL,
};
