// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * defthread - the watched directory, looked at by a thread (defdir.h).
 *
 * Whatever is done to files may hang, and thousands of them may change at
 * once. So a thread has the directory to itself, and the loop is told what it
 * found: a few milliseconds of it a turn. When the thread does not answer, the
 * directory cannot be read (failed() of NULL), and whatever was in force stays
 * so.
 *
 * One thread, that of the event base, which all callbacks come from.
 */
#include "registrar/watchdir/defdir.h"

#include <sys/types.h>

struct defthread;
struct event_base;

#define DEFTHREAD_SILENT_MS 2000 /* it hangs */

/* As defdir_new(), and defdir_trust(). */
struct defthread *defthread_new(struct event_base *base, const char *path,
    size_t max_len, uid_t owner, const struct defdir_ops *ops);
/* What hangs is left to the end of the program. NULL is ignored. */
void defthread_free(struct defthread *t);

/*
 * Begin: not before the sandbox, which holds for threads that come after it.
 * Returns when all that there is was told, or when it hangs; -E..: no thread
 * can be had.
 */
int defthread_start(struct defthread *t, struct diag *reterr);

/* As defdir_rescan(), soon. */
void defthread_rescan(struct defthread *t);
