// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the store does by itself: the heartbeat of this registrar, output of
 * checks that changed without a change of state, old history and leases that
 * ran out long ago, which go in small steps.
 */
#include "registrar/store/store_impl.h"

#include <errno.h>

#define BEAT_MS REGISTRAR_BEAT_MS
#define PRUNE_MS 60000
#define PRUNE_MORE_MS 100 /* while there are more than one step takes */
#define PRUNE_ROWS 500
#define KEEP_HISTORY_MS (7 * INT64_C(86400000))
#define OUTPUT_PAUSE_MS 10000 /* of one check, between two writes */
#define OUTPUTS_A_BEAT 500

static void take_outputs(struct store *st)
{
	struct store_item *item, *next;
	int64_t now_ms = timers_now(st->config.timers);
	unsigned n = 0;

	for (item = TAILQ_FIRST(&st->later); item && n < OUTPUTS_A_BEAT;
	     item = next) {
		struct store_check *c =
		    STORE_ITEM(item, struct store_check, item);

		next = TAILQ_NEXT(item, link);
		if (now_ms - c->written_ms < OUTPUT_PAUSE_MS)
			continue;
		store_enqueue(&st->checks, item);
		n++;
	}
}

static void on_beat(void *arg)
{
	struct store *st = arg;
	struct timers *ts = st->config.timers;

	timer_set(ts, &st->beat, timers_now(ts) + BEAT_MS);
	take_outputs(st);
	if (!st->sweep.running)
		store_foreign_tell(st);
	st->beat_due = true;
	store_wake(st);
}

static void on_prune(void *arg)
{
	struct store *st = arg;
	struct timers *ts = st->config.timers;
	unsigned n = 0, expired = 0;
	struct diag why;

	timer_set(ts, &st->prune, timers_now(ts) + PRUNE_MS);
	if (!st->registry || st->trouble_ms)
		return;
	int r = registry_begin(st->registry, 0, &why);

	if (r == 0) {
		(void)registry_prune_history(st->registry,
		    st->config.wall_ms(st->config.arg), KEEP_HISTORY_MS,
		    PRUNE_ROWS, &n, NULL);
		(void)registry_prune_expired(st->registry, st->config.source,
		    st->config.wall_ms(st->config.arg) -
		        REGISTRY_EXPIRED_KEEP_MS,
		    PRUNE_ROWS, &expired, NULL);
		if (expired) {
			log_info("withdrawn %u instances whose leases ran out "
			         "more than an hour ago",
			    expired);
		}
		r = registry_commit(st->registry, &why);
	}
	/* as many as were allowed: there are more */
	if (r == 0 && (n == PRUNE_ROWS || expired == PRUNE_ROWS))
		timer_set(ts, &st->prune, timers_now(ts) + PRUNE_MORE_MS);
	if (r < 0 && r != -EBUSY)
		store_trouble(st, r, &why);
}

void store_upkeep_start(struct store *st)
{
	struct timers *ts = st->config.timers;

	timer_init(&st->beat, on_beat, st);
	timer_init(&st->prune, on_prune, st);
	timer_set(ts, &st->beat, timers_now(ts));
	/* with the first rows: nobody is to find them without a registrar */
	st->beat_due = true;
	timer_set(ts, &st->prune, timers_now(ts) + PRUNE_MS / 4);
}

void store_end(struct store *st)
{
	st->ends = st->beat_due = true;
}

void store_upkeep_stop(struct store *st)
{
	timer_cancel(st->config.timers, &st->beat);
	timer_cancel(st->config.timers, &st->prune);
}
