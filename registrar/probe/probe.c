// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two timers for each probe: `next` begins a run, `deadline` ends one that
 * takes too long. Runs are counted from due time to due time, so neither a
 * slow answer nor a late turn of the loop shifts the schedule, and what was
 * spread at first stays so; times that have passed meanwhile are left out.
 *
 * When the loop stood still for long (the machine slept, a disk hung), all
 * probes that came due in that time would run at once. They run as far apart
 * as they were due instead: each as much later as the first of them.
 *
 * What has just been started is looked at more often. These extra runs come
 * between those of the schedule and leave it as it is.
 */
#include "registrar/probe/probe.h"

#include "registrar/exec/runner.h"
#include "registrar/lib/budget.h"
#include "registrar/lib/printable.h"
#include "registrar/net/tls_cache.h"
#include "schema/base/xalloc.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After a run that we could not make: about so much later, at most. */
#define RETRY_MS 1000
/*
 * Before the first extra run; each later pause is a fifth longer. So whoever
 * takes 1.2 s to start is asked within 300 ms of being ready, whoever takes
 * longer within a quarter of that time, and there are some 30 up to 10 s.
 */
#define PAUSE_MS 50
#define PAUSE_GROWTH 5

/* ---- what all probes share -------------------------------------------- */

static void on_bury(evutil_socket_t fd, short what, void *arg)
{
	struct prober *pr = arg;
	struct leftover *l = LIST_FIRST(&pr->leftovers);

	(void)fd;
	(void)what;
	while (l) {
		struct leftover *next = LIST_NEXT(l, link);

		if (l->soon) {
			LIST_REMOVE(l, link);
			l->free(l);
		}
		l = next;
	}
}

void prober_init(struct prober *pr)
{
	net_init(&pr->net, pr->base, pr->timers);
	LIST_INIT(&pr->leftovers);
	TAILQ_INIT(&pr->unable);
	rng_seed(&pr->rng);
	pr->slot_ms = 0;
	pr->quick_n = 0;
	pr->late_at_ms = -1;
	tally_begin(&pr->counts, timers_now(pr->timers));
	pr->pace.since_ms = pr->counts.since_ms;
	pr->bury = NULL;
	if (!pr->base)
		return;
	pr->bury = event_new(pr->base, -1, 0, on_bury, pr);
	if (!pr->bury)
		abort(); /* out of memory */
}

void prober_release(struct prober *pr)
{
	struct leftover *l;

	while ((l = LIST_FIRST(&pr->leftovers))) {
		LIST_REMOVE(l, link);
		l->free(l);
	}
	runner_free(pr->runner);
	pr->runner = NULL;
	net_release(&pr->net);
	if (pr->bury)
		event_free(pr->bury);
}

void prober_leave(struct prober *pr, struct leftover *l)
{
	LIST_INSERT_HEAD(&pr->leftovers, l, link);
	if (l->soon)
		event_active(pr->bury, 0, 0);
}

void prober_forget(struct leftover *l)
{
	LIST_REMOVE(l, link);
}

#define PACE_MS 10000
#define PACE_TOLD_MS 60000 /* a line at most so often */

/* For late_mark(). */
static const char *const begins[CHECK_KIND_N] = {
	[CHECK_TCP] = "beginning of tcp checks",
	[CHECK_HTTP] = "beginning of http checks",
	[CHECK_EXEC] = "beginning of exec checks",
	[CHECK_TTL] = "ttl checks",
	[CHECK_UDP] = "beginning of udp checks",
	[CHECK_DNS] = "beginning of dns checks",
	[CHECK_FILE] = "beginning of file checks",
	[CHECK_ICMP] = "beginning of icmp checks",
	[CHECK_POSTGRES] = "beginning of postgres checks",
	[CHECK_REDIS] = "beginning of redis checks",
	[CHECK_ALIAS] = "alias checks",
	[CHECK_GRPC] = "beginning of grpc checks",
	[CHECK_H2PING] = "beginning of h2ping checks",
};

/* ---- schedule --------------------------------------------------------- */

static int64_t interval_ms(const struct probe *p)
{
	int64_t poll_ms;

	if (p->spec->kind != CHECK_TTL)
		return p->spec->interval_ms;
	poll_ms = p->spec->ttl.ttl_ms / 4;
	if (poll_ms < TTL_POLL_MIN_MS)
		return TTL_POLL_MIN_MS;
	return poll_ms > TTL_POLL_MAX_MS ? TTL_POLL_MAX_MS : poll_ms;
}

/* Uniform in +-percent of that time. */
static int64_t jitter_ms(struct probe *p, int64_t of_ms)
{
	int64_t span_ms = of_ms * p->spec->jitter_percent / 100;

	if (span_ms <= 0)
		return 0;
	if (span_ms > INT32_MAX)
		span_ms = INT32_MAX;
	return (int64_t)rng_below(
	           &p->prober->rng, (uint32_t)(2 * span_ms + 1)) -
	       span_ms;
}

/* True: it is late with many others, and waits a little longer. */
static bool wait_for_turn(struct probe *p, int64_t now_ms)
{
	struct prober *pr = p->prober;
	int64_t late_ms = now_ms - p->due_ms;

	/* timers run in their order: the first is the one that waited most */
	if (late_ms >= LATE_MS && pr->late_at_ms != now_ms && !p->shifted) {
		pr->late_at_ms = now_ms;
		pr->late_by_ms = late_ms;
	}
	if (p->shifted || pr->late_at_ms != now_ms) {
		p->shifted = false;
		return false;
	}
	p->shifted = true;
	timer_set(pr->timers, &p->next, p->due_ms + pr->late_by_ms);
	return true;
}

/* It has more to do than it can, or the machine stood still. */
static void watch_pace(struct prober *pr, int64_t now_ms, int64_t late_ms)
{
	if (now_ms - pr->pace.since_ms >= PACE_MS) {
		if (pr->pace.late > pr->pace.runs / 100 &&
		    log_limit_ok(&pr->pace.told, 1, PACE_TOLD_MS, now_ms)) {
			log_warn("checks begin late: runs=%u late=%u "
			         "late_max_ms=%lld",
			    pr->pace.runs, pr->pace.late,
			    (long long)pr->pace.most_ms);
		}
		pr->pace.since_ms = now_ms;
		pr->pace.runs = pr->pace.late = 0;
		pr->pace.most_ms = 0;
	}
	pr->pace.runs++;
	pr->pace.late += late_ms >= LATE_MS;
	if (late_ms > pr->pace.most_ms)
		pr->pace.most_ms = late_ms;
}

/* What a thread is to read; all its own, for it may outlive the definition. */
struct tls_work {
	struct tls_cache *cache;
	char *ca_file, *cert_file, *key_file;
	int64_t now_ms;
};

static void run_tls(void *arg)
{
	const struct tls_work *w = arg;
	const struct net_tls tls = { .ca_file = w->ca_file,
		.cert_file = w->cert_file,
		.key_file = w->key_file };

	tls_cache_refresh(w->cache, &tls, w->now_ms);
}

static void release_tls(void *arg)
{
	struct tls_work *w = arg;

	tls_cache_free(w->cache);
	free(w->ca_file);
	free(w->cert_file);
	free(w->key_file);
	free(w);
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

void probe_tls_files(
    const struct probe *p, const struct net_tls *tls, struct fetch *f)
{
	if (!tls->on)
		return;
	struct tls_work *w = xcalloc(1, sizeof(*w));

	*w = (struct tls_work){ .cache = tls_cache_ref(p->prober->net.tls),
		.ca_file = copy(tls->ca_file),
		.cert_file = copy(tls->cert_file),
		.key_file = copy(tls->key_file),
		.now_ms = timers_now(p->prober->timers) };
	fetch_add_work(f, tls_cache_path(tls), run_tls, release_tls, w);
}

static void on_files(void *arg)
{
	struct probe *p = arg;

	p->ops->start(p); /* may free p */
}

/* May free p. */
static void start(struct probe *p)
{
	if (p->ops->files) {
		p->fetch = fetch_new(on_files, p);
		p->ops->files(p, p->fetch);
		if (fetch_n(p->fetch)) {
			fetch_begin(p->fetch, p->prober->workers);
			return;
		}
	}
	p->ops->start(p);
}

static void on_next(void *arg)
{
	struct probe *p = arg;
	struct timers *ts = p->prober->timers;
	int64_t now_ms = timers_now(ts);

	if (wait_for_turn(p, now_ms))
		return;
	watch_pace(p->prober, now_ms, now_ms - p->due_ms);
	tally_run(&p->prober->counts, now_ms - p->due_ms);
	p->extra = p->extra_next;
	p->running = true;
	p->expired = p->excused = false;
	p->started_ms = now_ms;
	late_mark(p->prober->late, begins[p->spec->kind]);
	if (p->spec->timeout_ms > 0) {
		timer_set(
		    ts, &p->deadline, p->started_ms + p->spec->timeout_ms);
	}
	start(p);
}

/*
 * We stood still ourselves. What came meanwhile lies in the sockets, and some
 * of it needs an answer before there is a result: a run gets the time back
 * that it lost by us, once, and not more than it had.
 */
static bool excuse(struct probe *p)
{
	struct timers *ts = p->prober->timers;
	int64_t lost_ms = timers_now(ts) - p->deadline.at_ms;

	if (lost_ms < LATE_MS || p->excused)
		return false;
	p->excused = true;
	if (lost_ms > p->spec->timeout_ms)
		lost_ms = p->spec->timeout_ms;
	timer_set(ts, &p->deadline, timers_now(ts) + lost_ms);
	return true;
}

static void on_deadline(void *arg)
{
	struct probe *p = arg;

	if (excuse(p) || (p->ops->late && p->ops->late(p)))
		return;
	p->expired = true;
	const char *file = p->fetch ? fetch_waits_for(p->fetch) : NULL;

	if (file) {
		probe_done_fmt(p, VERDICT_FAIL,
		    "timed out after %lld ms, reading '%s'",
		    (long long)p->spec->timeout_ms, file);
		return;
	}
	const char *waiting = p->ops->waiting ? p->ops->waiting(p) : NULL;

	probe_done_fmt(p, VERDICT_FAIL, "timed out after %lld ms%s%s",
	    (long long)p->spec->timeout_ms, waiting ? ", " : "",
	    waiting ? waiting : "");
}

void probe_init(struct probe *p, struct prober *pr,
    const struct check_spec *spec, const struct probe_subject *subject,
    probe_fn fn, void *arg)
{
	*p = (struct probe){ .prober = pr,
		.ops = pr->kinds[spec->kind],
		.spec = spec,
		.subject = subject,
		.fn = fn,
		.arg = arg };
	timer_init(&p->next, on_next, p);
	timer_init(&p->deadline, on_deadline, p);
}

static void end_run(struct probe *p)
{
	timer_cancel(p->prober->timers, &p->deadline);
	if (p->running) {
		p->running = false;
		p->prober->counts.running--;
		p->ops->stop(p);
		p->run = NULL;
		fetch_free(p->fetch);
		p->fetch = NULL;
	}
}

void probe_release(struct probe *p)
{
	probe_pause(p);
}

/* Sets the timer. */
static void plan(struct probe *p, int64_t due_ms, bool extra)
{
	p->due_ms = due_ms;
	p->extra_next = extra;
	p->shifted = false;
	timer_set(p->prober->timers, &p->next, due_ms);
}

static void plan_regular(struct probe *p, int64_t due_ms)
{
	p->regular_ms = due_ms;
	plan(p, due_ms, false);
}

static void end_extra(struct probe *p)
{
	if (p->pause_ms)
		p->prober->quick_n--;
	p->pause_ms = 0;
}

/*
 * The more there are, the longer each waits. True: there is an extra run
 * before the next one of the schedule, and its timer is set.
 */
static bool plan_extra(struct probe *p)
{
	int64_t pause_ms = p->pause_ms;

	if (!pause_ms)
		return false;
	if (pause_ms < p->prober->quick_n)
		pause_ms = p->prober->quick_n;
	if (pause_ms >= interval_ms(p)) {
		end_extra(p);
		return false;
	}
	/* jitter makes it shorter alone */
	int64_t due_ms = timers_now(p->prober->timers) + pause_ms -
	                 llabs(jitter_ms(p, pause_ms));

	if (due_ms >= p->regular_ms)
		return false;
	p->pause_ms = pause_ms + pause_ms / PAUSE_GROWTH;
	plan(p, due_ms, true);
	return true;
}

void probe_quicken(struct probe *p)
{
	if (p->spec->kind == CHECK_TTL)
		return;
	if (!p->pause_ms)
		p->prober->quick_n++;
	p->pause_ms = PAUSE_MS;
	/* far off, as the schedule is that of what was there before */
	if (timer_is_set(&p->next) &&
	    p->due_ms - timers_now(p->prober->timers) > PAUSE_MS)
		(void)plan_extra(p);
}

void probe_settle(struct probe *p)
{
	end_extra(p);
	if (timer_is_set(&p->next) && p->extra_next)
		plan(p, p->regular_ms, false);
}

void probe_begin(struct probe *p)
{
	struct prober *pr = p->prober;
	int64_t now_ms = timers_now(pr->timers);

	if (p->running || timer_is_set(&p->next))
		return;
	pr->slot_ms = pr->slot_ms < now_ms ? now_ms : pr->slot_ms + 1;
	plan_regular(p, now_ms + (pr->slot_ms - now_ms) % interval_ms(p));
}

static void stop_waiting(struct probe *p)
{
	if (p->unable)
		TAILQ_REMOVE(&p->prober->unable, p, unable_link);
	p->unable = false;
}

void probe_pause(struct probe *p)
{
	timer_cancel(p->prober->timers, &p->next);
	stop_waiting(p);
	end_extra(p);
	end_run(p);
}

void probe_hurry(struct probe *p)
{
	struct timers *ts = p->prober->timers;

	if (p->running || !timer_is_set(&p->next) ||
	    p->next.at_ms <= timers_now(ts) + 1)
		return;
	plan_regular(p, timers_now(ts) + 1);
}

void probe_set_spec(struct probe *p, const struct check_spec *spec,
    const struct probe_subject *subject)
{
	p->spec = spec;
	p->subject = subject;
}

void probe_wait(struct probe *p)
{
	timer_cancel(p->prober->timers, &p->deadline);
}

void probe_go_on(struct probe *p)
{
	struct timers *ts = p->prober->timers;

	timer_set(ts, &p->deadline, timers_now(ts) + p->spec->timeout_ms);
}

/* ---- the funnel ------------------------------------------------------- */

void probe_done_silent(struct probe *p)
{
	int64_t now_ms = timers_now(p->prober->timers);
	int64_t past_ms;

	end_run(p);
	if (!p->extra)
		p->regular_ms += interval_ms(p) + jitter_ms(p, interval_ms(p));
	past_ms = now_ms - p->regular_ms;
	if (past_ms > 0) {
		int64_t n = past_ms / interval_ms(p) + 1;

		p->regular_ms += n * interval_ms(p);
		p->prober->counts.left_out += (uint64_t)n;
	}
	if (!plan_extra(p))
		plan_regular(p, p->regular_ms);
}

/*
 * What a run held is free now. Without an order some of many would lose the
 * race for it again and again.
 */
static void let_next_run(struct probe *p)
{
	stop_waiting(p);
	if (!TAILQ_EMPTY(&p->prober->unable))
		probe_hurry(TAILQ_FIRST(&p->prober->unable));
}

void probe_done(struct probe *p, enum verdict v, const char *detail)
{
	char text[PROBE_DETAIL_MAX];

	printable_copy(text, sizeof(text), detail, strlen(detail));
	late_mark(p->prober->late, "verdicts");
	tally_verdict(&p->prober->counts, p->spec->kind, v,
	    timers_now(p->prober->timers) - p->started_ms, p->expired);
	probe_done_silent(p);
	let_next_run(p);
	p->fn(p->arg, v, text); /* may free p */
}

void probe_done_fmt(struct probe *p, enum verdict v, const char *fmt, ...)
{
	char text[PROBE_DETAIL_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	probe_done(p, v, text);
}

/* Those that could not run at once do not try again at once, either. */
static void retry_soon(struct probe *p)
{
	struct timers *ts = p->prober->timers;
	uint32_t spread_ms = rng_below(&p->prober->rng, RETRY_MS / 2);
	int64_t at_ms = timers_now(ts) + RETRY_MS / 2 + spread_ms;

	plan_regular(p, at_ms < p->regular_ms ? at_ms : p->regular_ms);
}

void probe_done_unable(struct probe *p, const char *text)
{
	struct prober *pr = p->prober;
	char why[PROBE_DETAIL_MAX];

	printable_copy(why, sizeof(why), text, strlen(text));
	pr->counts.unable++;
	if (log_limit_ok(
	        &pr->unable_told, 1, PACE_TOLD_MS, timers_now(pr->timers))) {
		log_warn("cannot run check '%s' of '%s/%s', and maybe others: "
		         "%s",
		    p->spec->name, p->subject->service, p->subject->instance,
		    why);
	}
	probe_done_silent(p);
	if (!p->unable)
		TAILQ_INSERT_TAIL(&pr->unable, p, unable_link);
	p->unable = true;
	retry_soon(p);
	p->fn(p->arg, VERDICT_NONE, why); /* may free p */
}

void probe_done_error(struct probe *p, int error, const char *text)
{
	if (budget_is_short(error)) {
		probe_done_unable(p, text);
	} else {
		probe_done(p, VERDICT_FAIL, text);
	}
}
