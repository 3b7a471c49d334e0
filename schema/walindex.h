// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * walindex - is the index of a registry's log (-shm) what its header says?
 *
 * Somebody may have cut that file short, as `cp -a backup/. .` does, while
 * other programs have it open. SQLite makes it as long again, by zeros, and
 * trusts the header: the pages that zeros do not name are read from the
 * database, in a state of long ago, or as none at all, where a writer would
 * make a new registry over what is there. An index whose header is wiped is
 * made anew from the log.
 *
 * Private to this library.
 */
#include "schema/base/diag.h"

#include <sqlite3.h>

/*
 * Of a connection that has read nothing yet, in fault_enter(). 0: it is whole,
 * or will be made anew. -EBUSY: somebody writes; -EUCLEAN: we may not mend it.
 */
int walindex_mend(
    sqlite3 *db, const char *path, int busy_ms, struct diag *reterr);
