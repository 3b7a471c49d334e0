// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * budget - what this process itself is short of.
 *
 * Want of descriptors, memory, processes, buffers or local ports says nothing
 * of what was to be looked at, so it is never a verdict. The last descriptors
 * are not for checks: the registry and definitions need some.
 */
#include <stdbool.h>

/* Checks take descriptors below this one: three quarters, or all but 64. */
int budget_descriptors(void);

/*
 * For a descriptor that was just got, or -E..: it, or -EMFILE (then it is
 * closed), if it is not below max. The kernel gives the lowest that is free.
 */
int budget_take(int max, int fd);

/* Can one more be had? 0, or -E.. as budget_take(). */
int budget_look(int max);

/*
 * Is this -E.. our own shortage? Of EAGAIN: where it is said by fork(2),
 * execve(2) and their like alone, so callers ask for it themselves.
 */
bool budget_is_short(int error);
