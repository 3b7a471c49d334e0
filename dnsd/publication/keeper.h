// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * keeper - numbers every zone when it is due, and keeps the numbers.
 *
 * The file (serials.h) says a number that none published is beyond, some
 * hundreds ahead, and is written again long before it is reached: by a thread
 * of its own, so that no change waits for a disk. At the end it gets the
 * numbers themselves. A run that ends any other way is followed by one that
 * begins beyond all numbers of the first.
 *
 * What cannot be kept is told once, and tried again; numbers go on, and never
 * go back while the process lives. Control thread, on its event base.
 */
struct catalog;
struct event_base;
struct keeper;

/*
 * Takes up what is kept in the directory. Borrows all; the zones are in the
 * catalog. Never NULL.
 */
struct keeper *keeper_new(
    struct event_base *base, struct catalog *c, const char *directory);
/*
 * Before the first answer, and when what there is has been read: gives the
 * zones their numbers, and waits a moment until they are kept.
 */
void keeper_begin(struct keeper *k);
/* After the last answer, before the catalog. NULL is ignored. */
void keeper_free(struct keeper *k);
