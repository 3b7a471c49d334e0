// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_ttl - did somebody report in time?
 *
 * A report is a write to the row of the check in the registry, by `registrar
 * pass` and its like or by plain SQL. Each run of the probe reads that row,
 * some times in each ttl. A report is one verdict, and so is every ttl that
 * goes by without one; looking again is none.
 *
 * The time of a report is on the wall clock of whoever wrote it. It is used
 * to tell a new report from an old one, and once, after a start, to see how
 * old it is; from then on the monotonic clock counts, so that setting the
 * wall clock expires nothing.
 */
#include "registrar/probe/probe.h"

#include <errno.h>

static enum verdict verdict_of(enum health status)
{
	switch (status) {
	case HEALTH_PASSING:
		return VERDICT_PASS;
	case HEALTH_WARNING:
		return VERDICT_WARN;
	case HEALTH_STARTING:
	case HEALTH_CRITICAL:
	case HEALTH_DEAD:
		break;
	}
	return VERDICT_FAIL;
}

/* How old a report is that an earlier run of the program may have seen. */
static int64_t age_at_first(const struct probe *p, const struct heartbeat *beat)
{
	int64_t age_ms;

	if (beat->status == HEALTH_STARTING)
		return 0;
	age_ms = p->prober->wall_ms(p->prober->arg) - beat->at_wall_ms;
	return age_ms > 0 ? age_ms : 0;
}

/*
 * A new report came since the last look, so it is not older than that,
 * whatever the clock says that it was written by.
 */
static int64_t age_in_poll(const struct probe *p, const struct heartbeat *beat)
{
	int64_t age_ms = p->prober->wall_ms(p->prober->arg) - beat->at_wall_ms;

	return age_ms < 0 || age_ms > TTL_POLL_MAX_MS ? 0 : age_ms;
}

/* True: there is a report that was not counted yet. */
static bool note_report(
    struct probe *p, const struct heartbeat *beat, int64_t now_ms)
{
	bool first = !p->beat_seen_ms;
	bool same =
	    first ? p->beat_counted : beat->at_wall_ms == p->beat_wall_ms;

	p->beat_wall_ms = beat->at_wall_ms;
	if (first)
		p->beat_seen_ms = now_ms - age_at_first(p, beat);
	if (same || beat->status == HEALTH_STARTING)
		return false;
	if (!first)
		p->beat_seen_ms = now_ms - age_in_poll(p, beat);
	return true;
}

static void ttl_start(struct probe *p)
{
	struct heartbeat beat;
	int64_t now_ms = timers_now(p->prober->timers);
	int64_t ttl_ms = p->spec->ttl.ttl_ms;
	int r = p->prober->heartbeat(
	    p->prober->arg, p->subject, p->spec->name, &beat);

	if (r == -ENOENT) {
		beat = (struct heartbeat){ .status = HEALTH_STARTING };
	} else if (r < 0) { /* the registry's trouble is not the service's */
		goto silent;
	}
	bool reported = note_report(p, &beat, now_ms);

	if (now_ms - p->beat_seen_ms > ttl_ms) {
		p->beat_seen_ms = now_ms;
		probe_done_fmt(p, VERDICT_FAIL, "no report for %lld ms",
		    (long long)ttl_ms);
		return;
	}
	if (reported) {
		probe_done(p, verdict_of(beat.status), beat.note);
		return;
	}
silent:
	probe_done_silent(p);
}

static void ttl_stop(struct probe *p)
{
	(void)p;
}

const struct probe_ops probe_ttl_ops = {
	.start = ttl_start,
	.stop = ttl_stop,
};
