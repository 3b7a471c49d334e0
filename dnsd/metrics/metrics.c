// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names and units are as Prometheus wants them. Series of zones, types and
 * RCODEs come with their first question; those of a service are all there from
 * the start, for what is watched is what does not happen.
 */
#include "dnsd/metrics/metrics.h"

#include "dnsd/forward/forward.h"
#include "dnsd/message/tally.h"
#include "dnsd/metrics/meters.h"
#include "dnsd/registry/tracker.h"
#include "dnsd/transport/server.h"
#include "schema/base/clock.h"
#include "schema/base/exposition.h"

#include <stdio.h>
#include <string.h>

#define LABELS(...) ((const char *[]){ __VA_ARGS__, NULL })
#define NS_IN_MS 1000000

/* ---- by zone ----------------------------------------------------------- */

/* False: nobody has that number. Names in brackets are none of zones. */
static bool zone_of(
    const struct metrics *m, unsigned number, char ret_name[METERS_ZONE_MAX])
{
	if (number == TALLY_OTHER) {
		memcpy(ret_name, "(other)", sizeof("(other)"));
	} else if (number == TALLY_OUTSIDE) {
		memcpy(ret_name, "(outside)", sizeof("(outside)"));
	} else {
		meters_zone(m->meters, number, ret_name);
	}
	return *ret_name;
}

static void write_requests_of(const struct metrics *m, struct exposition *e,
    unsigned zone, const char *name)
{
	static const char *const vias[TALLY_VIAS] = { "udp", "tcp", "tls" };

	for (unsigned type = 0; type < TALLY_TYPES; type++) {
		for (unsigned via = 0; via < TALLY_VIAS; via++) {
			uint64_t n =
			    tallies_request(m->tallies, zone, type, via);

			if (!n)
				continue;
			exposition_value(e,
			    LABELS("zone", name, "type", tally_type_name(type),
			        "transport", vias[via]),
			    n);
		}
	}
}

static void write_requests(const struct metrics *m, struct exposition *e)
{
	char name[METERS_ZONE_MAX];

	exposition_family(e, "rollcall_dns_requests_total", "counter",
	    "Requests by zone, type and transport");
	for (unsigned z = 0; z < TALLY_ZONES; z++) {
		if (zone_of(m, z, name))
			write_requests_of(m, e, z, name);
	}
	exposition_family(e, "rollcall_dns_request_features_total", "counter",
	    "Requests that use a feature of the protocol");
	for (enum tally_feature f = 0; f < FEATURES; f++) {
		exposition_value(e, LABELS("feature", tally_feature_name(f)),
		    tallies_feature(m->tallies, f));
	}
}

static void write_responses_of(const struct metrics *m, struct exposition *e,
    unsigned zone, const char *name)
{
	static const struct {
		enum stat stat;
		const char *rcode;
	} rcodes[] = {
		{ STAT_NOERROR, "NOERROR" }, /* with STAT_NODATA */
		{ STAT_NXDOMAIN, "NXDOMAIN" },
		{ STAT_REFUSED, "REFUSED" },
		{ STAT_FORMERR, "FORMERR" },
		{ STAT_NOTIMP, "NOTIMP" },
		{ STAT_SERVFAIL, "SERVFAIL" },
		{ STAT_BADVERS, "BADVERS" },
		{ STAT_BADCOOKIE, "BADCOOKIE" },
	};

	for (unsigned i = 0; i < sizeof(rcodes) / sizeof(*rcodes); i++) {
		enum stat s = rcodes[i].stat;
		uint64_t n = tallies_response(m->tallies, zone, s);

		if (s == STAT_NOERROR)
			n += tallies_response(m->tallies, zone, STAT_NODATA);
		if (n) {
			exposition_value(e,
			    LABELS("zone", name, "rcode", rcodes[i].rcode), n);
		}
	}
}

static void write_responses(const struct metrics *m, struct exposition *e)
{
	char name[METERS_ZONE_MAX];

	exposition_family(e, "rollcall_dns_responses_total", "counter",
	    "Responses by zone and RCODE, those that limits held back too");
	for (unsigned z = 0; z < TALLY_ZONES; z++) {
		if (zone_of(m, z, name))
			write_responses_of(m, e, z, name);
	}
	exposition_family(e, "rollcall_dns_nodata_total", "counter",
	    "Responses of NOERROR without a record of the type asked for");
	for (unsigned z = TALLY_ZONE_FIRST; z < TALLY_ZONES; z++) {
		if (zone_of(m, z, name)) {
			exposition_value(e, LABELS("zone", name),
			    tallies_response(m->tallies, z, STAT_NODATA));
		}
	}
}

static void write_durations(const struct metrics *m, struct exposition *e)
{
	enum { THREADS_MAX = 4096 };
	const struct histogram *h[THREADS_MAX];
	unsigned n = tallies_durations(m->tallies, h, THREADS_MAX);

	exposition_family(e, "rollcall_dns_request_duration_seconds",
	    "histogram",
	    "From the receipt of requests until their responses were sent, of "
	    "one batch in 16");
	exposition_histogram(e, NULL, h, n);
}

/* ---- of the whole ------------------------------------------------------ */

static void write_counters(const struct metrics *m, struct exposition *e)
{
	/* those that are not told above */
	static const struct {
		enum stat stat;
		const char *name, *help;
	} counters[] = {
		{ STAT_DROPPED, "rollcall_dns_dropped_total",
		    "Messages that were no requests, not answered" },
		{ STAT_DENIED, "rollcall_dns_denied_total",
		    "Requests of networks that may not ask" },
		{ STAT_QUERIES_LIMITED, "rollcall_dns_queries_limited_total",
		    "Requests of networks that ask too often" },
		{ STAT_RRL_DROPPED, "rollcall_dns_rrl_dropped_total",
		    "Responses that limits held back" },
		{ STAT_RRL_TRUNCATED, "rollcall_dns_rrl_truncated_total",
		    "Responses that limits made empty, with TC" },
		{ STAT_RRL_LEAKED, "rollcall_dns_rrl_leaked_total",
		    "Responses beyond limits, sent all the same" },
		{ STAT_COOKIES, "rollcall_dns_good_cookies_total",
		    "Requests with a good server cookie" },
		{ STAT_TRUNCATED, "rollcall_dns_truncated_total",
		    "Responses with TC" },
		{ STAT_SAMPLED, "rollcall_dns_sampled_total",
		    "Responses with a part of an SRV set that nothing can "
		    "hold" },
		{ STAT_DEFERRED, "rollcall_dns_deferred_total",
		    "Requests that are answered afterwards" },
		{ STAT_LATER_FULL, "rollcall_dns_later_full_total",
		    "Such requests that there was no room for" },
		{ STAT_LATER_OVERDUE, "rollcall_dns_later_overdue_total",
		    "Such requests that nobody answered in time" },
		{ STAT_LATER_GONE, "rollcall_dns_later_gone_total",
		    "Such answers whose connection had been closed" },
		{ STAT_OUTSIDE_KEPT, "rollcall_dns_outside_kept_total",
		    "Answers of others that were given again" },
		{ STAT_TCP_CONNECTIONS, "rollcall_dns_connections_total",
		    "Connections over TCP and TLS" },
		{ STAT_TCP_REJECTED, "rollcall_dns_connections_rejected_total",
		    "Connections above the limit" },
		{ STAT_TCP_EXPIRED, "rollcall_dns_connections_expired_total",
		    "Connections closed for being idle or slow" },
		{ STAT_TLS_CONNECTIONS, "rollcall_dns_tls_handshakes_total",
		    "Handshakes of TLS that were completed" },
		{ STAT_TLS_RESUMED, "rollcall_dns_tls_resumed_total",
		    "Handshakes of TLS that resumed a session" },
		{ STAT_TLS_FAILED, "rollcall_dns_tls_failed_total",
		    "Handshakes of TLS that failed" },
		{ STAT_ACCEPT_ERRORS, "rollcall_dns_accept_errors_total",
		    "Connections for which there was no descriptor or memory" },
		{ STAT_SEND_ERRORS, "rollcall_dns_send_errors_total",
		    "Responses that could not be sent" },
	};

	for (unsigned i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
		exposition_family(
		    e, counters[i].name, "counter", counters[i].help);
		exposition_value(
		    e, NULL, server_stat(m->server, counters[i].stat));
	}
}

static void write_forwards(const struct metrics *m, struct exposition *e)
{
	if (!m->forward)
		return;
	exposition_family(e, "rollcall_dns_forwards_total", "counter",
	    "Questions about names of others, by what became of them");
	for (enum forward_stat s = 0; s < FORWARD_STATS; s++) {
		if (s != FORWARD_STARTS) {
			exposition_value(e,
			    LABELS("event", forward_stat_name(s)),
			    forward_stat(m->forward, s));
		}
	}
	exposition_family(e, "rollcall_dns_forwarder_starts_total", "counter",
	    "Starts of the process that asks others");
	exposition_value(e, NULL, forward_stat(m->forward, FORWARD_STARTS));
}

bool metrics_is_ready(const struct metrics *m)
{
	return atomic_load(&tracker_gauges(m->tracker)->served);
}

static void write_registry(const struct metrics *m, struct exposition *e)
{
	const struct tracker_gauges *g = tracker_gauges(m->tracker);
	const struct histogram *taking_up = &g->taking_up;
	int64_t lag_ms = clock_mono_ms() - atomic_load(&g->right_ms);

	exposition_family(e, "rollcall_follow_lag_seconds", "gauge",
	    "Since the registry was last seen to say nothing newer than what "
	    "is answered");
	exposition_seconds(e, NULL, lag_ms * NS_IN_MS);
	exposition_family(e, "rollcall_follow_trouble", "gauge",
	    "1: the registry cannot be followed now, the last good data is "
	    "answered");
	exposition_value(e, NULL, atomic_load(&g->in_trouble));
	exposition_family(e, "rollcall_registry_revision", "gauge",
	    "Revision of the registry that is answered");
	exposition_value(e, NULL, (uint64_t)atomic_load(&g->revision));
	exposition_family(e, "rollcall_publish_duration_seconds", "histogram",
	    "From the begin of reading what was committed until it is "
	    "answered");
	exposition_histogram(e, NULL, &taking_up, 1);
	exposition_family(
	    e, "rollcall_services", "gauge", "Services that are answered");
	exposition_value(e, NULL, atomic_load(&g->service_n));
}

/* ---- by service -------------------------------------------------------- */

static void write_outcome(
    const struct meter *m, struct exposition *e, int outcome)
{
	uint64_t n = 0;

	for (int o = 0; o < OUTCOMES; o++)
		n += outcome < 0 || o == outcome ? m->outcome[o] : 0;
	exposition_value(e, LABELS("zone", m->zone, "service", m->service), n);
}

static void write_queries(const struct meter *m, struct exposition *e)
{
	write_outcome(m, e, -1);
}

static void write_answers(const struct meter *m, struct exposition *e)
{
	write_outcome(m, e, OUTCOME_ANSWER);
}

static void write_empty(const struct meter *m, struct exposition *e)
{
	write_outcome(m, e, OUTCOME_EMPTY);
}

static void write_states(const struct meter *m, struct exposition *e)
{
	for (enum eligible_why w = 0; w < ELIGIBLE_WHY_N; w++) {
		exposition_value(e,
		    LABELS("zone", m->zone, "service", m->service, "state",
		        eligible_why_name(w)),
		    m->why_n[w]);
	}
}

static void write_changes(const struct meter *m, struct exposition *e)
{
	exposition_value(
	    e, LABELS("zone", m->zone, "service", m->service), m->change_n);
}

static void write_changed(const struct meter *m, struct exposition *e)
{
	exposition_seconds(e, LABELS("zone", m->zone, "service", m->service),
	    m->changed_wall_ms * NS_IN_MS);
}

static void write_services(const struct metrics *m, struct exposition *e)
{
	static const struct {
		const char *name, *type, *help;
		void (*write)(const struct meter *m, struct exposition *e);
	} families[] = {
		{ "rollcall_service_queries_total", "counter",
		    "Questions about names of the service", write_queries },
		{ "rollcall_service_answers_total", "counter",
		    "Those that got what they asked for", write_answers },
		{ "rollcall_service_empty_answers_total", "counter",
		    "Those that got nothing, for no instance was eligible",
		    write_empty },
		{ "rollcall_service_instances", "gauge",
		    "Instances by what decides whether they are in answers",
		    write_states },
		{ "rollcall_service_changes_total", "counter",
		    "Changes of what is answered", write_changes },
		{ "rollcall_service_last_change_timestamp_seconds", "gauge",
		    "The last such change, or of an instance's state, in "
		    "seconds since 1970",
		    write_changed },
	};
	struct meter page[METERS_PAGE];

	for (unsigned f = 0; f < sizeof(families) / sizeof(*families); f++) {
		uint32_t at = 1;
		unsigned n;

		exposition_family(
		    e, families[f].name, families[f].type, families[f].help);
		while ((n = meters_read(m->meters, &at, page)) > 0) {
			for (unsigned i = 0; i < n; i++)
				families[f].write(&page[i], e);
		}
	}
	exposition_family(e, "rollcall_services_without_metrics", "gauge",
	    "Services beyond those that have metrics of their own");
	exposition_value(e, NULL, meters_without(m->meters));
	exposition_family(e, "rollcall_other_service_queries_total", "counter",
	    "Questions about names of such services");
	exposition_value(e, NULL,
	    tallies_service(m->tallies, 0, OUTCOME_ANSWER) +
	        tallies_service(m->tallies, 0, OUTCOME_EMPTY) +
	        tallies_service(m->tallies, 0, OUTCOME_OTHER));
}

void metrics_write(const struct metrics *m, struct exposition *e)
{
	exposition_program(e, "dnsd", m->started_wall_ms);
	write_requests(m, e);
	write_responses(m, e);
	write_durations(m, e);
	write_counters(m, e);
	write_forwards(m, e);
	write_registry(m, e);
	write_services(m, e);
}
