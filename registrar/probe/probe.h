// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * probe - one check of one instance: when it runs, and how each run ends.
 *
 * A probe has at most one run in progress. A run begins by the start() of
 * its kind, has spec->timeout_ms in all, and ends in probe_done(): there is
 * no other way out. A new kind is a file with a struct probe_ops and a row
 * in probe_kinds.
 *
 * One thread, that of the event base.
 */
#include "registrar/definition/definition.h"
#include "registrar/health/health.h"
#include "registrar/lib/fetch.h"
#include "registrar/lib/late.h"
#include "registrar/lib/timer.h"
#include "registrar/net/net.h"
#include "registrar/probe/tally.h"
#include "schema/base/log.h"
#include "schema/base/rng.h"

#include <sys/queue.h>

struct event;
struct event_base;
struct probe;
struct runner;

/* How often a ttl check looks at its row: four times a ttl, within these. */
#define TTL_POLL_MIN_MS 50
#define TTL_POLL_MAX_MS 1000

#define PROBE_DETAIL_MAX 4096 /* octets with the final NUL */

/* Whom a check is about. Strings are borrowed. */
struct probe_subject {
	const char *zone, *service, *instance;
	const char *address;
	int port; /* ROW_DEFAULT: none */
};

struct probe_ops {
	/*
	 * Those that start() takes from p->fetch: a thread reads them before,
	 * as part of the run, so a file system that hangs holds nobody but
	 * this run. NULL: none.
	 */
	void (*files)(const struct probe *p, struct fetch *f);
	/* Begin a run. May call probe_done() before it returns. */
	void (*start)(struct probe *p);
	/* Let go of p->run: it ended, ran out of time, or is not wanted. */
	void (*stop)(struct probe *p);
	/* What the run waits for, or NULL; for the text of a time-out. */
	const char *(*waiting)(const struct probe *p);
	/*
	 * Out of time. True: it has called probe_done(); false or NULL: that
	 * is a failure.
	 */
	bool (*late)(struct probe *p);
};

/* By enum check_kind: what the daemon uses. */
extern const struct probe_ops *const probe_kinds[CHECK_KIND_N];
extern const struct probe_ops probe_tcp_ops, probe_http_ops, probe_exec_ops,
    probe_ttl_ops, probe_udp_ops, probe_dns_ops, probe_file_ops, probe_icmp_ops,
    probe_postgres_ops, probe_redis_ops, probe_alias_ops, probe_grpc_ops,
    probe_h2ping_ops;

/* The last report on a ttl check. */
struct heartbeat {
	enum health status; /* STARTING: nobody has reported yet */
	int64_t at_wall_ms;
	char note[PROBE_DETAIL_MAX];
};

/*
 * Something that is freed after the present callback, or when its child
 * process has ended.
 */
struct leftover {
	LIST_ENTRY(leftover) link;
	void (*free)(struct leftover *l);
	bool soon; /* at the next turn; else it goes by itself */
};

/* What all probes share. */
struct prober {
	struct event_base *base;
	struct timers *timers;
	struct late *late; /* borrowed; or NULL */
	struct rng rng;
	const struct probe_ops *const *kinds;
	/* 0, -ENOENT, or another -E.. when the registry does not answer */
	int (*heartbeat)(void *arg, const struct probe_subject *s,
	    const char *check, struct heartbeat *ret_beat);
	/*
	 * How others are doing, as the registry says; -ENOENT: no such
	 * instance, or another -E.. when the registry does not answer
	 */
	int (*tally)(void *arg, const char *zone, const char *service,
	    struct service_tally *ret_tally);
	int (*state)(void *arg, const char *zone, const char *service,
	    const char *instance, struct instance_state *ret_state);
	int64_t (*wall_ms)(void *arg);
	void *arg; /* of all of them */
	/* of exec checks: owned; NULL: there are none */
	struct runner *runner;
	struct workers *workers; /* borrowed; NULL: files are read at once */
	const char *exec_user;   /* of those that name none; or NULL: ours */
	struct tally counts;     /* since prober_init() or tally_begin() */
	/* private */
	int64_t slot_ms;  /* when the next new probe may have its first run */
	unsigned quick_n; /* probes with a pause_ms */
	/* a turn that came late, and by how much */
	int64_t late_at_ms, late_by_ms;
	/* of some seconds, to say so if many are late */
	struct {
		int64_t since_ms, most_ms;
		unsigned runs, late;
		struct log_limit told;
	} pace;
	struct log_limit unable_told;
	/* who could not run, the longest first: what ends makes room for it */
	TAILQ_HEAD(, probe) unable;
	struct net net;
	struct event *bury;
	LIST_HEAD(, leftover) leftovers;
};

/* Fill base (NULL: only kinds that need none), timers, kinds, ... before. */
void prober_init(struct prober *pr);
/* After all probes. Child processes that are left are killed. */
void prober_release(struct prober *pr);

/* For kinds. */
void prober_leave(struct prober *pr, struct leftover *l);
void prober_forget(struct leftover *l);

/*
 * detail: printable, borrowed for the call. VERDICT_NONE: the run could not
 * be made, for the reason of ours that it says. The callback may free p.
 */
typedef void (*probe_fn)(void *arg, enum verdict v, const char *detail);

struct probe {
	TAILQ_ENTRY(probe) unable_link;
	struct prober *prober;
	const struct probe_ops *ops;
	const struct check_spec *spec;
	const struct probe_subject *subject;
	probe_fn fn;
	void *arg;
	struct timer next, deadline;
	int64_t due_ms;      /* of the last run, or the next */
	int64_t regular_ms;  /* the next one that is not extra */
	int64_t pause_ms;    /* before an extra run; 0: there are none */
	int64_t started_ms;  /* when it came about */
	void *run;           /* of the kind, NULL between runs */
	struct fetch *fetch; /* ops->files() of the run, or NULL */
	/* ttl: the last report, and since when the ttl runs; 0: not looked */
	int64_t beat_wall_ms, beat_seen_ms;
	bool beat_counted; /* before this program was started */
	bool decided;      /* alias: there was a verdict in this run */
	bool running;
	bool expired; /* the present run is out of time */
	bool excused; /* it got the time back that it lost by us */
	bool shifted; /* it was late, and waits for its turn */
	bool extra;   /* the present run is, or the last one was */
	bool extra_next;
	bool unable; /* in prober->unable */
};

/* Borrows spec and subject. Does nothing before probe_begin(). */
void probe_init(struct probe *p, struct prober *pr,
    const struct check_spec *spec, const struct probe_subject *subject,
    probe_fn fn, void *arg);
void probe_release(struct probe *p);

/*
 * Run from now on. The first runs of many probes are a millisecond apart,
 * and all within the interval; so later ones never fire together, not even
 * after the whole program stood still.
 */
void probe_begin(struct probe *p);
/* No more runs until probe_begin(); one in progress is given up. */
void probe_pause(struct probe *p);

/*
 * Until probe_settle() there are extra runs between those of the schedule: 50
 * ms after the end of one, then after a fifth longer each time, until that is
 * the interval. All probes together have no more than one in a millisecond.
 * Again: from 50 ms on. Nothing for a ttl, which looks often enough.
 */
void probe_quicken(struct probe *p);
void probe_settle(struct probe *p);

/*
 * The next run is in a moment, and later ones are counted from there: after
 * this turn of the loop, so what it writes is there to be read. Nothing, if
 * it does not wait for its next run.
 */
void probe_hurry(struct probe *p);

/* Equal ones at another address: nothing else changes. */
void probe_set_spec(struct probe *p, const struct check_spec *spec,
    const struct probe_subject *subject);

/*
 * The run has ended: free it, schedule the next one, tell. detail is made
 * printable and cut to PROBE_DETAIL_MAX; it may lie in p->run.
 */
void probe_done(struct probe *p, enum verdict v, const char *detail);
void probe_done_fmt(struct probe *p, enum verdict v, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * The run failed with error -E.., or 0; text says why. What is our own
 * shortage (budget_is_short()) is no verdict, but told and counted, and the
 * next run is soon: when another run has ended, in the order in which they
 * were refused, or within a second. Anything else is a failure.
 */
void probe_done_error(struct probe *p, int error, const char *text);
/* The same, where it is known to be ours. */
void probe_done_unable(struct probe *p, const char *text);

/* For ops->files: all that a TLS session takes, if there is to be one. */
void probe_tls_files(
    const struct probe *p, const struct net_tls *tls, struct fetch *f);

/*
 * For a run that has to wait for its turn: its time does not run until
 * probe_go_on(). The schedule stays what it was.
 */
void probe_wait(struct probe *p);
void probe_go_on(struct probe *p);

/* The run has ended without a verdict, as planned. */
void probe_done_silent(struct probe *p);
