// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * store_impl - private to the files of the store.
 *
 *	store.c            the queues, when to write, trouble and its end
 *	store_rows.c       what comes into the queues
 *	store_write.c      one transaction: what is in the queues
 *	store_reconcile.c  rows of ours that nobody wants any more
 *	store_drain.c      steps of drains, around the queues
 *	store_upkeep.c     heartbeat, output of checks, old history
 */
#include "registrar/store/store.h"
#include "schema/base/log.h"
#include "schema/follow.h"

#include <stddef.h>

TAILQ_HEAD(store_queue, store_item);

/* Something to remove, or a definition's text: it has no owner elsewhere. */
struct store_order {
	TAILQ_ENTRY(store_order) link;
	enum store_order_kind {
		ORDER_WITHDRAW_SERVICE,
		ORDER_WITHDRAW_INSTANCE,
		ORDER_WITHDRAW_CHECK,
		ORDER_PUT_DEFINITION,
		ORDER_WITHDRAW_DEFINITION,
		ORDER_PUT_REFUSED,
		ORDER_WITHDRAW_REFUSED,
	} kind;
	char *zone, *service, *instance, *check; /* NULL where unused */
	char *file, *text;
};
TAILQ_HEAD(store_orders, store_order);

/* Where the search for unwanted rows stands. */
struct store_sweep {
	bool wanted;  /* store_reconcile() was called */
	bool running; /* pages are left */
	struct registry_key after;
};

struct store {
	struct store_config config;
	struct follow *follow;
	struct registry *registry; /* that of follow; NULL: not open */
	struct follow_place place; /* what others were told of */
	LIST_HEAD(, store_service) all;
	/* by kind, in the order in which they are written */
	struct store_orders orders;
	struct store_queue services, instances, checks;
	struct store_queue later; /* checks with new output only */
	/* of the transaction in progress: back into the queues if it fails */
	struct store_orders done_orders;
	struct store_queue done_items;
	struct timer retry, look, beat, prune;
	int64_t retry_pause_ms;
	/* trouble: since when, and whether somebody was told; 0: none */
	int64_t trouble_ms;
	bool trouble_told;
	bool woken;
	bool beat_due;
	struct store_sweep sweep;
	struct log_limit refused; /* rows that the database refuses */
};

/* The row that holds an item. */
#define STORE_ITEM(ptr, type, member)                                          \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Take a row out of whatever queue it stands in; put it at the end of q. */
void store_enqueue(struct store_queue *q, struct store_item *item);
void store_dequeue(struct store_item *item);
void store_wake(struct store *st);
void store_order_free(struct store_order *o);

/*
 * Write what is in the queues, for some milliseconds at most; what is left
 * stays. -E.. of the registry: nothing was written and everything is in the
 * queues again.
 */
int store_write(struct store *st, struct diag *reterr);

/* Look at the next page of rows; -E.. of the registry. */
int store_sweep_page(struct store *st, struct diag *reterr);
void store_sweep_restart(struct store *st);

/* The registry failed: say so if it lasts, close it if need be, come back. */
void store_trouble(struct store *st, int error, const struct diag *why);

void store_upkeep_start(struct store *st);
void store_upkeep_stop(struct store *st);
