// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * fault - outlive that the index of a registry's log is cut short.
 *
 * SQLite maps the index (-shm) into memory. Who truncates that file, as
 * `cp -a backup/. .` does, turns each access behind its new end into a SIGBUS.
 * While a thread is in SQLite such a page is replaced by an empty one, which
 * only this process sees, so that SQLite comes back by its own ways and gives
 * up its locks. What it has read since is not to be relied on, and nothing may
 * be committed: who calls it compares fault_count() with what it was, and
 * closes the connection, which takes the pages away.
 *
 * Private to this library. Any thread.
 */

/* Catches the signal, if it is not caught yet. */
void fault_catch(void);

/* Around all that SQLite does with a registry; they nest. */
void fault_enter(void);
void fault_leave(void);

/* Pages replaced so far in this process. */
unsigned fault_count(void);
