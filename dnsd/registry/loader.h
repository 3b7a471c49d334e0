// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * loader - what the registry says, into the catalog.
 *
 * One service, the services changed since a revision, or all of them. Keeps
 * no connection: follow.c opens and closes those. Control thread.
 */
#include "schema/base/diag.h"
#include "schema/registry.h"

#include <stddef.h>
#include <stdint.h>

struct catalog;
struct loader;
struct reclaim;

/* Borrows both. Never NULL. */
struct loader *loader_new(struct catalog *c, struct reclaim *rec);
void loader_free(struct loader *l);

/*
 * Everything; what the registry does not name is removed from the catalog at
 * the end, and only if all could be read. ret_revision: to go on from.
 */
int loader_load_all(struct loader *l, struct registry *r, int64_t *ret_revision,
    struct diag *reterr);

/*
 * What changed since *revision, which it moves forward, in batches of short
 * read transactions. -ESTALE: load everything. On other errors *revision
 * stands behind the last batch that was taken up.
 */
int loader_load_changes(struct loader *l, struct registry *r, int64_t *revision,
    struct diag *reterr);

/* Services whose leases have run out by now, or may have. */
int loader_load_expired(
    struct loader *l, struct registry *r, struct diag *reterr);

/* Frees what workers can no longer see; call now and then. */
void loader_reclaim(struct loader *l);
size_t loader_service_n(const struct loader *l);
