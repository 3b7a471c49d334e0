// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * loader - what the registry says, into the catalog: a reader of
 * schema/follow.h. Control thread.
 */
#include "schema/base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;
struct follow;
struct loader;
struct reclaim;

/* Borrows both. Never NULL. */
struct loader *loader_new(struct catalog *c, struct reclaim *rec);
void loader_free(struct loader *l);

/*
 * Takes up what the catalog is behind by, also by time: services whose leases
 * have run out by now, or may have. If it was everything, what the registry
 * does not name is removed at the end, if all could be read.
 */
int loader_load(
    struct loader *l, struct follow *f, bool *ret_all, struct diag *reterr);

/*
 * Calls fn for each service that was put into the catalog, with what else was
 * found out about it. NULL: nobody.
 */
struct compile_result;
void loader_on_put(struct loader *l,
    void (*fn)(void *arg, const struct compile_result *r), void *arg);

/*
 * Services that there was no memory for: what was known of them stays, and what
 * is not known of their zones is SERVFAIL. All is read again now and then.
 */
unsigned loader_refused_n(const struct loader *l);

/* Frees what workers can no longer see; call now and then. */
void loader_reclaim(struct loader *l);
size_t loader_service_n(const struct loader *l);
/* What the catalog is at. */
int64_t loader_revision(const struct loader *l);
