// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * definition_set - which file an instance belongs to.
 *
 * Several files may add instances to one service, but an instance belongs to
 * one file: the first that named it keeps it, another file that names it too
 * is refused. So is one whose services would require each other in a loop with
 * those of others. O(1) for each instance.
 */
#include "registrar/definition/definition.h"

struct definition_set;

struct definition_set *definition_set_new(void);
void definition_set_free(struct definition_set *s);

/*
 * Claim all instances of d for d->file, in place of what that file held.
 * -EEXIST: another file holds some, reterr names it for each, or is part of a
 * loop; the set is as before. Keeps nothing of d.
 */
int definition_set_claim(
    struct definition_set *s, const struct definition *d, struct diags *reterr);

/*
 * One more for a file that has claimed: what its for_each found. -EEXIST: as
 * above. Made void by the next claim of the file.
 */
int definition_set_claim_made(struct definition_set *set, const char *file,
    const struct definition_service *s, const struct definition_instance *i,
    struct diags *reterr);
void definition_set_release_made(struct definition_set *set, const char *file,
    const struct definition_service *s, const struct definition_instance *i);

/* The file is gone. */
void definition_set_release(struct definition_set *s, const char *file);
