// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * zonewatch - the directories that zone files and what they include lie in,
 * watched by inotify.
 *
 * What is wanted is named anew after each look: zonewatch_begin(), then each
 * directory, then zonewatch_end(), which lets go of the others. A directory
 * that was replaced by another of its name is watched again that way. Any one
 * thread.
 */
#include "schema/base/diag.h"

#include <stdbool.h>

struct zonewatch;

/* Borrows the directory's path. NULL: there is no inotify, errno says why. */
struct zonewatch *zonewatch_new(const char *directory);
void zonewatch_free(struct zonewatch *w); /* NULL is ignored */

/* Readable when something happened. */
int zonewatch_fd(const struct zonewatch *w);
/* Forgets what happened so far. */
void zonewatch_drain(struct zonewatch *w);

void zonewatch_begin(struct zonewatch *w);
/* The directory itself, and each one on the way to a file below it. */
void zonewatch_want(struct zonewatch *w, const char *file);
/*
 * 0, or why some directory cannot be watched, -ENOSPC when there are more than
 * the system allows. What does not exist is no error: the one above is watched.
 */
int zonewatch_end(struct zonewatch *w, struct diag *reterr);
