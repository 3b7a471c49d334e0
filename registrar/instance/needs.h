// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * needs - whether the services that others require have an eligible instance.
 *
 * The registry says so, whoever wrote it. It is looked at when they have
 * changed, and each second for leases that run out; while it cannot be read
 * what was known stays.
 *
 * One thread.
 */
#include "registrar/store/store.h"

struct need;
struct needs;

/* Embedded in whoever requires a service. */
struct need_user {
	/* private */
	struct need *need; /* NULL: none */
	void *arg;
	LIST_ENTRY(need_user) link;
};

/* A service that this user requires came or went; may not take or drop. */
typedef void (*need_fn)(void *arg, struct need_user *u);

/* Borrows both. */
struct needs *needs_new(struct timers *ts, struct store *st, need_fn fn);
/* After all users. */
void needs_free(struct needs *n);

/* Of this service, or of any (NULL), something has changed. */
void needs_changed(struct needs *n, const char *zone, const char *service);

/* Copies the names. */
void need_take(struct needs *n, struct need_user *u, const char *zone,
    const char *service, void *arg);
void need_drop(struct needs *n, struct need_user *u);

enum need_state {
	NEED_UNKNOWN, /* before the first look */
	NEED_MET,
	NEED_UNMET,
};
enum need_state need_state(const struct need_user *u);
/* The service that it is about; borrowed from it. */
const char *need_service(const struct need_user *u);
