// SPDX-License-Identifier: BSD-2-Clause
/*
 * main - wire the parts, run, tear down. The control thread is this one: it
 * follows the registry and publishes; the server's threads answer.
 */
#include "dnsd/beacon.h"
#include "dnsd/forward/forward.h"
#include "dnsd/forward/supply.h"
#include "dnsd/guard.h"
#include "dnsd/later/later.h"
#include "dnsd/message/answer/answer.h"
#include "dnsd/message/data/catalog.h"
#include "dnsd/message/data/front.h"
#include "dnsd/message/data/reverse.h"
#include "dnsd/message/handle.h"
#include "dnsd/message/tally.h"
#include "dnsd/metrics/listener.h"
#include "dnsd/metrics/meters.h"
#include "dnsd/metrics/metrics.h"
#include "dnsd/options.h"
#include "dnsd/publication/keeper.h"
#include "dnsd/registry/loader.h"
#include "dnsd/registry/tracker.h"
#include "dnsd/transport/address.h"
#include "dnsd/transport/certificate.h"
#include "dnsd/transport/server.h"
#include "dnsd/zonefile/apex.h"
#include "dnsd/zonefile/zonedir.h"
#include "schema/base/arena.h"
#include "schema/base/clock.h"
#include "schema/base/notify.h"
#include "schema/base/rng.h"
#include "schema/base/scoped.h"
#include "schema/base/version.h"
#include "schema/base/xalloc.h"
#include "schema/sandbox/sandbox.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

/* Everything that lives as long as the process. */
struct dnsd {
	const struct options *options;
	char *const *argv; /* options are read again on SIGHUP */
	struct identity identity;
	struct event_base *base;
	struct reclaim *reclaim;
	struct catalog *catalog;
	char *state; /* directory */
	struct keeper *keeper;
	struct loader *loader;
	struct tracker *tracker;
	struct zonedir *zonedir;         /* NULL: no zone files */
	struct certificate *certificate; /* NULL: no TLS */
	struct forward *forward;         /* NULL: nothing is forwarded */
	struct supply *supply;
	struct front *front; /* NULL: nothing is kept */
	const struct later_handler *later[LATER_KINDS];
	struct guard *guard;
	struct beacon *beacon;
	struct server *server;
	/* NULL, all of them: nobody is told over HTTP */
	struct tallies *tallies;
	struct meters *meters;
	struct listener *listener;
	struct sandbox sandbox;
	struct event *end[2], *reload, *report, *pulse;
};

static uint64_t draw_seed(void)
{
	struct rng rng;

	rng_seed(&rng);
	return (uint64_t)rng_u32(&rng) << 32 | rng_u32(&rng) | 1;
}

static int add_zones(struct dnsd *d, struct diag *reterr)
{
	const struct conf_strings *names = &d->options->zones;

	for (unsigned i = 0; i < names->n; i++) {
		struct zone *z;
		int error = apex_zone(d->options, names->items[i],
		    catalog_seed(d->catalog), &z, reterr);

		if (error)
			return error;
		if (catalog_find_zone(d->catalog, &z->name)) {
			zone_free(z); /* named twice */
			continue;
		}
		if (z->address_len)
			reverse_begin(d->catalog, d->reclaim);
		atomic_store(&z->is_unread, true);
		catalog_add_zone(d->catalog, z);
	}
	return 0;
}

static void report(const struct dnsd *d)
{
	char line[(STAT_N + FORWARD_STATS) * 48];
	size_t len = 0;

	for (enum stat s = 0; s < STAT_N; s++) {
		int n = snprintf(line + len, sizeof(line) - len, " %s=%llu",
		    stat_name(s),
		    (unsigned long long)server_stat(d->server, s));

		len += n > 0 ? (size_t)n : 0;
	}
	for (enum forward_stat s = 0; d->forward && s < FORWARD_STATS; s++) {
		int n = snprintf(line + len, sizeof(line) - len, " %s=%llu",
		    forward_stat_name(s),
		    (unsigned long long)forward_stat(d->forward, s));

		len += n > 0 ? (size_t)n : 0;
	}
	log_info("counted%s", line);
}

/* ---- signals ---------------------------------------------------------- */

static void on_end(evutil_socket_t sig, short what, void *arg)
{
	struct dnsd *d = arg;

	(void)what;
	log_info("ending signal=%d", (int)sig);
	notify_state("STOPPING=1");
	event_base_loopbreak(d->base);
}

static bool same_strings(
    const struct conf_strings *a, const struct conf_strings *b)
{
	unsigned n = 0;

	while (n < a->n && n < b->n && !strcmp(a->items[n], b->items[n]))
		n++;
	return n == a->n && n == b->n;
}

/* What people edit most, and would think in force. */
static void tell_unchanged(const struct options *was, const struct options *now)
{
	if (!same_strings(&was->zones, &now->zones)) {
		log_warn("the zones of the configuration are others than at "
		         "the start: they are served after a restart");
	}
	if (!same_strings(&was->listen, &now->listen)) {
		log_warn("the addresses of the configuration are others than "
		         "at the start: they are listened on after a restart");
	}
}

/* Of the options, whom to answer and how often is all that may change. */
static void reload_policy(const struct dnsd *d)
{
	struct arena *arena = arena_new();
	struct options_result result;
	struct diags diags = { 0 };
	struct diag diag;
	struct options o = { 0 };

	if (options_parse(&dnsd_options, d->argv, arena, &o, &result, &diags) <
	    0) {
		for (unsigned i = 0; i < diags.n; i++)
			log_warn("%s", diags.items[i].text);
		log_warn("options are wrong; those before stay in force");
	} else {
		tell_unchanged(d->options, &o);
		if (guard_reload(d->guard, &o, &diag) < 0) {
			log_warn(
			    "%s; the last good ones stay in force", diag.text);
		}
	}
	arena_free(arena);
}

static void on_reload(evutil_socket_t sig, short what, void *arg)
{
	struct dnsd *d = arg;

	(void)sig;
	(void)what;
	log_info("looking at everything again");
	tracker_look(d->tracker);
	if (d->zonedir)
		zonedir_look(d->zonedir);
	certificate_reload(d->certificate);
	reload_policy(d);
	beacon_tell(d->beacon);
}

static void on_report(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	report(arg);
}

static void on_pulse(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	listener_pulse(arg);
}

static struct event *catch_signal(struct dnsd *d, int sig, event_callback_fn fn)
{
	struct event *e = evsignal_new(d->base, sig, fn, d);

	if (!e || event_add(e, NULL) < 0)
		abort();
	return e;
}

/* ---- life ------------------------------------------------------------- */

static void tear_down(struct dnsd *d)
{
	beacon_free(d->beacon);
	listener_free(d->listener);
	supply_free(d->supply);
	server_stop(d->server);
	forward_free(d->forward);
	front_free(d->front);
	guard_free(d->guard);
	certificate_free(d->certificate);
	keeper_free(d->keeper);
	free(d->state);
	zonedir_free(d->zonedir);
	tracker_free(d->tracker);
	loader_free(d->loader);
	catalog_free(d->catalog);
	reclaim_free(d->reclaim);
	meters_free(d->meters);
	tallies_free(d->tallies);
	if (!d->base)
		return;
	if (d->pulse)
		event_free(d->pulse);
	event_free(d->end[0]);
	event_free(d->end[1]);
	event_free(d->reload);
	event_free(d->report);
	event_base_free(d->base);
}

static int open_certificate(struct dnsd *d, struct diag *reterr)
{
	const struct options *o = d->options;

	if (!o->listen_tls.n)
		return 0;
	if (!o->tls_cert || !o->tls_key) {
		return diag_set(reterr, -EINVAL,
		    "found 'listen-tls' alone, expected 'tls-cert' and "
		    "'tls-key' with it");
	}
	return certificate_open(
	    o->tls_cert, o->tls_key, &d->certificate, reterr);
}

/* Before there is anything that a process of its own should not have. */
static int set_up_forward(struct dnsd *d, struct diag *reterr)
{
	const struct options *o = d->options;
	const struct forward_config config = {
		(unsigned)o->recursion_limit,
		{ (uint8_t)o->limit_ipv4_bits, (uint8_t)o->limit_ipv6_bits },
	};

	if (o->outside != OUTSIDE_FORWARD)
		return 0;
	int error = supply_check(o, reterr);
	if (error || o->check)
		return error;
	error = forward_new(
	    &config, (enum sandbox_mode)o->sandbox, &d->forward, reterr);
	if (!error)
		d->later[LATER_OUTSIDE] = forward_handler(d->forward);
	return error;
}

static int set_up(struct dnsd *d, struct diag *reterr)
{
	const struct options *o = d->options;
	int error = set_up_forward(d, reterr);

	if (!error)
		error = open_certificate(d, reterr);

	if (error)
		return error;
	d->reclaim = reclaim_new(server_reader_n(o));
	error = guard_new(o, d->reclaim, &d->guard, reterr);
	if (error)
		return error;
	d->catalog = catalog_new(draw_seed(), d->reclaim);
	if (o->http) {
		d->tallies = tallies_new(
		    server_reader_n(o), (unsigned)o->metric_services);
		d->meters = meters_new(d->tallies);
		meters_listen(d->meters, d->catalog);
	}
	return add_zones(d, reterr);
}

/* With timers of less than a millisecond, for tracker.c. */
static struct event_base *new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config) {
		event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
		base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (!base)
		abort();
	return base;
}

/* One that is not there is no reason to open what is above it. */
static int restrict_files(struct dnsd *d, struct diag *reterr)
{
	const struct options *o = d->options;

	/* ports can still be bound */
	d->sandbox = (struct sandbox){ .mode = (enum sandbox_mode)o->sandbox,
		.uses = SANDBOX_BINDS };
	if (o->state && access(o->state, F_OK) == 0)
		d->sandbox.directory = o->state;
	return sandbox_files(&d->sandbox, o->registry, reterr);
}

static char *state_directory(const struct options *o)
{
	scoped_free char *copy = xstrdup(o->registry);

	return xstrdup(o->state ? o->state : dirname(copy));
}

static int start_listener(struct dnsd *d, struct diag *reterr)
{
	enum { PULSE_MS = 500 };
	const struct metrics m = { d->tallies, d->meters, d->server, d->forward,
		d->tracker, clock_wall_ms() };
	const struct timeval every = { 0, PULSE_MS * 1000L };
	struct address a;

	if (!d->options->http)
		return 0;
	int error =
	    address_parse(d->options->http, ADDRESS_PORT_HTTP, &a, reterr);
	if (!error)
		error = listener_new(&a, &m, &d->listener, reterr);
	if (error)
		return error;
	d->pulse = event_new(d->base, -1, EV_PERSIST, on_pulse, d->listener);
	event_add(d->pulse, &every);
	log_info("metrics on http://%s/metrics", d->options->http);
	return 0;
}

/* Those that no interface has: said once, for they may be mistyped. */
static void tell_absent(const struct conf_strings *listen)
{
	struct address a;
	struct diag diag;

	for (unsigned i = 0; i < listen->n; i++) {
		if (address_parse(listen->items[i], 1, &a, &diag) == 0 &&
		    !address_is_here(&a)) {
			log_warn("no interface has the address of %s yet; "
			         "answering there as soon as one has",
			    listen->items[i]);
		}
	}
}

/* All but this one. */
static int start_threads(struct dnsd *d, struct diag *reterr)
{
	const struct options *o = d->options;
	const struct handler_source source = { d->catalog, &d->identity,
		guard_slot(d->guard), (uint16_t)o->udp_size,
		d->forward ? d->later : NULL, NULL, d->front, d->tallies };
	int error = server_start(o,
	    d->certificate ? certificate_context(d->certificate) : NULL,
	    &source, d->reclaim, &d->server, reterr);
	if (error)
		return error;
	if (d->forward) {
		error = forward_begin(
		    d->forward, d->front, catalog_seed(d->catalog), reterr);
		if (error)
			return error;
		d->supply = supply_new(d->base, o, d->forward);
	}
	return start_listener(d, reterr);
}

static int run(struct dnsd *d, struct diag *reterr)
{
	const struct options *o = d->options;

	/* before the first thread */
	int error = restrict_files(d, reterr);
	if (error)
		return error;
	(void)evthread_use_pthreads();
	d->base = new_base();
	d->end[0] = catch_signal(d, SIGTERM, on_end);
	d->end[1] = catch_signal(d, SIGINT, on_end);
	d->reload = catch_signal(d, SIGHUP, on_reload);
	d->report = catch_signal(d, SIGUSR1, on_report);
	d->loader = loader_new(d->catalog, d->reclaim);
	if (d->meters)
		loader_on_put(d->loader, meters_put, d->meters);
	d->state = state_directory(o);
	d->keeper = keeper_new(d->base, d->catalog, d->state);
	/* what is there is loaded before the first question is taken */
	if (o->zone_directory)
		d->zonedir = zonedir_new(d->base, o, d->catalog);
	d->tracker = tracker_new(d->base, o->registry, d->loader);
	keeper_begin(d->keeper);
	if (server_raise_limit(o, reterr) < 0)
		log_warn("%s", reterr->text);
	if (d->forward && o->outside_cache)
		d->front = front_new((size_t)o->outside_cache << 20);
	error = start_threads(d, reterr);
	if (error)
		return error;
	tell_absent(&o->listen);
	tell_absent(&o->listen_tls);
	error = sandbox_calls(&d->sandbox, reterr);
	if (error)
		return error;
	sandbox_log(&d->sandbox);
	certificate_watch(d->certificate, d->base);
	guard_watch(d->guard, d->base, d->server);
	d->beacon = beacon_new(d->base, o, d->catalog, d->tracker);
	for (unsigned i = 0; i < o->listen.n; i++)
		log_info("answering on %s", o->listen.items[i]);
	for (unsigned i = 0; i < o->listen_tls.n; i++)
		log_info("answering on %s over TLS", o->listen_tls.items[i]);
	notify_state("READY=1");
	event_base_dispatch(d->base);
	report(d);
	return 0;
}

/* -EINVAL: a zone file is wrong; the log says which. */
static int check(const struct options *o, struct diag *reterr)
{
	int wrong = o->zone_directory ? zonedir_check(o, reterr) : 0;

	if (wrong < 0)
		return wrong;
	if (wrong) {
		return diag_set(reterr, -EINVAL, "%d zone file%s wrong", wrong,
		    wrong == 1 ? " is" : "s are");
	}
	log_info("the options are right");
	return 0;
}

static int serve(const struct options *o, char *const argv[])
{
	struct dnsd d = { .options = o,
		.argv = argv,
		.identity = { *o->version ? o->version : NULL, o->identity } };
	struct diag diag;
	int error = set_up(&d, &diag);
	int status = EXIT_SUCCESS;

	/* a log reader that ends must not end us */
	(void)signal(SIGPIPE, SIG_IGN);
	if (!error && o->check)
		error = check(o, &diag);
	if (error) {
		log_error("%s", diag.text);
		status = EXIT_USAGE;
	} else if (o->check) {
		status = EXIT_SUCCESS;
	} else if (run(&d, &diag) < 0) {
		log_error("%s", diag.text);
		status = EXIT_FAILURE;
	}
	tear_down(&d);
	return status;
}

int main(int argc, char *argv[])
{
	struct arena *arena = arena_new();
	struct options_result result;
	struct diags diags = { 0 };
	struct options o = { 0 };
	int status = EXIT_SUCCESS;

	(void)argc;
	if (options_parse(&dnsd_options, argv, arena, &o, &result, &diags) <
	    0) {
		options_print_errors(stderr, &dnsd_options, &diags);
		status = EXIT_USAGE;
	} else if (result.action == OPTIONS_HELP) {
		options_print_help(stdout, &dnsd_options);
	} else if (result.action == OPTIONS_VERSION) {
		puts("dnsd " ROLLCALL_VERSION);
	} else {
		log_setup("dnsd", (enum log_level)o.log_level,
		    (enum log_format)o.log_format);
		status = serve(&o, argv);
	}
	arena_free(arena);
	return status;
}
