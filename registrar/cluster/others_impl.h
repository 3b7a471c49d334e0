// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * Private to others*.c: the model, and its way to the registry.
 *
 * What waits stands in member.dirty, "i/REST" or "s/REST"; whether it is to
 * be put or to go is decided when it is written, by what is in the model
 * then. So a key that changes ten times is written once.
 */
#include "registrar/cluster/others.h"
#include "registrar/lib/json.h"
#include "schema/base/log.h"

enum verdict {
	ALIVE,
	MISSING, /* not there; not decided yet */
	HELD,
	GONE, /* its rows go */
};

/* Objects are REST -> text, or REST -> true. */
struct member {
	char *node;
	char *host;   /* its record; NULL: it is not there */
	bool whole;   /* all of it is there, so what is not is gone */
	bool left;    /* it said that it goes */
	bool dropped; /* by an operator */
	enum verdict verdict;
	int64_t decide_ms;
	json_t *service, *instance;
	json_t *rows, *service_rows; /* in the registry */
	json_t *dirty;
	/* of a snapshot */
	char *new_host;
	json_t *new_service, *new_instance;
	/* last told */
	int64_t since_wall_ms, heard_wall_ms;
	const char *told;
	struct member *next;
};

struct others {
	struct others_config config;
	struct removal removal;
	struct member *members, *last;
	bool in_snapshot, had_snapshot, rows_known;
	int64_t doubt_until_ms;
	struct log_limit refused;
};

/* What it does not say any more is to go: it lives, or its end is believed. */
bool others_may_delete(const struct member *m);
/* Something of what waits can be written now. */
bool others_has_work(const struct member *m);
