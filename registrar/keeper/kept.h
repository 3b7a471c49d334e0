// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * kept - the other end of keeper.h, in a program that it has started.
 *
 * Answers the keeper from the event loop, so that a loop that is stuck is
 * seen. A program that was started by hand has no keeper; if a service
 * manager started it, that gets its watchdog's beats (sd_notify(3)) instead.
 */
#include <stdbool.h>

struct event_base;
struct kept;

#define KEPT_FD 3
#define KEPT_ENV "ROLLCALL_KEPT" /* is set for the program: "3" */

/*
 * gone(arg): the registrar is gone; comes once. Before the sandbox, and before
 * other threads.
 */
struct kept *kept_attach(
    struct event_base *base, void (*gone)(void *arg), void *arg);
bool kept_has_keeper(const struct kept *k);
void kept_free(struct kept *k);
