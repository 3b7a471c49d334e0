// SPDX-License-Identifier: BSD-2-Clause
/*
 * One thread, one libevent base. The timers of all parts hang on one event;
 * a second one, active whenever rows wait, writes them behind all other
 * events of the same turn.
 */
#include "registrar/run.h"

#include "registrar/lib/late.h"
#include "registrar/net/net.h"
#include "registrar/options.h"
#include "registrar/parts.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/notify.h"
#include "schema/base/version.h"
#include "schema/pulse.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
#define SIGNAL_N (sizeof(signals) / sizeof(signals[0]))

#define START_MS 5000 /* at most, until the first check */
#define STOP_MS 1000
#define LATE_TOLD_MS 10000 /* a line at most so often */

struct run {
	const struct run_options *options;
	struct event_base *base;
	struct event *tick, *flush, *signals[SIGNAL_N];
	struct timers *timers;
	struct late late;
	struct log_limit late_told;
	struct timer beat;  /* of the service manager's watchdog */
	int64_t beat_ms;    /* 0: it has none */
	struct timer pulse; /* of those who look */
	struct parts parts;
	bool failed;
};

/* ---- clocks and turns of the loop ------------------------------------- */

static int64_t mono_ms(void *arg)
{
	(void)arg;
	return clock_mono_ms();
}

static void set_tick(void *arg)
{
	struct run *r = arg;
	int64_t at_ms = timers_next(r->timers);

	if (at_ms < 0) {
		(void)evtimer_del(r->tick);
		return;
	}
	int64_t wait_ms = at_ms - timers_now(r->timers);

	if (wait_ms < 0)
		wait_ms = 0;
	const struct timeval wait = { .tv_sec = wait_ms / 1000,
		.tv_usec = wait_ms % 1000 * 1000 };

	(void)evtimer_add(r->tick, &wait);
}

static void fail(void *arg, const char *why)
{
	struct run *r = arg;

	log_error("ending: %s", why);
	r->failed = true;
	(void)event_base_loopbreak(r->base);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct run *r = arg;

	(void)fd;
	(void)what;
	late_mark(&r->late, "timers");
	timers_run(r->timers);
	if (confine_is_elsewhere(&r->parts.confine, r->options,
	        store_has_trouble(r->parts.store), timers_now(r->timers))) {
		fail(r, "the registry's directory is another one than at the "
		        "start, and closed to the sandbox");
	}
}

static void wake(void *arg)
{
	struct run *r = arg;

	event_active(r->flush, 0, 0);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct run *r = arg;

	(void)fd;
	(void)what;
	late_mark(&r->late, "writing the registry");
	store_flush(r->parts.store);
}

static void log_line(const char *text)
{
	log_info("%s", text);
}

/* What was counted since the last time. */
static void report(struct run *r)
{
	int64_t now_ms = timers_now(r->timers);

	tally_tell(&r->parts.prober.counts, now_ms, log_line);
	tally_begin(&r->parts.prober.counts, now_ms);
	log_info("loop: longest_turn_ms=%lld most_in='%s' of_it_ms=%lld",
	    (long long)r->late.longest.ms, r->late.longest.what,
	    (long long)r->late.longest.what_ms);
	late_forget(&r->late);
}

/* ---- turns ------------------------------------------------------------ */

/*
 * Is the loop to be told of? The service manager is, at each beat; its
 * watchdog ends us when one turn takes all of its time.
 */
static void on_beat(void *arg)
{
	struct run *r = arg;

	notify_state("WATCHDOG=1");
	timer_set(r->timers, &r->beat, timers_now(r->timers) + r->beat_ms);
}

static void on_pulse(void *arg)
{
	struct run *r = arg;

	parts_beat(&r->parts);
	timer_set(r->timers, &r->pulse, timers_now(r->timers) + PULSE_EVERY_MS);
}

static void begin_beat(struct run *r)
{
	timer_init(&r->pulse, on_pulse, r);
	on_pulse(r);
	timer_init(&r->beat, on_beat, r);
	r->beat_ms = notify_beat_ms();
	if (r->beat_ms > 0)
		on_beat(r);
}

static void turn_over(struct run *r)
{
	struct late_turn turn;

	if (!late_end(&r->late, &turn) ||
	    !log_limit_ok(
	        &r->late_told, 1, LATE_TOLD_MS, timers_now(r->timers)))
		return;
	log_warn("late: all waited for a turn of the loop: took_ms=%lld "
	         "most_in='%s' of_it_ms=%lld",
	    (long long)turn.ms, turn.what, (long long)turn.what_ms);
}

static void loop(struct run *r)
{
	int error = 0;

	while (!error) {
		error = event_base_loop(r->base, EVLOOP_ONCE);
		turn_over(r);
		if (event_base_got_break(r->base))
			return;
	}
}

static void on_signal(evutil_socket_t signum, short what, void *arg)
{
	struct run *r = arg;

	(void)what;
	if (signum == SIGUSR1) {
		report(r);
		return;
	}
	if (signum == SIGHUP) {
		log_info("reading '%s' again", r->options->watch);
		defthread_rescan(r->parts.defdir);
		return;
	}
	log_info("ending: %s", strsignal(signum));
	(void)event_base_loopbreak(r->base);
}

/* ---- setting up and taking down --------------------------------------- */

/* Each process watch and each run of a check holds a descriptor or two. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* The coarse clock would be up to 4 ms late. */
static struct event_base *make_base(void)
{
	struct event_config *config = event_config_new();

	if (!config)
		abort(); /* out of memory */
	(void)event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER |
	                                        EVENT_BASE_FLAG_NOLOCK |
	                                        EVENT_BASE_FLAG_IGNORE_ENV);
	struct event_base *base = event_base_new_with_config(config);

	event_config_free(config);
	return base;
}

static void add_events(struct run *r)
{
	r->tick = evtimer_new(r->base, on_tick, r);
	r->flush = event_new(r->base, -1, 0, on_flush, r);
	if (!r->tick || !r->flush)
		abort(); /* out of memory */
	for (size_t n = 0; n < SIGNAL_N; n++) {
		r->signals[n] = evsignal_new(r->base, signals[n], on_signal, r);
		if (!r->signals[n] || event_add(r->signals[n], NULL) < 0)
			abort(); /* out of memory */
	}
	timers_on_change(r->timers, set_tick, r);
}

static int start(struct run *r, struct diag *reterr)
{
	raise_file_limit();
	/* each definition is read into as much as libyaml needs, and freed */
	(void)mallopt(M_TRIM_THRESHOLD, 8 << 20);
	(void)mallopt(M_TOP_PAD, 1 << 20);
	(void)signal(SIGPIPE, SIG_IGN);
	r->base = make_base();
	if (!r->base)
		return diag_set(reterr, -EIO, "cannot use epoll");
	r->timers = timers_new(mono_ms, NULL);
	late_init(&r->late, r->base);
	add_events(r);
	r->parts = (struct parts){ .options = r->options,
		.base = r->base,
		.timers = r->timers,
		.late = &r->late,
		.wake = wake,
		.broken = fail,
		.arg = r };
	return parts_start(&r->parts, reterr);
}

static void stop(struct run *r)
{
	if (r->timers) {
		timer_cancel(r->timers, &r->beat);
		timer_cancel(r->timers, &r->pulse);
	}
	parts_stop(&r->parts);
	for (size_t n = 0; n < SIGNAL_N; n++) {
		if (r->signals[n])
			event_free(r->signals[n]);
	}
	if (r->flush)
		event_free(r->flush);
	if (r->tick)
		event_free(r->tick);
	timers_free(r->timers);
	if (r->base)
		net_base_free(r->base);
}

/* All that waits, unless the registry does not take it. */
static void write_all(struct run *r, int64_t for_ms)
{
	int64_t end_ms = timers_now(r->timers) + for_ms;

	do {
		store_flush(r->parts.store);
	} while (!store_is_idle(r->parts.store) &&
	         !store_has_trouble(r->parts.store) &&
	         timers_now(r->timers) < end_ms);
}

int run_main(const struct run_options *options)
{
	struct run r = { .options = options };
	struct diag why;

	if (start(&r, &why) < 0) {
		log_error("cannot start: %s", why.text);
		stop(&r);
		return 1;
	}
	log_info("registrar %s: registry='%s' watch='%s' zone='%s'",
	    ROLLCALL_VERSION, options->registry, options->watch, options->zone);
	/* before the definitions, so that those kept there can be had */
	store_flush(r.parts.store);
	r.parts.named = true; /* whatever registry comes later */
	if (defthread_start(r.parts.defdir, &why) < 0) {
		log_error("cannot start: %s", why.text);
		stop(&r);
		return 1;
	}
	/*
	 * What an earlier run left is to be known before processes and checks
	 * speak, else the log would tell of changes that are none.
	 */
	write_all(&r, START_MS);
	notify_state("READY=1");
	begin_beat(&r);
	(void)late_end(&r.late, &(struct late_turn){ 0 });
	loop(&r);
	notify_state("STOPPING=1");
	store_end(r.parts.store);
	write_all(&r, STOP_MS);
	stop(&r);
	return r.failed;
}
