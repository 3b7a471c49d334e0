// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * top_model - all instances of the registry in short, in the order in which
 * they are to be seen.
 *
 * Read whole once, then service by service as the registry numbers changes.
 * What a line says beside (checks, addresses) is read for the lines that are
 * shown alone: top_rows.h. When the registry cannot be read, what was read
 * last stays, and `trouble` says why. One thread.
 */
#include "registrar/report/told.h"
#include "schema/base/arena.h"
#include "schema/eligible.h"
#include "schema/follow.h"

/* In the order of what is worse. */
enum top_state {
	TOP_DEAD,
	TOP_CRITICAL,
	TOP_EXPIRED, /* its lease */
	TOP_FAILED,  /* what follows its drain */
	TOP_WARNING,
	TOP_STARTING,
	TOP_DRAINING,
	TOP_DRAINED,
	TOP_MAINTENANCE,
	TOP_PASSING,
};
#define TOP_STATE_N 10
const char *top_state_name(enum top_state s); /* "dead" ... */

enum top_sort { TOP_BY_STATE, TOP_BY_NAME, TOP_BY_SINCE, TOP_BY_WEIGHT };
#define TOP_SORT_N 4
const char *top_sort_name(enum top_sort s); /* "worst first" ... */

struct top_service;

struct top_entry {
	const struct top_service *service;
	const char *name;
	struct eligible_facts facts;
	int weight; /* in force */
	int64_t since_wall_ms;
	enum drain_step drain_step;
	const char *source; /* "registrar/NAME"; NULL: another */
	/* as of top_model_judge() */
	struct eligible eligible;
	enum top_state state;
};

struct top_service {
	const char *zone, *name;
	struct arena *arena; /* of all names */
	enum on_empty on_empty;
	struct top_entry *entries;
	unsigned n, max;
};

#define TOP_RECENT_MAX 8
#define TOP_FILTER_MAX 64

struct top_model {
	const char *path, *home; /* borrowed: registry, zone that is not told */
	struct follow *follow;
	struct registry *reg; /* that of follow; NULL: not open */
	struct follow_place place;
	struct top_service **services; /* by zone and name */
	unsigned service_n, service_max;
	unsigned n; /* instances in all */
	/* what is asked to be seen, and in which order */
	char filter[TOP_FILTER_MAX]; /* "": all */
	enum top_sort sort;
	struct top_entry **shown;
	unsigned shown_n, shown_max;
	unsigned state_n[TOP_STATE_N]; /* of all */
	unsigned unanswered_n;         /* services without eligible instance */
	struct history_row recent[TOP_RECENT_MAX]; /* the newest first */
	unsigned recent_n;
	struct arena *recent_arena;
	struct told told; /* lines of what is to be known first */
	struct arena *told_arena;
	char trouble[256]; /* "": none */
};

void top_model_init(struct top_model *m, const char *path, const char *home);
void top_model_release(struct top_model *m);

/*
 * Read what changed. True: something did, or the trouble is another. Costs
 * the reading of a number when nothing did.
 */
bool top_model_refresh(struct top_model *m);
/* Time alone changes states, too. True: it did. */
bool top_model_judge(struct top_model *m, int64_t now_wall_ms);
/* What registrars and dnsd tell, read at most once a second. */
void top_model_tell(struct top_model *m, int64_t now_wall_ms);
/* Filter and sort; after either of the two, and after a change of them. */
void top_model_arrange(struct top_model *m);

/* For top_load.c: s is consumed, and may take the place of another. */
void top_model_put(struct top_model *m, struct top_service *s);
void top_model_remove(
    struct top_model *m, const char *zone, const char *service);
void top_model_clear(struct top_model *m);
void top_service_free(struct top_service *s);

/* "web/i-1", or "web.lan/i-1" where the zone is another; in buf. */
const char *top_entry_name(const struct top_model *m, const struct top_entry *e,
    char *buf, size_t len);
