// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * tally - what is counted for /metrics, by zone, type, service and so on.
 *
 * Each thread has one and counts there without a lock or an allocation;
 * readers sum up. Everything has a number and a bound: zones and services
 * beyond those that have a number are counted as 0, so that neither a million
 * services nor questions that somebody makes up cost memory.
 */
#include "dnsd/message/data/service.h"
#include "dnsd/message/data/zone.h"
#include "dnsd/message/stats.h"
#include "dnsd/message/wire/query.h"
#include "schema/base/histogram.h"

enum {
	TALLY_ZONES = 64, /* numbers of zones: zone->number */
	TALLY_OTHER = 0,  /* those without one */
	TALLY_OUTSIDE,    /* none of ours, or no question at all */
	TALLY_ZONE_FIRST,
	TALLY_TYPES = 19,
	TALLY_VIAS = 3, /* enum transport */
	/* Room for these and for RCODEs: powers of two, to count faster. */
	TALLY_TYPE_ROOM = 32,
	TALLY_VIA_ROOM = 4,
	TALLY_RCODE_ROOM = 16,
	TALLY_SAMPLE = 16, /* batches, of which one is timed */
};

/* Features of the protocol, as bits. */
enum tally_feature {
	FEATURE_EDNS,
	FEATURE_DNSSEC_OK,
	FEATURE_COOKIE,
	FEATURE_NSID,
	FEATURE_KEEPALIVE,
	FEATURE_PADDING,
	FEATURES,
};

/* What a question about a service got. */
enum tally_outcome {
	OUTCOME_ANSWER,
	OUTCOME_EMPTY, /* nothing, for no instance is eligible */
	OUTCOME_OTHER, /* no such type or instance */
	OUTCOMES,
	OUTCOME_ROOM = 4,
};

struct tally {
	/* Plain questions, all of it in one counter. */
	_Alignas(64) _Atomic uint64_t plain[TALLY_ZONES][TALLY_TYPE_ROOM]
	                                   [TALLY_VIA_ROOM][TALLY_RCODE_ROOM];
	/* Those that were screened, or answered afterwards. */
	_Atomic uint64_t request[TALLY_ZONES][TALLY_TYPE_ROOM][TALLY_VIA_ROOM];
	_Atomic uint64_t response[TALLY_ZONES][TALLY_RCODE_ROOM];
	_Atomic uint64_t feature[1 << FEATURES];  /* each combination */
	struct histogram duration;                /* of those sampled */
	unsigned batch_n;                         /* the thread's own */
	_Atomic uint64_t service[][OUTCOME_ROOM]; /* by service->meter */
};

/* Those of all threads. */
struct tallies;

/* For n threads; service_n numbers of services, beside 0. Never NULL. */
struct tallies *tallies_new(unsigned n, unsigned service_n);
/* NULL is ignored. */
void tallies_free(struct tallies *t);
/* The next one that nobody has; there are as many as were asked for. */
struct tally *tallies_take(struct tallies *t);

/* Sums over all threads; any thread. */
unsigned tallies_services(const struct tallies *t);
uint64_t tallies_request(
    const struct tallies *t, unsigned zone, unsigned type, unsigned via);
uint64_t tallies_response(const struct tallies *t, unsigned zone, enum stat s);
uint64_t tallies_feature(const struct tallies *t, enum tally_feature f);
uint64_t tallies_service(
    const struct tallies *t, uint32_t meter, enum tally_outcome o);
/* Each thread's; returns how many, at most max. */
unsigned tallies_durations(
    const struct tallies *t, const struct histogram **ret_h, unsigned max);

/* "A", "AAAA" ... "other"; "edns" ... */
const char *tally_type_name(unsigned type);
const char *tally_feature_name(enum tally_feature f);

/* ---- on the way of an answer ------------------------------------------- */

extern const uint8_t tally_type_number[256];

static inline unsigned tally_zone(const struct zone *z)
{
	return z ? z->number : TALLY_OUTSIDE;
}

static inline void tally_features(struct tally *t, const struct edns *e)
{
	unsigned f = 1u << FEATURE_EDNS |
	             (unsigned)e->dnssec_ok << FEATURE_DNSSEC_OK |
	             (unsigned)(e->cookie_at != 0) << FEATURE_COOKIE |
	             (unsigned)e->nsid << FEATURE_NSID |
	             (unsigned)e->keepalive << FEATURE_KEEPALIVE |
	             (unsigned)e->padding << FEATURE_PADDING;

	histogram_bump(&t->feature[f], 1);
}

static inline void tally_service(
    struct tally *t, enum stat s, const struct service *service)
{
	enum tally_outcome o = s == STAT_NOERROR     ? OUTCOME_ANSWER
	                       : service->eligible_n ? OUTCOME_OTHER
	                                             : OUTCOME_EMPTY;

	histogram_bump(&t->service[service->meter][o], 1);
}

/* zone: NULL, too, for what could not be read; via: enum transport. */
static inline void tally_request(struct tally *t, const struct query *q,
    const struct zone *zone, bool is_read, unsigned via)
{
	unsigned type =
	    is_read && q->type < 256 ? tally_type_number[q->type] : 0;

	histogram_bump(&t->request[tally_zone(zone)][type][via], 1);
	if (is_read && q->edns.present)
		tally_features(t, &q->edns);
}

/* s: what was decided, an RCODE; service: NULL if it was about none. */
static inline void tally_response(struct tally *t, const struct zone *zone,
    enum stat s, const struct service *service)
{
	histogram_bump(&t->response[tally_zone(zone)][s - STAT_NOERROR], 1);
	if (service)
		tally_service(t, s, service);
}

/* Both at once, of a plain question; zone: where it led. */
static inline void tally_plain(struct tally *t, const struct query *q,
    const struct zone *zone, unsigned via, enum stat s,
    const struct service *service)
{
	unsigned type = q->type < 256 ? tally_type_number[q->type] : 0;

	histogram_bump(
	    &t->plain[tally_zone(zone)][type][via][s - STAT_NOERROR], 1);
	if (q->edns.present)
		tally_features(t, &q->edns);
	if (service)
		tally_service(t, s, service);
}

/* Whether the batch that begins is one to be timed. */
static inline bool tally_samples(struct tally *t)
{
	return t && t->batch_n++ % TALLY_SAMPLE == 0;
}
