// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * trust - who may say what the registrar runs.
 *
 * A definition names programs, so whoever can write it can do what the
 * registrar can. It counts if it belongs to root, to the registrar's own user
 * or to one more that the operator names, and nobody else may write to it.
 * Of a symlink both are looked at: itself, and what it points at once that is
 * open.
 */
#include "schema/base/diag.h"

#include <sys/stat.h>
#include <sys/types.h>

#define TRUST_NOBODY ((uid_t)-1)

/*
 * The owner `also` (or TRUST_NOBODY) besides root and us. A directory that
 * others may write to is good if it is sticky: they cannot replace in it what
 * is not theirs. -EPERM: reterr says what is wrong.
 */
int trust_check(const struct stat *st, uid_t also, struct diag *reterr);
/* Of that what does not depend on who we are. */
int trust_check_mode(const struct stat *st, struct diag *reterr);

/* A name or number of a user; NULL: TRUST_NOBODY. -ENOENT: there is none. */
int trust_find_user(const char *name, uid_t *ret_uid, struct diag *reterr);
