// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * loader - which text of each definition file is in force.
 *
 * A text that is wrong, or that defines what another file has, is reported
 * and changes nothing: the last good version holds. Good texts are kept in
 * the registry, so that they hold over a restart as well; while the watched
 * directory cannot be read they are all there is.
 *
 * Fed by defdir.h and by the store; one thread. Logs.
 */
#include "registrar/definition/definition.h"
#include "registrar/watchdir/defdir.h"

#include <stdbool.h>

struct discovery;
struct fleet;
struct loader;
struct store;

/*
 * Borrows all, and the strings of defaults; dir is the watched directory.
 * discovery NULL: for_each finds nothing.
 */
struct loader *loader_new(const char *dir,
    const struct definition_defaults *defaults, struct fleet *fleet,
    struct store *store, struct discovery *discovery);
void loader_free(struct loader *l);

void loader_changed(struct loader *l, const struct defdir_text *t);
void loader_removed(struct loader *l, const char *name);
/* It cannot be read; name NULL: the directory. */
void loader_failed(struct loader *l, const char *name, const char *why);
/* It is there, but holds nothing: as if it could not be read. */
void loader_hollow(struct loader *l, const char *why);
/*
 * All of one burst was told. whole: the directory is known; at the first time
 * what it does not hold is withdrawn. leaving: as defdir_ops.settled().
 */
void loader_settled(struct loader *l, bool whole, bool leaving);

/* The registry is open, or another one is: texts can be had and kept. */
void loader_registry_opened(struct loader *l);

/* discovery_env.settled: what could not be told before is known. */
void loader_found(struct loader *l);

/* For struct store_config. */
bool loader_row_wanted(const struct loader *l, const char *zone,
    const char *service, const char *instance, const char *definition);
bool loader_file_wanted(const struct loader *l, const char *file);
