// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * follow - keep the catalog at what the registry says.
 *
 * Whoever commits to the file is noticed by inotify; since SQLite writes its
 * log before it publishes the log's index, a reader that is woken by the
 * write may still see the old state. More looks follow, after 0.1 ms and then
 * twice as long each time, in case the writer has lost its processor, fewer
 * once a change is found; one comes in any case every 20 ms. A look that finds
 * nothing costs some 5 us.
 *
 * The file may not exist yet, be locked, damaged, deleted or replaced: the
 * catalog keeps what it has, one line in the log says so, and what is there
 * next is taken up. Control thread, on its event base.
 */
#include <stdbool.h>

struct event_base;
struct follow;
struct loader;

/*
 * Looks for the first time at once. Borrows all three; the base wants
 * EVENT_BASE_FLAG_PRECISE_TIMER.
 */
struct follow *follow_new(
    struct event_base *base, const char *path, struct loader *l);
void follow_free(struct follow *f);

/* Looks now; for SIGHUP. */
void follow_look(struct follow *f);
