// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * store_impl - private to the files of the store.
 *
 *	store.c            the queues, when to write, trouble and its end
 *	store_rows.c       what comes into the queues
 *	store_write.c      one transaction: what is in the queues
 *	store_reconcile.c  rows of ours that nobody wants any more
 *	store_owner.c      whose rows are: hosts, names of before, others
 *	store_mend.c       what others changed under us is put right
 *	store_drain.c      steps of drains, around the queues
 *	store_upkeep.c     heartbeat, output of checks, old history
 */
#include "registrar/store/store.h"
#include "schema/base/log.h"
#include "schema/follow.h"
#include "schema/owner.h"

#include <stddef.h>
#include <string.h>

TAILQ_HEAD(store_queue, store_item);

/* Something to remove, or a definition's text: it has no owner elsewhere. */
TAILQ_HEAD(store_orders, store_order);
struct store_order {
	TAILQ_ENTRY(store_order) link;
	struct store_orders *home;
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
	void *by_name; /* the same, a tree */
	LIST_HEAD(, store_service) touched;
	/*
	 * What has happened to instances whose rows are there already goes
	 * before all else, however much waits; then by kind, in the order in
	 * which they are written.
	 */
	struct store_queue flips;
	struct store_orders orders;
	struct store_queue services, instances, checks;
	struct store_orders texts; /* of definitions: nobody waits for them */
	struct store_queue later;  /* checks with new output only */
	/* of the transaction in progress: back into the queues if it fails */
	struct store_orders done_orders;
	struct store_queue done_items;
	struct timer retry, look, beat, prune;
	int64_t retry_pause_ms;
	/* trouble: since when, and whether somebody was told; 0: none */
	int64_t trouble_ms;
	bool trouble_told;
	struct diag trouble_why;
	bool woken;
	bool beat_due;
	bool ends; /* the next beat is the last */
	struct store_sweep sweep;
	struct log_limit refused; /* rows that the database refuses */
	struct log_limit mended;  /* rows that others changed */
	struct log_limit lost;    /* rows that others have */
	/* the changes of our last transaction: (own_from, own_to] */
	int64_t own_from, own_to;
	bool unsettled;          /* store_settle_in() is still to be done */
	struct foreign *foreign; /* registrars whose rows the sweep saw */
};

/* The row that holds an item. */
#define STORE_ITEM(ptr, type, member)                                          \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Something waits to be written. */
bool store_has_news(const struct store *st);

/* Take a row out of whatever queue it stands in; put it at the end of q. */
void store_enqueue(struct store_queue *q, struct store_item *item);
void store_dequeue(struct store_item *item);
void store_wake(struct store *st);
/* NULL: none of that name is attached. */
struct store_service *store_find_service(
    const struct store *st, const char *zone, const char *service);
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

/* ---- store_owner.c ---- */

/* A registry was opened: say what host it is of, and adopt. */
int store_settle_in(struct store *st, struct diag *reterr);
/* Look whether the row is ours, after it was put; says so when that changes. */
int store_look_at_owner(
    struct store *st, struct store_instance *i, struct diag *reterr);
/* Ours, or of nobody who would look after it: health may be written. */
bool store_may_judge(struct store *st, const struct store_instance *i);
/* The sweep has seen a row of this source of this host. */
void store_foreign_seen(struct store *st, const char *source);
/* After the sweep, and with each heartbeat: tell of rows whose registrar does
 * not run. */
void store_foreign_tell(struct store *st);
void store_foreign_forget(struct store *st);

/* ---- store_mend.c ---- */

/* Something of this service has changed, whoever did it. */
void store_mend_note(struct store *st, const char *zone, const char *service);
/* Look at those that were noted, in the changes after revision before. */
int store_mend(struct store *st, int64_t before, struct diag *reterr);
/* In a transaction, before and after our own rows are written. */
int store_mend_begin(struct store *st, struct diag *reterr);
int store_mend_end(struct store *st, struct diag *reterr);
/* Everything is to be written again, what is equal excepted. */
void store_queue_everything(struct store *st);

void store_upkeep_start(struct store *st);
void store_upkeep_stop(struct store *st);

/* Is it of a registration, whose rows are not ours? */
static inline bool store_is_registered(const char *definition)
{
	return definition && !strncmp(definition, REGISTRATION_FILE,
	                         sizeof(REGISTRATION_FILE) - 1);
}
