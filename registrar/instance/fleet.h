// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * fleet - all instances of all files in force.
 *
 * A new version of a file is taken up by difference: instances that it still
 * names go on, others are withdrawn from the registry. Several files may add
 * instances to one service; the first of them by name says what the service
 * itself is. An instance belongs to one file.
 *
 * One thread.
 */
#include "registrar/definition/definition.h"
#include "registrar/instance/instance.h"

struct definition_made;
struct fleet;

/* Borrows env. */
struct fleet *fleet_new(const struct instance_env *env);
/* Nothing is withdrawn: the rows stay for the next run. */
void fleet_free(struct fleet *f);

/*
 * Put d in force in place of what its file said before. Consumes d, unless
 * another file defines one of its instances: -EEXIST, all as before.
 */
int fleet_put(struct fleet *f, struct definition *d, struct diags *reterr);
/* The file is gone. */
void fleet_remove(struct fleet *f, const char *file);

/*
 * An instance that a for_each of this file, which is in force, found; s is of
 * that version. again: it has the one of that name already, which is edited.
 * Consumes made, unless -EEXIST: another definition has the name, or -ENOSPC:
 * the file has DEFINITION_MAX_INSTANCES.
 */
int fleet_put_made(struct fleet *f, const char *file,
    const struct definition_service *s, struct definition_made *made,
    bool again, struct diags *reterr);
/* Withdraw it, if the file has one of that name that was found. */
void fleet_drop_made(struct fleet *f, const char *file,
    const struct definition_service *s, const char *name);

/*
 * A burst of changes is over: withdraw what no file names any more. Until
 * then another file may take it over, and it goes on as if nothing happened.
 */
void fleet_settle(struct fleet *f);

/* Borrowed; NULL: no file names it. */
struct instance *fleet_find(const struct fleet *f, const char *zone,
    const char *service, const char *instance);

/*
 * Is it defined, and not withdrawn for being bad for too long? instance NULL:
 * the service.
 */
bool fleet_has(const struct fleet *f, const char *zone, const char *service,
    const char *instance);
