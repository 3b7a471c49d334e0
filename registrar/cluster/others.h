// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * others - what other hosts say, and their rows in the registry.
 *
 * Keys come in by snapshots and by events, rows of the registry by whoever
 * reads it; what differs waits, once for each key, to be written in short
 * transactions. What a living host takes back goes at once. The end of a host
 * is decided for all of its rows together: after a grace where it was found
 * missing rather than told, and by removal.h; until then, and while it is
 * held, its rows stay as they are. One thread.
 */
#include "registrar/cluster/record.h"
#include "registrar/cluster/removal.h"

#define OTHERS_TURN_MS 20 /* of a transaction */

struct others;
struct others_config {
	const char *node; /* this host: its keys are passed over */
	int share_percent;
	int64_t within_ms, grace_ms;
};

struct others *others_new(const struct others_config *c);
void others_free(struct others *o);

/* ---- from etcd --------------------------------------------------------- */

/* All keys that there are, then the end. */
void others_snapshot_begin(struct others *o);
void others_snapshot_end(struct others *o, int64_t now_ms);
/* value NULL: it is gone. Within a snapshot: it is part of it. */
void others_key(struct others *o, const struct record_key *k, const char *value,
    int64_t now_ms);
/*
 * The store has lost what is ours, so the ends that it tells of are no word
 * of hosts: until they are back, or grace_ms is over.
 */
void others_doubt(struct others *o, int64_t now_ms);

/* ---- from the registry ------------------------------------------------- */

/* All rows come now; or those of a service that is ours alone do not. */
void others_rows_begin(struct others *o);
void others_row(struct others *o, const struct instance_row *row);
void others_service_row(struct others *o, const struct service_row *row);
void others_rows_end(struct others *o);
/* What all of them say of that instance is to be looked at again. */
void others_look_again(struct others *o, const char *rest);

/* ---- to the registry --------------------------------------------------- */

/* Is there anything to write? Decides on ends. */
bool others_wait(struct others *o, int64_t now_ms);
/* -1: nothing; else when others_wait() may say another thing. */
int64_t others_due_ms(const struct others *o);
/*
 * One transaction, of OTHERS_TURN_MS or a little more. clock: monotonic. 0, or
 * errors of the registry: all that it would have written still waits.
 */
int others_apply(struct others *o, struct registry *r, int64_t now_wall_ms,
    int64_t (*clock_ms)(void), struct diag *reterr);

/* Rows of `member`, for all hosts that are known. */
int others_put_members(struct others *o, struct registry *r, bool heard,
    int64_t now_wall_ms, struct diag *reterr);
/* An operator: what is held, or missing, of that host is to go. */
void others_drop(struct others *o, const char *node);
/* All that others say goes; they are as if never heard of. */
void others_drop_all(struct others *o);

/* How many hosts are held; for the alarm. */
unsigned others_held_n(const struct others *o);
unsigned others_known_n(const struct others *o);
/* The node whose row that is, as keys have it; NULL: nobody says it. */
const char *others_say(
    const struct others *o, const char *node, const char *rest);
